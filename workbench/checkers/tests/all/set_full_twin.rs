//! The set checker against a naive twin, which is written for clarity only, on small random
//! histories.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use checkers::{CheckerResult as _, set_full};
use history::edn::{self, Edn, compact, get};
use history::{History, Kind, Op, Process};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::Value;

#[test]
fn the_naive_twin_has_the_same_verdict() {
    for seed in 0..20_000 {
        compare(&random_history(&mut ChaCha8Rng::seed_from_u64(seed)));
    }
}

#[test]
fn the_naive_twin_has_the_same_verdict_on_sets_that_grow() {
    for seed in 0..200 {
        compare(&growing_history(&mut ChaCha8Rng::seed_from_u64(seed)));
    }
}

/// Asserts that the checker and its twin agree.
pub fn compare(history: &History) {
    let verdict = set_full(history, "add");
    let mut results = verdict.to_edn();
    let worst = worst(&results);
    edn::insert(&mut results, "worst-stale", Edn::Nil);
    let (twin, twins_worst) = naive(history);
    let context = || {
        let mut text = Vec::new();
        history.write_edn(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    assert_eq!(compact(&results), compact(&twin), "{}", context());
    assert_eq!(worst, twins_worst, "{}", context());
}

/// A history of a few clients that add and read a few elements.
pub fn random_history(rng: &mut dyn Rng) -> History {
    const ELEMENTS: [&str; 6] = ["0", "1", "2", "3", "\"x\"", "1.0"];
    // Latencies are whole milliseconds, so times lie just before, at and after them.
    const STEPS: [u64; 5] = [0, 1, 999_999, 1_000_000, 2_500_000];
    let elements = rng.random_range(1..=ELEMENTS.len());
    let element = |rng: &mut dyn Rng| ELEMENTS[rng.random_range(0..elements)];
    let mut open: BTreeMap<u64, (&str, &str)> = BTreeMap::new();
    let mut time = 0;
    let mut lines = String::new();
    for index in 0..rng.random_range(0..40) {
        time += STEPS[rng.random_range(0..STEPS.len())];
        let process = rng.random_range(0..4);
        let (kind, f, value) = match open.remove(&process) {
            None => {
                let is_add = rng.random_ratio(2, 5);
                let (f, value) = if is_add {
                    ("add", element(rng))
                } else {
                    ("read", "null")
                };
                open.insert(process, (f, value));
                ("invoke", f, value.to_owned())
            }
            Some((f, value)) => {
                let kind = *["ok", "ok", "ok", "fail", "info"]
                    .get(rng.random_range(0..5))
                    .unwrap();
                let seen = (0..rng.random_range(0..6))
                    .map(|_| element(rng))
                    .collect::<Vec<_>>();
                let read = f == "read" && !rng.random_ratio(1, 20);
                (
                    kind,
                    f,
                    if read {
                        format!("[{}]", seen.join(","))
                    } else {
                        value.to_owned()
                    },
                )
            }
        };
        lines += &op(index, time, process, kind, f, &value);
    }
    History::read_json(lines.as_bytes()).unwrap()
}

/// A line of a history.
fn op(index: u64, time: u64, process: u64, kind: &str, f: &str, value: &str) -> String {
    let head = format!(r#""index":{index},"time":{time},"type":"{kind}""#);
    format!("{{{head},\"process\":{process},\"f\":\"{f}\",\"value\":{value}}}\n")
}

/// A history of clients of different nodes. Each of these knows more and more elements, in its own
/// order, which changes at times, or an element is lost.
fn growing_history(rng: &mut dyn Rng) -> History {
    const PROCESSES: usize = 5;
    let (mut added, mut lines) = (Vec::new(), String::new());
    let mut open = [None; PROCESSES];
    let mut known = [const { Vec::new() }; PROCESSES];
    for index in 0..600 {
        let process = rng.random_range(0..PROCESSES);
        let (kind, f, value) = match open[process].take() {
            None if rng.random() => {
                let element = match rng.random_range(0..30) {
                    0 if index > 300 => 1000 + added.len(),
                    1 => rng.random_range(0..=added.len()),
                    _ => added.len(),
                };
                added.push(element);
                open[process] = Some(("add", element));
                ("invoke", "add", element.to_string())
            }
            None => {
                open[process] = Some(("read", 0));
                ("invoke", "read", "null".to_owned())
            }
            Some(("add", element)) => ("ok", "add", element.to_string()),
            Some((f, _)) => {
                let known = &mut known[process];
                known.extend(added.iter().filter(|_| rng.random_ratio(1, 10)));
                match rng.random_range(0..20) {
                    0 => known.truncate(rng.random_range(0..=known.len())),
                    1 => known.reverse(),
                    2 if !known.is_empty() => {
                        known.remove(rng.random_range(0..known.len()));
                    }
                    _ => {}
                }
                let mut seen = BTreeSet::new();
                known.retain(|element: &usize| seen.insert(*element));
                ("ok", f, serde_json::to_string(known).unwrap())
            }
        };
        let time = index * 1_000_000;
        lines += &op(index, time, process as u64, kind, f, &value);
    }
    History::read_json(lines.as_bytes()).unwrap()
}

/// A stale element: its text, its stable latency, and the indices of `known` and `last-absent`.
type Stale = (String, u64, Option<usize>, Option<usize>);

/// The worst stale elements of a result.
fn worst(results: &Edn) -> Vec<Stale> {
    let Some(Edn::List(worst)) = get(results, &["worst-stale"]) else {
        panic!("no worst-stale")
    };
    let number = |stale: &Edn, path: &[&'static str]| {
        get(stale, path)
            .and_then(edn::number)
            .map(|number| number as usize)
    };
    let stale = |stale: &Edn| {
        let element = edn::to_json(get(stale, &["element"]).unwrap()).to_string();
        let latency = number(stale, &["stable-latency"]).unwrap() as u64;
        let known = number(stale, &["known", "index"]);
        (
            element,
            latency,
            known,
            number(stale, &["last-absent", "index"]),
        )
    };
    worst.iter().map(stale).collect()
}

/// The operations that decide about an element.
#[derive(Default, Clone, Copy)]
struct ElementOps<'a> {
    known: Option<&'a Op>,
    last_present: Option<&'a Op>,
    last_absent: Option<&'a Op>,
}

/// The naive checker: each operation in turn, each read against each element.
fn naive(history: &History) -> (Edn, Vec<Stale>) {
    let mut elements: Vec<(Value, ElementOps<'_>)> = Vec::new();
    let mut begun: BTreeMap<Process, &Op> = BTreeMap::new();
    for op in &history.ops {
        let value: Value = op.value.parse().unwrap();
        let invocation = begun.remove(&op.process);
        match (op.kind, &*op.f) {
            (Kind::Invoke, f) => {
                begun.insert(op.process, op);
                if f == "add" {
                    elements.retain(|(element, _)| *element != value);
                    elements.push((value, ElementOps::default()));
                }
            }
            (Kind::Ok, "add") => {
                for (element, ops) in &mut elements {
                    if *element == value {
                        ops.known = ops.known.or(Some(op));
                    }
                }
            }
            (Kind::Ok, "read") => {
                let Some(invocation) = invocation.filter(|op| op.f == "read") else {
                    continue;
                };
                let seen = value.as_array().cloned().unwrap_or_default();
                for (element, ops) in &mut elements {
                    if seen.contains(element) {
                        ops.known = ops.known.or(Some(op));
                        ops.last_present = later(ops.last_present, invocation);
                    } else {
                        ops.last_absent = later(ops.last_absent, invocation);
                    }
                }
            }
            (Kind::Ok | Kind::Fail | Kind::Info, _) => {}
        }
    }
    elements.sort_by_key(|(element, _)| {
        (
            element.as_i64().is_none(),
            element.as_i64(),
            element.to_string(),
        )
    });
    naive_results(&elements)
}

fn later<'a>(last: Option<&'a Op>, op: &'a Op) -> Option<&'a Op> {
    last.filter(|last| last.index > op.index).or(Some(op))
}

fn naive_results(elements: &[(Value, ElementOps<'_>)]) -> (Edn, Vec<Stale>) {
    let (mut stable, mut lost, mut never_read, mut stale) = (vec![], vec![], vec![], vec![]);
    let (mut stable_latencies, mut lost_latencies, mut worst) = (vec![], vec![], vec![]);
    for (element, ops) in elements {
        let index = |op: Option<&Op>| op.map_or(-1, |op| op.index as i64);
        let (present, absent) = (index(ops.last_present), index(ops.last_absent));
        let latency = |last: Option<&Op>| {
            let end = last.map_or(0, |op| op.time as i64 + 1);
            let known = ops.known.map_or(0, |op| op.time as i64);
            (end - known).max(0) as u64 / 1_000_000
        };
        let edn = edn::from_json(element, edn::Keys::Strings);
        if ops.last_present.is_some() && absent < present {
            let latency = latency(ops.last_absent);
            stable_latencies.push(latency);
            stable.push(edn.clone());
            if latency > 0 {
                stale.push(edn);
                let index = |op: Option<&Op>| op.map(|op| op.index);
                let (known, absent) = (index(ops.known), index(ops.last_absent));
                worst.push((element.to_string(), latency, known, absent));
            }
        } else if ops.known.is_some()
            && ops.last_absent.is_some()
            && present < absent
            && index(ops.known) < absent
        {
            lost_latencies.push(latency(ops.last_present));
            lost.push(edn);
        } else {
            never_read.push(edn);
        }
    }
    worst.reverse();
    worst.sort_by_key(|stale: &Stale| Reverse(stale.1));
    worst.truncate(8);
    let valid = match (lost.len(), stable.len()) {
        (0, 0) => edn::key("unknown"),
        (lost, _) => Edn::Bool(lost == 0),
    };
    let mut results = edn::map([
        ("valid?", valid),
        ("attempt-count", edn::count(elements.len())),
        ("stable-count", edn::count(stable.len())),
        ("lost-count", edn::count(lost.len())),
        ("lost", Edn::List(lost)),
        ("never-read-count", edn::count(never_read.len())),
        ("never-read", Edn::List(never_read)),
        ("stale-count", edn::count(stale.len())),
        ("stale", Edn::List(stale)),
        ("worst-stale", Edn::Nil),
        ("duplicated-count", Edn::Int(0)),
        ("duplicated", edn::map([])),
    ]);
    insert_latencies(&mut results, "stable-latencies", stable_latencies);
    insert_latencies(&mut results, "lost-latencies", lost_latencies);
    (results, worst)
}

fn insert_latencies(results: &mut Edn, name: &'static str, mut latencies: Vec<u64>) {
    latencies.sort_unstable();
    let n = latencies.len();
    if n > 0 {
        let at = |point: f64| {
            let position = (n as f64 * point).floor() as usize;
            edn::integer(latencies[position.min(n - 1)])
        };
        let map = [
            (Edn::Int(0), at(0.0)),
            (edn::float(0.5), at(0.5)),
            (edn::float(0.95), at(0.95)),
            (edn::float(0.99), at(0.99)),
            (Edn::Int(1), at(1.0)),
        ];
        edn::insert(results, name, Edn::Map(map.into()));
    }
}
