//! Proof that storms find bugs: each mutant of the catalogue is found within so many seeds, and our
//! nodes as they are survive the same storms.
//!
//! `cargo test -p mutants -- --nocapture` prints which seed finds what.

mod mutants;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use checkers::{CheckerResult as _, Validity};
use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};
use simulator::storm::Aftermath;

use mutants::{Conditions, Mutant};

/// So many seeds must do.
const SEEDS: u64 = 200;

/// What became of the search for a mutant.
struct Hunt {
    mutant: Mutant,
    /// The first seed that finds it, and what it finds.
    found: Option<(u64, String)>,
}

/// All hunts, which are done once for all tests.
fn hunts() -> &'static [Hunt] {
    static HUNTS: OnceLock<Vec<Hunt>> = OnceLock::new();
    HUNTS.get_or_init(|| mutants::all().into_par_iter().map(hunt).collect())
}

fn hunt(mut mutant: Mutant) -> Hunt {
    let factory = std::mem::replace(&mut mutant.factory, Box::new(|_| unreachable!("used up")));
    let storm = mutant.storm.storm(factory);
    let found = (0..SEEDS).find_map(|seed| {
        let run = storm.run(seed);
        let run = run.unwrap_or_else(|error| panic!("{}, seed {seed}: {error:#}", mutant.name));
        is_found(&mutant, &run).then(|| (seed, run.verdict.sentences().join("; ")))
    });
    Hunt { mutant, found }
}

/// A run that breaks off says little of what is wrong, so it counts only if it is meant to.
fn is_found(mutant: &Mutant, run: &Aftermath) -> bool {
    run.verdict.validity() == Validity::Invalid && run.record.crash.is_some() == mutant.breaks_off
}

#[test]
fn every_mutant_is_found() {
    println!("| mutant | what is wrong | seed | what is found |");
    println!("| --- | --- | ---: | --- |");
    for Hunt { mutant, found } in hunts() {
        let (seed, finding) = match found {
            Some((seed, finding)) => (seed.to_string(), finding.as_str()),
            None => ("none".to_owned(), ""),
        };
        let finding: String = finding.chars().take(160).collect();
        println!("| {} | {} | {seed} | {finding} |", mutant.name, mutant.what);
    }
    let missed = hunts().iter().filter(|hunt| hunt.found.is_none());
    let missed: Vec<_> = missed
        .map(|hunt| (hunt.mutant.name, hunt.mutant.storm))
        .collect();
    assert!(missed.is_empty(), "none of {SEEDS} seeds finds {missed:#?}");
}

#[test]
fn the_same_storms_find_nothing_wrong_with_the_nodes_as_they_are() {
    let mut most: BTreeMap<Conditions, u64> = BTreeMap::new();
    for Hunt { mutant, found } in hunts() {
        let needed = found.as_ref().map_or(SEEDS, |(seed, _)| seed + 1);
        let seeds = most.entry(mutant.storm).or_default();
        *seeds = needed.max(*seeds);
    }
    let storms = most.iter().map(|(conditions, seeds)| {
        let factory = mutants::as_it_is(conditions.challenge, conditions.node_flags);
        (conditions, conditions.storm(factory), 0..*seeds)
    });
    let storms: Vec<_> = storms.collect();
    storms.par_iter().for_each(|(conditions, storm, seeds)| {
        seeds.clone().into_par_iter().for_each(|seed| {
            let run = storm.run(seed).unwrap_or_else(|error| panic!("{error:#}"));
            let findings = run.verdict.sentences().join("\n");
            assert!(
                run.is_valid(),
                "{conditions:?}, seed {seed}: {findings}\nwith {}",
                run.beyond
            );
        });
    });
}
