//! The kafka checker's result maps, as far as they do not depend on the order of a hash table.

use checkers::{CheckerResult as _, Validity, WorkloadResult};
use history::edn::{Edn, compact, get, number};

use super::case::cases_of;

/// A recorded result of the checker, and ours.
struct Pair {
    name: String,
    recorded: Edn,
    ours: WorkloadResult,
}

/// All recordings of the workload, judged.
fn pairs() -> Vec<Pair> {
    let judge = |case: super::case::Recording| Pair {
        recorded: get(&case.results(), &["workload"]).unwrap().clone(),
        ours: case.judge_workload(&case.history()),
        name: case.name,
    };
    cases_of(&["kafka"]).into_iter().map(judge).collect()
}

/// The pairs with a known verdict.
fn known_pairs() -> Vec<Pair> {
    let mut pairs = pairs();
    pairs.retain(|pair| pair.ours.validity() != Validity::Unknown);
    pairs
}

/// Error types with their counts. Which cases are listed, and in which order, depends on a hash
/// table.
fn error_counts(workload: &Edn) -> String {
    let Some(Edn::List(types)) = get(workload, &["error-types"]) else {
        panic!("no error types in {}", compact(workload))
    };
    let counts = types.iter().map(|name| {
        let Edn::Key(word) = name else {
            panic!("no name: {name}")
        };
        let entry = get(workload, &[word.as_ref()]).unwrap();
        format!(
            "{word} {}\n",
            compact(get(entry, &["count"]).unwrap_or(entry))
        )
    });
    counts.collect()
}

#[test]
fn verdicts_and_error_types_are_the_recorded_ones() {
    for Pair {
        name,
        recorded,
        ours,
    } in pairs()
    {
        let assert_same = |key: &'static str| {
            let value = |results| get(results, &[key]).map(compact);
            assert_eq!(value(&ours.to_edn()), value(&recorded), "{name}: {key}");
        };
        assert_same("valid?");
        assert_same("bad-error-types");
        assert_same("error-types");
        assert_same("info-txn-causes");
        let has_findings = !ours.sentences().is_empty();
        assert_eq!(has_findings, ours.validity() != Validity::Valid, "{name}");
    }
}

#[test]
fn every_error_has_the_recorded_number_of_cases() {
    for case in known_pairs() {
        let ours = case.ours.to_edn();
        assert_eq!(
            error_counts(&ours),
            error_counts(&case.recorded),
            "{}",
            case.name
        );
    }
}

#[test]
fn the_worst_lag_is_the_recorded_one() {
    for case in known_pairs() {
        let ours = case.ours.to_edn();
        let value =
            |results: &Edn, key| get(results, &["worst-realtime-lag", key]).cloned().unwrap();
        for key in ["process", "key"] {
            assert_eq!(
                value(&ours, key),
                value(&case.recorded, key),
                "{}: {key}",
                case.name
            );
        }
        for key in ["time", "lag"] {
            let number = |results| number(&value(results, key)).unwrap();
            let apart = (number(&ours) - number(&case.recorded)).abs();
            assert!(apart < 1e-9, "{}: {key} is {apart} off", case.name);
        }
    }
}

#[test]
fn the_extreme_cases_have_the_recorded_deltas() {
    for case in known_pairs() {
        let ours = case.ours.to_edn();
        let deltas = |results: &Edn, name: &'static str| {
            let Some(Edn::List(cases)) = get(results, &[name, "errs"]) else {
                return Vec::new();
            };
            let deltas = cases
                .iter()
                .filter_map(|case| get(case, &["delta"]).cloned());
            deltas.collect()
        };
        for name in [
            "int-nonmonotonic-poll",
            "int-poll-skip",
            "nonmonotonic-poll",
            "nonmonotonic-send",
            "poll-skip",
        ] {
            let recorded = deltas(&case.recorded, name);
            assert_eq!(deltas(&ours, name), recorded, "{}: {name}", case.name);
        }
    }
}

#[test]
fn cases_have_the_recorded_keys() {
    for case in known_pairs() {
        let ours = case.ours.to_edn();
        // The keys of the first case of each error.
        let keys = |results: &Edn, name| {
            let cases = get(results, &[name, "errs"]);
            let (Some(Edn::List(cases)), Edn::Map(_)) = (cases, results) else {
                return String::new();
            };
            let Edn::Map(first) = &cases[0] else {
                panic!("no map: {}", cases[0])
            };
            first.keys().map(compact).collect::<Vec<_>>().join(" ")
        };
        for name in [
            "duplicate",
            "inconsistent-offsets",
            "int-nonmonotonic-poll",
            "int-poll-skip",
            "lost-write",
            "nonmonotonic-poll",
            "nonmonotonic-send",
            "poll-skip",
        ] {
            assert_eq!(
                keys(&ours, name),
                keys(&case.recorded, name),
                "{}: {name}",
                case.name
            );
        }
    }
}
