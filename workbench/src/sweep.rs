//! Sweeps: simulations of a challenge for many values of a flag, to see its costs and benefits.

mod csv;
mod plot;
mod range;
mod vary;

use std::ops::Range;
use std::time::Duration;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use serde_json::{Value, json};

use crate::challenge::{Challenge, Trial};
use crate::flags::{TestFlags, to_flags};
use crate::text::one_line;
use checkers::{CheckerResult, Validity, quantile};
use history::{History, Kind, Op};
use pages::budget::{Bar, Measurements, Metric};
use pages::outcome::Outcome;
use pages::report::budget_results;
use pages::text::format_number;
use simulator::judge::judge;
use simulator::options::{Options, PartialOptions};
use simulator::storm::simulate_catching;
use simulator::workload::{Name, workload};

pub use csv::file as csv;
pub use plot::plot;
pub use vary::Vary;

/// A sweep to be run.
#[derive(Debug)]
pub struct Sweep {
    /// The challenge; its first test is run.
    pub challenge: &'static Challenge,
    /// The flags that vary, and their values.
    pub vary: Vary,
    /// The seeds of each point's runs.
    pub seeds: Range<u64>,
    /// Other options that differ from the challenge's test.
    pub pinned: PartialOptions,
    /// The nodes' flags that do not vary.
    pub node_flags: Vec<String>,
}

/// What became of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The value of the flags that vary.
    pub value: f64,
    /// The run's seed.
    pub seed: u64,
    /// The verdict; `None` if the run was aborted.
    pub valid: Option<Validity>,
    /// Whether it is valid and within all budgets, official ones and ours.
    pub is_within_budgets: bool,
    /// Messages between servers and services for each operation.
    pub messages_per_op: Option<f64>,
    /// Latencies; `None` if there are none.
    pub latency: Option<Latency>,
    /// The largest lag of a consumer, in seconds.
    pub worst_lag_s: Option<f64>,
    /// How many operations were invoked.
    pub operations: u64,
    /// How many of them succeeded.
    pub ok: u64,
    /// How many of them failed.
    pub fail: u64,
    /// How many of them are indeterminate.
    pub info: u64,
    /// Messages between servers and services.
    pub messages: u64,
    /// How many of these the nodes exchange for each value that is broadcast.
    pub messages_per_value: Option<f64>,
    /// How many of these a node sends a second, on average.
    pub node_per_s: f64,
    /// How many of these the busiest node sends and receives a second.
    pub busiest_node_per_s: f64,
    /// How many operations were invoked after the time limit, such as final reads.
    pub final_operations: u64,
}

/// The latencies of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// What is measured.
    pub kind: LatencyKind,
    /// The median, in milliseconds.
    pub median_ms: f64,
    /// The maximum, in milliseconds.
    pub max_ms: f64,
}

/// What a latency measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatencyKind {
    /// The time until a value is visible on all nodes.
    Stable,
    /// The time that a successful operation takes.
    Client,
}

impl LatencyKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            LatencyKind::Stable => "stable",
            LatencyKind::Client => "client",
        }
    }
}

impl Sweep {
    /// Runs all points on all cores, and calls `on_run` after each run, from any thread; no run
    /// begins once it `is_interrupted`. The samples are in order of values and seeds, and the same
    /// each time.
    ///
    /// # Errors
    /// When a point's options are invalid; this is checked before anything is run.
    pub fn run(
        &self,
        is_interrupted: impl Fn() -> bool + Sync,
        on_run: impl Fn(&Sample) + Sync,
    ) -> anyhow::Result<Vec<Sample>> {
        self.check().map_err(anyhow::Error::msg)?;
        let tasks = self.vary.values.iter().rev();
        let tasks = tasks.flat_map(|value| self.seeds.clone().rev().map(|seed| (*value, seed)));
        let one = |(value, seed)| {
            if is_interrupted() {
                return None;
            }
            let sample = self.sample(value, seed);
            sample.iter().for_each(&on_run);
            Some(sample)
        };
        // The last points often take longest. Started first, they keep all cores busy.
        let tasks: Vec<(f64, u64)> = tasks.collect();
        let samples: anyhow::Result<Vec<Sample>> = tasks
            .into_par_iter()
            .with_max_len(1)
            .filter_map(one)
            .collect();
        let mut samples = samples?;
        samples.reverse();
        Ok(samples)
    }

