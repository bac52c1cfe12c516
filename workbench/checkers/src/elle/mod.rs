//! Transactions: which anomalies a history has, and which consistency models that rules out.
//!
//! What transactions read and wrote puts them in an order, one before the other. Where the order
//! goes round in a circle, no serial execution explains what was seen, and what the circle is made
//! of tells which promise is broken. The idea is Elle's: Kingsbury and Alvaro, "Elle: Inferring
//! Isolation Anomalies from Experimental Observations" (2020). From `rw_register` or `list_append`
//! it goes through `transactions`, `versions`, `graph` and `cycles` to `anomalies`, which asks
//! `models` what they mean.

pub(super) mod anomalies;
pub(super) mod codec;
mod common;
mod component;
pub(super) mod cycles;
pub(super) mod graph;
mod list_append;
pub(super) mod models;
mod resolve;
mod result;
mod rw_register;
mod scc;
mod search;
mod sentences;
mod shape;
mod single;
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
