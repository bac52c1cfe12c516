//! The protocol's errors, and what they allow the asker to conclude.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// An error code of the Maelstrom protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
pub enum ErrorCode {
    /// 0: no answer in time.
    Timeout,
    /// 1: no such node.
    NodeNotFound,
    /// 10: this node does not know that kind of request.
    NotSupported,
    /// 11: not now; perhaps later.
    TemporarilyUnavailable,
    /// 12: the request's form is wrong.
    MalformedRequest,
    /// 13: something broke while the request was worked on.
    Crash,
    /// 14: given up; nothing happened.
    Abort,
    /// 20: no such key.
    KeyDoesNotExist,
    /// 21: the key is there already.
    KeyAlreadyExists,
    /// 22: what the request takes for granted does not hold, as when a compare-and-set finds
    /// another value.
    PreconditionFailed,
    /// 30: another transaction was in the way.
    TxnConflict,
    /// Any other number.
    Other(u64),
}

/// Number, code, name and definiteness: the protocol's table.
const CODES: [(u64, ErrorCode, &str, bool); 11] = [
    (0, ErrorCode::Timeout, "timeout", false),
    (1, ErrorCode::NodeNotFound, "node-not-found", true),
    (10, ErrorCode::NotSupported, "not-supported", true),
    (
        11,
        ErrorCode::TemporarilyUnavailable,
        "temporarily-unavailable",
        true,
    ),
    (12, ErrorCode::MalformedRequest, "malformed-request", true),
    (13, ErrorCode::Crash, "crash", false),
    (14, ErrorCode::Abort, "abort", true),
    (20, ErrorCode::KeyDoesNotExist, "key-does-not-exist", true),
    (21, ErrorCode::KeyAlreadyExists, "key-already-exists", true),
    (
        22,
        ErrorCode::PreconditionFailed,
        "precondition-failed",
        true,
    ),
    (30, ErrorCode::TxnConflict, "txn-conflict", true),
];

impl ErrorCode {
    /// Every code that the protocol knows, in ascending order of numbers.
    pub fn all() -> impl Iterator<Item = ErrorCode> {
        CODES.iter().map(|row| row.1)
    }

    /// The code's name in the protocol, such as `key-does-not-exist`; `unknown` for other numbers.
    pub fn name(self) -> &'static str {
        CODES
            .iter()
            .find(|row| row.1 == self)
            .map_or("unknown", |row| row.2)
    }

    /// What it says, in a phrase.
    pub fn meaning(self) -> &'static str {
        match self {
            ErrorCode::Timeout => "no answer in time",
            ErrorCode::NodeNotFound => "there is no such node",
            ErrorCode::NotSupported => "this node does not know that kind of request",
            ErrorCode::TemporarilyUnavailable => "not now; perhaps later",
            ErrorCode::MalformedRequest => "the request's form is wrong",
            ErrorCode::Crash => "something broke while the request was worked on",
            ErrorCode::Abort => "given up; nothing happened",
            ErrorCode::KeyDoesNotExist => "there is no such key",
            ErrorCode::KeyAlreadyExists => "the key is there already",
            ErrorCode::PreconditionFailed => "what the request takes for granted does not hold",
            ErrorCode::TxnConflict => "another transaction was in the way",
            ErrorCode::Other(_) => "anything else",
        }
    }

    /// Whether the request certainly did not and never will take effect. After an indefinite error
    /// it may have, or may yet.
    pub fn is_definite(self) -> bool {
        CODES.iter().any(|row| row.1 == self && row.3)
    }
}

impl From<u64> for ErrorCode {
    fn from(number: u64) -> Self {
        CODES
            .iter()
            .find(|row| row.0 == number)
            .map_or(ErrorCode::Other(number), |row| row.1)
    }
}

impl From<ErrorCode> for u64 {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::Other(number) => number,
            known => CODES
                .iter()
                .find(|row| row.1 == known)
                .map_or(13, |row| row.0),
        }
    }
}

/// An error as it crosses the wire: a code, and words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// What kind of error.
    pub code: ErrorCode,
    /// What happened, for a person.
    pub text: Cow<'static, str>,
}

impl RpcError {
    /// An error with its explanation.
    pub fn new(code: ErrorCode, text: impl Into<Cow<'static, str>>) -> Self {
        RpcError {
            code,
            text: text.into(),
        }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.text)
    }
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nothing came in time: the request may have taken effect, or may yet.
    Timeout,
    /// The other side answered with an error.
    Error(RpcError),
    /// The answer could not be read; says why.
    Malformed(String),
}

impl Failure {
    /// Whether the request certainly did not and never will take effect.
    pub fn is_definite(&self) -> bool {
        match self {
            Failure::Timeout | Failure::Malformed(_) => false,
            Failure::Error(error) => error.code.is_definite(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Timeout => f.write_str("no answer in time"),
            Failure::Error(error) => error.fmt(f),
            Failure::Malformed(why) => write!(f, "unreadable answer: {why}"),
        }
    }
}

impl std::error::Error for RpcError {}
impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back_from_its_code() {
        for number in 0..40 {
            assert_eq!(u64::from(ErrorCode::from(number)), number);
        }
    }

    #[test]
    fn only_timeouts_crashes_and_unknown_codes_leave_doubt() {
        let doubtful: Vec<u64> = (0..32)
            .filter(|number| !ErrorCode::from(*number).is_definite())
            .collect();
        let known: Vec<u64> = CODES.iter().map(|row| row.0).collect();
        assert_eq!(
            doubtful
                .into_iter()
                .filter(|number| known.contains(number))
                .collect::<Vec<_>>(),
            [0, 13]
        );
        assert!(!ErrorCode::Other(99).is_definite());
    }
}
