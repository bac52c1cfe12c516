//! Campaigns: many seeds of a storm, on all cores, and their totals. Parts of a campaign that were
//! run on different machines are merged into one.

mod parts;

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::iter::{ParallelBridge, ParallelIterator};
use serde::{Deserialize, Serialize};

use super::{Storm, StormRun};
use crate::options::InvalidOptions;
use checkers::{CheckerResult as _, Validity};
use history::{Kind, Op};

pub use parts::{merge, shard};

/// The number of seeds that are run between two checks whether one is not valid: first few, as a run
/// of a program may take a second, then twice as many each time.
const FIRST_BLOCK: u64 = 4;
const MAX_BLOCK: u64 = 128;

/// The totals of many runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Totals {
    /// All runs.
    pub runs: u64,
    /// Runs whose verdict is valid.
    pub valid: u64,
    /// Runs whose verdict is unknown.
    pub unknown: u64,
    /// Runs whose verdict is invalid.
    pub invalid: u64,
    /// Operations invoked.
    pub operations: u64,
    /// Operations completed as `ok`.
    pub ok: u64,
    /// Messages among nodes and services.
    pub messages: u64,
    /// Faults that the nemesis has started.
    pub faults: u64,
    /// Virtual time, in whole milliseconds: parts must add up to the whole in any order.
    pub virtual_ms: u64,
    /// Why another run of the same seed may do otherwise, and in how many runs so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unrepeatable: BTreeMap<String, u64>,
    /// Runs whose verdict is invalid or unknown, by their kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, u64>,
    /// The first [`MAX_OF_KIND`] runs of each kind, in the order of their seeds.
    pub failures: Vec<FailedRun>,
}

/// Maximum number of failures of a kind that are kept, so that the memory for a million of them is
/// that for a few hundred. The first ones by seed are kept: so the sum is the same in any order.
pub const MAX_OF_KIND: u64 = 100;

/// A run whose verdict is invalid or unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FailedRun {
    /// Its seed.
    pub seed: u64,
    /// Its options, where they differ from the defaults.
    pub options: String,
    /// `invalid` or `unknown`.
    pub verdict: String,
    /// The kind of its worst anomaly.
    pub kind: String,
    /// Its findings.
    pub findings: Vec<String>,
    /// The command that repeats it.
    pub command: String,
}

/// A run that is not valid, as a command line.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its options.
    pub options: String,
    /// The kind of the worst anomaly: a name or a text without numbers, so that there are few.
    pub kind: String,
    /// What went wrong, in a few lines; the checkers' findings follow.
    pub story: Vec<String>,
    /// The command that repeats it.
    pub command: String,
}

/// A campaign's report, or that of a part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CampaignReport {
    /// The challenge.
    pub challenge: String,
    /// The pinned options, as on the command line.
    pub pinned: String,
    /// The seeds of the whole campaign, as pairs of the first one and the one after the last.
    pub planned: Vec<(u64, u64)>,
    /// The seeds that were run, likewise.
    pub seeds: Vec<(u64, u64)>,
    /// The totals.
    #[serde(rename = "tally")]
    pub totals: Totals,
    /// The duration, all parts together.
    pub wall_seconds: f64,
}

impl Totals {
    /// The totals of one run. `describe` formats its options and the command that repeats it.
    pub fn of(run: &StormRun, describe: impl FnOnce(&StormRun) -> Described) -> Self {
        let history = &run.record.history;
        let ops = &history.ops;
        let is = |valid| u64::from(run.verdict.validity() == valid);
        let is_start = |op: &&Op| op.process.client().is_none() && op.f.starts_with("start-");
        let starts = ops.iter().filter(is_start);
        let failure = || {
            let described = describe(run);
            let mut findings = described.story;
            // A single one is what the story tells.
            let sentences = run.verdict.sentences();
            let is_told = sentences.len() == 1 && !findings.is_empty();
            findings.extend(sentences.into_iter().filter(|_| !is_told));
            findings.extend(run.record.caveats());
            FailedRun {
                seed: run.seed,
                options: described.options,
                verdict: run.verdict.validity().name().to_owned(),
                kind: described.kind,
                findings,
                command: described.command,
            }
        };
        let failure = (!run.is_valid()).then(failure);
        Totals {
            runs: 1,
            valid: is(Validity::Valid),
            unknown: is(Validity::Unknown),
            invalid: is(Validity::Invalid),
            operations: history.count(Kind::Invoke) as u64,
            ok: history.count(Kind::Ok) as u64,
            messages: run.record.statistics.servers().sent,
            // A history has each operation of the nemesis twice: invocation and completion.
            faults: starts.count() as u64 / 2,
            virtual_ms: ops.last().map_or(0, |op| op.time / 1_000_000),
            unrepeatable: {
                // Without the node's name before it.
                let reasons = run.record.nondeterminism.iter();
                let reasons = reasons.map(|it| it.split_once(": ").map_or(&**it, |(_, why)| why));
                reasons.map(|why| (why.to_owned(), 1)).collect()
            },
            kinds: failure.iter().map(|it| (it.kind.clone(), 1)).collect(),
            failures: failure.into_iter().collect(),
        }
    }

