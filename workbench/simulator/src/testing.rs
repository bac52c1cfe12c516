//! Tools for tests that drive a cluster step by step: [`TestCluster`], fault injection from a seed,
//! [transcripts](transcript) and [`for_each_seed`].
//!
//! A [`Run`](crate::run::Run) performs a whole workload and records a history for a checker. A test
//! of exact answers at exact times needs less: nodes of one type, the simulated network and its
//! services, and a clock that only the test advances.

mod cluster;
mod commands;
mod conditions;
mod faults;
mod promises;
mod seeds;
pub mod transcript;

pub use cluster::{Sent, TestCluster};
pub use commands::check_transcripts;
pub use conditions::Conditions;
pub use faults::max_hops;
pub use promises::Promises;
pub use seeds::for_each_seed;
