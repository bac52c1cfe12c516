//! A scope: a few ends, what is asked of them, and what must hold.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::catalogue::{Birth, Catalogue, End, EndId, Fault, Next, Step, TextId};

/// What is checked.
pub trait Subject: Send + Sync + 'static {
    /// The product's code.
    type End: End;

    /// What a client asks for by the deed of this number.
    fn request(number: usize) -> String;

    /// Makes an end.
    fn boot(&self, birth: Birth) -> Self::End;

    /// What is wrong with what is seen, whatever may have happened before.
    fn wrong(&self, seen: &Seen<View<Self>>) -> Option<String>;

    /// What is missing when silence has fallen in a calm network.
    fn missing(&self, seen: &Seen<View<Self>>) -> Option<String>;

    /// Whether an end that was seen like this may be seen like that a step later.
    fn may_become(before: &View<Self>, after: &View<Self>) -> bool;
}

/// What can be seen of an end.
pub type View<S> = <<S as Subject>::End as End>::View;

/// What can be seen of all.
pub struct Seen<V> {
    /// Of each end.
    pub views: Vec<Arc<V>>,
    /// What is done in this scope.
    pub deeds: Arc<[Deed]>,
    /// How each deed was answered, if it is done.
    pub answers: Vec<Option<Arc<str>>>,
}

/// Something that is done once, at any moment; but one after the other at one place. A deed's number
/// is its place in the list of them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// A client asks the end at this place for something.
    Ask(usize),
    /// The end at this place dies, and starts anew with an empty memory.
    Restart(usize),
}

impl Deed {
    /// Where it is done.
    pub fn place(self) -> usize {
        match self {
            Deed::Ask(place) | Deed::Restart(place) => place,
        }
    }
}

/// One scope of a subject.
pub struct Scope<S: Subject> {
    pub(crate) subject: Arc<S>,
    pub(crate) ends: usize,
    pub(crate) deeds: Arc<[Deed]>,
    last_words: bool,
    pub(crate) most_moments: Option<u8>,
    calms_down: bool,
    catalogue: Mutex<Catalogue<S::End>>,
    findings: Mutex<HashMap<Situation, Option<String>>>,
}

/// The states of all ends, and how each deed was answered: all that a finding depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Situation {
    /// The states.
    pub ends: Vec<EndId>,
    /// The answers.
    pub answers: Vec<Option<TextId>>,
}

impl<S: Subject> Scope<S> {
    /// A subject with so many ends, and what is done there. Time may pass for ever.
    pub fn new(subject: S, ends: usize, deeds: &[Deed]) -> Self {
        let subject = Arc::new(subject);
        let maker = Arc::clone(&subject);
        let boot = Box::new(move |birth| maker.boot(birth));
        Scope {
            subject,
            ends,
            deeds: deeds.into(),
            last_words: false,
            most_moments: None,
            calms_down: true,
            catalogue: Mutex::new(Catalogue::new(boot)),
            findings: Mutex::default(),
        }
    }

    /// Only so many moments pass, on all clocks together. A calm lasts as long as it takes.
    pub fn within_moments(mut self, most: u8) -> Self {
        self.most_moments = Some(most);
        self
    }

    /// Each calm begins with one more request, at any end. Whoever has nothing to say keeps silent,
    /// so one who has restarted is noticed at the next word between two.
    pub fn with_last_words(mut self) -> Self {
        self.last_words = true;
        self
    }

    /// Nobody asks what becomes of it all in a calm.
    pub fn without_calm(mut self) -> Self {
        self.calms_down = false;
        self
    }

    /// Something is wrong, and ought to be found.
    pub fn with_fault(self, fault: Fault) -> Self {
        self.catalogue().fault = Some(fault);
        self
    }

    /// What is wrong in a situation, or would be in the end, if anything is.
    pub fn finding(&self, situation: &Situation) -> Option<String> {
        let mut findings = self.findings.lock().expect("nobody panics with it");
        if let Some(finding) = findings.get(situation) {
            return finding.clone();
        }
        let mut finding = self.subject.wrong(&self.seen(situation));
        if finding.is_none() && self.calms_down {
            finding = self.unrest(situation);
        }
        findings.insert(situation.clone(), finding.clone());
        finding
    }

    /// What can be seen in a situation.
    pub fn seen(&self, situation: &Situation) -> Seen<View<S>> {
        let catalogue = self.catalogue();
        let view = |end: &EndId| Arc::clone(catalogue.view(*end));
        let answer = |id: &Option<TextId>| id.map(|id| Arc::clone(catalogue.text(id)));
        Seen {
            views: situation.ends.iter().map(view).collect(),
            deeds: Arc::clone(&self.deeds),
            answers: situation.answers.iter().map(answer).collect(),
        }
    }

    /// How a calm may begin.
    pub fn last_words(&self) -> Vec<Option<Deed>> {
        if self.last_words {
            (0..self.ends).map(|place| Some(Deed::Ask(place))).collect()
        } else {
            vec![None]
        }
    }

    /// What comes of the deed of this number, done to an end.
    pub fn perform(&self, end: EndId, number: usize, deed: Deed) -> Step {
        let mut catalogue = self.catalogue();
        match deed {
            Deed::Ask(_) => {
                let request = catalogue.text_id(&S::request(number));
                catalogue.step(end, Next::Ask(request))
            }
            Deed::Restart(_) => catalogue.rebirth(end),
        }
    }

    /// What the ends do.
    pub fn catalogue(&self) -> MutexGuard<'_, Catalogue<S::End>> {
        self.catalogue.lock().expect("nobody panics with it")
    }
}
