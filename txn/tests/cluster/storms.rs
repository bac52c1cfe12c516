//! Storm, then calm: a seed draws the cluster, its tree, the faults and the transactions; meanwhile
//! no node may show half of a transaction, an effect without its cause, or an older value than
//! before. Then the faults end, and within a stated time all replicas must be equal, and stop
//! sending.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shared::{Rng, read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, TestCluster, for_each_seed, max_hops};
use txn::{Flags, Txn};

/// The maximum latency after the storm, in milliseconds.
const CALM_LATENCY: u64 = 100;

/// The latencies of a calm network: at most [`CALM_LATENCY`].
const QUIESCENCE: [Latency; 2] = [Latency::uniform(50), Latency::constant(100)];

const FAN_OUTS: [&str; 3] = ["1", "2", "24"];

/// Keys that are always written together, with one value that no other transaction writes.
pub(crate) const GROUPS: [&[&str]; 3] = [&["a0", "a1"], &["b0", "b1", "b2"], &["c0", "c1"]];

/// A value that every transaction that writes it also overwrites.
pub(crate) const INTERMEDIATE: u64 = u64::MAX;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn nodes(size: usize, seed: u64, conditions: Conditions, flags: &Flags) -> TestCluster<Txn> {
    let boot = with_flags(flags.clone(), Txn::boot);
    TestCluster::of_nodes(size, seed, conditions, boot)
}

/// Runs a transaction, given as its micro-operations, and returns the values read and written.
fn run(cluster: &mut TestCluster<Txn>, node: &str, ops: &[String]) -> Vec<Option<u64>> {
    let body = format!(r#"{{"type":"txn","msg_id":1,"txn":[{}]}}"#, ops.join(","));
    let answer = cluster.ask(node, &body);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["type"], "txn_ok", "{answer}");
    let done = answer["txn"].as_array().unwrap();
    done.iter().map(|op| op[2].as_u64()).collect()
}

