//! What happened in a run, as the clients saw it: a list of operations in the order in which the
//! bench noticed them. An operation stands here twice, once when it is invoked and once when it
//! completes; every checker is a pure function of this list.
//!
//! Values stay JSON text, as they crossed the wire: they are compact, cost nothing to store, and a
//! checker parses just what it needs. `crate::edn` gives them the keywords that Jepsen would use.

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// All operations of one run; an operation's `index` is its position.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History {
    /// The operations, in order of `index`.
    pub ops: Vec<Op>,
}

/// One line of a history: an invocation, or its completion.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Op {
    /// Position in the history.
    pub index: usize,
    /// Nanoseconds since the run's time zero.
    pub time: u64,
    /// What kind of line this is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Who did it.
    pub process: Process,
    /// Which operation: `read`, `broadcast`, ….
    pub f: Cow<'static, str>,
    /// The operation's argument, or its result once it is `ok`: JSON text.
    pub value: Box<RawValue>,
    /// Why a completion is not `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<OpError>,
    /// Marks the reads after recovery that counters are judged by.
    #[serde(default, rename = "final?", skip_serializing_if = "std::ops::Not::not")]
    pub is_final: bool,
}

/// Whether an operation begins, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It begins here.
    Invoke,
    /// It took effect.
    Ok,
    /// It certainly did not and never will take effect.
    Fail,
    /// It may or may not take effect, now or later. All of the nemesis' lines are of this kind.
    Info,
}

/// The logical thread that an operation belongs to.
///
/// A client process does one thing at a time; after an `info` it is never heard of again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Process {
    /// A client, by number.
    Client(u64),
    /// The one who breaks things.
    Nemesis(NemesisName),
}

/// Serialises as the word `nemesis`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NemesisName {
    /// The only one.
    Nemesis,
}

/// Why an operation failed, or why nothing is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpError {
    /// No answer came in time.
    NetTimeout,
    /// The node answered with an error of the protocol.
    Rpc {
        /// The code's name, such as `temporarily-unavailable`.
        name: Cow<'static, str>,
        /// The node's own words.
        text: String,
    },
    /// The answer was not of the form that the workload asks for.
    Malformed {
        /// What was wrong with it.
        text: String,
    },
}

impl Process {
    /// The nemesis' process.
    pub const NEMESIS: Process = Process::Nemesis(NemesisName::Nemesis);

    /// The client's number; nothing for the nemesis.
    pub fn client(self) -> Option<u64> {
        match self {
            Process::Client(number) => Some(number),
            Process::Nemesis(NemesisName::Nemesis) => None,
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Process::Client(number) => number.fmt(f),
            Process::Nemesis(NemesisName::Nemesis) => f.write_str("nemesis"),
        }
    }
}

impl Op {
    /// The value, read as a `T`.
    ///
    /// # Errors
    /// When the value is not the JSON form of a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.value.get())
    }

    /// Whether a client's operation begins here.
    pub fn is_invocation(&self) -> bool {
        self.kind == Kind::Invoke && self.process.client().is_some()
    }
}

/// JSON's `null` as an operation's value.
pub fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}
