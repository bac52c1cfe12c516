//! The protocol's errors, and whether a request may have taken effect after each.

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
    /// 10: this node does not support that type of request.
    NotSupported,
    /// 11: the node cannot serve the request now.
    TemporarilyUnavailable,
    /// 12: the request is malformed.
    MalformedRequest,
    /// 13: an internal error while the request was processed. It may have taken effect.
    Crash,
    /// 14: aborted without effect.
    Abort,
    /// 20: no such key.
    KeyDoesNotExist,
    /// 21: the key exists already.
    KeyAlreadyExists,
    /// 22: the request's precondition is not met, as when a compare-and-set finds another value.
    PreconditionFailed,
    /// 30: a conflict with another transaction.
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
    /// All codes of the protocol, in ascending order of numbers.
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

    /// The code's meaning as a short phrase, for documentation.
    pub fn meaning(self) -> &'static str {
        match self {
            ErrorCode::Timeout => "no answer in time",
            ErrorCode::NodeNotFound => "there is no such node",
            ErrorCode::NotSupported => "the node does not support that type of request",
            ErrorCode::TemporarilyUnavailable => "the node cannot serve the request now",
            ErrorCode::MalformedRequest => "the request is malformed",
            ErrorCode::Crash => "an internal error while the request was processed",
            ErrorCode::Abort => "aborted without effect",
            ErrorCode::KeyDoesNotExist => "there is no such key",
            ErrorCode::KeyAlreadyExists => "the key exists already",
            ErrorCode::PreconditionFailed => "the request's precondition is not met",
            ErrorCode::TxnConflict => "a conflict with another transaction",
            ErrorCode::Other(_) => "any other error",
        }
    }

    /// Whether the request certainly had no effect and never will. After an indefinite error it may
    /// have taken effect, or may do so later.
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

/// An error of the protocol: a code and a text for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// The error's code.
    pub code: ErrorCode,
    /// The error's explanation.
    pub text: Cow<'static, str>,
}

impl RpcError {
    /// An error with this code and explanation.
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

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No answer came in time: the request may have taken effect, or may do so later.
    Timeout,
    /// The answer is an error.
    Error(RpcError),
    /// The answer could not be deserialized, for this reason.
    Malformed(String),
}

impl Failure {
    /// Whether the request certainly had no effect and never will.
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
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_number_survives_the_conversion_to_a_code_and_back() {
        for number in 0..40 {
            assert_eq!(u64::from(ErrorCode::from(number)), number);
        }
    }

    #[test]
    fn only_timeouts_crashes_and_unknown_codes_are_indefinite() {
        let indefinite = ErrorCode::all().filter(|code| !code.is_definite());
        let indefinite: Vec<ErrorCode> = indefinite.collect();
        assert_eq!(indefinite, [ErrorCode::Timeout, ErrorCode::Crash]);
        assert!(!ErrorCode::Other(99).is_definite());
    }

    #[test]
    fn an_error_shows_its_name_and_text_and_a_failure_why() {
        let error = |number: u64| RpcError::new(ErrorCode::from(number), "no luck");
        assert_eq!(error(20).to_string(), "key-does-not-exist: no luck");
        assert_eq!(error(99).to_string(), "unknown: no luck");
        assert_eq!(Failure::Error(error(14)).to_string(), "abort: no luck");
        assert_eq!(Failure::Timeout.to_string(), ErrorCode::Timeout.meaning());
        let meanings = ErrorCode::all().chain([ErrorCode::Other(99)]);
        let meanings: BTreeSet<&str> = meanings.map(ErrorCode::meaning).collect();
        assert_eq!(meanings.len(), CODES.len() + 1);
    }

    #[test]
    fn only_a_definite_error_makes_a_failure_definite() {
        let failure = |code| Failure::Error(RpcError::new(code, ""));
        assert!(failure(ErrorCode::Abort).is_definite());
        assert!(!failure(ErrorCode::Crash).is_definite());
        assert!(!Failure::Timeout.is_definite());
    }
}
