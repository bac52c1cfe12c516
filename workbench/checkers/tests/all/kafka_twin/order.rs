//! The order of operations, and whether it has a cycle, by following all paths.

use history::{History, Kind};

use super::naive::Done;

/// The order of operations.
#[derive(PartialEq, Eq)]
pub enum Order {
    /// No operation precedes another.
    None,
    /// The order has no cycle.
    Partial,
    /// An operation precedes itself.
    Circular,
}

/// Sends precede polls of their messages, and an operation those that begin after it ended.
pub fn of(history: &History, done: &[Done<'_>]) -> Order {
    let ops = history.pairs();
    let ops: Vec<_> = ops
        .iter()
        .filter_map(|op| Some((op.invocation, op.completion?)))
        .collect();
    let of = |completion: usize| done.iter().find(|it| it.op.index == completion);
    let is_before = |from: usize, to: usize| {
        let (sender, poller) = (ops[from].1, ops[to].1);
        let is_earlier = sender.kind == Kind::Ok && sender.index < ops[to].0.index;
        let (Some(sent), Some(polled)) = (of(sender.index), of(poller.index)) else {
            return is_earlier;
        };
        let sends = |it: &&Done<'_>, key: &str, value: &serde_json::Value| {
            it.sends
                .iter()
                .any(|(k, _, v)| (k.as_str(), v) == (key, value))
        };
        let is_read = polled.polls.iter().any(|(key, _, value)| {
            // Of several senders the last one counts.
            let last = done.iter().rev().find(|it| sends(it, key, value));
            last.is_some_and(|last| last.op.index == sent.op.index)
        });
        let took_part = sender.kind != Kind::Fail && poller.kind != Kind::Fail;
        is_earlier || (is_read && took_part)
    };
    let count = ops.len();
    let mut pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
    if !pairs.any(|(from, to)| is_before(from, to)) {
        return Order::None;
    }
    let mut leads: Vec<Vec<bool>> = (0..count)
        .map(|from| {
            (0..count)
                .map(|to| from != to && is_before(from, to))
                .collect()
        })
        .collect();
    for by in 0..count {
        for from in 0..count {
            for to in 0..count {
                leads[from][to] |= leads[from][by] && leads[by][to];
            }
        }
    }
    if (0..count).any(|op| leads[op][op]) {
        Order::Circular
    } else {
        Order::Partial
    }
}
