//! Durable nodes in a storm in which they are killed, one after the other or all at once, and
//! messages to the service and from it are lost like all others: nothing that was confirmed, or was
//! read anywhere, is ever lost, and nothing is counted twice.
//!
//! Addition k adds 4ᵏ, so a value tells which additions it counts, and how often.

use std::collections::BTreeSet;
use std::time::Duration;

use g_counter::{Flags, GCounter};
use serde::Deserialize;
use shared::{Rng, read_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, Promises, TestCluster, for_each_seed, max_hops};

use crate::storms::counters;

/// The longest a message travels in the calm, in milliseconds.
const CALM_LATENCY: u64 = 100;

/// How long it takes in the calm, at the longest, until everybody is ready and its journal is at
/// rest: what was lost is asked again within eight seconds, and lost again by nobody.
const SETTLED: u64 = 15_000;

/// As many as a total can hold.
const MOST_ADDITIONS: u64 = 32;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Answer {
    AddOk,
    ReadOk { value: u64 },
}

/// A cluster whose nodes are killed, and what its clients have been told.
struct Storm {
    cluster: TestCluster<GCounter>,
    flags: Flags,
    /// How many additions anybody was asked for.
    asked: u64,
    promises: Promises,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(6) as usize;
        let fan_out = ["1", "2", "24"][rng.below(3) as usize];
        let words = ["--durable", "--fan-out", fan_out];
        let mut flags: Flags = read_flags("g-counter", &words).unwrap();
        flags.durability.journal_window = rng.below(2) * rng.below(500);
        Storm {
            cluster: counters(size, rng.next_u64(), Conditions::draw(rng), &flags),
            flags,
            asked: 0,
            promises: Promises::default(),
        }
    }

    /// `most_down` nodes are down at a time.
    fn rage(&mut self, rng: &mut Rng, most_down: usize) {
        for _ in 0..rng.below(100) {
            let node = self.cluster.random_node(rng);
            match rng.below(16) {
                0 => self.cluster.partition(rng),
                1 => self.cluster.cut_off_service(rng),
                2 => self.cluster.set_conditions(Conditions::draw(rng)),
                3 | 4 => self.pass(ms(rng.below(4000))),
                5 if self.cluster.dead().len() < most_down => self.cluster.kill(&node),
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
        if self.asked < MOST_ADDITIONS {
            let delta = 1_u64 << (2 * self.asked);
            let body = format!(r#"{{"type":"add","msg_id":1,"delta":{delta}}}"#);
            self.cluster
                .deliver(&format!("c{}", self.asked), node, &body);
            self.asked += 1;
            self.listen();
        }
    }

    /// Reads at a node; whether it answers at once.
    fn read(&mut self, node: &str) -> bool {
        let read = r#"{"type":"read","msg_id":1}"#;
        self.cluster.deliver("c0", node, read);
        self.listen() > 0
    }

    fn pass(&mut self, time: Duration) {
        self.cluster.advance(time);
        self.listen();
    }

    /// Takes in what clients have been answered; how many reads were.
    fn listen(&mut self) -> usize {
        let mut reads = 0;
        for sent in std::mem::take(&mut self.cluster.sent) {
            let Some(client) = sent.dest.strip_prefix('c') else {
                continue;
            };
            match serde_json::from_str(&sent.body) {
                Ok(Answer::AddOk) => {
                    let addition = client.parse().expect("clients are called after additions");
                    self.promises.confirm(&sent.src, addition);
                }
                Ok(Answer::ReadOk { value }) => {
                    let counted = additions(value, self.asked);
                    self.promises.show(&sent.src, counted);
                    reads += 1;
                }
                Err(_) => {}
            }
        }
        reads
    }

    /// The weather clears, and whoever is down comes back; then everybody must soon count whatever
    /// is safe, and silence must fall.
    fn all_count_everything(&mut self) {
        self.cluster.end_faults(Latency::uniform(50));
        self.restart_dead();
        let hops = max_hops(self.cluster.names.len(), self.flags.fan_out.into());
        // Each edge is met, and met again if a late packet has deceived it, and tries once more.
        let meeting = ms(3 * (self.flags.retry + self.flags.window + 4 * CALM_LATENCY));
        let hop = ms(self.flags.window + CALM_LATENCY);
        self.pass(ms(SETTLED) + meeting + hop * hops);
        let names = self.cluster.names.clone();
        assert!(names.iter().all(|node| self.read(node)), "all are ready");
        for node in &names {
            let knows = self.promises.owes_everything(node);
            assert!(knows, "{node}, {:?}", self.flags);
        }
        let patience = ms(3 * self.flags.retry);
        assert!(self.cluster.becomes_idle(patience), "{:?}", self.flags);
    }
}

/// Which of so many additions make up a value, each counted once.
fn additions(value: u64, asked: u64) -> BTreeSet<u64> {
    let digit = |addition: &u64| (value >> (2 * addition)) & 3;
    let counted: BTreeSet<u64> = (0..MOST_ADDITIONS).filter(|it| digit(it) > 0).collect();
    let twice: Vec<&u64> = counted.iter().filter(|it| digit(it) > 1).collect();
    assert!(twice.is_empty(), "{twice:?} are counted more than once");
    assert!(
        counted.iter().all(|it| *it < asked),
        "{value} was not asked"
    );
    counted
}

#[test]
fn nothing_confirmed_is_lost_though_nodes_are_killed_one_after_the_other() {
    for_each_seed(0..1_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.rage(rng, 1);
        storm.all_count_everything();
    });
}

#[test]
fn nothing_confirmed_is_lost_though_all_nodes_are_killed_at_once() {
    for_each_seed(0..1_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.rage(rng, usize::MAX);
        for node in storm.cluster.names.clone() {
            storm.cluster.kill(&node);
        }
        storm.all_count_everything();
    });
}
