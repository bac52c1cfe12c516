//! What is wrong with a run, drawn: from the result map of its checker and its history.

mod graph;
mod log;
mod lost;
mod order;

use super::Subject;
use super::table::Table;
use graph::Graph;
use history::edn::{self, Edn};
use history::text;
use simulator::workload;

/// How many cases of one kind are drawn.
const MOST_CASES: usize = 4;

/// How many letters of what a node said are shown.
const LETTERS: usize = 160;

/// How much is shown before and after what is wrong, in microseconds.
const AROUND: i64 = 100_000;

/// One thing that is wrong.
pub(super) struct Evidence {
    pub(super) title: String,
    pub(super) text: String,
    /// An SVG element, or nothing.
    pub(super) picture: String,
    pub(super) table: Option<Table>,
    /// From when to when it happened, in microseconds since time zero.
    pub(super) window: Option<(i64, i64)>,
}

impl Evidence {
    fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Evidence {
            title: title.into(),
            text: text.into(),
            picture: String::new(),
            table: None,
            window: None,
        }
    }
}

/// Everything that can be shown of what is wrong with a run.
pub(super) fn evidence(subject: &Subject<'_>) -> Vec<Evidence> {
    let Some(verdict) = subject.verdict else {
        return Vec::new();
    };
    let Some(results) = edn::get(&verdict.results, &["workload"]) else {
        return Vec::new();
    };
    match subject.evidence {
        workload::Evidence::Set { add } => lost::lost(subject, results, add),
        workload::Evidence::Registers => order::violations(subject, results),
        workload::Evidence::Transactions => anomalies(subject, edn::get(results, &["anomalies"])),
        workload::Evidence::Logs => anomalies(subject, Some(results)),
        workload::Evidence::Ids => duplicates(subject, results),
        workload::Evidence::Errors | workload::Evidence::Counter => errors(results),
    }
}

/// The cases of each anomaly: of transactions a list of them under its name, of logs a map with
/// such a list.
fn anomalies(subject: &Subject<'_>, map: Option<&Edn>) -> Vec<Evidence> {
    let Some(Edn::Map(anomalies)) = map else {
        return Vec::new();
    };
    let mut evidence = Vec::new();
    for (name, cases) in anomalies {
        let Edn::Key(name) = name else { continue };
        let cases = edn::get(cases, &["errs"]).unwrap_or(cases);
        let (Edn::List(cases) | Edn::Vector(cases)) = cases else {
            continue;
        };
        let drawn = cases.iter().filter_map(|case| {
            let drawn = anomaly(name, case);
            let drawn = drawn.or_else(|| log::case(&subject.record.history, name, case));
            drawn.or_else(|| members(name, case))
        });
        evidence.extend(drawn.take(MOST_CASES));
    }
    evidence
}

/// One case, if there is something to draw.
fn anomaly(name: &str, case: &Edn) -> Option<Evidence> {
    let member = |key| edn::get(case, &[key]);
    let graph = match (member("cycle"), member("writer"), member("txns")) {
        (Some(Edn::Vector(ops)), ..) => Graph::of_cycle(ops, member("steps")?)?,
        (_, Some(writer), _) => {
            let read = member("mop").map(edn::compact).unwrap_or_default();
            Graph::of_read(writer, member("op")?, &read)
        }
        (_, _, Some(Edn::Vector(txns))) => {
            let value = member("value").map(edn::compact).unwrap_or_default();
            let key = member("key").map(edn::compact).unwrap_or_default();
            Graph::of_updates(&format!("key {key} held {value}"), txns)
        }
        _ => return None,
    };
    Some(Evidence {
        picture: graph.draw(name),
        window: graph.window(),
        ..Evidence::new(name, graph.tell())
    })
}

/// A case that nobody has a picture of: what the checker tells of it.
fn members(name: &str, case: &Edn) -> Option<Evidence> {
    let Edn::Map(members) = case else { return None };
    let rows = members.iter().map(|(member, value)| {
        let shown = match value {
            Edn::Map(_) if edn::get(value, &["index"]).is_some() => {
                format!("{}: {}", self::name(value), self::value(value))
            }
            other => shortened(&edn::compact(other)),
        };
        vec![
            edn::compact(member).trim_start_matches(':').to_owned(),
            shown,
        ]
    });
    let table = Table::new(
        "What the checker tells of it",
        &["what", "is"],
        rows.collect(),
    );
    let times = members.values().filter_map(time);
    Some(Evidence {
        table: Some(table.of_words()),
        window: around(times),
        ..Evidence::new(name, "")
    })
}

