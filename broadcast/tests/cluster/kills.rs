//! Storms in which durable nodes are killed, one after the other or all at once, and messages to
//! and from the service are lost like all others: no value that was acknowledged, or returned by a
//! read, is ever lost.

use std::collections::BTreeSet;
use std::time::Duration;

use broadcast::{Broadcast, Flags};
use serde::Deserialize;
use shared::{Rng, read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, Promises, TestCluster, for_each_seed, max_hops};

/// The maximum latency after the storm, in milliseconds.
const CALM_LATENCY: u64 = 100;

/// The maximum time after the storm until all nodes are ready and their journals idle: lost
/// requests to the service are repeated within eight seconds, and not lost again.
const RECOVERY: Duration = Duration::from_secs(15);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Answer {
    BroadcastOk,
    ReadOk { messages: Vec<u64> },
}

/// A cluster whose nodes are killed, and the answers that its clients have received.
struct Storm {
    cluster: TestCluster<Broadcast>,
    flags: Flags,
    /// The last value broadcast; values are numbered.
    last: u64,
    promises: Promises,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(6) as usize;
        let mut flags: Flags = read_flags("broadcast", &["--durable"]).unwrap();
        flags.fan_out = Some([1, 2, 24][rng.below(3) as usize]);
        flags.durability.journal_window = Some(rng.below(2) * rng.below(500));
        let boot = with_flags(flags.clone(), Broadcast::boot);
        Storm {
            cluster: TestCluster::of_nodes(size, rng.next_u64(), Conditions::draw(rng), boot),
            flags,
            last: 0,
            promises: Promises::default(),
        }
    }

    /// Runs random steps, with at most `max_down` nodes down at a time.
    fn run_steps(&mut self, rng: &mut Rng, max_down: usize) {
        for _ in 0..rng.below(120) {
            let node = self.cluster.random_node(rng);
            match rng.below(16) {
                0 => self.cluster.partition(rng),
                1 => self.cluster.cut_off_service(rng),
                2 => self.cluster.set_conditions(Conditions::draw(rng)),
                3 | 4 => self.pass(ms(rng.below(4000))),
                5 if self.cluster.dead().len() < max_down => self.cluster.kill(&node),
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
        self.collect_answers();
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
                Ok(Answer::BroadcastOk) => {
                    let value = client.parse().expect("clients are named after values");
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

    /// Ends the faults and restarts dead nodes; soon all nodes must know every value that may not
    /// be lost, and then stop sending.
    fn converge(&mut self) {
        self.cluster.end_faults(Latency::uniform(50));
        self.restart_dead();
        let fan_out = self.flags.fan_out.expect("it was drawn");
        let hops = max_hops(self.cluster.names.len(), fan_out.into());
        let hop = ms(self.flags.period + self.flags.slack + CALM_LATENCY);
        let delays = self.flags.delays();
        let resend = ms(delays.resend + 8 * CALM_LATENCY);
        self.pass(RECOVERY + resend + hop * hops);
        let names = self.cluster.names.clone();
        assert!(names.iter().all(|node| self.read(node)), "all are ready");
        for node in &names {
            let knows = self.promises.owes_everything(node);
            assert!(knows, "{node}, {:?}", self.flags);
        }
        let max_wait = delays.resend + delays.ack_delay;
        assert!(self.cluster.becomes_idle(ms(max_wait)), "{:?}", self.flags);
    }
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
