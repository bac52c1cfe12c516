//! The receiver's half of a link: who the peer is, what has arrived, and what is owed for it.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Incoming<T> {
    /// The peer's boot number, 0 until it is known.
    peer: u64,
    /// Lives of the peer's that another has followed. Their late packets would be challenged in
    /// vain.
    retired: BTreeSet<u64>,
    stream: u64,
    /// All items below this number were delivered.
    expected: u64,
    /// What arrived ahead of its turn.
    early: HashMap<u64, T>,
    ack_at: Option<Duration>,
}

impl<T> Incoming<T> {
    pub(super) fn new() -> Self {
        Incoming {
            peer: 0,
            retired: BTreeSet::new(),
            stream: 0,
            expected: 0,
            early: HashMap::new(),
            ack_at: None,
        }
    }

    pub(super) fn peer(&self) -> u64 {
        self.peer
    }

    pub(super) fn is_retired(&self, boot: u64) -> bool {
        self.retired.contains(&boot)
    }

    pub(super) fn stream(&self) -> u64 {
        self.stream
    }

    /// The peer is known by this boot number from now on.
    pub(super) fn meet(&mut self, boot: u64) {
        if self.peer != 0 {
            self.retired.insert(self.peer);
        }
        self.peer = boot;
        self.begin(0);
    }

    /// The peer may have given up its stream for a new one; never for an old one.
    pub(super) fn follow(&mut self, stream: u64) {
        if stream > self.stream {
            self.begin(stream);
        }
    }

    fn begin(&mut self, stream: u64) {
        self.stream = stream;
        self.expected = 0;
        self.early.clear();
    }

    /// The items that can be delivered now that these have come.
    pub(super) fn take(&mut self, first: u64, items: Vec<T>) -> Vec<T> {
        for (number, item) in (first..u64::MAX).zip(items) {
            if number >= self.expected {
                self.early.insert(number, item);
            }
        }
        let mut in_order = Vec::new();
        while let Some(item) = self.early.remove(&self.expected) {
            in_order.push(item);
            self.expected += 1;
        }
        in_order
    }

    pub(super) fn ack_at(&self) -> Option<Duration> {
        self.ack_at
    }

    pub(super) fn acknowledge_by(&mut self, at: Duration) {
        self.ack_at = Some(self.ack_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// All items below the number returned have arrived; the peer is being told so.
    pub(super) fn acknowledge(&mut self) -> u64 {
        self.ack_at = None;
        self.expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_delivered_is_not_kept() {
        let mut incoming = Incoming::new();
        assert!(incoming.take(2, vec!['c']).is_empty());
        assert_eq!(incoming.take(0, vec!['a', 'b']), ['a', 'b', 'c']);
        assert!(incoming.take(0, vec!['a', 'b', 'c']).is_empty());
        assert!(incoming.early.is_empty());
    }

    #[test]
    fn numbers_at_the_end_of_the_range_do_no_harm() {
        let mut incoming = Incoming::new();
        assert!(incoming.take(u64::MAX - 1, vec![1, 2, 3]).is_empty());
        assert!(incoming.take(u64::MAX, vec![1]).is_empty());
        assert_eq!(incoming.take(0, vec![7]), [7]);
    }
}
