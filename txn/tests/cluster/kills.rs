//! Storms in which durable nodes are killed, one after the other or all at once, and messages to
//! and from the service that holds their journals are lost like all others. Every acknowledged
//! transaction must be visible in the end; and no node may ever show half of one, an effect without
//! its cause, or an older value than before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use shared::{Rng, read_flags, with_flags};
use simulator::latency::Latency;
use simulator::network::MessageFaults;
use simulator::testing::{Conditions, TestCluster, for_each_seed};
use txn::{Flags, Txn};

use crate::storms::{
    GROUPS, INTERMEDIATE, ShownValues, check_values_have_one_order, reads, writes,
};

/// The maximum time after the storm until all writes are visible, with the longest backoff.
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

/// The purpose of a pending transaction.
enum Purpose {
    /// Writes some keys, among them a key of its own with this value.
    Write(u64),
    /// Reads a group.
    Group(usize),
    /// Reads the chain.
    Chain,
    /// Reads the key before the node's own in the chain, to copy it.
    Original,
    /// Reads all keys.
    All,
}

#[derive(Deserialize)]
struct Answer {
    in_reply_to: u64,
    txn: Vec<(String, String, Option<u64>)>,
}

/// A cluster in a storm, its clients' pending transactions, and the answers that they have
/// received.
struct Storm {
    cluster: TestCluster<Txn>,
    /// Transactions without an answer by number, each with its node.
    pending: BTreeMap<u64, (String, Purpose)>,
    /// The number of the last transaction, which is also the last value written.
    last: u64,
    acknowledged: Vec<u64>,
    /// For each node and each of its acknowledged writing transactions the one before it.
    followed: BTreeSet<(String, Option<u64>)>,
    /// The values of groups that nodes have shown, over all incarnations.
    seen: ShownValues,
    replicas: BTreeMap<String, Vec<Option<u64>>>,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(5) as usize;
        let fan_out = ["1", "2", "24"][rng.below(3) as usize];
        let words = ["--durable", "--fan-out", fan_out];
        let mut flags: Flags = read_flags("txn", &words).unwrap();
        flags.durability.journal_window = Some(rng.below(2) * rng.below(300));
        let boot = with_flags(flags, Txn::boot);
        Storm {
            cluster: TestCluster::of_nodes(
                size,
                rng.next_u64(),
                Conditions::draw_up_to(&WORST, rng),
                boot,
            ),
            pending: BTreeMap::new(),
            last: 0,
            acknowledged: Vec::new(),
            followed: BTreeSet::new(),
            seen: ShownValues::new(),
            replicas: BTreeMap::new(),
        }
    }

    fn invoke(&mut self, node: &str, ops: &[String], purpose: Purpose) {
        if !self.cluster.is_up(node) {
            return;
        }
        self.last += 1;
        let ops = ops.join(",");
        let body = format!(r#"{{"type":"txn","msg_id":{},"txn":[{ops}]}}"#, self.last);
        self.pending.insert(self.last, (node.to_owned(), purpose));
        self.cluster.deliver("c1", node, &body);
        self.collect_answers();
    }

    fn pass(&mut self, time: Duration) {
        self.cluster.advance(time);
        self.collect_answers();
    }

    /// Completes the transactions that nodes have answered.
    fn collect_answers(&mut self) {
        for sent in std::mem::take(&mut self.cluster.sent) {
            if sent.dest == "c1" {
                let answer: Answer = serde_json::from_str(&sent.body).expect(&sent.body);
                let (node, purpose) = self.pending.remove(&answer.in_reply_to).unwrap();
                let values = answer.txn.iter().map(|(_, _, value)| *value).collect();
                self.on_answer(node, &purpose, values);
            }
        }
    }

    fn on_answer(&mut self, node: String, purpose: &Purpose, values: Vec<Option<u64>>) {
        match purpose {
            Purpose::Write(value) => {
                let is_new = self.followed.insert((node, values[0]));
                assert!(is_new, "two transactions follow {:?}", values[0]);
                self.acknowledged.push(*value);
            }
            Purpose::Group(group) => {
                let value = values[0];
                assert!(values.iter().all(|it| *it == value), "{node}: {values:?}");
                assert_ne!(value, Some(INTERMEDIATE), "{node}");
                let seen = self.seen.entry((node, *group)).or_default();
                seen.extend(value.filter(|value| seen.last() != Some(value)));
            }
            Purpose::Chain => {
                let is_causal = values.is_sorted_by(|original, copy| original >= copy);
                assert!(is_causal, "{node}: {values:?}");
            }
            Purpose::Original => {
                if let Some(value) = values[0] {
                    self.write(&node, &[&node], value);
                }
            }
            Purpose::All => {
                self.replicas.insert(node, values);
            }
        }
    }

    /// Writes a value to some keys, after an intermediate one, and to a key of its own; and reads
    /// which writing transaction of the node came before it.
    fn write(&mut self, node: &str, keys: &[&str], value: u64) {
        let own = self.last.to_string();
        let last = format!("last of {node}");
        let mut ops = reads([&*last]);
        ops.extend(writes([&*last], self.last));
        ops.extend(writes(keys.iter().copied(), INTERMEDIATE));
        ops.extend(writes(keys.iter().copied(), value));
        ops.extend(writes([&*own], self.last));
        self.invoke(node, &ops, Purpose::Write(self.last));
    }

    /// Lets the first node write a larger value to its key than before, or any other node copy to
    /// its own key what it reads from the key of the node before it.
    fn extend_chain(&mut self, node: &str) {
        let index = self.cluster.names.iter().position(|name| name == node);
        match index.and_then(|index| index.checked_sub(1)) {
            None => self.write(node, &[node], self.last),
            Some(previous) => {
                let original = self.cluster.names[previous].clone();
                self.invoke(node, &reads([&*original]), Purpose::Original);
            }
        }
    }

    /// Kills some nodes, whose pending transactions will never be answered.
    fn kill(&mut self, rng: &mut Rng) {
        let victims = self.cluster.restart_and_kill(rng);
        self.collect_answers();
        self.pending.retain(|_, (node, _)| !victims.contains(node));
    }

    fn start_all(&mut self) {
        self.cluster.restart_dead();
        self.collect_answers();
    }

    fn read_groups_and_chain(&mut self, node: &str) {
        for (index, group) in GROUPS.iter().enumerate() {
            self.invoke(node, &reads(group.iter().copied()), Purpose::Group(index));
        }
        let names = self.cluster.names.clone();
        self.invoke(
            node,
            &reads(names.iter().map(String::as_str)),
            Purpose::Chain,
        );
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
                5 => self.pass(ms(rng.below(6000))),
                6 | 7 => self.read_groups_and_chain(&node),
                8..=10 => {
                    self.write(&node, GROUPS[rng.below(3) as usize], self.last);
                    self.pass(ms(rng.below(300)));
                }
                _ => {
                    self.extend_chain(&node);
                    self.pass(ms(rng.below(300)));
                }
            }
        }
    }

    /// The values of all keys on a node.
    fn replica(&mut self, node: &str) -> Vec<Option<u64>> {
        let names = self.cluster.names.clone();
        let own: Vec<String> = self.acknowledged.iter().map(u64::to_string).collect();
        let keys = own.iter().chain(&names).map(String::as_str);
        let groups = GROUPS.iter().flat_map(|group| group.iter().copied());
        self.invoke(node, &reads(keys.chain(groups)), Purpose::All);
        self.replicas
            .remove(node)
            .expect("reads are answered at once")
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_order_is_kept_when_nodes_are_killed() {
    for_each_seed(0..1_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.run_steps(rng);
        storm.start_all();
        storm.cluster.end_faults(Latency::uniform(50));
        // A node that reads an original in the first period may write the copy in the second.
        storm.pass(RECOVERY);
        storm.pass(RECOVERY);
        assert!(storm.pending.is_empty(), "all living nodes have answered");
        let acknowledged: Vec<_> = storm.acknowledged.iter().copied().map(Some).collect();
        let replica = storm.replica("n0");
        assert_eq!(replica[..acknowledged.len()], acknowledged);
        for node in storm.cluster.names.clone() {
            assert_eq!(storm.replica(&node), replica, "{node}");
            storm.read_groups_and_chain(&node);
        }
        check_values_have_one_order(&storm.seen);
        assert!(storm.cluster.becomes_idle(ms(10_000)));
    });
}

/// A node reads n1's journal to its end before n1 has written x, and n0's, which is longer, only
/// after n0 has seen x and written y.
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
        for key in 0..30 {
            write(&mut cluster, "n0", &key.to_string());
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
