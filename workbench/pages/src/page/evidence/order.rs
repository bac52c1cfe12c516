//! Pictures of an operation that is not linearizable, with the operations around it: a row for each
//! process, and bars from invocation to completion in the order of the history.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Evidence, MAX_CASES, around, micros, shortened};
use crate::page::Subject;
use crate::plot::escaped;
use checkers::{Element, RegisterOutcome, RegisterViolation, RegistersResult};
use history::text;
use history::{Kind, Pair};

const WIDTH: usize = 760;
const LEFT: usize = 90;
const ROW: usize = 26;
const TOP: usize = 8;

/// Maximum number of operations that completed as `ok`.
const MAX_OK: usize = 20;

/// Maximum number of operations that did not.
const MAX_OPEN: usize = 8;

/// Maximum length of an operation in its bar, in characters.
const MAX_CHARS: usize = 18;

/// Width of a character, in pixels.
const CHAR: f64 = 6.5;

/// Registers that are not linearizable, up to the maximum number of cases.
pub(super) fn violations(subject: &Subject<'_>, result: &RegistersResult) -> Vec<Evidence> {
    let pairs = subject.record.history.pairs();
    let bad = result.registers.iter().filter_map(|register| {
        let RegisterOutcome::Violated(violation) = &register.outcome else {
            return None;
        };
        self::violation(&pairs, register.key.as_ref(), violation)
    });
    bad.take(MAX_CASES).collect()
}

