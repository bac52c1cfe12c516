//! Compares the verdicts on transactions with Elle's: on each run, and on the same history for each
//! of 27 consistency models.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use checkers::{CheckerResult as _, Validity, WorkloadResult};
use history::edn::{Edn, get};
use serde::Deserialize;
use serde_json::Value;

use super::case::{Recording, cases_of, validity};

/// Elle's verdict on a history and a model.
#[derive(Deserialize)]
struct Recorded {
    valid: Value,
    types: BTreeSet<String>,
    not: Option<BTreeSet<String>>,
    #[serde(rename = "also-not")]
    also_not: Option<BTreeSet<String>>,
}

fn cases() -> Vec<Recording> {
    cases_of(&["txn-rw-register", "txn-list-append"])
}

impl Recording {
    /// The names in a list of `case.json`.
    fn names(&self, field: &str) -> BTreeSet<String> {
        let names = self.expected[field].as_array().unwrap().iter();
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
fn keywords(verdict: &WorkloadResult, name: &'static str) -> BTreeSet<String> {
    let word = |edn: &Edn| match edn {
        Edn::Key(name) => name.to_string(),
        other => panic!("{other:?} is no keyword"),
    };
    match get(&verdict.to_edn(), &[name]) {
        Some(Edn::List(keywords)) => keywords.iter().map(word).collect(),
        Some(Edn::Set(keywords)) => keywords.iter().map(word).collect(),
        None => BTreeSet::new(),
        other => panic!(":{name} is {other:?}"),
    }
}

/// Whether Elle reports this anomaly or a special case of it. Once Elle has found a special case,
/// it does not search for the general one; we do.
fn is_implied(ours: &str, recorded: &BTreeSet<String>) -> bool {
    const ORDERS: [&str; 3] = ["", "-process", "-realtime"];
    const FAMILIES: [&[&str]; 2] = [
        &["G0", "G1c"],
        &["G-single-item", "G-nonadjacent-item", "G2-item"],
    ];
    let special_cases = FAMILIES.iter().flat_map(|families| {
        let named = |family: &str, order: &str| ours == format!("{family}{order}");
        let position = (0..families.len()).find_map(|family| {
            let order = ORDERS
                .iter()
                .position(|order| named(families[family], order));
            Some((family, order?))
        });
        let special = position.map(|(family, order)| {
            let families = families[..=family].iter();
            families.flat_map(move |it| ORDERS[..=order].iter().map(move |to| format!("{it}{to}")))
        });
        special.into_iter().flatten()
    });
    recorded.contains(ours) || special_cases.into_iter().any(|it| recorded.contains(&it))
}

/// Asserts Elle's verdict, and all anomalies that its answers have in common. Others are allowed
/// only if an answer implies them, or if Elle's search timed out, which ours never does.
fn check(name: &str, verdict: &WorkloadResult, valid: Validity, answers: &[&BTreeSet<String>]) {
    assert_eq!(
        verdict.validity(),
        valid,
        "{name}: {:?}",
        verdict.sentences()
    );
    let ours = keywords(verdict, "anomaly-types");
    let timed_out = |types: &&&BTreeSet<String>| types.contains(TIMEOUT);
    let any: BTreeSet<_> = answers.iter().copied().flatten().cloned().collect();
    if answers.iter().find(timed_out).is_none() {
        let is_implied = ours.iter().all(|it| is_implied(it, &any));
        assert!(is_implied, "{name}: {ours:?}, and not {any:?}");
    }
    let is_common = |it: &&String| answers.iter().all(|types| types.contains(*it));
    let common = any.iter().filter(is_common).filter(|it| *it != TIMEOUT);
    let missed: Vec<_> = common.filter(|it| !ours.contains(*it)).collect();
    assert!(missed.is_empty(), "{name}: {ours:?} lacks {missed:?}");
    assert_eq!(
        verdict.sentences().is_empty(),
        valid == Validity::Valid,
        "{name}"
    );
}

const TIMEOUT: &str = "cycle-search-timeout";

#[test]
fn the_verdict_on_each_run_is_the_recorded_one() {
    for case in cases() {
        let verdict = case.judge_workload(&case.history());
        let valid = case.validity("workload_valid");
        // Elle has judged the same history and model twice, and may have found other cycles the
        // second time.
        let models = case.expected["consistency_models"].as_array().unwrap();
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
            let (ours, run) = (
                keywords(&verdict, name),
                case.names(&name.replace('-', "_")),
            );
            assert!(
                ours == run || Some(&ours) == again,
                "{}: {ours:?}",
                case.name
            );
        }
    }
}

/// Asserts the recorded verdict for every model of a recording. Returns for how many models our
/// anomaly types are the recorded ones, and the number of models.
pub fn check_models(case: &Recording) -> (usize, usize) {
    let (models, history) = (case.by_model(), case.history());
    assert_eq!(models.len(), 27, "{}", case.name);
    let mut same = 0;
    for (model, recorded) in &models {
        let name = format!("{}, {model}", case.name);
        let verdict = case.judge_transactions(&history, &model.parse().unwrap());
        let is_timeout = recorded.types.iter().eq([TIMEOUT]);
        let valid = if is_timeout {
            Validity::Valid
        } else {
            validity(&recorded.valid)
        };
        check(&name, &verdict, valid, &[&recorded.types]);
        // If its search timed out, Elle lists more models although the verdict is valid.
        if verdict.validity() == Validity::Invalid
            && let (Some(not), Some(also_not)) = (&recorded.not, &recorded.also_not)
        {
            assert_eq!(&keywords(&verdict, "not"), not, "{name}");
            assert_eq!(&keywords(&verdict, "also-not"), also_not, "{name}");
        }
        same += usize::from(keywords(&verdict, "anomaly-types") == recorded.types);
    }
    (same, models.len())
}
