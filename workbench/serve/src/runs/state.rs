//! What a run came to, in a word.

use pages::kept::{KeptResults, Validity};

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its history is valid.
    Valid,
    /// The verdict is unknown.
    Unknown,
    /// It is not.
    Invalid,
    /// It broke off, or goes on: there are no results.
    Unfinished,
    /// There are results that nobody can read.
    Unreadable,
}

impl State {
    /// That of a run with these results.
    pub(super) fn of(results: &KeptResults) -> Self {
        match results.valid {
            Some(Validity::Valid) => State::Valid,
            Some(Validity::Unknown) => State::Unknown,
            Some(Validity::Invalid) => State::Invalid,
            None => State::Unreadable,
        }
    }

    /// All of them.
    pub const ALL: [State; 5] = [
        State::Valid,
        State::Unknown,
        State::Invalid,
        State::Unfinished,
        State::Unreadable,
    ];

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            State::Valid => "valid",
            State::Unknown => "unknown",
            State::Invalid => "invalid",
            State::Unfinished => "unfinished",
            State::Unreadable => "unreadable",
        }
    }
}
