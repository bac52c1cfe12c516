//! Durable nodes in a storm in which they are killed, one after the other or all at once, and
//! messages to the service and from it are lost like all others: nothing that was confirmed, or was
//! read anywhere, is ever lost, and nothing is counted twice.
//!
//! Addition k adds 4ᵏ, so a value tells which additions it counts, and how often.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use g_counter::{Flags, GCounter};
use serde::Deserialize;
use shared::network::{Network, Weather, most_hops};
use shared::seeds::for_each_seed;
use shared::{Rng, read_flags};

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
    network: Network<GCounter>,
    flags: Flags,
    /// How many additions anybody was asked for.
    asked: u64,
    /// Those that were confirmed or read.
    safe: BTreeSet<u64>,
    /// What a node must count when it is read: what this life has said so far, and what was safe
    /// when it began, if an earlier one has ever answered.
    owed: BTreeMap<String, BTreeSet<u64>>,
    answered: BTreeSet<String>,
    /// Who is down.
    down: BTreeSet<String>,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(6) as usize;
        let fan_out = ["1", "2", "24"][rng.below(3) as usize];
        let words = ["--durable", "--fan-out", fan_out];
        let mut flags: Flags = read_flags("g-counter", &words).unwrap();
        flags.durability.journal_window = rng.below(2) * rng.below(500);
        Storm {
            network: counters(size, rng.next_u64(), Weather::draw(rng), &flags),
            flags,
            asked: 0,
            safe: BTreeSet::new(),
            owed: BTreeMap::new(),
            answered: BTreeSet::new(),
            down: BTreeSet::new(),
        }
    }

    /// `most_down` nodes are down at a time.
    fn rage(&mut self, rng: &mut Rng, most_down: usize) {
        for _ in 0..rng.below(100) {
            let node = self.network.any_node(rng);
            match rng.below(16) {
                0 => self.network.part(rng),
                1 => self.cut_off_the_service(rng),
                2 => self.network.weather = Weather::draw(rng),
                3 | 4 => self.pass(ms(rng.below(4000))),
                5 if self.down.len() < most_down => self.kill(&node),
                5 | 6 => self.start_the_dead(),
                7..=10 => self.read(&node),
                11.. => {
                    self.add(&node);
                    self.pass(ms(rng.below(200)));
                }
            }
        }
    }

    fn cut_off_the_service(&mut self, rng: &mut Rng) {
        let (node, service) = (self.network.any_node(rng), "lin-kv".to_owned());
        self.network.cuts.insert(match rng.below(2) {
            0 => (node, service),
            _ => (service, node),
        });
    }

    fn kill(&mut self, node: &str) {
        self.network.kill(node);
        self.down.insert(node.to_owned());
    }

    fn start_the_dead(&mut self) {
        for node in std::mem::take(&mut self.down) {
            self.network.restart(&node);
            let has_lived = self.answered.contains(&node);
            let owed = self.safe.iter().filter(|_| has_lived);
            self.owed.insert(node, owed.copied().collect());
        }
    }

    fn add(&mut self, node: &str) {
        if self.asked < MOST_ADDITIONS {
            let delta = 1_u64 << (2 * self.asked);
            let body = format!(r#"{{"type":"add","msg_id":1,"delta":{delta}}}"#);
            self.network.tell(&format!("c{}", self.asked), node, &body);
            self.asked += 1;
            self.listen();
        }
    }

    fn read(&mut self, node: &str) {
        let read = r#"{"type":"read","msg_id":1}"#;
        self.network.tell("c0", node, read);
        self.listen();
    }

    fn pass(&mut self, time: Duration) {
        self.network.pass(time);
        self.listen();
    }

    /// Takes in what clients have been answered.
    fn listen(&mut self) {
        for said in std::mem::take(&mut self.network.said) {
            let (Some(client), Ok(answer)) = (
                said.dest.strip_prefix('c'),
                serde_json::from_str(&said.body),
            ) else {
                continue;
            };
            let owed = self.owed.entry(said.src.clone()).or_default();
            match answer {
                Answer::AddOk => {
                    let addition = client.parse().expect("clients are called after theirs");
                    owed.insert(addition);
                    self.safe.insert(addition);
                }
                Answer::ReadOk { value } => {
                    let counted = additions(value, self.asked);
                    let missing: Vec<&u64> = owed.difference(&counted).collect();
                    assert!(missing.is_empty(), "{} lacks {missing:?}", said.src);
                    self.safe.extend(&counted);
                    *owed = counted;
                }
            }
            self.answered.insert(said.src);
        }
    }

    /// The weather clears, and whoever is down comes back; then everybody must soon count whatever
    /// is safe, and silence must fall.
    fn all_count_everything(&mut self) {
        self.network.calm_down((0, CALM_LATENCY));
        self.start_the_dead();
        let hops = most_hops(self.network.names.len(), self.flags.fan_out.into());
        // Each edge is met, and met again if a late packet has deceived it, and tries once more.
        let meeting = ms(3 * (self.flags.retry + self.flags.window + 4 * CALM_LATENCY));
        let hop = ms(self.flags.window + CALM_LATENCY);
        self.pass(ms(SETTLED) + meeting + hop * hops);
        for node in self.network.names.clone() {
            self.read(&node);
            assert_eq!(self.owed[&node], self.safe, "{node}, {:?}", self.flags);
        }
        let patience = ms(3 * self.flags.retry);
        assert!(self.network.falls_silent(patience), "{:?}", self.flags);
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
        for node in storm.network.names.clone() {
            storm.kill(&node);
        }
        storm.all_count_everything();
    });
}
