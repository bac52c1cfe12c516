//! Registers: transactions of reads and writes, and what they could not have seen.
//!
//! Nobody tells in which order the versions of a key came about. Three things do give it away: a
//! register is unset at first; who reads a version and writes another replaced the one by the
//! other; and who reads a version comes after who wrote it. From these follow edges between
//! transactions, and a cycle of edges is something that no order of the transactions explains. All
//! values that are written to one key must be different.

mod assumptions;
mod order;
mod registers;
mod resolve;
mod single_reads;

use super::anomalies::{Anomalies, EMPTY_GRAPH};
use super::common::{Common, check_cycles, check_updates, link_order};
use super::graph::{Graph, Relation};
use super::models::Models;
use super::result::{Objects, TransactionsResult};
use super::transactions::{MicroOp, Transactions};
use crate::{Unjudged, Validity};
use history::History;
use order::{CyclicVersions, Order};

pub use assumptions::Assumptions;
pub(super) use registers::Registers;

/// By which of its relations a step of a cycle is told.
const RANKING: [Relation; 5] = [
    Relation::Wr,
    Relation::Ww,
    Relation::Rw,
    Relation::Realtime,
    Relation::Process,
];

/// Judges transactions on registers: operations `txn` with values such as
/// `[["r", 1, 7], ["w", 2, 8]]`, as in Maelstrom's workload `txn-rw-register`. Invalid if an
/// anomaly is found that one of the models forbids, or if no transaction comes before another for
/// any reason, as when none took effect.
///
/// Unknown if the history cannot be made sense of: micro-operations that are neither reads nor
/// writes, keys of several types, a value that was read and that two transactions wrote.
///
/// # Errors
/// When the history cannot be made sense of, see above.
pub fn rw_register(
    history: &History,
    models: &Models,
    assumptions: Assumptions,
) -> Result<TransactionsResult, Unjudged> {
    let transactions = Transactions::read(history).map_err(Unjudged::new)?;
    transactions.check().map_err(Unjudged::void)?;
    let order = Order::of(&transactions, assumptions).map_err(Unjudged::new)?;
    let mut anomalies = Anomalies::default();
    single_reads::check(&transactions, &mut anomalies);
    check_updates(&transactions, &mut anomalies);
    for versions in order.cyclic {
        anomalies.add("cyclic-versions", Case::CyclicVersions(versions));
    }
    let mut graph = Graph::new(transactions.ops.len());
    order.versions.link(&mut graph);
    link_order(&transactions, models, &mut graph);
    if graph.is_empty() {
        anomalies.add(EMPTY_GRAPH, Common::Empty.into());
    }
    check_cycles(&graph, &RANKING, &mut anomalies);
    let judgement = anomalies.judge(models);
    // Maelstrom's workload knows no unknown here.
    let validity = match judgement.validity() {
        Validity::Valid => Validity::Valid,
        Validity::Unknown | Validity::Invalid => Validity::Invalid,
    };
    Ok(judgement.result(validity, Objects::Registers, &transactions))
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
    /// Each of these versions of a key replaced each other one.
    CyclicVersions(CyclicVersions),
    /// Something that lists may have, too.
    Common(Common),
}

impl From<Common> for Case {
    fn from(case: Common) -> Self {
        Case::Common(case)
    }
}
