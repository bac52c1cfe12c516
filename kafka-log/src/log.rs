//! One key's log as one node has it: what was appended anywhere, and how far that is final.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Messages by offset, and what each node has promised.
///
/// An offset is a round and a node: `round · nodes + place`. A node appends in a round of its own,
/// later than any that it knows of. It *promises* a round when it will never again append in it or
/// in one before it; below the round that all nodes have promised, nothing can be added any more.
#[derive(Debug)]
pub(crate) struct Log {
    messages: BTreeMap<u64, Box<RawValue>>,
    /// For each node the first round that it may still append in, as far as is known here. This
    /// node's own is never a guess.
    open: Box<[u64]>,
}

impl Log {
    /// An empty log of a cluster of this size, which is not 0.
    pub(crate) fn new(nodes: usize) -> Self {
        Log {
            messages: BTreeMap::new(),
            open: vec![0; nodes].into(),
        }
    }

    /// Appends a message on behalf of the node at `place`, this one; its offset. Nothing happens if
    /// there are no more offsets.
    pub(crate) fn append(&mut self, place: usize, message: Box<RawValue>) -> Option<u64> {
        let round = self.open[place];
        let offset = round
            .checked_mul(self.open.len() as u64)?
            .checked_add(place as u64)?;
        self.open[place] = round.checked_add(1)?;
        self.messages.insert(offset, message);
        Some(offset)
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

    /// The node at `place` appends in no round before this one any more; whether that is news.
    pub(crate) fn promise(&mut self, place: usize, round: u64) -> bool {
        match self.open.get_mut(place) {
            Some(open) if *open < round => {
                *open = round;
                true
            }
            Some(_) | None => false,
        }
    }

    /// The first round that the node at `place` may still append in.
    pub(crate) fn promised(&self, place: usize) -> u64 {
        self.open[place]
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

    #[test]
    fn a_node_alone_counts_from_zero_and_reads_at_once() {
        let mut log = Log::new(1);
        assert_eq!(log.append(0, message("7")), Some(0));
        assert_eq!(log.append(0, message("8")), Some(1));
        assert_eq!(read(&log, 0), [(0, "7"), (1, "8")]);
        assert_eq!(read(&log, 1), [(1, "8")]);
        assert_eq!(read(&log, 2), []);
        assert_eq!(read(&log, u64::MAX), []);
    }

    #[test]
    fn what_another_may_still_come_before_is_not_shown() {
        let mut log = Log::new(2);
        assert_eq!(log.append(0, message("1")), Some(0));
        assert_eq!(read(&log, 0), []);
        assert!(log.promise(1, 1));
        assert_eq!(read(&log, 0), [(0, "1")]);
        assert!(!log.promise(1, 1), "no news");
        assert_eq!(log.append(0, message("2")), Some(2));
        log.insert(3, message("3"));
        assert_eq!(log.origin(3), (1, 2));
        assert!(log.promise(1, 2));
        assert_eq!(read(&log, 1), [(2, "2"), (3, "3")]);
    }

    #[test]
    fn a_message_heard_twice_is_there_once_and_the_first_one_stays() {
        let mut log = Log::new(2);
        log.insert(1, message("1"));
        log.insert(1, message("2"));
        assert_eq!(log.all().count(), 1);
        log.promise(0, 1);
        log.promise(1, 1);
        assert_eq!(read(&log, 0), [(1, "1")]);
    }

    #[test]
    fn offsets_end_without_a_panic() {
        let mut log = Log::new(2);
        let (place, round) = log.origin(u64::MAX);
        assert_eq!(place, 1);
        log.insert(u64::MAX, message("1"));
        log.promise(0, round);
        log.promise(1, round);
        assert_eq!(log.append(0, message("2")), None);
        assert!(!log.promise(2, 9), "there is no such node");
        assert_eq!(read(&log, u64::MAX).len(), 0);
    }
}
