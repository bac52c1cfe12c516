//! A link: an ordered, batched, acknowledged stream of items to one peer, and the peer's to us.
//!
//! Sans-IO: `now` comes in, packets come out, and [`Link::deadline`] says when to poll again. Items
//! wait for a window and leave together. Acknowledgements are cumulative, and travel with items
//! that go the other way, or alone if there are none for a while. Unacknowledged items are resent.
//! While there are no items to send or to acknowledge, nothing is sent.
//!
//! # Why nothing is lost, repeated or reordered
//!
//! Items are numbered from 0 and kept until the peer has acknowledged them. The receiver delivers
//! number n only after all below n, keeps items that came too early, and drops items that it has
//! delivered already. The numbers belong to a stream, which is named by the sender's boot number
//! and a count of its restarts. An acknowledgement is valid only for the stream that it names, and
//! items only if they are addressed to this incarnation (or, in a first packet, to any).
//!
//! ```text
//!   a (boot 5)                                     b (boot 8)
//!     | from 5, to ?, items 0..2                      |
//!     |---------------------------------------------->| delivers 0, 1
//!     |               from 8, to 5, items 0..1, ack 2 |
//!     |<----------------------------------------------| b's own item carries the ack
//!     | from 5, to 8, items 2..3, ack 1               |
//!     |-----------------------x  lost                 |
//!     | the same again, after `resend`                |
//!     |---------------------------------------------->|
//! ```
//!
//! # When a peer restarts
//!
//! A peer that comes back with another boot number has lost its state. The link then starts a new
//! stream with all unacknowledged items, and [`Received::restarted`] informs the node, as only the
//! node knows what else the new incarnation needs. Around a restart items may be delivered twice.
//!
//! But a late packet of an earlier incarnation has an unknown boot number, too; if the link trusted
//! it, it would drop the peer's current incarnation. So a sender with an unknown boot number is
//! challenged to prove that it is alive: the proof is the number of the stream that would begin
//! with it, which is sent only in challenges. A forged packet has no effect unless the forger knows
//! both boot numbers.
//!
//! ```text
//!   a, restarted (boot 6)                          b (boot 8), which knows a as 5
//!     | from 6, to ?, items 0..1                      |
//!     |---------------------------------------------->| delivers nothing yet
//!     |    from 8, to 6, stream 1, no items, again    |
//!     |<----------------------------------------------|
//!     | from 6, to 8, items 0..1, ack 0 of stream 1   |
//!     |---------------------------------------------->| restarted! delivers 0;
//!     |                                               | 5 is ignored from now on
//! ```
//!
//! # What a silent peer costs
//!
//! After a resend, new items wait until the peer acknowledges something. In a partition one packet
//! is sent per `resend` and direction (two where only one direction is cut, since the packets that
//! arrive are acknowledged, and the acknowledgements are lost). The first packet after the heal
//! brings all items, or as many as it can carry; the rest follows its acknowledgement at once.

mod incoming;
mod outgoing;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use incoming::Incoming;
use outgoing::{Batch, Outgoing};

/// How long a link waits before it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From the first queued item until it is sent, with all items queued meanwhile.
    pub window: Duration,
    /// From the first item received until it is acknowledged, if no item is sent the other way.
    pub ack_delay: Duration,
    /// From a packet until its items are resent, if they are not acknowledged. Not zero; more than
    /// a round trip plus the peer's `ack_delay`, or packets are resent needlessly.
    pub resend: Duration,
}

/// A message from one end of a link to the other. Boot numbers are never 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet<T> {
    /// The sender's boot number.
    from: u64,
    /// The receiver's boot number; 0 for any incarnation.
    #[serde(default, skip_serializing_if = "is_zero")]
    to: u64,
    /// How often the sender has restarted its stream.
    #[serde(default, skip_serializing_if = "is_zero")]
    stream: u64,
    /// The number of the first item.
    #[serde(default, skip_serializing_if = "is_zero")]
    first: u64,
    /// The items, in order.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    items: Vec<T>,
    /// All items of the receiver's stream below this number have arrived.
    #[serde(default, skip_serializing_if = "is_zero")]
    ack: u64,
    /// The receiver's stream to which `ack` belongs.
    #[serde(default, skip_serializing_if = "is_zero")]
    ack_stream: u64,
    /// Whether this is a resend or a challenge, which the receiver answers at once.
    #[serde(default, skip_serializing_if = "is_false")]
    again: bool,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// The results of a packet.
#[derive(Debug, PartialEq, Eq)]
pub struct Received<T> {
    /// Items that were not delivered before, in the peer's order.
    pub items: Vec<T>,
    /// The peer has restarted since its last packet and has lost all items that it received: push
    /// again what it needs.
    pub restarted: bool,
}

impl<T> Default for Received<T> {
    fn default() -> Self {
        Received {
            items: Vec::new(),
            restarted: false,
        }
    }
}

