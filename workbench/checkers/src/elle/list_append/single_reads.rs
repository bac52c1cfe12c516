//! Anomalies that a look at single reads and appends shows, without any order of transactions.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::lists::Lists;
use super::{Case, Expected};
use crate::elle::anomalies::Anomalies;
use crate::elle::common::{Common, failed_writes, overwritten_writes};
use crate::elle::transactions::{Action, MicroOp, NIL, Transactions, reads};
use history::Kind;

/// Adds what is found. Of a list with several elements that failed, the first one is told.
pub(super) fn check(transactions: &Transactions<'_, Lists>, anomalies: &mut Anomalies<Case>) {
    let lists = &transactions.values;
    let failed = failed_writes(transactions);
    let failed_in = first_in(lists, |key, element| failed.contains_key(&(key, element)));
    let overwritten = overwritten_writes(transactions);
    for transaction in transactions.that_are(Kind::Ok) {
        let micro_ops = transactions.micro_ops(transaction);
        if let Some((read, expected)) = contradiction(lists, micro_ops) {
            let case = Case::Internal {
                transaction,
                read,
                expected,
            };
            anomalies.add("internal", case);
        }
        if let Some((read, element)) = foreknowledge(lists, micro_ops) {
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

/// By list: its first element of some sort, `NIL` if it has none.
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

/// By list: whether an element is in it twice.
fn repetitions(lists: &Lists, elements: usize) -> Vec<bool> {
    // By list: the last one that is longer by one element, and the next such one of its own kind.
    let mut longer = vec![NIL; lists.len()];
    let mut next = vec![NIL; lists.len()];
    for (number, list) in lists.all().filter(|(_, list)| list.length > 0) {
        next[number as usize] = longer[list.shorter as usize];
        longer[list.shorter as usize] = number;
    }
    // One goes down from list to longer list, and remembers what is in it; on the way back one
    // forgets.
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
        let mut child = longer[number as usize];
        while child != NIL {
            open.push((child, false));
            child = next[child as usize];
        }
    }
    repeats
}

/// The first read that differs from what the transaction's own reads and appends tell, and what
/// they tell. After a read of nothing, anything may be read.
fn contradiction(lists: &Lists, micro_ops: &[MicroOp]) -> Option<(MicroOp, Expected)> {
    let mut known: HashMap<u32, Expected> = HashMap::new();
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
    /// Whether nobody knows what comes first.
    pub(super) fn has_any_start(&self) -> bool {
        matches!(self, Expected::Any(_))
    }

    /// All elements that are known.
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
                lists.followed(lists.find_empty(read.key), appended) == Some(read.value)
            }
            Expected::List(list, appended) => {
                lists.followed(Some(*list), appended) == Some(read.value)
            }
        }
    }
}

/// The first read of an element that the transaction itself appends later, and the element.
fn foreknowledge(lists: &Lists, micro_ops: &[MicroOp]) -> Option<(MicroOp, u32)> {
    // By key: what is yet to be appended, with the places of the appends.
    let mut later: HashMap<u32, BTreeMap<u32, usize>> = HashMap::new();
    let mut found: Option<(usize, MicroOp, u32)> = None;
    for (place, micro_op) in micro_ops.iter().enumerate().rev() {
        match micro_op.action {
            Action::Write => {
                let later = later.entry(micro_op.key).or_default();
                later.insert(micro_op.value, place);
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

/// What is in a list more than once, and how often.
pub(super) fn repeated(lists: &Lists, list: u32) -> Vec<(u32, usize)> {
    let elements = lists.elements(list);
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for element in &elements {
        *counts.entry(*element).or_default() += 1;
    }
    let mut told = HashSet::new();
    let repeated = elements.into_iter().filter_map(|element| {
        let count = counts.get(&element).copied()?;
        (count > 1 && told.insert(element)).then_some((element, count))
    });
    repeated.collect()
}
