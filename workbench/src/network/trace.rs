//! Every message of a run, written down: when it was sent, and what became of it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Envelope;

/// Messages in the order in which they were sent; each copy counts for itself.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    passages: BTreeMap<u64, Passage>,
}

/// One message from its sender to its receiver, or as far as it came.
#[derive(Debug, Clone)]
pub struct Passage {
    /// When it was sent.
    pub sent: Duration,
    /// What it is.
    pub envelope: Envelope,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is still under way.
    UnderWay,
    /// It arrived at this time.
    Arrived(Duration),
    /// It was lost, dropped in a partition, or came to somebody who was dead.
    Lost,
}

impl Trace {
    pub(super) fn sent(&mut self, ticket: u64, now: Duration, envelope: &Envelope) {
        let passage = Passage {
            sent: now,
            envelope: envelope.clone(),
            fate: Fate::UnderWay,
        };
        self.passages.insert(ticket, passage);
    }

    pub(super) fn arrived(&mut self, ticket: u64, now: Duration) {
        self.set(ticket, Fate::Arrived(now));
    }

    pub(super) fn lost(&mut self, ticket: u64) {
        self.set(ticket, Fate::Lost);
    }

    fn set(&mut self, ticket: u64, fate: Fate) {
        if let Some(passage) = self.passages.get_mut(&ticket) {
            passage.fate = fate;
        }
    }

    /// All messages.
    pub fn passages(&self) -> impl ExactSizeIterator<Item = &Passage> {
        self.passages.values()
    }
}
