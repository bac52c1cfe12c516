//! Storms in which durable nodes are killed, one after the other or all at once, and the service
//! that holds their journals is as hard to reach as anybody. Every transaction that was acknowledged
//! must turn up; and nobody may ever see half of one, an effect without its cause, or go back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use shared::{Rng, read_flags, with_flags};
use simulator::latency::Latency;
use simulator::network::MessageFaults;
use simulator::testing::{Conditions, TestCluster, for_each_seed};
use txn::{Flags, Txn};

use crate::storms::{FLEETING, GROUPS, Seen, reads, values_have_one_order, writes};

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

/// What a client has asked a node, and why.
enum Asked {
    /// To write something, this value to a key of the value's own among it.
    Write(u64),
    /// To show a group.
    Group(usize),
    /// To show the chain.
    Chain,
    /// To show the chain's key before the node's own, so as to copy it.
    Original,
    /// To show all keys.
    All,
}

#[derive(Deserialize)]
struct Answer {
    in_reply_to: u64,
    txn: Vec<(String, String, Option<u64>)>,
}

/// A cluster in a storm, what its clients have asked, and what they were told.
struct Storm {
    cluster: TestCluster<Txn>,
    /// What is not answered yet, and by whom it should be.
    asked: BTreeMap<u64, (String, Asked)>,
    /// The number of the last question, and the last value written: all are different.
    last: u64,
    acknowledged: Vec<u64>,
    /// For each node and each of its acknowledged transactions the one that it followed.
    followed: BTreeSet<(String, Option<u64>)>,
    /// What nodes have shown of groups, in any of their lives.
    seen: Seen,
    replicas: BTreeMap<String, Vec<Option<u64>>>,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(5) as usize;
        let fan_out = ["1", "2", "24"][rng.below(3) as usize];
        let words = ["--durable", "--fan-out", fan_out];
        let mut flags: Flags = read_flags("txn", &words).unwrap();
        flags.durability.journal_window = rng.below(2) * rng.below(300);
        let boot = with_flags(flags, Txn::boot);
        Storm {
            cluster: TestCluster::of_nodes(
                size,
                rng.next_u64(),
                Conditions::draw_up_to(&WORST, rng),
                boot,
            ),
            asked: BTreeMap::new(),
            last: 0,
            acknowledged: Vec::new(),
            followed: BTreeSet::new(),
            seen: Seen::new(),
            replicas: BTreeMap::new(),
        }
    }

    fn ask(&mut self, node: &str, ops: &[String], asked: Asked) {
        if !self.cluster.is_up(node) {
            return;
        }
        self.last += 1;
        let ops = ops.join(",");
        let body = format!(r#"{{"type":"txn","msg_id":{},"txn":[{ops}]}}"#, self.last);
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
                let answer: Answer = serde_json::from_str(&sent.body).expect(&sent.body);
                let (node, asked) = self.asked.remove(&answer.in_reply_to).unwrap();
                let values = answer.txn.iter().map(|(_, _, value)| *value).collect();
                self.on_answer(node, &asked, values);
            }
        }
    }

    fn on_answer(&mut self, node: String, asked: &Asked, values: Vec<Option<u64>>) {
        match asked {
            Asked::Write(value) => {
                let is_new = self.followed.insert((node, values[0]));
                assert!(is_new, "two have followed {:?}", values[0]);
                self.acknowledged.push(*value);
            }
            Asked::Group(place) => {
                let value = values[0];
                assert!(values.iter().all(|it| *it == value), "{node}: {values:?}");
                assert_ne!(value, Some(FLEETING), "{node}");
                let seen = self.seen.entry((node, *place)).or_default();
                seen.extend(value.filter(|value| seen.last() != Some(value)));
            }
            Asked::Chain => {
                let is_causal = values.is_sorted_by(|original, copy| original >= copy);
                assert!(is_causal, "{node}: {values:?}");
            }
            Asked::Original => {
                if let Some(value) = values[0] {
                    self.write(&node, &[&node], value);
                }
            }
            Asked::All => {
                self.replicas.insert(node, values);
            }
        }
    }

    /// Writes a value to some keys, after a value that does not last, and to a key of its own; and
    /// notes down which transaction of the node it follows.
    fn write(&mut self, node: &str, keys: &[&str], value: u64) {
        let own = self.last.to_string();
        let last = format!("last of {node}");
        let mut ops = reads([&*last]);
        ops.extend(writes([&*last], self.last));
        ops.extend(writes(keys.iter().copied(), FLEETING));
        ops.extend(writes(keys.iter().copied(), value));
        ops.extend(writes([&*own], self.last));
        self.ask(node, &ops, Asked::Write(self.last));
    }

    /// The first node writes ever larger values to its key; every other node copies to its own
    /// what it reads from the key of the node before.
    fn pass_on(&mut self, node: &str) {
        let place = self.cluster.names.iter().position(|name| name == node);
        match place.and_then(|place| place.checked_sub(1)) {
            None => self.write(node, &[node], self.last),
            Some(before) => {
                let original = self.cluster.names[before].clone();
                self.ask(node, &reads([&*original]), Asked::Original);
            }
        }
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

    fn look(&mut self, node: &str) {
        for (place, group) in GROUPS.iter().enumerate() {
            self.ask(node, &reads(group.iter().copied()), Asked::Group(place));
        }
        let names = self.cluster.names.clone();
        self.ask(node, &reads(names.iter().map(String::as_str)), Asked::Chain);
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
                5 => self.pass(ms(rng.below(6000))),
                6 | 7 => self.look(&node),
                8..=10 => {
                    self.write(&node, GROUPS[rng.below(3) as usize], self.last);
                    self.pass(ms(rng.below(300)));
                }
                _ => {
                    self.pass_on(&node);
                    self.pass(ms(rng.below(300)));
                }
            }
        }
    }

    /// All that was ever written, as a node shows it.
    fn replica(&mut self, node: &str) -> Vec<Option<u64>> {
        let names = self.cluster.names.clone();
        let own: Vec<String> = self.acknowledged.iter().map(u64::to_string).collect();
        let keys = own.iter().chain(&names).map(String::as_str);
        let groups = GROUPS.iter().flat_map(|group| group.iter().copied());
        self.ask(node, &reads(keys.chain(groups)), Asked::All);
        self.replicas
            .remove(node)
            .expect("reads are answered at once")
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_order_is_kept_though_nodes_are_killed() {
    for_each_seed(0..1_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.rage(rng);
        storm.start_all();
        storm.cluster.end_faults(Latency::uniform(50));
        // Whoever reads an original at last has yet to write its copy.
        storm.pass(SETTLED);
        storm.pass(SETTLED);
        assert!(storm.asked.is_empty(), "all who live have answered");
        let acknowledged: Vec<_> = storm.acknowledged.iter().copied().map(Some).collect();
        let replica = storm.replica("n0");
        assert_eq!(replica[..acknowledged.len()], acknowledged);
        for node in storm.cluster.names.clone() {
            assert_eq!(storm.replica(&node), replica, "{node}");
            storm.look(&node);
        }
        values_have_one_order(&storm.seen);
        assert!(storm.cluster.becomes_idle(ms(10_000)));
    });
}

