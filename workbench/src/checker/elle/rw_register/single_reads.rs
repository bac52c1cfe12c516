//! Anomalies that a look at single reads and writes shows, without any order of transactions.

use std::collections::{BTreeMap, HashMap};

use super::Case;
use crate::checker::elle::anomalies::Anomalies;
use crate::checker::elle::transactions::{Action, MicroOp, NIL, Transactions};
use crate::history::Kind;

/// A version: a key and a value.
type Version = (u32, u32);

/// Adds what is found.
pub(super) fn check(transactions: &Transactions<'_>, anomalies: &mut Anomalies<Case>) {
    let failed = failed_writes(transactions);
    let overwritten = overwritten_writes(transactions);
    let mut updates: BTreeMap<Version, Vec<usize>> = BTreeMap::new();
    for transaction in transactions.that_are(Kind::Ok) {
        if let Some((read, expected)) = contradiction(transactions.micro_ops(transaction)) {
            let case = Case::Internal {
                transaction,
                read,
                expected,
            };
            anomalies.add("internal", case);
        }
        for read in reads(transactions.micro_ops(transaction)) {
            let dirty = |writer: usize| Case::Dirty {
                transaction,
                read: *read,
                writer,
            };
            let version = (read.key, read.value);
            if let Some(writer) = failed.get(&version) {
                anomalies.add("G1a", dirty(*writer));
            }
            let writers = overwritten.get(&version).into_iter().flatten();
            if let Some(writer) = writers.copied().find(|writer| *writer != transaction) {
                anomalies.add("G1b", dirty(writer));
            }
        }
        for version in updated(transactions.micro_ops(transaction)) {
            updates.entry(version).or_default().push(transaction);
        }
    }
    for ((key, value), transactions) in updates {
        if transactions.len() > 1 {
            let case = Case::LostUpdate {
                key,
                value,
                transactions,
            };
            anomalies.add("lost-update", case);
        }
    }
}

fn reads(micro_ops: &[MicroOp]) -> impl Iterator<Item = &MicroOp> {
    micro_ops.iter().filter(|it| it.action == Action::Read)
}

fn writes(micro_ops: &[MicroOp]) -> impl DoubleEndedIterator<Item = &MicroOp> {
    micro_ops.iter().filter(|it| it.action == Action::Write)
}

/// Who wrote a version and failed.
fn failed_writes(transactions: &Transactions<'_>) -> HashMap<Version, usize> {
    let mut failed = HashMap::new();
    for transaction in transactions.that_are(Kind::Fail) {
        for write in writes(transactions.micro_ops(transaction)) {
            failed.insert((write.key, write.value), transaction);
        }
    }
    failed
}

/// Who wrote a version and replaced it in the same transaction, however that one ended.
fn overwritten_writes(transactions: &Transactions<'_>) -> HashMap<Version, Vec<usize>> {
    let mut overwritten: HashMap<_, Vec<usize>> = HashMap::new();
    // By key: the transaction that was last seen to write to it.
    let mut seen = vec![None; transactions.keys.len()];
    for transaction in 0..transactions.ops.len() {
        for write in writes(transactions.micro_ops(transaction)).rev() {
            let seen = &mut seen[write.key as usize];
            if seen.replace(transaction) == Some(transaction) {
                let version = (write.key, write.value);
                overwritten.entry(version).or_default().push(transaction);
            }
        }
    }
    overwritten
}

/// The first read that differs from what the transaction itself last read or wrote, and that. After
/// a read of nothing, anything may be read.
fn contradiction(micro_ops: &[MicroOp]) -> Option<(MicroOp, u32)> {
    let mut known: HashMap<u32, u32> = HashMap::new();
    for micro_op in micro_ops {
        let expected = known.insert(micro_op.key, micro_op.value);
        if let Some(expected) = expected
            && micro_op.action == Action::Read
            && expected != NIL
            && expected != micro_op.value
        {
            return Some((*micro_op, expected));
        }
    }
    None
}

/// For each key that a transaction read and then wrote: the version that it read first.
fn updated(micro_ops: &[MicroOp]) -> Vec<Version> {
    let mut first_reads = HashMap::new();
    let mut updated = Vec::new();
    for micro_op in micro_ops {
        match micro_op.action {
            Action::Read => {
                let first = Some(micro_op.value);
                first_reads.entry(micro_op.key).or_insert(first);
            }
            Action::Write => {
                // Once is enough.
                if let Some(first) = first_reads.get_mut(&micro_op.key).and_then(Option::take) {
                    updated.push((micro_op.key, first));
                }
            }
        }
    }
    updated
}
