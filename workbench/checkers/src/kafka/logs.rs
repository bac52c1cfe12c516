//! The log of each key, put together from all offsets that anybody was told.
//!
//! Polls count however they ended, since what a node hands out it must have; sends only if they
//! certainly took effect. Offsets may have gaps of any width, so a log is a sorted list of what is
//! there, and a message's *index* is its place in that list: what is skipped is judged by indices.

use super::account::{Account, KeyId, MessageId};

/// The logs of all keys.
pub(super) struct Logs {
    logs: Vec<Log>,
    /// Where each message stands, if its offset is known.
    places: Vec<Option<Place>>,
}

/// The log of one key.
#[derive(Default)]
pub(super) struct Log {
    /// All that was seen, in order of offsets; several entries where messages share an offset.
    pub(super) slots: Vec<Slot>,
    /// The message at each index; of several the one that the history mentions first.
    pub(super) by_index: Vec<MessageId>,
}

/// A message at an offset.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) offset: u64,
    pub(super) index: usize,
    pub(super) message: MessageId,
}

/// The indices of a message, which may be in the log more than once.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The first and the last one.
    pub(super) first: usize,
    pub(super) last: usize,
    /// The last one at which it is not hidden by another message at the same offset.
    by_value: Option<usize>,
}

impl Logs {
    pub(super) fn of(account: &Account<'_>) -> Self {
        let mut seen: Vec<(KeyId, u64, MessageId)> = Vec::new();
        for completion in &account.completions {
            let is_committed = completion.is_committed(&account.messages);
            let sent = completion.sent().filter(|_| is_committed);
            for entry in sent.chain(completion.polled()) {
                let key = account.messages[entry.message()].key;
                let message = entry.message();
                seen.extend(entry.offset().map(|offset| (key, offset, message)));
            }
        }
        seen.sort_unstable();
        seen.dedup();

        let mut logs = Logs {
            logs: account.keys.iter().map(|_| Log::default()).collect(),
            places: vec![None; account.messages.len()],
        };
        for (key, offset, message) in seen {
            logs.append(key, offset, message);
        }
        logs
    }

    fn append(&mut self, key: KeyId, offset: u64, message: MessageId) {
        let log = &mut self.logs[key];
        let is_new = log.slots.last().is_none_or(|slot| slot.offset != offset);
        if is_new {
            log.by_index.push(message);
        }
        let index = log.by_index.len() - 1;
        log.slots.push(Slot {
            offset,
            index,
            message,
        });
        let place = self.places[message].get_or_insert(Place {
            first: index,
            last: index,
            by_value: None,
        });
        place.last = index;
        if is_new {
            place.by_value = Some(index);
        }
    }

    /// All logs, in order of keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Log> {
        self.logs.iter()
    }

    pub(super) fn log(&self, key: KeyId) -> &Log {
        &self.logs[key]
    }

    pub(super) fn place(&self, message: MessageId) -> Option<Place> {
        self.places[message]
    }

    /// The index that a message is known by.
    pub(super) fn index(&self, message: MessageId) -> Option<usize> {
        self.places[message]?.by_value
    }

    /// How many places lie between two messages of a key; where that is not known, the second is
    /// taken to follow on the first.
    pub(super) fn distance(&self, from: MessageId, to: MessageId) -> i64 {
        match (self.index(from), self.index(to)) {
            (Some(from), Some(to)) => to as i64 - from as i64,
            _ => 1,
        }
    }
}

impl Log {
    /// The messages at one offset after another, each time with the slots there.
    pub(super) fn offsets(&self) -> impl Iterator<Item = &[Slot]> {
        self.slots.chunk_by(|a, b| a.offset == b.offset)
    }

    /// All offsets of a message.
    pub(super) fn offsets_of(&self, message: MessageId) -> impl Iterator<Item = u64> {
        let slots = self.slots.iter();
        slots
            .filter(move |slot| slot.message == message)
            .map(|slot| slot.offset)
    }
}
