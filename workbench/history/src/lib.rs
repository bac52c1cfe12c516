//! Histories of runs: what clients observed, as a list of operations in the order of events. Each
//! operation has two entries, its invocation and its completion; every checker is a pure function
//! of this list.
//!
//! [`History::read`] reads JSON and EDN, as Maelstrom and Jepsen write them. An operation needs
//! the fields `process`, `type` and `f`:
//!
//! ```
//! use history::{History, Kind, Process};
//!
//! let history = History::read(r#"
//!     {"process": 0, "type": "invoke", "f": "read", "value": null, "time": 1000000}
//!     {"process": 0, "type": "ok",     "f": "read", "value": [1, 2], "time": 3000000}
//! "#.as_bytes())?;
//! let completion = history.pairs()[0].completion.expect("the second line");
//! assert_eq!((completion.kind, completion.process), (Kind::Ok, Process::Client(0)));
//! assert_eq!(completion.value.parse::<Vec<u64>>()?, [1, 2]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A history is well formed: indices increase, and invocations and completions of each process
//! alternate. Reading rejects any other input.

mod builder;
pub mod edn;
mod edn_lines;
pub mod fields;
mod file;
mod json_lines;
mod json_objects;
mod names;
mod source;
pub mod text;
mod value;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use value::Value;

/// Class of the exception, in Jepsen's terms, that stands for a malformed response.
pub const MALFORMED: &str = "malformed-response";

/// All operations of a run.
#[derive(Debug, Default, Clone)]
pub struct History {
    /// Invocations and completions, in order of `index`.
    pub ops: Vec<Op>,
}

/// One entry of a history: an invocation or a completion.
#[derive(Debug, Clone, Serialize)]
pub struct Op {
    /// Number of the entry, increasing. A part of a history keeps the numbers of the whole.
    pub index: usize,
    /// Nanoseconds since the run began.
    pub time: u64,
    /// Whether the operation is invoked here, or how it completed.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Process that performs the operation.
    pub process: Process,
    /// Function of the operation: `read`, `broadcast`, ….
    pub f: Cow<'static, str>,
    /// Argument of the operation, or its result if it completed as `ok`.
    pub value: Value,
    /// Error of a completion that is not `ok`, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<OpError>>,
    /// Further fields, set by the workload.
    #[serde(flatten)]
    pub meta: OpMeta,
}

/// Fields that a workload adds to an operation, under Maelstrom's names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpMeta {
    /// Marks a read after recovery, whose result a counter is checked by.
    #[serde(default, rename = "final?", skip_serializing_if = "std::ops::Not::not")]
    pub is_final: bool,
    /// Kafka: the consumer starts at the first message of each key it is assigned.
    #[serde(
        default,
        rename = "seek-to-beginning?",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub seek_to_beginning: bool,
    /// Kafka: how long a poll may wait for messages, in milliseconds. It is not sent to nodes.
    #[serde(default, rename = "poll-ms", skip_serializing_if = "Option::is_none")]
    pub poll_ms: Option<u32>,
    /// Kafka: the keys with unpolled messages that caused this assignment, with their offsets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Box<BTreeMap<String, Unseen>>>,
}

/// How far polls are behind sends. An offset of −1 means none so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// Highest offset polled.
    pub polled: i64,
    /// Highest offset sent.
    pub sent: i64,
}

/// Type of an entry: an invocation, or the outcome of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The operation is invoked.
    Invoke,
    /// The operation took effect.
    Ok,
    /// The operation did not take effect and never will.
    Fail,
    /// The operation is indeterminate: it may take effect, now or later, or never. All entries of
    /// the nemesis have this type.
    Info,
}

/// Logical thread that an operation belongs to.
///
/// A client process performs one operation at a time, and none after an `info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected an integer of 0 or more, or \"nemesis\", as process"
)]
pub enum Process {
    /// A client, by its number.
    Client(u64),
    /// The process that injects faults.
    Nemesis(NemesisName),
}

/// Serializes as the string `nemesis`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NemesisName {
    /// The only nemesis.
    Nemesis,
}

/// Why an operation failed, or why its outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpError {
    /// The request timed out.
    NetTimeout,
    /// The node replied with an error of the protocol.
    Rpc {
        /// Name of the error code, such as `temporarily-unavailable`.
        name: Cow<'static, str>,
        /// Text of the reply.
        text: String,
    },
    /// The reply did not have the form that the workload requires.
    Malformed {
        /// What is wrong with it.
        text: String,
    },
    /// Any other error in a workload whose clients do not interpret errors. The outcome is
    /// indeterminate.
    Thrown {
        /// Class of the exception.
        class: Cow<'static, str>,
        /// Message of the exception.
        text: String,
    },
    /// An error from another program's history, such as Jepsen's `:timeout`.
    Other {
        /// The error as written there.
        value: Value,
    },
}

