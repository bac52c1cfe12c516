//! Lists: transactions of reads and appends, and what they could not have seen.
//!
//! A list tells its own past: who reads `[1, 2, 3]` knows that 1 was appended first, then 2, then
//! 3. So the longest list that was read of a key puts all appends to it in order, each read has its
//! place in that order, and edges between transactions follow. All elements that are appended to
//! one key must be different.

mod lists;
mod order;
mod resolve;
mod single_reads;

use super::anomalies::{Anomalies, EMPTY_GRAPH};
use super::common::{Common, check_cycles, check_updates, link_order};
use super::graph::{Graph, Relation};
use super::models::Models;
use super::result::{Objects, TransactionsResult};
use super::transactions::{MicroOp, Transactions};
use crate::Unjudged;
use history::History;
use lists::Lists;
use order::Order;

/// By which of its relations a step of a cycle is told.
const RANKING: [Relation; 5] = [
    Relation::Ww,
    Relation::Wr,
    Relation::Rw,
    Relation::Realtime,
    Relation::Process,
];

/// Judges transactions on lists: operations `txn` with values such as
/// `[["r", 1, [7]], ["append", 2, 8]]`, as in Maelstrom's workload `txn-list-append`. Invalid if an
/// anomaly is found that one of the models forbids.
///
/// Unknown if no transaction comes before another for any reason, as when none took effect; and if
/// the history cannot be made sense of: micro-operations that are neither reads nor appends,
/// something read that is no list, an element that two invocations appended to the same key, or an
/// element in the longest list of a key that nobody appended. Elle also says unknown if it runs out
/// of time and has found nothing by then; what is asked here always has its answer.
///
/// # Errors
/// When the history cannot be made sense of, see above.
pub fn list_append(history: &History, models: &Models) -> Result<TransactionsResult, Unjudged> {
    let mut transactions = Transactions::<Lists>::read(history).map_err(Unjudged::new)?;
    transactions.check().map_err(Unjudged::void)?;
    let order = Order::of(&transactions).map_err(Unjudged::new)?;
    order
        .demand_writers(&transactions)
        .map_err(Unjudged::void)?;
    transactions.values.forget_asked();
    let mut anomalies = Anomalies::default();
    single_reads::check(&transactions, &mut anomalies);
    check_updates(&transactions, &mut anomalies);
    order.check(&transactions, &mut anomalies);
    let mut graph = Graph::new(transactions.ops.len());
    order.versions(&transactions).link(&mut graph);
    link_order(&transactions, models, &mut graph);
    if graph.is_flat() {
        anomalies.add(EMPTY_GRAPH, Common::Empty.into());
    }
    check_cycles(&graph, &RANKING, &mut anomalies);
    let judgement = anomalies.judge(models);
    let validity = judgement.validity();
    Ok(judgement.result(validity, Objects::Lists, &transactions))
}

/// One occurrence of an anomaly; transactions by their places, lists by their numbers.
#[derive(Debug)]
enum Case {
    /// A transaction read something else than what its own reads and appends tell.
    Internal {
        transaction: usize,
        read: MicroOp,
        expected: Expected,
    },
    /// A transaction read what it had not yet appended.
    FutureRead {
        transaction: usize,
        read: MicroOp,
        element: u32,
    },
    /// A list that was read holds an element more than once.
    Duplicates { transaction: usize, read: MicroOp },
    /// Two lists were read, the shorter one first, and the longer does not begin with the other.
    IncompatibleOrder { key: u32, lists: [u32; 2] },
    /// Somebody appended the first of these elements and failed; the last one's writer did not.
    DirtyUpdate {
        key: u32,
        elements: Vec<u32>,
        failed: usize,
        writer: usize,
    },
    /// Something that registers may have, too.
    Common(Common),
}

/// What a transaction must read, by its own reads and appends.
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
