//! A scope as a model of the checker's: its states, and what leads from one to another.
//!
//! The network remembers every message that was ever sent, and any of them may arrive at any
//! moment, any number of times. So there are no rules for loss, delay and repetition, and no limits
//! either: to be lost is never to arrive. Ends that repeat themselves use the same few messages, so
//! there are not many.
//!
//! Each end has a clock of its own. Nothing of the product compares clocks, so clocks of any pace
//! lose no behaviour, and add that of machines that stand still for a while.
//!
//! The checker knows states by hashes of 64 bits: with a million of them the odds are one in forty
//! million that two share one, and one is not looked at.

use std::time::Duration;

use stateright::{Model, Property};

use super::catalogue::{EndId, Next, Step, TextId};
use super::scope::{Deed, Scope, Situation, Subject};

/// From one moment of an end's clock to the next.
const MOMENT: Duration = Duration::from_secs(1);

/// A state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// The ends, and what they answered.
    pub situation: Situation,
    /// Every message ever sent: to whom, and what; in order of these numbers.
    sent: Vec<(usize, TextId)>,
    /// How many moments have passed, if they are limited.
    moments: u8,
    /// Which end was seen to go back on what it had shown.
    fickle: Option<usize>,
}

/// What leads to another state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A deed is done.
    Perform(usize),
    /// A message arrives.
    Arrive(usize, TextId),
    /// A moment passes on the clock of an end.
    Wait(usize),
}

impl World {
    /// What is wrong in this state.
    pub fn finding<S: Subject>(&self, scope: &Scope<S>) -> Option<String> {
        match self.fickle {
            Some(place) => Some(format!("{place} goes back on what it has shown")),
            None => scope.finding(&self.situation),
        }
    }

    fn end(&self, place: usize) -> EndId {
        self.situation.ends[place]
    }

    /// An end comes to another state.
    fn advance<S: Subject>(&mut self, scope: &Scope<S>, place: usize, step: &Step) {
        if self.end(place) != step.end && !step.is_rebirth {
            let catalogue = scope.catalogue();
            let (before, after) = (catalogue.view(self.end(place)), catalogue.view(step.end));
            if !S::may_become(before, after) {
                self.fickle = Some(place);
            }
        }
        self.situation.ends[place] = step.end;
        for message in step.messages.iter() {
            if let Err(at) = self.sent.binary_search(message) {
                self.sent.insert(at, *message);
            }
        }
    }

    /// The number of the next deed at each place.
    fn next_deeds<S: Subject>(&self, scope: &Scope<S>) -> impl Iterator<Item = usize> {
        (0..scope.ends).filter_map(|place| {
            let is_next = |number: &usize| {
                scope.deeds[*number].place() == place && self.situation.answers[*number].is_none()
            };
            (0..scope.deeds.len()).find(is_next)
        })
    }
}

impl<S: Subject> Model for Scope<S> {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let born = |place| self.catalogue().born(place);
        vec![World {
            situation: Situation {
                ends: (0..self.ends).map(born).collect(),
                answers: vec![None; self.deeds.len()],
            },
            sent: Vec::new(),
            moments: 0,
            fickle: None,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        actions.extend(world.next_deeds(self).map(Action::Perform));
        let arrive = |(place, text): &(usize, TextId)| Action::Arrive(*place, *text);
        actions.extend(world.sent.iter().map(arrive));
        if self.most_moments.is_none_or(|most| world.moments < most) {
            let catalogue = self.catalogue();
            let waits = |place: &usize| catalogue.patience(world.end(*place)).is_some();
            actions.extend((0..self.ends).filter(waits).map(Action::Wait));
        }
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        let mut world = before.clone();
        let (place, step) = match action {
            Action::Perform(number) => {
                let deed = self.deeds[number];
                let step = self.perform(before.end(deed.place()), number, deed);
                world.situation.answers[number] = Some(step.answer);
                (deed.place(), step)
            }
            Action::Arrive(place, text) => {
                let step = self.catalogue().step(before.end(place), Next::Hear(text));
                (place, step)
            }
            Action::Wait(place) => {
                world.moments += u8::from(self.most_moments.is_some());
                let step = self.catalogue().step(before.end(place), Next::Wait(MOMENT));
                (place, step)
            }
        };
        world.advance(self, place, &step);
        (world != *before).then_some(world)
    }

    /// One property, so that the search ends with the shortest way to anything wrong.
    fn properties(&self) -> Vec<Property<Self>> {
        let is_right = |scope: &Self, world: &World| world.finding(scope).is_none();
        vec![Property::always("nothing is wrong", is_right)]
    }

    fn format_action(&self, action: &Action) -> String {
        let catalogue = self.catalogue();
        match action {
            Action::Perform(number) => match self.deeds[*number] {
                Deed::Ask(place) => format!("{place} is asked {}", S::request(*number)),
                Deed::Restart(place) => format!("{place} starts anew"),
            },
            Action::Arrive(place, text) => format!("{place} hears {}", catalogue.text(*text)),
            Action::Wait(place) => format!("a moment passes at {place}"),
        }
    }
}
