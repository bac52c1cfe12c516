//! The simulated network: participants, latencies, partitions and message counts. Pure: `now` goes
//! in, deliveries come out.
//!
//! The timing is Maelstrom's, since verdicts depend on it. Each participant has one consumer, which
//! takes the queued message that is due first, drops it if a partition forbids it *at that moment*,
//! sleeps for the whole milliseconds until it is due, and delivers it. Until then the rest of its
//! queue waits, even messages due earlier; a partition that begins meanwhile does not drop it.
//! Messages from and to clients take no time, and have no message faults, which Maelstrom lacks. A
//! delayed message is queued when its delay is over.

mod inbox;
mod reschedule;
mod trace;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use rand::RngExt;
use shared::NodeId;

use crate::latency::Latency;
use crate::message::{Body, Envelope};
use crate::names::ByName;
use crate::rng::SeededRng;
use crate::service::SERVICES;
use crate::statistics::Statistics;

use inbox::{Gate, Inbox, MAX_WAITING, QueuedMessage};

pub use trace::{Delivery, DeliveryStatus, Trace};

/// Faults of messages among nodes and services, besides latency and partitions.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MessageFaults {
    /// The share of messages that are lost, 0 to 1.
    pub loss: f64,
    /// The share of messages that arrive twice, 0 to 1.
    pub duplicate: f64,
    /// The maximum delay; half of the messages are delayed.
    pub delay: Duration,
}

/// Which messages are logged as they cross the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetLog {
    /// Sent messages.
    pub sent: bool,
    /// Received messages.
    pub received: bool,
}

/// Why a message cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unroutable {
    /// No participant has the sender's name.
    Sender(String),
    /// No participant has the receiver's name.
    Receiver(String),
}

/// The network and its participants.
pub struct Network {
    latency: Latency,
    rng: SeededRng,
    faults: MessageFaults,
    faults_rng: SeededRng,
    inboxes: ByName<Inbox>,
    /// Current partitions: the sources whose messages each receiver drops.
    cuts: BTreeMap<NodeId, BTreeSet<NodeId>>,
    /// When each consumer wakes. Entries of consumers that have stopped are stale.
    wakeups: BinaryHeap<Reverse<(Duration, u64, NodeId)>>,
    /// Delayed messages, by the time at which they are queued.
    delayed: BTreeMap<(Duration, u64), Envelope>,
    next_id: u64,
    next_copy_id: u64,
    statistics: Statistics,
    trace: Option<Trace>,
    net_log: NetLog,
    /// Log lines since the last [`Network::take_net_log`].
    log_lines: Vec<String>,
}

impl Network {
    /// A network without participants. Message faults are drawn from a generator of their own.
    pub fn new(latency: Latency, rng: SeededRng, faults_rng: SeededRng) -> Self {
        Network {
            latency,
            rng,
            faults: MessageFaults::default(),
            faults_rng,
            inboxes: ByName::default(),
            cuts: BTreeMap::new(),
            wakeups: BinaryHeap::new(),
            delayed: BTreeMap::new(),
            next_id: 0,
            next_copy_id: 0,
            statistics: Statistics::default(),
            trace: None,
            net_log: NetLog::default(),
            log_lines: Vec::new(),
        }
    }

    /// Logs these messages from now on, one line each.
    pub fn set_net_log(&mut self, net_log: NetLog) {
        self.net_log = net_log;
    }

