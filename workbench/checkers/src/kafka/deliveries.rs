//! Messages and their offsets: each has one of its own, and what lies below a message that was read
//! is read, too, sooner or later.

use std::collections::BTreeMap;

use super::Analysis;
use super::account::MessageId;
use super::cases::{Anomaly, Case, LISTED, named};
use super::logs::Log;
use super::micro_ops::KeyName;
use crate::told;
use history::edn::{self, Edn};
use history::{Kind, Op};

/// How many unseen messages of a key are listed.
const UNSEEN: usize = 32;

impl<'a> Analysis<'a> {
    /// All errors of messages that are not where they should be.
    pub(super) fn delivery_anomalies(&self) -> Vec<Anomaly> {
        let found = [
            Anomaly::of("inconsistent-offsets", &self.shared_offsets(), LISTED, self),
            Anomaly::of("duplicate", &self.duplicates(), LISTED, self),
            Anomaly::of("lost-write", &self.lost_writes(), LISTED, self),
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
        let mut counts = vec![0; self.account.messages.len()];
        for slot in self.logs.iter().flat_map(|log| &log.slots) {
            counts[slot.message] += 1;
        }
        let counts = counts.into_iter().enumerate();
        counts
            .filter(|(_, count)| *count > 1)
            .map(|(message, count)| Duplicate { message, count })
            .collect()
    }

    /// A message may be in the log more than once. What was read counts as read where it stands
    /// first, and what is missing is missing only where it stands last: the benefit of the doubt.
    fn lost_writes(&self) -> Vec<LostWrite<'a>> {
        let mut found = Vec::new();
        for log in self.logs.iter() {
            let messages = log.slots.iter().map(|slot| slot.message);
            let read = messages.filter_map(|message| {
                let reader = self.account.messages[message].reader?;
                Some((self.logs.place(message)?.first, message, reader))
            });
            // Of several messages at the highest offset, the one that the history mentions first.
            let highest = read.max_by_key(|(first, message, _)| (*first, usize::MAX - message));
            let Some((bound, read, reader)) = highest else {
                continue;
            };
            for slot in log.slots.iter().filter(|slot| slot.index <= bound) {
                let message = &self.account.messages[slot.message];
                if let Some(place) = self.logs.place(slot.message)
                    && place.last == slot.index
                    && message.is_committed
                    && message.reader.is_none()
                {
                    found.push(LostWrite {
                        message: slot.message,
                        index: place.first,
                        bound,
                        read,
                        reader,
                    });
                }
            }
        }
        found
    }

    /// What was acknowledged and never polled. A message that was polled is seen, acknowledged or
    /// not; Maelstrom calls it unseen if its key is first heard of in the last operation of all.
    fn unseen(&self) -> Option<Anomaly> {
        let mut unseen: BTreeMap<&KeyName<'static>, Vec<MessageId>> = BTreeMap::new();
        for (id, message) in self.account.messages.iter().enumerate() {
            if message.is_acknowledged && message.reader.is_none() {
                let name = &self.account.keys[message.key].name;
                unseen.entry(name).or_default().push(id);
            }
        }
        if unseen.is_empty() {
            return None;
        }
        for messages in unseen.values_mut() {
            messages.sort_by_key(|id| &self.account.messages[*id].value);
        }

        let mut completions = self.account.completions.iter().rev();
        let last = completions.find(|it| it.op.kind == Kind::Ok && it.assigned.is_none());
        let counts = unseen.iter();
        let counts = counts.map(|(name, messages)| (name.to_edn(), edn::count(messages.len())));
        let messages = unseen.iter().map(|(name, messages)| {
            let listed = messages.iter().take(UNSEEN).copied();
            (name.to_edn(), self.values_edn(listed))
        });
        let entry = edn::map([
            ("time", last.map_or(Edn::Nil, |it| edn::integer(it.op.time))),
            ("unseen", edn::map_of(counts.collect())),
            ("messages", edn::map_of(messages.collect())),
        ]);
        let findings = unseen.values().map(|messages| self.tell_unseen(messages));
        Some(Anomaly {
            name: "unseen",
            entry,
            findings: told(unseen.len(), findings),
        })
    }

