//! What a run came to, in a word.

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
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

impl RunStatus {
    /// All of them.
    pub const ALL: [RunStatus; 5] = [
        RunStatus::Valid,
        RunStatus::Unknown,
        RunStatus::Invalid,
        RunStatus::Unfinished,
        RunStatus::Unreadable,
    ];

    /// In a word.
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
