//! Storms in which durable nodes are killed, one after the other or all at once, and messages to
//! and from the service that holds their journals are lost like all others. Acknowledged messages
//! must be visible in the end, and the result of every poll must be a range of the final log.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_log::{Flags, KafkaLog};
use serde::Deserialize;
use shared::{Rng, read_flags, with_flags};
use simulator::latency::Latency;
use simulator::network::MessageFaults;
use simulator::testing::{Conditions, TestCluster, for_each_seed};

const KEYS: u64 = 3;

/// The maximum time after the storm until all messages are visible, with the longest backoff.
const RECOVERY: Duration = Duration::from_secs(60);

/// The worst conditions of a storm.
const WORST: Conditions = Conditions {
    latency: Latency::constant(100),
    faults: MessageFaults {
        loss: 0.4,
        duplicate: 0.3,
        delay: Duration::from_millis(1500),
    },
};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Messages by offset.
type Messages = BTreeMap<u64, u64>;

/// A pending operation of a client.
enum Operation {
    Send { key: String, message: u64 },
    Poll { from: BTreeMap<String, u64> },
    Commit { key: String, offset: u64 },
    List { node: String },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "these are the protocol's names")]
enum Answer {
    SendOk {
        offset: u64,
    },
    PollOk {
        msgs: BTreeMap<String, Vec<(u64, u64)>>,
    },
    CommitOffsetsOk,
    ListCommittedOffsetsOk {
        offsets: BTreeMap<String, u64>,
    },
}

#[derive(Deserialize)]
struct AnswerId {
    in_reply_to: u64,
}

