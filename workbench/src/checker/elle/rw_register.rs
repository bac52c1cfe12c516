//! Registers: transactions of reads and writes, and what they could not have seen.
//!
//! Nobody tells in which order the versions of a key came about. Three things do give it away: a
//! register is unset at first; who reads a version and writes another replaced the one by the
//! other; and who reads a version comes after who wrote it. From these follow edges between
//! transactions, and a cycle of edges is something that no order of the transactions explains. All
//! values that are written to one key must be different.

mod show;
mod single_reads;
mod versions;

use clojure_reader::edn::Edn;

use super::anomalies::{Anomalies, EMPTY_GRAPH};
use super::cycles::{CycleCase, SEARCH_TIMEOUT, cycles};
use super::graph::{Graph, Relation};
use super::models::{Models, Order};
use super::transactions::{MicroOp, Transactions};
use crate::checker::{Validity, Verdict};
use crate::history::History;
use versions::Versions;

/// By which of its relations a step of a cycle is told.
const RANKING: [Relation; 5] = [
    Relation::Wr,
    Relation::Ww,
    Relation::Rw,
    Relation::Realtime,
    Relation::Process,
];

/// Judges a history of transactions `txn` on registers, as Maelstrom's workload `txn-rw-register`
/// does: invalid if something is found that one of the models forbids, or if no transaction comes
/// before another for any reason, as when none took effect.
///
/// Unknown if the history cannot be made sense of: micro-operations that are neither reads nor
/// writes, keys of several types, a value that was read and that two transactions wrote.
pub fn rw_register(history: &History, models: &Models) -> Verdict {
    check(history, models).unwrap_or_else(Verdict::unknown)
}

/// One occurrence of an anomaly; transactions by their places.
#[derive(Debug)]
enum Case {
    /// A transaction read something else than what it had just read or written.
    Internal {
        transaction: usize,
        read: MicroOp,
        expected: u32,
    },
    /// A read of what somebody wrote who failed (G1a), or wrote over in the same transaction (G1b).
    Dirty {
        transaction: usize,
        read: MicroOp,
        writer: usize,
    },
    /// Several transactions read one version and wrote another one in its place.
    LostUpdate {
        key: u32,
        value: u32,
        transactions: Vec<usize>,
    },
    /// Each of these versions of a key replaced each other one.
    CyclicVersions { key: u32, values: Vec<u32> },
    /// Something that a graph of transactions has.
    Cycle(CycleCase),
    /// Nothing took effect.
    Empty,
}

fn check(history: &History, models: &Models) -> Result<Verdict, String> {
    let transactions = Transactions::read(history)?;
    let versions = Versions::of(&transactions)?;
    let mut anomalies = Anomalies::default();
    single_reads::check(&transactions, &mut anomalies);
    for (key, values) in &versions.cyclic {
        let (key, values) = (*key, values.clone());
        anomalies.add("cyclic-versions", Case::CyclicVersions { key, values });
    }
    let mut graph = Graph::new(transactions.ops.len());
    versions.link(&mut graph);
    match models.order() {
        Order::Free => {}
        Order::Process => graph.link_processes(&transactions.ops),
        Order::Realtime => graph.link_realtime(&transactions.ops),
    }
    if graph.is_empty() {
        anomalies.add(EMPTY_GRAPH, Case::Empty);
    }
    for case in cycles(&graph, &RANKING) {
        anomalies.add(case.anomaly(), Case::Cycle(case));
    }

    // A search that gave up changes no verdict here, and nothing is left unknown.
    anomalies.remove(SEARCH_TIMEOUT);
    let judgement = anomalies.judge(models);
    Ok(match judgement.validity() {
        Validity::Valid => {
            let types = ("anomaly-types", Edn::List(Vec::new()));
            Verdict::new(Validity::Valid, [types, ("anomalies", Edn::Nil)])
        }
        Validity::Unknown | Validity::Invalid => {
            judgement.verdict(Validity::Invalid, &transactions)
        }
    })
}
