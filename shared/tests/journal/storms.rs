//! Storm, then calm, then the end of all: whoever comes back must know whatever was confirmed or
//! seen before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use shared::network::{Network, Weather};
use shared::seeds::for_each_seed;
use shared::{Durability, Rng, read_flags, with_flags};

use crate::notebook::Notebook;

/// How long it takes in the calm, at the longest, until everybody is ready and has confirmed all:
/// a try that was lost is repeated after eight seconds; then journals are read in chunks.
const SETTLED: Duration = Duration::from_secs(20);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Answer {
    NoteOk,
    ReadOk { known: Vec<(String, u64)> },
}

/// Notebooks in a storm, and what their clients have been told.
struct Storm {
    network: Network<Notebook>,
    /// The last number that was noted.
    last: u64,
    /// All numbers whose noting was confirmed, and all that were read.
    safe: BTreeSet<u64>,
    /// What a node's present life must know, since it was safe when that life began and the node
    /// has answered before, or confirmed by this life; and whether some life of it has answered.
    owed: BTreeMap<String, BTreeSet<u64>>,
    answered: BTreeSet<String>,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(5) as usize;
        let mut flags: Durability = read_flags("notebook", &["--durable"]).unwrap();
        flags.journal_window = rng.below(2) * rng.below(500);
        let boot = with_flags(flags, Notebook::boot);
        Storm {
            network: Network::of_nodes(size, rng.next_u64(), Weather::draw(rng), boot),
            last: 0,
            safe: BTreeSet::new(),
            owed: BTreeMap::new(),
            answered: BTreeSet::new(),
        }
    }

    fn rage(&mut self, rng: &mut Rng) {
        for _ in 0..rng.below(150) {
            let node = self.network.any_node(rng);
            match rng.below(16) {
                0 => self.network.weather = Weather::draw(rng),
                1 => self.cut_off_the_service(rng),
                2 | 3 => self.pass(ms(rng.below(4000))),
                4 => self.network.kill(&node),
                5 => self.start(&node),
                6 if rng.below(5) == 0 => {
                    for node in self.network.names.clone() {
                        self.start(&node);
                    }
                }
                6..=8 => self.read(&node),
                9.. => {
                    self.last += 1;
                    let body = format!(r#"{{"type":"note","msg_id":1,"number":{}}}"#, self.last);
                    self.network.tell(&format!("c{}", self.last), &node, &body);
                    self.pass(ms(rng.below(200)));
                }
            }
        }
    }

    /// Some hear the service, and some are heard by it.
    fn cut_off_the_service(&mut self, rng: &mut Rng) {
        self.network.cuts.clear();
        for node in &self.network.names {
            let service = "lin-kv".to_owned();
            match rng.below(6) {
                0 => self.network.cuts.insert((service, node.clone())),
                1 => self.network.cuts.insert((node.clone(), service)),
                2.. => false,
            };
        }
    }

    fn start(&mut self, node: &str) {
        self.network.restart(node);
        let owed = if self.answered.contains(node) {
            self.safe.clone()
        } else {
            BTreeSet::new()
        };
        self.owed.insert(node.to_owned(), owed);
    }

    fn read(&mut self, node: &str) {
        self.network
            .tell("c0", node, r#"{"type":"read","msg_id":1}"#);
        self.listen();
    }

    fn pass(&mut self, time: Duration) {
        self.network.pass(time);
        self.listen();
    }

    /// Looks at what clients have been answered since.
    fn listen(&mut self) {
        for said in std::mem::take(&mut self.network.said) {
            // What a node said before it was restarted counts for the life that said it.
            let Some(number) = said.dest.strip_prefix('c') else {
                continue;
            };
            let Ok(answer) = serde_json::from_str(&said.body) else {
                continue;
            };
            self.answered.insert(said.src.clone());
            let owed = self.owed.entry(said.src.clone()).or_default();
            match answer {
                Answer::NoteOk => {
                    let number = number.parse().unwrap();
                    owed.insert(number);
                    self.safe.insert(number);
                }
                Answer::ReadOk { known } => {
                    check_order(&known);
                    let known: BTreeSet<u64> = known.iter().map(|(_, number)| *number).collect();
                    let missing: Vec<&u64> = owed.difference(&known).collect();
                    assert!(missing.is_empty(), "{} lacks {missing:?}", said.src);
                    self.safe.extend(&known);
                    *owed = known;
                }
            }
        }
    }
}

/// What one node has noted comes in that order, each number once.
fn check_order(known: &[(String, u64)]) {
    let mut last = BTreeMap::new();
    for (owner, number) in known {
        let before = last.insert(owner, number).copied().unwrap_or(0);
        assert!(before < *number, "{owner}: {number} after {before}");
    }
}

#[test]
fn whoever_comes_back_knows_whatever_was_safe() {
    for_each_seed(0..1_500, |rng| {
        let mut storm = Storm::draw(rng);
        storm.rage(rng);
        storm.network.calm_down((rng.below(2) * 100, 100));
        storm.pass(SETTLED);
        let names = storm.network.names.clone();
        // All have lived, or live now, and are killed at once, twice.
        for _ in 0..2 {
            names.iter().for_each(|node| storm.start(node));
            names.iter().for_each(|node| storm.read(node));
            storm.pass(SETTLED);
        }
        assert_eq!(storm.answered.len(), names.len(), "all answer");
        assert!(storm.network.falls_silent(ms(8000)));
        // They are of one mind, since all have read the same journals.
        for (node, owed) in &storm.owed {
            assert_eq!(*owed, storm.safe, "{node}");
        }
    });
}

#[test]
fn a_fresh_start_costs_a_read_and_a_write() {
    let flags: Durability = read_flags("notebook", &["--durable"]).unwrap();
    let boot = with_flags(flags, Notebook::boot);
    let mut network = Network::of_nodes(5, 1, Weather::calm((100, 100)), boot);
    network.pass(ms(400));
    assert_eq!(network.messages, 4 * 5);
    let ready = network.ask("n3", r#"{"type":"read","msg_id":1}"#);
    assert!(ready.contains("read_ok"), "{ready}");
}
