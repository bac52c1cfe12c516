//! kafka: logs, one per key, to which producers append and which consumers poll.

mod client;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use rand::RngExt;
use serde_json::value::RawValue;

use super::final_reads::has_empty_graph;
use super::transactions::{self, MicroOp, Transactions};
use super::{FinalStep, Invocation, Session, Turn, Workload};
use crate::rng::SeededRng;
use crate::rpc::Rpc;
use checkers::{WorkloadResult, WorkloadVerdict};
use history::{History, Kind, OpMeta, Unseen, Value, json};

/// One operation in this many is an `assign`.
const ASSIGN_RATIO: u32 = 64;

/// One `assign` in this many includes all keys whose last message no poll has returned.
const WIDE_ASSIGN_RATIO: u32 = 3;

/// The mean time between two crashes of the same client.
const CRASH_INTERVAL: Duration = Duration::from_secs(30);

/// The mean time between two polls of a worker in the final phase.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The maximum duration of the final phase.
const MAX_FINAL_PHASE: Duration = Duration::from_secs(10);

/// The workload: sends and polls, sometimes an assignment or a crash of a client; at the end each
/// worker polls all keys from their beginning until it has reached their ends.
#[derive(Debug)]
pub(super) struct Kafka {
    transactions: Transactions,
    /// The next operation; an assignment may precede it.
    pending: Option<MicroOp>,
    next_crash: Duration,
    /// The highest offset of each key that was acknowledged or polled.
    highest: BTreeMap<u64, i64>,
    unseen: Offsets,
    finals: HashMap<usize, FinalProgress>,
    /// The value of `highest` at the start of the final phase, which final polls must reach.
    target: Option<BTreeMap<u64, i64>>,
}

/// The highest sent and polled offsets, for keys where they differ.
#[derive(Debug, Default)]
struct Offsets {
    sent: BTreeMap<u64, i64>,
    polled: BTreeMap<u64, i64>,
}

/// A worker's progress in the final phase.
#[derive(Debug, Default)]
struct FinalProgress {
    has_crashed: bool,
    has_assigned: bool,
    next_poll: Duration,
    polled: BTreeMap<u64, i64>,
}

impl Kafka {
    pub(super) fn new(params: transactions::TxnParams) -> Self {
        let params = transactions::TxnParams {
            max_txn_length: 1,
            ..params
        };
        Kafka {
            transactions: Transactions::new(params),
            pending: None,
            next_crash: Duration::ZERO,
            highest: BTreeMap::new(),
            unseen: Offsets::default(),
            finals: HashMap::new(),
            target: None,
        }
    }

    fn pending(&mut self, rng: &mut SeededRng) -> MicroOp {
        match self.pending {
            Some(micro_op) => micro_op,
            // Transactions have one micro-operation each.
            None => *self.pending.insert(self.transactions.next(rng)[0]),
        }
    }

    fn assign(&self, key: u64, rng: &mut SeededRng) -> Invocation {
        let unseen = self.unseen.by_key();
        if unseen.is_empty() || rng.random_range(0..WIDE_ASSIGN_RATIO) != 0 {
            return Invocation::new("assign", key_names([key].iter()));
        }
        let mut keys: Vec<u64> = unseen.iter().map(|(key, _)| *key).collect();
        if !keys.contains(&key) {
            keys.push(key);
        }
        let invocation = Invocation::new("assign", key_names(keys.iter()));
        let mut named = BTreeMap::new();
        named.extend(unseen.into_iter().map(|(key, it)| (key.to_string(), it)));
        let meta = OpMeta {
            unseen: history::boxed_unless_empty(named),
            ..OpMeta::default()
        };
        Invocation { meta, ..invocation }
    }
}

