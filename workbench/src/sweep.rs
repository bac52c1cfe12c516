//! Sweeps: a challenge simulated again and again while one of its flags moves, to see what that
//! costs and what it buys.

mod csv;
mod plot;
mod range;
mod vary;

use std::ops::Range;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use serde_json::{Value, json};

use crate::challenge::{Challenge, Trial};
use crate::flags::{TestFlags, words};
use crate::text::in_short;
use checkers::{CheckerResult as _, Validity, Verdict, quantile};
use history::{History, Kind};
use pages::budget::{Bar, Measurements, Metric};
use pages::report::{Figures, Score};
use pages::text::format_number;
use simulator::judge::judge;
use simulator::options::{Options, Pins};
use simulator::storm::play;
use simulator::workload::{Name, workload};

pub use csv::file as csv;
pub use plot::picture;
pub use vary::Vary;

/// What is run.
#[derive(Debug)]
pub struct Sweep {
    /// Of which challenge; of several tests it has, the first one.
    pub challenge: &'static Challenge,
    /// What moves.
    pub vary: Vary,
    /// What each point is run with.
    pub seeds: Range<u64>,
    /// What else differs from the challenge's test.
    pub pinned: Pins,
    /// The nodes' flags that do not move.
    pub node_flags: Vec<String>,
}

/// What became of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Where what moves was.
    pub value: f64,
    /// What the rng started from.
    pub seed: u64,
    /// The verdict; there is none if the run broke off.
    pub valid: Option<Validity>,
    /// Whether it is valid and within all bounds, the official ones and ours.
    pub holds: bool,
    /// Messages between servers and services for each operation.
    pub messages_per_op: Option<f64>,
    /// How long things took.
    pub latency: Option<Latency>,
    /// How far consumers were behind at most, in seconds.
    pub worst_lag_s: Option<f64>,
    /// Operations begun,
    pub operations: u64,
    /// … and ended well,
    pub ok: u64,
    /// … in vain,
    pub fail: u64,
    /// … or unknown how.
    pub info: u64,
    /// Messages between servers and services.
    pub messages: u64,
}

/// How long things took in a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// What took so long.
    pub kind: LatencyKind,
    /// Half of them took this or less, in milliseconds.
    pub median_ms: f64,
    /// None took more, in milliseconds.
    pub max_ms: f64,
}

/// What a latency is that of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatencyKind {
    /// Of values, until everybody has them.
    Stable,
    /// Of operations that ended well.
    Client,
}

impl LatencyKind {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            LatencyKind::Stable => "stable",
            LatencyKind::Client => "client",
        }
    }
}

impl Sweep {
    /// Runs everything, on all cores. `look` is told of every run, from any thread. What comes out
    /// is in order of values and seeds, and the same each time.
    ///
    /// # Errors
    /// When a point makes no sense; this is known before anything is run.
    pub fn run(&self, look: impl Fn(&Sample) + Sync) -> anyhow::Result<Vec<Sample>> {
        self.check().map_err(anyhow::Error::msg)?;
        let tasks = self.vary.values.iter().rev();
        let tasks = tasks.flat_map(|value| self.seeds.clone().rev().map(|seed| (*value, seed)));
        let one = |(value, seed)| {
            let sample = self.sample(value, seed)?;
            look(&sample);
            Ok(sample)
        };
        // The last points are often the longest ones: begun first, they leave no core alone.
        let tasks: Vec<(f64, u64)> = tasks.collect();
        let samples: anyhow::Result<Vec<Sample>> =
            tasks.into_par_iter().with_max_len(1).map(one).collect();
        let mut samples = samples?;
        samples.reverse();
        Ok(samples)
    }

