//! Workloads: which operations clients perform, how they talk to a node, and what is checked.
//!
//! Maelstrom's are here by their [`Name`]. For a protocol of your own, implement [`Workload`], of
//! which six methods are required, and [`Session`], and hand
//! `|_: &Options| YourWorkload::default()` to [`Storm::new`](crate::storm::Storm::new). A lock
//! service in the package's tests, `tests/all/locks.rs`, is a whole example of some three hundred
//! lines: a node, its workload, its checker, a storm that it survives, and a mistake that is found.

mod add_read;
mod broadcast;
mod convergence;
mod counter;
mod echo;
mod final_reads;
mod g_set;
mod kafka;
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

use crate::options::{Concurrency, Options};
use crate::rng::SeededRng;
use crate::rpc::{Answer, ClientRequest, Rpc};
use checkers::Verdict;
use history::{History, Kind, Op, OpError, OpMeta};

pub use name::{Name, workload};

/// What an operation is when it begins.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Its name, as in the history: `read`, `acquire`, ….
    pub f: &'static str,
    /// Its argument, as JSON; [`history::json`] makes it of any value.
    pub value: Box<RawValue>,
    /// What else the history says of it.
    pub meta: OpMeta,
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

/// What a worker does next in the final phase, after recovery.
#[derive(Debug)]
pub enum FinalStep {
    /// It begins this operation.
    Invoke(Invocation),
    /// It is idle until then, counted from the beginning of the phase, and is asked again.
    Wait(Duration),
    /// It has nothing more to do.
    Done,
}

/// How an operation ended.
#[derive(Debug, Clone)]
pub struct Completion {
    /// `Ok`, `Fail` or `Info`.
    pub kind: Kind,
    /// The result, which replaces the argument in the history; the argument stays if it is `None`.
    pub value: Option<Box<RawValue>>,
    /// Why it is not `ok`.
    pub error: Option<OpError>,
}

/// What a client does next in an operation.
#[derive(Debug)]
pub enum Step {
    /// It sends a request to its node and waits for the answer.
    Send(ClientRequest),
    /// The operation is over.
    Done(Completion),
}

/// A client, which turns operations into requests. Its state lasts from one operation to the next;
/// after an operation that is `info`, a new client takes its place, unless its workload
/// [keeps clients](Workload::keeps_clients).
pub trait Session: Send {
    /// Begins an operation.
    fn begin(&mut self, invocation: &Invocation) -> Step;

    /// Goes on with the operation after an answer of the right form.
    ///
    /// After an error, a malformed answer or a timeout it is not called, and the operation is over:
    /// as `fail` if it certainly did not take place, and as `info` otherwise.
    fn on_reply(&mut self, invocation: &Invocation, answer: &Answer<'_>) -> Step;
}

/// A workload: the operations of a run, the clients that perform them, and the checker of the
/// history.
///
/// A new one is made for each run, and another one to judge its history: [`check`](Workload::check)
/// and [`unconverged`](Workload::unconverged) must not rely on what was generated. Workers perform
/// the operations, one at a time, each worker always on the same node.
pub trait Workload: Send {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The names of its operations.
    fn operations(&self) -> &'static [&'static str];

    /// Refuses numbers of nodes and workers that it cannot run with.
    ///
    /// # Errors
    /// Says which numbers it can run with.
    fn check_workers(&self, nodes: usize, workers: usize) -> Result<(), String> {
        let _ = (nodes, workers);
        Ok(())
    }

    /// The free worker that begins the next operation of the main phase; `None` for the next one
    /// in turn, which is the rule in all of Maelstrom's workloads but lin-kv.
    fn choose_worker(
        &self,
        workers: usize,
        nodes: usize,
        is_free: &dyn Fn(usize) -> bool,
        rng: &mut SeededRng,
    ) -> Option<usize> {
        let _ = (workers, nodes, is_free, rng);
        None
    }

    /// Generates the next operation of the main phase, for this worker. Whatever is random about it
    /// must come from `rng`, so that a seed repeats the run.
    fn next(&mut self, turn: Turn, rng: &mut SeededRng) -> Invocation;

    /// Learns how an operation of a worker was completed: `value` is its result if it is `Ok`, and
    /// its argument otherwise.
    fn observe(&mut self, worker: usize, f: &'static str, kind: Kind, value: &RawValue) {
        let _ = (worker, f, kind, value);
    }

    /// All requests that its clients send, for documentation.
    fn requests(&self) -> Vec<&'static Rpc>;

    /// A new client.
    fn session(&self) -> Box<dyn Session>;