    fn tell_unseen(&self, messages: &[MessageId]) -> String {
        let key = messages
            .first()
            .map_or_else(String::new, |it| self.key(*it));
        let first = messages.first();
        let first = first.map_or_else(String::new, |it| self.message_and_sender(*it));
        match messages.len() {
            1 => format!("unseen: {first} of {key} was acknowledged, but nobody ever polled it"),
            count => format!(
                "unseen: {count} messages of {key} were acknowledged, but nobody ever polled them; \
                 one is {first}"
            ),
        }
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

    fn to_edn(&self, analysis: &Analysis<'_>) -> Edn {
        let values = self.messages.iter().map(|it| analysis.value_edn(*it));
        edn::map([
            ("key", analysis.key_edn(self.messages[0])),
            ("offset", edn::integer(self.offset)),
            ("index", edn::count(self.index)),
            ("values", Edn::Set(values.collect())),
        ])
    }

    fn tell(&self, analysis: &Analysis<'_>) -> String {
        let messages = self.messages.iter();
        let messages = messages.map(|it| analysis.message_and_sender(*it));
        let messages = named(self.messages.len(), messages);
        let (offset, key) = (self.offset, analysis.key(self.messages[0]));
        format!("offset {offset} of {key} holds {messages}")
    }
}

/// A message at several offsets.
struct Duplicate {
    message: MessageId,
    count: usize,
}

impl Duplicate {
    fn offsets(&self, analysis: &Analysis<'_>) -> Vec<u64> {
        let key = analysis.account.messages[self.message].key;
        analysis.logs.log(key).offsets_of(self.message).collect()
    }
}

impl Case for Duplicate {
    fn weight(&self) -> i64 {
        self.count as i64
    }

    fn to_edn(&self, analysis: &Analysis<'_>) -> Edn {
        let offsets = self.offsets(analysis).into_iter().map(edn::integer);
        edn::map([
            ("key", analysis.key_edn(self.message)),
            ("value", analysis.value_edn(self.message)),
            ("count", edn::count(self.count)),
            ("offsets", Edn::Vector(offsets.collect())),
        ])
    }

    fn tell(&self, analysis: &Analysis<'_>) -> String {
        let offsets = self.offsets(analysis);
        let offsets = named(offsets.len(), offsets.iter().map(u64::to_string));
        let key = analysis.key(self.message);
        let message = analysis.message_and_sender(self.message);
        format!("{message} of {key} is at offsets {offsets}")
    }
}

/// A message that nobody read, below one that somebody read.
struct LostWrite<'a> {
    message: MessageId,
    index: usize,
    /// The index of the highest message that was read, that message, and who read it.
    bound: usize,
    read: MessageId,
    reader: &'a Op,
}

impl Case for LostWrite<'_> {
    fn to_edn(&self, analysis: &Analysis<'_>) -> Edn {
        let writer = analysis.account.messages[self.message].sender;
        edn::map([
            ("key", analysis.key_edn(self.message)),
            ("value", analysis.value_edn(self.message)),
            ("index", edn::count(self.index)),
            ("max-read-index", edn::count(self.bound)),
            ("writer", writer.map_or(Edn::Nil, Op::to_edn)),
            ("max-read", self.reader.to_edn()),
        ])
    }

    fn tell(&self, analysis: &Analysis<'_>) -> String {
        let Op { process, index, .. } = self.reader;
        let (key, read) = (analysis.key(self.message), analysis.message(self.read));
        let lost = analysis.message_and_sender(self.message);
        format!(
            "nobody ever polled {lost} of {key}, though process {process} came as far as {read} \
             (op {index})"
        )
    }
}
