//! One key's log on one node: the messages of all nodes, and the offset up to which they are final.

use std::collections::{BTreeMap, VecDeque};
use std::iter;

use serde_json::value::RawValue;

/// Messages by offset, and what each neighbour has promised.
///
/// An offset is a round and a node: `round · nodes + index`. A node appends in a round of its own,
/// later than any that it knows of. It *closes* a round when it will append neither in it nor in an
/// earlier one any more. It *promises* a round to a neighbour when it and all nodes on its side of
/// that edge have closed it; up to the last round that this node has closed and all neighbours have
/// promised, the log is final.
///
/// To append is to *reserve* a round and to *settle* it, at once or later. A reserved message is
/// not visible before it is settled, so meanwhile its round is open.
#[derive(Debug)]
pub(crate) struct Log {
    /// The number of nodes, and the index of this one.
    nodes: u64,
    me: u64,
    messages: BTreeMap<u64, Box<RawValue>>,
    /// The first round that this node has not reserved and may still reserve.
    next: u64,
    /// The rounds that are reserved and not settled, in order.
    pending: VecDeque<u64>,
    neighbours: Box<[Promises]>,
}

/// What two neighbours have promised each other: in each direction, the first round that may still
/// be open.
#[derive(Debug, Clone, Copy, Default)]
struct Promises {
    received: u64,
    given: u64,
}

impl Log {
    /// An empty log on the node with index `me`, one of so many, with so many neighbours.
    pub(crate) fn new(nodes: usize, me: usize, neighbours: usize) -> Self {
        Log {
            nodes: nodes as u64,
            me: me as u64,
            messages: BTreeMap::new(),
            next: 0,
            pending: VecDeque::new(),
            neighbours: vec![Promises::default(); neighbours].into(),
        }
    }

    /// Chooses the offset of a message that this node will append; none if no offsets are left.
    pub(crate) fn reserve(&mut self) -> Option<u64> {
        let round = self.next;
        let offset = round.checked_mul(self.nodes)?.checked_add(self.me)?;
        self.next = round.checked_add(1)?;
        self.pending.push_back(round);
        Some(offset)
    }

    /// Appends the message for which the oldest of the pending offsets was reserved.
    pub(crate) fn settle(&mut self, offset: u64, message: Box<RawValue>) {
        self.pending.pop_front();
        self.messages.entry(offset).or_insert(message);
    }

    /// Inserts a message that another node has appended, and closes its round. Returns whether it
    /// is new.
    pub(crate) fn insert(&mut self, offset: u64, message: &RawValue) -> bool {
        self.next = self.next.max(self.round_after(offset));
        let is_new = !self.messages.contains_key(&offset);
        if is_new {
            self.messages.insert(offset, message.to_owned());
        }
        is_new
    }

    /// The first round after the one of this offset.
    pub(crate) fn round_after(&self, offset: u64) -> u64 {
        (offset / self.nodes).saturating_add(1)
    }

    /// The first round that this node has not closed.
    pub(crate) fn open(&self) -> u64 {
        self.pending.front().copied().unwrap_or(self.next)
    }

    /// Learns that no node behind a neighbour appends in a round before this one any more.
    pub(crate) fn learn_promise(&mut self, neighbour: usize, round: u64) {
        let known = &mut self.neighbours[neighbour].received;
        *known = round.max(*known);
    }

    /// The neighbours to which this node can promise more than it has, and the first round that it
    /// cannot promise to each. They count as promised from now on.
    pub(crate) fn give_promises(&mut self) -> Vec<(usize, u64)> {
        let mut promises = Vec::new();
        for neighbour in 0..self.neighbours.len() {
            let given = self.neighbours[neighbour].given;
            let round = self.promise_to(neighbour);
            if given < round {
                promises.push((neighbour, round));
            }
        }
        promises
    }

    /// The first round that this node cannot promise to a neighbour. It counts as promised from now
    /// on.
    pub(crate) fn promise_to(&mut self, neighbour: usize) -> u64 {
        let round = self.first_open(Some(neighbour));
        self.neighbours[neighbour].given = round;
        round
    }

