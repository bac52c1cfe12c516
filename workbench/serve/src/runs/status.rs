//! The status of a run.

use pages::kept::{KeptResults, Validity};

/// The verdict on a run, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// Its history is valid.
    Valid,
    /// The verdict is unknown.
    Unknown,
    /// Its history is invalid.
    Invalid,
    /// It aborted or is still running: there are no results.
    Unfinished,
    /// Its results cannot be read.
    Unreadable,
}

impl RunStatus {
    /// The status of a run with these results.
    pub(super) fn of(results: &KeptResults) -> Self {
        match results.valid {
            Some(Validity::Valid) => RunStatus::Valid,
            Some(Validity::Unknown) => RunStatus::Unknown,
            Some(Validity::Invalid) => RunStatus::Invalid,
            None => RunStatus::Unreadable,
        }
    }

    /// All statuses, in the order of the filter.
    pub const ALL: [RunStatus; 5] = [
        RunStatus::Valid,
        RunStatus::Unknown,
        RunStatus::Invalid,
        RunStatus::Unfinished,
        RunStatus::Unreadable,
    ];

    pub fn name(self) -> &'static str {
        match self {
            RunStatus::Valid => "valid",
            RunStatus::Unknown => "unknown",
            RunStatus::Invalid => "invalid",
            RunStatus::Unfinished => "unfinished",
            RunStatus::Unreadable => "unreadable",
        }
    }
}
