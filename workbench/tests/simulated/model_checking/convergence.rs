//! Checks that every reachable state converges if the network behaves from then on.
//!
//! This is no property of a path in these models: on a path the network may lose everything for
//! ever, and stateright's `eventually` does not see cycles. So each reachable state is checked: if
//! no old message arrives any more and every new one does, does the system become quiescent, with
//! nothing missing then? An old message that does arrive, before or meanwhile, leads to another
//! reachable state, which is checked in the same way.

use std::collections::VecDeque;

use super::catalogue::{EventKey, TextId, Transition};
use super::scope::{Input, Scope, System, SystemState};

/// An actor with a deadline still set after this many timeouts would never be quiescent.
const MAX_TIMEOUTS: usize = 50;

/// A run without faults from some state: messages arrive at once and in order.
struct FaultFreeRun<'a, S: System> {
    scope: &'a Scope<S>,
    system: SystemState,
    in_flight: VecDeque<(usize, TextId)>,
}

impl<S: System> Scope<S> {
    /// Why the system does not converge from this state, if it does not.
    pub fn convergence_failure(&self, system: &SystemState) -> Option<String> {
        self.final_requests().into_iter().find_map(|request| {
            let mut run = FaultFreeRun {
                scope: self,
                system: system.clone(),
                in_flight: VecDeque::new(),
            };
            if let Some(request) = request {
                run.perform(request);
            }
            run.failure()
        })
    }
}

impl<S: System> FaultFreeRun<'_, S> {
    fn perform(&mut self, input: Input) {
        let state = self.system.actors[input.actor()];
        let transition = self.scope.perform(state, self.scope.inputs.len(), input);
        self.apply(input.actor(), &transition);
    }

    fn failure(mut self) -> Option<String> {
        for _ in 0..MAX_TIMEOUTS {
            self.deliver_all();
            if !self.advance_time() {
                let observation = self.scope.observe(&self.system);
                let missing = self.scope.system.missing(&observation);
                return missing.map(|missing| format!("when quiescent, {missing}"));
            }
        }
        Some("does not become quiescent".to_owned())
    }

    fn deliver_all(&mut self) {
        while let Some((actor, text)) = self.in_flight.pop_front() {
            self.step(actor, EventKey::Message(text));
        }
    }

    /// Advances to the earliest deadline. False if no actor has one.
    fn advance_time(&mut self) -> bool {
        let actors = self.system.actors.iter();
        let timeouts: Vec<_> = {
            let catalogue = self.scope.catalogue();
            actors.map(|state| catalogue.timeout(*state)).collect()
        };
        let Some(shortest) = timeouts.iter().flatten().min() else {
            return false;
        };
        for (actor, timeout) in timeouts.iter().enumerate() {
            if timeout.is_some() {
                self.step(actor, EventKey::Elapsed(*shortest));
            }
        }
        true
    }

    fn step(&mut self, actor: usize, event: EventKey) {
        let state = self.system.actors[actor];
        let transition = self.scope.catalogue().step(state, event);
        self.apply(actor, &transition);
    }

    fn apply(&mut self, actor: usize, transition: &Transition) {
        self.system.actors[actor] = transition.state;
        self.in_flight.extend(transition.messages.iter());
    }
}
