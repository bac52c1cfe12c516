//! The result map of Maelstrom's kafka checker.

use super::result::{LogAnomaly, LogMessage, LogsResult, PollLag, WorstLag};
use crate::CheckerResult as _;
use crate::element::Element;
use crate::elle::{Cases, EMPTY_GRAPH, OpStep, StepReason, codec};
use history::Op;
use history::edn::{self, Edn};

/// The anomaly whose entry has no list of cases.
pub(super) const UNSEEN: &str = "unseen";

/// The result map of logs.
pub(super) fn logs(result: &LogsResult) -> Edn {
    let bad = result.errors().map(|it| edn::key(it.name));
    let all = result.anomalies.iter().map(|it| edn::key(it.name));
    let causes = result.indeterminate.iter().map(cause);
    let mut map = edn::map([
        ("worst-realtime-lag", worst_lag(result.worst_lag.as_ref())),
        ("bad-error-types", Edn::List(bad.collect())),
        ("error-types", Edn::List(all.collect())),
        ("info-txn-causes", Edn::List(causes.collect())),
        ("valid?", result.validity().to_edn()),
    ]);
    for anomaly in &result.anomalies {
        let entry = match anomaly.name {
            EMPTY_GRAPH => Edn::Bool(true),
            UNSEEN => unseen(result.last_ok_ns, &anomaly.cases),
            _ => cases(anomaly),
        };
        edn::insert(&mut map, anomaly.name, entry);
    }
    map
}

fn cause(op: &Op) -> Edn {
    let op = op.to_edn();
    edn::get(&op, &["error"]).cloned().unwrap_or(Edn::Nil)
}

/// The worst lag in seconds; zero if there is none.
fn worst_lag(worst: Option<&WorstLag>) -> Edn {
    let seconds = |nanoseconds: u64| edn::float(nanoseconds as f64 / 1e9);
    let Some(WorstLag { poll, process, key }) = worst else {
        return edn::map([("time", seconds(0)), ("lag", seconds(0))]);
    };
    let PollLag { begun_ns, lag_ns } = *poll;
    edn::map([
        ("time", seconds(begun_ns)),
        ("process", edn::integer(*process)),
        ("key", key.to_edn()),
        ("lag", seconds(lag_ns)),
    ])
}

fn unseen(time: Option<u64>, cases: &[LogAnomaly]) -> Edn {
    let (mut counts, mut messages) = (Vec::new(), Vec::new());
    for case in cases {
        if let LogAnomaly::Unseen {
            key,
            count,
            messages: first,
        } = case
        {
            counts.push((key.to_edn(), edn::count(*count)));
            messages.push((key.to_edn(), Edn::List(first.iter().map(value).collect())));
        }
    }
    edn::map([
        ("time", time.map_or(Edn::Nil, edn::integer)),
        ("unseen", edn::map_of(counts)),
        ("messages", edn::map_of(messages)),
    ])
}

fn cases(anomaly: &Cases<LogAnomaly>) -> Edn {
    let listed = anomaly.cases.iter().map(case);
    edn::map([
        ("count", edn::count(anomaly.count)),
        ("errs", Edn::List(listed.collect())),
    ])
}

fn case(case: &LogAnomaly) -> Edn {
    match case {
        LogAnomaly::SharedOffset {
            offset,
            index,
            messages,
        } => edn::map([
            ("key", messages.first().map_or(Edn::Nil, key)),
            ("offset", edn::integer(*offset)),
            ("index", edn::count(*index)),
            ("values", Edn::Set(messages.iter().map(value).collect())),
        ]),
        LogAnomaly::Duplicate { message, offsets } => edn::map([
            ("key", key(message)),
            ("value", value(message)),
            ("count", edn::count(offsets.len())),
            (
                "offsets",
                Edn::Vector(offsets.iter().map(|it| edn::integer(*it)).collect()),
            ),
        ]),
        LogAnomaly::LostWrite {
            message,
            index,
            max_read_index,
            writer,
            reader,
            ..
        } => edn::map([
            ("key", key(message)),
            ("value", value(message)),
            ("index", edn::count(*index)),
            ("max-read-index", edn::count(*max_read_index)),
            ("writer", writer.as_ref().map_or(Edn::Nil, Op::to_edn)),
            ("max-read", reader.to_edn()),
        ]),
        LogAnomaly::AbortedRead {
            message,
            writer,
            reader,
        } => edn::map([
            ("key", key(message)),
            ("value", value(message)),
            ("writer", writer.to_edn()),
            ("reader", reader.to_edn()),
        ]),
        LogAnomaly::OwnRead { message, op } => edn::map([
            ("op", op.to_edn()),
            ("key", key(message)),
            ("value", value(message)),
        ]),
        LogAnomaly::Step {
            before,
            op,
            from,
            to,
            distance,
            skipped,
            ..
        } => step(before.as_ref(), op, [from, to], *distance, skipped),
        LogAnomaly::Cycle(cycle) => codec::cycle(cycle, cycle_step),
        LogAnomaly::CycleExists(exists) => codec::cycle_exists(exists),
        LogAnomaly::SearchTimeout(timeout) => codec::search_timeout(timeout),
        LogAnomaly::Unseen { .. } | LogAnomaly::NothingOrdered => Edn::Bool(true),
    }
}

fn step(
    before: Option<&Op>,
    op: &Op,
    ends: [&LogMessage; 2],
    distance: i64,
    skipped: &[Element],
) -> Edn {
    let mut map = edn::map([("key", key(ends[1])), ("delta", Edn::Int(distance))]);
    let is_skip = distance > 1;
    if is_skip {
        let skipped = skipped.iter().map(Element::to_edn);
        edn::insert(&mut map, "skipped", Edn::List(skipped.collect()));
    }
    if !is_skip || before.is_none() {
        edn::insert(&mut map, "values", Edn::Vector(ends.map(value).into()));
    }
    match before {
        None => edn::insert(&mut map, "op", op.to_edn()),
        Some(before) => {
            let ops = vec![before.to_edn(), op.to_edn()];
            edn::insert(&mut map, "ops", Edn::Vector(ops));
        }
    }
    map
}

fn cycle_step(step: &OpStep) -> Edn {
    let mut map = edn::map([("type", edn::key(step.relation.name()))]);
    match &step.reason {
        StepReason::Data { key, before, .. } => {
            edn::insert(&mut map, "key", key.to_edn());
            let value = before.as_ref().map_or(Edn::Nil, Element::to_edn);
            edn::insert(&mut map, "value", value);
        }
        StepReason::Realtime { ended, begun } => {
            edn::insert(&mut map, "a'", ended.to_edn());
            edn::insert(&mut map, "b", begun.to_edn());
        }
        StepReason::Process => {}
    }
    map
}

fn key(message: &LogMessage) -> Edn {
    message.key.to_edn()
}

fn value(message: &LogMessage) -> Edn {
    message.value.to_edn()
}
