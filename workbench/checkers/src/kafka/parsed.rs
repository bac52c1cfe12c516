//! A parsed history, with keys and messages as small numbers.
//!
//! A message is one value of one key. Most checks are about messages and not about operations:
//! which operation sent it, and did that take effect; was it polled? The answers are collected here
//! once, so that every check is a walk over completions or over messages.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::micro_ops::{KeyName, MicroOp, RawMessage, micro_ops};
use crate::element::{Element, tagged};
use history::{History, Kind, Op};

/// The number of a key, in order of first occurrence.
pub(super) type KeyId = usize;

/// The number of a message among those of all keys, in order of first occurrence.
pub(super) type MessageId = usize;

/// A parsed history.
#[derive(Default)]
pub(super) struct ParsedHistory<'a> {
    pub(super) keys: Vec<Key<'a>>,
    pub(super) messages: Vec<Message<'a>>,
    pub(super) completions: Vec<Completion<'a>>,
}

pub(super) struct Key<'a> {
    pub(super) name: KeyName<'static>,
    /// The first `ok` poll that returned this key, possibly with an empty list.
    pub(super) poller: Option<&'a Op>,
}

/// One value of one key, no matter how often it was sent.
pub(super) struct Message<'a> {
    pub(super) key: KeyId,
    pub(super) value: Element,
    /// The last completion that sent it.
    pub(super) sender: Option<&'a Op>,
    /// Whether the sender certainly took effect: it is `ok`, or one of its messages was polled.
    pub(super) is_committed: bool,
    /// Whether one of its senders is `ok`.
    pub(super) is_acknowledged: bool,
    /// Whether one of its senders is `fail`.
    pub(super) is_failed: bool,
    /// The first `ok` poll that returned it.
    pub(super) reader: Option<&'a Op>,
}

/// The completion of a send, a poll, a transaction or an assignment.
pub(super) struct Completion<'a> {
    pub(super) op: &'a Op,
    pub(super) process: u64,
    /// The time of its invocation.
    pub(super) begun: u64,
    /// The keys of an assignment.
    pub(super) assigned: Option<Box<[KeyId]>>,
    /// The messages sent and the messages polled.
    pub(super) sends: KeyGroups,
    pub(super) polls: KeyGroups,
}

/// The messages of an operation, grouped by key. Polls are most of a history: they take two
/// allocations, whatever the number of keys.
#[derive(Default)]
pub(super) struct KeyGroups {
    /// Each key, and the end of its entries.
    keys: Box<[(u32, u32)]>,
    entries: Box<[Entry]>,
}

/// The messages of one key in one operation, in their order.
#[derive(Clone, Copy)]
pub(super) struct KeyGroup<'r> {
    pub(super) key: KeyId,
    pub(super) entries: &'r [Entry],
}

/// A message with its offset. A negative offset counts as unknown.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// The offset plus one, low half first; 0 if it is unknown. As two halves, so that an entry
    /// takes twelve bytes and not sixteen.
    after: [u32; 2],
    message: u32,
}

