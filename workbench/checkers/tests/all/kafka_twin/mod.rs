//! The kafka checker against a naive twin, which is written for clarity only, on small random
//! histories of a correct service and of two faulty ones.

mod naive;
mod order;
mod service;

use std::collections::BTreeMap;

use checkers::{CheckerResult as _, LogsResult, Unjudged, Validity, kafka};
use history::History;
use history::edn::{self, Edn, compact, get};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use naive::Judgement;
pub use service::Faults;
use service::history;

const SEEDS: u64 = 6_000;

/// The twin's results in the form of a result map.
fn expected(judgement: &Judgement) -> Edn {
    let counts = &judgement.counts;
    let names = || counts.iter().filter(|(_, count)| **count > 0);
    let bad = names().filter(|(name, _)| **name != "int-send-skip");
    let word = |(name, _): (&&'static str, &usize)| edn::key(name);
    let mut results = edn::map([
        ("error-types", Edn::List(names().map(word).collect())),
        ("bad-error-types", Edn::List(bad.map(word).collect())),
        ("valid?", Validity::of(judgement.is_valid()).to_edn()),
    ]);
    for (name, count) in names().filter(|(name, _)| **name != "unseen") {
        edn::insert(&mut results, name, edn::count(*count));
    }
    let seconds = |nanoseconds: u64| edn::float(nanoseconds as f64 / 1e9);
    let lag = match &judgement.worst_lag {
        None => edn::map([("time", seconds(0)), ("lag", seconds(0))]),
        Some((begun, process, key, lag)) => edn::map([
            ("time", seconds(*begun)),
            ("process", edn::integer(*process)),
            ("key", edn::text(key)),
            ("lag", seconds(*lag)),
        ]),
    };
    edn::insert(&mut results, "worst-realtime-lag", lag);
    if !judgement.unseen.is_empty() {
        let unseen = judgement.unseen.iter();
        let unseen = unseen.map(|(key, values)| (edn::text(key), edn::count(values.len())));
        edn::insert(&mut results, "unseen", Edn::Map(unseen.collect()));
    }
    results
}

/// Whether this is the name of an error of order, which the twin counts as one.
fn is_order(name: &Edn) -> bool {
    let is = |name: &str| name.starts_with("G1c") || name.ends_with("-cycle-exists");
    matches!(name, Edn::Key(name) if is(name))
}

/// The checker's results without cases, and with one name for all errors of order.
fn found(verdict: &Result<LogsResult, Unjudged>) -> Edn {
    let Edn::Map(results) = &verdict.to_edn() else {
        panic!("results are no map")
    };
    let entries = results.iter().map(|(key, entry)| {
        if is_order(key) {
            return (edn::key("disorder"), Edn::Int(1));
        }
        if *key == edn::key("empty-transaction-graph") {
            return (key.clone(), Edn::Int(1));
        }
        let short = get(entry, &["count"]).or_else(|| get(entry, &["unseen"]));
        let mut short = short.unwrap_or(entry).clone();
        if let Edn::List(names) = &mut short {
            let order = names.iter().any(is_order).then(|| edn::key("disorder"));
            names.retain(|name| !is_order(name));
            names.extend(order);
            names.sort();
        }
        (key.clone(), short)
    });
    let mut found = Edn::Map(entries.collect());
    edn::insert(&mut found, "info-txn-causes", Edn::Nil);
    found
}

fn text(history: &History) -> String {
    let mut text = Vec::new();
    history.write_edn(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// Compares the two on many histories. Returns the number of times each error was found, and each
/// verdict.
fn compare_many(faults: Faults) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    for seed in 0..SEEDS {
        for name in compare_random(&mut ChaCha8Rng::seed_from_u64(seed), faults) {
            *seen.entry(name).or_insert(0) += 1;
        }
    }
    seen
}

/// Asserts that the checker and its twin agree on a random history. Returns the errors and the verdict.
pub fn compare_random(rng: &mut dyn Rng, faults: Faults) -> Vec<String> {
    let history = history(rng, faults);
    let verdict = kafka(&history);
    let context = || format!("{faults:?}\n{}", text(&history));
    let judgement = match naive::judge(&history) {
        Ok(judgement) => judgement,
        Err(reason) => {
            let validity = verdict.validity();
            assert_eq!(validity, Validity::Unknown, "{reason}: {}", context());
            return vec![reason.to_owned()];
        }
    };
    let mut expected = expected(&judgement);
    edn::insert(&mut expected, "info-txn-causes", Edn::Nil);
    let found = compact(&found(&verdict));
    assert_eq!(found, compact(&expected), "{}", context());
    let counts = judgement.counts.iter().filter(|(_, count)| **count > 0);
    let names = counts.map(|(name, _)| (*name).to_owned());
    let valid = judgement.is_valid().then(|| "valid".to_owned());
    names.chain(valid).collect()
}

#[test]
fn a_correct_service_is_valid_or_has_unseen_messages() {
    let mut seen = compare_many(Faults::None);
    // A history may be so short that it has no order.
    seen.remove("empty-transaction-graph");
    let names: Vec<&str> = seen.keys().map(String::as_str).collect();
    assert_eq!(names, ["unseen", "valid"], "{seen:?}");
    assert!(seen.values().all(|count| *count > 300), "{seen:?}");
}

#[test]
fn the_naive_twin_finds_the_same_errors_with_rare_faults() {
    let seen = compare_many(Faults::Rare);
    assert!(seen["valid"] > 100, "{seen:?}");
}

#[test]
fn the_naive_twin_finds_the_same_errors_with_frequent_faults() {
    let seen = compare_many(Faults::Frequent);
    let expected = [
        "G1a",
        "disorder",
        "duplicate",
        "empty-transaction-graph",
        "inconsistent-offsets",
        "int-nonmonotonic-poll",
        "int-nonmonotonic-send",
        "int-poll-skip",
        "int-send-skip",
        "lost-write",
        "malformed",
        "never sent",
        "nonmonotonic-poll",
        "nonmonotonic-send",
        "only empty lists",
        "poll-skip",
        "precommitted-read",
        "unseen",
    ];
    for name in expected {
        assert!(seen.get(name) > Some(&50), "{name}: {seen:?}");
    }
}
