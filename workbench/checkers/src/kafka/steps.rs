//! Order: whoever polls or sends must go through a log step by step.
//!
//! From one message to the next of the same key, a step is one place forward. More is a skip, less
//! goes back or stands still. Steps are taken within an operation, and from the last message of a
//! process's operation to the first one of its next; between the two, the process remembers where
//! it was, as long as it stays assigned to the key.

use std::collections::HashMap;

use super::Analysis;
use super::account::{Completion, Entry, KeyId, MessageId, Run};
use super::cases::{Anomaly, Case, Listed, named};
use history::edn::{self, Edn};
use history::{Kind, Op};

/// How many steps are listed.
const LISTED: usize = 8;

/// All errors of order, by the names that Maelstrom gives them.
pub(super) fn anomalies(analysis: &Analysis<'_>) -> Vec<Anomaly> {
    let polls = within(analysis, Deed::Poll);
    let sends = within(analysis, Deed::Send);
    let (polls_on, sends_on) = (across(analysis, Deed::Poll), across(analysis, Deed::Send));
    let skips =
        |name, steps: &Steps<'_>| Anomaly::of(name, &steps.forward, Listed::Most(LISTED), analysis);
    let backward = |name, steps: &Steps<'_>| {
        Anomaly::of(name, &steps.backward, Listed::Least(LISTED), analysis)
    };
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Poll,
    Send,
}

impl Deed {
    fn runs<'c>(self, completion: &'c Completion<'_>) -> impl Iterator<Item = Run<'c>> {
        match self {
            Deed::Poll => completion.polls.iter(),
            Deed::Send => completion.sends.iter(),
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
    deed: Deed,
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
fn within<'a>(analysis: &Analysis<'a>, deed: Deed) -> Steps<'a> {
    let mut steps = Steps::default();
    for completion in &analysis.account.completions {
        for run in deed.runs(completion) {
            for pair in run.entries.windows(2) {
                let (from, to) = (pair[0].message(), pair[1].message());
                steps.add(Step {
                    deed,
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
fn across<'a>(analysis: &Analysis<'a>, deed: Deed) -> Steps<'a> {
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
        if deed == Deed::Send && op.kind == Kind::Fail {
            continue;
        }
        let is_remembered = deed == Deed::Send || op.kind == Kind::Ok;
        for run in deed.runs(completion) {
            let first = run.entries.first().map(Entry::message);
            if let Some((before, Some(from))) = memory.get(&run.key)
                && let Some(to) = first
            {
                steps.add(Step {
                    deed,
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

    fn to_edn(&self, analysis: &Analysis<'_>) -> Edn {
        let mut map = edn::map([
            ("key", analysis.key_edn(self.to)),
            ("delta", Edn::Int(self.distance)),
        ]);
        let is_skip = self.distance > 1;
        if is_skip {
            let skipped = analysis.values_edn(self.skipped(analysis).iter().copied());
            edn::insert(&mut map, "skipped", skipped);
        }
        if !is_skip || self.before.is_none() {
            let values = [self.from, self.to].map(|message| analysis.value_edn(message));
            edn::insert(&mut map, "values", Edn::Vector(values.into()));
        }
        match self.before {
            None => edn::insert(&mut map, "op", self.op.to_edn()),
            Some(before) => {
                let ops = vec![before.to_edn(), self.op.to_edn()];
                edn::insert(&mut map, "ops", Edn::Vector(ops));
            }
        }
        map
    }

    fn tell(&self, analysis: &Analysis<'_>) -> String {
        let Op { process, index, .. } = self.op;
        let key = analysis.key(self.to);
        let (from, to) = (analysis.message(self.from), analysis.message(self.to));
        let way = match (self.deed, self.before) {
            (Deed::Poll, None) => {
                format!("polled {from} of {key} and right after it {to} (op {index})")
            }
            (Deed::Send, None) => {
                format!("sent {from} to {key} and right after it {to} (op {index})")
            }
            (Deed::Poll, Some(before)) => format!(
                "polled {key} up to {from} (op {}) and next from {to} (op {index})",
                before.index
            ),
            (Deed::Send, Some(before)) => format!(
                "sent {from} to {key} (op {}) and next {to} (op {index})",
                before.index
            ),
        };
        format!("process {process} {way}{}", self.tell_distance(analysis))
    }
}

impl Step<'_> {
    /// What lies in between.
    fn skipped<'b>(&self, analysis: &'b Analysis<'_>) -> &'b [MessageId] {
        let key = analysis.account.messages[self.to].key;
        let log = &analysis.logs.log(key).by_index;
        match (analysis.logs.index(self.from), analysis.logs.index(self.to)) {
            (Some(from), Some(to)) if from < to => &log[from + 1..to],
            _ => &[],
        }
    }

    fn tell_distance(&self, analysis: &Analysis<'_>) -> String {
        match self.distance {
            0 => ", the same one again".to_owned(),
            -1 => ", which stands 1 place before it".to_owned(),
            back if back < 0 => format!(", which stands {} places before it", -back),
            _ => {
                let skipped = self.skipped(analysis);
                let values = skipped.iter();
                let values = values.map(|it| analysis.account.messages[*it].value.to_string());
                let values = named(skipped.len(), values);
                let were = if skipped.len() == 1 { "was" } else { "were" };
                format!(": {values} {were} skipped")
            }
        }
    }
}
