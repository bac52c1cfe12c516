//! Anomalies that registers and lists have in common.

use std::collections::HashMap;

use super::anomalies::Anomalies;
use super::cycles::{CycleCase, SEARCH_TIMEOUT, cycles};
use super::graph::{Graph, Relation};
use super::models::{Models, TimeOrder};
use super::transactions::{Action, MicroOp, Transactions, writes};
use history::Kind;

/// A version: a key and the element that was written last.
pub(super) type Version = (u32, u32);

/// One case of an anomaly; transactions by index.
#[derive(Debug)]
pub(super) enum Common {
    /// A read of what a failed transaction wrote (G1a), or one that wrote again to the same key
    /// (G1b).
    Dirty {
        transaction: usize,
        read: MicroOp,
        writer: usize,
        /// The element that the writer wrote.
        element: u32,
    },
    /// Several transactions read one value of a key and wrote to it.
    LostUpdate {
        key: u32,
        value: u32,
        transactions: Vec<usize>,
    },
    /// A cycle, or a search for one.
    Cycle(CycleCase),
    /// No transaction precedes another.
    Empty,
}

/// The failed transaction that wrote each element.
pub(super) fn failed_writes<V>(transactions: &Transactions<'_, V>) -> HashMap<Version, usize> {
    let mut failed = HashMap::new();
    for transaction in transactions.completed_as(Kind::Fail) {
        for write in writes(transactions.micro_ops(transaction)) {
            failed.insert((write.key, write.value), transaction);
        }
    }
    failed
}

/// The transactions that wrote each element and another one after it, however they ended.
pub(super) fn overwritten_writes<V>(
    transactions: &Transactions<'_, V>,
) -> HashMap<Version, Vec<usize>> {
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

/// Adds the lost updates: of one value of a key, by two transactions or more.
pub(super) fn check_updates<V, C: From<Common>>(
    transactions: &Transactions<'_, V>,
    anomalies: &mut Anomalies<C>,
) {
    let mut updates: Vec<(u32, u32, usize)> = Vec::new();
    for transaction in transactions.completed_as(Kind::Ok) {
        let updated = updated(transactions.micro_ops(transaction)).into_iter();
        updates.extend(updated.map(|(key, value)| (key, value, transaction)));
    }
    updates.sort_unstable();
    let of_one_value = updates.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
    for updates in of_one_value.filter(|updates| updates.len() > 1) {
        let (key, value, _) = updates[0];
        let case = Common::LostUpdate {
            key,
            value,
            transactions: updates.iter().map(|(_, _, it)| *it).collect(),
        };
        anomalies.add("lost-update", case.into());
    }
}

/// For each key that a transaction read and then wrote: its first read.
fn updated(micro_ops: &[MicroOp]) -> Vec<(u32, u32)> {
    let mut first_reads = HashMap::new();
    let mut updated = Vec::new();
    for micro_op in micro_ops {
        match micro_op.action {
            Action::Read => {
                let first = Some(micro_op.value);
                first_reads.entry(micro_op.key).or_insert(first);
            }
            Action::Write => {
                // Only the first write counts.
                if let Some(first) = first_reads.get_mut(&micro_op.key).and_then(Option::take) {
                    updated.push((micro_op.key, first));
                }
            }
        }
    }
    updated
}

/// Adds the order by process or time that the models require to a graph of data dependencies.
pub(super) fn link_time_order<V>(
    transactions: &Transactions<'_, V>,
    models: &Models,
    graph: &mut Graph,
) {
    match models.time_order() {
        TimeOrder::None => {}
        TimeOrder::Process => graph.link_processes(&transactions.ops),
        TimeOrder::Realtime => graph.link_realtime(&transactions.ops),
    }
}

/// Adds the cycles of a graph. A search that gave up is not reported: whether a model forbids a
/// cycle is known all the same.
pub(super) fn check_cycles<C: From<Common>>(
    graph: &Graph,
    ranking: &[Relation; 5],
    anomalies: &mut Anomalies<C>,
) {
    for case in cycles(graph, ranking) {
        let anomaly = case.anomaly();
        if anomaly != SEARCH_TIMEOUT {
            anomalies.add(anomaly, Common::Cycle(case).into());
        }
    }
}
