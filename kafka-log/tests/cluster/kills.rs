//! Storms in which durable nodes are killed, one after the other or all at once, and the service
//! that holds their journals is as hard to reach as anybody. What was acknowledged must turn up, and
//! whatever any poll has shown must be a stretch of the one log that all agree on in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_log::{Flags, KafkaLog};
use serde::Deserialize;
use shared::{Rng, read_flags, with_flags};
use simulator::latency::Latency;
use simulator::network::MessageFaults;
use simulator::testing::{Conditions, TestCluster, for_each_seed};

const KEYS: u64 = 3;

/// From the calm until everything has turned up, however patient a node has become meanwhile.
const SETTLED: Duration = Duration::from_secs(60);

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

/// What a client has asked a node.
enum Asked {
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
struct Answered {
    in_reply_to: u64,
}

/// A cluster in a storm, what its clients have asked, and what they were told.
struct Storm {
    cluster: TestCluster<KafkaLog>,
    /// What is not answered yet, and by whom it should be.
    asked: BTreeMap<u64, (String, Asked)>,
    /// The number of the last question.
    last: u64,
    /// All sends that were acknowledged.
    acknowledged: BTreeMap<String, Messages>,
    /// Every stretch of a log that was shown, with the offset from which on.
    shown: Vec<(String, u64, Messages)>,
    committed: BTreeMap<String, u64>,
    /// What each node has said of committed offsets, in any of its lives.
    listed: BTreeMap<(String, String), u64>,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(4) as usize;
        let mut flags: Flags = read_flags("kafka-log", &["--durable"]).unwrap();
        flags.durability.journal_window = rng.below(2) * rng.below(300);
        flags.poll_limit = 1 + rng.below(2) as u32 * 1000;
        let boot = with_flags(flags, KafkaLog::boot);
        Storm {
            cluster: TestCluster::of_nodes(
                size,
                rng.next_u64(),
                Conditions::draw_up_to(&WORST, rng),
                boot,
            ),
            asked: BTreeMap::new(),
            last: 0,
            acknowledged: BTreeMap::new(),
            shown: Vec::new(),
            committed: BTreeMap::new(),
            listed: BTreeMap::new(),
        }
    }

    fn ask(&mut self, node: &str, body: &str, asked: Asked) {
        if !self.cluster.is_up(node) {
            return;
        }
        self.last += 1;
        let body = format!(r#"{{"msg_id":{},{body}}}"#, self.last);
        self.asked.insert(self.last, (node.to_owned(), asked));
        self.cluster.deliver("c1", node, &body);
        self.listen();
    }

    fn pass(&mut self, time: Duration) {
        self.cluster.advance(time);
        self.listen();
    }

    /// Takes in what clients have been answered.
    fn listen(&mut self) {
        for sent in std::mem::take(&mut self.cluster.sent) {
            if sent.dest == "c1" {
                let answered: Answered = serde_json::from_str(&sent.body).unwrap();
                let (_, asked) = self.asked.remove(&answered.in_reply_to).unwrap();
                self.on_answer(asked, serde_json::from_str(&sent.body).unwrap());
            }
        }
    }

    fn on_answer(&mut self, asked: Asked, answer: Answer) {
        match (asked, answer) {
            (Asked::Send { key, message }, Answer::SendOk { offset }) => {
                let log = self.acknowledged.entry(key).or_default();
                let before = log.insert(offset, message);
                assert_eq!(before, None, "offset {offset} is given out twice");
            }
            (Asked::Poll { from }, Answer::PollOk { msgs }) => {
                for (key, messages) in msgs {
                    let from = from[&key];
                    self.shown.push((key, from, messages.into_iter().collect()));
                }
            }
            (Asked::Commit { key, offset }, Answer::CommitOffsetsOk) => {
                let committed = self.committed.entry(key).or_default();
                *committed = offset.max(*committed);
            }
            (Asked::List { node }, Answer::ListCommittedOffsetsOk { offsets }) => {
                for key in (0..KEYS).map(|key| key.to_string()) {
                    let offset = offsets.get(&key).copied().unwrap_or(0);
                    let before = self.listed.insert((node.clone(), key), offset);
                    assert!(before <= Some(offset), "{node} goes back from {before:?}");
                }
            }
            _ => panic!("an answer to another question"),
        }
    }

    fn send(&mut self, rng: &mut Rng, node: &str) {
        let (key, message) = (any_key(rng), self.last);
        let body = format!(r#""type":"send","key":"{key}","msg":{message}"#);
        self.ask(node, &body, Asked::Send { key, message });
    }

    fn poll(&mut self, node: &str, from: BTreeMap<String, u64>) {
        let offsets = serde_json::to_string(&from).unwrap();
        let body = format!(r#""type":"poll","offsets":{offsets}"#);
        self.ask(node, &body, Asked::Poll { from });
    }

    fn commit(&mut self, rng: &mut Rng, node: &str) {
        let (key, offset) = (any_key(rng), rng.below(50));
        let body = format!(r#""type":"commit_offsets","offsets":{{"{key}":{offset}}}"#);
        self.ask(node, &body, Asked::Commit { key, offset });
    }

    fn list(&mut self, node: &str) {
        let keys: Vec<String> = (0..KEYS).map(|key| key.to_string()).collect();
        let keys = serde_json::to_string(&keys).unwrap();
        let body = format!(r#""type":"list_committed_offsets","keys":{keys}"#);
        let node = node.to_owned();
        self.ask(&node.clone(), &body, Asked::List { node });
    }

    /// Nodes die; what they were asked and have not answered they never will.
    fn kill(&mut self, rng: &mut Rng) {
        let victims = self.cluster.kill_random(rng);
        self.listen();
        self.asked.retain(|_, (asked, _)| !victims.contains(asked));
    }

    fn start_all(&mut self) {
        self.cluster.restart_dead();
        self.listen();
    }

    fn rage(&mut self, rng: &mut Rng) {
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

    /// All that a node shows, poll by poll.
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
fn nothing_acknowledged_is_lost_and_no_poll_skips_though_nodes_are_killed() {
    for_each_seed(0..1_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.rage(rng);
        storm.start_all();
        storm.cluster.end_faults(Latency::uniform(50));
        storm.pass(SETTLED);
        assert!(storm.asked.is_empty(), "all who live have answered");
        let shown = std::mem::take(&mut storm.shown);
        let log = storm.read_all("n0");
        for (key, messages) in &storm.acknowledged {
            for (offset, message) in messages {
                assert_eq!(log[key].get(offset), Some(message), "{key} {offset}");
            }
        }
        for (key, from, messages) in shown {
            let (last, _) = messages.last_key_value().expect("no empty list");
            let due = log[&key].range(from..=*last);
            assert!(due.eq(&messages), "{key} from {from} on: {messages:?}");
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
