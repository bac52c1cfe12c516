//! Evidence for a verdict: pictures and tables made from the checker's result and the history, by kind of
//! anomaly.

mod crash;
mod graph;
mod log;
mod lost;
mod order;
mod way;

use super::Subject;
use super::table::Table;
use crate::story::{
    DUPLICATE_IDS, NEVER_OK, Scene, Story, UNAVAILABLE, WRONG_ECHOES, WRONG_READS, additions,
    simplicity,
};
use checkers::{Cases, CounterResult, EchoResult, IdsResult, TransactionsResult, WorkloadResult};
use graph::Graph;
use history::{Op, text};

/// Maximum number of cases of each anomaly.
const MAX_CASES: usize = 4;

/// Maximum number of operations without success.
const MAX_FAILURES: usize = 8;

/// Maximum length of a node's output, in characters.
const MAX_CHARS: usize = 160;

/// Margin of a time window on either side, in microseconds.
const MARGIN_US: i64 = 100_000;

/// Evidence of one case of an anomaly.
pub(super) struct Evidence {
    /// The kind of anomaly.
    kind: String,
    pub(super) title: String,
    pub(super) text: String,
    /// An SVG element; empty if there is no picture.
    pub(super) picture: String,
    pub(super) table: Option<Table>,
    /// Output of a node, line by line; empty if there is none.
    pub(super) output: Vec<String>,
    /// The node whose log has more.
    pub(super) log_of: Option<String>,
    /// Start and end of the anomaly, in microseconds since time zero.
    pub(super) window: Option<(i64, i64)>,
    /// The same of its cause, if that was at another time.
    pub(super) cause: Option<(i64, i64)>,
    /// Entries of the history that are marked in the timeline.
    pub(super) ops: Vec<usize>,
    /// Messages that are marked there, by their index in the trace.
    pub(super) messages: Vec<usize>,
}

/// The evidence of one kind of anomaly.
pub(super) struct EvidenceOfKind {
    /// `2 lost values`.
    pub(super) title: String,
    pub(super) meaning: &'static str,
    pub(super) cases: Vec<Evidence>,
}

impl Evidence {
    fn new(kind: impl Into<String>, title: impl Into<String>, text: impl Into<String>) -> Self {
        Evidence {
            kind: kind.into(),
            title: title.into(),
            text: text.into(),
            picture: String::new(),
            table: None,
            output: Vec::new(),
            log_of: None,
            window: None,
            cause: None,
            ops: Vec::new(),
            messages: Vec::new(),
        }
    }
}

/// Collects the evidence of a run, in the order of the kinds of its story.
pub(super) fn evidence(
    subject: &Subject<'_>,
    scene: &Scene<'_>,
    story: &Story,
) -> Vec<EvidenceOfKind> {
    let mut cases = match subject.verdict {
        Some(verdict) if scene.record.abort_reason.is_none() => {
            of_workload(scene, &verdict.workload.result)
        }
        _ => crash::crashes(scene),
    };
    cases.extend([NEVER_OK, UNAVAILABLE].map(|kind| without_success(scene, kind[1])));
    let kinds = story.kinds.iter().map(|kind| EvidenceOfKind {
        title: kind.to_string(),
        meaning: kind.meaning,
        cases: cases.extract_if(.., |it| it.kind == kind.name).collect(),
    });
    kinds.collect()
}

fn of_workload(scene: &Scene<'_>, result: &WorkloadResult) -> Vec<Evidence> {
    match result {
        WorkloadResult::Set(result) => lost::lost(scene, result),
        WorkloadResult::Registers(result) => order::violations(scene, result),
        WorkloadResult::Transactions(result) => transactions(scene, result),
        WorkloadResult::Logs(result) => log::anomalies(scene, result),
        WorkloadResult::Ids(result) => duplicates(scene, result),
        WorkloadResult::Echo(result) => mismatches(scene, result),
        WorkloadResult::Counter(result) => wrong_reads(scene, result),
        WorkloadResult::Custom(_) | WorkloadResult::Unjudged(_) => Vec::new(),
    }
}

/// Cases of each anomaly of transactions.
fn transactions(scene: &Scene<'_>, result: &TransactionsResult) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for Cases { name, cases, .. } in &result.anomalies {
        let mut cases: Vec<_> = cases.iter().collect();
        cases.sort_by_key(|it| simplicity(it));
        let cases = cases.into_iter().map(|case| match Graph::of(scene, case) {
            Some(graph) => graph.evidence(name),
            None => list_ops(scene, name, &result.describe(case), &case.ops()),
        });
        evidence.extend(cases.take(MAX_CASES));
    }
    evidence
}

/// Makes evidence without a picture: a sentence and a table of operations.
fn list_ops(scene: &Scene<'_>, kind: &str, sentence: &str, ops: &[&Op]) -> Evidence {
    let rows = ops.iter().map(|op| vec![name(scene, op), value(op)]);
    let table = Table::new(
        "Operations involved",
        &["operation", "value"],
        rows.collect(),
    );
    Evidence {
        table: (!ops.is_empty()).then(|| table.of_text()),
        window: around(ops.iter().map(|op| micros(op.time))),
        ops: ops.iter().map(|op| op.index).collect(),
        ..Evidence::new(kind, "", shortened(&scene.with_nodes(sentence)))
    }
}

