//! Many seeds of a storm, on all cores, and what they add up to. Parts of a campaign that were run
//! on different machines are merged into one.

use std::ops::Range;

use anyhow::{bail, ensure};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use super::{Aftermath, Storm};
use crate::options::InvalidOptions;
use checkers::Validity;
use history::{Kind, Op};

/// How many seeds are run before it is asked whether one of them has failed.
const BLOCK: u64 = 128;

/// What many runs add up to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tally {
    /// How many runs there were.
    pub runs: u64,
    /// … of which all was well,
    pub valid: u64,
    /// … nobody can say,
    pub unknown: u64,
    /// … or something was wrong.
    pub invalid: u64,
    /// Operations begun,
    pub operations: u64,
    /// … and ended well.
    pub ok: u64,
    /// Messages among servers.
    pub messages: u64,
    /// How often the nemesis struck.
    pub faults: u64,
    /// Virtual time, in whole milliseconds: parts must add up to the whole in any order.
    pub virtual_ms: u64,
    /// Runs that were not valid, in the order of their seeds.
    pub failures: Vec<Failure>,
}

/// A run that was not valid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// Its options, where they differ from the defaults.
    pub options: String,
    /// `invalid` or `unknown`.
    pub verdict: String,
    /// What was wrong, in words.
    pub findings: Vec<String>,
    /// The command that repeats it.
    pub command: String,
}

/// A failing run in the words of a command line.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its options.
    pub options: String,
    /// The command that repeats it.
    pub command: String,
}

/// A campaign's report, or that of a part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Report {
    /// The challenge.
    pub challenge: String,
    /// What was pinned, as on the command line.
    pub pinned: String,
    /// The seeds that were run, as pairs of the first one and the one after the last.
    pub seeds: Vec<(u64, u64)>,
    /// What they came to.
    pub tally: Tally,
    /// How long it took, all parts together.
    pub wall_seconds: f64,
}

impl Tally {
    /// What one run comes to. `describe` puts its options and the command that repeats it into words.
    pub fn of(run: &Aftermath, describe: impl FnOnce(&Aftermath) -> Described) -> Self {
        let history = &run.record.history;
        let ops = &history.ops;
        let is = |valid| u64::from(run.verdict.valid == valid);
        let is_strike = |op: &&Op| op.process.client().is_none() && op.f.starts_with("start-");
        let strikes = ops.iter().filter(is_strike);
        let failure = || {
            let Described { options, command } = describe(run);
            Failure {
                seed: run.seed,
                options,
                verdict: run.verdict.valid.name().to_owned(),
                findings: run.verdict.findings.clone(),
                command,
            }
        };
        Tally {
            runs: 1,
            valid: is(Validity::Valid),
            unknown: is(Validity::Unknown),
            invalid: is(Validity::Invalid),
            operations: history.count(Kind::Invoke) as u64,
            ok: history.count(Kind::Ok) as u64,
            messages: run.record.statistics.servers().sent,
            // Every act of the nemesis stands in a history twice.
            faults: strikes.count() as u64 / 2,
            virtual_ms: ops.last().map_or(0, |op| op.time / 1_000_000),
            failures: (!run.is_valid()).then(failure).into_iter().collect(),
        }
    }

