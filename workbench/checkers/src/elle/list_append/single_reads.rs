//! Anomalies of single reads and appends, which need no order of transactions.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::lists::Lists;
use super::{Case, Expected};
use crate::elle::anomalies::Anomalies;
use crate::elle::common::{Common, failed_writes, overwritten_writes};
use crate::elle::number_map::NumberMap;
use crate::elle::transactions::{Action, MicroOp, NIL, Transactions, reads};
use history::Kind;

/// Adds the anomalies. Of a list with several failed elements, the first one is reported.
pub(super) fn check(transactions: &Transactions<'_, Lists>, anomalies: &mut Anomalies<Case>) {
    let lists = &transactions.values;
    let failed = failed_writes(transactions);
    let failed_in = first_in(lists, |key, element| failed.contains_key(&(key, element)));
    let overwritten = overwritten_writes(transactions);
    for transaction in transactions.completed_as(Kind::Ok) {
        let micro_ops = transactions.micro_ops(transaction);
        if let Some((read, expected)) = find_contradiction(lists, micro_ops) {
            let case = Case::Internal {
                transaction,
                read,
                expected,
            };
            anomalies.add("internal", case);
        }
        if let Some((read, element)) = find_future_read(lists, micro_ops) {
            let case = Case::FutureRead {
                transaction,
                read,
                element,
            };
            anomalies.add("future-read", case);
        }
        for read in reads(micro_ops) {
            let dirty = |writer: usize, element: u32| {
                Case::Common(Common::Dirty {
                    transaction,
                    read: *read,
                    writer,
                    element,
                })
            };
            let first = failed_in[read.value as usize];
            if let Some(writer) = failed.get(&(read.key, first)) {
                anomalies.add("G1a", dirty(*writer, first));
            }
            let last = lists.list(read.value).last;
            let writers = overwritten.get(&(read.key, last)).into_iter().flatten();
            if let Some(writer) = writers.copied().find(|writer| *writer != transaction) {
                anomalies.add("G1b", dirty(writer, last));
            }
        }
    }
    let has_repetition = repetitions(lists, transactions.elements.len());
    for transaction in transactions.possible() {
        let reads = reads(transactions.micro_ops(transaction));
        for read in reads.filter(|read| has_repetition[read.value as usize]) {
            let (transaction, read) = (transaction, *read);
            let case = Case::Duplicates { transaction, read };
            anomalies.add("duplicate-elements", case);
        }
    }
}

/// By list: its first element for which `is_sought`, `NIL` if there is none.
fn first_in(lists: &Lists, is_sought: impl Fn(u32, u32) -> bool) -> Vec<u32> {
    let mut first = vec![NIL; lists.len()];
    for (number, list) in lists.all().filter(|(_, list)| list.length > 0) {
        let earlier = first[list.shorter as usize];
        first[number as usize] = if earlier == NIL && is_sought(list.key, list.last) {
            list.last
        } else {
            earlier
        };
    }
    first
}

/// By list: whether it has an element twice.
fn repetitions(lists: &Lists, elements: usize) -> Vec<bool> {
    // By list: its last child, which is longer by one element, and its previous sibling.
    let mut last_child = vec![NIL; lists.len()];
    let mut previous_sibling = vec![NIL; lists.len()];
    for (number, list) in lists.all().filter(|(_, list)| list.length > 0) {
        previous_sibling[number as usize] = last_child[list.shorter as usize];
        last_child[list.shorter as usize] = number;
    }
    // Depth first: the counts of elements are updated on the way down and undone on the way up.
    let mut is_in = vec![0_u32; elements];
    let mut repeats = vec![false; lists.len()];
    let roots = lists.all().filter(|(_, list)| list.length == 0);
    let mut open: Vec<(u32, bool)> = roots.map(|(root, _)| (root, false)).collect();
    while let Some((number, is_done)) = open.pop() {
        let list = lists.list(number);
        let element = list.last as usize;
        if is_done {
            is_in[element] -= 1;
            continue;
        }
        if list.length > 0 {
            is_in[element] += 1;
            repeats[number as usize] = repeats[list.shorter as usize] || is_in[element] > 1;
            open.push((number, true));
        }
        let mut child = last_child[number as usize];
        while child != NIL {
            open.push((child, false));
            child = previous_sibling[child as usize];
        }
    }
    repeats
}

