//! Storm, then calm: a seed draws the cluster, its tree, the weather and what clients say in it;
//! then the weather clears, and within a stated time every node must know every value that was
//! confirmed, once, and silence must fall.

use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use broadcast::Flags;
use clap::Parser;
use serde::Deserialize;
use serde_json::value::RawValue;
use shared::Rng;

use crate::network::{Network, Weather};
use crate::transcripts::CommandLine;

/// The longest a message travels in the calm, in milliseconds.
const CALM_LATENCY: u64 = 100;

/// What challenge 3 is played with, and small clusters of all sizes.
const SIZES: [u64; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 25];
const FAN_OUTS: [&str; 4] = ["1", "2", "4", "24"];

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Plays all seeds, or the one that the environment asks for; a failure says how to repeat it.
fn for_each_seed(seeds: Range<u64>, play: impl Fn(&mut Rng)) {
    let only = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    for seed in only.map_or(seeds, |seed: u64| seed..seed + 1) {
        let played = catch_unwind(AssertUnwindSafe(|| play(&mut Rng::new(seed))));
        if let Err(panic) = played {
            let test = thread::current();
            let test = test.name().unwrap_or_default();
            eprintln!("to repeat: SEED={seed} cargo test -p broadcast --test cluster {test}");
            resume_unwind(panic);
        }
    }
}

