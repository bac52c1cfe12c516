//! A Maelstrom-compatible test bench: live child processes or seeded simulation, without a JVM.
//!
//! A test is a [`workload`] that clients perform on nodes over a simulated [`network`], while a
//! [`nemesis`] may cut it, and [`service`]s may be asked. All of that is one discrete-event
//! machine, a [`run`](run::Run), which is told the time and never looks at a clock. [`live`] drives
//! it by the wall clock with processes, [`simulation`] by jumping from deadline to deadline with
//! nodes in this very process. What is left is a [`history`]; [`checker`]s turn it into a verdict,
//! and [`challenge`]s say what else must hold. [`doc`] tells a person what a node has to know, a
//! [`page`] what happened in a run, [`serve`] which runs there are, and a [`sweep`] what a flag costs.
//!
//! ```text
//!   cli ── test ──┬── live ── child ────┐             ┌── network ── latency, statistics
//!    │            └── simulation ── solutions         ├── service
//!    ├── challenge, report, store       └──── run ────┼── nemesis ── dice
//!    └── page, serve, sweep ── plot                   ├── clients, generator
//!                 checker ◄── history ◄───────────────┴── workload
//! ```
//!
//! A run is Maelstrom's in everything that can decide a verdict or a figure: the order of phases,
//! when operations begin, how long messages take and what a partition swallows, what counts as an
//! answer, what is fatal to a node's output. Deviations are for the person's sake and change no
//! verdict: a node that dies ends the run at once; all nodes are on the network before the first
//! one starts; and whatever a node does wrong is told with its name and the line.

pub mod challenge;
pub mod child;
pub mod cli;
pub mod doc;
pub mod flags;
pub mod live;
pub mod log;
pub mod solutions;
pub mod store;
pub mod sweep;
pub mod test;
mod text;
