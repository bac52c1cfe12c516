//! The naive checker: every check scans the whole history.

use std::collections::{BTreeMap, BTreeSet};

use history::{History, Kind, Op};
use serde_json::Value;

use super::order::{self, Order};

/// The twin's results.
pub struct Judgement {
    /// The number of cases of each error, possibly zero.
    pub counts: BTreeMap<&'static str, usize>,
    /// Keys with acknowledged messages that were never polled.
    pub unseen: BTreeMap<String, Vec<Value>>,
    /// When the poll began, process, key, nanoseconds.
    pub worst_lag: Option<(u64, u64, String, u64)>,
}

impl Judgement {
    /// Whether there is no error; a skip among sends is none.
    pub fn is_valid(&self) -> bool {
        let mut counts = self.counts.iter();
        counts.all(|(name, count)| *name == "int-send-skip" || *count == 0)
    }
}

/// A completion, with its micro-operations.
pub struct Done<'a> {
    pub op: &'a Op,
    process: u64,
    begun: u64,
    /// Key, offset and message of each send, and of each polled message.
    pub sends: Vec<(String, Option<i64>, Value)>,
    pub polls: Vec<(String, Option<i64>, Value)>,
    /// Keys that were polled, possibly with an empty list.
    polled: Vec<String>,
    assigned: Option<Vec<String>>,
}

type Log = Vec<Vec<Value>>;

/// Judges a history, or returns why it cannot.
pub fn judge(history: &History) -> Result<Judgement, &'static str> {
    let done = completions(history).ok_or("malformed")?;
    let all_sent: Vec<_> = done.iter().flat_map(|it| &it.sends).collect();
    for (key, _, value) in done.iter().flat_map(|it| &it.polls) {
        if !all_sent.iter().any(|(k, _, v)| (k, v) == (key, value)) {
            return Err("never sent");
        }
    }
    let keys = keys(&done);
    let mut judgement = Judgement {
        counts: BTreeMap::new(),
        unseen: unseen(&done),
        worst_lag: worst_lag(&done, &keys),
    };
    let unseen = usize::from(!judgement.unseen.is_empty());
    judgement.counts.insert("unseen", unseen);
    for key in &keys {
        let log = log(&done, key);
        let is_polled = |it: &&Done<'_>| it.op.kind == Kind::Ok && it.polled.contains(key);
        let mut read = done.iter().filter(is_polled).flat_map(|it| it.reads(key));
        let is_known = read.any(|value| log.iter().any(|slot| slot.contains(&value)));
        if done.iter().any(|it| is_polled(&it)) && !is_known {
            return Err("only empty lists");
        }
        let count = &mut |name, count| *judgement.counts.entry(name).or_insert(0) += count;
        count_in_log(&done, key, &log, count);
        count_steps(&done, key, &dense(&done, key, &log), count);
    }
    let own_read = |it: &&Done<'_>| {
        let is_own = |(key, _, value): &(String, _, _)| it.writes(key).contains(value);
        it.polls.iter().any(is_own)
    };
    let own_reads = done.iter().filter(own_read).count();
    judgement.counts.insert("precommitted-read", own_reads);
    let order = order::of(history, &done);
    let counts = &mut judgement.counts;
    counts.insert("disorder", usize::from(order == Order::Circular));
    counts.insert("empty-transaction-graph", usize::from(order == Order::None));
    Ok(judgement)
}

impl Done<'_> {
    fn reads(&self, key: &str) -> Vec<Value> {
        let polls = self.polls.iter().filter(|(k, _, _)| k == key);
        polls.map(|(_, _, value)| value.clone()).collect()
    }

    fn writes(&self, key: &str) -> Vec<Value> {
        let sends = self.sends.iter().filter(|(k, _, _)| k == key);
        sends.map(|(_, _, value)| value.clone()).collect()
    }
}

/// All completions of sends, polls, transactions and assignments. `None` if one is malformed.
fn completions(history: &History) -> Option<Vec<Done<'_>>> {
    let mut done = Vec::new();
    let mut begun: BTreeMap<u64, &Op> = BTreeMap::new();
    for op in &history.ops {
        let process = op.process.client().unwrap();
        if op.kind == Kind::Invoke {
            begun.insert(process, op);
            continue;
        }
        let invocation = begun.remove(&process);
        let mut it = Done {
            op,
            process,
            begun: invocation.map_or(op.time, |invocation| invocation.time),
            sends: Vec::new(),
            polls: Vec::new(),
            polled: Vec::new(),
            assigned: None,
        };
        let value: Value = op.value.parse().unwrap();
        match &*op.f {
            "assign" => {
                let keys = value.as_array()?.iter();
                it.assigned = Some(
                    keys.map(|key| Some(key.as_str()?.to_owned()))
                        .collect::<Option<_>>()?,
                );
            }
            "crash" => continue,
            _ => {
                for part in value.as_array()? {
                    it.add(part)?;
                }
            }
        }
        done.push(it);
    }
    Some(done)
}

