//! Clusters, told as transcripts. Between nodes every message takes 100 ms.
//!
//! The commands: `start n1 of n0 n1 n2` boots a node; `c1 n0 {"type": …}` is what somebody says to
//! a node; `wait 340ms` lets time pass; `cut n0 n1` parts two nodes, both ways, and `heal` joins
//! all. What followed is told as `340ms n0→n1 {…}`.

use std::fmt::Write;
use std::time::Duration;

use broadcast::Flags;
use clap::Parser;
use shared::transcript;

use crate::network::{Network, Weather};

const WEATHER: Weather = Weather {
    latency: (100, 100),
    loss: 0,
    doubled: 0,
};

/// The flags as a command line gives them.
#[derive(Parser)]
pub struct CommandLine {
    #[command(flatten)]
    pub flags: Flags,
}

fn obey(network: &mut Network, command: &str) -> String {
    let words: Vec<&str> = command.splitn(3, ' ').collect();
    match words[..] {
        ["start", name, nodes] => {
            let nodes: Vec<&str> = nodes.split(' ').skip(1).collect();
            network.start(name, &CommandLine::parse_from(["broadcast"]).flags);
            let nodes = serde_json::to_string(&nodes).expect("names are JSON");
            let ids = format!(r#""node_id":"{name}","node_ids":{nodes}"#);
            network.tell(
                "c0",
                name,
                &format!(r#"{{"type":"init","msg_id":1,{ids}}}"#),
            );
        }
        ["start", name] => network.start(name, &CommandLine::parse_from(["broadcast"]).flags),
        ["wait", duration] => {
            let number = duration.strip_suffix("ms").and_then(|ms| ms.parse().ok());
            let duration = Duration::from_millis(number.expect("milliseconds, as in 50ms"));
            network.run_until(network.now + duration);
        }
        ["cut", one, other] => {
            for (src, dest) in [(one, other), (other, one)] {
                network.cuts.insert((src.to_owned(), dest.to_owned()));
            }
        }
        ["heal"] => network.cuts.clear(),
        ["silence"] => return network.is_silent().to_string(),
        [src, dest, body] => network.tell(src, dest, body),
        _ => panic!("no such command: {command}"),
    }
    let mut told = String::new();
    for said in network.said.drain(..) {
        let _ = writeln!(
            told,
            "{:?} {}→{} {}",
            said.at, said.src, said.dest, said.body
        );
    }
    for (node, remark) in network.remarks.drain(..) {
        let _ = writeln!(told, "{node} remarks: {remark}");
    }
    told
}

#[test]
fn clusters_do_as_their_transcripts_tell() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/transcripts");
    transcript::check(folder, || {
        let mut network = Network::new(1, WEATHER);
        move |command: &str| obey(&mut network, command)
    });
}
