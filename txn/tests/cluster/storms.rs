//! Storm, then calm: a seed draws the cluster, its tree, the weather and the transactions; all the
//! while no node may show half of a transaction, nor an effect without its cause, nor go back; then
//! the weather clears, and within a stated time all replicas must be equal, and silence must fall.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shared::{Rng, read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, TestCluster, for_each_seed, max_hops};
use txn::{Flags, Txn};

/// The longest a message travels in the calm, in milliseconds.
const CALM_LATENCY: u64 = 100;

/// The latencies of a calm network: at most [`CALM_LATENCY`].
const CALM: [Latency; 2] = [Latency::uniform(50), Latency::constant(100)];

const FAN_OUTS: [&str; 3] = ["1", "2", "24"];

/// Keys that are always written together, with one value that nobody else writes.
pub(crate) const GROUPS: [&[&str]; 3] = [&["a0", "a1"], &["b0", "b1", "b2"], &["c0", "c1"]];

/// What no transaction leaves behind.
pub(crate) const FLEETING: u64 = u64::MAX;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn nodes(size: usize, seed: u64, conditions: Conditions, flags: &Flags) -> TestCluster<Txn> {
    let boot = with_flags(flags.clone(), Txn::boot);
    TestCluster::of_nodes(size, seed, conditions, boot)
}

/// Runs a transaction, given as its micro-operations: the values that were read and written.
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

/// For each node and group the values seen, in order.
pub(crate) type Seen = BTreeMap<(String, usize), Vec<u64>>;

/// A cluster in a storm, and what its clients have seen.
struct Storm {
    cluster: TestCluster<Txn>,
    flags: Flags,
    /// The last value written; all are different and not 0.
    last_value: u64,
    seen: Seen,
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

