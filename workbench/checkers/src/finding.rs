//! Findings: what is wrong with a history, or could not be judged. A program can match them, and a
//! person can read each as a sentence.

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

/// How many findings of one kind are made.
pub(crate) const MAX_FINDINGS: usize = 10;

/// One thing that is wrong, or could not be judged. It prints as a sentence.
#[derive(Debug, Clone, Copy)]
pub enum Finding<'a> {
    /// Replies that clients could not make sense of.
    Exceptions(&'a ExceptionClass),
    /// No operation of a name was ever `ok`.
    NeverOk(&'a str, Counts),
    /// Too few operations were `ok`.
    Unavailable(&'a Availability),
    /// A reply that is not what was sent.
    Echo(&'a EchoMismatch),
    /// An id that was given out more than once.
    DuplicateId(&'a DuplicateId),
    /// An element that was known to be in a set, and is gone.
    LostElement(&'a LostElement),
    /// No read showed any of so many elements.
    NothingStable(usize),
    /// A final read of a counter that no selection of the additions explains.
    WrongTotal(&'a Op, &'a Intervals),
    /// A register, of several the one of this key, that is not linearizable.
    NotLinearizable(Option<&'a Element>, &'a RegisterViolation),
    /// A register whose search took too long.
    Undecided(Option<&'a Element>, &'a Undecided),
    /// An anomaly of transactions, by its name.
    Transaction(&'static str, Objects, &'a TxnAnomaly),
    /// An anomaly of logs, by its name.
    Log(&'static str, &'a LogAnomaly),
    /// The history could not be judged.
    Unjudged(&'a str),
    /// Something did not recover or did not converge after a storm.
    Unconverged(&'a str),
    /// Something that a node did wrong, and no history shows.
    ProtocolError(&'a str),
    /// A finding of a checker that is not of this crate.
    Custom(&'a str),
    /// So many more of the same kind; of several kinds, the one of this name.
    More(Option<&'static str>, usize),
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Exceptions(class) => class.fmt(f),
            Finding::NeverOk(name, counts) => write!(
                f,
                "no {name} was ever ok: {} failed, {} ended in doubt",
                counts.fail, counts.info
            ),
            Finding::Unavailable(availability) => availability.fmt(f),
            Finding::Echo(mismatch) => mismatch.fmt(f),
            Finding::DuplicateId(id) => id.fmt(f),
            Finding::LostElement(element) => element.fmt(f),
            Finding::NothingStable(attempted) => {
                write!(f, "no read ever showed any of {attempted} attempted values")
            }
            Finding::WrongTotal(read, acceptable) => write!(
                f,
                "the final read of process {} at {:.3} s shows {}, which no selection of the adds \
                 comes to: {acceptable} would do",
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

/// The first few findings of `total`, and how many more there are.
pub(crate) fn first<'a>(
    total: usize,
    findings: impl Iterator<Item = Finding<'a>>,
) -> Vec<Finding<'a>> {
    first_of(None, total, findings)
}

/// The same for one of several kinds.
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