    /// The first round that may still be open at this node, or at any that is not behind the
    /// neighbour `except`.
    fn first_open(&self, except: Option<usize>) -> u64 {
        let others = self.neighbours.iter().enumerate();
        let others = others.filter(|(neighbour, _)| Some(*neighbour) != except);
        let rounds = others.map(|(_, promises)| promises.received);
        rounds.chain(iter::once(self.open())).min().unwrap_or(0)
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
        self.first_open(None).saturating_mul(self.nodes)
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
        log.settle(offset, message(text));
        Some(offset)
    }

    #[test]
    fn a_single_node_counts_from_zero_and_reads_at_once() {
        let mut log = Log::new(1, 0, 0);
        assert_eq!(append(&mut log, "7"), Some(0));
        assert_eq!(append(&mut log, "8"), Some(1));
        assert_eq!(read(&log, 0), [(0, "7"), (1, "8")]);
        assert_eq!(read(&log, 1), [(1, "8")]);
        assert_eq!(read(&log, 2), []);
        assert_eq!(read(&log, u64::MAX), []);
    }

    #[test]
    fn a_message_is_not_shown_while_another_may_still_come_before_it() {
        let mut log = Log::new(2, 0, 1);
        assert_eq!(append(&mut log, "1"), Some(0));
        assert_eq!(read(&log, 0), []);
        log.learn_promise(0, 1);
        assert_eq!(read(&log, 0), [(0, "1")]);
        assert_eq!(append(&mut log, "2"), Some(2));
        assert!(log.insert(3, &message("3")));
        log.learn_promise(0, 2);
        assert_eq!(read(&log, 1), [(2, "2"), (3, "3")]);
        assert_eq!(append(&mut log, "4"), Some(4), "round 1 is closed");
    }

    /// A node with index 0 and three neighbours.
    #[test]
    fn a_promise_waits_for_all_nodes_on_this_side_of_the_edge() {
        let mut log = Log::new(8, 0, 3);
        assert!(log.insert(4 * 8 + 1, &message("1")), "round 4");
        assert_eq!(log.give_promises(), []);
        log.learn_promise(0, 5);
        log.learn_promise(1, 3);
        assert_eq!(log.give_promises(), [(2, 3)], "nothing is known of 2");
        log.learn_promise(2, 9);
        assert_eq!(log.give_promises(), [(0, 3), (1, 5)]);
        assert_eq!(log.give_promises(), [], "all is promised");
        log.learn_promise(1, 2);
        assert_eq!([0, 1, 2].map(|it| log.promise_to(it)), [3, 5, 3]);
        assert_eq!((log.first_open(None), log.frontier()), (3, 24));
    }

    #[test]
    fn no_round_after_a_pending_one_is_promised() {
        let mut log = Log::new(2, 0, 1);
        log.learn_promise(0, 9);
        assert_eq!((log.reserve(), log.reserve()), (Some(0), Some(2)));
        assert!(log.insert(9, &message("9")), "round 4");
        assert_eq!(log.give_promises(), [], "the first two rounds are pending");
        assert_eq!(log.reserve(), Some(10));
        log.settle(0, message("1"));
        assert_eq!(log.give_promises(), [(0, 1)]);
        assert_eq!(read(&log, 0), [(0, "1")]);
        log.settle(2, message("2"));
        assert_eq!(log.give_promises(), [(0, 5)], "rounds 2 to 4 are closed");
        log.settle(10, message("3"));
        assert_eq!(log.give_promises(), [(0, 6)]);
        assert_eq!(read(&log, 1), [(2, "2"), (9, "9"), (10, "3")]);
    }

    #[test]
    fn of_two_messages_at_one_offset_the_first_stays() {
        let mut log = Log::new(2, 0, 1);
        assert!(log.insert(1, &message("1")));
        assert!(!log.insert(1, &message("2")));
        log.learn_promise(0, 1);
        assert_eq!(read(&log, 0), [(1, "1")]);
    }

    #[test]
    fn the_last_offset_causes_no_panic() {
        let mut log = Log::new(2, 0, 1);
        assert!(log.insert(u64::MAX, &message("1")));
        log.learn_promise(0, u64::MAX);
        assert_eq!(log.reserve(), None);
        assert_eq!(read(&log, u64::MAX).len(), 0);
    }
}