    fn trial(&self) -> &'static Trial {
        &self.challenge.trials[0]
    }

    /// The options of a point, parsed as flags to check the value that varies.
    fn options(&self, value: f64) -> anyhow::Result<(Name, Options)> {
        let mut flags: Vec<String> = self.trial().flags.iter().map(ToString::to_string).collect();
        flags.extend(to_flags(&self.pinned));
        let flags = self.vary.flags(&flags, value);
        let flags = TestFlags::read(flags.iter().map(String::as_str))?;
        Ok((flags.workload, flags.options()?))
    }

    /// Checks the options of each point.
    ///
    /// # Errors
    /// Says which value is refused, and why.
    pub fn check(&self) -> Result<(), String> {
        self.vary.values.iter().try_for_each(|value| {
            let describe = |error| {
                let (label, value) = (&self.vary.label, format_number(*value));
                format!("{label} cannot be {value}: {}", one_line(&error))
            };
            self.check_point(*value).map_err(describe)
        })
    }

    fn check_point(&self, value: f64) -> anyhow::Result<()> {
        let (name, options) = self.options(value)?;
        options.settings(&*workload(name, &options), self.seeds.start)?;
        let flags = self.vary.node_flags(&self.node_flags, value);
        self.challenge.solution.factory(&flags).map(drop)
    }

    fn sample(&self, value: f64, seed: u64) -> anyhow::Result<Sample> {
        let (name, options) = self.options(value)?;
        let make = || workload(name, &options);
        let settings = options.settings(&*make(), seed)?;
        let node_flags = self.vary.node_flags(&self.node_flags, value);
        let factory = self.challenge.solution.factory(&node_flags)?;
        let record = simulate_catching(&settings, make(), &factory, None);
        let history = &record.history;
        let operations = history.count(Kind::Invoke);
        let is_over = record.abort_reason.is_none();
        let verdict = is_over.then(|| judge(&record, &*make(), options.availability));
        let valid = verdict.as_ref().map(CheckerResult::validity);
        let measured = verdict.as_ref().map(Measurements::of).unwrap_or_default();
        let measure = |metric: Metric| measured.get(metric);
        let stable = measure(Metric::MedianLatency).zip(measure(Metric::MaxLatency));
        let stable = stable.map(|(median_ms, max_ms)| Latency {
            kind: LatencyKind::Stable,
            median_ms,
            max_ms,
        });
        let count = |kind| history.count(kind) as u64;
        let messages = record.statistics.servers().sent;
        let invoked = || history.ops.iter().filter(|op| op.is_invocation());
        let values = invoked().filter(|op| op.f == "broadcast").count();
        let is_late = |op: &&Op| Duration::from_nanos(op.time) >= settings.time_limit;
        let seconds = settings.time_limit.as_secs_f64();
        Ok(Sample {
            value,
            seed,
            valid,
            is_within_budgets: valid == Some(Validity::Valid)
                && is_within_budgets(self.trial(), measured),
            messages_per_op: measure(Metric::MessagesPerOp),
            latency: stable.or_else(|| client_latency(history)),
            worst_lag_s: measure(Metric::RealtimeLag),
            operations: operations as u64,
            ok: count(Kind::Ok),
            fail: count(Kind::Fail),
            info: count(Kind::Info),
            messages,
            messages_per_value: (values > 0).then(|| messages as f64 / values as f64),
            node_per_s: messages as f64 / seconds / settings.nodes.len() as f64,
            busiest_node_per_s: record.busiest_node as f64 / seconds,
            final_operations: invoked().filter(is_late).count() as u64,
        })
    }
}

fn is_within_budgets(trial: &Trial, measured: Measurements) -> bool {
    let outcome = Outcome {
        measured,
        ..Outcome::default()
    };
    let budgets = budget_results(trial.budgets, &[outcome], Bar::Ours);
    budgets.iter().all(|it| it.is_met)
}

fn client_latency(history: &History) -> Option<Latency> {
    let pairs = history.pairs().into_iter();
    let ended = pairs.filter_map(|pair| Some((pair.invocation, pair.completion?)));
    let well = ended.filter(|(_, completion)| completion.kind == Kind::Ok);
    let mut times: Vec<u64> = well
        .map(|(invocation, completion)| completion.time.saturating_sub(invocation.time))
        .collect();
    times.sort_unstable();
    let at = |point| Some(quantile(&times, point)? as f64 / 1e6);
    Some(Latency {
        kind: LatencyKind::Client,
        median_ms: at(0.5)?,
        max_ms: at(1.0)?,
    })
}

impl Sample {
    /// The measured value of a metric, if there is one.
    pub fn measured(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::MessagesPerOp => self.messages_per_op,
            Metric::MedianLatency => self.latency.map(|it| it.median_ms),
            Metric::MaxLatency => self.latency.map(|it| it.max_ms),
            Metric::RealtimeLag => self.worst_lag_s,
            Metric::NotOk => Some((self.fail + self.info) as f64),
        }
    }

    /// The verdict as in `results.json`, or `broken` if the run was aborted.
    pub fn validity(&self) -> &'static str {
        match self.valid {
            Some(Validity::Valid) => "true",
            Some(Validity::Invalid) => "false",
            Some(Validity::Unknown) => "unknown",
            None => "broken",
        }
    }

    /// The sample as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "value": self.value,
            "seed": self.seed,
            "valid": self.validity(),
            "budgets-held": self.is_within_budgets,
            "messages-per-op": self.messages_per_op,
            "median-latency-ms": self.latency.map(|it| it.median_ms),
            "max-latency-ms": self.latency.map(|it| it.max_ms),
            "latency": self.latency.map(|it| it.kind.name()),
            "worst-lag-s": self.worst_lag_s,
            "operations": self.operations,
            "ok": self.ok,
            "fail": self.fail,
            "info": self.info,
            "messages": self.messages,
            "messages-per-value": self.messages_per_value,
            "messages-per-node-s": self.node_per_s,
            "busiest-node-per-s": self.busiest_node_per_s,
            "final-operations": self.final_operations,
        })
    }
}

/// The spread of a number over the seeds of one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The minimum.
    pub min: f64,
    /// The median.
    pub median: f64,
    /// The maximum.
    pub max: f64,
}

impl Spread {
    /// The spread of a number over some samples; `None` if none of them has it.
    pub fn of(samples: &[Sample], number: impl Fn(&Sample) -> Option<f64>) -> Option<Self> {
        let mut numbers: Vec<f64> = samples.iter().filter_map(number).collect();
        numbers.sort_by(f64::total_cmp);
        Some(Spread {
            min: *numbers.first()?,
            median: quantile(&numbers, 0.5)?,
            max: *numbers.last()?,
        })
    }
}

/// The samples of each point, in order.
pub fn points(samples: &[Sample]) -> impl Iterator<Item = (f64, &[Sample])> {
    let chunks = samples.chunk_by(|one, next| one.value == next.value);
    chunks.filter_map(|chunk| Some((chunk.first()?.value, chunk)))
}
