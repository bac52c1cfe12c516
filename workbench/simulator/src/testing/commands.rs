//! The commands with which a transcript drives a cluster.

use std::fmt::Write;
use std::time::Duration;

use shared::{Cluster, Context, Node};

use super::{Conditions, TestCluster, transcript};
use crate::latency::Latency;

/// Replays the transcripts in a folder, each in a new cluster without faults and with this latency.
/// The commands are those of [`TestCluster::execute`].
///
/// # Panics
/// When a transcript's outcome has changed; see [`transcript::check`].
pub fn check_transcripts<F, N>(folder: &str, latency: Latency, boot: F)
where
    F: Fn(Cluster, &mut Context<N::Event>) -> N + Clone + Send + Sync + 'static,
    N: Node,
{
    transcript::check(folder, || {
        let mut cluster = TestCluster::new(1, Conditions::reliable(latency), boot.clone());
        move |command: &str| cluster.execute(command)
    });
}

impl<N: Node> TestCluster<N> {
    /// Executes a transcript's command and returns the messages that were sent since the last one,
    /// in lines such as `340ms n0→n1 {…}`, then the log lines. The commands:
    ///
    /// - `start n1 of n0 n1 n2` starts a node with `init`, `start n1` one that waits for `init`,
    ///   and `kill n1` kills it;
    /// - `c1 n0 {"type": …}` delivers a message;
    /// - `wait 340ms` advances the clock;
    /// - `cut n0 n1` cuts two nodes off from each other, both ways, and `heal` ends all cuts;
    /// - `silence` returns whether the cluster [is idle](TestCluster::is_idle).
    ///
    /// # Panics
    /// When it is none of these.
    pub fn execute(&mut self, command: &str) -> String {
        let words: Vec<&str> = command.splitn(3, ' ').collect();
        match words[..] {
            ["start", name, cluster] => {
                let cluster: Vec<String> = cluster.split(' ').skip(1).map(str::to_owned).collect();
                self.start_among(name, &cluster);
            }
            ["start", name] => self.start(name),
            ["kill", name] => self.kill(name),
            ["wait", duration] => self.advance(milliseconds(duration)),
            ["cut", one, other] => {
                self.cut_one_way(one, other);
                self.cut_one_way(other, one);
            }
            ["heal"] => self.heal(),
            ["silence"] => return self.is_idle().to_string(),
            [src, dest, body] => self.deliver(src, dest, body),
            _ => panic!("no such command: {command}"),
        }
        self.take_output()
    }

    fn take_output(&mut self) -> String {
        let mut output = String::new();
        for sent in self.sent.drain(..) {
            let (at, src, dest, body) = (sent.at, sent.src, sent.dest, sent.body);
            let _ = writeln!(output, "{at:?} {src}→{dest} {body}");
        }
        for (name, line) in self.logs.drain(..) {
            let _ = writeln!(output, "{name} logs: {line}");
        }
        output
    }
}

fn milliseconds(text: &str) -> Duration {
    let number = text.strip_suffix("ms").and_then(|ms| ms.parse().ok());
    Duration::from_millis(number.expect("milliseconds, as in 50ms"))
}
