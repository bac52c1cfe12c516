//! The states and transitions of a model's actors, memoized.
//!
//! The product's own code is checked, and most of it cannot be cloned. So a state is a fingerprint
//! and one path to it: to compute a transition, an actor is booted, the events on that path are
//! replayed, and then the new event is applied. That happens once for each state and event; later
//! uses look the result up. Actors share nothing but messages, so there are few such transitions,
//! however many states the system has.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// The time in every state: an actor that has run for three seconds was booted three seconds before
/// it. So actors that differ only in age have the same fingerprint.
const NOW: Duration = Duration::from_secs(1000);

/// The product's own code: a node, or one end of a link.
pub trait Actor: Sized {
    /// Its observable state.
    type View: Debug + PartialEq + Send + Sync;

    /// Applies an event and returns the effects.
    fn on_event(&mut self, now: Duration, event: Event<'_>) -> Vec<Effect>;

    /// When it must be woken.
    fn deadline(&self) -> Option<Duration>;

    /// Its whole state as text.
    fn fingerprint(&self) -> String;

    /// Its observable state at this time.
    fn view(&mut self, now: Duration) -> Self::View;
}

/// An event of an actor.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Time has passed.
    Wake,
    /// A message of another actor arrives.
    Message(&'a str),
    /// A request of a client arrives.
    Request(&'a str),
}

/// An effect of an event.
#[derive(Debug)]
pub enum Effect {
    /// A message to the actor of this index.
    Send(usize, String),
    /// A response to the client.
    Respond(String),
}

/// Boots an incarnation of an actor.
pub type Boot<A> = Box<dyn Fn(Incarnation) -> A + Send + Sync>;

/// One of an actor's incarnations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Incarnation {
    /// The actor's index.
    pub actor: usize,
    /// How often the actor has restarted.
    pub number: u8,
    /// When the incarnation starts.
    pub start: Duration,
}

/// Changes or drops each message that is sent, so that a test can show that a violation is found.
pub type Mutation = fn(String) -> Option<String>;

/// The index of an actor's state.
pub type StateId = u32;

/// The index of an interned text.
pub type TextId = u32;

/// An event with its text interned, as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKey {
    /// This much time passes.
    Elapsed(Duration),
    /// A message of another actor arrives.
    Message(TextId),
    /// A request of a client arrives.
    Request(TextId),
}

/// The result of an event or a restart.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The actor's next state.
    pub state: StateId,
    /// The messages sent, as receiver and text.
    pub messages: Arc<[(usize, TextId)]>,
    /// The response; the empty text if there is none.
    pub response: TextId,
    /// Whether a new incarnation begins, without the memory of the one before.
    pub is_restart: bool,
}

/// A state of an actor.
struct ActorState<V> {
    incarnation: Incarnation,
    /// The state before it on one path, and the event in between; none for an initial state.
    predecessor: Option<(StateId, EventKey)>,
    /// The time until its deadline.
    timeout: Option<Duration>,
    view: Arc<V>,
}

/// The states of all actors so far, and their transitions.
pub struct Catalogue<A: Actor> {
    boot: Boot<A>,
    /// Breaks the system on purpose.
    pub mutation: Option<Mutation>,
    states: Vec<ActorState<A::View>>,
    /// States by incarnation (as if it started now), timeout and fingerprint.
    state_ids: HashMap<(Incarnation, Option<Duration>, String), StateId>,
    transitions: HashMap<(StateId, EventKey), Transition>,
    texts: Vec<Arc<str>>,
    text_ids: HashMap<Arc<str>, TextId>,
}

impl<A: Actor> Catalogue<A> {
    /// An empty catalogue of actors that `boot` makes.
    pub fn new(boot: Boot<A>) -> Self {
        Catalogue {
            boot,
            mutation: None,
            states: Vec::new(),
            state_ids: HashMap::new(),
            transitions: HashMap::new(),
            texts: Vec::new(),
            text_ids: HashMap::new(),
        }
    }

    /// The state in which an actor's first incarnation starts.
    pub fn initial_state(&mut self, actor: usize) -> StateId {
        self.boot(actor, 0)
    }

    /// The transition of an actor in this state that is killed and restarted.
    pub fn restart(&mut self, state: StateId) -> Transition {
        let incarnation = self.states[state as usize].incarnation;
        Transition {
            state: self.boot(incarnation.actor, incarnation.number + 1),
            messages: Arc::new([]),
            response: self.intern(""),
            is_restart: true,
        }
    }

