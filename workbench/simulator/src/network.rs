//! The simulated network: who may talk, how long a message takes, what a partition swallows, and
//! the count of it all. Pure: `now` comes in, deliveries come out.
//!
//! The timing is Maelstrom's, quirks included, since message counts and latencies are the rules of
//! the game. Every participant has one consumer, which takes the waiting message that is due
//! first, judges it against the partitions *at that moment*, sleeps until it is due, and hands it
//! over; while it sleeps, nothing else gets past. Messages from and to clients take no time.
//!
//! Bad weather, which Maelstrom does not have, concerns messages among servers alone. A message
//! that it delays is held back before it comes to its receiver's consumer, so that it can be
//! overtaken.

mod inbox;
mod reschedule;
mod trace;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::time::Duration;

use rand::RngExt;
use shared::NodeId;

use crate::latency::Latency;
use crate::message::{Body, Envelope};
use crate::rng::SeededRng;
use crate::statistics::Statistics;

use inbox::{Gate, Inbox, MAX_WAITING, QueuedMessage};

pub use trace::{Delivery, DeliveryStatus, Trace};

/// What happens to messages among servers, beside latency and partitions.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MessageFaults {
    /// The part that is lost.
    pub loss: f64,
    /// The part that arrives twice.
    pub duplicate: f64,
    /// Half of the messages are held back, by anything up to this.
    pub delay: Duration,
}

/// Which messages are logged as they cross the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetLog {
    /// Those that are sent.
    pub sent: bool,
    /// Those that arrive.
    pub received: bool,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unroutable {
    /// Nobody of the sender's name takes part.
    Sender(String),
    /// Nobody of the receiver's name takes part.
    Receiver(String),
}

/// The network and everybody on it.
pub struct Network {
    latency: Latency,
    rng: SeededRng,
    faults: MessageFaults,
    faults_rng: SeededRng,
    inboxes: HashMap<NodeId, Inbox>,
    /// Whose messages a node does not get, for the time being.
    cuts: BTreeMap<NodeId, BTreeSet<NodeId>>,
    /// When which consumer has slept enough. Entries of consumers that were told to stop are stale.
    wakeups: BinaryHeap<Reverse<(Duration, u64, NodeId)>>,
    /// What the weather holds back, by the moment at which it goes on.
    delayed: BTreeMap<(Duration, u64), Envelope>,
    next_id: u64,
    next_copy_id: u64,
    statistics: Statistics,
    trace: Option<Trace>,
    net_log: NetLog,
    /// Log lines that were not yet taken.
    lines: Vec<String>,
}

impl Network {
    /// An empty network. The weather has rng of its own.
    pub fn new(latency: Latency, rng: SeededRng, faults_rng: SeededRng) -> Self {
        Network {
            latency,
            rng,
            faults: MessageFaults::default(),
            faults_rng,
            inboxes: HashMap::new(),
            cuts: BTreeMap::new(),
            wakeups: BinaryHeap::new(),
            delayed: BTreeMap::new(),
            next_id: 0,
            next_copy_id: 0,
            statistics: Statistics::default(),
            trace: None,
            net_log: NetLog::default(),
            lines: Vec::new(),
        }
    }

    /// Writes these messages out from now on, a line each.
    pub fn set_net_log(&mut self, net_log: NetLog) {
        self.net_log = net_log;
    }

    /// The lines since the last time.
    pub fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// Writes down every message, until there are too many. To be called before the first one.
    pub fn keep_trace(&mut self) {
        self.trace = Some(Trace::default());
    }

    /// What was written down.
    pub fn take_trace(&mut self) -> Option<Trace> {
        self.trace.take()
    }

    /// The weather, which may be changed.
    pub fn faults_mut(&mut self) -> &mut MessageFaults {
        &mut self.faults
    }

    /// Lets somebody take part. Messages wait until the newcomer listens.
    pub fn register(&mut self, name: NodeId) {
        self.inboxes.entry(name).or_default();
    }

    /// Takes somebody out, with everything that waits for them.
    pub fn remove(&mut self, name: &NodeId) {
        self.inboxes.remove(name);
    }

    /// Whether somebody takes part under this name.
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

    /// Stops delivering to a participant; what comes meanwhile waits.
    pub fn stop_listening(&mut self, name: &NodeId) {
        if let Some(inbox) = self.inboxes.get_mut(name) {
            inbox.listening = false;
            inbox.queue.extend(inbox.current.take().map(Reverse));
        }
    }

