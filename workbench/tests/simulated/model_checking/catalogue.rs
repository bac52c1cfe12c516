//! What the ends of a model do, written down: the states of each, and what comes of each thing that
//! can happen in them.
//!
//! The product's own code is checked, and most of it cannot be copied in mid-flight. So a state is
//! a portrait and one way to get there: to see what comes next, an end is booted anew, everything
//! on that way happens to it again, and then the new thing. That is done once for each state and
//! each thing, and looked up from then on. Ends know nothing of one another but what they hear, so
//! there are few such steps, however many states the whole has.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// It is always this moment now: an end that has lived for three seconds was booted three seconds
/// before it. So ends that differ in nothing but their age have the same portrait.
const NOW: Duration = Duration::from_secs(1000);

/// A node, or one end of a link: the product's own code.
pub trait End: Sized {
    /// What can be seen of it from outside.
    type View: Debug + PartialEq + Send + Sync;

    /// Something happens to it; what it says.
    fn happen(&mut self, now: Duration, event: Event<'_>) -> Vec<Said>;

    /// When it wants to be woken.
    fn deadline(&self) -> Option<Duration>;

    /// Everything that it remembers, as text.
    fn portrait(&self) -> String;

    /// What can be seen of it now.
    fn view(&mut self, now: Duration) -> Self::View;
}

/// What can happen to an end.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Time has passed.
    Wake,
    /// Another one's message arrives.
    Hear(&'a str),
    /// A client asks for something.
    Ask(&'a str),
}

/// What an end says.
#[derive(Debug)]
pub enum Said {
    /// To the end at this place.
    Message(usize, String),
    /// To its client.
    Answer(String),
}

/// Makes the end at a place, in its first life or in a later one.
pub type Boot<E> = Box<dyn Fn(Birth) -> E + Send + Sync>;

/// Whose life begins, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Birth {
    /// The end's place.
    pub place: usize,
    /// How many lives it had before.
    pub life: u8,
    /// The time.
    pub at: Duration,
}

/// What becomes of each message: for tests that want to see something wrong found.
pub type Fault = fn(String) -> Option<String>;

/// The number of a state of an end.
pub type EndId = u32;

/// The number of a text.
pub type TextId = u32;

/// What happens next to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Next {
    /// So much time passes.
    Wait(Duration),
    /// A message arrives.
    Hear(TextId),
    /// A client asks for something.
    Ask(TextId),
}

/// What comes of it.
#[derive(Debug, Clone)]
pub struct Step {
    /// The end's state from then on.
    pub end: EndId,
    /// The messages that it sent: to whom, and what.
    pub messages: Arc<[(usize, TextId)]>,
    /// What it answered; an empty text if it did not.
    pub answer: TextId,
    /// Whether this is another life, which knows nothing of the one before.
    pub is_rebirth: bool,
}

/// One state of an end.
struct State<V> {
    birth: Birth,
    /// The state before it on one way to get here, and what happened in that; none after a birth.
    way: Option<(EndId, Next)>,
    /// How long to wait for its deadline.
    patience: Option<Duration>,
    view: Arc<V>,
}

/// The states of all ends so far, and their steps.
pub struct Catalogue<E: End> {
    boot: Boot<E>,
    /// Something wrong on purpose.
    pub fault: Option<Fault>,
    states: Vec<State<E::View>>,
    /// States by birth (as if it were now), by patience and by portrait.
    state_ids: HashMap<(Birth, Option<Duration>, String), EndId>,
    steps: HashMap<(EndId, Next), Step>,
    texts: Vec<Arc<str>>,
    text_ids: HashMap<Arc<str>, TextId>,
}

impl<E: End> Catalogue<E> {
    /// An empty catalogue of ends that are made by `boot`.
    pub fn new(boot: Boot<E>) -> Self {
        Catalogue {
            boot,
            fault: None,
            states: Vec::new(),
            state_ids: HashMap::new(),
            steps: HashMap::new(),
            texts: Vec::new(),
            text_ids: HashMap::new(),
        }
    }

    /// The end at this place as it is at first.
    pub fn born(&mut self, place: usize) -> EndId {
        self.bear(place, 0)
    }

