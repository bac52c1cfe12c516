//! The fourteen challenges: their tests, and the budgets to meet.

use crate::flags::TestFlags;
use crate::solutions::Solution;
use pages::budget::{Bound, Budget, Metric};
use simulator::options::Options;
use simulator::workload::Name;

/// Flags of a test, without dashes, that a challenge sets itself: its workload, and its nodes,
/// which are n0, n1, ….
pub const SET_BY_CHALLENGE: [&str; 4] = ["workload", "node", "nodes", "nodes-file"];

/// One of the Gossip Glomers challenges.
#[derive(Debug)]
pub struct Challenge {
    /// Its name here, such as `broadcast-3d`.
    pub name: &'static str,
    /// Our solution.
    pub solution: Solution,
    /// The flags of our node that differ from its defaults.
    pub node_flags: &'static [&'static str],
    /// The tests that it must pass.
    pub trials: &'static [Trial],
}

/// One test of a challenge.
#[derive(Debug)]
pub struct Trial {
    /// Maelstrom's flags for it.
    pub flags: &'static [&'static str],
    /// The budgets.
    pub budgets: &'static [Budget],
    /// Whether the challenge's page has it; if not, it is only for our own solution.
    pub is_official: bool,
}

impl Trial {
    /// Its workload and options.
    ///
    /// # Panics
    /// When its flags are invalid, which a test in this file excludes.
    pub fn test(&self) -> (Name, Options) {
        let flags = TestFlags::read(self.flags.iter().copied()).expect("official flags are valid");
        let options = flags.options().expect("official flags name no file");
        (flags.workload, options)
    }
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
        node_flags: &["--period=1600"],
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

// Our bars are what the solutions reach, and about a tenth more.

/// No messages at all.
const SILENT: &[Budget] = &[ours(Metric::MessagesPerOp, Bound::AtMost(0.0))];

const FAST: &[Budget] = &[
    both(
        Metric::MessagesPerOp,
        Bound::Below(30.0),
        Bound::AtMost(1.08),
    ),
    both(
        Metric::MedianLatency,
        Bound::Below(400.0),
        Bound::Below(320.0),
    ),
    both(Metric::MaxLatency, Bound::Below(600.0), Bound::Below(595.0)),
];

const FRUGAL: &[Budget] = &[
    both(
        Metric::MessagesPerOp,
        Bound::Below(20.0),
        Bound::AtMost(0.38),
    ),
    both(
        Metric::MedianLatency,
        Bound::Below(1000.0),
        Bound::Below(950.0),
    ),
    both(
        Metric::MaxLatency,
        Bound::Below(2000.0),
        Bound::Below(1890.0),
    ),
];

const COUNTER: &[Budget] = &[
    ours(Metric::MessagesPerOp, Bound::AtMost(0.08)),
    ours(Metric::NotOk, Bound::AtMost(0.0)),
];

/// Every request succeeds, with partitions or without, and batches are large.
const AVAILABLE: &[Budget] = &[
    ours(Metric::MessagesPerOp, Bound::AtMost(0.03)),
    ours(Metric::NotOk, Bound::AtMost(0.0)),
];

/// As [`AVAILABLE`]; and without partitions consumers are not far behind.
const PROMPT: &[Budget] = &[
    AVAILABLE[0],
    AVAILABLE[1],
    ours(Metric::RealtimeLag, Bound::Below(0.3)),
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

/// A command line as on the challenge's page, split into words.
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
    use simulator::workload::workload;

    use super::*;

    #[test]
    fn flags_are_ascii_and_valid() {
        for challenge in &ALL {
            for word in challenge.trials.iter().flat_map(|trial| trial.flags) {
                assert!(word.is_ascii(), "{}: {word}", challenge.name);
            }
            for trial in challenge.trials {
                let (name, options) = trial.test();
                let settings = options.settings(&*workload(name, &options), 1);
                assert!(settings.is_ok(), "{}", challenge.name);
            }
        }
    }
}
