//! The fourteen challenges as data: what is run, and what must hold.

use crate::flags::Words;
use crate::solutions::Solution;
use crate::text::WIDE;
use history::edn::{self, Edn};

/// Flags of a test, without dashes, that are not for whoever runs a challenge: it brings its
/// workload, and nodes are n0, n1, ….
pub const SETTLED: [&str; 4] = ["workload", "node", "nodes", "nodes-file"];

/// One of the Gossip Glomers challenges.
#[derive(Debug)]
pub struct Challenge {
    /// Its name here, such as `broadcast-3d`.
    pub name: &'static str,
    /// Our answer to it.
    pub solution: Solution,
    /// Flags of our node that differ from its defaults.
    pub node_flags: &'static [&'static str],
    /// The tests that it must pass.
    pub trials: &'static [Trial],
}

/// One test of a challenge.
#[derive(Debug)]
pub struct Trial {
    /// Maelstrom's flags for it.
    pub flags: &'static [&'static str],
    /// What must be measured.
    pub budgets: &'static [Budget],
    /// Whether it stands on the challenge's page; if not, we ask it of our own solution alone.
    pub is_official: bool,
}

impl Trial {
    /// Its flags.
    ///
    /// # Panics
    /// When these are no flags, which a test of this file holds.
    pub fn words(&self) -> Words {
        Words::read(self.flags.iter().copied()).expect("official flags are flags with values")
    }
}

/// A bound on something that is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// What is measured.
    pub metric: Metric,
    /// What the challenge page allows, if it sets a number.
    pub official: Option<Bound>,
    /// What we ask of our own solution.
    pub ours: Option<Bound>,
}

/// Whose bounds count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// Those of the challenge's page: anybody's node.
    Official,
    /// Our own, which are the stricter ones.
    Ours,
}

impl Budget {
    /// The bounds that count, the official one first.
    pub fn bounds(&self, bar: Bar) -> impl DoubleEndedIterator<Item = Bound> {
        let ours = self.ours.filter(|_| bar == Bar::Ours);
        self.official.into_iter().chain(ours)
    }
}

/// Something that a result map tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Messages between servers and services for each operation.
    MessagesPerOp,
    /// How long half of the values take at most until everybody has them, in milliseconds.
    MedianLatency,
    /// How long the slowest value takes, in milliseconds.
    MaxLatency,
    /// How many operations did not end well, but for clients that crash on purpose.
    NotOk,
    /// How long a message was there at most before a consumer had got beyond the one before it, in
    /// seconds.
    RealtimeLag,
}

/// Where a number must stay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Less than this.
    Below(f64),
    /// This or less.
    AtMost(f64),
}

impl Bound {
    /// The number itself.
    pub fn limit(self) -> f64 {
        let (Bound::Below(limit) | Bound::AtMost(limit)) = self;
        limit
    }

    /// Whether a number stays within it.
    pub fn holds(self, measured: f64) -> bool {
        match self {
            Bound::Below(most) => measured < most,
            Bound::AtMost(most) => measured <= most,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Bound::Below(most) => write!(f, "< {most}"),
            Bound::AtMost(most) => write!(f, "≤ {most}"),
        }
    }
}

impl Metric {
    /// Its name in a table, with its unit.
    pub fn label(self) -> &'static str {
        match self {
            Metric::MessagesPerOp => "messages per operation",
            Metric::MedianLatency => "median latency, ms",
            Metric::MaxLatency => "max latency, ms",
            Metric::NotOk => "operations not ok",
            Metric::RealtimeLag => "worst realtime lag, s",
        }
    }

    /// A number as a table shows it.
    pub fn show(self, number: f64) -> String {
        match self {
            _ if number.abs() >= WIDE => format!("{number:.3e}"),
            Metric::MessagesPerOp => format!("{number:.3}"),
            Metric::RealtimeLag => format!("{number:.2}"),
            Metric::MedianLatency | Metric::MaxLatency | Metric::NotOk => format!("{number:.0}"),
        }
    }

    /// The number in a result map, ours or Maelstrom's, if it is there.
    pub fn measure(self, results: &Edn) -> Option<f64> {
        let found = match self {
            Metric::MessagesPerOp => edn::get(results, &["net", "servers", "msgs-per-op"]),
            Metric::MedianLatency => quantile(results, 0.5),
            Metric::MaxLatency => quantile(results, 1.0),
            Metric::NotOk => return not_ok(results),
            Metric::RealtimeLag => edn::get(results, &["workload", "worst-realtime-lag", "lag"]),
        };
        found.and_then(edn::number)
    }
}

