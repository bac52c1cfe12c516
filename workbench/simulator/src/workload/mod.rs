//! Workloads: the operations of clients, the requests they send, and the checker.
//!
//! Maelstrom's workloads have a [`Name`]. For a protocol of your own, implement [`Workload`] (six
//! methods are required) and [`Session`], and pass `|_: &Options| YourWorkload::default()` to
//! [`Storm::new`](crate::storm::Storm::new). The lock service in this package's tests,
//! `tests/all/locks.rs`, is a complete example of three hundred lines: node, workload, checker, a
//! storm that the node survives, and a bug that a storm finds.

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
use checkers::{WorkloadResult, WorkloadVerdict};
use history::{History, Kind, Op, OpError, OpMeta, Value};

pub use name::{Name, workload};

/// The invocation of an operation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Its name, as in the history: `read`, `acquire`, ….
    pub f: &'static str,
    /// Its argument, as JSON; [`history::json`] converts any value.
    pub value: Box<RawValue>,
    /// Additional fields in the history.
    pub meta: OpMeta,
}

/// A worker's turn to begin an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The worker.
    pub worker: usize,
    /// The number of workers.
    pub workers: usize,
    /// The number of nodes.
    pub nodes: usize,
    /// The time since the phase began.
    pub at: Duration,
}

/// The next step of a worker in the final phase, after recovery.
#[derive(Debug)]
pub enum FinalStep {
    /// Invoke this operation.
    Invoke(Invocation),
    /// Wait until this time since the phase began, and request another step.
    Wait(Duration),
    /// The worker has finished.
    Done,
}

/// The completion of an operation.
#[derive(Debug, Clone)]
pub struct Completion {
    /// `Ok`, `Fail` or `Info`.
    pub kind: Kind,
    /// The result, as in the history; the argument, if it is `None`.
    pub value: Option<Value>,
    /// Why the operation is not `ok`.
    pub error: Option<OpError>,
}

/// The next step of a client in an operation.
#[derive(Debug)]
pub enum Step {
    /// Send a request to the node and wait for the answer.
    Send(ClientRequest),
    /// Complete the operation.
    Done(Completion),
}

/// The logic of a client: translates operations into requests. Its state lasts from one operation
/// to the next; after an `info` operation a new client replaces it, unless the workload
/// [keeps clients](Workload::keeps_clients).
pub trait Session: Send {
    /// Begins an operation.
    fn begin(&mut self, invocation: &Invocation) -> Step;

    /// Continues the operation after an answer of the right form.
    ///
    /// It is not called after an error, a malformed answer or a timeout: the operation completes as
    /// `fail` if it certainly did not take place, and as `info` otherwise.
    fn on_reply(&mut self, invocation: &Invocation, answer: &Answer<'_>) -> Step;
}

/// A workload: the operations of a run, the clients that perform them, and the checker of the
/// history.
///
/// Each run has a new one, and its history is judged by another new one: [`check`](Workload::check)
/// and [`unconverged`](Workload::unconverged) must not depend on what was generated. Workers
/// perform the operations, one at a time, each worker always on the same node.
pub trait Workload: Send {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The names of its operations.
    fn operations(&self) -> &'static [&'static str];

    /// Checks that it can run with these numbers of nodes and workers.
    ///
    /// # Errors
    /// Describes which numbers are allowed.
    fn check_workers(&self, nodes: usize, workers: usize) -> Result<(), String> {
        let _ = (nodes, workers);
        Ok(())
    }

    /// Chooses the free worker that begins the next operation of the main phase; `None` for
    /// round-robin, as in all of Maelstrom's workloads except lin-kv.
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

    /// Generates the next operation of the main phase, for this worker. All random numbers must
    /// come from `rng`, so that a seed repeats the run.
    fn next(&mut self, turn: Turn, rng: &mut SeededRng) -> Invocation;

    /// Observes the completion of a worker's operation: `value` is the result if it is `Ok`, and
    /// the argument otherwise.
    fn observe(&mut self, worker: usize, f: &'static str, kind: Kind, value: &Value) {
        let _ = (worker, f, kind, value);
    }