/// A node that reads journals finds n1's to end before n1 has written x, and n0's, which is longer,
/// not before n0 has seen x and written y.
#[test]
fn an_effect_is_not_recovered_without_its_cause() {
    let flags: Flags = read_flags("txn", &["--durable", "--window=0", "--fan-out=1"]).unwrap();
    for delay in (0..3_000).step_by(50) {
        let boot = with_flags(flags.clone(), Txn::boot);
        let mut cluster =
            TestCluster::of_nodes(3, 1, Conditions::reliable(Latency::constant(50)), boot);
        let write = |cluster: &mut TestCluster<Txn>, node: &str, key: &str| {
            let body = format!(r#"{{"type":"txn","msg_id":1,"txn":[["w","{key}",1]]}}"#);
            cluster.deliver("c1", node, &body);
        };
        cluster.advance(ms(1_000));
        for place in 0..30 {
            write(&mut cluster, "n0", &place.to_string());
            cluster.advance(ms(200));
        }
        write(&mut cluster, "n2", "z");
        cluster.advance(ms(5_000));
        cluster.kill("n2");
        cluster.restart("n2");
        cluster.advance(ms(delay));
        write(&mut cluster, "n1", "x");
        cluster.advance(ms(200));
        write(&mut cluster, "n0", "y");
        cluster.sent.clear();
        let body = r#"{"type":"txn","msg_id":1,"txn":[["r","x",null],["r","y",null]]}"#;
        cluster.deliver("c2", "n2", body);
        cluster.advance(ms(5_000));
        let answer = cluster.sent.iter().find(|sent| sent.dest == "c2");
        let answer = &answer.expect("n2 is ready by now").body;
        let has_effect_alone = answer.contains(r#"["r","x",null],["r","y",1]"#);
        assert!(!has_effect_alone, "after {delay} ms: {answer}");
    }
}
