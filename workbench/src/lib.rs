//! The command `workbench`: a Maelstrom-compatible test bench for nodes in any language, without a
//! JVM.
//!
//! The simulation itself is the crate `simulator`; here it is driven by the wall clock, with
//! processes. This package is a program, not a library: its modules are public for its own tests
//! and benchmarks.
//!
//! ```text
//!   cli ── test ──┬── live ── child, keeper  processes, on the wall clock
//!    │            ├── hosts                  where they run, if not here
//!    │            ├── solutions              our nodes by name: built, or in this process
//!    │            └── store, log, files      the files of a run
//!    ├── challenge ── flags                  the fourteen challenges, and flags as options
//!    └── sweep, doc                          one flag varies; what a node must implement
//! ```
//!
//! A run equals Maelstrom's in everything that affects a verdict or a measured number: the order of
//! phases, when operations begin, how long messages take and which ones a partition drops, what
//! counts as a reply, which output makes a node's later output ignored. Deviations help the user
//! and change no verdict: a node that exits ends the run at once; all nodes are on the network
//! before the first one starts; and a node's errors are reported with its name and the line.

pub mod challenge;
pub mod child;
pub mod cli;
pub mod debugger;
pub mod doc;
mod files;
pub mod flags;
pub mod hosts;
pub mod interrupt;
pub mod keeper;
pub mod live;
pub mod log;
mod repeat;
pub mod solutions;
pub mod store;
#[cfg(feature = "simulate")]
pub mod sweep;
pub mod test;
mod text;