/// The first read that contradicts the transaction's own reads and appends, and the expected list.
/// After a read of null, any list may be read.
fn find_contradiction(lists: &Lists, micro_ops: &[MicroOp]) -> Option<(MicroOp, Expected)> {
    let mut known: NumberMap<u32, Expected> = NumberMap::default();
    for micro_op in micro_ops {
        match micro_op.action {
            Action::Write => {
                let expected = known
                    .entry(micro_op.key)
                    .or_insert(Expected::Any(Vec::new()));
                match expected {
                    Expected::Any(appended) | Expected::List(_, appended) => {
                        appended.push(micro_op.value);
                    }
                }
            }
            Action::Read => {
                let read = Expected::List(micro_op.value, Vec::new());
                if let Some(expected) = known.insert(micro_op.key, read)
                    && !expected.allows(lists, micro_op)
                {
                    return Some((*micro_op, expected));
                }
            }
        }
    }
    None
}

impl Expected {
    /// Whether the beginning of the list is unknown.
    pub(super) fn has_any_start(&self) -> bool {
        matches!(self, Expected::Any(_))
    }

    /// All known elements.
    pub(super) fn elements(&self, lists: &Lists) -> Vec<u32> {
        match self {
            Expected::Any(appended) => appended.clone(),
            Expected::List(list, appended) => [&lists.elements(*list)[..], appended].concat(),
        }
    }

    fn allows(&self, lists: &Lists, read: &MicroOp) -> bool {
        match self {
            Expected::Any(appended) => {
                let last = lists.backwards(read.value);
                last.take(appended.len()).eq(appended.iter().rev().copied())
            }
            Expected::List(NIL, appended) if appended.is_empty() => true,
            Expected::List(NIL, appended) => {
                lists.find_with_suffix(lists.find_empty(read.key), appended) == Some(read.value)
            }
            Expected::List(list, appended) => {
                lists.find_with_suffix(Some(*list), appended) == Some(read.value)
            }
        }
    }
}

/// The first read of an element that the transaction itself appends later, and the element.
fn find_future_read(lists: &Lists, micro_ops: &[MicroOp]) -> Option<(MicroOp, u32)> {
    // By key: the elements that are appended later, with the positions of the appends.
    let mut later: NumberMap<u32, BTreeMap<u32, usize>> = NumberMap::default();
    let mut found: Option<(usize, MicroOp, u32)> = None;
    for (position, micro_op) in micro_ops.iter().enumerate().rev() {
        match micro_op.action {
            Action::Write => {
                let later = later.entry(micro_op.key).or_default();
                later.insert(micro_op.value, position);
            }
            Action::Read => {
                let Some(later) = later.get(&micro_op.key) else {
                    continue;
                };
                let seen = lists.backwards(micro_op.value);
                let seen = seen.filter_map(|element| Some((*later.get(&element)?, element)));
                let first = seen.min();
                if let Some((append, element)) = first
                    && found.is_none_or(|(earliest, ..)| append <= earliest)
                {
                    found = Some((append, *micro_op, element));
                }
            }
        }
    }
    found.map(|(_, read, element)| (read, element))
}

/// The elements that are in a list more than once, with their counts.
pub(super) fn repeated(lists: &Lists, list: u32) -> Vec<(u32, usize)> {
    let elements = lists.elements(list);
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for element in &elements {
        *counts.entry(*element).or_default() += 1;
    }
    let mut seen = HashSet::new();
    let repeated = elements.into_iter().filter_map(|element| {
        let count = counts.get(&element).copied()?;
        (count > 1 && seen.insert(element)).then_some((element, count))
    });
    repeated.collect()
}
