//! A link: an ordered, batched, acknowledged stream of items to one peer, and the peer's to us.
//!
//! Sans-IO: `now` comes in, packets come out, and [`Link::deadline`] says when to ask again. Items
//! wait for a window and leave together; acknowledgements are cumulative and ride on items that go
//! the other way, or alone when none do for a while; what stays unacknowledged is sent again. With
//! nothing to say nothing is sent.
//!
//! # Why nothing is lost, repeated or reordered
//!
//! Items are numbered from 0 and kept until the peer has acknowledged them. The receiver delivers
//! number n only after all below n, remembers what came too early, and drops what it has already
//! delivered. The numbers belong to a stream, named by the sender's boot number and a count of how
//! often it had to start over; an acknowledgement counts only for the stream it names, and items
//! only if they are addressed to this incarnation (or to "whoever you are", in a first packet).
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
//! A peer that comes back with another boot number has lost what it knew. The link then starts a
//! new stream with whatever is unacknowledged, and [`Received::restarted`] tells the node, which
//! alone can say what a newcomer must be told. Around a restart items may come twice.
//!
//! But an unknown boot number can also come from the past, with the late packet of a life that
//! ended before it was heard; to believe it would be to turn away from the living. So whoever is
//! not the peer is asked for a proof of life: the number of the stream that would begin with it,
//! which nobody else has been told. A forged packet achieves nothing without both boot numbers.
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
//! Once something had to be sent again, new items wait until the peer is heard to acknowledge: in
//! a partition one packet per `resend` and direction is all that is spent (two where only one
//! direction is cut, since who is heard is acknowledged, in vain), and the first after the heal
//! brings everything, or what it can carry; the rest follows its acknowledgement at once.

mod incoming;
mod outgoing;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use incoming::Incoming;
use outgoing::{Batch, Outgoing};

/// How long a link waits before it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From the first queued item until it is sent, with all that were queued meanwhile.
    pub window: Duration,
    /// From the first item received until it is acknowledged, if no item is sent the other way.
    pub ack_delay: Duration,
    /// From a packet until it is sent again, if it is not acknowledged. Not zero; more than a round
    /// trip plus the peer's `ack_delay`, or packets are repeated for nothing.
    pub resend: Duration,
}

/// A message from one end of a link to the other. Boot numbers are never 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet<T> {
    /// The sender's boot number.
    from: u64,
    /// The boot number of the one it is meant for; 0 for whoever gets it.
    #[serde(default, skip_serializing_if = "is_zero")]
    to: u64,
    /// How often the sender's stream has started over.
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
    /// Which of the receiver's streams `ack` speaks of.
    #[serde(default, skip_serializing_if = "is_zero")]
    ack_stream: u64,
    /// Whether the sender repeats itself, or doubts us, and wants to hear at once who is there.
    #[serde(default, skip_serializing_if = "is_false")]
    again: bool,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What a packet brought.
#[derive(Debug, PartialEq, Eq)]
pub struct Received<T> {
    /// Items not delivered before, in the peer's order.
    pub items: Vec<T>,
    /// The peer has restarted since its last packet and has lost what it had received: push again
    /// whatever it needs.
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

/// One end of a link.
#[derive(Debug)]
pub struct Link<T> {
    boot: u64,
    timing: Timing,
    outgoing: Outgoing<T>,
    incoming: Incoming<T>,
    challenge: Option<Challenge>,
}

/// A question to somebody who claims to be the peer: prove that you are alive.
#[derive(Debug)]
struct Challenge {
    /// When it is due.
    at: Duration,
    /// Whom it is for, and the stream that this one's packet spoke of.
    boot: u64,
    stream: u64,
}

impl<T: Clone> Link<T> {
    /// A link of the incarnation `boot` (not 0, and different each time the node starts).
    ///
    /// # Panics
    /// When `timing.resend` is zero: such a link would never stop sending.
    pub fn new(boot: u64, timing: Timing) -> Self {
        assert!(!timing.resend.is_zero(), "a resend without a pause");
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
            self.incoming.meet(packet.from);
        } else if self.incoming.peer() != packet.from {
            if !is_to_us || packet.ack_stream != self.next_stream() {
                self.challenge = Some(Challenge {
                    at: now,
                    boot: packet.from,
                    stream: packet.stream,
                });
                return received;
            }
            self.incoming.meet(packet.from);
            self.outgoing.start_over(now);
            received.restarted = true;
        }
        if !is_to_us && packet.to != 0 {
            // Meant for an earlier life of ours: let the peer know at once who is here now.
            self.incoming.acknowledge_by(now);
            return received;
        }
        if packet.ack_stream == self.outgoing.stream() {
            self.outgoing.on_ack(packet.ack);
        }
        self.incoming.follow(packet.stream);
        if packet.again {
            self.incoming.acknowledge_by(now);
            if packet.items.is_empty() {
                // A challenge: whoever doubts us has taken nothing of what we sent so far.
                self.outgoing.take_all_for_lost(now);
            }
        }
        if packet.stream == self.incoming.stream() {
            received.items = self.incoming.take(packet.first, packet.items);
        }
        if !received.items.is_empty() {
            self.incoming.acknowledge_by(now + self.timing.ack_delay);
        }
        received
    }

    /// The next packet to send now, if any; ask until there is none.
    pub fn poll(&mut self, now: Duration) -> Option<Packet<T>> {
        if let Some(challenge) = self.challenge.take_if(|challenge| challenge.at <= now) {
            return Some(self.ask(&challenge));
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
            ack: self.incoming.acknowledge(),
            ack_stream: self.incoming.stream(),
            again: batch.again,
        }
    }

    fn ask(&self, challenge: &Challenge) -> Packet<T> {
        Packet {
            from: self.boot,
            to: challenge.boot,
            stream: self.next_stream(),
            first: 0,
            items: Vec::new(),
            ack: 0,
            // If the other asked us, this is the answer.
            ack_stream: challenge.stream,
            again: true,
        }
    }

    /// The number of the stream that begins if somebody else turns out to be the peer. It is the
    /// secret of a challenge: those alone have heard it who were alive after our peer was.
    fn next_stream(&self) -> u64 {
        self.outgoing.stream() + 1
    }
}