/// Completions that are not ok, of all kinds of operations but the one that never is.
fn not_ok(results: &Edn) -> Option<f64> {
    let Edn::Map(by_f) = edn::get(results, &["stats", "by-f"])? else {
        return None;
    };
    let counts = by_f.iter().filter(|(f, _)| **f != edn::key("crash"));
    let missed = counts.map(|(_, counts)| {
        let count = |name| edn::get(counts, &[name]).and_then(edn::number);
        Some(count("count")? - count("ok-count")?)
    });
    missed.sum()
}

fn quantile(results: &Edn, point: f64) -> Option<&Edn> {
    edn::at(edn::get(results, &["workload", "stable-latencies"])?, point)
}

/// All fourteen, in their order.
pub static ALL: [Challenge; 14] = [
    challenge("echo", Solution::Echo, &[official(ECHO, &[])]),
    challenge(
        "unique-ids",
        Solution::UniqueIds,
        &[official(UNIQUE_IDS, SILENT)],
    ),
    challenge(
        "broadcast-3a",
        Solution::Broadcast,
        &[official(BROADCAST_3A, &[])],
    ),
    challenge(
        "broadcast-3b",
        Solution::Broadcast,
        &[official(BROADCAST_3B, &[])],
    ),
    challenge(
        "broadcast-3c",
        Solution::Broadcast,
        &[official(BROADCAST_3C, &[])],
    ),
    challenge(
        "broadcast-3d",
        Solution::Broadcast,
        &[official(BROADCAST_3D, FAST)],
    ),
    Challenge {
        node_flags: &["--hub-window=1000", "--leaf-window=400"],
        ..challenge(
            "broadcast-3e",
            Solution::Broadcast,
            &[official(BROADCAST_3D, FRUGAL)],
        )
    },
    challenge(
        "g-counter",
        Solution::GCounter,
        &[official(G_COUNTER, COUNTER)],
    ),
    challenge("kafka-5a", Solution::KafkaLog, &[official(KAFKA_5A, &[])]),
    challenge(
        "kafka-5b",
        Solution::KafkaLog,
        &[official(KAFKA_5B, PROMPT)],
    ),
    challenge(
        "kafka-5c",
        Solution::KafkaLog,
        &[
            official(KAFKA_5B, PROMPT),
            beyond(KAFKA_5C_PARTITIONED, AVAILABLE),
        ],
    ),
    challenge("txn-6a", Solution::Txn, &[official(TXN_6A, &[])]),
    challenge(
        "txn-6b",
        Solution::Txn,
        &[
            official(TXN_6B, AVAILABLE),
            official(TXN_6B_PARTITIONED, AVAILABLE),
        ],
    ),
    challenge("txn-6c", Solution::Txn, &[official(TXN_6C, AVAILABLE)]),
];

/// No message at all.
const SILENT: &[Budget] = &[ours(Metric::MessagesPerOp, Bound::AtMost(0.0))];

const FAST: &[Budget] = &[
    both(
        Metric::MessagesPerOp,
        Bound::Below(30.0),
        Bound::AtMost(1.25),
    ),
    both(
        Metric::MedianLatency,
        Bound::Below(400.0),
        Bound::Below(400.0),
    ),
    both(Metric::MaxLatency, Bound::Below(600.0), Bound::Below(600.0)),
];

const FRUGAL: &[Budget] = &[
    both(
        Metric::MessagesPerOp,
        Bound::Below(20.0),
        Bound::AtMost(0.65),
    ),
    both(
        Metric::MedianLatency,
        Bound::Below(1000.0),
        Bound::Below(1000.0),
    ),
    both(
        Metric::MaxLatency,
        Bound::Below(2000.0),
        Bound::Below(2000.0),
    ),
];

const COUNTER: &[Budget] = &[
    ours(Metric::MessagesPerOp, Bound::AtMost(0.15)),
    ours(Metric::NotOk, Bound::AtMost(0.0)),
];

/// Nobody is refused, cut or not, and batches are large.
const AVAILABLE: &[Budget] = &[
    ours(Metric::MessagesPerOp, Bound::AtMost(0.05)),
    ours(Metric::NotOk, Bound::AtMost(0.0)),
];

/// … and without cuts consumers are not far behind.
const PROMPT: &[Budget] = &[
    AVAILABLE[0],
    AVAILABLE[1],
    ours(Metric::RealtimeLag, Bound::Below(0.5)),
];

