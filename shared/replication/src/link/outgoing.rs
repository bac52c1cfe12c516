//! The sending half of a link: items that wait, items in flight, and their deadlines.

use std::collections::VecDeque;
use std::time::Duration;

use super::Timing;

/// The maximum number of items in a packet; more leave in several packets at once.
const MAX_PACKET_ITEMS: usize = 4096;

#[derive(Debug)]
pub(super) struct Outgoing<T> {
    timing: Timing,
    stream: u64,
    /// The number of the first item in `unacked`.
    first: u64,
    /// Items that the peer has not acknowledged: those in flight, then those that wait.
    unacked: VecDeque<T>,
    flights: VecDeque<Flight>,
    /// All items below this number were sent at least once.
    ever_sent: u64,
    window_ends: Option<Duration>,
    /// Items were resent and nothing is acknowledged since: new items get no packet of their own.
    stalled: bool,
}

/// Items that were sent together and are not all acknowledged.
#[derive(Debug)]
struct Flight {
    /// The number after the last of them.
    end: u64,
    /// When they are considered lost.
    lost_at: Duration,
}

/// The items of a packet.
#[derive(Debug)]
pub(super) struct PacketItems<T> {
    pub(super) first: u64,
    pub(super) items: Vec<T>,
    pub(super) is_resend: bool,
}

impl<T> Default for PacketItems<T> {
    fn default() -> Self {
        PacketItems {
            first: 0,
            items: Vec::new(),
            is_resend: false,
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
            stalled: false,
        }
    }

    pub(super) fn stream(&self) -> u64 {
        self.stream
    }

    pub(super) fn unacknowledged(&self) -> usize {
        self.unacked.len()
    }

    /// Queues an item, which leaves at `due` or earlier.
    pub(super) fn push(&mut self, due: Duration, item: T) {
        self.unacked.push_back(item);
        self.hasten(due);
    }

    /// Lets the items that wait leave at `due`, if not earlier.
    pub(super) fn hasten(&mut self, due: Duration) {
        if self.has_waiting() {
            self.window_ends = Some(self.window_ends.map_or(due, |earlier| earlier.min(due)));
        }
    }

    /// Handles an acknowledgement: all items below `ack` have arrived.
    pub(super) fn on_ack(&mut self, ack: u64) {
        // An acknowledgement of items that were never sent is invalid.
        if ack <= self.first || ack > self.ever_sent {
            return;
        }
        self.unacked.drain(..(ack - self.first) as usize);
        self.first = ack;
        while self.flights.front().is_some_and(|flight| flight.end <= ack) {
            self.flights.pop_front();
        }
        self.stalled = false;
    }

    /// The items to send now: all unacknowledged ones, if the oldest are considered lost; or else
    /// those that wait, if their window has ended or a packet leaves anyway.
    pub(super) fn poll(
        &mut self,
        now: Duration,
        is_leaving_anyway: bool,
    ) -> Option<PacketItems<T>> {
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        let is_resend = is_due(self.resend_at());
        if is_resend {
            // The flights after the oldest are probably lost, too. The packet carries as many items
            // as it can, new ones included; the rest waits until the peer acknowledges.
            self.stalled = true;
            self.flights.clear();
        } else if !self.may_send_waiting() || !(is_leaving_anyway || is_due(self.window_ends)) {
            return None;
        }
        let first = self.first_waiting();
        let begin = (first - self.first) as usize;
        let waiting = self.unacked.iter().skip(begin).take(MAX_PACKET_ITEMS);
        let items: Vec<T> = waiting.cloned().collect();
        let end = first + items.len() as u64;
        self.flights.push_back(Flight {
            end,
            lost_at: now + self.timing.resend,
        });
        self.ever_sent = self.ever_sent.max(end);
        self.window_ends = self.has_waiting().then_some(now);
        Some(PacketItems {
            first,
            items,
            is_resend,
        })
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        let window_ends = self.window_ends.filter(|_| self.may_send_waiting());
        [window_ends, self.resend_at()].into_iter().flatten().min()
    }

    /// Resends all items in flight at the next poll.
    pub(super) fn resend_all(&mut self, now: Duration) {
        if let Some(oldest) = self.flights.front_mut() {
            oldest.lost_at = now;
        }
    }

    /// Starts a new stream with the unacknowledged items, as the peer has lost its state.
    pub(super) fn restart_stream(&mut self, now: Duration) {
        self.stream += 1;
        self.first = 0;
        self.flights.clear();
        self.ever_sent = 0;
        self.stalled = false;
        self.window_ends = (!self.unacked.is_empty()).then_some(now + self.timing.window);
    }

    /// The number after the last item in flight.
    fn first_waiting(&self) -> u64 {
        self.flights.back().map_or(self.first, |flight| flight.end)
    }

    fn has_waiting(&self) -> bool {
        self.first_waiting() < self.first + self.unacked.len() as u64
    }

    /// Whether there are items that wait and may be sent.
    fn may_send_waiting(&self) -> bool {
        !self.stalled && self.has_waiting()
    }

    fn resend_at(&self) -> Option<Duration> {
        self.flights.front().map(|flight| flight.lost_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_drops_what_has_arrived_unless_it_is_old_or_of_items_never_sent() {
        let second = Duration::from_secs(1);
        let mut outgoing = Outgoing::new(Timing {
            window: Duration::ZERO,
            ack_delay: second,
            resend: second,
        });
        (0..5).for_each(|item| outgoing.push(Duration::ZERO, item));
        assert!(outgoing.poll(Duration::ZERO, false).is_some());
        let unacknowledged = [2, 1, 6, 4, 5].map(|ack| {
            outgoing.on_ack(ack);
            outgoing.unacknowledged()
        });
        assert_eq!(unacknowledged, [3, 3, 3, 1, 0]);
    }
}
