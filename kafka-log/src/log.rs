//! One key's log as one node has it: what was appended anywhere, and how far that is final.

use std::collections::{BTreeMap, VecDeque};

use serde_json::value::RawValue;

/// Messages by offset, and what each node has promised.
///
/// An offset is a round and a node: `round · nodes + place`. A node appends in a round of its own,
/// later than any that it knows of. It *promises* a round when it will never again append in it or
/// in one before it; below the round that all nodes have promised, nothing can be added any more.
///
/// To append is to *reserve* a round and to *settle* it, at once or later. What is reserved and not
/// settled is not there yet for anybody, so this node promises no later round meanwhile.
#[derive(Debug)]
pub(crate) struct Log {
    /// This node.
    place: usize,
    messages: BTreeMap<u64, Box<RawValue>>,
    /// The first round that this node has not reserved and may still reserve.
    next: u64,
    /// The rounds that it has reserved and not settled, in order.
    pending: VecDeque<u64>,
    /// For each node the first round that it may still append in, as far as is known here: what it
    /// has promised. This node's own is never a guess.
    open: Box<[u64]>,
}

impl Log {
    /// An empty log as the node at `place` has it, one of so many.
    pub(crate) fn new(nodes: usize, place: usize) -> Self {
        Log {
            place,
            messages: BTreeMap::new(),
            next: 0,
            pending: VecDeque::new(),
            open: vec![0; nodes].into(),
        }
    }

    /// Chooses the offset of a message that this node will append. Nothing happens if there are no
    /// more offsets.
    pub(crate) fn reserve(&mut self) -> Option<u64> {
        let round = self.next;
        let offset = round
            .checked_mul(self.open.len() as u64)?
            .checked_add(self.place as u64)?;
        self.next = round.checked_add(1)?;
        self.pending.push_back(round);
        Some(offset)
    }

    /// Appends the message for which the oldest of the pending offsets was reserved. Whether this
    /// node promises more now than the message itself tells.
    pub(crate) fn settle(&mut self, offset: u64, message: Box<RawValue>) -> bool {
        let (_, after) = self.origin(offset);
        self.pending.pop_front();
        self.insert(offset, message);
        self.promise_what_is_settled() && self.promised() > after
    }

    /// This node reserves no round before this one any more; whether it promises more than before.
    pub(crate) fn close(&mut self, round: u64) -> bool {
        self.next = self.next.max(round);
        self.promise_what_is_settled()
    }

    fn promise_what_is_settled(&mut self) -> bool {
        let round = self.pending.front().copied().unwrap_or(self.next);
        self.promise(self.place, round)
    }

    /// Takes in what another node has appended. Hearing it twice changes nothing.
    pub(crate) fn insert(&mut self, offset: u64, message: Box<RawValue>) {
        self.messages.entry(offset).or_insert(message);
    }

    /// The node that appended at this offset, by place, and the first round after.
    pub(crate) fn origin(&self, offset: u64) -> (usize, u64) {
        let nodes = self.open.len() as u64;
        (
            (offset % nodes) as usize,
            (offset / nodes).saturating_add(1),
        )
    }

    /// The node at `place` appends in no round before this one any more. What this node itself
    /// promises it need not be told.
    pub(crate) fn hear_promise(&mut self, place: usize, round: u64) {
        if place != self.place {
            self.promise(place, round);
        }
    }

    fn promise(&mut self, place: usize, round: u64) -> bool {
        match self.open.get_mut(place) {
            Some(open) if *open < round => {
                *open = round;
                true
            }
            Some(_) | None => false,
        }
    }

    /// The first round that this node may still append in, for all that it has promised.
    pub(crate) fn promised(&self) -> u64 {
        self.open[self.place]
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
        assert!(!log.settle(offset, message(text)), "nothing else to say");
        Some(offset)
    }

    #[test]
    fn a_node_alone_counts_from_zero_and_reads_at_once() {
        let mut log = Log::new(1, 0);
        assert_eq!(append(&mut log, "7"), Some(0));
        assert_eq!(append(&mut log, "8"), Some(1));
        assert_eq!(read(&log, 0), [(0, "7"), (1, "8")]);
        assert_eq!(read(&log, 1), [(1, "8")]);
        assert_eq!(read(&log, 2), []);
        assert_eq!(read(&log, u64::MAX), []);
    }

    #[test]
    fn what_another_may_still_come_before_is_not_shown() {
        let mut log = Log::new(2, 0);
        assert_eq!(append(&mut log, "1"), Some(0));
        assert_eq!(read(&log, 0), []);
        log.hear_promise(1, 1);
        assert_eq!(read(&log, 0), [(0, "1")]);
        assert_eq!(append(&mut log, "2"), Some(2));
        log.insert(3, message("3"));
        assert_eq!(log.origin(3), (1, 2));
        log.hear_promise(1, 2);
        assert_eq!(read(&log, 1), [(2, "2"), (3, "3")]);
        assert!(!log.close(2), "no news");
        assert!(log.close(3));
    }

    #[test]
    fn nothing_is_promised_beyond_a_round_that_is_pending() {
        let mut log = Log::new(2, 0);
        log.hear_promise(1, 9);
        assert_eq!((log.reserve(), log.reserve()), (Some(0), Some(2)));
        assert!(!log.close(5), "the first two rounds are still in question");
        assert_eq!(log.reserve(), Some(10));
        assert_eq!((log.promised(), log.all().count()), (0, 0));
        assert!(!log.settle(0, message("1")), "its message tells of round 1");
        assert_eq!((log.promised(), read(&log, 0)), (1, vec![(0, "1")]));
        assert!(log.settle(2, message("2")), "rounds 2 to 4 are closed, too");
        assert_eq!(log.promised(), 5);
        assert!(!log.settle(10, message("3")));
        assert_eq!(read(&log, 0), [(0, "1"), (2, "2"), (10, "3")]);
        assert_eq!(log.promised(), 6);
    }

    #[test]
    fn a_message_heard_twice_is_there_once_and_the_first_one_stays() {
        let mut log = Log::new(2, 0);
        log.insert(1, message("1"));
        log.insert(1, message("2"));
        assert_eq!(log.all().count(), 1);
        log.close(1);
        log.hear_promise(1, 1);
        assert_eq!(read(&log, 0), [(1, "1")]);
    }

    #[test]
    fn offsets_end_without_a_panic() {
        let mut log = Log::new(2, 0);
        let (place, round) = log.origin(u64::MAX);
        assert_eq!(place, 1);
        log.insert(u64::MAX, message("1"));
        log.close(round);
        log.hear_promise(1, round);
        assert_eq!(log.reserve(), None);
        log.hear_promise(2, 9);
        assert_eq!(read(&log, u64::MAX).len(), 0);
    }
}
