//! A Maelstrom-compatible test bench: live child processes or seeded simulation, without a JVM.
pub mod checker;
mod clients;
pub mod dice;
pub mod edn;
mod generator;
pub mod history;
pub mod incident;
pub mod nemesis;
pub mod network;
pub mod run;
pub mod service;
pub mod statistics;
pub mod topology;
pub mod workload;
pub mod simulation;
pub mod solutions;
