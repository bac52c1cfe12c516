//! The receiving half of a link: the peer's identity, the items that arrived, and pending acks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Incoming<T> {
    /// The peer's boot number, 0 until it is known.
    peer: u64,
    /// Incarnations that were the peer before. Their late packets are dropped without a challenge,
    /// as there would be no answer.
    former_peers: BTreeSet<u64>,
    stream: u64,
    /// All items below this number were delivered.
    expected: u64,
    /// Items that arrived ahead of their turn.
    early: BTreeMap<u64, T>,
    /// When to send an acknowledgement.
    ack_at: Option<Duration>,
}

impl<T> Incoming<T> {
    pub(super) fn new() -> Self {
        Incoming {
            peer: 0,
            former_peers: BTreeSet::new(),
            stream: 0,
            expected: 0,
            early: BTreeMap::new(),
            ack_at: None,
        }
    }

    pub(super) fn peer(&self) -> u64 {
        self.peer
    }

    pub(super) fn is_former_peer(&self, boot: u64) -> bool {
        self.former_peers.contains(&boot)
    }

    pub(super) fn stream(&self) -> u64 {
        self.stream
    }

    /// Replaces the peer; its stream 0 begins.
    pub(super) fn set_peer(&mut self, boot: u64) {
        if self.peer != 0 {
            self.former_peers.insert(self.peer);
        }
        self.peer = boot;
        self.begin(0);
    }

    /// Begins the peer's new stream, if it is newer than the current one.
    pub(super) fn advance_stream(&mut self, stream: u64) {
        if stream > self.stream {
            self.begin(stream);
        }
    }

    fn begin(&mut self, stream: u64) {
        self.stream = stream;
        self.expected = 0;
        self.early.clear();
    }

    /// Receives items and returns those that can be delivered now, in order.
    pub(super) fn receive(&mut self, first: u64, items: Vec<T>) -> Vec<T> {
        let mut in_order = Vec::new();
        for (number, item) in (first..u64::MAX).zip(items) {
            // Nearly every item comes in its turn.
            if number == self.expected {
                self.early.remove(&number);
                in_order.push(item);
                self.expected += 1;
            } else if number > self.expected {
                self.early.insert(number, item);
            }
        }
        while let Some(item) = self.early.remove(&self.expected) {
            in_order.push(item);
            self.expected += 1;
        }
        in_order
    }

    pub(super) fn ack_at(&self) -> Option<Duration> {
        self.ack_at
    }

    /// Ensures that an acknowledgement is sent at `at` or earlier: a packet that also carries this
    /// incarnation's boot number.
    pub(super) fn schedule_ack(&mut self, at: Duration) {
        self.ack_at = Some(self.ack_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// The acknowledgement for a packet that leaves now: all items below this number have arrived.
    pub(super) fn take_ack(&mut self) -> u64 {
        self.ack_at = None;
        self.expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivered_items_are_not_kept() {
        let mut incoming = Incoming::new();
        assert!(incoming.receive(2, vec!['c']).is_empty());
        assert_eq!(incoming.receive(0, vec!['a', 'b']), ['a', 'b', 'c']);
        assert!(incoming.receive(0, vec!['a', 'b', 'c']).is_empty());
        assert!(incoming.early.is_empty());
    }

    #[test]
    fn numbers_at_the_end_of_the_range_are_harmless() {
        let mut incoming = Incoming::new();
        assert!(incoming.receive(u64::MAX - 1, vec![1, 2, 3]).is_empty());
        assert!(incoming.receive(u64::MAX, vec![1]).is_empty());
        assert_eq!(incoming.receive(0, vec![7]), [7]);
    }

    #[test]
    fn a_newer_stream_begins_anew_and_an_older_one_does_not() {
        let mut incoming = Incoming::new();
        assert_eq!(incoming.receive(0, vec!['a']), ['a']);
        incoming.advance_stream(2);
        assert_eq!(incoming.receive(0, vec!['b']), ['b']);
        incoming.advance_stream(2);
        incoming.advance_stream(1);
        assert_eq!((incoming.stream(), incoming.take_ack()), (2, 1));
    }
}