    /// The transition of an actor in this state on an event.
    pub fn step(&mut self, state: StateId, event: EventKey) -> Transition {
        if let Some(transition) = self.transitions.get(&(state, event)) {
            return transition.clone();
        }
        let (actor, effects) = self.replay(state, event);
        let (mut messages, mut response) = (Vec::new(), self.intern(""));
        for effect in effects {
            match effect {
                Effect::Send(to, text) => {
                    let text = match self.mutation {
                        None => Some(text),
                        Some(mutation) => mutation(text),
                    };
                    messages.extend(text.map(|text| (to, self.intern(&text))));
                }
                Effect::Respond(text) => response = self.intern(&text),
            }
        }
        let incarnation = self.states[state as usize].incarnation;
        let transition = Transition {
            state: self.state_id(incarnation, Some((state, event)), actor),
            messages: messages.into(),
            response,
            is_restart: false,
        };
        self.transitions.insert((state, event), transition.clone());
        transition
    }

    /// The observable part of an actor's state.
    pub fn view(&self, state: StateId) -> &Arc<A::View> {
        &self.states[state as usize].view
    }

    /// The time until the deadline of an actor in this state, if it has one.
    pub fn timeout(&self, state: StateId) -> Option<Duration> {
        self.states[state as usize].timeout
    }

    /// All messages sent so far.
    pub fn messages(&self) -> Vec<Arc<str>> {
        let transitions = self.transitions.values();
        let ids: BTreeSet<TextId> = transitions
            .flat_map(|transition| transition.messages.iter().map(|(_, text)| *text))
            .collect();
        ids.iter().map(|id| Arc::clone(self.text(*id))).collect()
    }

    /// The index of a text.
    pub fn intern(&mut self, text: &str) -> TextId {
        if let Some(id) = self.text_ids.get(text) {
            return *id;
        }
        let (id, text) = (self.texts.len() as TextId, Arc::<str>::from(text));
        self.texts.push(Arc::clone(&text));
        self.text_ids.insert(text, id);
        id
    }

    /// The text of an index.
    pub fn text(&self, id: TextId) -> &Arc<str> {
        &self.texts[id as usize]
    }

    fn boot(&mut self, actor: usize, number: u8) -> StateId {
        let incarnation = Incarnation {
            actor,
            number,
            start: NOW,
        };
        let actor = (self.boot)(incarnation);
        self.state_id(incarnation, None, actor)
    }

    /// An actor that has reached a state and then had one more event, with that event's effects.
    fn replay(&self, state: StateId, event: EventKey) -> (A, Vec<Effect>) {
        let mut path = vec![event];
        let mut state = &self.states[state as usize];
        let incarnation = state.incarnation;
        while let Some((before, event)) = state.predecessor {
            path.push(event);
            state = &self.states[before as usize];
        }
        let age = path.iter().map(|event| match event {
            EventKey::Elapsed(time) => *time,
            EventKey::Message(_) | EventKey::Request(_) => Duration::ZERO,
        });
        let mut now = NOW - age.sum::<Duration>();
        let mut actor = (self.boot)(Incarnation {
            start: now,
            ..incarnation
        });
        let mut effects = Vec::new();
        for event in path.into_iter().rev() {
            let event = match event {
                EventKey::Elapsed(time) => {
                    now += time;
                    Event::Wake
                }
                EventKey::Message(text) => Event::Message(self.text(text)),
                EventKey::Request(text) => Event::Request(self.text(text)),
            };
            effects = actor.on_event(now, event);
        }
        (actor, effects)
    }

    /// The index of the state that an actor is in, which is new if no actor was in it before.
    fn state_id(
        &mut self,
        incarnation: Incarnation,
        predecessor: Option<(StateId, EventKey)>,
        mut actor: A,
    ) -> StateId {
        let timeout = actor.deadline().map(|at| at.saturating_sub(NOW));
        let key = (incarnation, timeout, actor.fingerprint());
        if let Some(id) = self.state_ids.get(&key) {
            return *id;
        }
        let id = self.states.len() as StateId;
        self.states.push(ActorState {
            incarnation,
            predecessor,
            timeout,
            view: Arc::new(actor.view(NOW)),
        });
        self.state_ids.insert(key, id);
        id
    }
}
