//! Findings: anomalies in a history, and what could not be judged. A program can match on them, and
//! each prints as a sentence.

use std::fmt;

use crate::availability::Availability;
use crate::counter::Intervals;
use crate::echo::EchoMismatch;
use crate::element::Element;
use crate::elle::{Objects, TxnAnomaly, describe_txn};
use crate::exceptions::ExceptionClass;
use crate::kafka::LogAnomaly;
use crate::lin_kv::{RegisterViolation, Undecided};
use crate::set_full::LostElement;
use crate::stats::Counts;
use crate::unique_ids::DuplicateId;
use history::Op;

/// The number of findings of one kind that are reported.
pub(crate) const MAX_FINDINGS: usize = 10;

/// The number of operations, keys or values that a sentence names.
const MAX_NAMED: usize = 5;

/// An anomaly, or something that could not be judged. It prints as a sentence.
#[derive(Debug, Clone, Copy)]
pub enum Finding<'a> {
    /// Replies that clients could not interpret.
    Exceptions(&'a ExceptionClass),
    /// No operation of this name succeeded.
    NeverOk(&'a str, Counts),
    /// Too few operations were `ok`.
    Unavailable(&'a Availability),
    /// A reply that does not echo its request.
    Echo(&'a EchoMismatch),
    /// An id that was returned more than once.
    DuplicateId(&'a DuplicateId),
    /// An element of a set that is lost.
    LostElement(&'a LostElement),
    /// No read returned any of this many elements.
    NothingStable(usize),
    /// A final read of a counter that no subset of the additions explains.
    WrongTotal(&'a Op, &'a Intervals),
    /// A register that is not linearizable, with its key if there are several.
    NotLinearizable(Option<&'a Element>, &'a RegisterViolation),
    /// A register for which the search exceeded its limits, with its key if there are several.
    Undecided(Option<&'a Element>, &'a Undecided),
    /// An anomaly of transactions, with its name.
    Transaction(&'static str, Objects, &'a TxnAnomaly),
    /// An anomaly of logs, with its name.
    Log(&'static str, &'a LogAnomaly),
    /// The history could not be judged.
    Unjudged(&'a str),
    /// Something did not recover or did not converge after a storm.
    Unconverged(&'a str),
    /// A protocol error of a node, which the history does not show.
    ProtocolError(&'a str),
    /// A finding of a checker outside this crate.
    Custom(&'a str),
    /// This many more findings of the same kind, with the name of the kind if there are several.
    More(Option<&'static str>, usize),
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Exceptions(class) => class.fmt(f),
            Finding::NeverOk(name, counts) => write!(
                f,
                "no {name} succeeded: {} failed, {} indeterminate",
                counts.fail, counts.info
            ),
            Finding::Unavailable(availability) => availability.fmt(f),
            Finding::Echo(mismatch) => mismatch.fmt(f),
            Finding::DuplicateId(id) => id.fmt(f),
            Finding::LostElement(element) => element.fmt(f),
            Finding::NothingStable(0) => f.write_str("no value was added"),
            Finding::NothingStable(attempted) => {
                let values = counted(*attempted, "attempted value");
                write!(f, "no read returned any of {values}")
            }
            Finding::WrongTotal(read, acceptable) => write!(
                f,
                "the final read of process {} at {:.3} s returned {}, expected {acceptable}",
                read.process,
                read.seconds(),
                read.value,
            ),
            Finding::NotLinearizable(key, violation) => {
                write!(f, "{}{violation}", prefix(*key))
            }
            Finding::Undecided(key, undecided) => write!(f, "{}{undecided}", prefix(*key)),
            Finding::Transaction(anomaly, objects, case) => {
                write!(f, "{anomaly}: {}", describe_txn(*objects, case))
            }
            Finding::Log(anomaly, case) => write!(f, "{anomaly}: {case}"),
            Finding::Unjudged(text)
            | Finding::Unconverged(text)
            | Finding::ProtocolError(text)
            | Finding::Custom(text) => f.write_str(text),
            Finding::More(None, count) => write!(f, "... and {count} more"),
            Finding::More(Some(anomaly), count) => write!(f, "{anomaly}: ... and {count} more"),
        }
    }
}

fn prefix(key: Option<&Element>) -> String {
    key.map_or(String::new(), |key| format!("key {key}: "))
}

/// `1 operation`, `2 operations`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// The first few of `total` names, and the number of the others.
pub(crate) fn named(total: usize, names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.take(MAX_NAMED).collect();
    let text = names.join(", ");
    match total - names.len() {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// The first findings of `total`, and the number of the others.
pub(crate) fn first<'a>(
    total: usize,
    findings: impl Iterator<Item = Finding<'a>>,
) -> Vec<Finding<'a>> {
    first_of(None, total, findings)
}

/// Like [`first`], for a kind that has a name.
pub(crate) fn first_of<'a>(
    name: Option<&'static str>,
    total: usize,
    findings: impl Iterator<Item = Finding<'a>>,
) -> Vec<Finding<'a>> {
    let mut first: Vec<_> = findings.take(MAX_FINDINGS).collect();
    if total > first.len() {
        first.push(Finding::More(name, total - first.len()));
    }
    first
}
