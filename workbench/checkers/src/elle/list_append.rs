//! Lists: transactions of reads and appends.
//!
//! A list shows its own past: a read of `[1, 2, 3]` proves that 1 was appended first, then 2, then
//! 3. So the longest list that was read of a key orders all appends to it, each read has its
//! position in that order, and edges between transactions follow. All elements that are appended to
//! one key must be different.

mod lists;
mod order;
mod resolve;
mod single_reads;

use super::anomalies::{Anomalies, EMPTY_GRAPH};
use super::common::{Common, check_cycles, check_updates, link_time_order};
use super::graph::{Graph, Relation};
use super::models::Models;
use super::result::{Objects, TransactionsResult};
use super::transactions::{MicroOp, Transactions};
use crate::Unjudged;
use history::History;
use lists::Lists;
use order::AppendOrder;

/// The relations of a step, the one to report first.
const RANKING: [Relation; 5] = [
    Relation::Ww,
    Relation::Wr,
    Relation::Rw,
    Relation::Realtime,
    Relation::Process,
];

/// Judges transactions on lists: operations `txn` with values such as `[["r", 1, [7]], ["append",
/// 2, 8]]`, as in Maelstrom's workload `txn-list-append`. Invalid if an anomaly is found that one
/// of the models forbids.
///
/// Unknown if no transaction precedes another, as when none took effect, and if the history cannot
/// be judged: a micro-operation is neither a read nor an append, a value that was read is not a
/// list, two invocations append the same element to a key, or the longest list of a key has an
/// element that was never appended. Elle is also unknown if it runs out of time without a finding;
/// this checker always has an answer.
///
/// # Errors
/// When the history cannot be judged, as described above.
pub fn list_append(history: &History, models: &Models) -> Result<TransactionsResult, Unjudged> {
    let mut transactions = Transactions::<Lists>::read(history).map_err(Unjudged::new)?;
    transactions.check().map_err(Unjudged::void)?;
    let order = AppendOrder::of(&transactions).map_err(Unjudged::new)?;
    order.check_writers(&transactions).map_err(Unjudged::void)?;
    transactions.values.clear_requested();
    let mut anomalies = Anomalies::default();
    single_reads::check(&transactions, &mut anomalies);
    check_updates(&transactions, &mut anomalies);
    order.check(&transactions, &mut anomalies);
    let mut graph = Graph::new(transactions.ops.len());
    order.versions(&transactions).link(&mut graph);
    link_time_order(&transactions, models, &mut graph);
    if graph.is_flat() {
        anomalies.add(EMPTY_GRAPH, Common::Empty.into());
    }
    check_cycles(&graph, &RANKING, &mut anomalies);
    let judgement = anomalies.judge(models);
    let validity = judgement.validity();
    Ok(judgement.result(validity, Objects::Lists, &transactions))
}

/// One case of an anomaly; transactions by index, lists by number.
#[derive(Debug)]
enum Case {
    /// A transaction's read contradicts its own earlier reads and appends.
    Internal {
        transaction: usize,
        read: MicroOp,
        expected: Expected,
    },
    /// A transaction read an element that it appended only later.
    FutureRead {
        transaction: usize,
        read: MicroOp,
        element: u32,
    },
    /// A list that was read has an element more than once.
    Duplicates { transaction: usize, read: MicroOp },
    /// Two lists were read, the shorter one first, and it is not a prefix of the longer one.
    IncompatibleOrder { key: u32, lists: [u32; 2] },
    /// The transaction that appended the first of these elements failed; that of the last did not.
    DirtyUpdate {
        key: u32,
        elements: Vec<u32>,
        failed: usize,
        writer: usize,
    },
    /// An anomaly that registers can have, too.
    Common(Common),
}

/// The list that a transaction must read, by its own reads and appends.
#[derive(Debug)]
enum Expected {
    /// Any list, followed by these elements.
    Any(Vec<u32>),
    /// This list, followed by these elements.
    List(u32, Vec<u32>),
}

impl From<Common> for Case {
    fn from(case: Common) -> Self {
        Case::Common(case)
    }
}
