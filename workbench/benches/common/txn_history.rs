//! A strictly serializable history of transactions, of any length.

use std::borrow::Cow;
use std::fmt::Write;

use anyhow::Context;
use history::{History, Kind, Op, OpMeta, Process, Value};
use rand::RngExt;
use simulator::rng::{SeededRng, substream};

/// The type of the objects that transactions read and write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Objects {
    /// A read returns the last write.
    Registers,
    /// A read returns all appends.
    Lists,
}

/// A store that applies transactions one by one, and their generator.
pub struct Store {
    objects: Objects,
    rng: SeededRng,
    /// The active keys, each with the last value drawn for it.
    active: Vec<(usize, usize)>,
    writes_per_key: usize,
    /// What a read of each key returns, as JSON.
    stored: Vec<String>,
}

/// A client's state.
enum Client {
    Idle,
    Invoked(Vec<(usize, Option<usize>)>),
    Applied(String),
}

impl Store {
    /// A store with this many active keys, each of which is retired after this many writes.
    pub fn new(objects: Objects, keys: usize, writes_per_key: usize) -> Self {
        Store {
            objects,
            rng: substream(1, "registers"),
            active: (0..keys).map(|key| (key, 0)).collect(),
            writes_per_key,
            stored: vec!["null".to_owned(); keys],
        }
    }

    /// The history of five clients, each of which invokes a transaction, has it applied, and completes
    /// it, at random times.
    pub fn history(mut self, transactions: usize) -> anyhow::Result<History> {
        let mut clients: Vec<Client> = (0..5).map(|_| Client::Idle).collect();
        let mut history = History::default();
        let mut invoked = 0;
        while history.ops.len() < 2 * transactions {
            let process = self.rng.random_range(0..clients.len() as u32);
            let client = clients.get_mut(process as usize).context("no client")?;
            let (next, line) = match std::mem::replace(client, Client::Idle) {
                Client::Idle if invoked == transactions => (Client::Idle, None),
                Client::Idle => {
                    invoked += 1;
                    let drawn = self.draw();
                    let value = self.text(&drawn);
                    (Client::Invoked(drawn), Some((Kind::Invoke, value)))
                }
                Client::Invoked(drawn) => (Client::Applied(self.apply(&drawn)), None),
                Client::Applied(value) => (Client::Idle, Some((Kind::Ok, value))),
            };
            *client = next;
            if let Some((kind, value)) = line {
                let index = history.ops.len();
                history.ops.push(Op {
                    index,
                    time: index as u64 * 1_000_000,
                    kind,
                    process: Process::Client(process.into()),
                    f: Cow::Borrowed("txn"),
                    value: Value::from_wire(&value),
                    error: None,
                    meta: OpMeta::default(),
                });
            }
        }
        Ok(history)
    }

    /// Draws one to four reads (without a value) and writes. Each key is drawn twice as often as the
    /// one before it. A key with all its writes is replaced by a new one.
    fn draw(&mut self) -> Vec<(usize, Option<usize>)> {
        let length = self.rng.random_range(1..=4_u32);
        let mut drawn = Vec::new();
        while drawn.len() < length as usize {
            let range = ((1_u64 << self.active.len()) - 1) * 2;
            let point = self.rng.random::<f64>() * range as f64 + 2.0;
            let slot = (point.log2() as usize - 1).min(self.active.len() - 1);
            let (key, last) = &mut self.active[slot];
            if self.rng.random() {
                drawn.push((*key, None));
            } else if *last < self.writes_per_key {
                *last += 1;
                drawn.push((*key, Some(*last)));
            } else {
                self.active[slot] = (self.stored.len(), 0);
                self.stored.push("null".to_owned());
            }
        }
        drawn
    }

    fn apply(&mut self, drawn: &[(usize, Option<usize>)]) -> String {
        let mut done = Vec::new();
        for &(key, value) in drawn {
            let stored = &mut self.stored[key];
            let Some(value) = value else {
                done.push(format!(r#"["r",{key},{stored}]"#));
                continue;
            };
            match self.objects {
                Objects::Registers => *stored = value.to_string(),
                Objects::Lists if stored.pop() == Some(']') => {
                    write!(stored, ",{value}]").expect("writing to a string does not fail");
                }
                Objects::Lists => *stored = format!("[{value}]"),
            }
            done.push(self.write(key, value));
        }
        format!("[{}]", done.join(","))
    }

    fn text(&self, drawn: &[(usize, Option<usize>)]) -> String {
        let micro_op = |&(key, value): &(usize, Option<usize>)| match value {
            None => format!(r#"["r",{key},null]"#),
            Some(value) => self.write(key, value),
        };
        let all: Vec<String> = drawn.iter().map(micro_op).collect();
        format!("[{}]", all.join(","))
    }

    fn write(&self, key: usize, value: usize) -> String {
        let write = match self.objects {
            Objects::Registers => "w",
            Objects::Lists => "append",
        };
        format!(r#"["{write}",{key},{value}]"#)
    }
}
