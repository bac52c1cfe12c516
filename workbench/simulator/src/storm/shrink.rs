//! Shrinks an invalid run: to fewer nodes, faults and operations, and a shorter time.
//!
//! Only the options and the seed change, so that a command repeats the result. With smaller options
//! a seed gives other operations and faults, so each option is tried with several seeds.

use std::collections::BTreeSet;
use std::time::Duration;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::{Storm, StormRun};
use crate::latency::Distribution;
use crate::nemesis::Fault;
use crate::options::{Nodes, Options, PartialOptions};
use checkers::{CheckerResult as _, Validity};
use history::Op;

/// The number of seeds with which smaller options are tried.
const TRIES: u64 = 32;

/// The result of shrinking.
#[derive(Debug)]
pub struct Shrunk {
    /// The smallest invalid run that was found.
    pub run: StormRun,
    /// An upper bound of the number of tried runs: smaller options are tried with `TRIES` seeds,
    /// but no more seeds are run once one gives an invalid run.
    pub tried: u64,
}

/// Looks for smaller invalid runs until none is found, about `max_runs` have been tried, or it
/// `is_interrupted`. `on_tried` receives [`Shrunk::tried`] so far.
pub fn shrink(
    storm: &Storm,
    failing: StormRun,
    max_runs: u64,
    is_interrupted: impl Fn() -> bool + Sync,
    mut on_tried: impl FnMut(u64),
) -> Shrunk {
    let mut shrunk = Shrunk {
        run: failing,
        tried: 0,
    };
    'smaller: loop {
        for options in smaller(&shrunk.run, storm.base()) {
            if shrunk.tried >= max_runs || is_interrupted() {
                break 'smaller;
            }
            on_tried(shrunk.tried);
            shrunk.tried += TRIES;
            if let Some(run) = first_failure(storm, shrunk.run.seed, &options, &is_interrupted) {
                shrunk.run = run;
                continue 'smaller;
            }
        }
        break;
    }
    shrunk
}

/// The run of the first seed, from this one on, that is invalid with these options.
fn first_failure(
    storm: &Storm,
    seed: u64,
    options: &Options,
    is_interrupted: impl Fn() -> bool + Sync,
) -> Option<StormRun> {
    let seeds = seed..seed.saturating_add(TRIES);
    let fails = |seed| {
        if is_interrupted() {
            return None;
        }
        // Options that contradict one another are skipped.
        let run = storm.run_with(seed, options, false).ok()?;
        (run.verdict.validity() == Validity::Invalid).then_some(run)
    };
    seeds.into_par_iter().find_map_first(fails)
}

/// The options of smaller runs, the smallest first.
fn smaller(run: &StormRun, base: &Options) -> Vec<Options> {
    let mut all = Vec::new();
    let mut add = |change: PartialOptions| {
        let options = run.options.with(&change).without_unused(base);
        if options != run.options {
            all.push(options);
        }
    };
    let nodes = run.settings.nodes.len() as u64;
    for count in below(nodes) {
        add(PartialOptions {
            nodes: Some(Nodes::Count(count as u32)),
            ..PartialOptions::default()
        });
    }
    let nemesis = |nemesis| PartialOptions {
        nemesis: Some(nemesis),
        ..PartialOptions::default()
    };
    let faults = &run.options.nemesis;
    if !faults.is_empty() {
        add(nemesis(BTreeSet::new()));
    }
    if faults.len() > 1 {
        for fault in faults {
            add(nemesis(BTreeSet::from([*fault])));
        }
        for fault in faults {
            add(nemesis(
                faults.iter().copied().filter(|it| it != fault).collect(),
            ));
        }
    }
    let shapes = &run.settings.faults.partition_shapes;
    if faults.contains(&Fault::Partition) && shapes.len() > 1 {
        for shape in shapes {
            add(PartialOptions {
                partition_shapes: Some(vec![*shape]),
                ..PartialOptions::default()
            });
        }
    }
    let ops = &run.record.history.ops;
    let starts = ops.iter().filter(|op| op.process.client().is_none());
    let starts = starts.filter(|op| op.f.starts_with("start-")).count() as u64 / 2;
    for count in below(starts) {
        add(PartialOptions {
            max_faults: Some(Some(count)),
            ..PartialOptions::default()
        });
    }
    let is_counted = |op: &&Op| op.is_invocation() && !op.meta.is_final;
    let operations = ops.iter().filter(is_counted).count() as u64;
    let operations = run
        .settings
        .max_operations
        .map_or(operations, |max| max.min(operations));
    for count in below(operations) {
        add(PartialOptions {
            max_operations: Some(Some(count)),
            ..PartialOptions::default()
        });
    }
    // Shorter faults, in tenths of a second; `max_faults` above limits their number.
    let intervals = run.settings.faults.intervals.iter().map(|(_, it)| it);
    let longest = intervals.max().map_or(0, |it| it.as_millis() as u64 / 100);
    for tenths in below(longest) {
        add(PartialOptions {
            nemesis_interval: Some(Duration::from_millis(100 * tenths)),
            ..PartialOptions::default()
        });
    }
    for seconds in below(run.settings.time_limit.as_secs()) {
        add(PartialOptions {
            time_limit: Some(Duration::from_secs(seconds)),
            ..PartialOptions::default()
        });
    }
    if run.options.latency > 0 {
        add(PartialOptions {
            latency: Some(0),
            latency_dist: Some(Distribution::Constant),
            ..PartialOptions::default()
        });
    }
    all
}

/// Some numbers below `number`, from 1 up: small ones, fractions, and the next smaller one.
fn below(number: u64) -> Vec<u64> {
    let mut steps = vec![1, 2, 3, 5, 8, number / 4, number / 2, number * 3 / 4];
    steps.push(number.saturating_sub(1));
    steps.retain(|step| (1..number).contains(step));
    steps.sort_unstable();
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_numbers_are_tried_from_the_smallest_on() {
        assert!(below(1).is_empty());
        assert_eq!(below(2), [1]);
        assert_eq!(below(20), [1, 2, 3, 5, 8, 10, 15, 19]);
    }
}
