//! A scope as a stateright model: its states, actions and property.
//!
//! The network keeps every message that was ever sent, and may deliver any of them at any time, any
//! number of times. So loss, delay and duplication need no rules and have no limits: a lost message
//! is one that is never delivered. Resends repeat the same few messages, so there are not many.
//!
//! Each actor has a clock of its own. The product never compares clocks, so independent clocks lose
//! no behaviour, and also cover machines that stall. stateright identifies states by 64-bit hashes:
//! with a million states, the odds that a collision hides one are one in forty million.

use std::time::Duration;

use stateright::{Model, Property};

use super::catalogue::{EventKey, StateId, TextId, Transition};
use super::scope::{Input, Scope, System, SystemState};

/// How far a clock advances at a time.
const TICK: Duration = Duration::from_secs(1);

/// A state of the model: the system's, the network's and the clocks'.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GlobalState {
    /// The actors and their responses so far.
    pub system: SystemState,
    /// Every message ever sent, as receiver and text, sorted.
    sent: Vec<(usize, TextId)>,
    /// Ticks of all clocks so far, counted only if they are limited.
    ticks: u8,
    /// An actor whose view changed in a way that [`System::may_follow`] forbids.
    regressed: Option<usize>,
}

/// A transition of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The scope's input of this index happens.
    Perform(usize),
    /// This actor receives this message.
    Deliver(usize, TextId),
    /// This actor's clock advances by a tick.
    Tick(usize),
}

impl GlobalState {
    /// The violation in this state, if there is one.
    pub fn violation<S: System>(&self, scope: &Scope<S>) -> Option<String> {
        match self.regressed {
            Some(actor) => Some(format!("{actor} no longer shows what it has shown")),
            None => scope.violation(&self.system),
        }
    }

    fn actor(&self, actor: usize) -> StateId {
        self.system.actors[actor]
    }

    /// Applies an actor's transition.
    fn apply<S: System>(&mut self, scope: &Scope<S>, actor: usize, transition: &Transition) {
        if self.actor(actor) != transition.state && !transition.is_restart {
            let catalogue = scope.catalogue();
            let before = catalogue.view(self.actor(actor));
            if !S::may_follow(before, catalogue.view(transition.state)) {
                self.regressed = Some(actor);
            }
        }
        self.system.actors[actor] = transition.state;
        for message in transition.messages.iter() {
            if let Err(at) = self.sent.binary_search(message) {
                self.sent.insert(at, *message);
            }
        }
    }

    /// The index of each actor's next input.
    fn next_inputs<S: System>(&self, scope: &Scope<S>) -> impl Iterator<Item = usize> {
        (0..scope.actors).filter_map(|actor| {
            let is_next = |input: &usize| {
                scope.inputs[*input].actor() == actor && self.system.responses[*input].is_none()
            };
            (0..scope.inputs.len()).find(is_next)
        })
    }
}

impl<S: System> Model for Scope<S> {
    type State = GlobalState;
    type Action = Action;

    fn init_states(&self) -> Vec<GlobalState> {
        let initial = |actor| self.catalogue().initial_state(actor);
        vec![GlobalState {
            system: SystemState {
                actors: (0..self.actors).map(initial).collect(),
                responses: vec![None; self.inputs.len()],
            },
            sent: Vec::new(),
            ticks: 0,
            regressed: None,
        }]
    }

    fn actions(&self, state: &GlobalState, actions: &mut Vec<Action>) {
        actions.extend(state.next_inputs(self).map(Action::Perform));
        let deliver = |(actor, text): &(usize, TextId)| Action::Deliver(*actor, *text);
        actions.extend(state.sent.iter().map(deliver));
        if self.max_ticks.is_none_or(|max| state.ticks < max) {
            let catalogue = self.catalogue();
            let has_timeout = |actor: &usize| catalogue.timeout(state.actor(*actor)).is_some();
            actions.extend((0..self.actors).filter(has_timeout).map(Action::Tick));
        }
    }

    fn next_state(&self, before: &GlobalState, action: Action) -> Option<GlobalState> {
        let mut state = before.clone();
        let step = |actor, event| self.catalogue().step(before.actor(actor), event);
        let (actor, transition) = match action {
            Action::Perform(index) => {
                let input = self.inputs[index];
                let transition = self.perform(before.actor(input.actor()), index, input);
                state.system.responses[index] = Some(transition.response);
                (input.actor(), transition)
            }
            Action::Deliver(actor, text) => (actor, step(actor, EventKey::Message(text))),
            Action::Tick(actor) => {
                state.ticks += u8::from(self.max_ticks.is_some());
                (actor, step(actor, EventKey::Elapsed(TICK)))
            }
        };
        state.apply(self, actor, &transition);
        (state != *before).then_some(state)
    }

    /// One property, so that the search ends with the shortest path to any violation.
    fn properties(&self) -> Vec<Property<Self>> {
        let is_correct = |scope: &Self, state: &GlobalState| state.violation(scope).is_none();
        vec![Property::always("no violation", is_correct)]
    }

    fn format_action(&self, action: &Action) -> String {
        let catalogue = self.catalogue();
        match action {
            Action::Perform(index) => match self.inputs[*index] {
                Input::Request(actor) => format!("{actor} receives request {}", S::request(*index)),
                Input::Restart(actor) => format!("{actor} restarts"),
            },
            Action::Deliver(actor, text) => format!("{actor} receives {}", catalogue.text(*text)),
            Action::Tick(actor) => format!("{actor}'s clock ticks"),
        }
    }
}