fn violation(
    pairs: &[Pair<'_>],
    key: Option<&Element>,
    violation: &RegisterViolation,
) -> Option<Evidence> {
    let index = violation.event.op.index;
    let of_key: Vec<&Pair<'_>> = pairs.iter().filter(|it| is_of(it, key)).collect();
    let is_bad = |pair: &&&Pair<'_>| {
        let ends = [Some(pair.invocation), pair.completion];
        ends.into_iter().flatten().any(|op| op.index == index)
    };
    let bad = *of_key.iter().find(is_bad)?;
    let end = end(bad);
    // Operations that were invoked before its end and did not fail: the last of the completed and
    // of the open ones.
    let candidates = of_key
        .into_iter()
        .filter(|it| it.invocation.index <= end)
        .filter(|it| it.completion.is_none_or(|op| op.kind != Kind::Fail));
    let (mut open, mut ok): (Vec<&Pair<'_>>, Vec<_>) =
        candidates.partition(|it| self::end(it) == usize::MAX);
    let left_out = open.len().saturating_sub(MAX_OPEN) + ok.len().saturating_sub(MAX_OK);
    open.drain(..open.len().saturating_sub(MAX_OPEN));
    ok.sort_by_key(|it| self::end(it));
    ok.drain(..ok.len().saturating_sub(MAX_OK));
    let mut drawn = ok;
    drawn.extend(open);
    if !drawn
        .iter()
        .any(|it| it.invocation.index == bad.invocation.index)
    {
        drawn.push(bad);
    }
    let text = format!(
        "{} of process {} ({:.3} s to {}) is not linearizable: when it took effect, the register \
         could only be {}. The picture shows the operations on the register that may precede its \
         completion{}.",
        label(bad, super::MAX_CHARS),
        bad.invocation.process,
        bad.invocation.seconds(),
        bad.completion
            .map_or("the end".to_owned(), |op| format!("{:.3} s", op.seconds())),
        violation.states().join(" or "),
        if left_out > 0 {
            format!("; {left_out} earlier ones are left out")
        } else {
            String::new()
        },
    );
    let title = match key {
        Some(key) => format!("Key {key} is not linearizable"),
        None => "The register is not linearizable".to_owned(),
    };
    let moments = [Some(bad.invocation), bad.completion].into_iter().flatten();
    let moments = moments.map(|op| micros(op.time));
    Some(Evidence {
        picture: draw(&title, &drawn, bad),
        window: around(moments),
        ..Evidence::new(title, text)
    })
}

/// Index of the `ok` completion in the history; the maximum if there is none.
fn end(pair: &Pair<'_>) -> usize {
    let ok = pair.completion.filter(|op| op.kind == Kind::Ok);
    ok.map_or(usize::MAX, |op| op.index)
}

fn is_of(pair: &Pair<'_>, key: Option<&Element>) -> bool {
    let own = checkers::pair(pair.invocation.value.json()).map(|(own, _)| own);
    key.is_none_or(|key| own.is_some_and(|own| Element::parse(own.get()) == *key))
}

/// Labels an operation: `read 3`, `cas [1,2]`.
fn label(pair: &Pair<'_>, max_chars: usize) -> String {
    let op = pair
        .completion
        .filter(|op| op.kind == Kind::Ok)
        .unwrap_or(pair.invocation);
    let value = checkers::pair(op.value.json()).map_or(op.value.json(), |(_, value)| value.get());
    let label = format!("{} {value}", op.f);
    text::shortened(&label, max_chars)
}

fn draw(title: &str, ops: &[&Pair<'_>], bad: &Pair<'_>) -> String {
    // Only the order matters: invocations and completions are spaced evenly.
    let ends = |it: &&Pair<'_>| [Some(it.invocation.index), Some(end(it))];
    let mut moments: Vec<usize> = ops.iter().flat_map(ends).flatten().collect();
    moments.sort_unstable();
    moments.dedup();
    let x = |index: usize| {
        let rank = moments.partition_point(|it| *it < index);
        LEFT as f64 + rank as f64 * (WIDTH - LEFT - 60) as f64 / moments.len() as f64
    };
    let mut rows: BTreeMap<u64, Vec<&Pair<'_>>> = BTreeMap::new();
    for op in ops {
        let process = op.invocation.process.client().unwrap_or_default();
        rows.entry(process).or_default().push(op);
    }
    let height = TOP + rows.len() * ROW + 8;
    let mut svg = format!(
        "<svg class=\"graph\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\">",
        escaped(&format!(
            "{title}: the operations around the one that is not linearizable"
        ))
    );
    for (row, (process, ops)) in rows.iter().enumerate() {
        let y = TOP + row * ROW;
        let _ = write!(
            svg,
            "<text class=\"head\" x=\"4\" y=\"{}\">process {process}</text>",
            y + 16
        );
        for pair in ops {
            let ok = pair.completion.filter(|op| op.kind == Kind::Ok);
            let left = x(pair.invocation.index);
            let right = ok.map_or((WIDTH - 8) as f64, |op| x(op.index));
            let class = match (pair.invocation.index == bad.invocation.index, ok) {
                (true, _) => "call bad",
                (false, Some(_)) => "call",
                (false, None) => "call open",
            };
            let description = format!(
                "{} of process {process}, {:.6} s to {}",
                label(pair, super::MAX_CHARS),
                pair.invocation.seconds(),
                ok.map_or("the end".to_owned(), |op| format!("{:.6} s", op.seconds())),
            );
            let starts = ops.iter().map(|it| x(it.invocation.index));
            let next = starts
                .filter(|it| *it > left)
                .fold((WIDTH - 8) as f64, f64::min);
            let (text_x, text) = place(&label(pair, MAX_CHARS), left, right, next);
            let _ = write!(
                svg,
                "<g class=\"{class}\"><rect x=\"{left:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{}\" rx=\"3\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{}</text><title>{}</title></g>",
                y + 3,
                (right - left).max(3.0),
                ROW - 6,
                text_x,
                y + 17,
                escaped(&text),
                escaped(&shortened(&description)),
            );
        }
    }
    svg + "</svg>"
}

/// Places a label in its bar, or, if it is too long, between the bar and the next one; or cuts it.
fn place(label: &str, left: f64, right: f64, next: f64) -> (f64, String) {
    let fitting = |from: f64, to: f64| ((to - from - 8.0).max(0.0) / CHAR) as usize;
    let (inside, outside) = (fitting(left, right), fitting(right, next));
    match label.chars().count() {
        length if length <= inside => (left + 4.0, label.to_owned()),
        length if length <= outside => (right + 4.0, label.to_owned()),
        _ if inside > 3 => (left + 4.0, text::shortened(label, inside - 1)),
        _ => (left + 4.0, String::new()),
    }
}