    fn rage(&mut self, rng: &mut Rng, restarts: bool) {
        for _ in 0..rng.below(80) {
            let node = self.cluster.random_node(rng);
            match rng.below(10) {
                0 => self.cluster.partition(rng),
                1 => self.cluster.set_conditions(Conditions::draw(rng)),
                2 => self.cluster.advance(ms(rng.below(2000))),
                3 if restarts => {
                    self.cluster.restart(&node);
                    self.seen.retain(|(seer, _), _| *seer != node);
                }
                3 => self.look_at_chain(&node),
                4 | 5 => self.look_at_groups(rng, &node),
                6 | 7 => self.write_group(rng, &node),
                8.. => {
                    self.pass_on(&node);
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
            // What does not last must never be seen.
            ops.splice(0..0, writes(group.iter().copied(), FLEETING));
        }
        run(&mut self.cluster, node, &ops);
    }

    fn look_at_groups(&mut self, rng: &mut Rng, node: &str) {
        let place = rng.below(3) as usize;
        let values = run(
            &mut self.cluster,
            node,
            &reads(GROUPS[place].iter().copied()),
        );
        assert!(
            values.iter().all(|value| *value == values[0]),
            "{node} shows half: {values:?}"
        );
        assert_ne!(values[0], Some(FLEETING), "{node}");
        let seen = self.seen.entry((node.to_owned(), place)).or_default();
        if let Some(value) = values[0].filter(|value| seen.last() != Some(value)) {
            seen.push(value);
        }
    }

    /// The first node writes ever larger values to its key; every other node copies to its own
    /// what it reads from the key of the node before.
    fn pass_on(&mut self, node: &str) {
        let place = self.cluster.names.iter().position(|name| name == node);
        let value = match place.and_then(|place| place.checked_sub(1)) {
            None => {
                self.last_value += 1;
                Some(self.last_value)
            }
            Some(before) => {
                let key = self.cluster.names[before].clone();
                run(&mut self.cluster, node, &reads([&*key]))[0]
            }
        };
        if let Some(value) = value {
            run(&mut self.cluster, node, &writes([node], value));
        }
    }

    /// Who sees a copy must see what it was copied from, or something later.
    fn look_at_chain(&mut self, node: &str) {
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

    /// The network becomes one of the bench's: every message takes as long, or most are faster.
    fn calm_down(&mut self, rng: &mut Rng) -> Duration {
        self.cluster.end_faults(CALM[rng.below(2) as usize]);
        self.cluster.now
    }

    /// All keys as a node shows them.
    fn replica(&mut self, node: &str) -> Vec<Option<u64>> {
        let names = self.cluster.names.clone();
        let keys = GROUPS.iter().flat_map(|group| group.iter().copied());
        let keys = keys.chain(names.iter().map(String::as_str));
        run(&mut self.cluster, node, &reads(keys))
    }

    fn all_are_equal(&mut self) {
        let first = self.replica("n0");
        for node in self.cluster.names.clone() {
            assert_eq!(self.replica(&node), first, "{node}, {:?}", self.flags);
        }
    }

    /// From the calm until all replicas are equal, as for broadcast.
    fn arrival_bound(&self) -> Duration {
        let hops = max_hops(self.cluster.names.len(), self.flags.fan_out.into());
        ms(self.flags.patience.resend + 2 * CALM_LATENCY)
            + ms(self.flags.window + CALM_LATENCY) * hops
    }

    /// And from there the last acknowledgement.
    fn silence_bound(&self) -> Duration {
        self.arrival_bound() + ms(self.flags.patience.ack_delay + 3 * CALM_LATENCY)
    }
}

/// All nodes have seen a key's values in one order: going from each value to those that were
/// seen after it somewhere, nobody comes back to it.
pub(crate) fn values_have_one_order(seen_by: &Seen) {
    for place in 0..GROUPS.len() {
        let seen = seen_by.iter().filter(|((_, group), _)| *group == place);
        let mut open: Vec<&[u64]> = seen.map(|(_, values)| &**values).collect();
        // Take away what nobody has seen another value before, until nothing is left.
        while open.iter().any(|values| !values.is_empty()) {
            let later: BTreeSet<u64> = open
                .iter()
                .flat_map(|values| values.iter().skip(1))
                .copied()
                .collect();
            let mut has_moved = false;
            for values in &mut open {
                if let Some((_, rest)) = values
                    .split_first()
                    .filter(|(first, _)| !later.contains(first))
                {
                    *values = rest;
                    has_moved = true;
                }
            }
            assert!(has_moved, "seen in different orders: {open:?}");
        }
    }
}

#[test]
fn transactions_are_seen_whole_and_in_order_and_replicas_agree_soon_after_the_storm() {
    for_each_seed(0..3_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.rage(rng, false);
        let calm = storm.calm_down(rng);
        storm.cluster.run_until(calm + storm.arrival_bound());
        storm.all_are_equal();
        let silence = calm + storm.silence_bound();
        for node in storm.cluster.names.clone() {
            storm.look_at_groups(rng, &node);
            storm.look_at_chain(&node);
        }
        values_have_one_order(&storm.seen);
        storm.cluster.run_until(silence);
        let patience = ms(storm.flags.patience.resend);
        assert!(storm.cluster.becomes_idle(patience), "{:?}", storm.flags);
    });
}

/// Causal order is a promise of the living; whole transactions and equal replicas are not.
#[test]
fn nodes_that_restart_agree_with_all_others_once_they_have_spoken() {
    for_each_seed(0..3_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.rage(rng, true);
        let calm = storm.calm_down(rng);
        for node in storm.cluster.names.clone() {
            storm.write_group(rng, &node);
        }
        // A newcomer is asked for a proof of life first.
        let proof = ms(6 * CALM_LATENCY);
        storm
            .cluster
            .run_until(calm + storm.arrival_bound() + proof);
        storm.all_are_equal();
        for node in storm.cluster.names.clone() {
            storm.look_at_groups(rng, &node);
        }
        storm
            .cluster
            .run_until(calm + storm.silence_bound() + proof);
        let patience = ms(storm.flags.patience.resend);
        assert!(storm.cluster.becomes_idle(patience), "{:?}", storm.flags);
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
fn transactions_that_only_read_cost_no_message() {
    let flags: Flags = read_flags("txn", &[]).unwrap();
    let mut cluster = nodes(3, 1, Conditions::reliable(Latency::uniform(50)), &flags);
    for node in ["n0", "n1", "n2"] {
        run(&mut cluster, node, &reads(["x", "y"]));
    }
    cluster.advance(Duration::from_secs(10));
    assert_eq!(cluster.messages(), 0);
}