    /// Whether a final phase follows the main phase and ten seconds of recovery.
    fn has_final_phase(&self) -> bool {
        false
    }

    /// What a worker does next in the final phase.
    fn next_final(&mut self, turn: Turn, rng: &mut SeededRng) -> FinalStep {
        let _ = (turn, rng);
        FinalStep::Done
    }

    /// A request that is sent to each node at time zero, before the first operation.
    fn set_up(&self, nodes: &[NodeId]) -> Option<ClientRequest> {
        let _ = nodes;
        None
    }

    /// Whether a client goes on after an operation that is `info`, instead of being replaced.
    fn keeps_clients(&self) -> bool {
        false
    }

    /// Whether an operation changes nothing, as a read, so that it may be `fail` where its outcome
    /// is unknown: that leaves less to be checked.
    fn is_idempotent(&self, f: &str) -> bool {
        let _ = f;
        false
    }

    /// Whether clients understand errors and timeouts. Where they do not, an operation is `info`
    /// after any error, even after one that says for certain that nothing happened.
    fn reads_errors(&self) -> bool {
        true
    }

    /// Judges the history of a run.
    fn check(&self, history: &History) -> Verdict;

    /// Which part of the checker's results a report draws.
    fn evidence(&self) -> Evidence {
        Evidence::Errors
    }

    /// How many workers a storm must have, if the workload cannot run with any number.
    fn required_concurrency(&self) -> Option<Concurrency> {
        None
    }

    /// Generates the operation that each worker performs once a storm is over, if there is no final
    /// phase. It must be one that succeeds on every healthy node: otherwise it is a finding.
    fn after_recovery(&mut self, turn: Turn, rng: &mut SeededRng) -> Invocation {
        self.next(turn, rng)
    }

    /// Finds what has not converged once a storm is over, one finding each. `reads` are the
    /// operations of the final phase that succeeded: completions, with their results.
    fn unconverged(&self, history: &History, reads: &[&Op]) -> Vec<String> {
        let _ = (history, reads);
        Vec::new()
    }

    /// Whether a verdict of [`check`](Workload::check) on a storm says nothing about the nodes,
    /// since hardly anything succeeded. It then counts as valid.
    fn is_vacuous(&self, history: &History, verdict: &Verdict) -> bool {
        let _ = (history, verdict);
        false
    }
}

/// What a checker's results hold that a report can draw, and what its samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Operations that the checker objects to, as a list under `:errors`; see [`Op::to_edn`].
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

/// Makes a workload for runs with these options: a [`Name`], or a closure
/// `|options: &Options| …` that returns a [`Workload`].
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

/// The same workload with a final phase once all faults are over, as in a storm: every node must
/// answer again, and what [`unconverged`](Workload::unconverged) finds makes the verdict invalid.
pub fn with_convergence(workload: Box<dyn Workload>) -> Box<dyn Workload> {
    Box::new(convergence::Convergence::new(workload))
}

impl Invocation {
    /// An operation with an argument.
    pub fn new(f: &'static str, value: Box<RawValue>) -> Self {
        Invocation {
            f,
            value,
            meta: OpMeta::default(),
        }
    }

    /// A `read` without an argument that is marked as final.
    pub fn final_read() -> Self {
        let meta = OpMeta {
            is_final: true,
            ..OpMeta::default()
        };
        Invocation {
            meta,
            ..Invocation::new("read", history::null())
        }
    }
}

/// A final phase in which each worker performs one operation.
#[derive(Debug, Default)]
struct OnceEach(BTreeSet<usize>);

impl OnceEach {
    fn next(&mut self, turn: Turn, operation: impl Fn() -> Invocation) -> FinalStep {
        if self.0.insert(turn.worker) {
            FinalStep::Invoke(operation())
        } else {
            FinalStep::Done
        }
    }
}

impl Completion {
    /// The operation is `ok`, with this result.
    pub fn ok(value: Box<RawValue>) -> Self {
        Completion {
            kind: Kind::Ok,
            value: Some(value),
            error: None,
        }
    }

    /// The operation is `ok`, with its argument as its result.
    pub fn done() -> Self {
        Completion {
            kind: Kind::Ok,
            value: None,
            error: None,
        }
    }
}

/// The completion of an operation after an error, a malformed answer, or a timeout: `fail` after an
/// error or a timeout that is definite or of an [idempotent](Workload::is_idempotent) operation,
/// and
/// `info` otherwise.
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

/// The completion of such an operation where clients do not
/// [understand errors](Workload::reads_errors): `info`.
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
