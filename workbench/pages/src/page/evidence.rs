//! What is wrong with a run, drawn: from the result of its checker and its history.

mod graph;
mod log;
mod lost;
mod order;

use super::Subject;
use super::table::Table;
use checkers::{Cases, CounterResult, EchoResult, IdsResult, TransactionsResult, WorkloadResult};
use graph::Graph;
use history::{Op, text};

/// How many cases of one kind are drawn.
const MAX_CASES: usize = 4;

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
    match &verdict.workload.result {
        WorkloadResult::Set(result) => lost::lost(subject, result),
        WorkloadResult::Registers(result) => order::violations(subject, result),
        WorkloadResult::Transactions(result) => transactions(result),
        WorkloadResult::Logs(result) => log::anomalies(&subject.record.history, result),
        WorkloadResult::Ids(result) => duplicates(subject, result),
        WorkloadResult::Echo(result) => mismatches(result),
        WorkloadResult::Counter(result) => wrong_reads(result),
        WorkloadResult::Custom(_) | WorkloadResult::Unjudged(_) => Vec::new(),
    }
}

/// The cases of each anomaly of transactions.
fn transactions(result: &TransactionsResult) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for Cases { name, cases, .. } in &result.anomalies {
        let drawn = cases.iter().map(|case| match Graph::of(case) {
            Some(graph) => Evidence {
                picture: graph.draw(name),
                window: graph.window(),
                ..Evidence::new(*name, graph.describe())
            },
            None => involved(name, result.describe(case), &case.ops()),
        });
        evidence.extend(drawn.take(MAX_CASES));
    }
    evidence
}

/// A case without a picture: a sentence, and the operations that it names.
fn involved(name: &str, sentence: String, ops: &[&Op]) -> Evidence {
    let rows = ops.iter().map(|op| vec![self::name(op), value(op)]);
    let table = Table::new(
        "The operations involved",
        &["operation", "value"],
        rows.collect(),
    );
    Evidence {
        table: (!ops.is_empty()).then(|| table.of_words()),
        window: around(ops.iter().map(|op| micros(op.time))),
        ..Evidence::new(name, shortened(&sentence))
    }
}

/// Ids that were given out more than once.
fn duplicates(subject: &Subject<'_>, result: &IdsResult) -> Vec<Evidence> {
    if result.duplicates.is_empty() {
        return Vec::new();
    }
    let rows = result.duplicates.iter().flat_map(|duplicate| {
        duplicate.ops.iter().map(|op| {
            let process = op.process.client().unwrap_or_default();
            vec![
                shortened(&duplicate.id.to_string()),
                subject.settings.node_of(process).to_string(),
                process.to_string(),
                format!("{:.6}", op.seconds()),
            ]
        })
    });
    let head = ["id", "given out by", "to process", "at, s"];
    let text = match result.duplicates.len() {
        1 => "One id was given out more than once.".to_owned(),
        count => format!("{count} ids were given out more than once."),
    };
    vec![Evidence {
        table: Some(Table::new(
            "Which node gave out which id",
            &head,
            rows.collect(),
        )),
        ..Evidence::new("Ids that are not unique", text)
    }]
}

/// Replies that do not echo their requests.
fn mismatches(result: &EchoResult) -> Vec<Evidence> {
    let rows = result.mismatches.iter().map(|it| {
        let ends = [&it.sent, &it.received];
        ends.map(|op| shortened(&op.value.to_string())).to_vec()
    });
    objections(["what was sent", "what came back"], rows.collect())
}

/// Final reads that show a sum which the additions do not allow.
fn wrong_reads(result: &CounterResult) -> Vec<Evidence> {
    let rows = result.wrong.iter().map(|op| vec![name(op), value(op)]);
    objections(["operation", "what it saw"], rows.collect())
}

fn objections(head: [&str; 2], rows: Vec<Vec<String>>) -> Vec<Evidence> {
    if rows.is_empty() {
        return Vec::new();
    }
    let table = Table::new("What the checker objects to", &head, rows);
    vec![Evidence {
        table: Some(table.of_words()),
        ..Evidence::new("Operations that cannot be", "")
    }]
}

/// As much of what a node said as a page has room for.
fn shortened(text: &str) -> String {
    text::shortened(text, LETTERS)
}

/// `op 14, process 2, 0.123 s ok`.
fn name(op: &Op) -> String {
    let Op {
        index,
        process,
        kind,
        ..
    } = op;
    let seconds = op.seconds();
    format!(
        "op {index}, process {process}, {seconds:.3} s {}",
        kind.name()
    )
}

/// What an operation did or saw.
fn value(op: &Op) -> String {
    shortened(&if op.f == "txn" {
        op.value.to_string()
    } else {
        format!("{} {}", op.f, op.value)
    })
}

/// Nanoseconds in microseconds.
fn micros(nanoseconds: u64) -> i64 {
    (nanoseconds / 1000) as i64
}

/// A window around these times.
fn around(times: impl Iterator<Item = i64>) -> Option<(i64, i64)> {
    let ends = times.fold(None, |ends: Option<(i64, i64)>, time| {
        let (first, last) = ends.unwrap_or((time, time));
        Some((first.min(time), last.max(time)))
    });
    ends.map(|(first, last)| (first - AROUND, last + AROUND))
}
