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
mod show;
mod single_reads;

use history::edn::Edn;

use super::anomalies::{Anomalies, EMPTY_GRAPH};
use super::common::{Common, check_cycles, check_updates, link_order};
use super::graph::{Graph, Relation};
use super::models::Models;
use super::transactions::{MicroOp, Transactions};
use crate::{Validity, Verdict};
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
pub fn rw_register(history: &History, models: &Models, assumptions: Assumptions) -> Verdict {
    check(history, models, assumptions).unwrap_or_else(|doubt| doubt)
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

fn check(history: &History, models: &Models, assumptions: Assumptions) -> Result<Verdict, Verdict> {
    let transactions = Transactions::read(history).map_err(Verdict::unknown)?;
    transactions.check().map_err(Verdict::void)?;
    let order = Order::of(&transactions, assumptions).map_err(Verdict::unknown)?;
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