/// A cluster in a storm, its clients' pending operations, and the answers that they have received.
struct Storm {
    cluster: TestCluster<KafkaLog>,
    /// Operations without an answer by number, each with its node.
    pending: BTreeMap<u64, (String, Operation)>,
    /// The number of the last operation.
    last: u64,
    /// All sends that were acknowledged.
    acknowledged: BTreeMap<String, Messages>,
    /// The result of every poll: the key, the offset asked for, and the messages.
    shown: Vec<(String, u64, Messages)>,
    committed: BTreeMap<String, u64>,
    /// The committed offset that each node has last returned for each key.
    listed: BTreeMap<(String, String), u64>,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(4) as usize;
        let mut flags: Flags = read_flags("kafka-log", &["--durable"]).unwrap();
        flags.tree.fan_out = Some([1, 2, 24][rng.below(3) as usize]);
        flags.durability.journal_window = Some(rng.below(2) * rng.below(300));
        flags.poll_limit = 1 + rng.below(2) as u32 * 1000;
        let boot = with_flags(flags, KafkaLog::boot);
        Storm {
            cluster: TestCluster::of_nodes(
                size,
                rng.next_u64(),
                Conditions::draw_up_to(&WORST, rng),
                boot,
            ),
            pending: BTreeMap::new(),
            last: 0,
            acknowledged: BTreeMap::new(),
            shown: Vec::new(),
            committed: BTreeMap::new(),
            listed: BTreeMap::new(),
        }
    }

    fn invoke(&mut self, node: &str, body: &str, operation: Operation) {
        if !self.cluster.is_up(node) {
            return;
        }
        self.last += 1;
        let body = format!(r#"{{"msg_id":{},{body}}}"#, self.last);
        self.pending.insert(self.last, (node.to_owned(), operation));
        self.cluster.deliver("c1", node, &body);
        self.collect_answers();
    }

    fn pass(&mut self, time: Duration) {
        self.cluster.advance(time);
        self.collect_answers();
    }

    /// Completes the operations that nodes have answered.
    fn collect_answers(&mut self) {
        for sent in std::mem::take(&mut self.cluster.sent) {
            if sent.dest == "c1" {
                let id: AnswerId = serde_json::from_str(&sent.body).unwrap();
                let (_, operation) = self.pending.remove(&id.in_reply_to).unwrap();
                self.on_answer(operation, serde_json::from_str(&sent.body).unwrap());
            }
        }
    }

    fn on_answer(&mut self, operation: Operation, answer: Answer) {
        match (operation, answer) {
            (Operation::Send { key, message }, Answer::SendOk { offset }) => {
                let log = self.acknowledged.entry(key).or_default();
                let before = log.insert(offset, message);
                assert_eq!(before, None, "offset {offset} is issued twice");
            }
            (Operation::Poll { from }, Answer::PollOk { msgs }) => {
                for (key, messages) in msgs {
                    let from = from[&key];
                    self.shown.push((key, from, messages.into_iter().collect()));
                }
            }
            (Operation::Commit { key, offset }, Answer::CommitOffsetsOk) => {
                let committed = self.committed.entry(key).or_default();
                *committed = offset.max(*committed);
            }
            (Operation::List { node }, Answer::ListCommittedOffsetsOk { offsets }) => {
                for key in (0..KEYS).map(|key| key.to_string()) {
                    let offset = offsets.get(&key).copied().unwrap_or(0);
                    let before = self.listed.insert((node.clone(), key), offset);
                    assert!(before <= Some(offset), "{node} goes back from {before:?}");
                }
            }
            _ => panic!("the answer does not match its request"),
        }
    }

    fn send(&mut self, rng: &mut Rng, node: &str) {
        let (key, message) = (any_key(rng), self.last);
        let body = format!(r#""type":"send","key":"{key}","msg":{message}"#);
        self.invoke(node, &body, Operation::Send { key, message });
    }

    fn poll(&mut self, node: &str, from: BTreeMap<String, u64>) {
        let offsets = serde_json::to_string(&from).unwrap();
        let body = format!(r#""type":"poll","offsets":{offsets}"#);
        self.invoke(node, &body, Operation::Poll { from });
    }

    fn commit(&mut self, rng: &mut Rng, node: &str) {
        let (key, offset) = (any_key(rng), rng.below(50));
        let body = format!(r#""type":"commit_offsets","offsets":{{"{key}":{offset}}}"#);
        self.invoke(node, &body, Operation::Commit { key, offset });
    }

    fn list(&mut self, node: &str) {
        let keys: Vec<String> = (0..KEYS).map(|key| key.to_string()).collect();
        let keys = serde_json::to_string(&keys).unwrap();
        let body = format!(r#""type":"list_committed_offsets","keys":{keys}"#);
        let node = node.to_owned();
        self.invoke(&node.clone(), &body, Operation::List { node });
    }

    /// Kills some nodes, whose pending operations will never be answered.
    fn kill(&mut self, rng: &mut Rng) {
        let victims = self.cluster.restart_and_kill(rng);
        self.collect_answers();
        self.pending.retain(|_, (node, _)| !victims.contains(node));
    }

    fn start_all(&mut self) {
        self.cluster.restart_dead();
        self.collect_answers();
    }

    fn run_steps(&mut self, rng: &mut Rng) {
        for _ in 0..rng.below(120) {
            let node = self.cluster.random_node(rng);
            match rng.below(16) {
                0 => self.cluster.partition(rng),
                1 => self
                    .cluster
                    .set_conditions(Conditions::draw_up_to(&WORST, rng)),
                2 => self.kill(rng),
                3 => self.start_all(),
                4 => self.cluster.cut_off_service(rng),
                5 | 6 => self.pass(ms(rng.below(6000))),
                7 => self.commit(rng, &node),
                8 => self.list(&node),
                9 | 10 => {
                    let from = rng.below(2) * rng.below(20);
                    self.poll(&node, BTreeMap::from([(any_key(rng), from)]));
                }
                _ => {
                    self.send(rng, &node);
                    self.pass(ms(rng.below(300)));
                }
            }
        }
    }

    /// All messages that a node shows, poll by poll.
    fn read_all(&mut self, node: &str) -> BTreeMap<String, Messages> {
        let mut all: BTreeMap<String, Messages> = BTreeMap::new();
        for key in (0..KEYS).map(|key| key.to_string()) {
            let log = all.entry(key.clone()).or_default();
            let mut next = 0;
            loop {
                self.shown.clear();
                self.poll(node, BTreeMap::from([(key.clone(), next)]));
                let Some((_, _, messages)) = self.shown.pop() else {
                    break;
                };
                next = messages.last_key_value().unwrap().0 + 1;
                log.extend(messages);
            }
        }
        all
    }
}

fn any_key(rng: &mut Rng) -> String {
    rng.below(KEYS).to_string()
}

#[test]
fn nothing_acknowledged_is_lost_and_no_poll_skips_when_nodes_are_killed() {
    for_each_seed(0..1_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.run_steps(rng);
        storm.start_all();
        storm.cluster.end_faults(Latency::uniform(50));
        storm.pass(RECOVERY);
        assert!(storm.pending.is_empty(), "all living nodes have answered");
        let shown = std::mem::take(&mut storm.shown);
        let log = storm.read_all("n0");
        for (key, messages) in &storm.acknowledged {
            for (offset, message) in messages {
                assert_eq!(log[key].get(offset), Some(message), "{key} {offset}");
            }
        }
        for (key, from, messages) in shown {
            let (last, _) = messages.last_key_value().expect("no empty list");
            let expected = log[&key].range(from..=*last);
            assert!(expected.eq(&messages), "{key} from {from} on: {messages:?}");
        }
        for node in storm.cluster.names.clone() {
            assert_eq!(storm.read_all(&node), log, "{node}");
            storm.list(&node);
            for (key, offset) in &storm.committed {
                let listed = storm.listed[&(node.clone(), key.clone())];
                assert!(listed >= *offset, "{node} {key}");
            }
        }
        assert!(storm.cluster.becomes_idle(ms(10_000)));
    });
}
