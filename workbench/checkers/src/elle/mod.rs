//! Transactions: the anomalies of a history, and the consistency models that they rule out.
//!
//! Reads and writes order transactions. If this order has a cycle, no serial execution explains the
//! history, and the edges of the cycle show which guarantee is broken. The idea is Elle's:
//! Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations"
//! (2020). The steps from `rw_register` or `list_append` are `transactions`, `versions`, `graph`,
//! `cycles` and `anomalies`, which uses `models`.

pub(super) mod anomalies;
pub(super) mod codec;
mod common;
mod component;
mod cycle_kind;
pub(super) mod cycles;
pub(super) mod graph;
mod list_append;
pub(super) mod models;
mod number_map;
mod resolve;
mod result;
mod rw_register;
mod scc;
mod search;
mod sentences;
mod single;
mod split;
mod transactions;
mod versions;

pub use anomalies::EMPTY_GRAPH;
pub use graph::Relation;
pub use list_append::list_append;
pub use models::{Models, UnknownModel};
pub use result::{
    Cases, Content, CycleExists, Expected, Objects, OpCycle, OpStep, SearchTimeout, StepReason,
    TransactionsResult, TxnAnomaly, TxnRead,
};
pub use rw_register::{Assumptions, rw_register};
pub(super) use sentences::describe_txn;