    /// From now on whatever arrives at this participant is lost.
    pub fn block(&mut self, now: Duration, name: &NodeId) {
        self.set_gate(now, name, Gate::Blocked);
    }

    /// … but for what comes from this sender.
    pub fn admit_only(&mut self, now: Duration, name: &NodeId, sender: NodeId) {
        self.set_gate(now, name, Gate::Only(sender));
    }

    /// Everybody gets through again.
    pub fn open(&mut self, now: Duration, name: &NodeId) {
        self.set_gate(now, name, Gate::Open);
    }

    fn set_gate(&mut self, now: Duration, name: &NodeId, gate: Gate) {
        if let Some(inbox) = self.inboxes.get_mut(name) {
            inbox.gate = gate;
        }
        // The dead do not stand still: what waits for them goes by.
        self.listen(now, name);
    }

    /// From now on each of these receivers drops what comes from its set of sources.
    pub fn cut(&mut self, grudge: BTreeMap<NodeId, BTreeSet<NodeId>>) {
        for (receiver, sources) in grudge {
            self.cuts.entry(receiver).or_default().extend(sources);
        }
    }

    /// Ends all partitions.
    pub fn heal(&mut self) {
        self.cuts.clear();
    }

    /// Puts a message on its way.
    ///
    /// # Errors
    /// When the sender or the receiver takes no part. The message's number is used up all the same.
    pub fn send(
        &mut self,
        now: Duration,
        src: &NodeId,
        dest: &NodeId,
        body: Body,
    ) -> Result<(), Unroutable> {
        let id = self.next_id;
        self.next_id += 1;
        if !self.contains(src.as_str()) {
            return Err(Unroutable::Sender(src.to_string()));
        }
        if !self.inboxes.contains_key(dest) {
            return Err(Unroutable::Receiver(dest.to_string()));
        }
        let client = involves_client(src, dest);
        self.statistics.sent(now, client, body.counted_kind());
        let envelope = Envelope {
            id,
            src: src.clone(),
            dest: dest.clone(),
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

    /// Sends a message once, twice or in vain, at once or later.
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

    /// A number for a copy of a message.
    fn record_copy(&mut self, now: Duration, envelope: &Envelope) -> u64 {
        let copy_id = self.next_copy_id;
        self.next_copy_id += 1;
        if let Some(trace) = &mut self.trace {
            trace.sent(now, envelope);
        }
        if self.net_log.sent {
            self.lines
                .push(format!("send {}", envelope.to_line().trim_end()));
        }
        copy_id
    }

    fn drop_copy(&mut self, copy_id: u64) {
        if let Some(trace) = &mut self.trace {
            trace.lost(copy_id);
        }
    }

    /// Puts a message before its receiver's consumer.
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
            // Whoever it was for may have gone meanwhile.
            Some(_) | None => self.drop_copy(copy_id),
        }
    }

    /// When the next message is to be delivered.
    pub fn deadline(&self) -> Option<Duration> {
        let arrival = self.wakeups.peek().map(|Reverse((at, _, _))| *at);
        let release = self.delayed.first_key_value().map(|((at, _), _)| *at);
        arrival.into_iter().chain(release).min()
    }

    /// The next message that is delivered by `now`.
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
                .received(involves_client(&envelope.src, &envelope.dest));
            if let Some(trace) = &mut self.trace {
                trace.arrived(number, now);
            }
            if self.net_log.received {
                self.lines
                    .push(format!("recv {}", envelope.to_line().trim_end()));
            }
            return Some(envelope);
        }
        None
    }

    /// Time zero of the run is now.
    pub fn begin(&mut self, now: Duration) {
        self.statistics.begin(now);
    }

    /// What was counted so far.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// An idle consumer takes what is due first; what a partition forbids is dropped here.
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
            let pause = next.due.saturating_sub(now).as_millis() as u64;
            let number = next.copy_id;
            inbox.current = Some(next);
            let at = now + Duration::from_millis(pause);
            self.wakeups.push(Reverse((at, number, name.clone())));
        }
    }
}

/// Clients are known by their first letter alone, as in Maelstrom.
fn involves_client(src: &NodeId, dest: &NodeId) -> bool {
    src.as_str().starts_with('c') || dest.as_str().starts_with('c')
}

#[cfg(test)]
mod tests;
