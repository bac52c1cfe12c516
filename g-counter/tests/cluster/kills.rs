//! Storms in which durable nodes are killed, one after the other or all at once, and messages to
//! and from the service are lost like all others: no addition that was acknowledged, or counted by
//! a read, is ever lost, and none is counted twice.
//!
//! Addition k adds 4ᵏ, so a value shows which additions it counts, and how often.

use std::collections::BTreeSet;
use std::time::Duration;

use g_counter::{Flags, GCounter};
use serde::Deserialize;
use shared::{Rng, read_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, Promises, TestCluster, for_each_seed, max_hops};

use crate::storms::counters;

/// The maximum latency after the storm, in milliseconds.
const CALM_LATENCY: u64 = 100;

/// The maximum time after the storm until all nodes are ready and their journals idle: lost
/// requests to the service are repeated within eight seconds, and not lost again.
const RECOVERY: Duration = Duration::from_secs(15);

/// The number of additions that a total can hold.
const MAX_ADDITIONS: u64 = 32;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Answer {
    AddOk,
    ReadOk { value: u64 },
}

/// A cluster whose nodes are killed, and the answers that its clients have received.
struct Storm {
    cluster: TestCluster<GCounter>,
    flags: Flags,
    /// The number of additions that clients have requested.
    requested: u64,
    promises: Promises,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(6) as usize;
        let fan_out = ["1", "2", "24"][rng.below(3) as usize];
        let args = ["--durable", "--fan-out", fan_out];
        let mut flags: Flags = read_flags("g-counter", &args).unwrap();
        flags.durability.journal_window = Some(rng.below(2) * rng.below(500));
        Storm {
            cluster: counters(size, rng.next_u64(), Conditions::draw(rng), &flags),
            flags,
            requested: 0,
            promises: Promises::default(),
        }
    }

    /// Runs random steps, with at most `max_down` nodes down at a time.
    fn run_steps(&mut self, rng: &mut Rng, max_down: usize) {
        for _ in 0..rng.below(100) {
            let node = self.cluster.random_node(rng);
            match rng.below(16) {
                0 => self.cluster.partition(rng),
                1 => self.cluster.cut_off_service(rng),
                2 => self.cluster.set_conditions(Conditions::draw(rng)),
                3 | 4 => self.pass(ms(rng.below(4000))),
                5 if self.cluster.dead().len() < max_down => self.cluster.kill(&node),
                5 | 6 => self.restart_dead(),
                7..=10 => {
                    self.read(&node);
                }
                11.. => {
                    self.add(&node);
                    self.pass(ms(rng.below(200)));
                }
            }
        }
    }

    fn restart_dead(&mut self) {
        for node in self.cluster.restart_dead() {
            self.promises.restart(&node);
        }
    }

    fn add(&mut self, node: &str) {
        if self.requested < MAX_ADDITIONS {
            let delta = 1_u64 << (2 * self.requested);
            let body = format!(r#"{{"type":"add","msg_id":1,"delta":{delta}}}"#);
            self.cluster
                .deliver(&format!("c{}", self.requested), node, &body);
            self.requested += 1;
            self.collect_answers();
        }
    }

    /// Reads at a node, and returns whether it answers at once.
    fn read(&mut self, node: &str) -> bool {
        let read = r#"{"type":"read","msg_id":1}"#;
        self.cluster.deliver("c0", node, read);
        self.collect_answers() > 0
    }

    fn pass(&mut self, time: Duration) {
        self.cluster.advance(time);
        self.collect_answers();
    }

    /// Checks the answers that clients have received, and returns the number of reads among them.
    fn collect_answers(&mut self) -> usize {
        let mut reads = 0;
        for sent in std::mem::take(&mut self.cluster.sent) {
            let Some(client) = sent.dest.strip_prefix('c') else {
                continue;
            };
            match serde_json::from_str(&sent.body) {
                Ok(Answer::AddOk) => {
                    let addition = client.parse().expect("clients are named after additions");
                    self.promises.confirm(&sent.src, addition);
                }
                Ok(Answer::ReadOk { value }) => {
                    let counted = additions(value, self.requested);
                    self.promises.show(&sent.src, counted);
                    reads += 1;
                }
                Err(_) => {}
            }
        }
        reads
    }

    /// Ends the faults and restarts dead nodes; soon all nodes must count every addition that may
    /// not be lost, and then stop sending.
    fn converge(&mut self) {
        self.cluster.end_faults(Latency::uniform(50));
        self.restart_dead();
        let hops = max_hops(self.cluster.names.len(), self.flags.fan_out.into());
        // Each edge greets, greets again if a late packet has deceived it, and resends once more.
        let greeting = ms(3 * (self.flags.resend + self.flags.window + 4 * CALM_LATENCY));
        let hop = ms(self.flags.window + CALM_LATENCY);
        self.pass(RECOVERY + greeting + hop * hops);
        let names = self.cluster.names.clone();
        assert!(names.iter().all(|node| self.read(node)), "all are ready");
        for node in &names {
            let knows = self.promises.owes_everything(node);
            assert!(knows, "{node}, {:?}", self.flags);
        }
        let max_wait = ms(3 * self.flags.resend);
        assert!(self.cluster.becomes_idle(max_wait), "{:?}", self.flags);
    }
}

/// The additions that make up a value, each of which must be requested and counted once.
fn additions(value: u64, requested: u64) -> BTreeSet<u64> {
    let digit = |addition: &u64| (value >> (2 * addition)) & 3;
    let counted: BTreeSet<u64> = (0..MAX_ADDITIONS).filter(|it| digit(it) > 0).collect();
    let twice: Vec<&u64> = counted.iter().filter(|it| digit(it) > 1).collect();
    assert!(twice.is_empty(), "{twice:?} are counted more than once");
    assert!(
        counted.iter().all(|it| *it < requested),
        "{value} counts additions that were not requested"
    );
    counted
}

#[test]
fn nothing_acknowledged_is_lost_when_nodes_are_killed_one_after_the_other() {
    for_each_seed(0..1_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.run_steps(rng, 1);
        storm.converge();
    });
}

#[test]
fn nothing_acknowledged_is_lost_when_all_nodes_are_killed_at_once() {
    for_each_seed(0..1_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.run_steps(rng, usize::MAX);
        for node in storm.cluster.names.clone() {
            storm.cluster.kill(&node);
        }
        storm.converge();
    });
}
