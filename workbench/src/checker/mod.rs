//! Checkers: pure functions from a history to a verdict with its evidence.

use std::fmt;

use clojure_reader::edn::Edn;

use crate::edn;

/// The three-valued answer, from best to worst: the worst of several is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Validity {
    /// Everything that was looked for holds.
    Valid,
    /// Nothing wrong was found, but something could not be judged.
    Unknown,
    /// Something that must hold does not.
    Invalid,
}

/// What a checker found.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The answer.
    pub valid: Validity,
    /// The result map with Maelstrom's keys, `:valid?` among them.
    pub results: Edn<'static>,
    /// What is wrong, one finding a line, in words for a person.
    pub findings: Vec<String>,
}

impl Verdict {
    /// A verdict whose result map is `:valid?` and the given entries.
    pub fn new<const N: usize>(valid: Validity, entries: [(&'static str, Edn<'static>); N]) -> Self {
        let mut results = edn::map(entries);
        edn::insert(&mut results, "valid?", valid.to_edn());
        Verdict {
            valid,
            results,
            findings: Vec::new(),
        }
    }

    /// The verdict of a checker that cannot make sense of the history.
    pub fn unknown(error: impl fmt::Display) -> Self {
        let error = error.to_string();
        let mut verdict = Verdict::new(Validity::Unknown, [("error", edn::text(&error))]);
        verdict.findings.push(error);
        verdict
    }
}

impl Validity {
    /// `true`, `:unknown` or `false`.
    pub fn to_edn(self) -> Edn<'static> {
        match self {
            Validity::Valid => Edn::Bool(true),
            Validity::Unknown => edn::key("unknown"),
            Validity::Invalid => Edn::Bool(false),
        }
    }
}
