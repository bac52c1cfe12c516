//! The inbox of a participant: what waits, what its consumer sleeps on, and what it lets through.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

use shared::NodeId;

use crate::message::Envelope;

/// The most messages that wait for somebody who stands still; more are lost.
pub(super) const MAX_WAITING: usize = 100_000;

#[derive(Default)]
pub(super) struct Inbox {
    pub(super) queue: BinaryHeap<Reverse<QueuedMessage>>,
    /// What the consumer sleeps on; its entry in the agenda has the same number.
    pub(super) current: Option<QueuedMessage>,
    pub(super) listening: bool,
    pub(super) gate: Gate,
}

/// Ordered by the time at which it is due, then by age.
pub(super) struct QueuedMessage {
    pub(super) due: Duration,
    /// Every copy of a message has a number of its own.
    pub(super) copy_id: u64,
    pub(super) envelope: Envelope,
}

/// Whose messages get through to a participant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Gate {
    /// Everybody's.
    #[default]
    Open,
    /// Nobody's: what arrives is lost.
    Blocked,
    /// One participant's alone.
    Only(NodeId),
}

impl Gate {
    /// Whether a message of this sender gets through.
    pub(super) fn admits(&self, src: &NodeId) -> bool {
        match self {
            Gate::Open => true,
            Gate::Blocked => false,
            Gate::Only(sender) => sender == src,
        }
    }
}

impl PartialEq for QueuedMessage {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for QueuedMessage {}

impl PartialOrd for QueuedMessage {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for QueuedMessage {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.copy_id).cmp(&(other.due, other.copy_id))
    }
}
