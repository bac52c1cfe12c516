//! Anomalies that registers and lists have in common.

use super::anomalies::Anomalies;
use super::cycles::{CycleCase, SEARCH_TIMEOUT, cycles};
use super::graph::{Graph, Relation};
use super::models::{Models, TimeOrder};
use super::number_map::NumberMap;
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
pub(super) fn failed_writes<V>(transactions: &Transactions<'_, V>) -> NumberMap<Version, usize> {
    let mut failed = NumberMap::default();
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
) -> NumberMap<Version, Vec<usize>> {
    let mut overwritten: NumberMap<_, Vec<usize>> = NumberMap::default();
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
    // By key: the transaction that was last seen to read it, and the first value that it read.
    let mut first_reads = vec![None; transactions.keys.len()];
    for transaction in transactions.completed_as(Kind::Ok) {
        for micro_op in transactions.micro_ops(transaction) {
            let first = &mut first_reads[micro_op.key as usize];
            match (micro_op.action, &mut *first) {
                (Action::Read, Some((reader, _))) if *reader == transaction => {}
                (Action::Read, _) => *first = Some((transaction, Some(micro_op.value))),
                // Only the first write counts.
                (Action::Write, Some((reader, value))) if *reader == transaction => {
                    let value = value.take().into_iter();
                    updates.extend(value.map(|value| (micro_op.key, value, transaction)));
                }
                (Action::Write, _) => {}
            }
        }
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
