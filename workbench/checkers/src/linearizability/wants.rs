//! Until when each state is of use: which calls still need it.

use std::collections::HashMap;

use super::timeline::{Event, NONE, Timeline};
use super::{Call, Precondition, Specification};

/// When a state is last needed, as moments; nothing if it never is.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    /// When the last read begins that needs it: those under way have been taken in.
    read_begins: Option<u32>,
    /// When the last read ends that needs it.
    read_ends: Option<u32>,
    /// When the last other call ends that needs it. It may have no end.
    change_ends: Option<u32>,
}

/// The calls that need a certain state, if it is known of all calls what they need.
pub(super) struct Wants<'a, S> {
    last: HashMap<&'a S, Last>,
    is_known: bool,
}

impl<'a, S: Eq + std::hash::Hash> Wants<'a, S> {
    /// As if each state might be needed at any time.
    pub(super) fn unknown() -> Self {
        Wants {
            last: HashMap::new(),
            is_known: false,
        }
    }

    pub(super) fn new<P: Specification<State = S>>(
        specification: &'a P,
        calls: &'a [Call<P::Operation>],
        timeline: &Timeline,
    ) -> Self {
        let mut wants = Wants {
            last: HashMap::new(),
            is_known: true,
        };
        for moment in 0..timeline.len() {
            let (call, end) = match timeline.event(moment) {
                Event::Begin { call, .. } => (call, timeline.ends[call as usize]),
                Event::Open { call, .. } => (call, NONE),
                Event::End { .. } => continue,
            };
            let operation = &calls[call as usize].operation;
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

    /// Whether a state can matter after a moment to a call other than a read under way.
    pub(super) fn is_live(&self, state: &S, moment: usize) -> bool {
        let moment = moment as u32;
        !self.is_known
            || self.last.get(state).is_some_and(|last| {
                last.read_begins.is_some_and(|it| it > moment)
                    || last.change_ends.is_some_and(|it| it >= moment)
            })
    }

    /// Until when a state can matter to any call, as a moment: nothing if it cannot, `NONE` if
    /// forever.
    pub(super) fn until(&self, state: &S) -> Option<u32> {
        if !self.is_known {
            return Some(NONE);
        }
        let last = self.last.get(state)?;
        last.read_ends.max(last.change_ends)
    }
}