impl Workload for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["send", "poll", "assign", "crash"]
    }

    fn next(&mut self, turn: Turn, rng: &mut SeededRng) -> Invocation {
        if self.next_crash <= turn.at {
            let mean = CRASH_INTERVAL / u32::try_from(turn.workers).unwrap_or(u32::MAX);
            self.next_crash = turn.at + up_to_twice(mean, rng);
            return crash();
        }
        let micro_op = self.pending(rng);
        if rng.random_range(0..ASSIGN_RATIO) == 0 {
            return self.assign(micro_op.key(), rng);
        }
        self.pending = None;
        match micro_op {
            MicroOp::Read { .. } => poll(),
            MicroOp::Write { key, value } => {
                let send = json(&[("send", key.to_string(), value)]);
                Invocation::new("send", send)
            }
        }
    }

    fn observe(&mut self, worker: usize, f: &'static str, kind: Kind, value: &Value) {
        if kind != Kind::Ok {
            return;
        }
        let offsets = match f {
            "send" => sent(value),
            "poll" => polled(value),
            _ => return,
        };
        for (key, offset) in offsets {
            raise(&mut self.highest, key, offset);
            match f {
                "send" => raise(&mut self.unseen.sent, key, offset),
                _ => raise(&mut self.unseen.polled, key, offset),
            }
            self.unseen.remove_if_polled(key);
            if let Some(progress) = self.finals.get_mut(&worker).filter(|_| f == "poll") {
                raise(&mut progress.polled, key, offset);
            }
        }
    }

    fn has_final_phase(&self) -> bool {
        true
    }

    fn next_final(&mut self, turn: Turn, rng: &mut SeededRng) -> FinalStep {
        let target = self.target.get_or_insert_with(|| self.highest.clone());
        if target.is_empty() || turn.at >= MAX_FINAL_PHASE {
            return FinalStep::Done;
        }
        let progress = self.finals.entry(turn.worker).or_default();
        if !progress.has_crashed {
            progress.has_crashed = true;
            return FinalStep::Invoke(crash());
        }
        if !progress.has_assigned {
            progress.has_assigned = true;
            progress.next_poll = turn.at;
            let invocation = Invocation::new("assign", key_names(target.keys()));
            let meta = OpMeta {
                seek_to_beginning: true,
                ..OpMeta::default()
            };
            return FinalStep::Invoke(Invocation { meta, ..invocation });
        }
        let reached = |(key, offset): (&u64, &i64)| progress.polled.get(key) >= Some(offset);
        if target.iter().all(reached) {
            return FinalStep::Done;
        }
        if turn.at < progress.next_poll {
            return FinalStep::Wait(progress.next_poll.min(MAX_FINAL_PHASE));
        }
        progress.next_poll = turn.at + up_to_twice(POLL_INTERVAL, rng);
        let meta = OpMeta {
            poll_ms: Some(1000),
            ..OpMeta::default()
        };
        FinalStep::Invoke(Invocation { meta, ..poll() })
    }

    fn requests(&self) -> Vec<&'static Rpc> {
        client::requests()
    }

    fn session(&self) -> Box<dyn Session> {
        Box::<client::Client>::default()
    }

    fn is_read_only(&self, f: &str) -> bool {
        f == "assign"
    }

    fn check(&self, history: &History) -> WorkloadVerdict {
        checkers::kafka(history).into()
    }

    fn is_vacuous(&self, _: &History, result: &WorkloadResult) -> bool {
        has_empty_graph(result)
    }
}

impl Offsets {
    /// The keys with a message that was sent and not polled.
    fn by_key(&self) -> Vec<(u64, Unseen)> {
        let lag = |(key, sent): (&u64, &i64)| {
            let polled = self.polled.get(key).copied().unwrap_or(-1);
            let sent = *sent;
            (polled < sent).then_some((*key, Unseen { polled, sent }))
        };
        self.sent.iter().filter_map(lag).collect()
    }

    fn remove_if_polled(&mut self, key: u64) {
        let polled = self.polled.get(&key).copied().unwrap_or(-1);
        let sent = self.sent.get(&key).copied().unwrap_or(-1);
        if polled >= sent {
            self.polled.remove(&key);
            self.sent.remove(&key);
        }
    }
}

fn raise(offsets: &mut BTreeMap<u64, i64>, key: u64, offset: i64) {
    let highest = offsets.entry(key).or_insert(offset);
    *highest = offset.max(*highest);
}

fn crash() -> Invocation {
    Invocation::new("crash", history::null())
}

fn poll() -> Invocation {
    Invocation::new("poll", json(&[["poll"]]))
}

/// Keys as in requests and histories: strings.
fn key_names<'a>(keys: impl Iterator<Item = &'a u64>) -> Box<RawValue> {
    json(&keys.map(ToString::to_string).collect::<Vec<_>>())
}

/// The key and offset of `[["send", key, [offset, message]]]`, if the key is one of the workload's.
fn sent(value: &Value) -> Vec<(u64, i64)> {
    let sends: Vec<(String, String, client::Message)> = value.parse().unwrap_or_default();
    let offsets = sends.iter().filter_map(|(_, key, (offset, _))| {
        let key = key.parse().ok()?;
        Some((key, *offset))
    });
    offsets.collect()
}

/// The last offset of each key in `[["poll", {key: [[offset, message], …]}]]`.
fn polled(value: &Value) -> Vec<(u64, i64)> {
    let polls: Vec<(String, client::Messages)> = value.parse().unwrap_or_default();
    let keys = polls.iter().flat_map(|(_, messages)| messages);
    let offsets = keys.filter_map(|(key, messages)| {
        let offsets = messages.iter().flatten().map(|(offset, _)| *offset);
        Some((key.parse().ok()?, offsets.max()?))
    });
    offsets.collect()
}

fn up_to_twice(mean: Duration, rng: &mut SeededRng) -> Duration {
    let max = u64::try_from(mean.as_nanos().saturating_mul(2)).unwrap_or(u64::MAX);
    Duration::from_nanos(rng.random_range(0..max.max(1)))
}

#[cfg(test)]
mod tests;
