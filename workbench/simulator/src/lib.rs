//! Storms for your own nodes: a cluster, its clients and its faults on one seeded virtual clock.
//!
//! A [`Storm`](storm::Storm) makes a whole run from a seed. Nodes of your type run in this process,
//! clients perform a workload on them over a simulated network, and a nemesis loses, duplicates,
//! delays and reorders messages, partitions the network, pauses and kills nodes, and skews their
//! clocks, all drawn from the seed. Then the faults end, and a checker judges the history. The same
//! seed gives the same run, so the seed in a test's failure is enough to repeat it:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use simulator::checkers::CheckerResult as _;
//! use simulator::options::{Nodes, PartialOptions};
//! use simulator::shared::{Caller, Cluster, Context, Node};
//! use simulator::storm::Storm;
//! use simulator::workload::Name;
//!
//! /// A node that generates unique ids.
//! #[derive(Debug)]
//! struct Ids {
//!     prefix: String,
//!     issued: u64,
//! }
//!
//! #[derive(Deserialize)]
//! #[serde(rename_all = "snake_case")]
//! enum Request {
//!     Generate,
//! }
//!
//! #[derive(Serialize)]
//! #[serde(rename_all = "snake_case")]
//! enum Response {
//!     GenerateOk { id: String },
//! }
//!
//! impl Node for Ids {
//!     type Request = Request;
//!     type Event = ();
//!
//!     fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<()>) {
//!         let Request::Generate = request;
//!         self.issued += 1;
//!         let id = format!("{}-{}", self.prefix, self.issued);
//!         ctx.reply(caller, Response::GenerateOk { id });
//!     }
//!
//!     fn on_event(&mut self, (): (), _: &mut Context<()>) {}
//! }
//!
//! // Three nodes; all other options are drawn for each seed.
//! let pins = PartialOptions { nodes: Some(Nodes::Count(3)), ..PartialOptions::default() };
//!
//! let boot = |cluster: Cluster, ctx: &mut Context<()>| {
//!     let prefix = format!("{}-{}", cluster.me, ctx.rng().boot_number());
//!     Ids { prefix, issued: 0 }
//! };
//! Storm::new(Name::UniqueIds, boot).with(&pins).assert_survives(0..20);
//!
//! // A killed node forgets how many ids it has issued, so its name alone does not make them
//! // unique. Some storms find this bug:
//! let boot = |cluster: Cluster, _: &mut Context<()>| {
//!     Ids { prefix: cluster.me.to_string(), issued: 0 }
//! };
//! let storm = Storm::new(Name::UniqueIds, boot).with(&pins);
//! let mut runs = (0..20).map(|seed| storm.run(seed).expect("consistent options"));
//! let failed = runs.find(|run| !run.is_valid()).expect("a run in which a node is killed");
//! // Such as: id "n0-1" was returned 6 times: to process 0 at 0.000 s, to process 6 at 10.165 s
//! assert!(failed.verdict.sentences()[0].contains("was returned"));
//! ```
//!
//! One dependency is enough: [`shared`], to write nodes, [`checkers`], to judge histories, and
//! [`history`] are re-exported.
//!
//! | module | content |
//! |---|---|
//! | [`storm`] | runs from seeds, [many in parallel](storm::campaign), [shrunk](storm::shrink) |
//! | [`workload`] | operations, clients and checkers: Maelstrom's workloads, or your own |
//! | [`rpc`] | the requests of a workload, and the form of their answers |
//! | [`options`] | all options of a run, of which a storm [pins](options::PartialOptions) some |
//! | [`nemesis`] | faults |
//! | [`network`], [`message`], [`latency`], [`topology`] | messages, latencies, neighbours |
//! | [`service`] | the services lin-kv, seq-kv, lww-kv and lin-tso |
//! | [`testing`] | tests that drive a cluster step by step, without workload and checker |
//! | [`rng`] | the random numbers of a run |
//! | [`run`], [`simulation`] | the run as a state machine, and the virtual clock that drives it |
//! | [`judge`](mod@judge), [`statistics`], [`incident`] | verdicts, message counts, errors |

mod clients;
mod generator;
pub mod incident;
pub mod judge;
pub mod latency;
pub mod message;
mod names;
pub mod nemesis;
pub mod network;
pub mod options;
pub mod rng;
pub mod rpc;
pub mod run;
pub mod service;
pub mod simulation;
pub mod statistics;
pub mod storm;
pub mod testing;
pub mod topology;
pub mod workload;

pub use {checkers, history, shared};
