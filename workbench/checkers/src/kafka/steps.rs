//! Steps: a process must poll and send the messages of a log in order.
//!
//! From one message to the next of the same key, a step is one index forward. A larger one is a
//! skip, a smaller one goes back or stands still. Steps are taken within an operation, and from the
//! last message of a process's operation to the first one of its next. In between, the process
//! keeps its position as long as it stays assigned to the key.

use std::collections::HashMap;

use super::Analysis;
use super::cases::{Case, Keep, cases};
use super::parsed::{Completion, Entry, KeyGroup, KeyId, MessageId};
use super::result::{LogAction, LogAnomaly};
use crate::elle::Cases;
use history::{Kind, Op};

/// The number of steps of one kind that are kept.
const MAX_STEPS: usize = 8;

/// All anomalies of steps, by their names in Maelstrom.
pub(super) fn anomalies(analysis: &Analysis<'_>) -> Vec<Cases<LogAnomaly>> {
    let polls = within(analysis, LogAction::Poll);
    let sends = within(analysis, LogAction::Send);
    let (polls_across, sends_across) = (
        across(analysis, LogAction::Poll),
        across(analysis, LogAction::Send),
    );
    let skips =
        |name, steps: &Steps<'_>| cases(name, &steps.forward, Keep::Heaviest(MAX_STEPS), analysis);
    let backward =
        |name, steps: &Steps<'_>| cases(name, &steps.backward, Keep::Lightest(MAX_STEPS), analysis);
    // Other processes send in between, so a process that skips messages while it sends is no error.
    let found = [
        skips("int-poll-skip", &polls),
        backward("int-nonmonotonic-poll", &polls),
        skips("int-send-skip", &sends),
        backward("int-nonmonotonic-send", &sends),
        skips("poll-skip", &polls_across),
        backward("nonmonotonic-poll", &polls_across),
        backward("nonmonotonic-send", &sends_across),
    ];
    found.into_iter().flatten().collect()
}

impl LogAction {
    fn groups<'c>(self, completion: &'c Completion<'_>) -> impl Iterator<Item = KeyGroup<'c>> {
        match self {
            LogAction::Poll => completion.polls.iter(),
            LogAction::Send => completion.sends.iter(),
        }
    }
}

/// Steps that are not one index forward.
#[derive(Default)]
struct Steps<'a> {
    forward: Vec<Step<'a>>,
    backward: Vec<Step<'a>>,
}

/// A step from one message to the next.
struct Step<'a> {
    action: LogAction,
    /// The operation before. `None` for a step within an operation.
    before: Option<&'a Op>,
    op: &'a Op,
    from: MessageId,
    to: MessageId,
    distance: i64,
}

impl<'a> Steps<'a> {
    fn add(&mut self, step: Step<'a>) {
        if step.distance > 1 {
            self.forward.push(step);
        } else if step.distance < 1 {
            self.backward.push(step);
        }
    }
}

/// The steps within operations, however they ended.
fn within<'a>(analysis: &Analysis<'a>, action: LogAction) -> Steps<'a> {
    let mut steps = Steps::default();
    for completion in &analysis.parsed.completions {
        for group in action.groups(completion) {
            for pair in group.entries.windows(2) {
                let (from, to) = (pair[0].message(), pair[1].message());
                steps.add(Step {
                    action,
                    before: None,
                    op: completion.op,
                    from,
                    to,
                    distance: analysis.logs.distance(from, to),
                });
            }
        }
    }
    steps
}

/// The last operation of a process on each key, with its last message if it had one.
type LastOps<'a> = HashMap<KeyId, (&'a Op, Option<MessageId>)>;

/// The steps of processes from one operation to the next.
///
/// Polls are compared however they ended, but only `ok` ones set the position. Failed sends are
/// skipped.
fn across<'a>(analysis: &Analysis<'a>, action: LogAction) -> Steps<'a> {
    let mut steps = Steps::default();
    let mut last_ops_by_process: HashMap<u64, LastOps<'a>> = HashMap::new();
    for completion in &analysis.parsed.completions {
        let op = completion.op;
        let last_ops = last_ops_by_process.entry(completion.process).or_default();
        if let Some(keys) = &completion.assigned {
            if op.kind != Kind::Fail {
                *last_ops = keep_assigned(last_ops, keys);
            }
            continue;
        }
        if action == LogAction::Send && op.kind == Kind::Fail {
            continue;
        }
        let sets_position = action == LogAction::Send || op.kind == Kind::Ok;
        for group in action.groups(completion) {
            let first = group.entries.first().map(Entry::message);
            if let Some((before, Some(from))) = last_ops.get(&group.key)
                && let Some(to) = first
            {
                steps.add(Step {
                    action,
                    before: Some(before),
                    op,
                    from: *from,
                    to,
                    distance: analysis.logs.distance(*from, to),
                });
            }
            if sets_position {
                let last = group.entries.last().map(Entry::message);
                last_ops.insert(group.key, (op, last));
            }
        }
    }
    steps
}

/// The positions that a process keeps when it is assigned these keys.
fn keep_assigned<'a>(last_ops: &LastOps<'a>, keys: &[KeyId]) -> LastOps<'a> {
    let keys = keys.iter();
    keys.filter_map(|key| Some((*key, *last_ops.get(key)?)))
        .collect()
}

impl Case for Step<'_> {
    fn weight(&self) -> i64 {
        self.distance
    }

    fn resolve(&self, analysis: &Analysis<'_>) -> LogAnomaly {
        LogAnomaly::Step {
            action: self.action,
            before: self.before.cloned(),
            op: self.op.clone(),
            from: analysis.message(self.from),
            to: analysis.message(self.to),
            distance: self.distance,
            skipped: analysis.values(self.skipped(analysis)),
        }
    }
}

impl Step<'_> {
    /// The messages in between, if it goes forward.
    fn skipped<'b>(&self, analysis: &'b Analysis<'_>) -> &'b [MessageId] {
        let key = analysis.parsed.messages[self.to].key;
        let log = &analysis.logs.log(key).by_index;
        match (analysis.logs.index(self.from), analysis.logs.index(self.to)) {
            (Some(from), Some(to)) if from < to => &log[from + 1..to],
            _ => &[],
        }
    }
}
