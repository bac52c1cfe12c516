//! What clients did and were told, with keys and messages as small numbers.
//!
//! A message is one value of one key. Most questions are about a message and not about an
//! operation: who sent it, did that last, has anybody read it? The answers are collected here once,
//! so that every check is a walk over completions or over messages.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::micro_ops::{KeyName, MicroOp, Record, micro_ops};
use crate::element::{Element, tagged};
use history::{History, Kind, Op};

/// The number of a key, in order of first mention.
pub(super) type KeyId = usize;

/// The number of a message among those of all keys, in order of first mention.
pub(super) type MessageId = usize;

/// A history, taken apart.
#[derive(Default)]
pub(super) struct Account<'a> {
    pub(super) keys: Vec<Key<'a>>,
    pub(super) messages: Vec<Message<'a>>,
    pub(super) completions: Vec<Completion<'a>>,
}

pub(super) struct Key<'a> {
    pub(super) name: KeyName<'static>,
    /// The first `ok` poll that returned this key, be it with an empty list.
    pub(super) poller: Option<&'a Op>,
}

/// One value of one key, however often it was sent.
pub(super) struct Message<'a> {
    pub(super) key: KeyId,
    pub(super) value: Element,
    /// The last completion that tells of its sending.
    pub(super) sender: Option<&'a Op>,
    /// Whether that certainly took effect: it is `ok`, or somebody read a message of it.
    pub(super) is_committed: bool,
    /// Whether some sender's completion is `ok`.
    pub(super) is_acknowledged: bool,
    /// Whether some sender's completion is `fail`.
    pub(super) is_refused: bool,
    /// The first `ok` poll that returned it.
    pub(super) reader: Option<&'a Op>,
}

/// The end of a send, a poll, a transaction or an assignment.
pub(super) struct Completion<'a> {
    pub(super) op: &'a Op,
    pub(super) process: u64,
    /// When it was invoked.
    pub(super) begun: u64,
    /// The keys of an assignment.
    pub(super) assigned: Option<Box<[KeyId]>>,
    /// What it sent and what it polled: one run for each key.
    pub(super) sends: Runs,
    pub(super) polls: Runs,
}

/// The messages of an operation, key by key. Polls are most of a history: they take two pieces of
/// memory, whatever the number of keys.
#[derive(Default)]
pub(super) struct Runs {
    /// Each key, and where its entries end.
    keys: Box<[(u32, u32)]>,
    entries: Box<[Entry]>,
}

/// The messages of one key in one operation, in their order.
#[derive(Clone, Copy)]
pub(super) struct Run<'r> {
    pub(super) key: KeyId,
    pub(super) entries: &'r [Entry],
}

/// A message at an offset. An unknown offset is nothing, and so is a negative one.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// One more than the offset, its lower half first; 0 if it is unknown. In halves an entry takes
    /// twelve bytes and not sixteen.
    after: [u32; 2],
    message: u32,
}

impl Runs {
    /// One run for each key, whatever the micro-operations were. A key that was polled without
    /// result has a run, too, without entries.
    fn by_key(mut parts: Vec<(KeyId, Option<Entry>)>) -> Self {
        parts.sort_by_key(|(key, _)| *key);
        let runs = parts.chunk_by(|(one, _), (other, _)| one == other);
        let ends = runs.scan(0, |end, run| {
            *end += run.iter().filter(|(_, entry)| entry.is_some()).count() as u32;
            Some((run[0].0 as u32, *end))
        });
        Runs {
            keys: ends.collect(),
            entries: parts.iter().filter_map(|(_, entry)| *entry).collect(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Run<'_>> {
        let starts = [0].into_iter().chain(self.keys.iter().map(|(_, end)| *end));
        self.keys
            .iter()
            .zip(starts)
            .map(|(&(key, end), start)| Run {
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

impl<'a> Account<'a> {
    /// Reads all completions.
    ///
    /// # Errors
    /// When a value cannot be understood: in words for a person.
    pub(super) fn of(history: &'a History) -> Result<Self, String> {
        let mut reader = Reader::default();
        let mut open: HashMap<u64, &Op> = HashMap::new();
        for op in &history.ops {
            let Some(process) = op.process.client() else {
                continue;
            };
            if op.kind == Kind::Invoke {
                open.insert(process, op);
            } else {
                let invocation = open.remove(&process);
                reader
                    .learn(op, process, invocation)
                    .map_err(|error| malformed(op, &error))?;
            }
        }
        let mut account = reader.account;
        account.settle();
        Ok(account)
    }

    /// Decides of every message whether it must have been committed, once all polls are known.
    fn settle(&mut self) {
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
    /// Everything it sent, key by key.
    pub(super) fn sent(&self) -> impl Iterator<Item = &Entry> {
        self.sends.entries()
    }

    /// Everything it polled, key by key.
    pub(super) fn polled(&self) -> impl Iterator<Item = &Entry> {
        self.polls.entries()
    }

    /// Whether its sends certainly took effect: it is `ok`, or nobody knows and one of its messages
    /// was read.
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

/// An account in the making, with the numbers given so far.
#[derive(Default)]
struct Reader<'a> {
    account: Account<'a>,
    keys: HashMap<KeyName<'static>, KeyId>,
    messages: HashMap<(KeyId, Element), MessageId>,
}

impl<'a> Reader<'a> {
    fn learn(
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
            sends: Runs::default(),
            polls: Runs::default(),
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
                for part in micro_ops(op, invocation)? {
                    match part {
                        MicroOp::Send(key, record) => self.add(&key, &[record], &mut sends),
                        MicroOp::Poll(keys) => {
                            for (key, records) in &keys {
                                self.add(key, records, &mut polls);
                            }
                        }
                    }
                }
                completion.sends = Runs::by_key(sends);
                completion.polls = Runs::by_key(polls);
                self.note(&completion);
            }
            _ => return Ok(()),
        }
        self.account.completions.push(completion);
        Ok(())
    }

    fn add(
        &mut self,
        key: &KeyName<'_>,
        records: &[Record<'_>],
        parts: &mut Vec<(KeyId, Option<Entry>)>,
    ) {
        let key = self.key(key);
        if records.is_empty() {
            parts.push((key, None));
        }
        for Record(offset, message) in records {
            let message = self.message(key, message.get());
            parts.push((key, Some(Entry::new(*offset, message))));
        }
    }

    fn key(&mut self, name: &KeyName<'_>) -> KeyId {
        if let Some(key) = self.keys.get(name) {
            return *key;
        }
        let key = self.account.keys.len();
        self.keys.insert(name.to_owned(), key);
        self.account.keys.push(Key {
            name: name.to_owned(),
            poller: None,
        });
        key
    }

    fn message(&mut self, key: KeyId, json: &str) -> MessageId {
        let value = Element::parse(json);
        let next = self.account.messages.len();
        let id = *self.messages.entry((key, value.clone())).or_insert(next);
        if id == next {
            self.account.messages.push(Message {
                key,
                value,
                sender: None,
                is_committed: false,
                is_acknowledged: false,
                is_refused: false,
                reader: None,
            });
        }
        id
    }

    /// Writes down what a completion says about its messages.
    fn note(&mut self, completion: &Completion<'a>) {
        let Account { keys, messages, .. } = &mut self.account;
        let op = completion.op;
        for entry in completion.sent() {
            let message = &mut messages[entry.message()];
            message.sender = Some(op);
            message.is_acknowledged |= op.kind == Kind::Ok;
            message.is_refused |= op.kind == Kind::Fail;
        }
        if op.kind == Kind::Ok {
            for run in completion.polls.iter() {
                keys[run.key].poller.get_or_insert(op);
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
