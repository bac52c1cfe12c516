//! Judges a history: was what clients saw of a distributed system correct?
//!
//! A checker is a pure function from a [`History`](history::History), the list of operations that
//! clients invoked and how each completed, to a result of its own type: the answer (valid, invalid
//! or unknown), counts, measurements, and the anomalies with the operations and keys involved. The
//! history may come from Maelstrom, from Jepsen or from a test of your own:
//!
//! ```
//! use checkers::{CheckerResult, RegisterOutcome, Validity, history::History};
//!
//! // Each operation has two lines: its invocation, and its completion as `ok`, `fail` (it did
//! // certainly not take effect) or `info` (indeterminate). The format is JSON or EDN. In this
//! // history a register holds 1, process 0 writes 2, and then process 1 still reads 1.
//! let history = History::read(r#"
//!     {"process": 0, "type": "invoke", "f": "write", "value": 1}
//!     {"process": 0, "type": "ok",     "f": "write", "value": 1}
//!     {"process": 0, "type": "invoke", "f": "write", "value": 2}
//!     {"process": 0, "type": "ok",     "f": "write", "value": 2}
//!     {"process": 1, "type": "invoke", "f": "read",  "value": null}
//!     {"process": 1, "type": "ok",     "f": "read",  "value": 1}
//! "#.as_bytes())?;
//!
//! let result = checkers::register(&history)?;
//! assert_eq!(result.validity(), Validity::Invalid);
//! for finding in result.findings() {
//!     println!("{finding}");
//! }
//! // The violation as data:
//! let RegisterOutcome::Violated(violation) = &result.registers[0].outcome else { panic!() };
//! assert_eq!(violation.event.op.index, 5);
//!
//! // Sequential consistency allows such a read, linearizability does not. Without it:
//! let writes = History { ops: history.ops[..4].to_vec() };
//! assert_eq!(checkers::register(&writes)?.validity(), Validity::Valid);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | what is checked | by |
//! |---|---|
//! | registers that are read, written, and changed by compare-and-set | [`register`], [`lin_kv`] |
//! | any other object, by its sequential specification | [`linearizability`] |
//! | transactions over registers or lists, as Elle does | [`rw_register`], [`list_append`] |
//! | logs that are appended to and polled, as in Kafka | [`kafka`] |
//! | sets, counters, unique ids, echoes | [`set_full`], [`counter`], [`unique_ids`], [`echo`] |
//! | how operations end | [`stats`], [`availability`], [`exceptions`] |
//!
//! The documentation of a checker says which operations and values it reads. A history that it
//! cannot judge is an error, [`Unjudged`]. A [`Verdict`] combines several results. Each result
//! converts to the map in Maelstrom's `results.edn`: [`CheckerResult::to_edn`].

mod availability;
mod counter;
mod echo;
mod element;
mod elle;
mod exceptions;
mod finding;
mod kafka;
mod lin_kv;
pub mod linearizability;
mod op_ref;
mod prefix;
mod set_full;
mod stats;
mod unique_ids;
mod verdict;

use history::edn::{self, Edn};

pub use availability::{Availability, Target, availability};
pub use counter::{CounterResult, Intervals, counter};
pub use echo::{EchoMismatch, EchoResult, echo};
pub use element::{Element, pair};
pub use elle::{
    Assumptions, Cases, Content, CycleExists, EMPTY_GRAPH, Expected, Models, Objects, OpCycle,
    OpStep, Relation, SearchTimeout, StepReason, TransactionsResult, TxnAnomaly, TxnRead,
    UnknownModel, list_append, rw_register,
};
pub use exceptions::{ExceptionClass, Exceptions, exceptions};
pub use finding::Finding;
pub use history;
pub use kafka::{LogAction, LogAnomaly, LogMessage, LogsResult, PollLag, WorstLag, kafka};
pub use lin_kv::{
    Configuration, RegisterEvent, RegisterOutcome, RegisterResult, RegisterViolation,
    RegistersResult, Undecided, lin_kv, register,
};
pub use op_ref::OpRef;
pub use prefix::may_heal;
pub use set_full::{LostElement, SetResult, StableLatency, StaleElement, set_full};
pub use stats::{Counts, Stats, stats};
pub use unique_ids::{DuplicateId, IdsResult, unique_ids};
pub use verdict::{
    CheckerResult, Convergence, CustomResult, MessageCount, NetResult, Unjudged, Verdict,
    WorkloadResult, WorkloadVerdict,
};

/// Quantiles in result maps.
const QUANTILES: [f64; 5] = [0.0, 0.5, 0.95, 0.99, 1.0];

/// The answer of a checker, ordered from best to worst, so that the maximum of several is the
/// worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Validity {
    /// No anomaly was found.
    Valid,
    /// No anomaly was found, but something could not be judged; the findings say what.
    Unknown,
    /// An anomaly was found; the findings describe it.
    Invalid,
}

/// The quantile of a sorted list at `point`, from 0 to 1: always one of the values, never
/// interpolated. `None` if the list is empty.
pub fn quantile<T: Copy>(sorted: &[T], point: f64) -> Option<T> {
    let last = sorted.len().checked_sub(1)?;
    sorted
        .get(last.min((sorted.len() as f64 * point) as usize))
        .copied()
}

/// A map from each of [`QUANTILES`] to its value. `None` if there are no values.
fn quantiles(mut values: Vec<u64>) -> Option<Edn> {
    values.sort_unstable();
    let whole = |point: f64| point == point.trunc();
    let key = |point| {
        if whole(point) {
            Edn::Int(point as i64)
        } else {
            edn::float(point)
        }
    };
    let entry = |point| Some((key(point), edn::integer(quantile(&values, point)?)));
    let entries: Option<_> = QUANTILES.into_iter().map(entry).collect();
    entries.map(edn::map_of)
}

impl Validity {
    /// `Valid` if `is_valid`, else `Invalid`.
    pub fn of(is_valid: bool) -> Self {
        if is_valid {
            Validity::Valid
        } else {
            Validity::Invalid
        }
    }

    /// The answer as a word: `valid`, `unknown` or `invalid`.
    pub fn name(self) -> &'static str {
        match self {
            Validity::Valid => "valid",
            Validity::Unknown => "unknown",
            Validity::Invalid => "invalid",
        }
    }

    /// The answer in Maelstrom's results: `true`, `:unknown` or `false`.
    pub fn to_edn(self) -> Edn {
        match self {
            Validity::Valid => Edn::Bool(true),
            Validity::Unknown => edn::key("unknown"),
            Validity::Invalid => Edn::Bool(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{quantile, quantiles};
    use history::edn::compact;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values = [10, 20, 30, 40];
        let check = |point, value| assert_eq!(quantile(&values, point), Some(value), "{point}");
        check(0.0, 10);
        check(0.24, 10);
        check(0.25, 20);
        check(0.5, 30);
        check(0.99, 40);
        check(1.0, 40);
        assert_eq!(quantile::<u64>(&[], 0.5), None);
        assert_eq!(
            compact(&quantiles(vec![7, 3]).unwrap()),
            "{0 3, 0.5 7, 0.95 7, 0.99 7, 1 7}"
        );
        assert_eq!(quantiles(vec![]), None);
    }
}
