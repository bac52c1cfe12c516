//! Linearizability: is there an order of all operations in which each takes effect at one moment
//! between its invocation and its completion, and which the object's specification allows?
//!
//! Any object with a [`Specification`] can be checked. The search is that of Wing and Gong,
//! "Testing and Verifying Concurrent Objects" (1993), with memoization and just-in-time
//! linearization as in Lowe, "Testing for Linearizability" (2017), alternately breadth first and
//! depth first: see `search` for the turns, and `expand` for the pruning rules. Check an object of
//! independent parts part by part: that is exact, too, and much faster (Herlihy and Wing,
//! "Linearizability" (1990)).
//!
//! ```
//! use checkers::linearizability::{Linearizability, Specification, TimedOp, linearize};
//!
//! /// A counter whose only operation increments it and returns the old value.
//! struct Counter;
//!
//! impl Specification for Counter {
//!     type State = u32;
//!     /// The value that was returned.
//!     type Operation = u32;
//!
//!     fn initial(&self) -> u32 {
//!         0
//!     }
//!
//!     fn step(&self, state: &u32, returned: &u32) -> Option<u32> {
//!         (state == returned).then(|| state + 1)
//!     }
//! }
//!
//! let op = |operation, begin, end| TimedOp { operation, begin, end };
//! let mut ops = vec![op(1, 0, Some(20)), op(0, 10, Some(30)), op(2, 40, None)];
//! let answer = linearize(&Counter, &ops, || true);
//! assert!(matches!(answer, Linearizability::Linearizable { order } if order == [1, 0]));
//!
//! // An operation that begins after another has ended cannot come before it.
//! ops[1].begin = 21;
//! let answer = linearize(&Counter, &ops, || true);
//! assert!(matches!(answer, Linearizability::Violated(violation) if violation.op == 0));
//! ```

mod configuration;
mod decide;
mod expand;
mod levels;
mod moves;
mod paths;
mod problem;
mod register;
mod search;
mod timeline;
mod wants;

use std::hash::Hash;

pub use decide::{Effort, linearize, linearize_with};
pub use register::{CasRegister, RegisterOp};
pub use search::Strategy;

/// The sequential specification of an object.
pub trait Specification {
    /// The state of the object.
    type State: Clone + Eq + Hash;
    /// An operation with its argument and its result. Equal operations are interchangeable.
    type Operation: Eq + Hash;

    /// The initial state.
    fn initial(&self) -> Self::State;

    /// The state after an operation. `None` if the operation cannot have this result in this state.
    fn step(&self, state: &Self::State, operation: &Self::Operation) -> Option<Self::State>;

    /// Whether an operation leaves every state unchanged, as a read does. `true` makes the search
    /// faster; it makes answers wrong if the operation can change a state.
    fn is_read(&self, operation: &Self::Operation) -> bool {
        let _ = operation;
        false
    }

    /// Whether an operation is possible in every state and leads to the same state from each, as a
    /// write does. `true` makes the search faster; it makes answers wrong for any other operation.
    fn is_overwrite(&self, operation: &Self::Operation) -> bool {
        let _ = operation;
        false
    }

    /// The states in which an operation is possible. Anything but `Unknown` makes the search
    /// faster; it makes answers wrong if it is not exact.
    fn precondition<'a>(&self, operation: &'a Self::Operation) -> Precondition<'a, Self::State> {
        let _ = operation;
        Precondition::Unknown
    }
}

/// The states in which an operation is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition<'a, S> {
    /// All states.
    None,
    /// This state only.
    State(&'a S),
    /// Those that `step` allows.
    Unknown,
}

/// An operation of a history. Moments are numbers of any unit: an operation precedes another if it
/// ended at a smaller moment than the other began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOp<O> {
    /// The operation with its argument and its result.
    pub operation: O,
    /// The moment of its invocation.
    pub begin: u64,
    /// The moment of its completion. `None` if it is indeterminate: it may have taken effect at any
    /// moment after its invocation, or never.
    pub end: Option<u64>,
}

/// The answer. Operations are given as indices into the list that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linearizability<S> {
    /// There is a linearization.
    Linearizable {
        /// One linearization: all operations that ended, and some of those without an end.
        order: Vec<usize>,
    },
    /// There is no linearization.
    Violated(Violation<S>),
    /// The search was stopped or ran out of memory.
    Unfinished(Unfinished),
}

/// The progress of a search that was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The operation at which the search stopped: all operations that ended before its end can be
    /// ordered; whether it can follow them is unknown.
    pub op: usize,
    /// The number of operations that ended before the end of `op`.
    pub explained: usize,
    /// The number of steps taken.
    pub steps: u64,
    /// The peak memory in bytes, approximately.
    pub bytes: usize,
    /// Whether the search ran out of memory.
    pub is_out_of_memory: bool,
}

/// The evidence that there is no linearization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation<S> {
    /// The operation that cannot be ordered: all operations that ended before its end can be
    /// ordered, but it cannot follow any such order.
    pub op: usize,
    /// Between one and ten orders of the operations that ended before it. None includes more
    /// operations than it must.
    pub attempts: Vec<Attempt<S>>,
    /// Whether the attempts lead to all states in which the operation could be tried.
    pub is_exhaustive: bool,
}

/// An order of all operations that ended before some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt<S> {
    /// The order. It may include operations that ended later.
    pub order: Vec<usize>,
    /// The state after it.
    pub state: S,
    /// Operations that had begun by then and have an end, but are not in the order.
    pub pending: Vec<usize>,
}
