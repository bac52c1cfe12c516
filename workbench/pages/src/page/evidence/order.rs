//! An operation that has no place in any order, with the operations around it: a row for each
//! process, a bar from invocation to completion, in the order of the history.

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

/// How many operations that ended are drawn.
const MAX_CALLS: usize = 20;

/// How many of those that did not end.
const MAX_OPEN: usize = 8;

/// How many letters of an operation are shown in its bar.
const LETTERS: usize = 18;

/// Each register that is not linearizable, as far as a page has room.
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
    let is_it = |pair: &&&Pair<'_>| {
        let ends = [Some(pair.invocation), pair.completion];
        ends.into_iter().flatten().any(|op| op.index == index)
    };
    let bad = *of_key.iter().find(is_it)?;
    let end = end(bad);
    // What began before the end of it and did not fail: the last that ended, and some that never did.
    let before = of_key
        .into_iter()
        .filter(|it| it.invocation.index <= end)
        .filter(|it| it.completion.is_none_or(|op| op.kind != Kind::Fail));
    let (mut open, mut ended): (Vec<&Pair<'_>>, Vec<_>) =
        before.partition(|it| self::end(it) == usize::MAX);
    let left_out = open.len().saturating_sub(MAX_OPEN) + ended.len().saturating_sub(MAX_CALLS);
    open.drain(..open.len().saturating_sub(MAX_OPEN));
    ended.sort_by_key(|it| self::end(it));
    ended.drain(..ended.len().saturating_sub(MAX_CALLS));
    let mut near = ended;
    near.extend(open);
    if !near
        .iter()
        .any(|it| it.invocation.index == bad.invocation.index)
    {
        near.push(bad);
    }
    let text = format!(
        "{} of process {} ({:.3} s to {}) has no place in any order: when it took effect, the \
         register could only hold {}. Drawn are the operations on the key that may have come before \
         its end, in their order{}.",
        label(bad, super::LETTERS),
        bad.invocation.process,
        bad.invocation.seconds(),
        bad.completion
            .map_or("the end".to_owned(), |op| format!("{:.3} s", op.seconds())),
        violation.states().join(" or "),
        if left_out > 0 {
            format!("; {left_out} more are left out")
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
        picture: draw(&title, &near, bad),
        window: around(moments),
        ..Evidence::new(title, text)
    })
}

/// Where a call ends in the history; one that does not end, ends last.
fn end(pair: &Pair<'_>) -> usize {
    let ended = pair.completion.filter(|op| op.kind == Kind::Ok);
    ended.map_or(usize::MAX, |op| op.index)
}

fn is_of(pair: &Pair<'_>, key: Option<&Element>) -> bool {
    let own = checkers::pair(pair.invocation.value.json()).map(|(own, _)| own);
    key.is_none_or(|key| own.is_some_and(|own| Element::parse(own.get()) == *key))
}

/// `read 3`, `cas [1,2]`.
fn label(pair: &Pair<'_>, letters: usize) -> String {
    let op = pair
        .completion
        .filter(|op| op.kind == Kind::Ok)
        .unwrap_or(pair.invocation);
    let value = checkers::pair(op.value.json()).map_or(op.value.json(), |(_, value)| value.get());
    let label = format!("{} {value}", op.f);
    text::shortened(&label, letters)
}

fn draw(title: &str, calls: &[&Pair<'_>], bad: &Pair<'_>) -> String {
    // Only the order counts: every beginning and every end gets the same room.
    let ends = |it: &&Pair<'_>| [Some(it.invocation.index), Some(end(it))];
    let mut moments: Vec<usize> = calls.iter().flat_map(ends).flatten().collect();
    moments.sort_unstable();
    moments.dedup();
    let x = |index: usize| {
        let place = moments.partition_point(|it| *it < index);
        LEFT as f64 + place as f64 * (WIDTH - LEFT - 60) as f64 / moments.len() as f64
    };
    let mut rows: BTreeMap<u64, Vec<&Pair<'_>>> = BTreeMap::new();
    for call in calls {
        let process = call.invocation.process.client().unwrap_or_default();
        rows.entry(process).or_default().push(call);
    }
    let height = TOP + rows.len() * ROW + 8;
    let mut svg = format!(
        "<svg class=\"graph\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\">",
        escaped(&format!(
            "{title}: the operations around the one that does not fit"
        ))
    );
    for (row, (process, calls)) in rows.iter().enumerate() {
        let y = TOP + row * ROW;
        let _ = write!(
            svg,
            "<text class=\"head\" x=\"4\" y=\"{}\">process {process}</text>",
            y + 16
        );
        for call in calls {
            let ended = call.completion.filter(|op| op.kind == Kind::Ok);
            let left = x(call.invocation.index);
            let right = ended.map_or((WIDTH - 8) as f64, |op| x(op.index));
            let class = match (call.invocation.index == bad.invocation.index, ended) {
                (true, _) => "call bad",
                (false, Some(_)) => "call",
                (false, None) => "call open",
            };
            let told = format!(
                "{} of process {process}, {:.6} s to {}",
                label(call, super::LETTERS),
                call.invocation.seconds(),
                ended.map_or("no end".to_owned(), |op| format!("{:.6} s", op.seconds())),
            );
            let _ = write!(
                svg,
                "<g class=\"{class}\"><rect x=\"{left:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{}\" rx=\"3\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{}</text><title>{}</title></g>",
                y + 3,
                (right - left).max(3.0),
                ROW - 6,
                left + 4.0,
                y + 17,
                escaped(&label(call, LETTERS)),
                escaped(&shortened(&told)),
            );
        }
    }
    svg + "</svg>"
}
