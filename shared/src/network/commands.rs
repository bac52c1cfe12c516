//! A network played by the commands of a transcript.

use std::fmt::Write;
use std::time::Duration;

use super::Network;
use crate::node::Node;

impl<N: Node> Network<N> {
    /// Does as a transcript's command says, and tells what followed in lines such as
    /// `340ms n0→n1 {…}`. The commands:
    ///
    /// - `start n1 of n0 n1 n2` boots a node as one of three, `start n1` one that waits for `init`;
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