pub(crate) fn reads<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let keys = keys.into_iter();
    keys.map(|key| format!(r#"["r","{key}",null]"#)).collect()
}

pub(crate) fn writes<'a>(keys: impl IntoIterator<Item = &'a str>, value: u64) -> Vec<String> {
    let keys = keys.into_iter();
    keys.map(|key| format!(r#"["w","{key}",{value}]"#))
        .collect()
}

/// The values that each node has shown of each group, in order.
pub(crate) type ShownValues = BTreeMap<(String, usize), Vec<u64>>;

/// A cluster in a storm, and the values that its clients have read.
struct Storm {
    cluster: TestCluster<Txn>,
    flags: Flags,
    /// The last value written; all are different and not 0.
    last_value: u64,
    seen: ShownValues,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(7) as usize;
        let fan_out = FAN_OUTS[rng.below(3) as usize];
        let mut flags: Flags = read_flags("txn", &["--fan-out", fan_out]).unwrap();
        if rng.below(2) == 0 {
            flags.window = rng.below(500);
            flags.patience.ack_delay = rng.below(1000);
            flags.patience.resend =
                flags.patience.ack_delay + 2 * CALM_LATENCY + 1 + rng.below(1000);
        }
        Storm {
            cluster: nodes(size, rng.next_u64(), Conditions::draw(rng), &flags),
            flags,
            last_value: 0,
            seen: BTreeMap::new(),
        }
    }

    fn run_steps(&mut self, rng: &mut Rng, restarts: bool) {
        for _ in 0..rng.below(80) {
            let node = self.cluster.random_node(rng);
            match rng.below(10) {
                0 => self.cluster.partition(rng),
                1 => self.cluster.set_conditions(Conditions::draw(rng)),
                2 => self.cluster.advance(ms(rng.below(2000))),
                3 if restarts => {
                    self.cluster.restart(&node);
                    self.seen.retain(|(reader, _), _| *reader != node);
                }
                3 => self.check_chain(&node),
                4 | 5 => self.check_group(rng, &node),
                6 | 7 => self.write_group(rng, &node),
                8.. => {
                    self.extend_chain(&node);
                    self.cluster.advance(ms(rng.below(300)));
                }
            }
        }
    }

    fn write_group(&mut self, rng: &mut Rng, node: &str) {
        self.last_value += 1;
        let group = GROUPS[rng.below(3) as usize];
        let mut ops = writes(group.iter().copied(), self.last_value);
        if rng.below(3) == 0 {
            // No transaction may read the intermediate value.
            ops.splice(0..0, writes(group.iter().copied(), INTERMEDIATE));
        }
        run(&mut self.cluster, node, &ops);
    }

    fn check_group(&mut self, rng: &mut Rng, node: &str) {
        let group = rng.below(3) as usize;
        let values = run(
            &mut self.cluster,
            node,
            &reads(GROUPS[group].iter().copied()),
        );
        assert!(
            values.iter().all(|value| *value == values[0]),
            "{node} shows half of a transaction: {values:?}"
        );
        assert_ne!(values[0], Some(INTERMEDIATE), "{node}");
        let seen = self.seen.entry((node.to_owned(), group)).or_default();
        if let Some(value) = values[0].filter(|value| seen.last() != Some(value)) {
            seen.push(value);
        }
    }

    /// Lets the first node write a larger value to its key than before, or any other node copy to
    /// its own key what it reads from the key of the node before it.
    fn extend_chain(&mut self, node: &str) {
        let index = self.cluster.names.iter().position(|name| name == node);
        let value = match index.and_then(|index| index.checked_sub(1)) {
            None => {
                self.last_value += 1;
                Some(self.last_value)
            }
            Some(previous) => {
                let key = self.cluster.names[previous].clone();
                run(&mut self.cluster, node, &reads([&*key]))[0]
            }
        };
        if let Some(value) = value {
            run(&mut self.cluster, node, &writes([node], value));
        }
    }

    /// Checks that a node that shows a copy also shows its original, or a later one.
    fn check_chain(&mut self, node: &str) {
        let names = self.cluster.names.clone();
        let values = run(
            &mut self.cluster,
            node,
            &reads(names.iter().map(String::as_str)),
        );
        assert!(
            values.is_sorted_by(|one, copy| one >= copy),
            "{node}: {values:?}"
        );
    }

    /// Ends the faults, draws one of the calm latencies, and returns the time.
    fn end_faults(&mut self, rng: &mut Rng) -> Duration {
        self.cluster.end_faults(QUIESCENCE[rng.below(2) as usize]);
        self.cluster.now
    }

    /// The values of all keys on a node.
    fn replica(&mut self, node: &str) -> Vec<Option<u64>> {
        let names = self.cluster.names.clone();
        let keys = GROUPS.iter().flat_map(|group| group.iter().copied());
        let keys = keys.chain(names.iter().map(String::as_str));
        run(&mut self.cluster, node, &reads(keys))
    }

    fn check_replicas_are_equal(&mut self) {
        let first = self.replica("n0");
        for node in self.cluster.names.clone() {
            assert_eq!(self.replica(&node), first, "{node}, {:?}", self.flags);
        }
    }

    /// From the end of the faults until all replicas are equal, as for broadcast.
    fn arrival_bound(&self) -> Duration {
        let hops = max_hops(self.cluster.names.len(), self.flags.fan_out.into());
        ms(self.flags.patience.resend + 2 * CALM_LATENCY)
            + ms(self.flags.window + CALM_LATENCY) * hops
    }

    /// The arrival bound, and the time of the last acknowledgement.
    fn silence_bound(&self) -> Duration {
        self.arrival_bound() + ms(self.flags.patience.ack_delay + 3 * CALM_LATENCY)
    }
}

/// Checks that all nodes have shown each group's values in one order: the relation "shown after"
/// has no cycle.
pub(crate) fn check_values_have_one_order(seen: &ShownValues) {
    for index in 0..GROUPS.len() {
        let seen = seen.iter().filter(|((_, group), _)| *group == index);
        let mut open: Vec<&[u64]> = seen.map(|(_, values)| &**values).collect();
        // Removes values that no node has shown after another one, until none are left.
        while open.iter().any(|values| !values.is_empty()) {
            let later: BTreeSet<u64> = open
                .iter()
                .flat_map(|values| values.iter().skip(1))
                .copied()
                .collect();
            let mut has_progress = false;
            for values in &mut open {
                if let Some((_, rest)) = values
                    .split_first()
                    .filter(|(first, _)| !later.contains(first))
                {
                    *values = rest;
                    has_progress = true;
                }
            }
            assert!(has_progress, "seen in different orders: {open:?}");
        }
    }
}

#[test]
fn transactions_are_atomic_and_ordered_and_replicas_agree_soon_after_the_storm() {
    for_each_seed(0..3_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.run_steps(rng, false);
        let calm = storm.end_faults(rng);
        storm.cluster.run_until(calm + storm.arrival_bound());
        storm.check_replicas_are_equal();
        let silence = calm + storm.silence_bound();
        for node in storm.cluster.names.clone() {
            storm.check_group(rng, &node);
            storm.check_chain(&node);
        }
        check_values_have_one_order(&storm.seen);
        storm.cluster.run_until(silence);
        let max_wait = ms(storm.flags.patience.resend);
        assert!(storm.cluster.becomes_idle(max_wait), "{:?}", storm.flags);
    });
}