    fn trial(&self) -> &'static Trial {
        &self.challenge.trials[0]
    }

    /// The options of a point; flags check the value that moves.
    fn options(&self, value: f64) -> anyhow::Result<(Name, Options)> {
        let mut flags: Vec<String> = self.trial().flags.iter().map(ToString::to_string).collect();
        flags.extend(words(&self.pinned));
        let flags = self.vary.flags(&flags, value);
        let flags = TestFlags::read(flags.iter().map(String::as_str))?;
        Ok((flags.workload, flags.options()?))
    }

    /// Whether each point makes sense.
    ///
    /// # Errors
    /// Says which one does not, and why.
    pub fn check(&self) -> Result<(), String> {
        self.vary.values.iter().try_for_each(|value| {
            let told = |error| {
                let (label, value) = (&self.vary.label, format_number(*value));
                format!("{label} cannot be {value}: {}", in_short(&error))
            };
            self.check_point(*value).map_err(told)
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
        let record = play(&settings, make(), &factory).record;
        let history = &record.history;
        let operations = history.count(Kind::Invoke);
        let is_over = record.crash.is_none();
        let verdict = is_over.then(|| judge(&record, &*make(), options.availability));
        let measured = verdict.as_ref().map(Measurements::of).unwrap_or_default();
        let measure = |metric: Metric| measured.get(metric);
        let stable = measure(Metric::MedianLatency).zip(measure(Metric::MaxLatency));
        let stable = stable.map(|(median_ms, max_ms)| Latency {
            kind: LatencyKind::Stable,
            median_ms,
            max_ms,
        });
        let count = |kind| history.count(kind) as u64;
        Ok(Sample {
            value,
            seed,
            valid: verdict.as_ref().map(|verdict| verdict.validity()),
            holds: verdict.as_ref().is_some_and(|it| holds(self.trial(), it)),
            messages_per_op: measure(Metric::MessagesPerOp),
            latency: stable.or_else(|| client_latency(history)),
            worst_lag_s: measure(Metric::RealtimeLag),
            operations: operations as u64,
            ok: count(Kind::Ok),
            fail: count(Kind::Fail),
            info: count(Kind::Info),
            messages: record.statistics.servers().sent,
        })
    }
}

fn holds(trial: &Trial, verdict: &Verdict) -> bool {
    let score = Score::new(
        verdict.validity(),
        trial.budgets,
        &Measurements::of(verdict),
    );
    Figures::new(trial.budgets, &[score], Bar::Ours).hold()
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
    /// What it measured of something that may have a budget.
    pub fn measured(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::MessagesPerOp => self.messages_per_op,
            Metric::MedianLatency => self.latency.map(|it| it.median_ms),
            Metric::MaxLatency => self.latency.map(|it| it.max_ms),
            Metric::RealtimeLag => self.worst_lag_s,
            Metric::NotOk => Some((self.fail + self.info) as f64),
        }
    }

    /// The verdict as results have it, or `broken` if the run broke off.
    pub fn validity(&self) -> &'static str {
        match self.valid {
            Some(Validity::Valid) => "true",
            Some(Validity::Invalid) => "false",
            Some(Validity::Unknown) => "unknown",
            None => "broken",
        }
    }

    /// The same for machines.
    pub fn to_json(&self) -> Value {
        json!({
            "value": self.value,
            "seed": self.seed,
            "valid": self.validity(),
            "budgets-held": self.holds,
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
        })
    }
}

/// What the seeds of one point came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The least of them,
    pub least: f64,
    /// … the one in the middle,
    pub median: f64,
    /// … and the most.
    pub most: f64,
}

impl Spread {
    /// That of some samples; nothing if none of them has the number.
    pub fn of(samples: &[Sample], number: impl Fn(&Sample) -> Option<f64>) -> Option<Self> {
        let mut numbers: Vec<f64> = samples.iter().filter_map(number).collect();
        numbers.sort_by(f64::total_cmp);
        Some(Spread {
            least: *numbers.first()?,
            median: quantile(&numbers, 0.5)?,
            most: *numbers.last()?,
        })
    }
}

/// The samples of each point, in order.
pub fn points(samples: &[Sample]) -> impl Iterator<Item = (f64, &[Sample])> {
    let chunks = samples.chunk_by(|one, next| one.value == next.value);
    chunks.filter_map(|chunk| Some((chunk.first()?.value, chunk)))
}