    /// Adds others up.
    pub fn add(&mut self, other: Tally) {
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
            // A report that was read may say anything.
            *sum = sum.saturating_add(more);
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

impl Report {
    /// # Errors
    /// When it cannot be what a campaign came to.
    fn check(&self) -> anyhow::Result<()> {
        let Tally {
            runs,
            valid,
            unknown,
            invalid,
            failures,
            ..
        } = &self.tally;
        let sum = |numbers: &[u64]| numbers.iter().map(|it| u128::from(*it)).sum::<u128>();
        let counts: Vec<u64> = self
            .seeds
            .iter()
            .map(|it| it.1.saturating_sub(it.0))
            .collect();
        let are_in_order = self.seeds.iter().all(|it| it.0 <= it.1)
            && self.seeds.windows(2).all(|pair| pair[0].1 <= pair[1].0);
        let stands_here = |seed: u64| self.seeds.iter().any(|it| (it.0..it.1).contains(&seed));
        ensure!(
            are_in_order
                && sum(&counts) == u128::from(*runs)
                && sum(&[*valid, *unknown, *invalid]) == u128::from(*runs)
                && sum(&[*unknown, *invalid]) == failures.len() as u128
                && failures.iter().all(|failure| stands_here(failure.seed)),
            "{}: seeds, runs and verdicts do not agree: this was changed or damaged",
            self.challenge,
        );
        Ok(())
    }
}

/// Runs seeds until one fails, or all of them. `look` is told of every run, from any thread.
///
/// The outcome does not depend on how many cores there are: what was run beyond the first seed that
/// failed is not counted.
///
/// # Errors
/// When options contradict one another.
pub fn run(
    storm: &Storm,
    seeds: Range<u64>,
    keep_going: bool,
    describe: impl Fn(&Aftermath) -> Described + Sync,
    look: impl Fn(&Tally) + Sync,
) -> Result<(Tally, Range<u64>), InvalidOptions> {
    let mut tally = Tally::default();
    let mut next = seeds.start;
    while next < seeds.end && (keep_going || tally.failures.is_empty()) {
        let end = seeds.end.min(next.saturating_add(BLOCK));
        let one = |seed| {
            let run = storm.run(seed)?;
            let one = Tally::of(&run, &describe);
            look(&one);
            Ok(one)
        };
        let block: Result<Vec<Tally>, InvalidOptions> =
            (next..end).into_par_iter().map(one).collect();
        for one in block? {
            let is_last = !keep_going && !one.failures.is_empty();
            tally.add(one);
            next += 1;
            if is_last {
                break;
            }
        }
    }
    Ok((tally, seeds.start..next))
}

/// The K-th of N parts of some seeds, K counted from 1.
pub fn shard(seeds: Range<u64>, part: u64, of: u64) -> Range<u64> {
    let count = u128::from(seeds.end.saturating_sub(seeds.start));
    let edge = |part: u64| seeds.start + (count * u128::from(part) / u128::from(of.max(1))) as u64;
    edge(part.saturating_sub(1))..edge(part)
}

/// Merges reports, part by part; those of one challenge become one.
///
/// # Errors
/// When two parts were run with other options, a seed stands in two of them, or a part is no report
/// of a campaign.
pub fn merge(parts: Vec<Report>) -> anyhow::Result<Vec<Report>> {
    let mut whole: Vec<Report> = Vec::new();
    for part in parts {
        part.check()?;
        let Some(report) = whole.iter_mut().find(|it| it.challenge == part.challenge) else {
            whole.push(part);
            continue;
        };
        let name = &part.challenge;
        ensure!(
            report.pinned == part.pinned,
            "{name} was run with {:?} and with {:?}: these do not add up",
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
        report.tally.add(part.tally);
        report.wall_seconds += part.wall_seconds;
    }
    for report in &mut whole {
        report.seeds = joined(&report.seeds);
    }
    Ok(whole)
}

/// Ranges that touch become one.
fn joined(seeds: &[(u64, u64)]) -> Vec<(u64, u64)> {
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

    fn report(seeds: (u64, u64), pinned: &str) -> Report {
        Report {
            challenge: "echo".to_owned(),
            pinned: pinned.to_owned(),
            seeds: vec![seeds],
            tally: Tally {
                runs: seeds.1 - seeds.0,
                valid: seeds.1 - seeds.0,
                ..Tally::default()
            },
            wall_seconds: 1.0,
        }
    }

    #[test]
    fn shards_are_even_and_leave_no_seed_out() {
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
            (whole.len(), whole[0].tally.runs, &whole[0].seeds[..]),
            (1, 9, &[(0, 9)][..])
        );
    }

    #[test]
    fn parts_that_overlap_or_differ_are_refused() {
        let error = |one, other| merge(vec![one, other]).unwrap_err().to_string();
        assert!(error(report((0, 3), ""), report((2, 5), "")).contains("twice"));
        let other = report((3, 5), "--rate 7");
        assert!(error(report((0, 3), ""), other).contains("do not add up"));
    }

    #[test]
    fn a_report_that_was_changed_is_refused_and_nothing_overflows() {
        #[track_caller]
        fn refused(change: impl FnOnce(&mut Report)) {
            let mut changed = report((5, 8), "");
            changed.tally.failures = vec![failure(6)];
            (changed.tally.valid, changed.tally.invalid) = (2, 1);
            assert!(merge(vec![changed.clone()]).is_ok());
            change(&mut changed);
            let error = merge(vec![changed]).unwrap_err().to_string();
            assert!(error.contains("do not agree"), "{error}");
        }
        refused(|it| it.tally.runs = 4);
        refused(|it| it.tally.runs = u64::MAX);
        refused(|it| it.tally.valid = u64::MAX);
        refused(|it| it.tally.invalid = 0);
        refused(|it| it.tally.failures.clear());
        refused(|it| it.tally.failures[0].seed = 8);
        refused(|it| it.seeds = vec![(8, 5)]);
        refused(|it| it.seeds = vec![(5, 7), (6, 7)]);
        refused(|it| it.seeds = vec![(7, 8), (5, 7)]);
        refused(|it| it.seeds = vec![(0, u64::MAX), (1, u64::MAX)]);

        let [mut one, mut other] = [report((0, 3), ""), report((3, 5), "")];
        (one.tally.messages, other.tally.messages) = (u64::MAX, 7);
        let whole = merge(vec![one, other]).unwrap();
        assert_eq!(whole[0].tally.messages, u64::MAX);
    }

    fn failure(seed: u64) -> Failure {
        Failure {
            seed,
            options: String::new(),
            verdict: "invalid".to_owned(),
            findings: Vec::new(),
            command: String::new(),
        }
    }
}