/// One end of a link to a peer.
#[derive(Debug)]
pub struct Link<T> {
    boot: u64,
    timing: Timing,
    outgoing: Outgoing<T>,
    incoming: Incoming<T>,
    challenge: Option<Challenge>,
}

/// A challenge to an incarnation that claims to be the peer: it must prove that it is alive.
#[derive(Debug)]
struct Challenge {
    /// When to send it.
    at: Duration,
    /// The boot number and the stream in that incarnation's packet.
    boot: u64,
    stream: u64,
}

impl<T: Clone> Link<T> {
    /// A link of the incarnation `boot` (not 0, and different each time the node starts).
    ///
    /// # Panics
    /// When `timing.resend` is zero: the link would send without end.
    pub fn new(boot: u64, timing: Timing) -> Self {
        assert!(!timing.resend.is_zero(), "the resend timeout is zero");
        Link {
            boot,
            timing,
            outgoing: Outgoing::new(timing),
            incoming: Incoming::new(),
            challenge: None,
        }
    }

    /// Queues an item.
    pub fn push(&mut self, now: Duration, item: T) {
        self.outgoing.push(now, item);
    }

    /// The number of items that the peer has not acknowledged, queued ones included.
    pub fn unacknowledged(&self) -> usize {
        self.outgoing.unacknowledged()
    }

    /// Receives a packet from the peer.
    pub fn receive(&mut self, now: Duration, packet: Packet<T>) -> Received<T> {
        let mut received = Received::default();
        if packet.from == 0 || self.incoming.is_retired(packet.from) {
            return received;
        }
        let is_to_us = packet.to == self.boot;
        if self.incoming.peer() == 0 {
            self.incoming.set_peer(packet.from);
        } else if self.incoming.peer() != packet.from {
            if !is_to_us || packet.ack_stream != self.next_stream() {
                self.challenge = Some(Challenge {
                    at: now,
                    boot: packet.from,
                    stream: packet.stream,
                });
                return received;
            }
            self.incoming.set_peer(packet.from);
            self.outgoing.restart_stream(now);
            received.restarted = true;
        }
        if !is_to_us && packet.to != 0 {
            // For an earlier incarnation of ours: send the peer the current boot number at once.
            self.incoming.schedule_ack(now);
            return received;
        }
        if packet.ack_stream == self.outgoing.stream() {
            self.outgoing.on_ack(packet.ack);
        }
        self.incoming.advance_stream(packet.stream);
        if packet.again {
            self.incoming.schedule_ack(now);
            if packet.items.is_empty() {
                // A challenge: the peer has accepted no packet of this incarnation so far.
                self.outgoing.expire_oldest(now);
            }
        }
        if packet.stream == self.incoming.stream() {
            received.items = self.incoming.receive(packet.first, packet.items);
        }
        if !received.items.is_empty() {
            self.incoming.schedule_ack(now + self.timing.ack_delay);
        }
        received
    }

    /// The next packet to send now; call this until there is none.
    pub fn poll(&mut self, now: Duration) -> Option<Packet<T>> {
        if let Some(challenge) = self.challenge.take_if(|challenge| challenge.at <= now) {
            return Some(self.challenge_packet(&challenge));
        }
        let ack_is_due = self.incoming.ack_at().is_some_and(|at| at <= now);
        if let Some(batch) = self.outgoing.poll(now, ack_is_due) {
            return Some(self.packet(batch));
        }
        ack_is_due.then(|| self.packet(Batch::default()))
    }

    /// When to [`poll`](Link::poll) next, if nothing else happens.
    pub fn deadline(&self) -> Option<Duration> {
        let challenge = self.challenge.as_ref().map(|challenge| challenge.at);
        [challenge, self.outgoing.deadline(), self.incoming.ack_at()]
            .into_iter()
            .flatten()
            .min()
    }

    fn packet(&mut self, batch: Batch<T>) -> Packet<T> {
        Packet {
            from: self.boot,
            to: self.incoming.peer(),
            stream: self.outgoing.stream(),
            first: batch.first,
            items: batch.items,
            ack: self.incoming.take_ack(),
            ack_stream: self.incoming.stream(),
            again: batch.again,
        }
    }

    fn challenge_packet(&self, challenge: &Challenge) -> Packet<T> {
        Packet {
            from: self.boot,
            to: challenge.boot,
            stream: self.next_stream(),
            first: 0,
            items: Vec::new(),
            ack: 0,
            // If the other side has sent a challenge, this is the answer to it.
            ack_stream: challenge.stream,
            again: true,
        }
    }

    /// The number of the stream that begins if another incarnation proves to be the peer. It is the
    /// secret of a challenge: only incarnations that ran after the current peer's have received it.
    fn next_stream(&self) -> u64 {
        self.outgoing.stream() + 1
    }
}
