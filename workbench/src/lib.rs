//! The command `workbench`: a Maelstrom-compatible test bench for nodes in any language, without a JVM.
//!
//! The machine itself is the crate `simulator`; here it is driven by the wall clock, with processes.
//! This package is a program and no library: its modules are public for its own tests and benchmarks.
//!
//! ```text
//!   cli ── test ──┬── live ── child          processes, on the wall clock
//!    │            ├── solutions              our nodes by name: built, or in this process
//!    │            └── store, log             what is kept of a run
//!    ├── challenge ── flags                  the fourteen challenges, and flags as options
//!    └── sweep, doc                          one flag moves; what a node has to know
//! ```
//!
//! A run is Maelstrom's in everything that can decide a verdict or a figure: the order of phases,
//! when operations begin, how long messages take and what a partition drops, what counts as an
//! answer, what is fatal to a node's output. Deviations are for the user's sake and change no
//! verdict: a node that dies ends the run at once; all nodes are on the network before the first
//! one starts; and whatever a node does wrong is reported with its name and the line.

pub mod challenge;
pub mod child;
pub mod cli;
pub mod doc;
pub mod flags;
pub mod live;
pub mod log;
pub mod solutions;
pub mod store;
#[cfg(feature = "simulate")]
pub mod sweep;
pub mod test;
mod text;