/// A cluster in a storm, and what its clients were told.
struct Storm {
    network: Network,
    flags: Flags,
    names: Vec<String>,
    confirmed: BTreeSet<String>,
    values: u64,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = SIZES[rng.below(10) as usize];
        let fan_out = FAN_OUTS[rng.below(4) as usize];
        let mut flags = CommandLine::parse_from(["broadcast", "--fan-out", fan_out]).flags;
        if rng.below(2) == 0 {
            flags.hub_window = rng.below(500);
            flags.leaf_window = rng.below(500);
            flags.ack_delay = rng.below(1000);
            flags.resend = flags.ack_delay + 2 * CALM_LATENCY + 1 + rng.below(1000);
        }
        let mut storm = Storm {
            network: Network::new(rng.next_u64(), Weather::draw(rng)),
            flags,
            names: (0..size).map(|i| format!("n{i}")).collect(),
            confirmed: BTreeSet::new(),
            values: 0,
        };
        for place in 0..size {
            storm.start(place as usize);
        }
        storm
    }

    fn start(&mut self, place: usize) {
        let (name, nodes) = (
            &self.names[place],
            serde_json::to_string(&self.names).unwrap(),
        );
        self.network.start(name, &self.flags);
        let ids = format!(r#""node_id":"{name}","node_ids":{nodes}"#);
        self.network.tell(
            "c0",
            name,
            &format!(r#"{{"type":"init","msg_id":1,{ids}}}"#),
        );
    }

    fn any_node(&self, rng: &mut Rng) -> usize {
        rng.below(self.names.len() as u64) as usize
    }

    /// A client has something new to say, or something old.
    fn broadcast(&mut self, rng: &mut Rng, place: usize) {
        self.values += u64::from(self.values == 0 || rng.below(10) > 0);
        let number = self.values;
        let value = match number % 3 {
            0 => format!("{number}"),
            1 => format!("\"the {number}th\""),
            _ => format!("{{\"{number}\":[null,{number}.5]}}"),
        };
        let body = format!(r#"{{"type":"broadcast","msg_id":1,"message":{value}}}"#);
        let answer = self.ask(place, &body);
        assert_eq!(answer, r#"{"type":"broadcast_ok","in_reply_to":1}"#);
        self.confirmed.insert(value);
    }

    /// All that a node knows.
    fn read(&mut self, place: usize) -> BTreeSet<String> {
        #[derive(Deserialize)]
        struct ReadOk {
            messages: Vec<Box<RawValue>>,
        }
        let answer = self.ask(place, r#"{"type":"read","msg_id":1}"#);
        let answer: ReadOk = serde_json::from_str(&answer).unwrap();
        let values = answer.messages.iter().map(|value| value.get().to_owned());
        let known: BTreeSet<String> = values.collect();
        assert_eq!(known.len(), answer.messages.len(), "a value is listed once");
        known
    }

    fn ask(&mut self, place: usize, body: &str) -> String {
        let name = self.names[place].clone();
        self.network.said.clear();
        self.network.tell("c1", &name, body);
        let answer = self.network.said.iter().find(|said| said.dest == "c1");
        answer.expect("clients are answered at once").body.clone()
    }

    /// Parts some nodes from the others, or one direction of some ways, or nobody.
    fn part(&mut self, rng: &mut Rng) {
        self.network.cuts.clear();
        let kind = rng.below(4);
        let sides: Vec<bool> = self.names.iter().map(|_| rng.below(2) == 0).collect();
        for (src, src_side) in self.names.iter().zip(&sides) {
            for (dest, dest_side) in self.names.iter().zip(&sides) {
                let is_cut = match kind {
                    0 => false,
                    1 => rng.below(4) == 0,
                    _ => src_side != dest_side,
                };
                if is_cut {
                    self.network.cuts.insert((src.clone(), dest.clone()));
                }
            }
        }
    }

    /// The network becomes one of the bench's: every message takes as long, or most are faster.
    fn calm_down(&mut self, rng: &mut Rng) -> Duration {
        let shortest = rng.below(2) * CALM_LATENCY;
        self.network.calm_down((shortest, CALM_LATENCY));
        self.network.now
    }

    /// Whether nothing is said any more. A timer may be left over from what has been settled since.
    fn falls_silent(&mut self) -> bool {
        self.network.said.clear();
        self.pass(ms(self.flags.resend));
        self.network.said.is_empty() && self.network.is_silent()
    }

    fn pass(&mut self, time: Duration) {
        self.network.run_until(self.network.now + time);
    }

    /// The most edges between two nodes of the tree.
    fn hops(&self) -> u32 {
        let depth = |mut place: usize| {
            let mut depth = 0;
            while place > 0 {
                place = (place - 1) / usize::from(self.flags.fan_out);
                depth += 1;
            }
            depth
        };
        // The last node is the deepest; under another child of the root it is as deep or one less.
        let deepest = depth(self.names.len() - 1);
        if self.flags.fan_out == 1 {
            deepest
        } else {
            2 * deepest
        }
    }

    /// From the calm until everybody knows everything: every edge tries again within `resend` and
    /// is answered, all edges at the same time; then a value goes from node to node, and waits for
    /// a window in each.
    ///
    /// With the default times that is 3.1 s for a star; for 25 nodes it is 4.9 s with a fan-out of
    /// 4, 5.8 s with 2, and 12.8 s in a chain.
    fn arrival_bound(&self) -> Duration {
        let hop = ms(self.flags.hub_window.max(self.flags.leaf_window) + CALM_LATENCY);
        ms(self.flags.resend + 2 * CALM_LATENCY) + hop * self.hops()
    }

    /// And from there the last acknowledgement.
    fn silence_bound(&self) -> Duration {
        self.arrival_bound() + ms(self.flags.ack_delay + 3 * CALM_LATENCY)
    }
}

impl Weather {
    fn draw(rng: &mut Rng) -> Self {
        let shortest = rng.below(200);
        Weather {
            latency: (shortest, shortest + rng.below(2) * rng.below(3000)),
            loss: rng.below(2) * rng.below(60),
            doubled: rng.below(2) * rng.below(30),
        }
    }
}

fn rage(rng: &mut Rng, storm: &mut Storm, restarts: bool) {
    for _ in 0..rng.below(60) {
        let place = storm.any_node(rng);
        match rng.below(8) {
            0 => storm.part(rng),
            1 => storm.network.weather = Weather::draw(rng),
            2 => storm.pass(ms(rng.below(2000))),
            3 if restarts => storm.start(place),
            3.. => {
                storm.broadcast(rng, place);
                storm.pass(ms(rng.below(100)));
            }
        }
    }
}

#[test]
fn every_node_knows_every_confirmed_value_soon_after_the_storm() {
    for_each_seed(0..2_000, |rng| {
        let mut storm = Storm::draw(rng);
        rage(rng, &mut storm, false);
        let calm = storm.calm_down(rng);
        storm.network.run_until(calm + storm.arrival_bound());
        for place in 0..storm.names.len() {
            assert_eq!(
                storm.read(place),
                storm.confirmed,
                "n{place}, {:?}",
                storm.flags
            );
        }
        storm.network.run_until(calm + storm.silence_bound());
        assert!(storm.falls_silent(), "{:?}", storm.flags);
    });
}

/// A node that dies takes with it what it had told nobody; whatever a living one knows must spread.
#[test]
fn nodes_that_restart_are_told_everything_once_they_have_spoken() {
    for_each_seed(0..2_000, |rng| {
        let mut storm = Storm::draw(rng);
        rage(rng, &mut storm, true);
        let calm = storm.calm_down(rng);
        storm.confirmed.clear();
        for place in 0..storm.names.len() {
            let known = storm.read(place);
            storm.confirmed.extend(known);
            storm.broadcast(rng, place);
        }
        // A newcomer is asked for a proof of life first.
        storm
            .network
            .run_until(calm + storm.arrival_bound() + ms(6 * CALM_LATENCY));
        let all = storm.read(0);
        assert!(all.is_superset(&storm.confirmed), "{:?}", storm.flags);
        for place in 1..storm.names.len() {
            assert_eq!(storm.read(place), all, "n{place}, {:?}", storm.flags);
        }
        storm
            .network
            .run_until(calm + storm.silence_bound() + ms(6 * CALM_LATENCY));
        assert!(storm.falls_silent(), "{:?}", storm.flags);
    });
}
