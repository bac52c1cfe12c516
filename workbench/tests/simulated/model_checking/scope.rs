//! A scope: a few actors, their inputs, and the properties to check.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::catalogue::{
    Actor, Catalogue, EventKey, Incarnation, Mutation, StateId, TextId, Transition,
};

/// The system under test and its specification.
pub trait System: Send + Sync + 'static {
    /// The product's code.
    type Actor: Actor;

    /// The client's request in the input of this index.
    fn request(index: usize) -> String;

    /// Starts an actor.
    fn boot(&self, incarnation: Incarnation) -> Self::Actor;

    /// Safety: what is wrong with an observation, after any faults.
    fn wrong(&self, observation: &Observation<View<Self>>) -> Option<String>;

    /// Convergence: what is missing once the system is quiescent on a network without faults.
    fn missing(&self, observation: &Observation<View<Self>>) -> Option<String>;

    /// Whether one transition of an actor may change its view like this.
    fn may_follow(before: &View<Self>, after: &View<Self>) -> bool;
}

/// The observable state of a system's actor.
pub type View<S> = <<S as System>::Actor as Actor>::View;

/// The observable state of all actors.
pub struct Observation<V> {
    /// The view of each actor.
    pub views: Vec<Arc<V>>,
    /// The scope's inputs.
    pub inputs: Arc<[Input]>,
    /// The response to each input that has happened.
    pub responses: Vec<Option<Arc<str>>>,
}

/// An input of the scope. Each happens once, at any time, but an actor's inputs happen in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// This actor receives a client's request.
    Request(usize),
    /// This actor is killed and restarts without memory.
    Restart(usize),
}

impl Input {
    /// The index of the actor that it concerns.
    pub fn actor(self) -> usize {
        match self {
            Input::Request(actor) | Input::Restart(actor) => actor,
        }
    }
}

/// One scope of a system.
pub struct Scope<S: System> {
    pub(crate) system: Arc<S>,
    pub(crate) actors: usize,
    pub(crate) inputs: Arc<[Input]>,
    has_final_request: bool,
    pub(crate) max_ticks: Option<u8>,
    checks_convergence: bool,
    catalogue: Mutex<Catalogue<S::Actor>>,
    violations: Mutex<HashMap<SystemState, Option<String>>>,
}

/// The states of all actors and the responses so far: all that a violation depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SystemState {
    /// By actor.
    pub actors: Vec<StateId>,
    /// By input.
    pub responses: Vec<Option<TextId>>,
}

impl<S: System> Scope<S> {
    /// A system with this many actors and these inputs. Time is not limited.
    pub fn new(system: S, actors: usize, inputs: &[Input]) -> Self {
        let system = Arc::new(system);
        let booted = Arc::clone(&system);
        let boot = Box::new(move |incarnation| booted.boot(incarnation));
        Scope {
            system,
            actors,
            inputs: inputs.into(),
            has_final_request: false,
            max_ticks: None,
            checks_convergence: true,
            catalogue: Mutex::new(Catalogue::new(boot)),
            violations: Mutex::default(),
        }
    }

    /// Limits the ticks of all clocks together. The convergence check is not limited.
    pub fn within_ticks(mut self, max: u8) -> Self {
        self.max_ticks = Some(max);
        self
    }

    /// Begins each convergence check with one more request, to each actor in turn. An idle actor
    /// sends nothing, so a restart is noticed only with the next message between the two.
    pub fn with_final_request(mut self) -> Self {
        self.has_final_request = true;
        self
    }

    /// Skips the convergence check.
    pub fn without_convergence(mut self) -> Self {
        self.checks_convergence = false;
        self
    }

    /// Breaks the system, so that a violation must be found.
    pub fn with_mutation(self, mutation: Mutation) -> Self {
        self.catalogue().mutation = Some(mutation);
        self
    }

    /// The violation in this state, or that it cannot converge.
    pub fn violation(&self, state: &SystemState) -> Option<String> {
        let mut violations = self.violations.lock().expect("the lock is not poisoned");
        if let Some(violation) = violations.get(state) {
            return violation.clone();
        }
        let mut violation = self.system.wrong(&self.observe(state));
        if violation.is_none() && self.checks_convergence {
            violation = self.convergence_failure(state);
        }
        violations.insert(state.clone(), violation.clone());
        violation
    }

    /// The observable part of a state.
    pub fn observe(&self, state: &SystemState) -> Observation<View<S>> {
        let catalogue = self.catalogue();
        let view = |actor: &StateId| Arc::clone(catalogue.view(*actor));
        let response = |id: &Option<TextId>| id.map(|id| Arc::clone(catalogue.text(id)));
        Observation {
            views: state.actors.iter().map(view).collect(),
            inputs: Arc::clone(&self.inputs),
            responses: state.responses.iter().map(response).collect(),
        }
    }

    /// The requests with which a convergence check may begin.
    pub fn final_requests(&self) -> Vec<Option<Input>> {
        if self.has_final_request {
            let actors = 0..self.actors;
            actors.map(|actor| Some(Input::Request(actor))).collect()
        } else {
            vec![None]
        }
    }

    /// An actor's transition on the input of this index.
    pub fn perform(&self, actor: StateId, index: usize, input: Input) -> Transition {
        let mut catalogue = self.catalogue();
        match input {
            Input::Request(_) => {
                let request = catalogue.intern(&S::request(index));
                catalogue.step(actor, EventKey::Request(request))
            }
            Input::Restart(_) => catalogue.restart(actor),
        }
    }

    /// The actors' states and transitions so far.
    pub fn catalogue(&self) -> MutexGuard<'_, Catalogue<S::Actor>> {
        self.catalogue.lock().expect("the lock is not poisoned")
    }
}