    /// All requests that its clients send, for documentation.
    fn requests(&self) -> Vec<&'static Rpc>;

    /// A new client.
    fn session(&self) -> Box<dyn Session>;

    /// Whether a final phase follows the main phase and a
    /// [recovery](crate::run::Settings::recovery).
    fn has_final_phase(&self) -> bool {
        false
    }

    /// Generates the next step of a worker in the final phase.
    fn next_final(&mut self, turn: Turn, rng: &mut SeededRng) -> FinalStep {
        let _ = (turn, rng);
        FinalStep::Done
    }

    /// The request that is sent to each node at time zero, before the first operation, if any.
    fn set_up(&self, nodes: &[NodeId]) -> Option<ClientRequest> {
        let _ = nodes;
        None
    }

    /// Whether a client continues after an `info` operation, instead of being replaced.
    fn keeps_clients(&self) -> bool {
        false
    }

    /// Whether an operation changes nothing, such as a read. After a timeout or an indefinite error
    /// it then completes as `fail` instead of `info`, which makes checking cheaper; after a
    /// malformed answer it is still `info`.
    fn is_read_only(&self, f: &str) -> bool {
        let _ = f;
        false
    }

    /// Whether clients interpret errors. If not, an operation is `info` after any error, even after
    /// a definite one.
    fn interprets_errors(&self) -> bool {
        true
    }

    /// Judges the history of a run.
    fn check(&self, history: &History) -> WorkloadVerdict;

    /// The number of workers in a storm, for a workload that needs a certain number.
    fn required_concurrency(&self) -> Option<Concurrency> {
        None
    }

    /// Generates the one operation that each worker performs in a storm after recovery, unless the
    /// workload has a final phase. It is a finding if the operation does not succeed, so it must be
    /// one that succeeds on every healthy node.
    fn recovery_operation(&mut self, turn: Turn, rng: &mut SeededRng) -> Invocation {
        self.next(turn, rng)
    }

    /// Finds what has not converged in a storm after recovery, one finding each. `final_oks` are
    /// the completions, with results, of operations of the final phase that were `ok`.
    fn unconverged(&self, history: &History, final_oks: &[&Op]) -> Vec<String> {
        let _ = (history, final_oks);
        Vec::new()
    }

    /// Whether the verdict of [`check`](Workload::check) on a storm is meaningless, since almost no
    /// operation succeeded. It then counts as valid.
    fn is_vacuous(&self, history: &History, result: &WorkloadResult) -> bool {
        let _ = (history, result);
        false
    }
}

/// Makes a workload for runs with these options: a [`Name`], or a closure
/// `|options: &Options| …` that returns a [`Workload`].
pub trait MakeWorkload: Send + Sync {
    /// Makes a new workload, for one run.
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

/// Adds a final phase after recovery to a workload, as in a storm: every node must answer again,
/// and findings of [`unconverged`](Workload::unconverged) make the verdict invalid.
pub fn with_convergence(workload: Box<dyn Workload>) -> Box<dyn Workload> {
    Box::new(convergence::WithConvergence::new(workload))
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
    pub fn ok(value: impl Into<Value>) -> Self {
        Completion {
            kind: Kind::Ok,
            value: Some(value.into()),
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

/// The completion of an operation after an error, a malformed answer, or a timeout: `fail` after a
/// definite error, or after any error or timeout of an operation that is
/// [read-only](Workload::is_read_only), and `info` otherwise.
pub fn completion_after_error(error: OpError, definite: bool, read_only: bool) -> Completion {
    let certain = match error {
        OpError::NetTimeout | OpError::Rpc { .. } => definite || read_only,
        OpError::Malformed { .. } | OpError::Thrown { .. } | OpError::Other { .. } => false,
    };
    let kind = if certain { Kind::Fail } else { Kind::Info };
    Completion {
        kind,
        value: None,
        error: Some(error),
    }
}

/// The completion of an operation after an error, where clients do not
/// [interpret errors](Workload::interprets_errors): `info`.
pub fn completion_after_uninterpreted_error(error: OpError) -> Completion {
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

#[cfg(test)]
mod tests;
