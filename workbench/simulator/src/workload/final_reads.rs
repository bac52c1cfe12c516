//! Checks of the final reads: they must agree, and contain everything that was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use checkers::{EMPTY_GRAPH, Element, WorkloadResult};
use history::{History, Kind, Op};

/// Finds reads without elements that were acknowledged or that other reads contain.
pub(super) fn missing_elements(history: &History, reads: &[&Op], f: &str) -> Vec<String> {
    let adds = history.ops.iter();
    let adds = adds.filter(|op| op.kind == Kind::Ok && op.f == f && op.process.client().is_some());
    let mut due: Vec<Element> = adds.map(Element::of).collect();
    due.sort_unstable();
    due.dedup();
    let shown: Vec<Vec<Element>> = reads.iter().map(|read| sorted_elements(read)).collect();
    // Mostly a read shows what is due already; all together would be reads times elements.
    for elements in &shown {
        if *elements != due {
            due.extend(elements.iter().cloned());
            // Merges two sorted runs.
            due.sort();
            due.dedup();
        }
    }
    let missing = |(read, seen): (&&Op, &Vec<Element>)| {
        if *seen == due {
            return None;
        }
        let is_missing = |element: &&Element| seen.binary_search(element).is_err();
        let first = due.iter().find(is_missing)?;
        let count = due.iter().filter(is_missing).count();
        Some(format!(
            "after recovery, the read of process {} lacks {count} {} acknowledged or read by other \
             processes, such as {first}",
            read.process,
            if count == 1 { "element" } else { "elements" },
        ))
    };
    reads.iter().zip(&shown).filter_map(missing).collect()
}

/// The elements of a read, sorted; none if its value has another form.
fn sorted_elements(read: &Op) -> Vec<Element> {
    let mut elements = Element::list_of(read).unwrap_or_default();
    elements.sort_unstable();
    elements
}

/// Finds reads that differ from the first one.
pub(super) fn differing_reads(reads: &[&Op]) -> Vec<String> {
    let Some((first, rest)) = reads.split_first() else {
        return Vec::new();
    };
    let differs = |read: &&&Op| canonical(&read.value) != canonical(&first.value);
    let describe = |read: &&Op| {
        format!(
            "after recovery, process {} reads {} and process {} reads {}",
            first.process, first.value, read.process, read.value
        )
    };
    rest.iter().filter(differs).map(describe).collect()
}

/// The micro-operations of a transaction; none if its value has another form.
fn micro_ops(op: &Op) -> Vec<(String, Value, Value)> {
    op.value.parse().unwrap_or_default()
}

/// The keys and values that acknowledged transactions have written.
fn written(history: &History) -> impl Iterator<Item = (Value, Value)> {
    let done = history.ops.iter().filter(|op| op.kind == Kind::Ok);
    let writes = done.flat_map(micro_ops).filter(|(f, ..)| f != "r");
    writes.map(|(_, key, value)| (key, value))
}

/// Finds reads without a value of a key that an acknowledged transaction has written. Which of
/// several writes is the last is unknown, but one of them must be visible.
pub(super) fn lost_writes(history: &History, reads: &[&Op]) -> Vec<String> {
    let written: BTreeSet<String> = written(history).map(|(key, _)| key.to_string()).collect();
    let lost = |read: &&Op| {
        let absent = micro_ops(read)
            .into_iter()
            .filter(|(.., value)| value.is_null());
        let keys = absent.map(|(_, key, _)| key.to_string());
        let lost = keys.filter(|key| written.contains(key)).collect::<Vec<_>>();
        finding(read, "reads nothing from written keys", &lost)
    };
    reads.iter().filter_map(lost).collect()
}

/// Finds reads of lists without an element that an acknowledged transaction has appended.
pub(super) fn lost_appends(history: &History, reads: &[&Op]) -> Vec<String> {
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
        Some(format!("{first} in key {key}"))
    };
    let describe = |read: &&Op| {
        let final_reads = micro_ops(read).into_iter().filter(|(f, ..)| f == "r");
        let lost: Vec<String> = final_reads.filter_map(|step| lacks(&step)).collect();
        finding(read, "does not read appended elements", &lost)
    };
    reads.iter().filter_map(describe).collect()
}

/// The sentence on a read that lost something; `None` if it lost nothing.
fn finding(read: &Op, what: &str, lost: &[String]) -> Option<String> {
    let (process, listed) = (read.process, lost.join(", "));
    (!lost.is_empty()).then(|| format!("after recovery, process {process} {what}: {listed}"))
}

/// Whether the only finding of an Elle-like checker is an empty graph: no operation precedes
/// another. To Maelstrom such a history is invalid; in a storm it only means that almost nothing
/// has succeeded.
pub(super) fn has_empty_graph(result: &WorkloadResult) -> bool {
    let names: Vec<&str> = match result {
        WorkloadResult::Transactions(result) => result.anomalies.iter().map(|it| it.name).collect(),
        WorkloadResult::Logs(result) => result.errors().map(|it| it.name).collect(),
        _ => return false,
    };
    names == [EMPTY_GRAPH]
}

fn canonical(value: &history::Value) -> Option<String> {
    let value: Value = value.parse().ok()?;
    Some(value.to_string())
}
