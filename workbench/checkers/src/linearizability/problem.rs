//! What is to be ordered: fixed before the search begins, and shared by all searches.

use std::collections::HashMap;
use std::hash::Hash;

use super::configuration::Shape;
use super::levels::DEAD;
use super::timeline::{Effect, NONE, Timeline};
use super::wants::Wants;
use super::{Call, Precondition, Specification};

pub(super) struct Problem<'a, P: Specification> {
    pub(super) specification: &'a P,
    pub(super) calls: &'a [Call<P::Operation>],
    pub(super) timeline: Timeline,
    pub(super) shape: Shape,
    wants: Wants<'a, P::State>,
    /// By lane: until when its calls can be of use, as a moment.
    pub(super) useful_until: Vec<u32>,
}

impl<'a, P: Specification> Problem<'a, P> {
    pub(super) fn new(specification: &'a P, calls: &'a [Call<P::Operation>]) -> Self {
        let timeline = Timeline::new(specification, calls);
        let mut problem = Problem {
            specification,
            calls,
            shape: Shape::new(timeline.slots, &timeline.lanes),
            wants: Wants::new(specification, calls, &timeline),
            timeline,
            useful_until: Vec::new(),
        };
        problem.useful_until = problem.compute_useful_until();
        problem
    }

    /// A call of a lane is of use only if the state after it is.
    fn compute_useful_until(&self) -> Vec<u32> {
        let initial = self.specification.initial();
        let until = |lane: &Vec<u32>| {
            let operation = &self.calls[lane[0] as usize].operation;
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

    pub(super) fn effect(&self, call: u32) -> Effect {
        self.timeline.effects[call as usize]
    }

    /// The same, without the knowledge which states no call needs: a search goes all ways.
    pub(super) fn without_wants(self) -> Self {
        let lanes = self.timeline.lanes.len();
        Problem {
            wants: Wants::unknown(),
            useful_until: vec![NONE; lanes],
            ..self
        }
    }

    /// The state after a call; none if it is not possible.
    pub(super) fn step(&self, states: &mut States<P::State>, state: u32, call: u32) -> Option<u32> {
        let operation = &self.calls[call as usize].operation;
        let before = states.get(state)?;
        let after = self.specification.step(before, operation)?;
        Some(states.number(after))
    }

    /// The state after an overwrite.
    pub(super) fn overwrite(&self, states: &mut States<P::State>, call: u32) -> u32 {
        let operation = &self.calls[call as usize].operation;
        let before = self.specification.initial();
        let after = self.specification.step(&before, operation);
        states.number(after.expect("an overwrite is possible in every state"))
    }

    /// Whether a read is possible.
    pub(super) fn fits(&self, states: &States<P::State>, state: u32, call: u32) -> bool {
        let operation = &self.calls[call as usize].operation;
        match states.get(state) {
            Some(state) => self.specification.step(state, operation).is_some(),
            None => self.specification.precondition(operation) == Precondition::None,
        }
    }

    /// Whether a state can matter after a moment to a call other than the reads under way.
    pub(super) fn is_live(&self, states: &States<P::State>, state: u32, moment: usize) -> bool {
        states
            .get(state)
            .is_some_and(|state| self.wants.is_live(state, moment))
    }
}

/// States by number.
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

    /// None for a dead state.
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

    /// Removes all states but these, which get their new numbers.
    pub(super) fn retain<'a>(&mut self, kept: impl Iterator<Item = &'a mut u32>) {
        let old = std::mem::take(&mut self.states);
        self.numbers = HashMap::new();
        let mut moved = vec![DEAD; old.len()];
        for number in kept.filter(|number| **number != DEAD) {
            let place = *number as usize;
            if moved[place] == DEAD {
                moved[place] = self.number(old[place].clone());
            }
            *number = moved[place];
        }
    }
}