impl KeyGroups {
    /// Groups entries by key. A key that was polled without a result has an empty group.
    fn by_key(mut parts: Vec<(KeyId, Option<Entry>)>) -> Self {
        parts.sort_by_key(|(key, _)| *key);
        let groups = parts.chunk_by(|(one, _), (other, _)| one == other);
        let ends = groups.scan(0, |end, group| {
            *end += group.iter().filter(|(_, entry)| entry.is_some()).count() as u32;
            Some((group[0].0 as u32, *end))
        });
        KeyGroups {
            keys: ends.collect(),
            entries: parts.iter().filter_map(|(_, entry)| *entry).collect(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = KeyGroup<'_>> {
        let starts = [0].into_iter().chain(self.keys.iter().map(|(_, end)| *end));
        self.keys
            .iter()
            .zip(starts)
            .map(|(&(key, end), start)| KeyGroup {
                key: key as KeyId,
                entries: &self.entries[start as usize..end as usize],
            })
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl Entry {
    pub(super) fn new(offset: Option<i64>, message: MessageId) -> Self {
        let offset = offset.and_then(|offset| u64::try_from(offset).ok());
        let after = offset.map_or(0, |offset| offset + 1);
        Entry {
            after: [after as u32, (after >> 32) as u32],
            message: message as u32,
        }
    }

    pub(super) fn offset(&self) -> Option<u64> {
        let [low, high] = self.after.map(u64::from);
        (low | high << 32).checked_sub(1)
    }

    pub(super) fn message(&self) -> MessageId {
        self.message as MessageId
    }
}

impl<'a> ParsedHistory<'a> {
    /// Parses all completions.
    ///
    /// # Errors
    /// When a value is malformed, as a sentence.
    pub(super) fn of(history: &'a History) -> Result<Self, String> {
        let mut parser = Parser::default();
        let mut open: HashMap<u64, &Op> = HashMap::new();
        for op in &history.ops {
            let Some(process) = op.process.client() else {
                continue;
            };
            if op.kind == Kind::Invoke {
                open.insert(process, op);
            } else {
                let invocation = open.remove(&process);
                parser
                    .add_completion(op, process, invocation)
                    .map_err(|error| malformed(op, &error))?;
            }
        }
        let mut parsed = parser.parsed;
        parsed.mark_committed();
        Ok(parsed)
    }

    /// Decides for every message whether it was committed, once all polls are known.
    fn mark_committed(&mut self) {
        let messages = &mut self.messages;
        for completion in &self.completions {
            let is_committed = completion.is_committed(messages);
            for entry in completion.sent() {
                messages[entry.message()].is_committed = is_committed;
            }
        }
    }
}

impl Completion<'_> {
    /// All messages it sent, grouped by key.
    pub(super) fn sent(&self) -> impl Iterator<Item = &Entry> {
        self.sends.entries()
    }

    /// All messages it polled, grouped by key.
    pub(super) fn polled(&self) -> impl Iterator<Item = &Entry> {
        self.polls.entries()
    }

    /// Whether its sends certainly took effect: it is `ok`, or it is indeterminate and one of its
    /// messages was polled.
    pub(super) fn is_committed(&self, messages: &[Message<'_>]) -> bool {
        match self.op.kind {
            Kind::Ok => true,
            Kind::Info => self
                .sent()
                .any(|entry| messages[entry.message()].reader.is_some()),
            Kind::Invoke | Kind::Fail => false,
        }
    }
}

/// A parser, with the numbers assigned so far.
#[derive(Default)]
struct Parser<'a> {
    parsed: ParsedHistory<'a>,
    keys: HashMap<KeyName<'static>, KeyId>,
    messages: HashMap<(KeyId, Element), MessageId>,
}

impl<'a> Parser<'a> {
    fn add_completion(
        &mut self,
        op: &'a Op,
        process: u64,
        invocation: Option<&Op>,
    ) -> serde_json::Result<()> {
        let mut completion = Completion {
            op,
            process,
            begun: invocation.map_or(op.time, |invocation| invocation.time),
            assigned: None,
            sends: KeyGroups::default(),
            polls: KeyGroups::default(),
        };
        match &*op.f {
            "assign" => {
                let json = op.value.json();
                let json = tagged(json, "list").or(tagged(json, "set")).unwrap_or(json);
                let names: Vec<&RawValue> = serde_json::from_str(json)?;
                let keys = names
                    .into_iter()
                    .map(|name| Ok(self.key(&KeyName::parse(name)?)));
                completion.assigned = Some(keys.collect::<serde_json::Result<_>>()?);
            }
            "send" | "poll" | "txn" => {
                let (mut sends, mut polls) = (Vec::new(), Vec::new());
                for micro_op in micro_ops(op, invocation)? {
                    match micro_op {
                        MicroOp::Send(key, message) => self.add(&key, &[message], &mut sends),
                        MicroOp::Poll(keys) => {
                            for (key, messages) in &keys {
                                self.add(key, messages, &mut polls);
                            }
                        }
                    }
                }
                completion.sends = KeyGroups::by_key(sends);
                completion.polls = KeyGroups::by_key(polls);
                self.record(&completion);
            }
            _ => return Ok(()),
        }
        self.parsed.completions.push(completion);
        Ok(())
    }

    fn add(
        &mut self,
        key: &KeyName<'_>,
        messages: &[RawMessage<'_>],
        parts: &mut Vec<(KeyId, Option<Entry>)>,
    ) {
        let key = self.key(key);
        if messages.is_empty() {
            parts.push((key, None));
        }
        for RawMessage(offset, message) in messages {
            let message = self.message(key, message.get());
            parts.push((key, Some(Entry::new(*offset, message))));
        }
    }

    fn key(&mut self, name: &KeyName<'_>) -> KeyId {
        if let Some(key) = self.keys.get(name) {
            return *key;
        }
        let key = self.parsed.keys.len();
        self.keys.insert(name.to_owned(), key);
        self.parsed.keys.push(Key {
            name: name.to_owned(),
            poller: None,
        });
        key
    }

    fn message(&mut self, key: KeyId, json: &str) -> MessageId {
        let value = Element::parse(json);
        let next = self.parsed.messages.len();
        let id = *self.messages.entry((key, value.clone())).or_insert(next);
        if id == next {
            self.parsed.messages.push(Message {
                key,
                value,
                sender: None,
                is_committed: false,
                is_acknowledged: false,
                is_failed: false,
                reader: None,
            });
        }
        id
    }

    /// Records what a completion says about its messages.
    fn record(&mut self, completion: &Completion<'a>) {
        let ParsedHistory { keys, messages, .. } = &mut self.parsed;
        let op = completion.op;
        for entry in completion.sent() {
            let message = &mut messages[entry.message()];
            message.sender = Some(op);
            message.is_acknowledged |= op.kind == Kind::Ok;
            message.is_failed |= op.kind == Kind::Fail;
        }
        if op.kind == Kind::Ok {
            for group in completion.polls.iter() {
                keys[group.key].poller.get_or_insert(op);
            }
            for entry in completion.polled() {
                messages[entry.message()].reader.get_or_insert(op);
            }
        }
    }
}

fn malformed(op: &Op, error: &serde_json::Error) -> String {
    let Op {
        index, process, f, ..
    } = op;
    let time = op.seconds();
    format!("the {f} of process {process} at {time:.3} s (op {index}) cannot be read: {error}")
}
