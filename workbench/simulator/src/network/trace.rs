//! The recorded messages of a run: when each was sent, and whether it arrived.

use std::time::Duration;

use shared::NodeId;

use crate::message::Envelope;
use history::text::shortened;

/// The limit of recorded messages: a run may have millions. The rest is only counted.
const MAX_DELIVERIES: usize = 200_000;

/// The limit of a recorded body, in characters: whole sets of values shall be found in it.
const MAX_BODY: usize = 4_000;

/// The limit of all recorded bodies, in bytes; after it, each is cut at [`MAX_LATE_BODY`].
const MAX_BODIES: usize = 64_000_000;

/// The limit of a body after that, in characters.
const MAX_LATE_BODY: usize = 300;

/// The limit of a recorded type, in characters.
const MAX_KIND: usize = 60;

/// Messages in the order in which they were sent, each copy separately.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// Indexed by copy id: these have no gaps.
    deliveries: Vec<Delivery>,
    left_out: u64,
    /// The size of all bodies.
    bytes: usize,
}

/// One copy of a message.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The message's id, which copies share.
    pub id: u64,
    /// When it was sent.
    pub sent: Duration,
    /// The sender.
    pub src: NodeId,
    /// The receiver.
    pub dest: NodeId,
    /// The `type` of its body, shortened.
    pub kind: String,
    /// The body, as JSON text, shortened.
    pub body: String,
    /// Whether it has arrived.
    pub status: DeliveryStatus,
}

/// Whether a message has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It is still under way.
    InFlight,
    /// It arrived at this time.
    Arrived(Duration),
    /// It was lost, dropped by a partition, or its receiver was dead.
    Lost,
}

impl Trace {
    /// Records a copy that is sent; its id is the next one.
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
        let is_full = self.bytes > MAX_BODIES;
        let body_limit = if is_full { MAX_LATE_BODY } else { MAX_BODY };
        let recorded = shortened(body.get(), body_limit);
        self.bytes += recorded.len();
        self.deliveries.push(Delivery {
            id: *id,
            sent: now,
            src: src.clone(),
            dest: dest.clone(),
            kind: shortened(body.counted_type(), MAX_KIND),
            body: recorded,
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

    /// The recorded messages.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// The number of messages beyond the limit.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}
