//! The inbox of a participant: its queue, its consumer's current message, and its gate.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

use shared::NodeId;

use crate::message::Envelope;

/// The limit of a queue while its participant does not listen; more messages are lost.
pub(super) const MAX_WAITING: usize = 100_000;

#[derive(Default)]
pub(super) struct Inbox {
    pub(super) queue: BinaryHeap<Reverse<QueuedMessage>>,
    /// The message that the consumer is waiting to deliver; the wakeup has the same copy id.
    pub(super) current: Option<QueuedMessage>,
    pub(super) listening: bool,
    pub(super) gate: Gate,
    /// Messages between servers that the participant has sent, or that were sent to it.
    pub(super) between_servers: u64,
}

/// A queued message. Ordered by the time at which it is due, then by age.
pub(super) struct QueuedMessage {
    pub(super) due: Duration,
    /// Unique for each copy of a message, ascending.
    pub(super) copy_id: u64,
    pub(super) envelope: Envelope,
}

/// Which senders' messages are delivered to a participant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Gate {
    /// All.
    #[default]
    Open,
    /// None: messages that arrive are lost.
    Blocked,
    /// Only this one's.
    Only(NodeId),
}

impl Gate {
    /// Whether a message of this sender is delivered.
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
