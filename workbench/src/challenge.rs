//! The fourteen challenges as data: what is run, and what must hold.

use clojure_reader::edn::Edn;

use crate::edn;
use crate::solutions::Solution;

/// One of the Gossip Glomers challenges.
#[derive(Debug)]
pub struct Challenge {
    /// Its name here, such as `broadcast-3d`.
    pub name: &'static str,
    /// Our answer to it, once there is one.
    pub solution: Option<Solution>,
    /// Flags of our node that differ from its defaults.
    pub node_flags: &'static [&'static str],
    /// The flags of the public challenge page. More than one list is more than one test.
    pub tests: &'static [&'static [&'static str]],
    /// What must be measured.
    pub budgets: &'static [Budget],
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

/// Something that a result map tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Messages between servers and services for each operation.
    MessagesPerOp,
    /// How long half of the values take at most until everybody has them, in milliseconds.
    MedianLatency,
    /// How long the slowest value takes, in milliseconds.
    MaxLatency,
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
        }
    }

    /// The number in a result map, ours or Maelstrom's, if it is there.
    pub fn measure(self, results: &Edn<'_>) -> Option<f64> {
        let found = match self {
            Metric::MessagesPerOp => edn::get(results, &["net", "servers", "msgs-per-op"]),
            Metric::MedianLatency => quantile(results, 0.5),
            Metric::MaxLatency => quantile(results, 1.0),
        };
        found.and_then(edn::number)
    }
}

fn quantile<'a>(results: &'a Edn<'_>, point: f64) -> Option<&'a Edn<'a>> {
    edn::at(edn::get(results, &["workload", "stable-latencies"])?, point)
}

/// All fourteen, in their order.
pub static ALL: [Challenge; 14] = [
    Challenge {
        name: "echo",
        solution: Some(Solution::Echo),
        node_flags: &[],
        tests: &[&["-w", "echo", "--node-count", "1", "--time-limit", "10"]],
        budgets: &[],
    },
    Challenge {
        name: "unique-ids",
        solution: Some(Solution::UniqueIds),
        node_flags: &[],
        tests: &[UNIQUE_IDS],
        budgets: &[ours(Metric::MessagesPerOp, Bound::AtMost(0.0))],
    },
    Challenge {
        name: "broadcast-3a",
        solution: Some(Solution::Broadcast),
        node_flags: &[],
        tests: &[BROADCAST_3A],
        budgets: &[],
    },
    Challenge {
        name: "broadcast-3b",
        solution: Some(Solution::Broadcast),
        node_flags: &[],
        tests: &[BROADCAST_3B],
        budgets: &[],
    },
    Challenge {
        name: "broadcast-3c",
        solution: Some(Solution::Broadcast),
        node_flags: &[],
        tests: &[BROADCAST_3C],
        budgets: &[],
    },
    Challenge {
        name: "broadcast-3d",
        solution: Some(Solution::Broadcast),
        node_flags: &[],
        tests: &[BROADCAST_3D],
        budgets: &[
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
        ],
    },
    Challenge {
        name: "broadcast-3e",
        solution: Some(Solution::Broadcast),
        node_flags: &["--hub-window=1000", "--leaf-window=400"],
        tests: &[BROADCAST_3D],
        budgets: &[
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
        ],
    },
    Challenge {
        name: "g-counter",
        solution: None,
        node_flags: &[],
        tests: &[G_COUNTER],
        budgets: &[ours(Metric::MessagesPerOp, Bound::AtMost(0.15))],
    },
    Challenge {
        name: "kafka-5a",
        solution: None,
        node_flags: &[],
        tests: &[KAFKA_5A],
        budgets: &[],
    },
    Challenge {
        name: "kafka-5b",
        solution: None,
        node_flags: &[],
        tests: &[KAFKA_5B],
        budgets: &[ours(Metric::MessagesPerOp, Bound::AtMost(0.05))],
    },
    Challenge {
        name: "kafka-5c",
        solution: None,
        node_flags: &[],
        tests: &[KAFKA_5B],
        budgets: &[ours(Metric::MessagesPerOp, Bound::AtMost(0.05))],
    },
    Challenge {
        name: "txn-6a",
        solution: None,
        node_flags: &[],
        tests: &[TXN_6A],
        budgets: &[],
    },
    Challenge {
        name: "txn-6b",
        solution: None,
        node_flags: &[],
        tests: &[TXN_6B, TXN_6B_PARTITIONED],
        budgets: &[ours(Metric::MessagesPerOp, Bound::AtMost(0.05))],
    },
    Challenge {
        name: "txn-6c",
        solution: None,
        node_flags: &[],
        tests: &[TXN_6C],
        budgets: &[ours(Metric::MessagesPerOp, Bound::AtMost(0.05))],
    },
];

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
            for word in challenge.tests.iter().copied().flatten() {
                assert!(word.is_ascii(), "{}: {word}", challenge.name);
            }
        }
    }
}
