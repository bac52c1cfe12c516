//! The checkers of transactions: the verdict on each run, and the one that Elle gives on the same
//! history for each of 27 consistency models.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use checkers::{CheckerResult as _, Validity, WorkloadResult};
use history::edn::{Edn, get};
use serde::Deserialize;
use serde_json::Value;

use super::case::{Case, cases_of, validity};

/// What Elle says of a history and a model.
#[derive(Deserialize)]
struct Recorded {
    valid: Value,
    types: BTreeSet<String>,
    not: Option<BTreeSet<String>>,
    #[serde(rename = "also-not")]
    also_not: Option<BTreeSet<String>>,
}

fn cases() -> Vec<Case> {
    cases_of(&["txn-rw-register", "txn-list-append"])
}

impl Case {
    /// The names in a list of `case.json`.
    fn names(&self, field: &str) -> BTreeSet<String> {
        let names = self.told[field].as_array().unwrap().iter();
        names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    }

    /// `models.json`.
    fn by_model(&self) -> BTreeMap<String, Recorded> {
        let text = fs::read(self.folder.join("models.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

/// The keywords in a list or a set of the results.
fn words(verdict: &WorkloadResult, name: &'static str) -> BTreeSet<String> {
    let word = |edn: &Edn| match edn {
        Edn::Key(name) => name.to_string(),
        other => panic!("{other:?} is no keyword"),
    };
    match get(&verdict.to_edn(), &[name]) {
        Some(Edn::List(words)) => words.iter().map(word).collect(),
        Some(Edn::Set(words)) => words.iter().map(word).collect(),
        None => BTreeSet::new(),
        other => panic!(":{name} is {other:?}"),
    }
}

/// Whether an anomaly is one that Elle reports, or one that an anomaly which it reports is a case
/// of: such a one Elle does not look for any more, and we do.
fn is_implied(ours: &str, recorded: &BTreeSet<String>) -> bool {
    const ORDERS: [&str; 3] = ["", "-process", "-realtime"];
    const FAMILIES: [&[&str]; 2] = [
        &["G0", "G1c"],
        &["G-single-item", "G-nonadjacent-item", "G2-item"],
    ];
    let special_cases = FAMILIES.iter().flat_map(|families| {
        let named = |family: &str, order: &str| ours == format!("{family}{order}");
        let place = (0..families.len()).find_map(|family| {
            let order = ORDERS
                .iter()
                .position(|order| named(families[family], order));
            Some((family, order?))
        });
        let special = place.map(|(family, order)| {
            let families = families[..=family].iter();
            families.flat_map(move |it| ORDERS[..=order].iter().map(move |to| format!("{it}{to}")))
        });
        special.into_iter().flatten()
    });
    recorded.contains(ours) || special_cases.into_iter().any(|it| recorded.contains(&it))
}

/// Demands Elle's verdict, and what all its answers have in common; nothing that none of them has
/// or implies, unless the search gave up, which ours never does.
fn check(told: &str, verdict: &WorkloadResult, valid: Validity, answers: &[&BTreeSet<String>]) {
    assert_eq!(
        verdict.validity(),
        valid,
        "{told}: {:?}",
        verdict.sentences()
    );
    let ours = words(verdict, "anomaly-types");
    let gave_up = |types: &&&BTreeSet<String>| types.contains(TIMEOUT);
    let any: BTreeSet<_> = answers.iter().copied().flatten().cloned().collect();
    if answers.iter().find(gave_up).is_none() {
        let is_implied = ours.iter().all(|it| is_implied(it, &any));
        assert!(is_implied, "{told}: {ours:?}, and not {any:?}");
    }
    let is_common = |it: &&String| answers.iter().all(|types| types.contains(*it));
    let common = any.iter().filter(is_common).filter(|it| *it != TIMEOUT);
    let missed: Vec<_> = common.filter(|it| !ours.contains(*it)).collect();
    assert!(missed.is_empty(), "{told}: {ours:?} lacks {missed:?}");
    assert_eq!(
        verdict.sentences().is_empty(),
        valid == Validity::Valid,
        "{told}"
    );
}

const TIMEOUT: &str = "cycle-search-timeout";

#[test]
fn the_verdict_on_each_run_is_the_recorded_one() {
    for case in cases() {
        let verdict = case.judge_workload(&case.history());
        let valid = case.validity("workload_valid");
        // Elle was asked about the same history and model once more, and may have found other
        // cycles then.
        let models = case.told["consistency_models"].as_array().unwrap();
        let again = case.by_model().remove(models[0].as_str().unwrap());
        let (run, again) = (case.names("anomaly_types"), again.as_ref());
        let answers: Vec<_> = [&run]
            .into_iter()
            .chain(again.map(|it| &it.types))
            .collect();
        check(&case.name, &verdict, valid, &answers);
        for (name, again) in [
            ("not", again.and_then(|it| it.not.as_ref())),
            ("also-not", again.and_then(|it| it.also_not.as_ref())),
        ] {
            let (ours, run) = (words(&verdict, name), case.names(&name.replace('-', "_")));
            assert!(
                ours == run || Some(&ours) == again,
                "{}: {ours:?}",
                case.name
            );
        }
    }
}

/// Demands the recorded verdict for every model of a recording; for how many of them our types are
/// the recorded ones, too, and how many there are.
pub fn check_models(case: &Case) -> (usize, usize) {
    let (models, history) = (case.by_model(), case.history());
    assert_eq!(models.len(), 27, "{}", case.name);
    let mut same = 0;
    for (model, recorded) in &models {
        let told = format!("{}, {model}", case.name);
        let verdict = case.judge_transactions(&history, &model.parse().unwrap());
        let is_timeout = recorded.types.iter().eq([TIMEOUT]);
        let valid = if is_timeout {
            Validity::Valid
        } else {
            validity(&recorded.valid)
        };
        check(&told, &verdict, valid, &[&recorded.types]);
        // Where a search gave up, Elle says more than that all is well.
        if verdict.validity() == Validity::Invalid
            && let (Some(not), Some(also_not)) = (&recorded.not, &recorded.also_not)
        {
            assert_eq!(&words(&verdict, "not"), not, "{told}");
            assert_eq!(&words(&verdict, "also-not"), also_not, "{told}");
        }
        same += usize::from(words(&verdict, "anomaly-types") == recorded.types);
    }
    (same, models.len())
}
