//! Workloads: which operations clients perform, how they talk to a node, and what is checked.

mod add_read;
mod broadcast;
mod calm;
mod counter;
mod echo;
mod g_set;
mod kafka;
mod last_reads;
mod lin_kv;
mod name;
pub mod transactions;
mod txn;
mod unique_ids;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::value::RawValue;
use shared::NodeId;

use crate::dice::Dice;
use crate::options::{Concurrency, Options};
use crate::rpc::{Answer, Question, Rpc};
use checkers::Verdict;
use history::{History, Kind, Marks, Op, OpError};

pub use name::{Name, workload};

/// What an operation is when it begins.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Its name.
    pub f: &'static str,
    /// Its argument, as JSON text.
    pub value: Box<RawValue>,
    /// What else is said of it.
    pub marks: Marks,
}

/// Whose turn it is to begin an operation, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The worker.
    pub worker: usize,
    /// How many workers there are.
    pub workers: usize,
    /// How many nodes there are.
    pub nodes: usize,
    /// The time since the phase began.
    pub at: Duration,
}

/// What a worker does next in the final phase.
#[derive(Debug)]
pub enum Last {
    /// It begins this operation.
    Begin(Invocation),
    /// It rests until then, counted from the beginning of the phase, and is asked again.
    Rest(Duration),
    /// It has done its part.
    Done,
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

    /// The names that its operations have in a history.
    fn operations(&self) -> &'static [&'static str];

    /// Whether it can be done with so many nodes and workers.
    ///
    /// # Errors
    /// Says which numbers it can be done with.
    fn check_workers(&self, nodes: usize, workers: usize) -> Result<(), String> {
        let _ = (nodes, workers);
        Ok(())
    }

    /// The free worker that begins the next operation of the main phase; `None` for the next one
    /// in turn, which is so in all workloads but lin-kv.
    fn choose_worker(
        &self,
        workers: usize,
        nodes: usize,
        is_free: &dyn Fn(usize) -> bool,
        dice: &mut Dice,
    ) -> Option<usize> {
        let _ = (workers, nodes, is_free, dice);
        None
    }

    /// The next operation of the main phase, for this worker.
    fn next(&mut self, turn: Turn, dice: &mut Dice) -> Invocation;

    /// An operation of a worker ended like this: with its result if it is `Ok`, and what it was
    /// invoked with otherwise.
    fn observe(&mut self, worker: usize, f: &'static str, kind: Kind, value: &RawValue) {
        let _ = (worker, f, kind, value);
    }

    /// All requests that its clients make.
    fn requests(&self) -> Vec<&'static Rpc>;

    /// A new client.
    fn session(&self) -> Box<dyn Session>;

    /// Whether a final phase follows the main phase and ten seconds of recovery.
    fn has_final_phase(&self) -> bool {
        false
    }

    /// What a worker does next in the final phase.
    fn next_final(&mut self, turn: Turn, dice: &mut Dice) -> Last {
        let _ = (turn, dice);
        Last::Done
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

    /// Whether clients make sense of errors and time-outs. Where they do not, each of these leaves
    /// everything open, even one that says for certain that nothing happened.
    fn reads_errors(&self) -> bool {
        true
    }

    /// Judges a history.
    fn check(&self, history: &History) -> Verdict;

    /// How a report shows what its checker finds.
    fn evidence(&self) -> Evidence {
        Evidence::Errors
    }

    /// How many workers there are in a storm, where the workload cannot do with any number.
    fn required_concurrency(&self) -> Option<Concurrency> {
        None
    }

    /// What a worker does once a storm is over, if there is no final phase that says so: the least
    /// that a healthy node must be able to do.
    fn after_calm(&mut self, turn: Turn, dice: &mut Dice) -> Invocation {
        self.next(turn, dice)
    }

    /// Where nodes had to converge once a storm was over, and did not, a finding each. `reads` are
    /// the operations of the final phase that succeeded.
    fn unconverged(&self, history: &History, reads: &[&Op]) -> Vec<String> {
        let _ = (history, reads);
        Vec::new()
    }

    /// Whether a verdict on a storm says nothing about the nodes, as hardly anything succeeded.
    fn is_vacuous(&self, history: &History, verdict: &Verdict) -> bool {
        let _ = (history, verdict);
        false
    }
}

/// What a checker's results hold that a report can draw, and what its samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Operations that the checker objects to, under `:errors`, if there are any.
    Errors,
    /// Elements of a set that are lost or stale; the samples are stable latencies.
    Set {
        /// The operation that adds an element.
        add: &'static str,
    },
    /// A number that operations add to, and `:errors`.
    Counter,
    /// Registers, each with its own linearizability.
    Registers,
    /// Transactions with anomalies.
    Transactions,
    /// Logs with anomalies; the samples are lags of polls.
    Logs,
    /// Ids, and those that were given out more than once.
    Ids,
}

/// Makes a workload for runs with these options: one of [`Name`], or a closure.
pub trait MakeWorkload: Send + Sync {
    /// A new one, for one run.
    fn make(&self, options: &Options) -> Box<dyn Workload>;
}

impl<F, W> MakeWorkload for F
where
    F: Fn(&Options) -> W + Send + Sync,
    W: Workload + 'static,
{
    fn make(&self, options: &Options) -> Box<dyn Workload> {
        Box::new(self(options))
    }
}

/// The same workload, with more asked of the nodes once all faults are over: everybody must answer,
/// and where nodes are to converge, they must have.
pub fn calm(workload: Box<dyn Workload>) -> Box<dyn Workload> {
    Box::new(calm::Calm::new(workload))
}

impl Invocation {
    /// An operation with an argument.
    pub fn new(f: &'static str, value: Box<RawValue>) -> Self {
        Invocation {
            f,
            value,
            marks: Marks::default(),
        }
    }

    /// A read that is marked as one of those after recovery.
    pub fn final_read() -> Self {
        let marks = Marks {
            is_final: true,
            ..Marks::default()
        };
        Invocation {
            marks,
            ..Invocation::new("read", history::null())
        }
    }
}

/// A final phase in which each worker performs one operation.
#[derive(Debug, Default)]
struct OnceEach(BTreeSet<usize>);

impl OnceEach {
    fn next(&mut self, turn: Turn, operation: impl Fn() -> Invocation) -> Last {
        if self.0.insert(turn.worker) {
            Last::Begin(operation())
        } else {
            Last::Done
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

/// How an operation ends whose question got an error, a malformed answer, or none.
pub fn failed(error: OpError, definite: bool, idempotent: bool) -> Completion {
    let certain = match error {
        OpError::NetTimeout | OpError::Rpc { .. } => definite || idempotent,
        OpError::Malformed { .. } | OpError::Thrown { .. } | OpError::Other { .. } => false,
    };
    let kind = if certain { Kind::Fail } else { Kind::Info };
    Completion {
        kind,
        value: None,
        error: Some(error),
    }
}

/// How such an operation ends where clients make nothing of errors.
pub fn thrown(error: OpError) -> Completion {
    let thrown = |class: &'static str, text: String| OpError::Thrown {
        class: Cow::Borrowed(class),
        text,
    };
    let error = match error {
        OpError::NetTimeout => thrown("net-timeout", "no answer in time".to_owned()),
        OpError::Rpc { name, text } => thrown("rpc-error", format!("{name}: {text}")),
        OpError::Malformed { .. } | OpError::Thrown { .. } | OpError::Other { .. } => error,
    };
    Completion {
        kind: Kind::Info,
        value: None,
        error: Some(error),
    }
}
