//! Storm, then calm: a seed draws the cluster, its tree, the faults and the clients' operations;
//! then the faults end, and within a stated time every node must know every acknowledged value,
//! once, and stop sending.

use std::collections::BTreeSet;
use std::time::Duration;

use broadcast::{Broadcast, Flags};
use replication::LinkFlags;
use serde::Deserialize;
use serde_json::value::RawValue;
use shared::{Rng, read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, TestCluster, for_each_seed, max_hops};

/// The maximum latency after the storm, in milliseconds.
const CALM_LATENCY: u64 = 100;

/// The latencies of a calm network: at most [`CALM_LATENCY`].
const CALM: [Latency; 2] = [Latency::uniform(50), Latency::constant(100)];

/// Small clusters, and the 25 nodes of challenge 3.
const SIZES: [usize; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 25];
const FAN_OUTS: [u16; 4] = [1, 2, 4, 24];

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A cluster in a storm, and the values that it has acknowledged.
struct Storm {
    cluster: TestCluster<Broadcast>,
    flags: Flags,
    acknowledged: BTreeSet<String>,
    values: u64,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = SIZES[rng.below(10) as usize];
        let mut flags: Flags = read_flags("broadcast", &[]).unwrap();
        flags.tree.fan_out = Some(FAN_OUTS[rng.below(4) as usize]);
        if rng.below(2) == 0 {
            flags.period = Some(rng.below(1000));
            flags.tree.slack = rng.below(100);
            flags.tree.patience.ack_delay = rng.below(1000);
            flags.tree.patience.resend =
                flags.tree.patience.ack_delay + 2 * CALM_LATENCY + 1 + rng.below(1000);
        }
        let boot = with_flags(flags.clone(), Broadcast::boot);
        Storm {
            cluster: TestCluster::of_nodes(size, rng.next_u64(), Conditions::draw(rng), boot),
            flags,
            acknowledged: BTreeSet::new(),
            values: 0,
        }
    }

    /// Broadcasts a new value or, sometimes, the last one again.
    fn broadcast(&mut self, rng: &mut Rng, node: &str) {
        self.values += u64::from(self.values == 0 || rng.below(10) > 0);
        let number = self.values;
        let value = match number % 3 {
            0 => format!("{number}"),
            1 => format!("\"the {number}th\""),
            _ => format!("{{\"{number}\":[null,{number}.5]}}"),
        };
        let body = format!(r#"{{"type":"broadcast","msg_id":1,"message":{value}}}"#);
        let answer = self.cluster.ask(node, &body);
        assert_eq!(answer, r#"{"type":"broadcast_ok","in_reply_to":1}"#);
        self.acknowledged.insert(value);
    }

    /// All values that a node knows.
    fn read(&mut self, node: &str) -> BTreeSet<String> {
        #[derive(Deserialize)]
        struct ReadOk {
            messages: Vec<Box<RawValue>>,
        }
        let answer = self.cluster.ask(node, r#"{"type":"read","msg_id":1}"#);
        let answer: ReadOk = serde_json::from_str(&answer).unwrap();
        let values = answer.messages.iter().map(|value| value.get().to_owned());
        let known: BTreeSet<String> = values.collect();
        assert_eq!(known.len(), answer.messages.len(), "a value is listed once");
        known
    }

    fn run_steps(&mut self, rng: &mut Rng, restarts: bool) {
        for _ in 0..rng.below(60) {
            let node = self.cluster.random_node(rng);
            match rng.below(8) {
                0 => self.cluster.partition(rng),
                1 => self.cluster.set_conditions(Conditions::draw(rng)),
                2 => self.cluster.advance(ms(rng.below(2000))),
                3 if restarts => self.cluster.restart(&node),
                3.. => {
                    self.broadcast(rng, &node);
                    self.cluster.advance(ms(rng.below(100)));
                }
            }
        }
    }

    /// Ends the faults, draws one of the calm latencies, and returns the time.
    fn calm_down(&mut self, rng: &mut Rng) -> Duration {
        self.cluster.end_faults(CALM[rng.below(2) as usize]);
        self.cluster.now
    }

    fn becomes_idle(&mut self) -> bool {
        self.cluster.becomes_idle(ms(self.delays().resend))
    }

    /// From the end of the faults until all nodes know everything: every edge resends within
    /// `resend` and is answered, all edges at the same time; then a value goes from node to node,
    /// and waits for a period in each.
    ///
    /// With the default flags that is 3.3 s for a star; for 25 nodes it is 5.5 s with a fan-out of
    /// 4, 6.6 s with 2, and 15.3 s in a chain.
    fn arrival_bound(&self) -> Duration {
        let hop = ms(self.flags.period() + self.flags.tree.slack + CALM_LATENCY);
        let fan_out = self.flags.tree.fan_out.expect("it was drawn");
        let hops = max_hops(self.cluster.names.len(), fan_out.into());
        ms(self.delays().resend + 2 * CALM_LATENCY) + hop * hops
    }

    fn delays(&self) -> LinkFlags {
        self.flags.tree.delays(self.flags.period())
    }

    /// The arrival bound, and the time of the last acknowledgement.
    fn silence_bound(&self) -> Duration {
        self.arrival_bound() + ms(self.delays().ack_delay + 3 * CALM_LATENCY)
    }
}

#[test]
fn every_node_knows_every_acknowledged_value_soon_after_the_storm() {
    for_each_seed(0..2_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.run_steps(rng, false);
        let calm = storm.calm_down(rng);
        storm.cluster.run_until(calm + storm.arrival_bound());
        for node in storm.cluster.names.clone() {
            let known = storm.read(&node);
            assert_eq!(known, storm.acknowledged, "{node}, {:?}", storm.flags);
        }
        storm.cluster.run_until(calm + storm.silence_bound());
        assert!(storm.becomes_idle(), "{:?}", storm.flags);
    });
}

/// A node that dies loses what it had not sent; what a living node knows must reach all.
#[test]
fn restarted_nodes_receive_everything_after_their_first_packet() {
    for_each_seed(0..2_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.run_steps(rng, true);
        let calm = storm.calm_down(rng);
        storm.acknowledged.clear();
        for node in storm.cluster.names.clone() {
            let known = storm.read(&node);
            storm.acknowledged.extend(known);
            storm.broadcast(rng, &node);
        }
        // A neighbour first asks a new incarnation to prove that it is alive.
        let proof = ms(6 * CALM_LATENCY);
        storm
            .cluster
            .run_until(calm + storm.arrival_bound() + proof);
        let all = storm.read("n0");
        assert!(all.is_superset(&storm.acknowledged), "{:?}", storm.flags);
        for node in storm.cluster.names.clone() {
            assert_eq!(storm.read(&node), all, "{node}, {:?}", storm.flags);
        }
        storm
            .cluster
            .run_until(calm + storm.silence_bound() + proof);
        assert!(storm.becomes_idle(), "{:?}", storm.flags);
    });
}
