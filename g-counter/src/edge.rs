//! One edge of the tree: what this node sends to a neighbour, and when.
//!
//! A packet with totals holds all that the neighbour has not confirmed, so any one that arrives
//! makes up for all that were lost before it, and a confirmation is one number: the version of the
//! sender's totals up to which the receiver knows all changes. Sans-IO, like a link: `now` comes
//! in, packets come out, and [`Edge::deadline`] says when to call again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::NodeId;

use crate::totals::{Owner, Totals};

/// The delays of an edge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// From the first change until it is sent.
    pub(crate) window: Duration,
    /// From a packet that asks for an answer until one is sent, unless a change carries it earlier.
    pub(crate) answer: Duration,
    /// From sending a packet that asks for an answer until it is considered lost.
    pub(crate) resend: Duration,
}

/// A message between neighbours.
#[derive(Debug, Serialize, Deserialize)]
pub struct Packet {
    /// The sender's boot number.
    from: u64,
    /// The receiver's boot number; 0 if the sender does not know it yet. What that incarnation has
    /// confirmed is left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    to: u64,
    /// The version of the sender's totals, if the packet holds any.
    #[serde(default, skip_serializing_if = "is_zero")]
    version: u64,
    /// What has changed since the version that the receiver has confirmed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    totals: BTreeMap<Owner, u64>,
    /// The version of the receiver's totals up to which the sender knows all changes.
    #[serde(rename = "heard", default, skip_serializing_if = "is_zero")]
    ack: u64,
    /// Whether the sender waits for an answer.
    #[serde(default, skip_serializing_if = "is_false")]
    ask: bool,
}

impl Packet {
    /// Whether it holds no totals, only a confirmation.
    pub(crate) fn only_acknowledges(&self) -> bool {
        self.totals.is_empty() && !self.ask
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// The content of a packet that arrived.
#[derive(Debug, Default)]
pub(crate) struct Received {
    /// The neighbour's totals, new or not.
    pub(crate) totals: BTreeMap<Owner, u64>,
    /// Whether the sender is another incarnation than before: it may have forgotten what it sent.
    pub(crate) is_newcomer: bool,
}

/// This node's end of an edge.
#[derive(Debug)]
pub(crate) struct Edge {
    boot: u64,
    neighbour: NodeId,
    timing: Timing,
    /// The neighbour's boot number, 0 until it is known.
    peer: u64,
    /// Whether the neighbour has shown that it knows this incarnation.
    is_known: bool,
    /// The neighbour knows all changes up to this version of our totals.
    confirmed: u64,
    /// The version of our totals in the last packet that held any, and when that was sent.
    sent: u64,
    sent_at: Duration,
    /// We know all changes up to this version of the neighbour's totals.
    received: u64,
    news_at: Option<Duration>,
    answer_at: Option<Duration>,
    resend_at: Option<Duration>,
    /// A packet has timed out: only resends carry changes until the neighbour confirms some.
    is_unresponsive: bool,
}

impl Edge {
    /// An edge from the incarnation `boot` to a neighbour, which it will greet.
    pub(crate) fn new(now: Duration, boot: u64, neighbour: NodeId, timing: Timing) -> Self {
        Edge {
            boot,
            neighbour,
            timing,
            peer: 0,
            is_known: false,
            confirmed: 0,
            sent: 0,
            sent_at: now,
            received: 0,
            news_at: Some(now + timing.window),
            answer_at: None,
            resend_at: None,
            is_unresponsive: false,
        }
    }

    /// Schedules a packet: a total has changed, and the change is not from the neighbour.
    pub(crate) fn learn(&mut self, now: Duration) {
        self.news_at.get_or_insert(now + self.timing.window);
    }

    /// Handles a packet of the neighbour; `version` is that of our totals.
    pub(crate) fn receive(&mut self, now: Duration, packet: Packet, version: u64) -> Received {
        if packet.from == 0 {
            return Received::default();
        }
        let is_newcomer = packet.from != self.peer;
        if is_newcomer {
            self.meet(now, packet.from);
        }
        let is_to_us = packet.to == self.boot;
        if is_to_us {
            // A confirmation of changes that have not happened yet is forged.
            let is_genuine = packet.ack <= version;
            self.confirm(if is_genuine { packet.ack } else { 0 });
        }
        // A packet to another incarnation leaves out what that one had confirmed.
        if is_to_us || packet.to == 0 {
            self.received = self.received.max(packet.version);
        }
        if packet.ask {
            let is_mistaken = !is_to_us && packet.to != 0;
            let delay = if is_mistaken {
                Duration::ZERO
            } else {
                self.timing.answer
            };
            let at = now + delay;
            self.answer_at = Some(self.answer_at.map_or(at, |earlier| earlier.min(at)));
        }
        Received {
            totals: packet.totals,
            is_newcomer,
        }
    }

    /// Takes the sender of the latest packet for the neighbour's present incarnation. If the packet
    /// was a late one of a dead incarnation, the next packet of the living one corrects that.
    fn meet(&mut self, now: Duration, peer: u64) {
        // Packets under way may be addressed to the incarnation before: they count as lost.
        self.sent = 0;
        self.peer = peer;
        self.confirmed = 0;
        self.received = 0;
        self.is_unresponsive = false;
        self.learn(now);
    }

    fn confirm(&mut self, version: u64) {
        if self.is_known && version <= self.confirmed {
            return;
        }
        self.is_known = true;
        self.confirmed = self.confirmed.max(version);
        self.is_unresponsive = false;
        self.resend_at = (self.confirmed < self.sent).then_some(self.sent_at + self.timing.resend);
    }

    /// The packet to send now, if any. It carries all that is waiting, due or not.
    pub(crate) fn poll(&mut self, now: Duration, all: &Totals) -> Option<Packet> {
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        let is_resend = is_due(self.resend_at);
        let news = is_due(self.news_at) && !self.is_unresponsive;
        if !is_resend && !news && !is_due(self.answer_at) {
            return None;
        }
        // Totals under way are not repeated before `resend`, unless there are changes since. Then
        // the packet holds all unconfirmed ones, so it makes up for those before it.
        let has_changed = !all.since(self.sent, &self.neighbour).is_empty();
        let totals = if has_changed || is_resend {
            all.since(self.confirmed, &self.neighbour)
        } else {
            BTreeMap::new()
        };
        // A greeting is not repeated before `resend` either.
        let greets = !self.is_known && (is_resend || self.resend_at.is_none());
        let ask = greets || !totals.is_empty();
        if is_resend {
            self.is_unresponsive = ask;
        }
        if is_resend || (ask && self.is_unresponsive) {
            self.resend_at = None;
        }
        if ask {
            self.resend_at.get_or_insert(now + self.timing.resend);
        }
        self.news_at = None;
        let answers = self.answer_at.take().is_some();
        (ask || answers).then(|| self.packet(now, totals, ask, all.version()))
    }

    fn packet(
        &mut self,
        now: Duration,
        totals: BTreeMap<Owner, u64>,
        ask: bool,
        version: u64,
    ) -> Packet {
        if !totals.is_empty() {
            (self.sent, self.sent_at) = (version, now);
        }
        Packet {
            from: self.boot,
            to: self.peer,
            // Without totals it makes up for no other packet.
            version: if totals.is_empty() { 0 } else { version },
            totals,
            ack: self.received,
            ask,
        }
    }

    /// When to [`poll`](Edge::poll) next, if nothing else happens.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let news_at = self.news_at.filter(|_| !self.is_unresponsive);
        [news_at, self.answer_at, self.resend_at]
            .into_iter()
            .flatten()
            .min()
    }
}
