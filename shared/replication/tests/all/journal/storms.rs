//! Storm, then calm, then a restart of all nodes: each must know every number that was acknowledged
//! or read before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use shared::{Rng, read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, Promises, TestCluster, for_each_seed};

use super::notebook::{Flags, Notebook};

/// The maximum time in the calm until all nodes are ready and have acknowledged all numbers: a
/// request that was lost is retried after eight seconds; then journals are read in chunks.
const CONVERGENCE_TIME: Duration = Duration::from_secs(20);

/// The latencies of a calm network.
const QUIESCENCE: [Latency; 2] = [Latency::uniform(50), Latency::constant(100)];

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Answer {
    NoteOk,
    ReadOk { known: Vec<(String, u64)> },
}

/// Notebooks in a storm, and the promises to their clients.
struct Storm {
    cluster: TestCluster<Notebook>,
    /// The last number sent in a `note`.
    last: u64,
    promises: Promises,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(5) as usize;
        let mut flags: Flags = read_flags("notebook", &["--durable"]).unwrap();
        flags.depth = 1 + rng.below(3) as usize;
        flags.durability.journal_window = Some(rng.below(2) * rng.below(500));
        let boot = with_flags(flags, Notebook::boot);
        Storm {
            cluster: TestCluster::of_nodes(size, rng.next_u64(), Conditions::draw(rng), boot),
            last: 0,
            promises: Promises::default(),
        }
    }

    fn run(&mut self, rng: &mut Rng) {
        for _ in 0..rng.below(150) {
            let node = self.cluster.random_node(rng);
            match rng.below(16) {
                0 => self.cluster.set_conditions(Conditions::draw(rng)),
                1 => self.cluster.heal(),
                2 => self.cluster.cut_off_service(rng),
                3 => self.pass(ms(rng.below(4000))),
                4 => self.cluster.kill(&node),
                5 => self.start(&node),
                6 if rng.below(5) == 0 => self.start_all(),
                6..=8 => {
                    self.read(&node);
                }
                9.. => {
                    self.note(&node);
                    self.pass(ms(rng.below(200)));
                }
            }
        }
    }

    fn start(&mut self, node: &str) {
        self.cluster.restart(node);
        self.promises.restart(node);
    }

    fn start_all(&mut self) {
        for node in self.cluster.names.clone() {
            self.start(&node);
        }
    }

    fn note(&mut self, node: &str) {
        self.last += 1;
        let body = format!(r#"{{"type":"note","msg_id":1,"number":{}}}"#, self.last);
        let client = format!("c{}", self.last);
        self.cluster.deliver(&client, node, &body);
        self.collect_answers();
    }

    /// Sends a read to a node. Returns whether it answers at once.
    fn read(&mut self, node: &str) -> bool {
        let read = r#"{"type":"read","msg_id":1}"#;
        self.cluster.deliver("c0", node, read);
        self.collect_answers() > 0
    }

    fn pass(&mut self, time: Duration) {
        self.cluster.advance(time);
        self.collect_answers();
    }

    /// Records the answers to clients. Returns the number of answered reads.
    fn collect_answers(&mut self) -> usize {
        let mut reads = 0;
        for sent in std::mem::take(&mut self.cluster.sent) {
            let Some(client) = sent.dest.strip_prefix('c') else {
                continue;
            };
            match serde_json::from_str(&sent.body) {
                Ok(Answer::NoteOk) => {
                    let number = client.parse().expect("a client has its number in its name");
                    self.promises.confirm(&sent.src, number);
                }
                Ok(Answer::ReadOk { known }) => {
                    check_order(&known);
                    let known: BTreeSet<u64> = known.iter().map(|(_, number)| *number).collect();
                    self.promises.show(&sent.src, known);
                    reads += 1;
                }
                Err(_) => {}
            }
        }
        reads
    }
}

/// Checks that the numbers of each journal are in its order, and none is repeated.
fn check_order(known: &[(String, u64)]) {
    let mut last = BTreeMap::new();
    for (owner, number) in known {
        let before = last.insert(owner, number).copied().unwrap_or(0);
        assert!(before < *number, "{owner}: {number} after {before}");
    }
}

#[test]
fn a_restarted_node_knows_all_that_was_acknowledged_or_read() {
    for_each_seed(0..1_500, |rng| {
        let mut storm = Storm::draw(rng);
        storm.run(rng);
        storm.cluster.end_faults(QUIESCENCE[rng.below(2) as usize]);
        storm.start_all();
        storm.pass(CONVERGENCE_TIME);
        // All nodes have been ready once. Now all are restarted at the same time, twice.
        for _ in 0..2 {
            storm.start_all();
            let names = storm.cluster.names.clone();
            storm.pass(CONVERGENCE_TIME);
            assert!(
                names.iter().all(|node| storm.read(node)),
                "not all nodes are ready"
            );
            // Each node has just been read, and `Promises` has checked that it returned what it
            // owes. A node that has read all journals has returned every number.
            for node in &names {
                assert!(storm.promises.owes_everything(node), "{node} lacks numbers");
            }
        }
        assert!(storm.cluster.becomes_idle(ms(8000)));
    });
}

#[test]
fn a_first_start_costs_a_read_and_a_write() {
    let flags: Flags = read_flags("notebook", &["--durable"]).unwrap();
    let boot = with_flags(flags, Notebook::boot);
    let mut cluster =
        TestCluster::of_nodes(5, 1, Conditions::reliable(Latency::constant(100)), boot);
    cluster.advance(ms(400));
    assert_eq!(cluster.messages(), 4 * 5);
    let ready = cluster.ask("n3", r#"{"type":"read","msg_id":1}"#);
    assert!(ready.contains("read_ok"), "{ready}");
}