    /// Takes the log lines since the last call.
    pub fn take_net_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log_lines)
    }

    /// Records every message from now on, up to a limit. Must be called before the first message.
    pub fn keep_trace(&mut self) {
        self.trace = Some(Trace::default());
    }

    /// Takes the recorded messages.
    pub fn take_trace(&mut self) -> Option<Trace> {
        self.trace.take()
    }

    /// The message faults, to be changed.
    pub fn faults_mut(&mut self) -> &mut MessageFaults {
        &mut self.faults
    }

    /// Adds a participant. Its messages are queued until it listens.
    pub fn register(&mut self, name: NodeId) {
        self.inboxes.entry(name).or_default();
    }

    /// Removes a participant and its queue.
    pub fn remove(&mut self, name: &NodeId) {
        self.inboxes.remove(name);
    }

    /// Whether a participant has this name.
    pub fn contains(&self, name: &str) -> bool {
        self.inboxes.contains_key(name)
    }

    /// Starts to deliver to a participant.
    pub fn listen(&mut self, now: Duration, name: &NodeId) {
        if let Some(inbox) = self.inboxes.get_mut(name) {
            inbox.listening = true;
            self.take_next(now, name);
        }
    }

    /// Stops delivering to a participant; messages are queued meanwhile.
    pub fn stop_listening(&mut self, name: &NodeId) {
        if let Some(inbox) = self.inboxes.get_mut(name) {
            inbox.listening = false;
            inbox.queue.extend(inbox.current.take().map(Reverse));
        }
    }

    /// Drops every message that arrives at a participant.
    pub fn block(&mut self, now: Duration, name: &NodeId) {
        self.set_gate(now, name, Gate::Blocked);
    }

    /// Drops every message that arrives at a participant, except from this sender.
    pub fn admit_only(&mut self, now: Duration, name: &NodeId, sender: NodeId) {
        self.set_gate(now, name, Gate::Only(sender));
    }

    /// Delivers messages from all senders to a participant again.
    pub fn admit_all(&mut self, now: Duration, name: &NodeId) {
        self.set_gate(now, name, Gate::Open);
    }

    fn set_gate(&mut self, now: Duration, name: &NodeId, gate: Gate) {
        if let Some(inbox) = self.inboxes.get_mut(name) {
            inbox.gate = gate;
        }
        // Unlike a paused node, a dead one consumes its queue.
        self.listen(now, name);
    }

    /// Makes each of these receivers drop messages from its set of sources, until
    /// [`Network::heal`].
    pub fn cut(&mut self, grudge: BTreeMap<NodeId, BTreeSet<NodeId>>) {
        for (receiver, sources) in grudge {
            self.cuts.entry(receiver).or_default().extend(sources);
        }
    }

    /// Ends all partitions.
    pub fn heal(&mut self) {
        self.cuts.clear();
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When the sender or the receiver is not a participant. The message's id is used up all the
    /// same.
    pub fn send(
        &mut self,
        now: Duration,
        src: &str,
        dest: &str,
        body: Body,
    ) -> Result<(), Unroutable> {
        let id = self.next_id;
        self.next_id += 1;
        let name = |name: &str| self.inboxes.get_key_value(name).map(|it| it.0.clone());
        let src = name(src).ok_or_else(|| Unroutable::Sender(src.to_owned()))?;
        let dest = name(dest).ok_or_else(|| Unroutable::Receiver(dest.to_owned()))?;
        let client = involves_client(&src, &dest);
        if !client {
            for name in [&src, &dest] {
                if let Some(inbox) = self.inboxes.get_mut(name) {
                    inbox.between_servers += 1;
                }
            }
        }
        let only_acknowledges = body.only_acknowledges() && !is_service(&src);
        self.statistics
            .count_sent(now, client, body.counted_type(), only_acknowledges);
        let envelope = Envelope {
            id,
            src,
            dest,
            body,
        };
        if client || self.faults == MessageFaults::default() {
            let copy_id = self.record_copy(now, &envelope);
            self.enqueue(now, copy_id, envelope);
        } else {
            self.apply_faults(now, &envelope);
        }
        Ok(())
    }

    /// Sends a message with the current faults: lost, duplicated, delayed.
    fn apply_faults(&mut self, now: Duration, envelope: &Envelope) {
        let MessageFaults {
            loss,
            duplicate,
            delay,
        } = self.faults;
        let is_lost = self.faults_rng.random::<f64>() < loss;
        let copies = 1 + u32::from(self.faults_rng.random::<f64>() < duplicate);
        for _ in 0..copies {
            let copy_id = self.record_copy(now, envelope);
            let is_delayed = self.faults_rng.random::<bool>();
            let max = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
            let extra = Duration::from_nanos(self.faults_rng.random_range(0..=max));
            if is_lost {
                self.drop_copy(copy_id);
            } else if is_delayed && !delay.is_zero() {
                self.delayed
                    .insert((now + extra, copy_id), envelope.clone());
            } else {
                self.enqueue(now, copy_id, envelope.clone());
            }
        }
    }

    /// Records a copy of a message, and returns the copy's id.
    fn record_copy(&mut self, now: Duration, envelope: &Envelope) -> u64 {
        let copy_id = self.next_copy_id;
        self.next_copy_id += 1;
        if let Some(trace) = &mut self.trace {
            trace.sent(now, envelope);
        }
        if self.net_log.sent {
            self.log_lines
                .push(format!("send {}", envelope.to_line().trim_end()));
        }
        copy_id
    }

    fn drop_copy(&mut self, copy_id: u64) {
        if let Some(trace) = &mut self.trace {
            trace.lost(copy_id);
        }
    }

    /// Queues a message at its receiver.
    fn enqueue(&mut self, now: Duration, copy_id: u64, envelope: Envelope) {
        let latency = if involves_client(&envelope.src, &envelope.dest) {
            Duration::ZERO
        } else {
            self.latency.draw(&mut self.rng)
        };
        let dest = envelope.dest.clone();
        match self.inboxes.get_mut(&dest) {
            Some(inbox) if inbox.listening || inbox.queue.len() < MAX_WAITING => {
                inbox.queue.push(Reverse(QueuedMessage {
                    due: now + latency,
                    copy_id,
                    envelope,
                }));
                self.take_next(now, &dest);
            }
            // The receiver may have been removed meanwhile.
            Some(_) | None => self.drop_copy(copy_id),
        }
    }

    /// The time of the next delivery.
    pub fn deadline(&self) -> Option<Duration> {
        let arrival = self.wakeups.peek().map(|Reverse((at, _, _))| *at);
        let release = self.delayed.first_key_value().map(|((at, _), _)| *at);
        arrival.into_iter().chain(release).min()
    }

    /// Delivers the next message that is due by `now`.
    pub fn poll(&mut self, now: Duration) -> Option<Envelope> {
        while let Some(entry) = self.delayed.first_entry()
            && entry.key().0 <= now
        {
            let ((at, copy_id), envelope) = entry.remove_entry();
            self.enqueue(at.max(now), copy_id, envelope);
        }
        while let Some(Reverse((at, _, _))) = self.wakeups.peek()
            && *at <= now
        {
            let Reverse((_, number, name)) = self.wakeups.pop()?;
            let Some(inbox) = self.inboxes.get_mut(&name) else {
                continue;
            };
            let Some(QueuedMessage { envelope, .. }) =
                inbox.current.take_if(|it| it.copy_id == number)
            else {
                continue;
            };
            let gets_through = inbox.gate.admits(&envelope.src);
            self.take_next(now, &name);
            if !gets_through {
                self.drop_copy(number);
                continue;
            }
            self.statistics
                .count_received(involves_client(&envelope.src, &envelope.dest));
            if let Some(trace) = &mut self.trace {
                trace.arrived(number, now);
            }
            if self.net_log.received {
                self.log_lines
                    .push(format!("recv {}", envelope.to_line().trim_end()));
            }
            return Some(envelope);
        }
        None
    }

    /// Sets time zero of the run.
    pub fn set_time_zero(&mut self, now: Duration) {
        self.statistics.set_time_zero(now);
    }

    /// Message counts so far.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Messages between servers, sent or to be received, of the node with the most.
    pub fn busiest_node(&self) -> u64 {
        let nodes = self.inboxes.iter().filter(|(name, _)| !is_service(name));
        nodes
            .map(|(_, inbox)| inbox.between_servers)
            .max()
            .unwrap_or_default()
    }

    /// Gives an idle consumer the queued message that is due first, and drops those that a
    /// partition forbids.
    fn take_next(&mut self, now: Duration, name: &NodeId) {
        let Some(inbox) = self.inboxes.get_mut(name) else {
            return;
        };
        let cut = self.cuts.get(name);
        while inbox.listening && inbox.current.is_none() {
            let Some(Reverse(next)) = inbox.queue.pop() else {
                return;
            };
            if cut.is_some_and(|sources| sources.contains(&next.envelope.src)) {
                if let Some(trace) = &mut self.trace {
                    trace.lost(next.copy_id);
                }
                continue;
            }
            let sleep = next.due.saturating_sub(now).as_millis() as u64;
            let number = next.copy_id;
            inbox.current = Some(next);
            let at = now + Duration::from_millis(sleep);
            self.wakeups.push(Reverse((at, number, name.clone())));
        }
    }
}

/// A name that begins with `c` is a client's, as in Maelstrom.
fn is_service(name: &NodeId) -> bool {
    SERVICES.iter().any(|service| service.name == name.as_str())
}

fn involves_client(src: &NodeId, dest: &NodeId) -> bool {
    src.as_str().starts_with('c') || dest.as_str().starts_with('c')
}

#[cfg(test)]
mod tests;