/// The first operations that did not succeed.
fn without_success(scene: &Scene<'_>, kind: &str) -> Evidence {
    let first: Vec<&Op> = scene.failures(None).take(MAX_FAILURES).collect();
    let rows = first
        .iter()
        .map(|op| vec![name(scene, op), value(op), scene.outcome(op)]);
    let table = Table::new(
        "The first operations without success",
        &["operation", "value", "outcome"],
        rows.collect(),
    );
    Evidence {
        table: Some(table.of_text()),
        window: around(first.iter().take(1).map(|op| micros(op.time))),
        ops: first.iter().map(|op| op.index).collect(),
        ..Evidence::new(kind, "", "")
    }
}

/// Ids that were generated more than once.
fn duplicates(scene: &Scene<'_>, result: &IdsResult) -> Vec<Evidence> {
    if result.duplicates.is_empty() {
        return Vec::new();
    }
    let rows = result.duplicates.iter().flat_map(|duplicate| {
        let id = shortened(&duplicate.id.to_string());
        let row = move |op: &Op| {
            let (who, at) = (scene.who(op.process), op.seconds());
            vec![id.clone(), who, format!("{at:.3}"), op.index.to_string()]
        };
        duplicate.ops.iter().map(row)
    });
    let head = ["id", "returned to", "at, s", "op"];
    let table = Table::new("Duplicate ids", &head, rows.collect());
    let ops = result.duplicates.iter().flat_map(|it| &it.ops);
    let first = result.duplicates[0].ops.iter().map(|op| micros(op.time));
    vec![Evidence {
        table: Some(table.of_text()),
        window: around(first),
        ops: ops.map(|op| op.index).take(super::MAX_LISTED).collect(),
        ..Evidence::new(DUPLICATE_IDS[1], "", "")
    }]
}

/// Replies that do not echo their requests.
fn mismatches(scene: &Scene<'_>, result: &EchoResult) -> Vec<Evidence> {
    let rows = result.mismatches.iter().map(|it| {
        let [sent, received] = [&it.sent, &it.received].map(|op| shortened(&op.value.to_string()));
        vec![name(scene, &it.received), sent, received]
    });
    let head = ["reply", "sent", "received"];
    let ops = result.mismatches.iter().map(|it| &it.received);
    rejected_ops(WRONG_ECHOES[1], &head, rows.collect(), ops)
}

/// Final reads with a sum that is not possible.
fn wrong_reads(scene: &Scene<'_>, result: &CounterResult) -> Vec<Evidence> {
    let expected = result.acceptable.to_string();
    let rows = result.wrong.iter().map(|op| {
        let missing = match crate::story::difference(op, result) {
            Some(missing @ 1..) => format!("{missing} too little"),
            Some(surplus) => format!("{} too much", surplus.unsigned_abs()),
            None => String::new(),
        };
        vec![
            name(scene, op),
            shortened(&op.value.plain()),
            shortened(&expected),
            missing,
        ]
    });
    let head = ["final read", "returned", "expected", "difference"];
    let mut evidence = rejected_ops(WRONG_READS[1], &head, rows.collect(), result.wrong.iter());
    evidence
        .iter_mut()
        .for_each(|it| it.text = additions(scene));
    evidence
}

fn rejected_ops<'a>(
    kind: &str,
    head: &[&str],
    rows: Vec<Vec<String>>,
    ops: impl Iterator<Item = &'a Op> + Clone,
) -> Vec<Evidence> {
    if rows.is_empty() {
        return Vec::new();
    }
    let table = Table::new("Operations the checker rejects", head, rows);
    vec![Evidence {
        table: Some(table.of_text()),
        window: around(ops.clone().take(1).map(|op| micros(op.time))),
        ops: ops.map(|op| op.index).take(super::MAX_LISTED).collect(),
        ..Evidence::new(kind, "", "")
    }]
}

/// Cuts output of a node to what fits the page.
fn shortened(text: &str) -> String {
    text::shortened(text, MAX_CHARS)
}

/// Names an entry: `op 14, process 2 on n0, 0.123 s ok`.
fn name(scene: &Scene<'_>, op: &Op) -> String {
    let (who, at) = (scene.who(op.process), op.seconds());
    format!("op {}, {who}, {at:.3} s {}", op.index, op.kind.name())
}

/// Function and value of an operation.
fn value(op: &Op) -> String {
    shortened(&if op.f == "txn" {
        op.value.to_string()
    } else {
        format!("{} {}", op.f, op.value)
    })
}

/// Converts nanoseconds to microseconds.
fn micros(nanoseconds: u64) -> i64 {
    (nanoseconds / 1000) as i64
}

/// Makes a window around these times.
fn around(times: impl Iterator<Item = i64>) -> Option<(i64, i64)> {
    let ends = times.fold(None, |ends: Option<(i64, i64)>, time| {
        let (first, last) = ends.unwrap_or((time, time));
        Some((first.min(time), last.max(time)))
    });
    ends.map(|(first, last)| (first - MARGIN_US, last + MARGIN_US))
}