    /// Adds other totals.
    pub fn add(&mut self, other: Totals) {
        for (sum, more) in [
            (&mut self.runs, other.runs),
            (&mut self.valid, other.valid),
            (&mut self.unknown, other.unknown),
            (&mut self.invalid, other.invalid),
            (&mut self.operations, other.operations),
            (&mut self.ok, other.ok),
            (&mut self.messages, other.messages),
            (&mut self.faults, other.faults),
            (&mut self.virtual_ms, other.virtual_ms),
        ] {
            // A report that was read may have any numbers.
            *sum = sum.saturating_add(more);
        }
        for (sums, more) in [
            (&mut self.unrepeatable, other.unrepeatable),
            (&mut self.kinds, other.kinds),
        ] {
            for (name, runs) in more {
                let sum = sums.entry(name).or_default();
                *sum = sum.saturating_add(runs);
            }
        }
        self.failures.extend(other.failures);
        self.failures.sort_by_key(|failure| failure.seed);
        if self.kinds.values().any(|runs| *runs > MAX_OF_KIND) {
            let mut of_kind: BTreeMap<&str, u64> = BTreeMap::new();
            let kept = self.failures.iter().map(|failure| {
                let count = of_kind.entry(&failure.kind).or_default();
                *count += 1;
                *count <= MAX_OF_KIND
            });
            let kept: Vec<bool> = kept.collect();
            let mut kept = kept.into_iter();
            self.failures.retain(|_| kept.next().unwrap_or_default());
        }
    }

    /// The worst verdict of all runs.
    pub fn worst(&self) -> Validity {
        match (self.invalid, self.unknown) {
            (0, 0) => Validity::Valid,
            (0, _) => Validity::Unknown,
            (_, _) => Validity::Invalid,
        }
    }
}

/// Runs seeds until one is not valid, or all if `keep_going`; no more once `is_interrupted`. `on_run`
/// is called after every run, from any thread. Returns the totals and the seeds that they are about.
///
/// The outcome does not depend on the number of cores: runs after the first seed that is not valid
/// are not counted.
///
/// # Errors
/// When options contradict one another.
pub fn run(
    storm: &Storm,
    seeds: Range<u64>,
    keep_going: bool,
    is_interrupted: impl Fn() -> bool + Sync,
    describe: impl Fn(&StormRun) -> Described + Sync,
    on_run: impl Fn(&Totals) + Sync,
) -> Result<(Totals, Range<u64>), InvalidOptions> {
    let mut totals = Totals::default();
    let mut next = seeds.start;
    let mut block = FIRST_BLOCK;
    while next < seeds.end && (keep_going || totals.failures.is_empty()) && !is_interrupted() {
        let end = seeds.end.min(next.saturating_add(block));
        block = MAX_BLOCK.min(2 * block);
        let one = |seed| {
            let run = storm.run(seed)?;
            let one = Totals::of(&run, &describe);
            on_run(&one);
            Ok((seed, one))
        };
        // Seeds are given out one by one, in order, and each that was is run to its end: so those
        // that have been run have no gap.
        let given = (next..end).take_while(|_| !is_interrupted());
        let block: Result<BTreeMap<u64, Totals>, InvalidOptions> =
            given.par_bridge().map(one).collect();
        for one in block?.into_values() {
            let is_last = !keep_going && !one.failures.is_empty();
            totals.add(one);
            next += 1;
            if is_last {
                break;
            }
        }
    }
    Ok((totals, seeds.start..next))
}
