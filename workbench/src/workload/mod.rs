//! Workloads: which operations clients perform, how they talk to a node, and what is checked.

mod broadcast;
mod echo;
mod rpc;
mod unique_ids;

use std::borrow::Cow;
use std::time::Duration;

use serde_json::value::RawValue;
use shared::NodeId;

use crate::checker::Verdict;
use crate::dice::Dice;
use crate::history::{History, Kind, OpError};
use crate::topology::Topology;

pub use rpc::{Answer, Rpc, Shape};

/// How long a client waits for an answer unless its workload says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The workloads that exist so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Name {
    /// Nodes say what they hear.
    Echo,
    /// Nodes give out ids that nobody else ever gets.
    UniqueIds,
    /// Nodes tell one another what clients tell them.
    Broadcast,
}

/// Maelstrom's workloads that this bench does not have yet.
pub const NOT_YET: [&str; 7] = [
    "g-counter",
    "g-set",
    "kafka",
    "lin-kv",
    "pn-counter",
    "txn-list-append",
    "txn-rw-register",
];

/// What an operation is when it begins.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Its name.
    pub f: &'static str,
    /// Its argument, as JSON text.
    pub value: Box<RawValue>,
    /// Whether it belongs to the final phase and says so.
    pub is_final: bool,
}

/// How an operation ended.
#[derive(Debug, Clone)]
pub struct Completion {
    /// `Ok`, `Fail` or `Info`.
    pub kind: Kind,
    /// The result; the invocation's value if there is none.
    pub value: Option<Box<RawValue>>,
    /// Why it is not `ok`.
    pub error: Option<OpError>,
}

/// A question of a client's to its node.
#[derive(Debug)]
pub struct Question {
    /// What kind of request, and of what form its answer must be.
    pub rpc: &'static Rpc,
    /// The request's fields but for `type` and `msg_id`.
    pub fields: Vec<(&'static str, Box<RawValue>)>,
    /// How long to wait for the answer.
    pub patience: Duration,
}

/// What a client does next.
#[derive(Debug)]
pub enum Step {
    /// It asks, and waits.
    Ask(Question),
    /// The operation is over.
    Done(Completion),
}

/// What a client remembers from one operation to the next. One that lost track of an operation is
/// thrown away, memory and all, unless its workload says otherwise.
pub trait Session: Send {
    /// Begins an operation.
    fn begin(&mut self, invocation: &Invocation) -> Step;

    /// Goes on with it, now that the last question was answered well.
    fn go_on(&mut self, invocation: &Invocation, answer: &Answer<'_>) -> Step;
}

/// What a whole test is about.
pub trait Workload: Send {
    /// Its name, as Maelstrom has it.
    fn name(&self) -> &'static str;

    /// The next operation of the main phase, for this worker.
    fn next(&mut self, worker: usize, dice: &mut Dice) -> Invocation;

    /// A new client.
    fn session(&self) -> Box<dyn Session>;

    /// Whether a final phase follows the main phase and ten seconds of recovery.
    fn has_final_phase(&self) -> bool {
        false
    }

    /// The next operation of the final phase for this worker, until it has done its part.
    fn next_final(&mut self, worker: usize) -> Option<Invocation> {
        let _ = worker;
        None
    }

    /// A question that each node is asked at time zero, before the first operation.
    fn set_up(&self, nodes: &[NodeId]) -> Option<Question> {
        let _ = nodes;
        None
    }

    /// Whether a client goes on after an operation that it lost track of.
    fn keeps_clients(&self) -> bool {
        false
    }

    /// Whether an operation that may or may not have happened counts as not having happened.
    fn is_idempotent(&self, f: &str) -> bool {
        let _ = f;
        false
    }

    /// Judges a history.
    fn check(&self, history: &History) -> Verdict;
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        workload(*self, Topology::Grid).name().fmt(f)
    }
}

/// Makes a workload.
pub fn workload(name: Name, topology: Topology) -> Box<dyn Workload> {
    match name {
        Name::Echo => Box::new(echo::Echo),
        Name::UniqueIds => Box::new(unique_ids::UniqueIds),
        Name::Broadcast => Box::new(broadcast::Broadcast::new(topology)),
    }
}

impl Invocation {
    /// An operation with an argument.
    pub fn new(f: &'static str, value: Box<RawValue>) -> Self {
        Invocation {
            f,
            value,
            is_final: false,
        }
    }
}

impl Completion {
    /// It worked, with this result.
    pub fn ok(value: Box<RawValue>) -> Self {
        Completion {
            kind: Kind::Ok,
            value: Some(value),
            error: None,
        }
    }

    /// It worked, and there is nothing to add.
    pub fn done() -> Self {
        Completion {
            kind: Kind::Ok,
            value: None,
            error: None,
        }
    }
}

impl Question {
    /// A question with the usual patience.
    pub fn new(rpc: &'static Rpc, fields: Vec<(&'static str, Box<RawValue>)>) -> Self {
        Question {
            rpc,
            fields,
            patience: PATIENCE,
        }
    }
}

/// How an operation ends whose question got an error, a malformed answer, or none.
pub fn failed(error: OpError, definite: bool, idempotent: bool) -> Completion {
    let certain = match error {
        OpError::NetTimeout | OpError::Rpc { .. } => definite || idempotent,
        OpError::Malformed { .. } => false,
    };
    let kind = if certain { Kind::Fail } else { Kind::Info };
    Completion {
        kind,
        value: None,
        error: Some(error),
    }
}

/// An error that a node answered with, as a history has it.
pub fn rpc_error(code: shared::ErrorCode, text: String) -> OpError {
    OpError::Rpc {
        name: Cow::Borrowed(code.name()),
        text,
    }
}
