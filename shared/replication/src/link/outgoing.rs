//! The sender's half of a link: items that wait, items under way, and when to act on either.

use std::collections::VecDeque;
use std::time::Duration;

use super::Timing;

/// The most items that a packet carries; more leave in several packets at once.
const MOST_ITEMS: usize = 4096;

#[derive(Debug)]
pub(super) struct Outgoing<T> {
    timing: Timing,
    stream: u64,
    /// The number of the first item in `unacked`.
    first: u64,
    /// What the peer has yet to acknowledge: first what is under way, then what waits.
    unacked: VecDeque<T>,
    flights: VecDeque<Flight>,
    /// All items below this number were sent at least once.
    ever_sent: u64,
    window_ends: Option<Duration>,
    /// The peer has let a resend pass: new items wait for it to speak.
    quiet: bool,
}

/// Items that left together and are not all acknowledged.
#[derive(Debug)]
struct Flight {
    /// The number after the last of them.
    end: u64,
    /// When they are taken for lost.
    lost_at: Duration,
}

/// What a packet carries.
#[derive(Debug)]
pub(super) struct Batch<T> {
    pub(super) first: u64,
    pub(super) items: Vec<T>,
    pub(super) again: bool,
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Batch {
            first: 0,
            items: Vec::new(),
            again: false,
        }
    }
}

impl<T: Clone> Outgoing<T> {
    pub(super) fn new(timing: Timing) -> Self {
        Outgoing {
            timing,
            stream: 0,
            first: 0,
            unacked: VecDeque::new(),
            flights: VecDeque::new(),
            ever_sent: 0,
            window_ends: None,
            quiet: false,
        }
    }

    pub(super) fn stream(&self) -> u64 {
        self.stream
    }

    pub(super) fn unacknowledged(&self) -> usize {
        self.unacked.len()
    }

    pub(super) fn push(&mut self, now: Duration, item: T) {
        self.unacked.push_back(item);
        self.window_ends.get_or_insert(now + self.timing.window);
    }

    /// All below `ack` has arrived.
    pub(super) fn on_ack(&mut self, ack: u64) {
        // A claim to have received what was never sent is not believed.
        if ack <= self.first || ack > self.ever_sent {
            return;
        }
        self.unacked.drain(..(ack - self.first) as usize);
        self.first = ack;
        while self.flights.front().is_some_and(|flight| flight.end <= ack) {
            self.flights.pop_front();
        }
        self.quiet = false;
    }

    /// What is due: the oldest again, if it is taken for lost; or else what waits, if its window
    /// has ended or a packet leaves anyway.
    pub(super) fn poll(&mut self, now: Duration, is_leaving_anyway: bool) -> Option<Batch<T>> {
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        let again = is_due(self.resend_at());
        if again {
            // The flights after the oldest are hardly better off. The packet takes what it can of
            // them, and of what waits; the rest waits until the peer is heard.
            self.quiet = true;
            self.flights.clear();
        } else if !self.is_open() || !(is_leaving_anyway || is_due(self.window_ends)) {
            return None;
        }
        let first = self.sent();
        let begin = (first - self.first) as usize;
        let waiting = self.unacked.iter().skip(begin).take(MOST_ITEMS);
        let items: Vec<T> = waiting.cloned().collect();
        let end = first + items.len() as u64;
        self.flights.push_back(Flight {
            end,
            lost_at: now + self.timing.resend,
        });
        self.ever_sent = self.ever_sent.max(end);
        self.window_ends = self.has_waiting().then_some(now);
        Some(Batch {
            first,
            items,
            again,
        })
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        let window_ends = self.window_ends.filter(|_| self.is_open());
        [window_ends, self.resend_at()].into_iter().flatten().min()
    }

    /// Nothing of what is under way has arrived, or will.
    pub(super) fn take_all_for_lost(&mut self, now: Duration) {
        if let Some(oldest) = self.flights.front_mut() {
            oldest.lost_at = now;
        }
    }

    /// The peer has forgotten everything: the rest becomes the beginning of a new stream.
    pub(super) fn start_over(&mut self, now: Duration) {
        self.stream += 1;
        self.first = 0;
        self.flights.clear();
        self.ever_sent = 0;
        self.quiet = false;
        self.window_ends = (!self.unacked.is_empty()).then_some(now + self.timing.window);
    }

    /// The number after the last item under way.
    fn sent(&self) -> u64 {
        self.flights.back().map_or(self.first, |flight| flight.end)
    }

    fn has_waiting(&self) -> bool {
        self.sent() < self.first + self.unacked.len() as u64
    }

    /// Whether items that wait may leave.
    fn is_open(&self) -> bool {
        !self.quiet && self.has_waiting()
    }

    fn resend_at(&self) -> Option<Duration> {
        self.flights.front().map(|flight| flight.lost_at)
    }
}
