//! Proof that storms find bugs: each mutant of the catalogue is found within 200 seeds, and the
//! unchanged nodes pass the same storms.
//!
//! `cargo test -p mutants -- --nocapture` prints the seed and the finding for each mutant.

mod mutants;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use checkers::{CheckerResult as _, Validity};
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use simulator::storm::StormRun;

use mutants::{Mutant, StormOptions};

/// The maximum number of seeds until a mutant is found.
const MAX_SEEDS: u64 = 200;

/// The result of the search for a mutant.
struct Hunt {
    mutant: Mutant,
    /// The first seed that finds the mutant, and the findings.
    found: Option<(u64, String)>,
}

/// All hunts, run once for all tests.
fn hunts() -> &'static [Hunt] {
    static HUNTS: OnceLock<Vec<Hunt>> = OnceLock::new();
    HUNTS.get_or_init(|| mutants::all().into_par_iter().map(hunt).collect())
}

fn hunt(mut mutant: Mutant) -> Hunt {
    let factory = std::mem::replace(&mut mutant.factory, Box::new(|_| unreachable!("used up")));
    let storm = mutant.storm.storm(factory);
    let found = (0..MAX_SEEDS).find_map(|seed| {
        let run = storm.run(seed);
        let run = run.unwrap_or_else(|error| panic!("{}, seed {seed}: {error:#}", mutant.name));
        is_found(&run).then(|| (seed, run.verdict.sentences().join("; ")))
    });
    Hunt { mutant, found }
}

/// Whether a run is invalid. Aborted runs do not count, since they say little about the mistake.
fn is_found(run: &StormRun) -> bool {
    run.verdict.validity() == Validity::Invalid && run.record.abort_reason.is_none()
}

#[test]
fn every_mutant_is_found() {
    println!("| mutant | mistake | seed | finding |");
    println!("| --- | --- | ---: | --- |");
    for Hunt { mutant, found } in hunts() {
        let (seed, finding) = match found {
            Some((seed, finding)) => (seed.to_string(), finding.as_str()),
            None => ("none".to_owned(), ""),
        };
        let finding: String = finding.chars().take(160).collect();
        println!(
            "| {} | {} | {seed} | {finding} |",
            mutant.name, mutant.mistake
        );
    }
    let missed = hunts().iter().filter(|hunt| hunt.found.is_none());
    let missed: Vec<_> = missed
        .map(|hunt| (hunt.mutant.name, hunt.mutant.storm))
        .collect();
    assert!(
        missed.is_empty(),
        "not found within {MAX_SEEDS} seeds: {missed:#?}"
    );
}

#[test]
fn the_same_storms_find_nothing_wrong_with_unchanged_nodes() {
    let mut seeds_of: BTreeMap<StormOptions, u64> = BTreeMap::new();
    for Hunt { mutant, found } in hunts() {
        let needed = found.as_ref().map_or(MAX_SEEDS, |(seed, _)| seed + 1);
        let seeds = seeds_of.entry(mutant.storm).or_default();
        *seeds = needed.max(*seeds);
    }
    let storms = seeds_of.iter().map(|(options, seeds)| {
        let factory = mutants::unchanged(options.challenge, options.node_flags);
        (options, options.storm(factory), 0..*seeds)
    });
    let storms: Vec<_> = storms.collect();
    storms.par_iter().for_each(|(options, storm, seeds)| {
        seeds.clone().into_par_iter().for_each(|seed| {
            let run = storm.run(seed).unwrap_or_else(|error| panic!("{error:#}"));
            let findings = run.verdict.sentences().join("\n");
            assert!(
                run.is_valid(),
                "{options:?}, seed {seed}: {findings}\nwith {}",
                run.differences
            );
        });
    });
}
