//! Order: whoever polls or sends must go through a log step by step.
//!
//! From one message to the next of the same key, a step is one place forward. More is a skip, less
//! goes back or stands still. Steps are taken within an operation, and from the last message of a
//! process's operation to the first one of its next; between the two, the process remembers where
//! it was, as long as it stays assigned to the key.

use std::collections::HashMap;

use super::Analysis;
use super::account::{Completion, Entry, KeyId, MessageId, Run};
use super::cases::{Case, Kept, cases};
use super::result::{LogAction, LogAnomaly};
use crate::elle::Cases;
use history::{Kind, Op};

/// How many steps of one kind are kept.
const MAX_STEPS: usize = 8;

/// All errors of order, by the names that Maelstrom gives them.
pub(super) fn anomalies(analysis: &Analysis<'_>) -> Vec<Cases<LogAnomaly>> {
    let polls = within(analysis, LogAction::Poll);
    let sends = within(analysis, LogAction::Send);
    let (polls_on, sends_on) = (
        across(analysis, LogAction::Poll),
        across(analysis, LogAction::Send),
    );
    let skips =
        |name, steps: &Steps<'_>| cases(name, &steps.forward, Kept::Heaviest(MAX_STEPS), analysis);
    let backward =
        |name, steps: &Steps<'_>| cases(name, &steps.backward, Kept::Lightest(MAX_STEPS), analysis);
    // Others send in between, so a process that skips places while it sends is no error.
    let found = [
        skips("int-poll-skip", &polls),
        backward("int-nonmonotonic-poll", &polls),
        skips("int-send-skip", &sends),
        backward("int-nonmonotonic-send", &sends),
        skips("poll-skip", &polls_on),
        backward("nonmonotonic-poll", &polls_on),
        backward("nonmonotonic-send", &sends_on),
    ];
    found.into_iter().flatten().collect()
}

impl LogAction {
    fn runs<'c>(self, completion: &'c Completion<'_>) -> impl Iterator<Item = Run<'c>> {
        match self {
            LogAction::Poll => completion.polls.iter(),
            LogAction::Send => completion.sends.iter(),
        }
    }
}

/// Steps that are not one place forward.
#[derive(Default)]
struct Steps<'a> {
    forward: Vec<Step<'a>>,
    backward: Vec<Step<'a>>,
}

/// From one message to the next.
struct Step<'a> {
    action: LogAction,
    /// The operation before; nothing for a step within one.
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

/// The steps inside of operations, however they ended.
fn within<'a>(analysis: &Analysis<'a>, action: LogAction) -> Steps<'a> {
    let mut steps = Steps::default();
    for completion in &analysis.account.completions {
        for run in action.runs(completion) {
            for pair in run.entries.windows(2) {
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

/// Where a process was last in each key, and after which operation; without a message after an
/// operation that had none.
type Memory<'a> = HashMap<KeyId, (&'a Op, Option<MessageId>)>;

/// The steps of processes from one operation to the next.
///
/// Polls are compared however they ended, but only `ok` ones are remembered. Sends that failed are
/// passed over.
fn across<'a>(analysis: &Analysis<'a>, action: LogAction) -> Steps<'a> {
    let mut steps = Steps::default();
    let mut memories: HashMap<u64, Memory<'a>> = HashMap::new();
    for completion in &analysis.account.completions {
        let op = completion.op;
        let memory = memories.entry(completion.process).or_default();
        if let Some(keys) = &completion.assigned {
            if op.kind != Kind::Fail {
                *memory = kept(memory, keys);
            }
            continue;
        }
        if action == LogAction::Send && op.kind == Kind::Fail {
            continue;
        }
        let is_remembered = action == LogAction::Send || op.kind == Kind::Ok;
        for run in action.runs(completion) {
            let first = run.entries.first().map(Entry::message);
            if let Some((before, Some(from))) = memory.get(&run.key)
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
            if is_remembered {
                let last = run.entries.last().map(Entry::message);
                memory.insert(run.key, (op, last));
            }
        }
    }
    steps
}

/// What a process still remembers once it is assigned these keys.
fn kept<'a>(memory: &Memory<'a>, keys: &[KeyId]) -> Memory<'a> {
    let keys = keys.iter();
    keys.filter_map(|key| Some((*key, *memory.get(key)?)))
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
    /// What lies in between, if it goes forward.
    fn skipped<'b>(&self, analysis: &'b Analysis<'_>) -> &'b [MessageId] {
        let key = analysis.account.messages[self.to].key;
        let log = &analysis.logs.log(key).by_index;
        match (analysis.logs.index(self.from), analysis.logs.index(self.to)) {
            (Some(from), Some(to)) if from < to => &log[from + 1..to],
            _ => &[],
        }
    }
}
