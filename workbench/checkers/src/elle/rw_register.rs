//! Registers: transactions of reads and writes.
//!
//! The order in which versions of a key were written is not visible. It is inferred: a register is
//! unset at first; a transaction that reads a version and writes another replaced the first by the
//! second; and the reader of a version comes after its writer. From these follow edges between
//! transactions, and no order of transactions explains a cycle of edges. All values that are
//! written to one key must be different.

mod assumptions;
mod order;
mod registers;
mod resolve;
mod single_reads;

use super::anomalies::{Anomalies, EMPTY_GRAPH};
use super::common::{Common, check_cycles, check_updates, link_time_order};
use super::graph::{Graph, Relation};
use super::models::Models;
use super::result::{Objects, TransactionsResult};
use super::transactions::{MicroOp, Transactions};
use crate::{Unjudged, Validity};
use history::History;
use order::{CyclicVersions, VersionOrder};

pub use assumptions::Assumptions;
pub(super) use registers::Registers;

/// The relations of a step, the one to report first.
const RANKING: [Relation; 5] = [
    Relation::Wr,
    Relation::Ww,
    Relation::Rw,
    Relation::Realtime,
    Relation::Process,
];

/// Judges transactions on registers: operations `txn` with values such as `[["r", 1, 7], ["w", 2,
/// 8]]`, as in Maelstrom's workload `txn-rw-register`. Invalid if an anomaly is found that one of
/// the models forbids, or if no transaction precedes another, as when none took effect.
///
/// Unknown if the history cannot be judged: a micro-operation is neither a read nor a write, keys
/// have different types, or a value that was read was written by two transactions.
///
/// # Errors
/// When the history cannot be judged, as described above.
pub fn rw_register(
    history: &History,
    models: &Models,
    assumptions: Assumptions,
) -> Result<TransactionsResult, Unjudged> {
    let transactions = Transactions::read(history).map_err(Unjudged::new)?;
    transactions.check().map_err(Unjudged::void)?;
    let order = VersionOrder::of(&transactions, assumptions).map_err(Unjudged::new)?;
    let mut anomalies = Anomalies::default();
    single_reads::check(&transactions, &mut anomalies);
    check_updates(&transactions, &mut anomalies);
    for versions in order.cyclic {
        anomalies.add("cyclic-versions", Case::CyclicVersions(versions));
    }
    let mut graph = Graph::new(transactions.ops.len());
    order.versions.link(&mut graph);
    link_time_order(&transactions, models, &mut graph);
    if graph.is_empty() {
        anomalies.add(EMPTY_GRAPH, Common::Empty.into());
    }
    check_cycles(&graph, &RANKING, &mut anomalies);
    let judgement = anomalies.judge(models);
    // Maelstrom's workload is never unknown here.
    let validity = match judgement.validity() {
        Validity::Valid => Validity::Valid,
        Validity::Unknown | Validity::Invalid => Validity::Invalid,
    };
    Ok(judgement.result(validity, Objects::Registers, &transactions))
}

/// One case of an anomaly; transactions by index.
#[derive(Debug)]
enum Case {
    /// A transaction's read contradicts its own last read or write.
    Internal {
        transaction: usize,
        read: MicroOp,
        expected: u32,
    },
    /// The versions of a key form a cycle.
    CyclicVersions(CyclicVersions),
    /// An anomaly that lists can have, too.
    Common(Common),
}

impl From<Common> for Case {
    fn from(case: Common) -> Self {
        Case::Common(case)
    }
}
