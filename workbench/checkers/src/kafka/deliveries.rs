//! Messages and offsets: each message has one offset and each offset one message, and a message
//! below one that was polled is polled sooner or later.

use std::collections::BTreeMap;

use super::Analysis;
use super::cases::{Case, DEFAULT_KEEP, cases};
use super::codec;
use super::logs::Log;
use super::micro_ops::KeyName;
use super::parsed::MessageId;
use super::result::LogAnomaly;
use crate::elle::Cases;
use history::{Kind, Op};

/// The number of unseen messages of a key that are listed.
const MAX_UNSEEN: usize = 32;

impl<'a> Analysis<'a> {
    /// All anomalies of offsets, and of messages that were not polled.
    pub(super) fn delivery_anomalies(&self) -> Vec<Cases<LogAnomaly>> {
        let found = [
            cases(
                "inconsistent-offsets",
                &self.shared_offsets(),
                DEFAULT_KEEP,
                self,
            ),
            cases("duplicate", &self.duplicates(), DEFAULT_KEEP, self),
            cases("lost-write", &self.lost_writes(), DEFAULT_KEEP, self),
            self.unseen(),
        ];
        found.into_iter().flatten().collect()
    }

    fn shared_offsets(&self) -> Vec<SharedOffset> {
        let offsets = self.logs.iter().flat_map(Log::offsets);
        let shared = offsets.filter(|slots| slots.len() > 1);
        let shared = shared.map(|slots| SharedOffset {
            offset: slots[0].offset,
            index: slots[0].index,
            messages: slots.iter().map(|slot| slot.message).collect(),
        });
        shared.collect()
    }

    fn duplicates(&self) -> Vec<Duplicate> {
        let mut counts = vec![0; self.parsed.messages.len()];
        for slot in self.logs.iter().flat_map(|log| &log.slots) {
            counts[slot.message] += 1;
        }
        let counts = counts.into_iter().enumerate();
        counts
            .filter(|(_, count)| *count > 1)
            .map(|(message, count)| Duplicate { message, count })
            .collect()
    }

    /// A message may be in the log more than once. A polled message counts as read at its first
    /// index, and a missing one as missing only at its last index, so that no case is doubtful.
    fn lost_writes(&self) -> Vec<LostWrite<'a>> {
        let mut found = Vec::new();
        for log in self.logs.iter() {
            let messages = log.slots.iter().map(|slot| slot.message);
            let read = messages.filter_map(|message| {
                let reader = self.parsed.messages[message].reader?;
                Some((self.logs.indices_of(message)?.first, message, reader))
            });
            // Of several messages at the highest offset, the one that occurs first in the history.
            let highest = read.max_by_key(|(first, message, _)| (*first, usize::MAX - message));
            let Some((bound, read, reader)) = highest else {
                continue;
            };
            for slot in log.slots.iter().filter(|slot| slot.index <= bound) {
                let message = &self.parsed.messages[slot.message];
                if let Some(indices) = self.logs.indices_of(slot.message)
                    && indices.last == slot.index
                    && message.is_committed
                    && message.reader.is_none()
                {
                    found.push(LostWrite {
                        message: slot.message,
                        index: indices.first,
                        bound,
                        read,
                        reader,
                    });
                }
            }
        }
        found
    }

    /// Messages that were acknowledged and never polled. A polled message is seen, acknowledged or
    /// not; Maelstrom counts it as unseen if its key first occurs in the last operation of all.
    fn unseen(&self) -> Option<Cases<LogAnomaly>> {
        let mut unseen: BTreeMap<&KeyName<'static>, Vec<MessageId>> = BTreeMap::new();
        for (id, message) in self.parsed.messages.iter().enumerate() {
            if message.is_acknowledged && message.reader.is_none() {
                let name = &self.parsed.keys[message.key].name;
                unseen.entry(name).or_default().push(id);
            }
        }
        if unseen.is_empty() {
            return None;
        }
        for messages in unseen.values_mut() {
            messages.sort_by_key(|id| &self.parsed.messages[*id].value);
        }

        let resolved = unseen.iter().map(|(name, messages)| LogAnomaly::Unseen {
            key: name.to_element(),
            count: messages.len(),
            messages: messages
                .iter()
                .take(MAX_UNSEEN)
                .map(|it| self.message(*it))
                .collect(),
        });
        Some(Cases {
            name: codec::UNSEEN,
            count: unseen.len(),
            cases: resolved.collect(),
        })
    }

    /// The time of the last send or poll that completed as `ok`.
    pub(super) fn last_ok(&self) -> Option<u64> {
        let mut completions = self.parsed.completions.iter().rev();
        let last = completions.find(|it| it.op.kind == Kind::Ok && it.assigned.is_none());
        last.map(|it| it.op.time)
    }
}

/// An offset with several messages.
struct SharedOffset {
    offset: u64,
    index: usize,
    messages: Vec<MessageId>,
}

impl Case for SharedOffset {
    fn weight(&self) -> i64 {
        self.messages.len() as i64
    }

    fn resolve(&self, analysis: &Analysis<'_>) -> LogAnomaly {
        let messages = self.messages.iter();
        LogAnomaly::SharedOffset {
            offset: self.offset,
            index: self.index,
            messages: messages.map(|it| analysis.message(*it)).collect(),
        }
    }
}

/// A message at several offsets.
struct Duplicate {
    message: MessageId,
    count: usize,
}

impl Case for Duplicate {
    fn weight(&self) -> i64 {
        self.count as i64
    }

    fn resolve(&self, analysis: &Analysis<'_>) -> LogAnomaly {
        let key = analysis.parsed.messages[self.message].key;
        LogAnomaly::Duplicate {
            message: analysis.message(self.message),
            offsets: analysis.logs.log(key).offsets_of(self.message).collect(),
        }
    }
}

/// A message that was not polled, below one that was.
struct LostWrite<'a> {
    message: MessageId,
    index: usize,
    /// The index of the highest message that was polled, that message, and the operation that
    /// polled it.
    bound: usize,
    read: MessageId,
    reader: &'a Op,
}

impl Case for LostWrite<'_> {
    fn resolve(&self, analysis: &Analysis<'_>) -> LogAnomaly {
        LogAnomaly::LostWrite {
            message: analysis.message(self.message),
            index: self.index,
            max_read_index: self.bound,
            max_read: analysis.message(self.read),
            writer: analysis.parsed.messages[self.message].sender.cloned(),
            reader: self.reader.clone(),
        }
    }
}
