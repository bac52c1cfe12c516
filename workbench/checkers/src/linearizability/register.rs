//! A register that can be read, written, and changed on condition.

use std::hash::Hash;
use std::marker::PhantomData;

use super::{Precondition, Specification};

/// A register of values `V`, which is unset at first.
#[derive(Debug, Clone, Copy)]
pub struct CasRegister<V>(PhantomData<V>);

impl<V> Default for CasRegister<V> {
    fn default() -> Self {
        CasRegister(PhantomData)
    }
}

/// What can be done to a register with values `V`, and succeeds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RegisterOp<V> {
    /// It was read. A read of nothing tells nothing: the register may hold anything.
    Read(Option<V>),
    /// It was set, or unset.
    Write(Option<V>),
    /// It held the first and was set to the second.
    Cas(Option<V>, Option<V>),
}

impl<V: Clone + Eq + Hash> Specification for CasRegister<V> {
    type State = Option<V>;
    type Operation = RegisterOp<V>;

    fn initial(&self) -> Option<V> {
        None
    }

    fn step(&self, state: &Option<V>, operation: &RegisterOp<V>) -> Option<Option<V>> {
        match operation {
            RegisterOp::Read(seen) => (seen.is_none() || seen == state).then(|| state.clone()),
            RegisterOp::Write(value) => Some(value.clone()),
            RegisterOp::Cas(from, to) => (from == state).then(|| to.clone()),
        }
    }

    fn is_read(&self, operation: &RegisterOp<V>) -> bool {
        match operation {
            RegisterOp::Read(_) => true,
            RegisterOp::Write(_) => false,
            RegisterOp::Cas(from, to) => from == to,
        }
    }

    fn is_overwrite(&self, operation: &RegisterOp<V>) -> bool {
        matches!(operation, RegisterOp::Write(_))
    }

    fn precondition<'a>(&self, operation: &'a RegisterOp<V>) -> Precondition<'a, Option<V>> {
        match operation {
            RegisterOp::Read(None) | RegisterOp::Write(_) => Precondition::None,
            RegisterOp::Read(seen) => Precondition::State(seen),
            RegisterOp::Cas(from, _) => Precondition::State(from),
        }
    }
}
