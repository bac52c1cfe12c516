//! Compares the checkers' verdicts with Maelstrom's own, on histories recorded from Maelstrom.
//!
//! The recordings are not part of this repository but expected in `shared/histories` beside it;
//! without them the tests are skipped.

mod agreement;
mod case;
mod kafka;
mod lin_kv;
mod transactions;

use checkers::{CheckerResult as _, Validity, Verdict};
use history::History;
use history::edn::{self, Edn, compact, get, number};

use case::{cases, cases_of};

/// Results as text, without the record tag of operations.
fn without_tags(edn: &Edn) -> String {
    compact(edn).replace("#jepsen.history.Op ", "")
}

const SETS: [&str; 2] = ["broadcast", "g-set"];
const COUNTERS: [&str; 2] = ["g-counter", "pn-counter"];

#[test]
fn every_checker_gives_the_recorded_verdict() {
    for case in cases() {
        let history = case.history();
        let name = &case.name;
        let workload = case.judge_workload(&history);
        let verdict = Verdict::judge(&history, workload, case.target(), None);
        let stats = verdict.stats.as_ref().unwrap();
        for (what, validity) in [
            ("workload_valid", verdict.workload.validity()),
            ("stats_valid", stats.validity()),
            ("availability_valid", verdict.availability.validity()),
            ("valid", verdict.validity()),
        ] {
            if what == "valid" || case.has(what) {
                assert_eq!(validity, case.validity(what), "{name}: {what}");
            }
        }
        if verdict.validity() != Validity::Valid {
            assert!(!verdict.findings().is_empty(), "{name}: no finding");
        }
    }
}

#[test]
fn every_count_is_the_recorded_one() {
    for case in cases() {
        let verdict = case.judge_workload(&case.history());
        if case.validity("workload_valid") == Validity::Unknown && case.workload() == "unique-ids" {
            continue;
        }
        for name in [
            "attempt_count",
            "stable_count",
            "lost_count",
            "never_read_count",
            "stale_count",
            "duplicated_count",
            "attempted_count",
        ] {
            case.assert_count(name, &verdict.to_edn());
        }
        if let Some(errors) = case.expected["errors"].as_u64() {
            let found = match get(&verdict.to_edn(), &["errors"]) {
                Some(Edn::List(found)) => found.len() as u64,
                Some(Edn::Nil) => 0,
                other => panic!("{}: errors are no list: {other:?}", case.name),
            };
            assert_eq!(found, errors, "{}: errors", case.name);
        }
    }
}

#[test]
fn stats_of_all_workloads_are_the_recorded_ones() {
    for case in cases() {
        let results = case.results();
        // Where a checker crashed there are no partial results.
        let Some(recorded) = get(&results, &["stats"]) else {
            continue;
        };
        let history = case.history();
        assert_eq!(
            without_tags(&checkers::stats(&history).to_edn()),
            without_tags(recorded),
            "{}",
            case.name
        );
    }
}

#[test]
fn the_ok_fraction_of_all_workloads_is_the_recorded_one() {
    for case in cases() {
        let results = case.results();
        let Some(recorded) = get(&results, &["availability"]) else {
            continue;
        };
        let ours = checkers::availability(&case.history(), case.target()).to_edn();
        // Java may print more digits than a 32-bit float needs.
        let fraction = |edn| get(edn, &["ok-fraction"]).and_then(number).unwrap() as f32;
        assert_eq!(fraction(&ours), fraction(recorded), "{}", case.name);
        assert_eq!(
            get(&ours, &["valid?"]),
            get(recorded, &["valid?"]),
            "{}",
            case.name
        );
    }
}

#[test]
fn exceptions_of_all_workloads_have_the_recorded_count() {
    for case in cases() {
        let results = case.results();
        let count = |results: &Edn| match get(results, &["exceptions"]) {
            Some(Edn::List(classes)) => classes
                .iter()
                .filter_map(|class| get(class, &["count"]).and_then(number))
                .sum(),
            _ => 0.0,
        };
        let Some(recorded) = get(&results, &["exceptions"]) else {
            continue;
        };
        let ours = checkers::exceptions(&case.history()).to_edn();
        assert_eq!(count(&ours), count(recorded), "{}", case.name);
    }
}

