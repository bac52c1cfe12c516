//! Storm, then calm: a seed draws the cluster, its tree, the faults and the clients' operations;
//! then the faults end, and within a stated time every node must return the exact sum, and stop
//! sending.

use std::collections::BTreeMap;
use std::time::Duration;

use g_counter::{Flags, GCounter};
use shared::{Rng, read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, TestCluster, for_each_seed, max_hops};

/// The maximum latency after the storm, in milliseconds.
const CALM_LATENCY: u64 = 100;

/// The latencies of a calm network: at most [`CALM_LATENCY`].
const QUIESCENCE: [Latency; 2] = [Latency::uniform(50), Latency::constant(100)];

const FAN_OUTS: [&str; 3] = ["1", "2", "24"];

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A cluster of counters with these flags.
pub fn counters(
    size: usize,
    seed: u64,
    conditions: Conditions,
    flags: &Flags,
) -> TestCluster<GCounter> {
    let boot = with_flags(flags.clone(), GCounter::boot);
    TestCluster::of_nodes(size, seed, conditions, boot)
}

/// A node's value.
pub fn read(cluster: &mut TestCluster<GCounter>, node: &str) -> u64 {
    let answer = cluster.ask(node, r#"{"type":"read","msg_id":1}"#);
    let value = answer
        .strip_prefix(r#"{"type":"read_ok","in_reply_to":1,"value":"#)
        .and_then(|rest| rest.strip_suffix('}'));
    value.expect("a value").parse().expect("a small number")
}

/// Adds at a node, which must acknowledge it at once.
pub fn add(cluster: &mut TestCluster<GCounter>, node: &str, delta: u64) {
    let body = format!(r#"{{"type":"add","msg_id":1,"delta":{delta}}}"#);
    let answer = cluster.ask(node, &body);
    assert_eq!(answer, r#"{"type":"add_ok","in_reply_to":1}"#);
}

/// A cluster in a storm, and what its clients have seen.
struct Storm {
    cluster: TestCluster<GCounter>,
    flags: Flags,
    /// The sum of all that was added.
    added: u64,
    /// The last value read from each node's present incarnation.
    seen: BTreeMap<String, u64>,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(7) as usize;
        let fan_out = FAN_OUTS[rng.below(3) as usize];
        let mut flags: Flags = read_flags("g-counter", &["--fan-out", fan_out]).unwrap();
        if rng.below(2) == 0 {
            flags.window = rng.below(700);
            flags.resend = flags.window + 4 * CALM_LATENCY + 1 + rng.below(1000);
        }
        Storm {
            cluster: counters(size, rng.next_u64(), Conditions::draw(rng), &flags),
            flags,
            added: 0,
            seen: BTreeMap::new(),
        }
    }

    fn run_steps(&mut self, rng: &mut Rng, restarts: bool) {
        for _ in 0..rng.below(60) {
            let node = self.cluster.random_node(rng);
            match rng.below(9) {
                0 => self.cluster.partition(rng),
                1 => self.cluster.set_conditions(Conditions::draw(rng)),
                2 => self.cluster.advance(ms(rng.below(2000))),
                3 if restarts => {
                    self.cluster.restart(&node);
                    self.seen.remove(&node);
                }
                3 | 4 => {
                    self.read(&node);
                }
                5.. => {
                    self.add(&node, rng.below(5));
                    self.cluster.advance(ms(rng.below(100)));
                }
            }
        }
    }

    fn add(&mut self, node: &str, delta: u64) {
        add(&mut self.cluster, node, delta);
        self.added += delta;
    }

    fn read(&mut self, node: &str) -> u64 {
        let value = read(&mut self.cluster, node);
        let before = self.seen.insert(node.to_owned(), value);
        assert!(
            before.is_none_or(|before| before <= value),
            "the value of {node} decreased"
        );
        assert!(value <= self.added, "{node} counts more than was added");
        value
    }

    /// Ends the faults, draws one of the calm latencies, and returns the time.
    fn end_faults(&mut self, rng: &mut Rng) -> Duration {
        self.cluster.end_faults(QUIESCENCE[rng.below(2) as usize]);
        self.cluster.now
    }

    /// From the end of the faults until every read is exact: each edge resends within `resend`,
    /// which takes changes over their first hop, is answered, and then sends the changes made
    /// meanwhile; after that changes go from node to node, and wait for a window in each.
    ///
    /// With the default flags that is 2.55 s for a star.
    fn exact_bound(&self) -> Duration {
        let hops = max_hops(self.cluster.names.len(), self.flags.fan_out.into());
        let hop = ms(self.flags.window + CALM_LATENCY);
        ms(self.flags.resend + 2 * CALM_LATENCY) + self.answer() + hop * hops.saturating_sub(1)
    }

    /// The exact bound, and the time of the last answers.
    fn silence_bound(&self) -> Duration {
        self.exact_bound() + 2 * (self.answer() + ms(2 * CALM_LATENCY))
    }

    /// The maximum delay of an answer.
    fn answer(&self) -> Duration {
        ms(self.flags.window.midpoint(self.flags.resend))
    }

    fn all_read(&mut self, value: u64) {
        for node in self.cluster.names.clone() {
            assert_eq!(self.read(&node), value, "{node}, {:?}", self.flags);
        }
    }
}

#[test]
fn every_node_gives_the_exact_sum_soon_after_the_storm() {
    for_each_seed(0..3_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.run_steps(rng, false);
        let calm = storm.end_faults(rng);
        storm.cluster.run_until(calm + storm.exact_bound());
        storm.all_read(storm.added);
        storm.cluster.run_until(calm + storm.silence_bound());
        assert!(
            storm.cluster.becomes_idle(ms(storm.flags.resend)),
            "{:?}",
            storm.flags
        );
    });
}

#[test]
fn with_default_flags_a_small_cluster_is_exact_within_three_seconds_of_the_heal() {
    for_each_seed(0..1_000, |rng| {
        let mut storm = Storm::draw(rng);
        let size = 1 + rng.below(7) as usize;
        storm.flags = read_flags("g-counter", &[]).unwrap();
        storm.cluster = counters(
            size,
            rng.next_u64(),
            Conditions::reliable(Latency::uniform(50)),
            &storm.flags,
        );
        for _ in 0..rng.below(20) {
            storm.cluster.partition(rng);
            for _ in 0..rng.below(100) {
                let node = storm.cluster.random_node(rng);
                storm.add(&node, 1);
                storm.cluster.advance(ms(rng.below(20)));
            }
        }
        storm.cluster.end_faults(Latency::uniform(50));
        storm.cluster.advance(Duration::from_secs(3));
        storm.all_read(storm.added);
    });
}

/// A node that dies loses what it had not sent; what a living node knows must reach all.
#[test]
fn restarted_nodes_lose_only_unsent_additions_and_count_nothing_twice() {
    for_each_seed(0..3_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.run_steps(rng, true);
        let calm = storm.end_faults(rng);
        let names = storm.cluster.names.clone();
        let known = names.iter().map(|node| storm.read(node)).max();
        // An incarnation's additions count on top of those of earlier ones.
        let mut min = known.unwrap_or_default();
        for node in &names {
            storm.add(node, 1);
            min += 1;
        }
        // Late packets of dead incarnations may still bring additions; and a restarted node greets
        // first, twice if one of those packets has deceived its neighbour.
        let greeting = 2 * (storm.answer() + ms(2 * CALM_LATENCY));
        storm
            .cluster
            .run_until(calm + storm.exact_bound() + greeting);
        let value = storm.read("n0");
        assert!(min <= value, "{value}, where at least {min} was known");
        storm.all_read(value);
        storm
            .cluster
            .run_until(calm + storm.silence_bound() + greeting);
        assert!(
            storm.cluster.becomes_idle(ms(storm.flags.resend)),
            "{:?}",
            storm.flags
        );
    });
}
