//! A register with read, write and compare-and-set.

use std::hash::Hash;
use std::marker::PhantomData;

use super::{Precondition, Specification};

/// A register of values `V`, unset at first.
#[derive(Debug, Clone, Copy)]
pub struct CasRegister<V>(PhantomData<V>);

impl<V> Default for CasRegister<V> {
    fn default() -> Self {
        CasRegister(PhantomData)
    }
}

/// A successful operation on a register.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RegisterOp<V> {
    /// A read of a value. A read of `None` says nothing: the register may have any value.
    Read(Option<V>),
    /// A write of a value, or of none.
    Write(Option<V>),
    /// A compare-and-set: the register had the first value and was set to the second.
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

#[cfg(test)]
mod tests {
    use super::{CasRegister, RegisterOp, Specification};

    #[test]
    fn what_leaves_every_state_unchanged_is_a_read() {
        let register = CasRegister::default();
        let is_read = |op: RegisterOp<u32>| register.is_read(&op);
        assert!(is_read(RegisterOp::Read(None)) && is_read(RegisterOp::Read(Some(1))));
        assert!(is_read(RegisterOp::Cas(Some(1), Some(1))));
        assert!(!is_read(RegisterOp::Cas(Some(1), Some(2))));
        assert!(!is_read(RegisterOp::Write(Some(1))) && !is_read(RegisterOp::Write(None)));
    }
}
