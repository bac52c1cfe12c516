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
//! A peer that comes back with another boot number has lost what it knew. The link then starts a
//! new stream with whatever is unacknowledged, and [`Received::restarted`] tells the node, which
//! alone can say what a newcomer must be told.
//!
//! # What a silent peer costs
//!
//! Once something had to be sent again, new items wait until the peer is heard to acknowledge: in
//! a partition one packet per `resend` and direction is all that is spent, and its first packet
//! after the heal brings everything.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The most items that a packet carries; more leave in several packets at once.
const MOST_ITEMS: usize = 4096;

/// How patient a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From the first item that waits until it leaves, with all that joined it.
    pub window: Duration,
    /// From the first item received until it is acknowledged, if no item goes the other way.
    pub ack_delay: Duration,
    /// How long to wait for an acknowledgement before sending again. More than a round trip plus
    /// the peer's `ack_delay`, or packets are repeated for nothing.
    pub resend: Duration,
}

/// What links exchange. Boot numbers are never 0.
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
    /// Whether the sender repeats itself and wants to hear at once that somebody is there.
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
    /// The peer has started anew since it was last heard and knows nothing of what it was told:
    /// push again whatever it needs.
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
}

#[derive(Debug)]
struct Outgoing<T> {
    stream: u64,
    /// The number of the first item in `unacked`.
    first: u64,
    unacked: VecDeque<T>,
    /// All items below this number were sent at least once.
    sent: u64,
    window_ends: Option<Duration>,
    resend_at: Option<Duration>,
    /// The peer has let a resend pass: new items wait for it to speak.
    quiet: bool,
}

#[derive(Debug)]
struct Incoming<T> {
    /// The peer's boot number, once it is known.
    peer: u64,
    /// Boot numbers of the peer's earlier lives, whose late packets mean nothing any more.
    retired: BTreeSet<u64>,
    stream: u64,
    /// All items below this number were delivered.
    expected: u64,
    /// What arrived ahead of its turn.
    early: BTreeMap<u64, T>,
    ack_at: Option<Duration>,
}

impl<T: Clone> Link<T> {
    /// A link of the incarnation `boot` (not 0, and different each time the node starts).
    pub fn new(boot: u64, timing: Timing) -> Self {
        Link {
            boot,
            timing,
            outgoing: Outgoing {
                stream: 0,
                first: 0,
                unacked: VecDeque::new(),
                sent: 0,
                window_ends: None,
                resend_at: None,
                quiet: false,
            },
            incoming: Incoming {
                peer: 0,
                retired: BTreeSet::new(),
                stream: 0,
                expected: 0,
                early: BTreeMap::new(),
                ack_at: None,
            },
        }
    }

    /// Puts an item on its way.
    pub fn push(&mut self, now: Duration, item: T) {
        self.outgoing.unacked.push_back(item);
        self.outgoing.open_window(now, self.timing.window);
    }

    /// How many items the peer has not acknowledged yet.
    pub fn unacknowledged(&self) -> usize {
        self.outgoing.unacked.len()
    }

    /// Takes in a packet of the peer's.
    pub fn receive(&mut self, now: Duration, packet: Packet<T>) -> Received<T> {
        let mut received = Received::default();
        if packet.from == 0 || self.incoming.retired.contains(&packet.from) {
            return received;
        }
        if self.incoming.peer != packet.from {
            received.restarted = self.incoming.meet(packet.from);
            if received.restarted {
                self.outgoing.start_over(now, self.timing.window);
            }
        }
        if packet.to == self.boot {
            if packet.ack_stream == self.outgoing.stream {
                self.outgoing
                    .acknowledge(now, packet.ack, self.timing.resend);
            }
        } else if packet.to != 0 {
            // Meant for an earlier life of ours: let the peer know at once who is here now.
            self.incoming.ack_at = Some(now);
            return received;
        }
        if !packet.items.is_empty() {
            let ack_at = if packet.again {
                now
            } else {
                now + self.timing.ack_delay
            };
            received.items = self.incoming.take(now, ack_at, packet);
        }
        received
    }

