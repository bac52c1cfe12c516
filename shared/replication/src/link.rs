//! A link: an ordered, batched, acknowledged stream of items to one peer, and the peer's to us.
//!
//! Sans-IO: `now` comes in, packets come out, and [`Link::deadline`] says when to poll again. Items
//! wait for a window and leave together. Acknowledgements are cumulative, and travel with items
//! that go the other way, or alone if there are none for a while. Unacknowledged items are resent.
//! While there are no items to send or to acknowledge, nothing is sent.
//!
//! # Why a stream loses, repeats and reorders nothing
//!
//! Items are numbered from 0 and kept until the peer has acknowledged them. The receiver delivers
//! number n only after all below n, keeps items that came too early, and drops items that it has
//! delivered already. The numbers belong to a stream, which is named by the sender's boot number
//! and the count of the peer's restarts that the sender has accepted. An acknowledgement is valid
//! only for the stream that it names, and items only if they are addressed to this incarnation (or
//! to any, in packets sent before the sender knows its peer).
//!
//! A boot number names an incarnation. It is random and never 0; two of them cannot be compared for
//! age.
//!
//! ```text
//!   a (boot 52)                                    b (boot 31)
//!     | from 52, to ?, items 0..2                     |
//!     |---------------------------------------------->| delivers 0, 1
//!     |             from 31, to 52, items 0..1, ack 2 |
//!     |<----------------------------------------------| b's own item carries the ack
//!     | from 52, to 31, items 2..3, ack 1             |
//!     |-----------------------x  lost                 |
//!     | the same again, after `resend`                |
//!     |---------------------------------------------->|
//! ```
//!
//! # When a peer restarts
//!
//! A peer that comes back with another boot number has lost its state. The link then starts a new
//! stream with all unacknowledged items, and [`Received::restarted`] informs the node, as only the
//! node knows what else the new incarnation needs. Each stream delivers an item once, but around a
//! restart the same item may come in two streams.
//!
//! A late packet of an earlier incarnation has an unknown boot number, too; if the link trusted it,
//! it would drop the peer's current incarnation. So a sender with an unknown boot number gets a
//! challenge: a packet without items, whose `stream` is one more than the number of restarts
//! accepted so far. No incarnation before the current peer can have received that number. So an
//! incarnation that returns it, as its `ack_stream`, is newer than the current peer and replaces
//! it. The challenge's own `ack_stream` is the `stream` of the packet that caused it: if that was a
//! challenge, too, this one answers it.
//!
//! Challenges sort out late packets; they are no defence against attacks. Once the peer is known, a
//! packet whose two boot numbers are both wrong causes at most a challenge.
//!
//! ```text
//!   a, restarted (boot 17)                         b (boot 31), which knows a as 52
//!     | from 17, to ?, items 0..1                     |
//!     |---------------------------------------------->| delivers nothing yet
//!     |           challenge: from 31, to 17, stream 1 |
//!     |<----------------------------------------------|
//!     | from 17, to 31, items 0..1, ack 0 of stream 1 |
//!     |---------------------------------------------->| restarted! delivers 0;
//!     |                                               | 52 is ignored from now on
//! ```
//!
//! # What a silent peer costs
//!
//! After a resend, new items get no packet of their own until the peer acknowledges; the next
//! resend carries them. In a partition each side sends one packet per `resend`. If only one
//! direction is cut, the side that sends in it sends up to two: its own resend, and the
//! acknowledgement of the peer's, which does arrive. The first packet after the heal brings all
//! items, or as many as it can carry; the rest follows its acknowledgement at once.

mod incoming;
mod outgoing;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use incoming::Incoming;
use outgoing::{Outgoing, PacketItems};

/// How long a link waits before it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long items are collected: from the first queued item until it is sent, with all items
    /// queued meanwhile. At most this long, unless the peer does not answer. (Not a window of items
    /// in flight, as in TCP.)
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
    /// How many restarts of the receiver the sender has accepted; in a challenge, one more.
    #[serde(default, skip_serializing_if = "is_zero")]
    stream: u64,
    /// The number of the first item.
    #[serde(default, skip_serializing_if = "is_zero")]
    first: u64,
    /// The items, in order.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    items: Vec<T>,
    /// Of the items that the receiver of this packet has sent in stream `ack_stream`, all below
    /// this number have arrived.
    #[serde(default, skip_serializing_if = "is_zero")]
    ack: u64,
    /// The receiver's stream to which `ack` belongs; in a challenge, the stream of the packet that
    /// caused it.
    #[serde(default, skip_serializing_if = "is_zero")]
    ack_stream: u64,
    /// Whether this is a resend or a challenge, which the receiver answers at once.
    #[serde(rename = "again", default, skip_serializing_if = "is_false")]
    answer_at_once: bool,
    /// In a tree, to a parent: when the packet was sent, in milliseconds of the sender's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sent: Option<u64>,
    /// In a tree, from a parent: `sent` of the receiver's last packet, and how many milliseconds too
    /// early it had arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) echo: Option<(u64, u64)>,
}

