//! Storms: runs with options and faults drawn from a seed, after which the cluster must recover.
//!
//! A [`Storm`] is a workload, a node type and pinned options; each seed gives a run and its
//! verdict. Any crate can test its own nodes with it, in its own `cargo test`:
//!
//! ```
//! # use serde::{Deserialize, Serialize};
//! # use serde_json::value::RawValue;
//! # use shared::{Caller, Cluster, Context, Node};
//! use simulator::options::{Nodes, PartialOptions};
//! use simulator::storm::Storm;
//! use simulator::workload::Name;
//!
//! #[derive(Debug)]
//! struct Echo;
//!
//! # #[derive(Deserialize)]
//! # #[serde(rename_all = "snake_case")]
//! # enum Request { Echo { echo: Box<RawValue> } }
//! # #[derive(Serialize)]
//! # #[serde(rename_all = "snake_case")]
//! # enum Response { EchoOk { echo: Box<RawValue> } }
//! # #[derive(Debug)]
//! # enum Event {}
//! impl Node for Echo {
//! #   type Request = Request;
//! #   type Event = Event;
//!     // … as in the documentation of `shared`
//! #   fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
//! #       match request { Request::Echo { echo } => ctx.reply(caller, Response::EchoOk { echo }) }
//! #   }
//! #   fn on_event(&mut self, event: Event, _: &mut Context<Event>) { match event {} }
//! }
//!
//! // #[test]
//! fn echo_survives_storms() {
//!     Storm::new(Name::Echo, |_cluster: Cluster, _ctx: &mut Context<_>| Echo)
//!         .with(&PartialOptions { nodes: Some(Nodes::Count(3)), ..PartialOptions::default() })
//!         .assert_survives(0..20);
//! }
//! # echo_survives_storms();
//! ```
//!
//! All options that are not pinned are drawn: the size of the cluster, the rate, latencies, faults.
//! The [crate's page](crate) shows a node that does not survive.

pub mod campaign;
mod draw;
pub mod shrink;

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use shared::{Cluster, Context, Engine, Node};

use crate::judge;
use crate::nemesis::Fault;
use crate::options::{InvalidOptions, Options, PartialOptions};
use crate::run::{Record, Settings};
use crate::simulation::{Factory, Host, Inspector, in_process, simulate_inspected};
use crate::workload::{self, MakeWorkload, Workload};
use checkers::{CheckerResult as _, CustomResult, Validity, Verdict};
use history::History;

/// The time without faults and operations before the final phase of a storm, in which the cluster
/// must recover. A node that has just been restarted may have to read a long journal over a slow
/// network, and retries may have backed off.
pub const STORM_RECOVERY: Duration = Duration::from_secs(60);

/// Makes runs from seeds: a workload, a node type, and pinned options.
pub struct Storm {
    workload: Box<dyn MakeWorkload>,
    factory: Factory,
    /// The options that are neither drawn nor pinned.
    base: Options,
    pinned: PartialOptions,
    faults: Vec<Fault>,
    draws: bool,
}

/// A run of a storm and its verdict.
#[derive(Debug)]
pub struct StormRun {
    /// The seed that its options were drawn from.
    pub seed: u64,
    /// All its options, drawn, pinned or otherwise.
    pub options: Options,
    /// The options that differ from the [base](Storm::base) of the storm.
    pub differences: PartialOptions,
    /// The run's input.
    pub settings: Settings,
    /// What the run has recorded: its history, message counts, protocol errors.
    pub record: Record,
    /// The verdict; a run in which a node has panicked is invalid.
    pub verdict: Verdict,
}