const fn challenge(name: &'static str, solution: Solution, trials: &'static [Trial]) -> Challenge {
    Challenge {
        name,
        solution,
        node_flags: &[],
        trials,
    }
}

const fn official(flags: &'static [&'static str], budgets: &'static [Budget]) -> Trial {
    Trial {
        flags,
        budgets,
        is_official: true,
    }
}

const fn beyond(flags: &'static [&'static str], budgets: &'static [Budget]) -> Trial {
    Trial {
        flags,
        budgets,
        is_official: false,
    }
}

const fn ours(metric: Metric, bound: Bound) -> Budget {
    Budget {
        metric,
        official: None,
        ours: Some(bound),
    }
}

const fn both(metric: Metric, official: Bound, ours: Bound) -> Budget {
    Budget {
        metric,
        official: Some(official),
        ours: Some(ours),
    }
}

/// A command line as the challenge page prints it, in words.
macro_rules! flags {
    ($($word:literal)*) => { &[$($word),*] };
}

const ECHO: &[&str] = flags!["-w" "echo" "--node-count" "1" "--time-limit" "10"];
const UNIQUE_IDS: &[&str] = flags!["-w" "unique-ids" "--node-count" "3" "--rate" "1000"
    "--time-limit" "30" "--availability" "total" "--nemesis" "partition"];
const BROADCAST_3A: &[&str] =
    flags!["-w" "broadcast" "--node-count" "1" "--time-limit" "20" "--rate" "10"];
const BROADCAST_3B: &[&str] =
    flags!["-w" "broadcast" "--node-count" "5" "--time-limit" "20" "--rate" "10"];
const BROADCAST_3C: &[&str] = flags!["-w" "broadcast" "--node-count" "5" "--time-limit" "20"
    "--rate" "10" "--nemesis" "partition"];
const BROADCAST_3D: &[&str] = flags!["-w" "broadcast" "--node-count" "25" "--time-limit" "20"
    "--rate" "100" "--latency" "100"];
const G_COUNTER: &[&str] = flags!["-w" "g-counter" "--node-count" "3" "--rate" "100"
    "--time-limit" "20" "--nemesis" "partition"];
const KAFKA_5A: &[&str] = flags!["-w" "kafka" "--node-count" "1" "--concurrency" "2n"
    "--time-limit" "20" "--rate" "1000"];
const KAFKA_5B: &[&str] = flags!["-w" "kafka" "--node-count" "2" "--concurrency" "2n"
    "--time-limit" "20" "--rate" "1000"];
const KAFKA_5C_PARTITIONED: &[&str] = flags!["-w" "kafka" "--node-count" "2" "--concurrency" "2n"
    "--time-limit" "20" "--rate" "1000" "--nemesis" "partition"];
const TXN_6A: &[&str] = flags!["-w" "txn-rw-register" "--node-count" "1" "--concurrency" "2n"
    "--time-limit" "20" "--rate" "1000" "--consistency-models" "read-uncommitted"
    "--availability" "total"];
const TXN_6B: &[&str] = flags!["-w" "txn-rw-register" "--node-count" "2" "--concurrency" "2n"
    "--time-limit" "20" "--rate" "1000" "--consistency-models" "read-uncommitted"];
const TXN_6B_PARTITIONED: &[&str] = flags!["-w" "txn-rw-register" "--node-count" "2"
    "--concurrency" "2n" "--time-limit" "20" "--rate" "1000" "--consistency-models"
    "read-uncommitted" "--availability" "total" "--nemesis" "partition"];
const TXN_6C: &[&str] = flags!["-w" "txn-rw-register" "--node-count" "2" "--concurrency" "2n"
    "--time-limit" "20" "--rate" "1000" "--consistency-models" "read-committed"
    "--availability" "total" "--nemesis" "partition"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_strict_only_if_it_says_so() {
        assert!(Bound::AtMost(1.25).holds(1.25) && !Bound::Below(1.25).holds(1.25));
        assert!(!Bound::AtMost(1.25).holds(f64::NAN) && !Bound::Below(1.25).holds(f64::NAN));
    }

    #[test]
    fn no_flag_carries_a_dash_of_the_wrong_kind() {
        for challenge in &ALL {
            for word in challenge.trials.iter().flat_map(|trial| trial.flags) {
                assert!(word.is_ascii(), "{}: {word}", challenge.name);
            }
            for trial in challenge.trials {
                assert!(trial.words().flags().is_ok(), "{}", challenge.name);
            }
        }
    }
}