impl<T> Packet<T> {
    /// Whether it carries no items, only an acknowledgement.
    pub fn only_acknowledges(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether it carries items for the first time.
    pub(crate) fn is_batch(&self) -> bool {
        !self.items.is_empty() && !self.answer_at_once
    }
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
    /// Items of the peer's stream that were not delivered before, in its order.
    pub items: Vec<T>,
    /// The peer has restarted since its last packet and has lost all items that it received. The
    /// link itself resends unacknowledged items; push again what else the peer needs.
    pub restarted: bool,
    /// [`Packet::echo`] of a packet with new items.
    pub(crate) echo: Option<(u64, u64)>,
}

impl<T> Default for Received<T> {
    fn default() -> Self {
        Received {
            items: Vec::new(),
            restarted: false,
            echo: None,
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
    /// When the peer's last packet arrived, and its [`Packet::sent`], until they are taken.
    last_sent: Option<(Duration, u64)>,
}

/// A challenge to an incarnation that is not the known peer; see the head of this file.
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
            last_sent: None,
        }
    }

    /// Queues an item.
    pub fn push(&mut self, now: Duration, item: T) {
        self.push_until(now + self.timing.window, item);
    }

    /// Queues an item that leaves at `due` or earlier, whatever the window.
    pub(crate) fn push_until(&mut self, due: Duration, item: T) {
        self.outgoing.push(due, item);
    }

    /// Lets the queued items leave now.
    pub(crate) fn hasten(&mut self, now: Duration) {
        self.outgoing.hasten(now);
    }

    /// The number of items that the peer has not acknowledged, queued ones included.
    pub fn unacknowledged(&self) -> usize {
        self.outgoing.unacknowledged()
    }

    /// Receives a packet from the peer.
    pub fn receive(&mut self, now: Duration, packet: Packet<T>) -> Received<T> {
        let mut received = Received::default();
        if packet.from == 0 || self.incoming.is_former_peer(packet.from) {
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
            self.last_sent = None;
            received.restarted = true;
        }
        if !is_to_us && packet.to != 0 {
            // For an earlier incarnation of ours: the acknowledgement carries our boot number.
            self.incoming.schedule_ack(now);
            return received;
        }
        if packet.ack_stream == self.outgoing.stream() {
            self.outgoing.on_ack(packet.ack);
        }
        if let Some(sent) = packet.sent {
            self.last_sent = Some((now, sent));
        }
        self.incoming.advance_stream(packet.stream);
        if packet.answer_at_once {
            self.incoming.schedule_ack(now);
            if packet.items.is_empty() {
                // A challenge: when it was sent, the peer had accepted no packet of ours.
                self.outgoing.resend_all(now);
            }
        }
        if packet.stream == self.incoming.stream() {
            received.items = self.incoming.receive(packet.first, packet.items);
        }
        if !received.items.is_empty() {
            self.incoming.schedule_ack(now + self.timing.ack_delay);
            received.echo = packet.echo;
        }
        received
    }

    /// The next packet to send now; call this until there is none.
    pub fn poll(&mut self, now: Duration) -> Option<Packet<T>> {
        if let Some(challenge) = self.challenge.take_if(|challenge| challenge.at <= now) {
            return Some(self.challenge_packet(&challenge));
        }
        let ack_is_due = self.incoming.ack_at().is_some_and(|at| at <= now);
        if let Some(items) = self.outgoing.poll(now, ack_is_due) {
            return Some(self.packet(items));
        }
        ack_is_due.then(|| self.packet(PacketItems::default()))
    }

    /// When to [`poll`](Link::poll) next, if nothing else happens.
    pub fn deadline(&self) -> Option<Duration> {
        let challenge = self.challenge.as_ref().map(|challenge| challenge.at);
        [challenge, self.outgoing.deadline(), self.incoming.ack_at()]
            .into_iter()
            .flatten()
            .min()
    }

    fn packet(&mut self, packed: PacketItems<T>) -> Packet<T> {
        Packet {
            from: self.boot,
            to: self.incoming.peer(),
            stream: self.outgoing.stream(),
            first: packed.first,
            items: packed.items,
            ack: self.incoming.take_ack(),
            ack_stream: self.incoming.stream(),
            answer_at_once: packed.is_resend,
            sent: None,
            echo: None,
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
            // If that packet was a challenge, this one answers it.
            ack_stream: challenge.stream,
            answer_at_once: true,
            sent: None,
            echo: None,
        }
    }

