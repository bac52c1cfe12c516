//! The moments until which operations need each state.

use std::collections::HashMap;

use super::timeline::{Event, NONE, Timeline};
use super::{Precondition, Specification, TimedOp};

/// The moments at which a state is last needed. `None` if it never is.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    /// The begin of the last read that needs it. Reads that have begun are applied already.
    read_begins: Option<u32>,
    /// The end of the last read that needs it.
    read_ends: Option<u32>,
    /// The end of the last other operation that needs it; `NONE` if that has no end.
    change_ends: Option<u32>,
}

/// The operations that need each state, if that is known of all operations.
pub(super) struct Wants<'a, S> {
    last: HashMap<&'a S, Last>,
    is_known: bool,
}

impl<'a, S: Eq + std::hash::Hash> Wants<'a, S> {
    /// Assumes that each state can be needed at any time.
    pub(super) fn unknown() -> Self {
        Wants {
            last: HashMap::new(),
            is_known: false,
        }
    }

    pub(super) fn new<P: Specification<State = S>>(
        specification: &'a P,
        ops: &'a [TimedOp<P::Operation>],
        timeline: &Timeline,
    ) -> Self {
        let mut wants = Wants {
            last: HashMap::new(),
            is_known: true,
        };
        for moment in 0..timeline.len() {
            let (op, end) = match timeline.event(moment) {
                Event::Begin { op, .. } => (op, timeline.ends[op as usize]),
                Event::Open { op, .. } => (op, NONE),
                Event::End { .. } => continue,
            };
            let operation = &ops[op as usize].operation;
            let (is_read, is_overwrite) = (
                specification.is_read(operation),
                specification.is_overwrite(operation),
            );
            match specification.precondition(operation) {
                _ if is_overwrite => {}
                Precondition::State(state) => {
                    let last = wants.last.entry(state).or_default();
                    if is_read {
                        last.read_begins = last.read_begins.max(Some(moment as u32));
                        last.read_ends = last.read_ends.max(Some(end));
                    } else {
                        last.change_ends = last.change_ends.max(Some(end));
                    }
                }
                Precondition::None if is_read => {}
                Precondition::None | Precondition::Unknown => wants.is_known = false,
            }
        }
        wants
    }

    /// Whether an operation other than a concurrent read can need a state after a moment.
    pub(super) fn is_live(&self, state: &S, moment: usize) -> bool {
        let moment = moment as u32;
        !self.is_known
            || self.last.get(state).is_some_and(|last| {
                last.read_begins.is_some_and(|it| it > moment)
                    || last.change_ends.is_some_and(|it| it >= moment)
            })
    }

    /// The last moment at which an operation can need a state. `None` if there is none, `NONE` if
    /// forever.
    pub(super) fn until(&self, state: &S) -> Option<u32> {
        if !self.is_known {
            return Some(NONE);
        }
        let last = self.last.get(state)?;
        last.read_ends.max(last.change_ends)
    }
}
