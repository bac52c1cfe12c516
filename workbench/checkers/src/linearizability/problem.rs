//! The input of a search: fixed before the search begins, and shared by all searches.

use std::collections::HashMap;
use std::hash::Hash;

use super::configuration::KeyLayout;
use super::levels::DEAD;
use super::timeline::{Effect, NONE, Timeline};
use super::wants::Wants;
use super::{Precondition, Specification, TimedOp};

pub(super) struct Problem<'a, P: Specification> {
    pub(super) specification: &'a P,
    pub(super) ops: &'a [TimedOp<P::Operation>],
    pub(super) timeline: Timeline,
    pub(super) layout: KeyLayout,
    wants: Wants<'a, P::State>,
    /// By lane: the last moment at which its operations can be of use.
    pub(super) useful_until: Vec<u32>,
}

impl<'a, P: Specification> Problem<'a, P> {
    pub(super) fn new(specification: &'a P, ops: &'a [TimedOp<P::Operation>]) -> Self {
        let timeline = Timeline::new(specification, ops);
        let mut problem = Problem {
            specification,
            ops,
            layout: KeyLayout::new(timeline.slots, &timeline.lanes),
            wants: Wants::new(specification, ops, &timeline),
            timeline,
            useful_until: Vec::new(),
        };
        problem.useful_until = problem.compute_useful_until();
        problem
    }

    /// An operation of a lane is of use as long as the state after it is.
    fn compute_useful_until(&self) -> Vec<u32> {
        let initial = self.specification.initial();
        let until = |lane: &Vec<u32>| {
            let operation = &self.ops[lane[0] as usize].operation;
            let before = match self.specification.precondition(operation) {
                Precondition::State(state) => state,
                _ if self.specification.is_overwrite(operation) => &initial,
                _ => return NONE,
            };
            let after = self.specification.step(before, operation);
            after
                .and_then(|state| self.wants.until(&state))
                .unwrap_or(0)
        };
        self.timeline.lanes.iter().map(until).collect()
    }

    pub(super) fn effect(&self, op: u32) -> Effect {
        self.timeline.effects[op as usize]
    }

    /// The same problem without liveness information, so that a search goes all ways.
    pub(super) fn without_wants(self) -> Self {
        let lanes = self.timeline.lanes.len();
        Problem {
            wants: Wants::unknown(),
            useful_until: vec![NONE; lanes],
            ..self
        }
    }

    /// The state after an operation. `None` if it is not possible.
    pub(super) fn step(&self, states: &mut States<P::State>, state: u32, op: u32) -> Option<u32> {
        let operation = &self.ops[op as usize].operation;
        let before = states.get(state)?;
        let after = self.specification.step(before, operation)?;
        Some(states.number(after))
    }

    /// The state after an overwrite.
    pub(super) fn overwrite(&self, states: &mut States<P::State>, op: u32) -> u32 {
        let operation = &self.ops[op as usize].operation;
        let before = self.specification.initial();
        let after = self.specification.step(&before, operation);
        states.number(after.expect("an overwrite is possible in every state"))
    }

    /// Whether a read is possible.
    pub(super) fn fits(&self, states: &States<P::State>, state: u32, op: u32) -> bool {
        let operation = &self.ops[op as usize].operation;
        match states.get(state) {
            Some(state) => self.specification.step(state, operation).is_some(),
            None => self.specification.precondition(operation) == Precondition::None,
        }
    }

    /// Whether an operation other than concurrent reads can need a state after a moment.
    pub(super) fn is_live(&self, states: &States<P::State>, state: u32, moment: usize) -> bool {
        states
            .get(state)
            .is_some_and(|state| self.wants.is_live(state, moment))
    }
}

/// Numbered states.
pub(super) struct States<S> {
    numbers: HashMap<S, u32>,
    states: Vec<S>,
}

impl<S: Clone + Eq + Hash> States<S> {
    pub(super) fn new() -> Self {
        States {
            numbers: HashMap::new(),
            states: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    /// `None` for a dead state.
    fn get(&self, number: u32) -> Option<&S> {
        self.states.get(number as usize)
    }

    pub(super) fn number(&mut self, state: S) -> u32 {
        if let Some(number) = self.numbers.get(&state) {
            return *number;
        }
        let number = self.states.len() as u32;
        self.states.push(state.clone());
        self.numbers.insert(state, number);
        number
    }

    /// Removes all states but these, and renumbers them.
    pub(super) fn retain<'a>(&mut self, kept: impl Iterator<Item = &'a mut u32>) {
        let old = std::mem::take(&mut self.states);
        self.numbers = HashMap::new();
        let mut moved = vec![DEAD; old.len()];
        for number in kept.filter(|number| **number != DEAD) {
            let index = *number as usize;
            if moved[index] == DEAD {
                moved[index] = self.number(old[index].clone());
            }
            *number = moved[index];
        }
    }
}