    /// The next packet to send now, if any; ask until there is none.
    pub fn poll(&mut self, now: Duration) -> Option<Packet<T>> {
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        let out = &mut self.outgoing;
        let again = is_due(out.resend_at);
        let from = if again {
            out.quiet = true;
            out.resend_at = None;
            out.first
        } else if out.is_open() && (is_due(out.window_ends) || is_due(self.incoming.ack_at)) {
            // An acknowledgement that cannot wait takes the waiting items along.
            out.sent
        } else if is_due(self.incoming.ack_at) {
            return Some(self.packet(0, Vec::new(), false));
        } else {
            return None;
        };
        let items = out.items_from(from);
        out.sent = out.sent.max(from + items.len() as u64);
        out.window_ends = out.has_unsent().then_some(now);
        out.resend_at.get_or_insert(now + self.timing.resend);
        Some(self.packet(from, items, again))
    }

    /// When to [`poll`](Link::poll) next, if nothing else happens.
    pub fn deadline(&self) -> Option<Duration> {
        let out = &self.outgoing;
        let window_ends = out.window_ends.filter(|_| out.is_open());
        [window_ends, out.resend_at, self.incoming.ack_at]
            .into_iter()
            .flatten()
            .min()
    }

    fn packet(&mut self, first: u64, items: Vec<T>, again: bool) -> Packet<T> {
        self.incoming.ack_at = None;
        Packet {
            from: self.boot,
            to: self.incoming.peer,
            stream: self.outgoing.stream,
            first,
            items,
            ack: self.incoming.expected,
            ack_stream: self.incoming.stream,
            again,
        }
    }
}

impl<T: Clone> Outgoing<T> {
    fn open_window(&mut self, now: Duration, window: Duration) {
        self.window_ends.get_or_insert(now + window);
    }

    fn next(&self) -> u64 {
        self.first + self.unacked.len() as u64
    }

    fn has_unsent(&self) -> bool {
        self.sent < self.next()
    }

    /// Whether items that were never sent may leave.
    fn is_open(&self) -> bool {
        !self.quiet && self.has_unsent()
    }

    fn items_from(&self, from: u64) -> Vec<T> {
        self.unacked
            .iter()
            .skip((from - self.first) as usize)
            .take(MOST_ITEMS)
            .cloned()
            .collect()
    }

    fn acknowledge(&mut self, now: Duration, ack: u64, resend: Duration) {
        // A claim to have received what was never sent is not believed.
        if ack <= self.first || ack > self.sent {
            return;
        }
        self.unacked.drain(..(ack - self.first) as usize);
        self.first = ack;
        self.resend_at = (self.sent > ack).then_some(now + resend);
        if self.quiet {
            self.quiet = false;
            self.window_ends = self.has_unsent().then_some(now);
        }
    }

    /// The peer has forgotten everything: the rest becomes the beginning of a new stream.
    fn start_over(&mut self, now: Duration, window: Duration) {
        self.stream += 1;
        self.first = 0;
        self.sent = 0;
        self.resend_at = None;
        self.quiet = false;
        self.window_ends = (!self.unacked.is_empty()).then_some(now + window);
    }
}

impl<T> Incoming<T> {
    /// Hears from a peer for the first time in its present life; whether it had another before.
    fn meet(&mut self, boot: u64) -> bool {
        let known_before = self.peer != 0;
        if known_before {
            self.retired.insert(self.peer);
        }
        self.peer = boot;
        self.begin_stream(0);
        known_before
    }

    fn begin_stream(&mut self, stream: u64) {
        self.stream = stream;
        self.expected = 0;
        self.early.clear();
    }

    fn take(&mut self, now: Duration, ack_at: Duration, packet: Packet<T>) -> Vec<T> {
        if packet.stream < self.stream {
            return Vec::new();
        }
        if packet.stream > self.stream {
            self.begin_stream(packet.stream);
        }
        let expected = self.expected;
        let last = packet.first.saturating_add(packet.items.len() as u64);
        for (number, item) in (packet.first..last).zip(packet.items) {
            if number >= expected {
                self.early.insert(number, item);
            }
        }
        let mut items = Vec::new();
        while let Some(item) = self.early.remove(&self.expected) {
            items.push(item);
            self.expected += 1;
        }
        // Nothing new means that our acknowledgement was lost: the peer repeats itself till it
        // hears one.
        let ack_at = if items.is_empty() { now } else { ack_at };
        self.ack_at = Some(self.ack_at.map_or(ack_at, |at| at.min(ack_at)));
        items
    }
}