impl OpError {
    /// The operation was in progress when the run was interrupted: its outcome is indeterminate.
    pub fn interrupted() -> Self {
        OpError::Other {
            value: Value::from_edn(&edn::key("interrupted")),
        }
    }
}

/// An operation of a client: its invocation and its completion.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The invocation.
    pub invocation: &'a Op,
    /// The completion, if the history has one.
    pub completion: Option<&'a Op>,
}

impl History {
    /// Pairs each invocation of a client with the next completion of its process, in order of
    /// invocation.
    pub fn pairs(&self) -> Vec<Pair<'_>> {
        let mut pairs: Vec<Pair<'_>> = Vec::with_capacity(self.ops.len() / 2);
        let mut open = BTreeMap::new();
        for op in &self.ops {
            let Some(client) = op.process.client() else {
                continue;
            };
            if op.kind == Kind::Invoke {
                open.insert(client, pairs.len());
                pairs.push(Pair {
                    invocation: op,
                    completion: None,
                });
            } else if let Some(position) = open.remove(&client) {
                pairs[position].completion = Some(op);
            }
        }
        pairs
    }

    /// Counts the clients' entries of one type.
    pub fn count(&self, kind: Kind) -> usize {
        let is_counted = |op: &&Op| op.kind == kind && op.process.client().is_some();
        self.ops.iter().filter(is_counted).count()
    }
}

impl Process {
    /// Process of the nemesis.
    pub const NEMESIS: Process = Process::Nemesis(NemesisName::Nemesis);

    /// Number of the client; `None` for the nemesis.
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
    /// Whether this is an invocation of a client.
    pub fn is_invocation(&self) -> bool {
        self.kind == Kind::Invoke && self.process.client().is_some()
    }

    /// Whether this is a completion of a client's operation, successful or not.
    pub fn is_completion(&self) -> bool {
        self.kind != Kind::Invoke && self.process.client().is_some()
    }

    /// The time in seconds, for display.
    pub fn seconds(&self) -> f64 {
        self.time as f64 / 1e9
    }
}

/// Names of Maelstrom's operations and faults, borrowed so that they need no allocation.
const KNOWN_NAMES: [&str; 16] = [
    "read",
    "write",
    "cas",
    "add",
    "broadcast",
    "echo",
    "generate",
    "txn",
    "send",
    "poll",
    "assign",
    "subscribe",
    "crash",
    "debug-topic-partitions",
    "start-partition",
    "stop-partition",
];

/// Returns the name of an operation, borrowed if it is a known one.
fn operation_name(name: &str) -> Cow<'static, str> {
    let known = KNOWN_NAMES.iter().find(|known| **known == name);
    known.map_or_else(|| Cow::Owned(name.to_owned()), |name| Cow::Borrowed(*name))
}

/// Boxes a map for [`OpMeta::unseen`]; `None` if it is empty, so that most operations stay small.
pub fn boxed_unless_empty(
    unseen: BTreeMap<String, Unseen>,
) -> Option<Box<BTreeMap<String, Unseen>>> {
    (!unseen.is_empty()).then(|| Box::new(unseen))
}

/// JSON's `null`, as the value of an operation.
pub fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

/// Serializes the value of an operation; `null` if it has no JSON form.
pub fn json(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| null())
}

#[cfg(test)]
mod tests {
    use super::History;

    /// Builds a history of reads from `(type, process)` entries, one nanosecond apart.
    fn history(ops: &[(&str, &str)]) -> History {
        let line = |(index, (kind, process)): (usize, &(&str, &str))| {
            format!(
                r#"{{"index":{index},"time":{index},"type":"{kind}","process":{process},"f":"read"}}"#
            )
        };
        let lines: Vec<_> = ops.iter().enumerate().map(line).collect();
        History::read_json(lines.join("\n").as_bytes()).unwrap()
    }

    #[test]
    fn an_invocation_is_paired_with_the_next_completion_of_its_process() {
        let history = history(&[
            ("info", "\"nemesis\""),
            ("invoke", "1"),
            ("invoke", "2"),
            ("info", "\"nemesis\""),
            ("fail", "2"),
            ("ok", "1"),
            ("invoke", "1"),
            ("info", "1"),
            ("invoke", "2"),
        ]);
        let pairs: Vec<_> = history
            .pairs()
            .iter()
            .map(|pair| (pair.invocation.index, pair.completion.map(|op| op.index)))
            .collect();
        let expected = [(1, Some(5)), (2, Some(4)), (6, Some(7)), (8, None)];
        assert_eq!(pairs, expected);
    }
}
