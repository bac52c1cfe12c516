//! Parts of a campaign: the seeds of each, and their sum.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{bail, ensure};

use super::{CampaignReport, MAX_OF_KIND, Totals};

/// The part number `part`, counted from 1, of `of` equal parts of a range of seeds.
pub fn shard(seeds: Range<u64>, part: u64, of: u64) -> Range<u64> {
    let count = u128::from(seeds.end.saturating_sub(seeds.start));
    let edge = |part: u64| seeds.start + (count * u128::from(part) / u128::from(of.max(1))) as u64;
    edge(part.saturating_sub(1))..edge(part)
}

/// Adds a part of a campaign to the reports on whole campaigns, of which there is one for each
/// challenge. Parts may be added in any order. They need memory for the gaps between their seeds, and
/// not for each part.
///
/// # Errors
/// When two parts of a challenge have different options or a common seed, or the part is
/// inconsistent. The sum is then of no use.
pub fn merge(whole: &mut Vec<CampaignReport>, part: CampaignReport) -> anyhow::Result<()> {
    part.check()?;
    let name = &part.challenge;
    let known = whole.iter().position(|it| it.challenge == *name);
    let index = known.unwrap_or_else(|| {
        whole.push(CampaignReport {
            challenge: name.clone(),
            pinned: part.pinned.clone(),
            planned: Vec::new(),
            seeds: Vec::new(),
            totals: Totals::default(),
            wall_seconds: 0.0,
        });
        whole.len() - 1
    });
    let sum = &mut whole[index];
    ensure!(
        sum.pinned == part.pinned,
        "{name} was run with {:?} and with {:?}: these reports cannot be merged",
        sum.pinned,
        part.pinned,
    );
    for new in part.seeds {
        if let Some(old) = add_range(&mut sum.seeds, new).first() {
            bail!(
                "{name}: seeds {}..{} and {}..{} overlap, so some runs would count twice",
                old.0,
                old.1,
                new.0,
                new.1,
            );
        }
    }
    for new in part.planned {
        add_range(&mut sum.planned, new);
    }
    sum.totals.add(part.totals);
    sum.wall_seconds += part.wall_seconds;
    Ok(())
}

/// Adds a range to others, which are in order and have gaps between them, and joins it with those that
/// it overlaps, which are returned, and with adjacent ones.
fn add_range(ranges: &mut Vec<(u64, u64)>, new: (u64, u64)) -> Vec<(u64, u64)> {
    if new.0 >= new.1 {
        return Vec::new();
    }
    let start = ranges.partition_point(|it| it.1 < new.0);
    let end = ranges.partition_point(|it| it.0 <= new.1);
    let joined = &ranges[start..end];
    let first = joined.first().map_or(new.0, |it| it.0.min(new.0));
    let last = joined.last().map_or(new.1, |it| it.1.max(new.1));
    let joined = ranges.splice(start..end, [(first, last)]);
    joined.filter(|it| it.0 < new.1 && new.0 < it.1).collect()
}

impl CampaignReport {
    /// The seeds of the campaign that were not run.
    pub fn missing(&self) -> Vec<(u64, u64)> {
        let mut missing = Vec::new();
        for &(start, end) in &self.planned {
            let mut next = start;
            let first = self.seeds.partition_point(|it| it.1 <= start);
            for run in self.seeds[first..].iter().take_while(|it| it.0 < end) {
                if next < run.0 {
                    missing.push((next, run.0));
                }
                next = run.1;
            }
            if next < end {
                missing.push((next, end));
            }
        }
        missing
    }

    /// # Errors
    /// When its numbers are inconsistent.
    fn check(&self) -> anyhow::Result<()> {
        let Totals {
            runs,
            valid,
            unknown,
            invalid,
            kinds,
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
        let mut kept: BTreeMap<&str, u64> = BTreeMap::new();
        for failure in failures {
            *kept.entry(&failure.kind).or_default() += 1;
        }
        let first = kinds.iter();
        let first = first.map(|(kind, runs)| (&**kind, MAX_OF_KIND.min(*runs)));
        let failed: Vec<u64> = kinds.values().copied().collect();
        ensure!(
            are_in_order
                && self.wall_seconds.is_finite()
                && self.wall_seconds >= 0.0
                && sum(&counts) == u128::from(*runs)
                && sum(&[*valid, *unknown, *invalid]) == u128::from(*runs)
                && sum(&[*unknown, *invalid]) == sum(&failed)
                && kept == first.collect()
                && failures.iter().all(|failure| is_listed(failure.seed)),
            "{}: seeds, runs and verdicts do not agree: the report was changed or damaged",
            self.challenge,
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FailedRun, MAX_OF_KIND};
    use super::*;

    fn merge(parts: Vec<CampaignReport>) -> anyhow::Result<Vec<CampaignReport>> {
        let mut whole = Vec::new();
        parts
            .into_iter()
            .try_for_each(|part| super::merge(&mut whole, part))?;
        Ok(whole)
    }

    fn report(seeds: (u64, u64), pinned: &str) -> CampaignReport {
        CampaignReport {
            challenge: "echo".to_owned(),
            pinned: pinned.to_owned(),
            planned: vec![(0, 9)],
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
    fn seeds_that_no_part_has_run_are_missing() {
        #[track_caller]
        fn check(parts: &[(u64, u64)], missing: &[(u64, u64)]) {
            let parts = parts.iter().map(|seeds| report(*seeds, ""));
            assert_eq!(merge(parts.collect()).unwrap()[0].missing(), missing);
        }
        check(&[(0, 9)], &[]);
        check(&[(6, 9), (3, 3), (0, 3)], &[(3, 6)]);
        check(&[(4, 5), (1, 2)], &[(0, 1), (2, 4), (5, 9)]);
        check(&[(7, 7)], &[(0, 9)]);
        // What was run beyond a plan was a plan of its own.
        check(&[(8, 12), (0, 8)], &[]);
    }

    #[test]
    fn the_first_failures_of_each_kind_are_kept_and_all_are_counted() {
        let part = |seeds: (u64, u64)| {
            let mut part = report(seeds, "");
            part.totals = Totals {
                invalid: seeds.1 - seeds.0,
                ..Totals::default()
            };
            let runs = (seeds.0..seeds.1).map(|seed| Totals {
                runs: 1,
                kinds: [((seed % 2).to_string(), 1)].into(),
                failures: vec![FailedRun {
                    kind: (seed % 2).to_string(),
                    ..failure(seed)
                }],
                ..Totals::default()
            });
            runs.for_each(|one| part.totals.add(one));
            part
        };
        let whole = part((0, 6 * MAX_OF_KIND));
        let kept: Vec<u64> = whole.totals.failures.iter().map(|it| it.seed).collect();
        assert_eq!(kept, (0..2 * MAX_OF_KIND).collect::<Vec<u64>>());
        assert_eq!(whole.totals.kinds["1"], 3 * MAX_OF_KIND);
        let edges = [5 * MAX_OF_KIND, 6 * MAX_OF_KIND, 0, 7, 5 * MAX_OF_KIND];
        let parts = [(0, 1), (3, 4), (2, 3)].map(|(from, to)| part((edges[from], edges[to])));
        assert_eq!(merge(parts.to_vec()).unwrap()[0].totals, whole.totals);
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
            changed.totals.kinds = [(String::new(), 1)].into();
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
        check_rejected(|it| it.totals.kinds.clear());
        check_rejected(|it| it.totals.failures[0].kind = "other".to_owned());
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
            kind: String::new(),
            findings: Vec::new(),
            command: String::new(),
        }
    }
}
