//! One key's log on one node: the messages of all nodes, and the offset up to which they are final.

use std::collections::{BTreeMap, VecDeque};

use serde_json::value::RawValue;

/// Messages by offset, and what each node has promised.
///
/// An offset is a round and a node: `round · nodes + index`. A node appends in a round of its own,
/// later than any that it knows of. It *promises* a round when it will append neither in it nor in
/// an earlier one any more; up to the last round that all nodes have promised, the log is final.
///
/// To append is to *reserve* a round and to *settle* it, at once or later. A reserved message is
/// not visible before it is settled, so this node promises no later round meanwhile.
#[derive(Debug)]
pub(crate) struct Log {
    /// The index of this node.
    me: usize,
    messages: BTreeMap<u64, Box<RawValue>>,
    /// The first round that this node has not reserved and may still reserve.
    next: u64,
    /// The rounds that are reserved and not settled, in order.
    pending: VecDeque<u64>,
    /// For each node the first round that it has not promised, as far as this node knows.
    open: Box<[u64]>,
}

impl Log {
    /// An empty log on the node with index `me`, one of so many.
    pub(crate) fn new(nodes: usize, me: usize) -> Self {
        Log {
            me,
            messages: BTreeMap::new(),
            next: 0,
            pending: VecDeque::new(),
            open: vec![0; nodes].into(),
        }
    }

    /// Chooses the offset of a message that this node will append; none if no offsets are left.
    pub(crate) fn reserve(&mut self) -> Option<u64> {
        let round = self.next;
        let offset = round
            .checked_mul(self.open.len() as u64)?
            .checked_add(self.me as u64)?;
        self.next = round.checked_add(1)?;
        self.pending.push_back(round);
        Some(offset)
    }

    /// Appends the message for which the oldest of the pending offsets was reserved. Returns
    /// whether this node promises more now than the message itself implies.
    pub(crate) fn settle(&mut self, offset: u64, message: Box<RawValue>) -> bool {
        let (_, after) = self.origin(offset);
        self.pending.pop_front();
        self.insert(offset, message);
        self.promise_settled_rounds() && self.promised() > after
    }

    /// Closes all rounds before this one, and returns whether this node promises more than before.
    pub(crate) fn close(&mut self, round: u64) -> bool {
        self.next = self.next.max(round);
        self.promise_settled_rounds()
    }

    fn promise_settled_rounds(&mut self) -> bool {
        let round = self.pending.front().copied().unwrap_or(self.next);
        self.promise(self.me, round)
    }

    /// Inserts a message that another node has appended. Inserting it twice changes nothing.
    pub(crate) fn insert(&mut self, offset: u64, message: Box<RawValue>) {
        self.messages.entry(offset).or_insert(message);
    }

    /// The index of the node that appended at this offset, and the first round after it.
    pub(crate) fn origin(&self, offset: u64) -> (usize, u64) {
        let nodes = self.open.len() as u64;
        (
            (offset % nodes) as usize,
            (offset / nodes).saturating_add(1),
        )
    }

    /// Learns that another node appends in no round before this one any more. This node's own
    /// promises come from [`Log::settle`] and [`Log::close`] alone.
    pub(crate) fn learn_promise(&mut self, node: usize, round: u64) {
        if node != self.me {
            self.promise(node, round);
        }
    }

    fn promise(&mut self, node: usize, round: u64) -> bool {
        match self.open.get_mut(node) {
            Some(open) if *open < round => {
                *open = round;
                true
            }
            Some(_) | None => false,
        }
    }

    /// The first round that this node has not promised.
    pub(crate) fn promised(&self) -> u64 {
        self.open[self.me]
    }

    /// The final messages from an offset on, with their offsets.
    pub(crate) fn read(&self, from: u64) -> impl Iterator<Item = (u64, &RawValue)> {
        let frontier = self.frontier();
        let known = self.messages.range(from.min(frontier)..frontier);
        known.map(|(offset, message)| (*offset, &**message))
    }

    /// All messages, final or not.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u64, &RawValue)> {
        self.messages
            .iter()
            .map(|(offset, message)| (*offset, &**message))
    }

    /// The first offset that is not final.
    fn frontier(&self) -> u64 {
        let round = self.open.iter().copied().min().unwrap_or(0);
        round.saturating_mul(self.open.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn read(log: &Log, from: u64) -> Vec<(u64, &str)> {
        log.read(from)
            .map(|(offset, message)| (offset, message.get()))
            .collect()
    }

    fn append(log: &mut Log, text: &str) -> Option<u64> {
        let offset = log.reserve()?;
        assert!(!log.settle(offset, message(text)), "no further promise");
        Some(offset)
    }

    #[test]
    fn a_single_node_counts_from_zero_and_reads_at_once() {
        let mut log = Log::new(1, 0);
        assert_eq!(append(&mut log, "7"), Some(0));
        assert_eq!(append(&mut log, "8"), Some(1));
        assert_eq!(read(&log, 0), [(0, "7"), (1, "8")]);
        assert_eq!(read(&log, 1), [(1, "8")]);
        assert_eq!(read(&log, 2), []);
        assert_eq!(read(&log, u64::MAX), []);
    }

    #[test]
    fn a_message_is_not_shown_while_another_may_still_come_before_it() {
        let mut log = Log::new(2, 0);
        assert_eq!(append(&mut log, "1"), Some(0));
        assert_eq!(read(&log, 0), []);
        log.learn_promise(1, 1);
        assert_eq!(read(&log, 0), [(0, "1")]);
        assert_eq!(append(&mut log, "2"), Some(2));
        log.insert(3, message("3"));
        assert_eq!(log.origin(3), (1, 2));
        log.learn_promise(1, 2);
        assert_eq!(read(&log, 1), [(2, "2"), (3, "3")]);
        assert!(!log.close(2), "no new promise");
        assert!(log.close(3));
    }

    #[test]
    fn no_round_after_a_pending_one_is_promised() {
        let mut log = Log::new(2, 0);
        log.learn_promise(1, 9);
        assert_eq!((log.reserve(), log.reserve()), (Some(0), Some(2)));
        assert!(!log.close(5), "the first two rounds are pending");
        assert_eq!(log.reserve(), Some(10));
        assert_eq!((log.promised(), log.all().count()), (0, 0));
        assert!(!log.settle(0, message("1")), "its message implies round 1");
        assert_eq!((log.promised(), read(&log, 0)), (1, vec![(0, "1")]));
        assert!(log.settle(2, message("2")), "rounds 2 to 4 are closed, too");
        assert_eq!(log.promised(), 5);
        assert!(!log.settle(10, message("3")));
        assert_eq!(read(&log, 0), [(0, "1"), (2, "2"), (10, "3")]);
        assert_eq!(log.promised(), 6);
    }

    #[test]
    fn of_two_messages_at_one_offset_the_first_stays() {
        let mut log = Log::new(2, 0);
        log.insert(1, message("1"));
        log.insert(1, message("2"));
        assert_eq!(log.all().count(), 1);
        log.close(1);
        log.learn_promise(1, 1);
        assert_eq!(read(&log, 0), [(1, "1")]);
    }

    #[test]
    fn the_last_offset_causes_no_panic() {
        let mut log = Log::new(2, 0);
        let (node, round) = log.origin(u64::MAX);
        assert_eq!(node, 1);
        log.insert(u64::MAX, message("1"));
        log.close(round);
        log.learn_promise(1, round);
        assert_eq!(log.reserve(), None);
        log.learn_promise(2, 9);
        assert_eq!(read(&log, u64::MAX).len(), 0);
    }
}
