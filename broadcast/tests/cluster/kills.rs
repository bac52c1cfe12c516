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
        flags.tree.fan_out = Some([1, 2, 24][rng.below(3) as usize]);
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

    /// Kills the root again and again, sometimes with another node, while it has values to write.
    fn kill_the_root(&mut self, rng: &mut Rng) {
        for _ in 0..rng.below(8) {
            if rng.below(4) == 0 {
                self.cluster.partition(rng);
            }
            for _ in 0..1 + rng.below(4) {
                let node = self.cluster.random_node(rng);
                self.broadcast(&node);
                self.pass(ms(rng.below(200)));
            }
            self.pass(ms(rng.below(500)));
            self.cluster.kill("n0");
            let other = self.cluster.random_node(rng);
            if rng.below(3) == 0 && self.cluster.is_up(&other) {
                self.cluster.kill(&other);
            }
            self.pass(ms(rng.below(2000)));
            self.restart_dead();
            self.read(&other);
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
        let fan_out = self.flags.tree.fan_out.expect("it was drawn");
        let hops = max_hops(self.cluster.names.len(), fan_out.into());
        let hop = ms(self.flags.period() + self.flags.tree.slack + CALM_LATENCY);
        let delays = self.flags.tree.delays(self.flags.period());
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

#[test]
fn nothing_acknowledged_is_lost_when_the_root_is_killed_while_values_are_pending() {
    for_each_seed(0..1_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.pass(ms(rng.below(2000)));
        storm.kill_the_root(rng);
        storm.converge();
    });
}

/// A durable cluster with a latency of 100 ms, in which all nodes are ready.
fn calm_cluster(size: usize) -> TestCluster<Broadcast> {
    let flags: Flags = read_flags("broadcast", &["--durable"]).unwrap();
    let boot = with_flags(flags, Broadcast::boot);
    let conditions = Conditions::reliable(Latency::constant(100));
    let mut cluster = TestCluster::of_nodes(size, 1, conditions, boot);
    cluster.advance(ms(1000));
    cluster
}

/// When values 0, 1, … were acknowledged, each to a client that is named after it.
fn acknowledged_at(cluster: &TestCluster<Broadcast>, values: u64) -> Vec<Duration> {
    let at = |value: u64| {
        let client = format!("c{value}");
        let mut sent = cluster.sent.iter();
        let answer = sent.find(|sent| sent.dest == client && sent.body.contains("broadcast_ok"));
        answer.unwrap_or_else(|| panic!("{client} waits")).at
    };
    (0..values).map(at).collect()
}

fn broadcast(cluster: &mut TestCluster<Broadcast>, value: u64, node: &str) {
    let body = format!(r#"{{"type":"broadcast","msg_id":1,"message":{value}}}"#);
    cluster.deliver(&format!("c{value}"), node, &body);
}

#[test]
fn fifty_values_a_second_take_under_three_messages_each_and_half_a_second() {
    let mut cluster = calm_cluster(25);
    let (start, before) = (cluster.now, cluster.messages());
    for value in 0..500 {
        broadcast(&mut cluster, value, &format!("n{}", value * 7 % 25));
        cluster.advance(ms(20));
    }
    let messages = (cluster.messages() - before) as f64 / 500.0;
    assert!(messages < 3.0, "{messages} messages a value");
    cluster.advance(ms(1000));
    let acknowledged_at = acknowledged_at(&cluster, 500);
    let slowest = (0..)
        .zip(acknowledged_at)
        .map(|(value, at)| at - start - ms(20 * value));
    // A hop, the journal's window, the write and its answer, and a hop.
    assert_eq!(slowest.max(), Some(ms(480)));
}

#[test]
fn a_partition_delays_acknowledgements_and_refuses_none() {
    let mut cluster = calm_cluster(5);
    let names = cluster.names.clone();
    for (src, dest) in names
        .iter()
        .flat_map(|src| names.iter().map(move |dest| (src, dest)))
    {
        cluster.cut_one_way(src, dest);
    }
    let start = cluster.now;
    for (value, node) in (0..).zip(&names) {
        broadcast(&mut cluster, value, node);
    }
    cluster.advance(ms(2000));
    let acknowledged_at = acknowledged_at(&cluster, 5);
    let latencies: Vec<Duration> = acknowledged_at.iter().map(|at| *at - start).collect();
    assert_eq!(latencies[0], ms(280), "at the root");
    assert_eq!(latencies[1..], [ms(1280); 4]);
    cluster.heal();
    cluster.advance(ms(5000));
    for node in &names {
        let answer = cluster.ask(node, r#"{"type":"read","msg_id":1}"#);
        assert!(
            (0..5).all(|value| answer.contains(&value.to_string())),
            "{node}: {answer}"
        );
    }
}