    /// The end dies, and starts anew.
    pub fn rebirth(&mut self, end: EndId) -> Step {
        let birth = self.states[end as usize].birth;
        Step {
            end: self.bear(birth.place, birth.life + 1),
            messages: Arc::new([]),
            answer: self.text_id(""),
            is_rebirth: true,
        }
    }

    /// What comes of something that happens to an end.
    pub fn step(&mut self, end: EndId, next: Next) -> Step {
        if let Some(step) = self.steps.get(&(end, next)) {
            return step.clone();
        }
        let (machine, said) = self.live(end, next);
        let (mut messages, mut answer) = (Vec::new(), self.text_id(""));
        for said in said {
            match said {
                Said::Message(to, text) => {
                    let text = match self.fault {
                        None => Some(text),
                        Some(fault) => fault(text),
                    };
                    messages.extend(text.map(|text| (to, self.text_id(&text))));
                }
                Said::Answer(text) => answer = self.text_id(&text),
            }
        }
        let birth = self.states[end as usize].birth;
        let step = Step {
            end: self.enter(birth, Some((end, next)), machine),
            messages: messages.into(),
            answer,
            is_rebirth: false,
        };
        self.steps.insert((end, next), step.clone());
        step
    }

    /// What can be seen of an end in this state.
    pub fn view(&self, end: EndId) -> &Arc<E::View> {
        &self.states[end as usize].view
    }

    /// How long to wait for the deadline of an end in this state, if it has one.
    pub fn patience(&self, end: EndId) -> Option<Duration> {
        self.states[end as usize].patience
    }

    /// All messages that were sent so far.
    pub fn messages(&self) -> Vec<Arc<str>> {
        let steps = self.steps.values();
        let ids: BTreeSet<TextId> = steps
            .flat_map(|step| step.messages.iter().map(|(_, text)| *text))
            .collect();
        ids.iter().map(|id| Arc::clone(self.text(*id))).collect()
    }

    /// The number of a text.
    pub fn text_id(&mut self, text: &str) -> TextId {
        if let Some(id) = self.text_ids.get(text) {
            return *id;
        }
        let (id, text) = (self.texts.len() as TextId, Arc::<str>::from(text));
        self.texts.push(Arc::clone(&text));
        self.text_ids.insert(text, id);
        id
    }

    /// The text of a number.
    pub fn text(&self, id: TextId) -> &Arc<str> {
        &self.texts[id as usize]
    }

    fn bear(&mut self, place: usize, life: u8) -> EndId {
        let birth = Birth {
            place,
            life,
            at: NOW,
        };
        let machine = (self.boot)(birth);
        self.enter(birth, None, machine)
    }

    /// An end that has come to a state, and goes on from there.
    fn live(&self, end: EndId, next: Next) -> (E, Vec<Said>) {
        let mut way = vec![next];
        let mut state = &self.states[end as usize];
        let birth = state.birth;
        while let Some((before, next)) = state.way {
            way.push(next);
            state = &self.states[before as usize];
        }
        let age = way.iter().map(|next| match next {
            Next::Wait(time) => *time,
            Next::Hear(_) | Next::Ask(_) => Duration::ZERO,
        });
        let mut now = NOW - age.sum::<Duration>();
        let mut machine = (self.boot)(Birth { at: now, ..birth });
        let mut said = Vec::new();
        for next in way.into_iter().rev() {
            let event = match next {
                Next::Wait(time) => {
                    now += time;
                    Event::Wake
                }
                Next::Hear(text) => Event::Hear(self.text(text)),
                Next::Ask(text) => Event::Ask(self.text(text)),
            };
            said = machine.happen(now, event);
        }
        (machine, said)
    }

    /// The number of the state that an end is in; a new one if nobody was there before.
    fn enter(&mut self, birth: Birth, way: Option<(EndId, Next)>, mut machine: E) -> EndId {
        let patience = machine.deadline().map(|at| at.saturating_sub(NOW));
        let key = (birth, patience, machine.portrait());
        if let Some(id) = self.state_ids.get(&key) {
            return *id;
        }
        let id = self.states.len() as EndId;
        self.states.push(State {
            birth,
            way,
            patience,
            view: Arc::new(machine.view(NOW)),
        });
        self.state_ids.insert(key, id);
        id
    }
}