impl Storm {
    /// A storm in which clients perform `workload` on nodes of type `N`. `boot` makes a node each
    /// time that one starts.
    pub fn new<N, F>(workload: impl MakeWorkload + 'static, boot: F) -> Self
    where
        N: Node,
        F: Fn(Cluster, &mut Context<N::Event>) -> N + Clone + Send + Sync + 'static,
    {
        let engine = move |seed| -> Box<dyn Host> { Box::new(Engine::new(seed, boot.clone())) };
        Storm::with_factory(workload, in_process(engine), Options::default())
    }

    /// A storm over nodes of a factory, with the options of `base` where none are drawn or pinned.
    pub fn with_factory(
        workload: impl MakeWorkload + 'static,
        factory: Factory,
        base: Options,
    ) -> Self {
        Storm {
            workload: Box::new(workload),
            factory,
            base,
            pinned: PartialOptions::default(),
            faults: Fault::ALL.to_vec(),
            draws: true,
        }
    }

    /// PartialOptions options, which are then not drawn.
    #[must_use]
    pub fn with(mut self, pins: &PartialOptions) -> Self {
        self.pinned = self.pinned.and(pins);
        self
    }

    /// Draws only from these faults, instead of all.
    #[must_use]
    pub fn drawing_from(mut self, faults: &[Fault]) -> Self {
        self.faults = faults.to_vec();
        self
    }

    /// Draws no options: all that are not pinned are as in [`Storm::base`].
    #[must_use]
    pub fn fixed(mut self) -> Self {
        self.draws = false;
        self
    }

    /// The options of the run of a seed.
    pub fn options(&self, seed: u64) -> Options {
        if !self.draws {
            return self.base.with(&self.pinned);
        }
        let mut options = draw::draw(seed, &self.faults, &self.base, &self.pinned);
        let workers = self.workload.make(&options).required_concurrency();
        if let (Some(workers), None) = (workers, self.pinned.concurrency) {
            options.concurrency = workers;
        }
        options
    }

    /// The options that are used where none are drawn or pinned.
    pub fn base(&self) -> &Options {
        &self.base
    }

    /// Runs a seed and judges the run.
    ///
    /// # Errors
    /// When its options contradict one another.
    pub fn run(&self, seed: u64) -> Result<StormRun, InvalidOptions> {
        self.run_with(seed, &self.options(seed), false)
    }

    /// Runs a seed with exactly these options and judges the run. `traced` records all messages.
    ///
    /// # Errors
    /// When its options contradict one another.
    pub fn run_with(
        &self,
        seed: u64,
        options: &Options,
        traced: bool,
    ) -> Result<StormRun, InvalidOptions> {
        self.run_inspected(seed, options, traced, None)
    }

    /// As [`Storm::run_with`], and shows each moment to an inspector.
    ///
    /// # Errors
    /// When its options contradict one another.
    pub fn run_inspected(
        &self,
        seed: u64,
        options: &Options,
        traced: bool,
        inspector: Option<&mut dyn Inspector>,
    ) -> Result<StormRun, InvalidOptions> {
        let make = || workload::with_convergence(self.workload.make(options));
        let workload = make();
        let settings = Settings {
            keeps_trace: traced,
            recovery: STORM_RECOVERY,
            ..options.settings(&*workload, seed)?
        };
        let record = simulate_catching(&settings, workload, &self.factory, inspector);
        let verdict = storm_verdict(options, &record, &*make());
        Ok(StormRun {
            seed,
            options: options.clone(),
            differences: options.changes_from(&self.base),
            settings,
            record,
            verdict,
        })
    }

    /// Runs many seeds, or the one in the environment variable `SEED`, and asserts that every run
    /// is valid.
    ///
    /// # Panics
    /// When a run is not valid, or its options contradict one another. The message has the seed,
    /// the findings, and how to repeat the run.
    pub fn assert_survives(&self, seeds: Range<u64>) {
        let only = std::env::var("SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        for seed in only.map_or(seeds, |seed: u64| seed..seed.saturating_add(1)) {
            let run = self
                .run(seed)
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert!(
                run.is_valid(),
                "seed {seed} is {:?}: {}\nwith {}\nSEED={seed} repeats it",
                run.verdict.validity(),
                run.verdict.sentences().join("\n"),
                run.differences,
            );
        }
    }
}

impl StormRun {
    /// Whether the verdict is valid.
    pub fn is_valid(&self) -> bool {
        self.verdict.validity() == Validity::Valid
    }
}

/// Simulates a run to its end, or until a node panics.
pub fn simulate_catching(
    settings: &Settings,
    workload: Box<dyn Workload>,
    factory: &Factory,
    inspector: Option<&mut dyn Inspector>,
) -> Record {
    let run = AssertUnwindSafe(|| simulate_inspected(settings, workload, factory, inspector));
    catch_unwind(run).unwrap_or_else(|panic| aborted_run(&*panic))
}

/// A run aborted by a node's panic: a finding like others, since its seed repeats it.
fn aborted_run(panic: &(dyn Any + Send)) -> Record {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("without a message");
    Record {
        abort_reason: Some(format!("a node panicked: {text}")),
        ..Record::default()
    }
}

/// The verdict on a storm: the workload's rules, convergence, and availability, unless faults
/// beyond partitions occur. It is not required that every kind of operation has succeeded once: a
/// storm may be too short for that.
fn storm_verdict(options: &Options, record: &Record, workload: &dyn Workload) -> Verdict {
    let incidents = record.incidents.iter().map(ToString::to_string).collect();
    if let Some(why) = &record.abort_reason {
        let aborted = CustomResult {
            validity: Validity::Invalid,
            findings: vec![format!("the run was aborted: {why}")],
            details: serde_json::Value::Null,
        };
        return Verdict {
            protocol_errors: incidents,
            ..Verdict::judge(&History::default(), aborted, None, None)
        };
    }
    let required = options
        .availability
        .filter(|_| !options.faults().go_beyond_maelstrom());
    Verdict {
        stats: None,
        protocol_errors: incidents,
        ..judge::judge(record, workload, required)
    }
}

#[cfg(test)]
mod tests {
    use shared::Caller;

    use super::*;
    use crate::workload::Name;

    /// Echoes, and panics on a long message.
    #[derive(Debug)]
    struct Panicking;

    #[derive(serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Request {
        Echo { echo: String },
    }

    #[derive(serde::Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Response {
        EchoOk { echo: String },
    }

    #[derive(Debug)]
    enum Event {}

    impl Node for Panicking {
        type Request = Request;
        type Event = Event;

        fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
            let Request::Echo { echo } = request;
            assert!(echo.len() < 15, "too long");
            ctx.reply(caller, Response::EchoOk { echo });
        }

        fn on_event(&mut self, event: Event, _: &mut Context<Event>) {
            match event {}
        }
    }

    #[test]
    fn a_node_that_panics_is_a_finding() {
        let storm = Storm::new(Name::Echo, |_: Cluster, _: &mut Context<_>| Panicking);
        let pins = PartialOptions {
            time_limit: Some(Duration::from_secs(5)),
            rate: Some(50.0),
            ..PartialOptions::default()
        };
        let run = storm.with(&pins).run(1).unwrap();
        assert_eq!(run.verdict.validity(), Validity::Invalid);
        let finding = &run.verdict.sentences()[0];
        assert!(finding.contains("a node panicked: too long"), "{finding}");
    }
}
