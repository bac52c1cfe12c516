//! Linearizability: is there one order of all operations that each of them could have had, if each
//! took effect at a single moment between its beginning and its end?
//!
//! The objects are yours: whatever has a [`Specification`] can be checked. The search is Wing and
//! Gong's with memory, "Testing and Verifying Concurrent Objects" (1993), done just in time as in
//! Lowe, "Testing for Linearizability" (2017), depth first and breadth first by turns: see `search`
//! for the turns, and `expand` for what is left out, and why that changes no answer. Objects that
//! consist of independent parts should be checked part by part, which is as good and much faster
//! (Herlihy and Wing, "Linearizability" (1990)).
//!
//! ```
//! use checkers::linearizability::{Call, Linearizability, Specification, linearize};
//!
//! /// A counter that tells what it was before.
//! struct Counter;
//!
//! impl Specification for Counter {
//!     type State = u32;
//!     /// What somebody was told.
//!     type Operation = u32;
//!
//!     fn initial(&self) -> u32 {
//!         0
//!     }
//!
//!     fn step(&self, state: &u32, told: &u32) -> Option<u32> {
//!         (state == told).then(|| state + 1)
//!     }
//! }
//!
//! let call = |operation, begin, end| Call { operation, begin, end };
//! let mut calls = vec![call(1, 0, Some(20)), call(0, 10, Some(30)), call(2, 40, None)];
//! let answer = linearize(&Counter, &calls, || true);
//! assert!(matches!(answer, Linearizability::Holds { order } if order == [1, 0]));
//!
//! // Who begins later cannot have been first.
//! calls[1].begin = 21;
//! let answer = linearize(&Counter, &calls, || true);
//! assert!(matches!(answer, Linearizability::Violated(violation) if violation.call == 0));
//! ```

mod configuration;
mod decide;
mod expand;
mod levels;
mod moves;
mod order;
mod problem;
mod register;
mod search;
mod timeline;
mod wants;

use std::hash::Hash;

pub use decide::{Effort, linearize, linearize_with};
pub use register::{CasRegister, RegisterOp};
pub use search::Strategy;

/// What an object does if it does one thing at a time.
pub trait Specification {
    /// All that the object remembers.
    type State: Clone + Eq + Hash;
    /// What is done to it, argument and result together. Equal operations are taken for one
    /// another.
    type Operation: Eq + Hash;

    /// The state at first.
    fn initial(&self) -> Self::State;

    /// The state after an operation; nothing if the operation cannot have this result here.
    fn step(&self, state: &Self::State, operation: &Self::Operation) -> Option<Self::State>;

    /// Whether an operation changes no state whatsoever, as a read. To say so makes the search
    /// faster and no less exact; to say so of one that does change a state makes it wrong.
    fn is_read(&self, operation: &Self::Operation) -> bool {
        let _ = operation;
        false
    }

    /// Whether an operation is possible in every state and leads to one and the same state from
    /// each, as a write. To say so makes the search faster and no less exact; to say so of any
    /// other operation makes it wrong.
    fn is_overwrite(&self, operation: &Self::Operation) -> bool {
        let _ = operation;
        false
    }

    /// In which states an operation is possible. To say so makes the search faster and no less
    /// exact; to say what is not so makes it wrong.
    fn precondition<'a>(&self, operation: &'a Self::Operation) -> Precondition<'a, Self::State> {
        let _ = operation;
        Precondition::Unknown
    }
}

/// In which states an operation is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition<'a, S> {
    /// In all.
    None,
    /// In this one alone.
    State(&'a S),
    /// In any that `step` says.
    Unknown,
}

/// An operation that somebody saw. Moments are numbers of any unit: an operation comes before
/// another if it ended at a smaller one than the other began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<O> {
    /// What was done, and what came of it.
    pub operation: O,
    /// When it began.
    pub begin: u64,
    /// When it ended. Nothing if nobody knows its end: it may have taken effect at any moment after
    /// it began, or never.
    pub end: Option<u64>,
}

/// The answer. Calls are named by their places in the list that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linearizability<S> {
    /// There is such an order.
    Holds {
        /// One of them: all calls that ended, and some of those whose end is not known.
        order: Vec<usize>,
    },
    /// There is none.
    Violated(Violation<S>),
    /// The search was stopped, or ran out of memory.
    Unfinished(Unfinished),
}

/// How far a search got that was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Everything that ended before the end of this call can be put in order; whether it can,
    /// too, is not known.
    pub call: usize,
    /// How many calls ended before the end of that one.
    pub explained: usize,
    /// How many steps were taken.
    pub steps: u64,
    /// How much memory was taken at most, in bytes, about.
    pub bytes: usize,
    /// Whether it was memory that was not enough.
    pub is_out_of_memory: bool,
}

/// How far an order gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation<S> {
    /// The call without a place: everything that ended before its end can be put in order, and it
    /// cannot be added to any such order.
    pub call: usize,
    /// Orders of what comes before it, ten at most, and at least one. None takes in more than it
    /// must.
    pub attempts: Vec<Attempt<S>>,
    /// Whether the attempts lead to all states in which the call could have been tried.
    pub is_exhaustive: bool,
}

/// An order of all calls that ended before some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt<S> {
    /// The order; it may have calls in it that ended later.
    pub order: Vec<usize>,
    /// The state that it leads to.
    pub state: S,
    /// Calls that had begun by then, that are to end, and that are not in the order.
    pub pending: Vec<usize>,
}
