//! Nodes, clients, services and faults on one seeded clock.
//!
//! A [`workload`] is performed by clients on nodes over a simulated [`network`], while a [`nemesis`]
//! cuts it, and [`service`]s answer. All of that is one discrete-event machine, a [`run`](run::Run):
//! it receives the time and never reads a clock. A [`simulation`] drives it by jumping from deadline
//! to deadline with nodes in this process; a runner of real processes drives it by the wall clock.
//! What is left is a [`history`], which checkers judge.

mod clients;
pub mod dice;
mod generator;
pub mod incident;
pub mod judge;
pub mod latency;
pub mod message;
pub mod nemesis;
pub mod network;
pub mod options;
pub mod rpc;
pub mod run;
pub mod service;
pub mod simulation;
pub mod statistics;
pub mod storm;
pub mod testing;
pub mod topology;
pub mod workload;