/// Ids that were given out more than once.
fn duplicates(subject: &Subject<'_>, results: &Edn) -> Vec<Evidence> {
    let Some(Edn::Map(duplicated)) = edn::get(results, &["duplicated"]) else {
        return Vec::new();
    };
    let ids: Vec<String> = duplicated.keys().map(edn::compact).collect();
    let mut rows = Vec::new();
    let completions = subject
        .record
        .history
        .ops
        .iter()
        .filter(|op| op.is_completion());
    for op in completions.filter(|op| op.kind == history::Kind::Ok) {
        let Some(value) = edn::get(&op.to_edn(), &["value"]).map(edn::compact) else {
            continue;
        };
        if let Some(place) = ids.iter().position(|id| *id == value) {
            let process = op.process.client().unwrap_or_default();
            let node = subject.settings.node_of(process).to_string();
            let at = format!("{:.6}", op.seconds());
            rows.push((
                place,
                vec![shortened(&value), node, process.to_string(), at],
            ));
        }
    }
    if rows.is_empty() {
        return Vec::new();
    }
    // Those of one id in the order of time.
    rows.sort_by_key(|(place, _)| *place);
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    let head = ["id", "given out by", "to process", "at, s"];
    let count = edn::get(results, &["duplicated-count"]).and_then(edn::number);
    let text = format!(
        "{} ids were given out more than once; results.edn and this table list {}.",
        count.unwrap_or_default(),
        ids.len()
    );
    vec![Evidence {
        table: Some(Table::new("Who gave out which id", &head, rows)),
        ..Evidence::new("Ids that are not unique", text)
    }]
}

/// Operations that a checker names one by one, or pairs of them with words between.
fn errors(results: &Edn) -> Vec<Evidence> {
    let Some(Edn::List(errors) | Edn::Vector(errors)) = edn::get(results, &["errors"]) else {
        return Vec::new();
    };
    if errors.is_empty() {
        return Vec::new();
    }
    // A request, words, and what came instead; or an operation.
    let is_pair = matches!(errors[0], Edn::List(_) | Edn::Vector(_));
    let rows = errors.iter().map(|error| match error {
        Edn::List(parts) | Edn::Vector(parts) => {
            let ends = [parts.get(1), parts.last()];
            let told = |part: Option<&Edn>| part.map(edn::compact).unwrap_or_default();
            ends.map(|part| shortened(&told(part))).to_vec()
        }
        op => vec![name(op), value(op)],
    });
    let head = if is_pair {
        ["what was sent", "what came back"]
    } else {
        ["operation", "what it saw"]
    };
    let table = Table::new("What the checker objects to", &head, rows.collect());
    vec![Evidence {
        table: Some(table.of_words()),
        ..Evidence::new("Operations that cannot be", "")
    }]
}

/// As much of what a node said as a page has room for.
fn shortened(text: &str) -> String {
    text::shortened(text, LETTERS)
}

/// `op 14, process 2, 0.123 s`.
fn name(op: &Edn) -> String {
    let number = |key| edn::get(op, &[key]).map(edn::compact).unwrap_or_default();
    let time = edn::get(op, &["time"]).and_then(edn::number).unwrap_or(0.0) / 1e9;
    let end = edn::get(op, &["type"])
        .map(edn::compact)
        .unwrap_or_default();
    format!(
        "op {}, process {}, {time:.3} s {end}",
        number("index"),
        number("process")
    )
}

/// What an operation did or saw.
fn value(op: &Edn) -> String {
    let f = edn::get(op, &["f"]).map(edn::compact).unwrap_or_default();
    let value = edn::get(op, &["value"])
        .map(edn::compact)
        .unwrap_or_default();
    let f = f.trim_start_matches(':');
    shortened(&if f == "txn" {
        value
    } else {
        format!("{f} {value}")
    })
}

/// The time of an operation of a result map, in microseconds.
fn time(op: &Edn) -> Option<i64> {
    let nanoseconds = edn::get(op, &["time"]).and_then(edn::number)?;
    Some((nanoseconds / 1e3) as i64)
}

/// A window around these times.
fn around(times: impl Iterator<Item = i64>) -> Option<(i64, i64)> {
    let ends = times.fold(None, |ends: Option<(i64, i64)>, time| {
        let (first, last) = ends.unwrap_or((time, time));
        Some((first.min(time), last.max(time)))
    });
    ends.map(|(first, last)| (first - AROUND, last + AROUND))
}