    /// Takes the arrival of the peer's last packet that has a time, and that time.
    pub(crate) fn take_last_sent(&mut self) -> Option<(Duration, u64)> {
        self.last_sent.take()
    }

    /// The number of the stream that begins when a newer incarnation replaces the peer. Until then
    /// only challenges carry it, so no incarnation before the current peer has received it.
    fn next_stream(&self) -> u64 {
        self.outgoing.stream() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    const TIMING: Timing = Timing {
        window: Duration::from_millis(50),
        ack_delay: Duration::from_millis(200),
        resend: Duration::from_millis(500),
    };

    fn json(packet: &Packet<u64>) -> String {
        serde_json::to_string(packet).unwrap()
    }

    fn forged(json: &str) -> Packet<u64> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_packet_has_only_the_fields_that_say_something() {
        let [mut a, mut b] = [5, 9].map(|boot| Link::new(boot, TIMING));
        a.push(ms(0), 7);
        let first = a.poll(ms(50)).unwrap();
        assert_eq!(json(&first), r#"{"from":5,"items":[7]}"#);
        assert!(first.is_batch() && !first.only_acknowledges());
        let again = a.poll(ms(550)).unwrap();
        assert_eq!(json(&again), r#"{"from":5,"items":[7],"again":true}"#);
        assert!(!again.is_batch());
        assert_eq!(b.receive(ms(560), first).items, [7]);
        assert_eq!(b.poll(ms(759)), None);
        let ack = b.poll(ms(760)).unwrap();
        assert_eq!(json(&ack), r#"{"from":9,"to":5,"ack":1}"#);
        assert!(ack.only_acknowledges() && !ack.is_batch());
        // What is sent once more is acknowledged once more, at once.
        assert_eq!(b.receive(ms(770), again), Received::default());
        assert_eq!(b.poll(ms(770)), Some(ack.clone()));
        a.receive(ms(780), ack);
        assert_eq!((a.unacknowledged(), a.deadline()), (0, None));
    }

    #[test]
    fn a_peer_without_a_boot_number_or_for_another_incarnation_delivers_nothing() {
        let mut link = Link::new(5, TIMING);
        let ignored = link.receive(ms(0), forged(r#"{"from":0,"items":[1]}"#));
        assert_eq!((ignored, link.deadline()), (Received::default(), None));
        // The answer has this incarnation's number.
        let former = link.receive(ms(10), forged(r#"{"from":9,"to":4,"items":[1]}"#));
        assert_eq!(former, Received::default());
        let answer = link.poll(ms(10)).unwrap();
        assert_eq!(json(&answer), r#"{"from":5,"to":9}"#);
        let first = link.receive(ms(20), forged(r#"{"from":9,"to":5,"items":[1]}"#));
        assert_eq!(first.items, [1]);
    }

    #[test]
    fn an_unknown_incarnation_that_returns_the_challenge_is_the_peer_and_receives_all_again() {
        let mut link = Link::new(5, TIMING);
        link.receive(ms(0), forged(r#"{"from":9,"to":5,"items":[1]}"#));
        link.push(ms(0), 4);
        let first = link.poll(ms(50)).unwrap();
        assert_eq!(json(&first), r#"{"from":5,"to":9,"items":[4],"ack":1}"#);
        let unknown = forged(r#"{"from":8,"to":5,"items":[2]}"#);
        assert_eq!(link.receive(ms(60), unknown), Received::default());
        let challenge = link.poll(ms(60)).unwrap();
        assert_eq!(
            json(&challenge),
            r#"{"from":5,"to":8,"stream":1,"again":true}"#
        );
        // Neither the number nor the address alone is enough.
        for wrong in [r#""to":4,"ack_stream":1"#, r#""to":5"#] {
            let wrong = forged(&format!(r#"{{"from":8,{wrong},"items":[2]}}"#));
            assert_eq!(link.receive(ms(70), wrong), Received::default());
            assert!(link.poll(ms(70)).is_some());
        }
        let answer = forged(r#"{"from":8,"to":5,"ack_stream":1,"items":[2]}"#);
        let received = link.receive(ms(100), answer);
        assert_eq!((received.items, received.restarted), (vec![2], true));
        let late = forged(r#"{"from":9,"to":5,"first":1,"items":[3]}"#);
        assert_eq!(link.receive(ms(110), late), Received::default());
        assert_eq!((link.deadline(), link.poll(ms(149))), (Some(ms(150)), None));
        let again = link.poll(ms(150)).unwrap();
        let expected = r#"{"from":5,"to":8,"stream":1,"items":[4],"ack":1}"#;
        assert_eq!(json(&again), expected);
    }
}
