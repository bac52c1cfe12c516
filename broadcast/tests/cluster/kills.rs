//! Durable nodes in a storm in which they are killed, one after the other or all at once, and
//! messages to the service and from it are lost like all others: nothing that was confirmed, or was
//! read anywhere, is ever lost.

use std::collections::BTreeSet;
use std::time::Duration;

use broadcast::{Broadcast, Flags};
use serde::Deserialize;
use shared::{Rng, read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, Promises, TestCluster, for_each_seed, max_hops};

/// The longest a message travels in the calm, in milliseconds.
const CALM_LATENCY: u64 = 100;

/// How long it takes in the calm, at the longest, until everybody is ready and its journal is at
/// rest: what was lost is asked again within eight seconds, and lost again by nobody.
const SETTLED: u64 = 15_000;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Answer {
    BroadcastOk,
    ReadOk { messages: Vec<u64> },
}

/// A cluster whose nodes are killed, and what its clients have been told.
struct Storm {
    cluster: TestCluster<Broadcast>,
    flags: Flags,
    /// The last value that anybody was told; they are numbered.
    last: u64,
    promises: Promises,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(6) as usize;
        let fan_out = ["1", "2", "24"][rng.below(3) as usize];
        let words = ["--durable", "--fan-out", fan_out];
        let mut flags: Flags = read_flags("broadcast", &words).unwrap();
        flags.durability.journal_window = rng.below(2) * rng.below(500);
        let boot = with_flags(flags.clone(), Broadcast::boot);
        Storm {
            cluster: TestCluster::of_nodes(size, rng.next_u64(), Conditions::draw(rng), boot),
            flags,
            last: 0,
            promises: Promises::default(),
        }
    }

    /// `most_down` nodes are down at a time.
    fn rage(&mut self, rng: &mut Rng, most_down: usize) {
        for _ in 0..rng.below(120) {
            let node = self.cluster.random_node(rng);
            match rng.below(16) {
                0 => self.cluster.partition(rng),
                1 => self.cluster.cut_off_service(rng),
                2 => self.cluster.set_conditions(Conditions::draw(rng)),
                3 | 4 => self.pass(ms(rng.below(4000))),
                5 if self.cluster.dead().len() < most_down => self.cluster.kill(&node),
                5 | 6 => self.restart_dead(),
                7..=9 => {
                    self.read(&node);
                }
                10.. => {
                    self.broadcast(&node);
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

    fn broadcast(&mut self, node: &str) {
        self.last += 1;
        let body = format!(
            r#"{{"type":"broadcast","msg_id":1,"message":{}}}"#,
            self.last
        );
        self.cluster
            .deliver(&format!("c{}", self.last), node, &body);
        self.listen();
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
                Ok(Answer::BroadcastOk) => {
                    let value = client.parse().expect("clients are called after values");
                    self.promises.confirm(&sent.src, value);
                }
                Ok(Answer::ReadOk { messages }) => {
                    let known: BTreeSet<u64> = messages.iter().copied().collect();
                    assert_eq!(known.len(), messages.len(), "a value is listed once");
                    self.promises.show(&sent.src, known);
                    reads += 1;
                }
                Err(_) => {}
            }
        }
        reads
    }

    /// The weather clears, and whoever is down comes back; then everybody must soon know whatever
    /// is safe, and silence must fall.
    fn all_know_everything(&mut self) {
        self.cluster.end_faults(Latency::uniform(50));
        self.restart_dead();
        let hops = max_hops(self.cluster.names.len(), self.flags.fan_out.into());
        let hop = ms(self.flags.hub_window + CALM_LATENCY);
        let resend = ms(self.flags.patience.resend + 8 * CALM_LATENCY);
        self.pass(ms(SETTLED) + resend + hop * hops);
        let names = self.cluster.names.clone();
        assert!(names.iter().all(|node| self.read(node)), "all are ready");
        for node in &names {
            let knows = self.promises.owes_everything(node);
            assert!(knows, "{node}, {:?}", self.flags);
        }
        let patience = self.flags.patience.resend + self.flags.patience.ack_delay;
        assert!(self.cluster.becomes_idle(ms(patience)), "{:?}", self.flags);
    }
}

#[test]
fn nothing_confirmed_is_lost_though_nodes_are_killed_one_after_the_other() {
    for_each_seed(0..1_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.rage(rng, 1);
        storm.all_know_everything();
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
        storm.all_know_everything();
    });
}