impl Done<'_> {
    fn add(&mut self, part: &Value) -> Option<()> {
        if part[0] == "send" {
            let key = part[1].as_str()?.to_owned();
            let sent = match part[2].as_array() {
                Some(pair) => (key, pair[0].as_i64(), pair[1].clone()),
                None => (key, None, part[2].clone()),
            };
            self.sends.push(sent);
        } else if let Some(keys) = part[1].as_object() {
            for (key, pairs) in keys {
                self.polled.push(key.clone());
                for pair in pairs.as_array()? {
                    self.polls
                        .push((key.clone(), pair[0].as_i64(), pair[1].clone()));
                }
            }
        }
        Some(())
    }
}

/// All keys in order of first occurrence.
fn keys(done: &[Done<'_>]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for it in done {
        let assigned = it.assigned.iter().flatten();
        // An operation's sends come before its polls in every generated transaction.
        let sent = it.sends.iter().map(|(key, _, _)| key);
        for key in assigned.chain(sent).chain(&it.polled) {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
    }
    keys
}

/// Whether an `ok` poll returned a message.
fn is_read(done: &[Done<'_>], key: &str, value: &Value) -> bool {
    let ok = done.iter().filter(|it| it.op.kind == Kind::Ok);
    ok.flat_map(|it| it.reads(key)).any(|read| read == *value)
}

fn is_committed(done: &[Done<'_>], it: &Done<'_>) -> bool {
    let mut sends = it.sends.iter();
    match it.op.kind {
        Kind::Ok => true,
        Kind::Info => sends.any(|(key, _, value)| is_read(done, key, value)),
        Kind::Invoke | Kind::Fail => false,
    }
}

/// A key's messages by offset, in order of first occurrence.
fn log(done: &[Done<'_>], key: &str) -> Log {
    let mut log: Log = Vec::new();
    for it in done {
        let sends = it.sends.iter().filter(|_| is_committed(done, it));
        for (k, offset, value) in sends.chain(&it.polls) {
            let Some(offset) = offset.and_then(|offset| usize::try_from(offset).ok()) else {
                continue;
            };
            if k == key {
                log.resize(log.len().max(offset + 1), Vec::new());
                if !log[offset].contains(value) {
                    log[offset].push(value.clone());
                }
            }
        }
    }
    log
}

/// The first message to occur in the history of each slot that is not empty.
fn dense(done: &[Done<'_>], key: &str, log: &Log) -> Vec<Value> {
    let mut in_order: Vec<Value> = Vec::new();
    for it in done {
        in_order.extend(it.writes(key));
        in_order.extend(it.reads(key));
    }
    let slots = log.iter().filter(|slot| !slot.is_empty());
    let first = |slot: &Vec<Value>| {
        let mut in_order = in_order.iter();
        in_order.find(|value| slot.contains(value)).unwrap().clone()
    };
    slots.map(first).collect()
}

/// Errors of offsets and messages.
fn count_in_log(
    done: &[Done<'_>],
    key: &str,
    log: &Log,
    count: &mut impl FnMut(&'static str, usize),
) {
    let slots: Vec<_> = log.iter().filter(|slot| !slot.is_empty()).collect();
    let shared = slots.iter().filter(|slot| slot.len() > 1);
    count("inconsistent-offsets", shared.count());

    let mut messages: Vec<&Value> = Vec::new();
    for value in slots.iter().copied().flatten() {
        if !messages.contains(&value) {
            messages.push(value);
        }
    }
    let first = |value: &Value| slots.iter().position(|slot| slot.contains(value));
    let last = |value: &Value| slots.iter().rposition(|slot| slot.contains(value));
    let twice = messages.iter().filter(|value| first(value) != last(value));
    count("duplicate", twice.count());

    let bound = messages.iter().filter(|it| is_read(done, key, it));
    let bound = bound.filter_map(|it| first(it)).max();
    let is_lost = |value: &&&Value| {
        let mut writers = done.iter().rev();
        let writer = writers.find(|it| it.writes(key).contains(value)).unwrap();
        bound.is_some()
            && last(value) <= bound
            && !is_read(done, key, value)
            && is_committed(done, writer)
    };
    count("lost-write", messages.iter().filter(is_lost).count());

    let failed = done.iter().filter(|it| it.op.kind == Kind::Fail);
    let failed: Vec<_> = failed.flat_map(|it| it.writes(key)).collect();
    let ok = done.iter().filter(|it| it.op.kind == Kind::Ok);
    let aborted = ok
        .flat_map(|it| it.reads(key))
        .filter(|it| failed.contains(it));
    count("G1a", aborted.count());
}

/// Errors of order.
fn count_steps(
    done: &[Done<'_>],
    key: &str,
    dense: &[Value],
    count: &mut impl FnMut(&'static str, usize),
) {
    let index = |value: &Value| dense.iter().rposition(|it| it == value).map(|it| it as i64);
    let delta = |from: &Value, to: &Value| match (index(from), index(to)) {
        (Some(from), Some(to)) => to - from,
        _ => 1,
    };
    let mut step = |from: &Value, to: &Value, skip: &'static str, back: &'static str| {
        count(skip, usize::from(delta(from, to) > 1));
        count(back, usize::from(delta(from, to) < 1));
    };
    let mut backward_sends = 0;
    let processes: BTreeSet<_> = done.iter().map(|it| it.process).collect();
    for process in processes {
        // The last reads and sends of the process. `None` before the first ones.
        let (mut read, mut sent): (Option<Vec<Value>>, Option<Vec<Value>>) = (None, None);
        for it in done.iter().filter(|it| it.process == process) {
            if let Some(keys) = &it.assigned {
                if it.op.kind != Kind::Fail && !keys.iter().any(|it| it == key) {
                    (read, sent) = (None, None);
                }
                continue;
            }
            let (reads, writes) = (it.reads(key), it.writes(key));
            for pair in reads.windows(2) {
                step(&pair[0], &pair[1], "int-poll-skip", "int-nonmonotonic-poll");
            }
            for pair in writes.windows(2) {
                step(&pair[0], &pair[1], "int-send-skip", "int-nonmonotonic-send");
            }
            let before = read.as_ref().and_then(|reads| reads.last());
            if let (Some(from), Some(to)) = (before, reads.first()) {
                step(from, to, "poll-skip", "nonmonotonic-poll");
            }
            if it.op.kind == Kind::Ok && it.polled.iter().any(|it| it == key) {
                read = Some(reads);
            }
            if it.op.kind != Kind::Fail && !writes.is_empty() {
                if let Some(from) = sent.as_ref().and_then(|sent| sent.last()) {
                    let is_back = delta(from, &writes[0]) < 1;
                    backward_sends += usize::from(is_back);
                }
                sent = Some(writes);
            }
        }
    }
    count("nonmonotonic-send", backward_sends);
}

fn unseen(done: &[Done<'_>]) -> BTreeMap<String, Vec<Value>> {
    let mut unseen: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for it in done.iter().filter(|it| it.op.kind == Kind::Ok) {
        for (key, _, value) in &it.sends {
            if !is_read(done, key, value) {
                let values = unseen.entry(key.clone()).or_default();
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
        }
    }
    unseen
}

/// The worst lag, by a look at every poll, every key that its process follows, and every later
/// offset.
fn worst_lag(done: &[Done<'_>], keys: &[String]) -> Option<(u64, u64, String, u64)> {
    let mut worst: Option<(u64, u64, String, u64)> = None;
    let mut followed: BTreeMap<u64, Vec<(String, i64)>> = BTreeMap::new();
    for it in done
        .iter()
        .filter(|it| it.op.kind == Kind::Ok && it.op.f != "send")
    {
        let reached = followed.entry(it.process).or_default();
        if let Some(assigned) = &it.assigned {
            let before = std::mem::take(reached);
            for key in assigned {
                if !reached.iter().any(|(k, _)| k == key) {
                    let offset = before.iter().find(|(k, _)| k == key);
                    reached.push((key.clone(), offset.map_or(-1, |(_, offset)| *offset)));
                }
            }
            continue;
        }
        for key in keys.iter().filter(|key| it.polled.contains(key)) {
            let polls = it.polls.iter().filter(|(k, _, _)| k == key);
            let highest = polls
                .filter_map(|(_, offset, _)| *offset)
                .max()
                .unwrap_or(-1);
            match reached.iter_mut().find(|(k, _)| k == key) {
                Some((_, offset)) => *offset = highest.max(*offset),
                None => reached.push((key.clone(), highest.max(-1))),
            }
        }
        for (key, offset) in reached {
            let is_beyond = |other: &&Done<'_>| {
                let mut known = other.sends.iter().chain(&other.polls);
                other.op.kind != Kind::Fail && known.any(|(k, o, _)| k == key && *o > Some(*offset))
            };
            let overtaken = done.iter().find(is_beyond).map(|other| other.op.time);
            let lag = overtaken.map_or(0, |overtaken| it.begun.saturating_sub(overtaken));
            if worst.as_ref().is_none_or(|worst| lag > worst.3) {
                worst = Some((it.begun, it.process, key.clone(), lag));
            }
        }
    }
    worst
}
