//! The kafka checker against a naive twin, which is written for clarity alone, on small random
//! histories: some of them sane, some of a service that does everything wrong now and then.

mod naive;
mod order;
mod storm;

use std::collections::BTreeMap;

use checkers::{CheckerResult as _, LogsResult, Unjudged, Validity, kafka};
use history::History;
use history::edn::{self, Edn, compact, get};

use naive::Judgement;
use storm::{Temper, history};

const SEEDS: u64 = 6_000;

/// What the twin says, in our results' terms.
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

/// Whether this is the name of an error of order: they differ in how they are shown.
fn is_order(name: &Edn) -> bool {
    let is = |name: &str| name.starts_with("G1c") || name.ends_with("-cycle-exists");
    matches!(name, Edn::Key(name) if is(name))
}

/// Our results without the cases, and with one name for all errors of order.
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

/// Compares the two on many histories; how often each error was found, `valid` and `unknown` too.
fn compare(temper: Temper) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    let mut note = |name: &str| *seen.entry(name.to_owned()).or_insert(0) += 1;
    for seed in 0..SEEDS {
        let history = history(seed, temper);
        let verdict = kafka(&history);
        let told = || format!("{temper:?}, seed {seed}\n{}", text(&history));
        match naive::judge(&history) {
            Err(reason) => {
                assert_eq!(
                    verdict.validity(),
                    Validity::Unknown,
                    "{reason}: {}",
                    told()
                );
                note(reason);
            }
            Ok(judgement) => {
                let mut expected = expected(&judgement);
                edn::insert(&mut expected, "info-txn-causes", Edn::Nil);
                assert_eq!(compact(&found(&verdict)), compact(&expected), "{}", told());
                if judgement.is_valid() {
                    note("valid");
                }
                let counts = judgement.counts.iter();
                counts
                    .filter(|(_, count)| **count > 0)
                    .for_each(|(name, _)| note(name));
            }
        }
    }
    seen
}

#[test]
fn a_sane_service_is_valid_or_has_not_been_read_to_the_end() {
    let mut seen = compare(Temper::Sane);
    // A history may be so short that nothing happens in it.
    seen.remove("empty-transaction-graph");
    let names: Vec<&str> = seen.keys().map(String::as_str).collect();
    assert_eq!(names, ["unseen", "valid"], "{seen:?}");
    assert!(seen.values().all(|count| *count > 300), "{seen:?}");
}

#[test]
fn the_naive_twin_finds_the_same_errors_where_something_goes_wrong_now_and_then() {
    let seen = compare(Temper::Odd);
    assert!(seen["valid"] > 100, "{seen:?}");
}

#[test]
fn the_naive_twin_finds_the_same_errors_in_a_mess() {
    let seen = compare(Temper::Mad);
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
        "nobody sent it",
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