/// Causal order is not promised when nodes restart; whole transactions and equal replicas are.
#[test]
fn restarted_nodes_agree_with_all_others_after_their_first_packet() {
    for_each_seed(0..3_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.run_steps(rng, true);
        let calm = storm.end_faults(rng);
        for node in storm.cluster.names.clone() {
            storm.write_group(rng, &node);
        }
        // A neighbour first asks a new incarnation to prove that it is alive.
        let proof = ms(6 * CALM_LATENCY);
        storm
            .cluster
            .run_until(calm + storm.arrival_bound() + proof);
        storm.check_replicas_are_equal();
        for node in storm.cluster.names.clone() {
            storm.check_group(rng, &node);
        }
        storm
            .cluster
            .run_until(calm + storm.silence_bound() + proof);
        let max_wait = ms(storm.flags.patience.resend);
        assert!(storm.cluster.becomes_idle(max_wait), "{:?}", storm.flags);
    });
}

#[test]
fn two_nodes_exchange_twenty_messages_a_second_for_a_thousand_transactions() {
    for_each_seed(0..5, |rng| {
        let flags: Flags = read_flags("txn", &[]).unwrap();
        let latency = Latency::uniform(rng.below(2) as u32 * 50);
        let calm = Conditions::reliable(latency);
        let mut cluster = nodes(2, rng.next_u64(), calm, &flags);
        for value in 0..5_000 {
            let node = cluster.random_node(rng);
            let key = rng.below(10).to_string();
            let mut ops = reads([&*key]);
            ops.extend(writes([&*key], value));
            run(&mut cluster, &node, &ops);
            cluster.advance(Duration::from_micros(rng.below(2_000)));
        }
        cluster.advance(Duration::from_secs(5));
        let messages = cluster.messages();
        assert!(messages <= 20 * 5 + 4, "{messages} for 5000 transactions");
    });
}

#[test]
fn transactions_that_only_read_send_no_messages() {
    let flags: Flags = read_flags("txn", &[]).unwrap();
    let mut cluster = nodes(3, 1, Conditions::reliable(Latency::uniform(50)), &flags);
    for node in ["n0", "n1", "n2"] {
        run(&mut cluster, node, &reads(["x", "y"]));
    }
    cluster.advance(Duration::from_secs(10));
    assert_eq!(cluster.messages(), 0);
}