#[test]
fn sets_have_the_recorded_elements_latencies_and_worst_cases() {
    for case in cases_of(&SETS) {
        let results = case.results();
        let recorded = get(&results, &["workload"]).unwrap();
        let ours = case.judge_workload(&case.history()).to_edn();
        assert_eq!(without_tags(&ours), without_tags(recorded), "{}", case.name);
    }
}

#[test]
fn counters_have_the_recorded_reads_ranges_and_errors() {
    for case in cases_of(&COUNTERS) {
        let results = case.results();
        let recorded = get(&results, &["workload"]).unwrap();
        let ours = case.judge_workload(&case.history()).to_edn();
        assert_eq!(without_tags(&ours), without_tags(recorded), "{}", case.name);
    }
}

#[test]
fn echo_has_the_recorded_errors() {
    for case in cases_of(&["echo"]) {
        // The recorded order is that of a hash table.
        let errors = |results: &Edn, path: &[&'static str]| {
            let Some(Edn::List(errors)) = get(results, path) else {
                panic!("{}: errors are no list", case.name)
            };
            let mut errors = errors.clone();
            errors.sort();
            errors
        };
        let recorded = errors(&case.results(), &["workload", "errors"]);
        let ours = errors(&case.judge_workload(&case.history()).to_edn(), &["errors"]);
        assert_eq!(ours, recorded, "{}", case.name);
    }
}

#[test]
fn ids_have_the_recorded_range_and_counts() {
    for case in cases_of(&["unique-ids"]) {
        let results = case.results();
        let recorded = get(&results, &["workload"]).unwrap();
        let ours = case.judge_workload(&case.history()).to_edn();
        for key in [
            "attempted-count",
            "acknowledged-count",
            "duplicated-count",
            "range",
        ] {
            assert_eq!(
                get(&ours, &[key]),
                get(recorded, &[key]),
                "{}: {key}",
                case.name
            );
        }
    }
}

#[test]
fn every_history_is_written_as_it_was_recorded() {
    for case in cases() {
        let text = case.history_text();
        let mut written = Vec::new();
        case.history().write_edn(&mut written).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(
            written.lines().count(),
            text.lines().count(),
            "{}",
            case.name
        );
        for (ours, recorded) in written.lines().zip(text.lines()) {
            if ours != recorded {
                assert_eq!(known_fields(ours), known_fields(recorded), "{}", case.name);
            }
        }
    }
}

/// The fields of an operation that we write: neither the JVM's exceptions nor notes.
fn known_fields(op: &str) -> Edn {
    let mut op = edn::read(op).unwrap();
    let keys = [
        "index", "time", "type", "process", "f", "value", "error", "final?",
    ];
    if let Edn::Map(fields) = &mut op {
        fields.retain(|key, _| matches!(key, Edn::Key(name) if keys.contains(&name.as_ref())));
    }
    op
}

#[test]
fn every_history_survives_json_lines() {
    for case in cases() {
        let history = case.history();
        let (mut edn, mut json, mut again) = (Vec::new(), Vec::new(), Vec::new());
        history.write_edn(&mut edn).unwrap();
        history.write_json_lines(&mut json).unwrap();
        History::read_json(&*json)
            .unwrap()
            .write_edn(&mut again)
            .unwrap();
        assert!(edn == again, "{}", case.name);
    }
}

#[test]
fn every_result_survives_pretty_printing() {
    for case in cases() {
        let results = case.results();
        let printed = edn::pretty(&results);
        assert_eq!(edn::read(&printed).unwrap(), results, "{}", case.name);
        assert!(get(&results, &["valid?"]).is_some(), "{}", case.name);
    }
}
