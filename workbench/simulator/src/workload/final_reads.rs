//! What the last reads must show: the same everywhere, and whatever was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use checkers::{EMPTY_GRAPH, Element, Verdict};
use history::edn::{self, Edn};
use history::{History, Kind, Op};

/// Reads that lack what was acknowledged, or show what other reads do not.
pub(super) fn missing_elements(history: &History, reads: &[&Op], f: &str) -> Vec<String> {
    let adds = history.ops.iter();
    let adds = adds.filter(|op| op.kind == Kind::Ok && op.f == f && op.process.client().is_some());
    let mut due: Vec<Element> = adds.map(Element::of).collect();
    let shown: Vec<Vec<Element>> = reads.iter().map(|read| listed(read)).collect();
    due.extend(shown.iter().flatten().cloned());
    due.sort_unstable();
    due.dedup();
    let missing = |(read, seen): (&&Op, &Vec<Element>)| {
        let is_missing = |element: &&Element| seen.binary_search(element).is_err();
        let first = due.iter().find(is_missing)?;
        let count = due.iter().filter(is_missing).count();
        Some(format!(
            "after the calm, the read of process {} lacks {count} that others show or that were \
             acknowledged, such as {first}",
            read.process
        ))
    };
    reads.iter().zip(&shown).filter_map(missing).collect()
}

/// What a read shows, in order; nothing if it cannot be read.
fn listed(read: &Op) -> Vec<Element> {
    let mut elements = Element::list_of(read).unwrap_or_default();
    elements.sort_unstable();
    elements
}

/// Final reads that differ from the first one.
pub(super) fn differing_reads(reads: &[&Op]) -> Vec<String> {
    let Some((first, rest)) = reads.split_first() else {
        return Vec::new();
    };
    let differs = |read: &&&Op| canonical(&read.value) != canonical(&first.value);
    let describe = |read: &&Op| {
        format!(
            "after the calm, process {} reads {} and process {} reads {}",
            first.process, first.value, read.process, read.value
        )
    };
    rest.iter().filter(differs).map(describe).collect()
}

/// What a transaction did, as far as it can be read.
fn steps(op: &Op) -> Vec<(String, Value, Value)> {
    op.value.parse().unwrap_or_default()
}

/// What acknowledged transactions wrote.
fn written(history: &History) -> impl Iterator<Item = (Value, Value)> {
    let done = history.ops.iter().filter(|op| op.kind == Kind::Ok);
    let writes = done.flat_map(steps).filter(|(f, ..)| f != "r");
    writes.map(|(_, key, value)| (key, value))
}

/// Final reads that find nothing where an acknowledged transaction has written. Which of several
/// writes comes last a history does not tell, but one of them must be there.
pub(super) fn lost_writes(history: &History, reads: &[&Op]) -> Vec<String> {
    let written: BTreeSet<String> = written(history).map(|(key, _)| key.to_string()).collect();
    let lost = |read: &&Op| {
        let absent = steps(read)
            .into_iter()
            .filter(|(.., value)| value.is_null());
        let keys = absent.map(|(_, key, _)| key.to_string());
        let lost = keys.filter(|key| written.contains(key)).collect::<Vec<_>>();
        (!lost.is_empty()).then(|| {
            format!(
                "after the calm, process {} finds nothing in keys that were written: {}",
                read.process,
                lost.join(", ")
            )
        })
    };
    reads.iter().filter_map(lost).collect()
}

/// Final reads of lists without what an acknowledged transaction has appended.
pub(super) fn lost(history: &History, reads: &[&Op]) -> Vec<String> {
    let mut appended: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (key, element) in written(history) {
        appended.entry(key.to_string()).or_default().push(element);
    }
    let lacks = |(_, key, list): &(String, Value, Value)| {
        let list: BTreeSet<String> = match list {
            Value::Array(list) => list.iter().map(Value::to_string).collect(),
            _ => BTreeSet::new(),
        };
        let mut due = appended.get(&key.to_string())?.iter();
        let first = due.find(|element| !list.contains(&element.to_string()))?;
        Some(format!("{first} in {key}"))
    };
    let describe = |read: &&Op| {
        let final_reads = steps(read).into_iter().filter(|(f, ..)| f == "r");
        let lost: Vec<String> = final_reads.filter_map(|step| lacks(&step)).collect();
        (!lost.is_empty()).then(|| {
            format!(
                "after the calm, process {} does not find what was appended: {}",
                read.process,
                lost.join(", ")
            )
        })
    };
    reads.iter().filter_map(describe).collect()
}

/// Whether all that an Elle-like checker objects to is that nothing comes before anything. Maelstrom
/// counts such a history as invalid; in a storm it may well be that hardly anything succeeds, and
/// that proves nothing.
pub(super) fn has_empty_graph(verdict: &Verdict, types: &str) -> bool {
    let nothing = Edn::List(vec![edn::key(EMPTY_GRAPH)]);
    edn::get(&verdict.results, &[types]) == Some(&nothing)
}

fn canonical(value: &history::Value) -> Option<String> {
    let value: Value = value.parse().ok()?;
    Some(value.to_string())
}
