//! Histories of runs: what clients saw, as a list of operations in the order of events. An
//! operation stands in it twice, once when it is invoked and once when it is completed; every
//! checker is a pure function of this list.
//!
//! [`History::read`] reads JSON and EDN, as Maelstrom and Jepsen write them. Of an operation
//! `process`, `type` and `f` are required:
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
//! A history is well formed: indices increase, and each process invokes, completes, invokes, and so
//! on. Reading refuses what is not.

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
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use value::Value;

/// The class of an exception, in Jepsen's words, that is an answer of the wrong form.
pub const MALFORMED: &str = "malformed-response";

/// All operations of one run.
#[derive(Debug, Default, Clone)]
pub struct History {
    /// The operations, in order of `index`.
    pub ops: Vec<Op>,
}

/// One line of a history: an invocation, or its completion.
#[derive(Debug, Clone, Serialize)]
pub struct Op {
    /// The line's number, which increases from line to line. A part of a history keeps the numbers
    /// of the whole.
    pub index: usize,
    /// Nanoseconds since the run's time zero.
    pub time: u64,
    /// What kind of line this is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The process that performs the operation.
    pub process: Process,
    /// The operation's name: `read`, `broadcast`, ….
    pub f: Cow<'static, str>,
    /// The operation's argument, or its result in a completion that is `ok`.
    pub value: Value,
    /// Why a completion is not `ok`, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<OpError>>,
    /// What else the workload says of the operation.
    #[serde(flatten)]
    pub meta: OpMeta,
}

/// What a workload says of an operation beside its argument, under the names that Maelstrom uses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpMeta {
    /// The reads after recovery that counters are judged by.
    #[serde(default, rename = "final?", skip_serializing_if = "std::ops::Not::not")]
    pub is_final: bool,
    /// Kafka: the consumer begins at the first message of each key that it is assigned.
    #[serde(
        default,
        rename = "seek-to-beginning?",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub seek_to_beginning: bool,
    /// Kafka: how long a poll may wait for messages, in milliseconds; nodes are not told.
    #[serde(default, rename = "poll-ms", skip_serializing_if = "Option::is_none")]
    pub poll_ms: Option<u32>,
    /// Kafka: why keys were assigned, each with the highest offsets sent and polled so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Box<BTreeMap<String, Unseen>>>,
}

/// How far polls are behind sends; −1 stands for nothing so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// The highest offset polled.
    pub polled: i64,
    /// The highest offset sent.
    pub sent: i64,
}

/// The type of a line: an invocation, or how an operation was completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The operation is invoked.
    Invoke,
    /// The operation took effect.
    Ok,
    /// The operation certainly did not and never will take effect.
    Fail,
    /// The operation may or may not take effect, now or later. All lines of the nemesis are of this
    /// kind.
    Info,
}

/// The logical thread that an operation belongs to.
///
/// A client process performs one operation at a time; after an `info` it performs no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Process {
    /// A client, by number.
    Client(u64),
    /// The process that injects faults.
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
    /// Any other error, in a workload whose clients make nothing of errors: all is left open.
    Thrown {
        /// What kind of error it was.
        class: Cow<'static, str>,
        /// What is known of it.
        text: String,
    },
    /// An error that another program wrote into a history, such as Jepsen's `:timeout`.
    Other {
        /// The error as it was written.
        value: Value,
    },
}

/// A client's invocation and what became of it.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// How it began.
    pub invocation: &'a Op,
    /// How it ended, if the history tells.
    pub completion: Option<&'a Op>,
}

impl History {
    /// The clients' operations, each invocation with the completion that follows on its process, in
    /// order of invocation.
    pub fn pairs(&self) -> Vec<Pair<'_>> {
        let mut pairs: Vec<Pair<'_>> = Vec::with_capacity(self.ops.len() / 2);
        let mut open = HashMap::new();
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

    /// How many of the clients' lines are of this kind.
    pub fn count(&self, kind: Kind) -> usize {
        let is_one = |op: &&Op| op.kind == kind && op.process.client().is_some();
        self.ops.iter().filter(is_one).count()
    }
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
    /// Whether a client's operation begins here.
    pub fn is_invocation(&self) -> bool {
        self.kind == Kind::Invoke && self.process.client().is_some()
    }

    /// Whether a client's operation ends here, well or not.
    pub fn is_completion(&self) -> bool {
        self.kind != Kind::Invoke && self.process.client().is_some()
    }

    /// The time in seconds, for a person.
    pub fn seconds(&self) -> f64 {
        self.time as f64 / 1e9
    }
}

/// The names of Maelstrom's operations and of faults, which need no memory of their own.
const NAMES: [&str; 16] = [
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

/// An operation's name.
fn operation_name(name: &str) -> Cow<'static, str> {
    let known = NAMES.iter().find(|known| **known == name);
    known.map_or_else(|| Cow::Owned(name.to_owned()), |name| Cow::Borrowed(*name))
}

/// Boxes a map, as in [`OpMeta::unseen`]; `None` if it is empty, so that most operations stay small.
pub fn boxed_unless_empty(
    unseen: BTreeMap<String, Unseen>,
) -> Option<Box<BTreeMap<String, Unseen>>> {
    (!unseen.is_empty()).then(|| Box::new(unseen))
}

/// JSON's `null`, as an operation's value.
pub fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

/// Serialises an operation's value; `null` if it has no JSON form.
pub fn json(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| null())
}

#[cfg(test)]
mod tests {
    use super::History;

    /// A history of `[kind, process]` entries, all reads of nothing, one nanosecond apart.
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
    fn an_invocation_goes_with_the_next_completion_of_its_process() {
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
