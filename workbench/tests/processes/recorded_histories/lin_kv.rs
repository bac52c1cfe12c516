//! The checker of linearizable registers: which keys fail, and where.

use checkers::{CheckerResult as _, Validity};
use history::edn::{Edn, compact, get};

use super::case::cases_of;

#[test]
fn the_keys_that_fail_are_the_recorded_ones() {
    for case in cases_of(&["lin-kv"]) {
        let recorded = case.results();
        let ours = case.judge_workload(&case.history());
        let failures =
            |results: &Edn, path: &[&'static str]| get(results, path).map(compact).unwrap();
        assert_eq!(
            failures(&ours.to_edn(), &["failures"]),
            failures(&recorded, &["workload", "failures"]),
            "{}",
            case.name
        );
        assert_eq!(
            ours.sentences().is_empty(),
            ours.validity() == Validity::Valid,
            "{}",
            case.name
        );
    }
}

#[test]
fn the_operation_that_does_not_fit_is_the_recorded_one() {
    for case in cases_of(&["lin-kv"]) {
        let recorded = case.results();
        let ours = case.judge_workload(&case.history()).to_edn();
        let keys = |results: &Edn, path: &[&'static str]| match get(results, path) {
            Some(Edn::Map(keys)) => keys.clone(),
            other => panic!("{}: no keys: {other:?}", case.name),
        };
        let (ours, recorded) = (
            keys(&ours, &["results"]),
            keys(&recorded, &["workload", "results"]),
        );
        assert!(ours.keys().eq(recorded.keys()), "{}", case.name);
        for (key, result) in &ours {
            let value = |result: &Edn, field| get(result, &["linearizable", field]).map(compact);
            for field in ["valid?", "op", "previous-ok"] {
                assert_eq!(
                    value(result, field),
                    value(&recorded[key], field),
                    "{}, key {key}: {field}",
                    case.name
                );
            }
        }
    }
}
