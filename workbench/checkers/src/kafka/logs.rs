//! The log of each key, built from all offsets that clients received.
//!
//! Polls count however they ended, since a node can only return messages that it has; sends count
//! only if they certainly took effect. Offsets may have gaps, so a log is a sorted list of
//! messages, and a message's *index* is its position in that list: skips are judged by index.

use super::parsed::{KeyId, MessageId, ParsedHistory};

/// The logs of all keys.
pub(super) struct Logs {
    logs: Vec<Log>,
    /// The indices of each message, if its offset is known.
    indices: Vec<Option<Indices>>,
}

/// The log of one key.
#[derive(Default)]
pub(super) struct Log {
    /// All messages, in order of offsets; several entries where messages share an offset.
    pub(super) slots: Vec<Slot>,
    /// The message at each index; of several, the one that occurs first in the history.
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
pub(super) struct Indices {
    /// The first and the last index.
    pub(super) first: usize,
    pub(super) last: usize,
    /// The last index at which it is not hidden by another message with the same offset.
    by_value: Option<usize>,
}

impl Logs {
    pub(super) fn of(parsed: &ParsedHistory<'_>) -> Self {
        let mut seen: Vec<(KeyId, u64, MessageId)> = Vec::new();
        for completion in &parsed.completions {
            let is_committed = completion.is_committed(&parsed.messages);
            let sent = completion.sent().filter(|_| is_committed);
            for entry in sent.chain(completion.polled()) {
                let key = parsed.messages[entry.message()].key;
                let message = entry.message();
                seen.extend(entry.offset().map(|offset| (key, offset, message)));
            }
        }
        seen.sort_unstable();
        seen.dedup();

        let mut logs = Logs {
            logs: parsed.keys.iter().map(|_| Log::default()).collect(),
            indices: vec![None; parsed.messages.len()],
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
        let indices = self.indices[message].get_or_insert(Indices {
            first: index,
            last: index,
            by_value: None,
        });
        indices.last = index;
        if is_new {
            indices.by_value = Some(index);
        }
    }

    /// All logs, in order of keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Log> {
        self.logs.iter()
    }

    pub(super) fn log(&self, key: KeyId) -> &Log {
        &self.logs[key]
    }

    pub(super) fn indices_of(&self, message: MessageId) -> Option<Indices> {
        self.indices[message]
    }

    /// The index by which a message is judged.
    pub(super) fn index(&self, message: MessageId) -> Option<usize> {
        self.indices[message]?.by_value
    }

    /// The distance of two messages of a key; 1 if it is unknown.
    pub(super) fn distance(&self, from: MessageId, to: MessageId) -> i64 {
        match (self.index(from), self.index(to)) {
            (Some(from), Some(to)) => to as i64 - from as i64,
            _ => 1,
        }
    }
}

impl Log {
    /// The slots, grouped by offset.
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
