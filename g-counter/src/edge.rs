//! One edge of the tree: what this node has to tell a neighbour, and when.
//!
//! A packet that tells anything tells everything that the neighbour has not confirmed, so any one
//! that arrives makes up for all that were lost before it, and what is confirmed is one number: the
//! version of the sender's totals up to which the receiver knows all changes. Sans-IO, like a link:
//! `now` comes in, packets come out, and [`Edge::deadline`] says when to ask again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::NodeId;

use crate::totals::{Owner, Totals};

/// How patient an edge is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// From the first news until they leave.
    pub(crate) window: Duration,
    /// From the first question until it is answered, if no news carry the answer before.
    pub(crate) answer: Duration,
    /// From a packet that wants an answer until it is taken for lost.
    pub(crate) retry: Duration,
}

/// What neighbours tell one another.
#[derive(Debug, Serialize, Deserialize)]
pub struct Packet {
    /// The sender's boot number.
    from: u64,
    /// The boot number of the one it is meant for; 0 if the sender has not heard of any yet. What
    /// that one has confirmed is left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    to: u64,
    /// The version of the sender's totals, if any of these are told.
    #[serde(default, skip_serializing_if = "is_zero")]
    version: u64,
    /// What has changed since the version that the receiver has confirmed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    totals: BTreeMap<Owner, u64>,
    /// The version of the receiver's totals up to which the sender knows all changes.
    #[serde(default, skip_serializing_if = "is_zero")]
    heard: u64,
    /// Whether the sender waits for an answer.
    #[serde(default, skip_serializing_if = "is_false")]
    ask: bool,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What a packet brought.
#[derive(Debug, Default)]
pub(crate) struct Received {
    /// The neighbour's totals, new or not.
    pub(crate) totals: BTreeMap<Owner, u64>,
    /// It is not the incarnation that was known before: it may have forgotten what it said.
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
    /// Whether the neighbour is known to know this incarnation.
    is_known: bool,
    /// The neighbour knows all changes up to this version of our totals.
    confirmed: u64,
    /// The version of our totals when it was last told any, and when that was.
    told: u64,
    told_at: Duration,
    /// We know all changes up to this version of its totals.
    heard: u64,
    news_at: Option<Duration>,
    answer_at: Option<Duration>,
    retry_at: Option<Duration>,
    /// The neighbour has let a retry pass: news wait until it speaks.
    quiet: bool,
}

impl Edge {
    /// An edge of the incarnation `boot` to a neighbour, which it will greet.
    pub(crate) fn new(now: Duration, boot: u64, neighbour: NodeId, timing: Timing) -> Self {
        Edge {
            boot,
            neighbour,
            timing,
            peer: 0,
            is_known: false,
            confirmed: 0,
            told: 0,
            told_at: now,
            heard: 0,
            news_at: Some(now + timing.window),
            answer_at: None,
            retry_at: None,
            quiet: false,
        }
    }

    /// Something has changed that the neighbour did not say.
    pub(crate) fn learn(&mut self, now: Duration) {
        self.news_at.get_or_insert(now + self.timing.window);
    }

    /// Takes in a packet of the neighbour's; `version` is that of our totals.
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
            // A claim to know what has not happened yet is not believed.
            let heard = if packet.heard <= version {
                packet.heard
            } else {
                0
            };
            self.confirm(heard);
        }
        // What was meant for another incarnation leaves out what that one had confirmed.
        if is_to_us || packet.to == 0 {
            self.heard = self.heard.max(packet.version);
        }
        if packet.ask {
            let is_mistaken = !is_to_us && packet.to != 0;
            let patience = if is_mistaken {
                Duration::ZERO
            } else {
                self.timing.answer
            };
            let at = now + patience;
            self.answer_at = Some(self.answer_at.map_or(at, |earlier| earlier.min(at)));
        }
        Received {
            totals: packet.totals,
            is_newcomer,
        }
    }

    /// Whoever speaks now is the neighbour. It may be one that died long ago, whose packet is late:
    /// then the living one, being taken for another, will set that right with its next packet.
    fn meet(&mut self, now: Duration, peer: u64) {
        // What is under way, if anything, is not for this one, or so it must be taken.
        self.told = 0;
        self.peer = peer;
        self.confirmed = 0;
        self.heard = 0;
        self.quiet = false;
        self.learn(now);
    }

    fn confirm(&mut self, heard: u64) {
        if self.is_known && heard <= self.confirmed {
            return;
        }
        self.is_known = true;
        self.confirmed = self.confirmed.max(heard);
        self.quiet = false;
        self.retry_at = (self.confirmed < self.told).then_some(self.told_at + self.timing.retry);
    }

    /// The packet to send now, if any. One that leaves takes along everything there is to say.
    pub(crate) fn poll(&mut self, now: Duration, all: &Totals) -> Option<Packet> {
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        let again = is_due(self.retry_at);
        let news = is_due(self.news_at) && !self.quiet;
        if !again && !news && !is_due(self.answer_at) {
            return None;
        }
        // What is under way is not repeated before `retry`, unless there is more to say. Then all
        // of it is said, so that the packet makes up for those before it.
        let has_more = !all.since(self.told, &self.neighbour).is_empty();
        let totals = if has_more || again {
            all.since(self.confirmed, &self.neighbour)
        } else {
            BTreeMap::new()
        };
        // Nor is a greeting.
        let greets = !self.is_known && (again || self.retry_at.is_none());
        let ask = greets || !totals.is_empty();
        if again {
            self.quiet = ask;
        }
        if again || (ask && self.quiet) {
            self.retry_at = None;
        }
        if ask {
            self.retry_at.get_or_insert(now + self.timing.retry);
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
            (self.told, self.told_at) = (version, now);
        }
        Packet {
            from: self.boot,
            to: self.peer,
            // Without totals it makes up for nothing.
            version: if totals.is_empty() { 0 } else { version },
            totals,
            heard: self.heard,
            ask,
        }
    }

    /// When to [`poll`](Edge::poll) next, if nothing else happens.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let news_at = self.news_at.filter(|_| !self.quiet);
        [news_at, self.answer_at, self.retry_at]
            .into_iter()
            .flatten()
            .min()
    }
}
