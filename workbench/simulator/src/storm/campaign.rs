//! Campaigns: many seeds of a storm, on all cores, and their totals. Parts of a campaign that were
//! run on different machines are merged into one.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{bail, ensure};
use rayon::iter::{ParallelBridge, ParallelIterator};
use serde::{Deserialize, Serialize};

use super::{Storm, StormRun};
use crate::options::InvalidOptions;
use checkers::{CheckerResult as _, Validity};
use history::{Kind, Op};

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
    /// Runs whose verdict is invalid or unknown, in the order of their seeds.
    pub failures: Vec<FailedRun>,
}

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
    /// The seeds that were run, as pairs of the first one and the one after the last.
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
                findings,
                command: described.command,
            }
        };
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
            failures: (!run.is_valid()).then(failure).into_iter().collect(),
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
        for (why, runs) in other.unrepeatable {
            let sum = self.unrepeatable.entry(why).or_default();
            *sum = sum.saturating_add(runs);
        }
        self.failures.extend(other.failures);
        self.failures.sort_by_key(|failure| failure.seed);
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

impl CampaignReport {
    /// # Errors
    /// When its numbers are inconsistent.
    fn check(&self) -> anyhow::Result<()> {
        let Totals {
            runs,
            valid,
            unknown,
            invalid,
            failures,
            ..
        } = &self.totals;
        let sum = |numbers: &[u64]| numbers.iter().map(|it| u128::from(*it)).sum::<u128>();
        let counts: Vec<u64> = self
            .seeds
            .iter()
            .map(|it| it.1.saturating_sub(it.0))
            .collect();
        let are_in_order = self.seeds.iter().all(|it| it.0 <= it.1)
            && self.seeds.windows(2).all(|pair| pair[0].1 <= pair[1].0);
        let is_listed = |seed: u64| self.seeds.iter().any(|it| (it.0..it.1).contains(&seed));
        ensure!(
            are_in_order
                && sum(&counts) == u128::from(*runs)
                && sum(&[*valid, *unknown, *invalid]) == u128::from(*runs)
                && sum(&[*unknown, *invalid]) == failures.len() as u128
                && failures.iter().all(|failure| is_listed(failure.seed)),
            "{}: seeds, runs and verdicts do not agree: the report was changed or damaged",
            self.challenge,
        );
        Ok(())
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

/// The part number `part`, counted from 1, of `of` equal parts of a range of seeds.
pub fn shard(seeds: Range<u64>, part: u64, of: u64) -> Range<u64> {
    let count = u128::from(seeds.end.saturating_sub(seeds.start));
    let edge = |part: u64| seeds.start + (count * u128::from(part) / u128::from(of.max(1))) as u64;
    edge(part.saturating_sub(1))..edge(part)
}

/// Merges the reports of parts into one report per challenge.
///
/// # Errors
/// When two parts of a challenge have different options or a common seed, or a report is
/// inconsistent.
pub fn merge(parts: Vec<CampaignReport>) -> anyhow::Result<Vec<CampaignReport>> {
    let mut whole: Vec<CampaignReport> = Vec::new();
    for part in parts {
        part.check()?;
        let Some(report) = whole.iter_mut().find(|it| it.challenge == part.challenge) else {
            whole.push(part);
            continue;
        };
        let name = &part.challenge;
        ensure!(
            report.pinned == part.pinned,
            "{name} was run with {:?} and with {:?}: these reports cannot be merged",
            report.pinned,
            part.pinned,
        );
        for new in &part.seeds {
            if let Some(old) = report
                .seeds
                .iter()
                .find(|old| old.0 < new.1 && new.0 < old.1)
            {
                bail!(
                    "{name}: seeds {}..{} and {}..{} overlap, so some runs would count twice",
                    old.0,
                    old.1,
                    new.0,
                    new.1,
                );
            }
        }
        report.seeds.extend(part.seeds);
        report.seeds.sort_unstable();
        report.totals.add(part.totals);
        report.wall_seconds += part.wall_seconds;
    }
    for report in &mut whole {
        report.seeds = join_ranges(&report.seeds);
    }
    Ok(whole)
}

/// Joins adjacent ranges.
fn join_ranges(seeds: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (start, end) in seeds.iter().copied() {
        match joined.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            Some(_) | None => joined.push((start, end)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(seeds: (u64, u64), pinned: &str) -> CampaignReport {
        CampaignReport {
            challenge: "echo".to_owned(),
            pinned: pinned.to_owned(),
            seeds: vec![seeds],
            totals: Totals {
                runs: seeds.1 - seeds.0,
                valid: seeds.1 - seeds.0,
                ..Totals::default()
            },
            wall_seconds: 1.0,
        }
    }

    #[test]
    fn shards_are_even_and_cover_all_seeds() {
        for (count, of) in [(10, 3), (7, 7), (3, 5), (10_000, 16), (0, 4)] {
            let mut next = 5;
            for part in 1..=of {
                let shard = shard(5..5 + count, part, of);
                assert_eq!(shard.start, next);
                assert!(shard.end - shard.start <= count.div_ceil(of));
                next = shard.end;
            }
            assert_eq!(next, 5 + count);
        }
        assert_eq!(shard(0..u64::MAX, 2, 2).end, u64::MAX);
    }

    #[test]
    fn parts_of_a_campaign_add_up_in_any_order() {
        let parts = vec![report((6, 9), ""), report((0, 3), ""), report((3, 6), "")];
        let whole = merge(parts).unwrap();
        assert_eq!(
            (whole.len(), whole[0].totals.runs, &whole[0].seeds[..]),
            (1, 9, &[(0, 9)][..])
        );
    }

    #[test]
    fn each_reason_not_to_repeat_is_counted_once_a_run() {
        let part = |seeds, reasons: &[(&str, u64)]| {
            let mut part = report(seeds, "");
            let reasons = reasons
                .iter()
                .map(|(why, runs)| (String::from(*why), *runs));
            part.totals.unrepeatable = reasons.collect();
            part
        };
        let parts = [
            part((0, 3), &[("a", 2)]),
            part((3, 6), &[("a", 1), ("b", 3)]),
        ];
        let whole = merge(parts.to_vec()).unwrap().remove(0).totals.unrepeatable;
        assert_eq!(
            whole,
            BTreeMap::from([("a".to_owned(), 3), ("b".to_owned(), 3)])
        );
    }

    #[test]
    fn parts_that_overlap_or_differ_are_rejected() {
        let error = |one, other| merge(vec![one, other]).unwrap_err().to_string();
        assert!(error(report((0, 3), ""), report((2, 5), "")).contains("twice"));
        let other = report((3, 5), "--rate 7");
        assert!(error(report((0, 3), ""), other).contains("cannot be merged"));
    }

    #[test]
    fn an_inconsistent_report_is_rejected_and_totals_do_not_overflow() {
        #[track_caller]
        fn check_rejected(change: impl FnOnce(&mut CampaignReport)) {
            let mut changed = report((5, 8), "");
            changed.totals.failures = vec![failure(6)];
            (changed.totals.valid, changed.totals.invalid) = (2, 1);
            assert!(merge(vec![changed.clone()]).is_ok());
            change(&mut changed);
            let error = merge(vec![changed]).unwrap_err().to_string();
            assert!(error.contains("do not agree"), "{error}");
        }
        check_rejected(|it| it.totals.runs = 4);
        check_rejected(|it| it.totals.runs = u64::MAX);
        check_rejected(|it| it.totals.valid = u64::MAX);
        check_rejected(|it| it.totals.invalid = 0);
        check_rejected(|it| it.totals.failures.clear());
        check_rejected(|it| it.totals.failures[0].seed = 8);
        check_rejected(|it| it.seeds = vec![(8, 5)]);
        check_rejected(|it| it.seeds = vec![(5, 7), (6, 7)]);
        check_rejected(|it| it.seeds = vec![(7, 8), (5, 7)]);
        check_rejected(|it| it.seeds = vec![(0, u64::MAX), (1, u64::MAX)]);

        let [mut one, mut other] = [report((0, 3), ""), report((3, 5), "")];
        (one.totals.messages, other.totals.messages) = (u64::MAX, 7);
        let whole = merge(vec![one, other]).unwrap();
        assert_eq!(whole[0].totals.messages, u64::MAX);
    }

    fn failure(seed: u64) -> FailedRun {
        FailedRun {
            seed,
            options: String::new(),
            verdict: "invalid".to_owned(),
            findings: Vec::new(),
            command: String::new(),
        }
    }
}
