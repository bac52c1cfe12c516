//! Pictures of an operation that is not linearizable, with the operations around it: a row for each
//! process, and bars from invocation to completion in the order of the history.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Evidence, MAX_CASES, around, micros, shortened};
use crate::plot::escaped;
use crate::story::{Scene, WRONG_KEYS, of_key, stale};
use crate::text::capitalized;
use checkers::{Element, RegisterOutcome, RegisterViolation, RegistersResult};
use history::text;
use history::{Kind, Pair, Process};

const WIDTH: usize = 760;
const LEFT: usize = 130;
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
pub(super) fn violations(scene: &Scene<'_>, result: &RegistersResult) -> Vec<Evidence> {
    let bad = result.registers.iter().filter_map(|register| {
        let RegisterOutcome::Violated(violation) = &register.outcome else {
            return None;
        };
        self::violation(scene, register.key.as_ref(), violation)
    });
    bad.take(MAX_CASES).collect()
}

fn violation(
    scene: &Scene<'_>,
    key: Option<&Element>,
    violation: &RegisterViolation,
) -> Option<Evidence> {
    let index = violation.event.op.index;
    let of_key = of_key(&scene.pairs, key);
    let is_bad = |pair: &&Pair<'_>| {
        let ends = [Some(pair.invocation), pair.completion];
        ends.into_iter().flatten().any(|op| op.index == index)
    };
    let bad = *of_key.iter().find(is_bad)?;
    let stale = stale(&of_key, &violation.event.op);
    let witness = stale.as_ref().and_then(|it| it.witness);
    let end = end(&bad);
    // Operations that were invoked before its end and did not fail: the last of the completed and
    // of the open ones.
    let candidates = of_key
        .iter()
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
    for needed in [Some(&bad), witness.as_ref()].into_iter().flatten() {
        let index = needed.invocation.index;
        if !drawn.iter().any(|it| it.invocation.index == index) {
            drawn.push(needed);
        }
    }
    let why = match &stale {
        Some(stale) => stale.explain(scene, &violation.event.op),
        None => scene.with_nodes(&violation.to_string()),
    };
    let text = format!(
        "{}. The picture shows the operations on the register that may precede its completion{}.",
        capitalized(&why),
        if left_out > 0 {
            format!("; {left_out} earlier ones are left out")
        } else {
            String::new()
        },
    );
    let title = match key {
        Some(key) => format!("Key {key}"),
        None => "The register".to_owned(),
    };
    let entries = [Some(bad), witness].into_iter().flatten();
    let entries = entries
        .flat_map(|it| [Some(it.invocation), it.completion])
        .flatten();
    Some(Evidence {
        picture: draw(scene, &title, &drawn, &bad, witness.as_ref()),
        window: around(entries.clone().map(|op| micros(op.time))),
        ops: entries.map(|op| op.index).collect(),
        ..Evidence::new(WRONG_KEYS[1], title, text)
    })
}

/// Index of the `ok` completion in the history; the maximum if there is none.
fn end(pair: &Pair<'_>) -> usize {
    let ok = pair.completion.filter(|op| op.kind == Kind::Ok);
    ok.map_or(usize::MAX, |op| op.index)
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

fn draw(
    scene: &Scene<'_>,
    title: &str,
    ops: &[&Pair<'_>],
    bad: &Pair<'_>,
    witness: Option<&Pair<'_>>,
) -> String {
    // Only the order matters: invocations and completions are spaced evenly.
    let ends = |it: &&Pair<'_>| [Some(it.invocation.index), Some(end(it))];
    let mut moments: Vec<usize> = ops.iter().flat_map(ends).flatten().collect();
    moments.sort_unstable();
    moments.dedup();
    let x = |index: usize| {
        let rank = moments.partition_point(|it| *it < index);
        LEFT as f64 + rank as f64 * (WIDTH - LEFT - 60) as f64 / moments.len() as f64
    };
    let mut rows: BTreeMap<Process, Vec<&Pair<'_>>> = BTreeMap::new();
    for op in ops {
        rows.entry(op.invocation.process).or_default().push(op);
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
        let who = scene.who(*process);
        let _ = write!(
            svg,
            "<text class=\"head\" x=\"4\" y=\"{}\">{}</text>",
            y + 16,
            escaped(&who),
        );
        for pair in ops {
            let ok = pair.completion.filter(|op| op.kind == Kind::Ok);
            let left = x(pair.invocation.index);
            let right = ok.map_or((WIDTH - 8) as f64, |op| x(op.index));
            let index = pair.invocation.index;
            let is_witness = witness.is_some_and(|it| it.invocation.index == index);
            let class = match ok {
                _ if index == bad.invocation.index => "call bad",
                _ if is_witness => "call witness",
                Some(_) => "call",
                None => "call open",
            };
            let description = format!(
                "{} of {who}, {:.6} s to {}",
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
