//! Lines of the bench into each of our nodes: `init`, requests, other nodes' packets and services'
//! answers, of any text.

use std::time::Duration;

use serde_json::Value;
use shared::Outbox;
use simulator::simulation::{Host, Incarnation};
use simulator::workload::Name;

use crate::bytes::Bytes;
use crate::cluster::factory;

/// The names with a node of ours, and whether it is durable.
const NODES: [(Name, bool); 10] = [
    (Name::Echo, false),
    (Name::UniqueIds, false),
    (Name::Broadcast, false),
    (Name::Broadcast, true),
    (Name::GCounter, false),
    (Name::GCounter, true),
    (Name::Kafka, false),
    (Name::Kafka, true),
    (Name::TxnRwRegister, false),
    (Name::TxnRwRegister, true),
];

const INIT: &str = r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n0","n1","n2"]}}"#;

/// The limit of timers that are waited for after each line.
const MAX_WAKES: usize = 8;

/// The first byte is the node, the second says whether it receives a valid `init` first. In each line
/// after them, `@0` to `@9` stand for the numbers of the node's last calls, so that it can be an answer.
pub(crate) fn drive(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let (name, is_durable) = bytes.pick(&NODES);
    let incarnation = Incarnation {
        node: 0,
        number: 0,
        seed: 7,
    };
    let mut node = Driven {
        host: factory(name, is_durable)(incarnation).expect("our nodes start"),
        now: Duration::ZERO,
        calls: Vec::new(),
    };
    let choice = bytes.byte();
    if choice & 1 == 0 {
        node.receive(INIT);
    }
    while !bytes.is_empty() {
        let text = String::from_utf8_lossy(bytes.line());
        // A digit before a line is the number of deadlines that pass before it.
        let wakes = text.bytes().next().filter(u8::is_ascii_digit);
        let wakes = usize::from(wakes.map_or(0, |digit| digit - b'0')).min(MAX_WAKES);
        (0..wakes).for_each(|_| node.wake());
        let line = text.trim_start_matches(|c: char| c.is_ascii_digit());
        node.receive(&node.with_calls(line));
    }
    (0..MAX_WAKES).for_each(|_| node.wake());
}

struct Driven {
    host: Box<dyn Host>,
    now: Duration,
    /// Numbers of its calls.
    calls: Vec<u64>,
}

impl Driven {
    fn receive(&mut self, line: &str) {
        self.host.receive(self.now, line);
        self.check_output();
    }

    fn wake(&mut self) {
        if let Some(deadline) = self.host.deadline() {
            self.now = self.now.max(deadline);
            self.host.wake(self.now);
            self.check_output();
        }
    }

    /// Whatever a node receives, it prints messages of the protocol, each on a line.
    fn check_output(&mut self) {
        let mut outbox = Outbox::default();
        self.host.drain(&mut outbox);
        let printed = std::str::from_utf8(&outbox.lines).expect("a node prints text");
        assert!(printed.is_empty() || printed.ends_with('\n'), "{printed}");
        for line in printed.lines() {
            let message: Value = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("a node prints no JSON, {error}: {line}"));
            let has_head = ["src", "dest"].iter().all(|name| message[name].is_string());
            assert!(has_head && message["body"]["type"].is_string(), "{line}");
            self.calls.extend(message["body"]["msg_id"].as_u64());
        }
    }

    fn with_calls(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (digit, number) in ('0'..='9').zip(self.calls.iter().rev()) {
            line = line.replace(&format!("@{digit}"), &number.to_string());
        }
        line
    }
}
