//! The messages of a run, written down: when each was sent, and what became of it.

use std::time::Duration;

use shared::NodeId;

use crate::message::Envelope;
use history::text::shortened;

/// How many messages are written down. The rest is only counted: a run may have millions of them.
const MAX_DELIVERIES: usize = 200_000;

/// How much of a body is written down, in letters.
const BODY: usize = 300;

/// How much of its type.
const KIND: usize = 60;

/// Messages in the order in which they were sent; each copy counts for itself.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// By ticket: the network numbers copies without a gap.
    deliveries: Vec<Delivery>,
    left_out: u64,
}

/// One message from its sender to its receiver, or as far as it came.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The message's number, which copies share.
    pub id: u64,
    /// When it was sent.
    pub sent: Duration,
    /// Who sent it.
    pub src: NodeId,
    /// For whom it is.
    pub dest: NodeId,
    /// The `type` of its body; of a long one the beginning.
    pub kind: String,
    /// What it says, as JSON; of a long one the beginning.
    pub body: String,
    /// What became of it.
    pub status: DeliveryStatus,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It is still under way.
    InFlight,
    /// It arrived at this time.
    Arrived(Duration),
    /// It was lost, dropped in a partition, or came to somebody who was dead.
    Lost,
}

impl Trace {
    /// A message is on its way; its ticket is the next one.
    pub(super) fn sent(&mut self, now: Duration, envelope: &Envelope) {
        if self.deliveries.len() == MAX_DELIVERIES {
            self.left_out += 1;
            return;
        }
        let Envelope {
            id,
            src,
            dest,
            body,
        } = envelope;
        self.deliveries.push(Delivery {
            id: *id,
            sent: now,
            src: src.clone(),
            dest: dest.clone(),
            kind: shortened(body.counted_kind(), KIND),
            body: shortened(body.get(), BODY),
            status: DeliveryStatus::InFlight,
        });
    }

    pub(super) fn arrived(&mut self, copy_id: u64, now: Duration) {
        self.set(copy_id, DeliveryStatus::Arrived(now));
    }

    pub(super) fn lost(&mut self, copy_id: u64) {
        self.set(copy_id, DeliveryStatus::Lost);
    }

    fn set(&mut self, copy_id: u64, status: DeliveryStatus) {
        let index = usize::try_from(copy_id).ok();
        if let Some(delivery) = index.and_then(|index| self.deliveries.get_mut(index)) {
            delivery.status = status;
        }
    }

    /// The messages that were written down.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// How many more there were.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}
