//! Sharpness: nodes with a small mistake, which the bench must find invalid, and the same nodes
//! without it, which it must find valid.
//!
//! Nodes and flags were fixed before their first run; `docs/sharpness.md` has the table that `cargo
//! test -p workbench --test simulated sharpness -- --nocapture` prints.

mod broadcast;
mod case;
mod counters;
mod echo;
mod g_set;
mod headlines;
mod kafka;
mod lin_kv;
mod live;
mod transactions;
mod unique_ids;

use checkers::{CheckerResult as _, Validity};
use rayon::prelude::*;

use case::{Case, MIN_FOUND, SEEDS};
use live::{RACES, RUNS};

/// The document with the table.
const TABLE: &str = include_str!("../../../docs/sharpness.md");

fn cases() -> Vec<Case> {
    let workloads = [
        echo::cases(),
        unique_ids::cases(),
        broadcast::cases(),
        g_set::cases(),
        counters::cases(),
        kafka::cases(),
        lin_kv::cases(),
        transactions::cases(),
    ];
    workloads.into_iter().flatten().collect()
}

/// A row of the table.
fn row(mistake: &str, flags: &str, result: &str) -> String {
    let flags = flags.strip_prefix("-w ").unwrap();
    let (workload, flags) = flags.split_once(' ').unwrap();
    format!("| {workload} | {mistake} | `{flags}` | {result} |\n")
}

#[test]
fn nodes_with_a_small_mistake_are_invalid_on_nearly_all_seeds() {
    let cases = cases();
    let count = |case: &Case| {
        (0..SEEDS)
            .into_par_iter()
            .filter(|it| case.is_found(*it))
            .count()
    };
    let found: Vec<usize> = cases.par_iter().map(count).collect();
    let mut table = Vec::new();
    let mut missed = Vec::new();
    for (case, found) in cases.iter().zip(found) {
        let times = format!("{found} of {SEEDS}");
        let why = case
            .why_missed
            .map(|why| format!(": {why}"))
            .unwrap_or_default();
        table.push(row(case.mistake, case.flags, &format!("{times}{why}")));
        if found < MIN_FOUND && case.why_missed.is_none() {
            missed.push(row(case.mistake, case.flags, &times));
        }
    }
    print!("{}", table.concat());
    assert!(
        missed.is_empty(),
        "not found often enough:\n{}",
        missed.concat()
    );
    // On the virtual clock the result is the same every time.
    table.retain(|row| !TABLE.contains(row));
    assert!(
        table.is_empty(),
        "not in docs/sharpness.md:\n{}",
        table.concat()
    );
}

#[test]
fn nodes_without_their_mistake_are_valid_on_all_seeds() {
    let cases = cases();
    let invalid: Vec<String> = cases
        .par_iter()
        .flat_map_iter(|case| (0..SEEDS).map(move |seed| (case, seed)))
        .filter_map(|(case, seed)| {
            let verdict = case.run(false, seed);
            let findings = verdict.sentences().join("; ");
            let row = row(
                case.mistake,
                case.flags,
                &format!("seed {seed}: {findings}"),
            );
            (verdict.validity() != Validity::Valid).then_some(row)
        })
        .collect();
    assert!(
        invalid.is_empty(),
        "invalid though correct:\n{}",
        invalid.concat()
    );
}

#[test]
fn races_of_threads_are_found_live_and_a_lock_prevents_them() {
    if !live::has_python() {
        return;
    }
    let (mut table, mut failures) = (String::new(), Vec::new());
    let [wrong, right] = [true, false].map(live::run_all);
    for ((race, wrong), right) in RACES.iter().zip(wrong).zip(right) {
        let times = wrong.iter().filter(|code| **code == Some(1)).count();
        table += &row(race.mistake, race.flags, &format!("{times} of {RUNS}"));
        if times < RUNS || right != [Some(0); RUNS] {
            failures.push(row(
                race.mistake,
                race.flags,
                &format!("{wrong:?}, with a lock {right:?}"),
            ));
        }
    }
    print!("{table}");
    assert!(failures.is_empty(), "{}", failures.concat());
}
