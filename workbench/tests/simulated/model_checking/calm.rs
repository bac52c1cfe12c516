//! What becomes of a situation if the network behaves from now on.
//!
//! That all turns out well in the end is no property of a path in these models: on a path the
//! network may lose everything for ever, and the checker's `eventually` does not see paths that go
//! round in circles. So it is asked of every state that can be reached: if nothing of the past
//! arrives any more, and everything new does, does silence fall, and is nothing missing then? What
//! of the past does arrive, before the calm or in it, leads to another state that can be reached,
//! which is asked the same.

use std::collections::VecDeque;

use super::catalogue::{Next, Step, TextId};
use super::scope::{Deed, Scope, Situation, Subject};

/// Whoever still waits for something after so many deadlines will wait for ever.
const MOST_DEADLINES: usize = 50;

/// A calm: messages arrive at once and in order.
struct Calm<'a, S: Subject> {
    scope: &'a Scope<S>,
    situation: Situation,
    under_way: VecDeque<(usize, TextId)>,
}

impl<S: Subject> Scope<S> {
    /// Why all is not well in the end of a calm that begins now, if it is not.
    pub fn unrest(&self, situation: &Situation) -> Option<String> {
        self.last_words().into_iter().find_map(|deed| {
            let mut calm = Calm {
                scope: self,
                situation: situation.clone(),
                under_way: VecDeque::new(),
            };
            if let Some(deed) = deed {
                calm.perform(deed);
            }
            calm.unrest()
        })
    }
}

impl<S: Subject> Calm<'_, S> {
    fn perform(&mut self, deed: Deed) {
        let end = self.situation.ends[deed.place()];
        let step = self.scope.perform(end, self.scope.deeds.len(), deed);
        self.advance(deed.place(), &step);
    }

    fn unrest(mut self) -> Option<String> {
        for _ in 0..MOST_DEADLINES {
            self.deliver();
            if !self.wait() {
                let seen = self.scope.seen(&self.situation);
                let missing = self.scope.subject.missing(&seen);
                return missing.map(|missing| format!("after the calm {missing}"));
            }
        }
        Some("no silence falls in the calm".to_owned())
    }

    fn deliver(&mut self) {
        while let Some((place, text)) = self.under_way.pop_front() {
            self.happen(place, Next::Hear(text));
        }
    }

    /// Waits for the next deadline of anybody, if there is one.
    fn wait(&mut self) -> bool {
        let ends = self.situation.ends.iter();
        let patience: Vec<_> = {
            let catalogue = self.scope.catalogue();
            ends.map(|end| catalogue.patience(*end)).collect()
        };
        let Some(shortest) = patience.iter().flatten().min() else {
            return false;
        };
        for (place, patience) in patience.iter().enumerate() {
            if patience.is_some() {
                self.happen(place, Next::Wait(*shortest));
            }
        }
        true
    }

    fn happen(&mut self, place: usize, next: Next) {
        let end = self.situation.ends[place];
        let step = self.scope.catalogue().step(end, next);
        self.advance(place, &step);
    }

    fn advance(&mut self, place: usize, step: &Step) {
        self.situation.ends[place] = step.end;
        self.under_way.extend(step.messages.iter());
    }
}
