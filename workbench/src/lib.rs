//! A Maelstrom-compatible test bench: live child processes or seeded simulation, without a JVM.
pub mod checker;
pub mod edn;
pub mod history;
