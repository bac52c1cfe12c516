//! What can be found wrong with registers and with lists alike.

use std::collections::HashMap;

use super::anomalies::Anomalies;
use super::cycles::{CycleCase, SEARCH_TIMEOUT, cycles};
use super::graph::{Graph, Relation};
use super::models::{Models, Order};
use super::transactions::{Action, MicroOp, Transactions, writes};
use history::Kind;

/// A version: a key and the element that was written last.
pub(super) type Version = (u32, u32);

/// One occurrence of an anomaly; transactions by their places.
#[derive(Debug)]
pub(super) enum Common {
    /// A read of what somebody wrote who failed (G1a), or wrote over in the same transaction (G1b).
    Dirty {
        transaction: usize,
        read: MicroOp,
        writer: usize,
        /// What the writer wrote.
        element: u32,
    },
    /// Several transactions read one value of a key and wrote to it.
    LostUpdate {
        key: u32,
        value: u32,
        transactions: Vec<usize>,
    },
    /// Something that a graph of transactions has.
    Cycle(CycleCase),
    /// Nothing took effect.
    Empty,
}

/// Who wrote an element and failed.
pub(super) fn failed_writes<V>(transactions: &Transactions<'_, V>) -> HashMap<Version, usize> {
    let mut failed = HashMap::new();
    for transaction in transactions.that_are(Kind::Fail) {
        for write in writes(transactions.micro_ops(transaction)) {
            failed.insert((write.key, write.value), transaction);
        }
    }
    failed
}

/// Who wrote an element and another one after it in the same transaction, however that one ended.
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
    for transaction in transactions.that_are(Kind::Ok) {
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

/// For each key that a transaction read and then wrote: what it read first.
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
                // Once is enough.
                if let Some(first) = first_reads.get_mut(&micro_op.key).and_then(Option::take) {
                    updated.push((micro_op.key, first));
                }
            }
        }
    }
    updated
}

/// Adds to a graph of what data tells the order that models speak of.
pub(super) fn link_order<V>(
    transactions: &Transactions<'_, V>,
    models: &Models,
    graph: &mut Graph,
) {
    match models.order() {
        Order::Free => {}
        Order::Process => graph.link_processes(&transactions.ops),
        Order::Realtime => graph.link_realtime(&transactions.ops),
    }
}

/// Adds the cycles of a graph. That a search for one to show gave up is not told: whether there is
/// one that a model forbids is known all the same.
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
