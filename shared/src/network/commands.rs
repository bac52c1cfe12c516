//! A network played by the commands of a transcript.

use std::fmt::Write;
use std::time::Duration;

use clap::Args;

use super::{Network, Weather};
use crate::context::Context;
use crate::flags::{read_flags, with_flags};
use crate::id::Cluster;
use crate::node::Node;
use crate::transcript;

/// Replays the transcripts in a folder, each in a network of its own where every message between
/// nodes takes so many milliseconds. Nodes have the flags that an empty command line gives them.
///
/// # Panics
/// When something else follows than is told.
pub fn check_transcripts<F, N>(
    folder: &str,
    latency_ms: u64,
    boot: fn(&F, &Cluster, &mut Context<N::Event>) -> N,
) where
    F: Args + Clone + Send + Sync + 'static,
    N: Node,
{
    check_transcripts_with(&[], folder, latency_ms, boot);
}

/// As [`check_transcripts`], of nodes that are started with these words on their command line.
///
/// # Panics
/// When something else follows than is told, or nodes do not take these words.
pub fn check_transcripts_with<F, N>(
    words: &[&str],
    folder: &str,
    latency_ms: u64,
    boot: fn(&F, &Cluster, &mut Context<N::Event>) -> N,
) where
    F: Args + Clone + Send + Sync + 'static,
    N: Node,
{
    transcript::check(folder, || {
        let flags: F = read_flags("node", words).expect("flags of this node");
        let weather = Weather::calm((latency_ms, latency_ms));
        let mut network = Network::new(1, weather, with_flags(flags, boot));
        move |command: &str| network.obey(command)
    });
}

impl<N: Node> Network<N> {
    /// Does as a transcript's command says, and tells what followed in lines such as
    /// `340ms n0→n1 {…}`. The commands:
    ///
    /// - `start n1 of n0 n1 n2` boots a node as one of three, `start n1` one that waits for `init`,
    ///   and `kill n1` takes it away;
    /// - `c1 n0 {"type": …}` is what somebody says to a node;
    /// - `wait 340ms` lets time pass;
    /// - `cut n0 n1` parts two nodes, both ways, and `heal` joins all;
    /// - `silence` tells whether nothing will ever happen again by itself.
    ///
    /// # Panics
    /// When it is none of these.
    pub fn obey(&mut self, command: &str) -> String {
        let words: Vec<&str> = command.splitn(3, ' ').collect();
        match words[..] {
            ["start", name, cluster] => {
                let cluster: Vec<String> = cluster.split(' ').skip(1).map(str::to_owned).collect();
                self.start_among(name, &cluster);
            }
            ["start", name] => self.start(name),
            ["kill", name] => self.kill(name),
            ["wait", duration] => self.pass(milliseconds(duration)),
            ["cut", one, other] => {
                for (src, dest) in [(one, other), (other, one)] {
                    self.cuts.insert((src.to_owned(), dest.to_owned()));
                }
            }
            ["heal"] => self.cuts.clear(),
            ["silence"] => return self.is_silent().to_string(),
            [src, dest, body] => self.tell(src, dest, body),
            _ => panic!("no such command: {command}"),
        }
        self.tell_what_followed()
    }

    fn tell_what_followed(&mut self) -> String {
        let mut told = String::new();
        for said in self.said.drain(..) {
            let (at, src, dest, body) = (said.at, said.src, said.dest, said.body);
            let _ = writeln!(told, "{at:?} {src}→{dest} {body}");
        }
        for (node, remark) in self.remarks.drain(..) {
            let _ = writeln!(told, "{node} remarks: {remark}");
        }
        told
    }
}

fn milliseconds(text: &str) -> Duration {
    let number = text.strip_suffix("ms").and_then(|ms| ms.parse().ok());
    Duration::from_millis(number.expect("milliseconds, as in 50ms"))
}
