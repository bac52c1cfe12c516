//! The checker of registers: the verdict on each run, and the one that Elle gives on the same history
//! for each of 27 consistency models.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use clojure_reader::edn::Edn;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Deserialize;
use serde_json::Value;
use workbench::checker::{Validity, Verdict, rw_register};
use workbench::edn::get;

use crate::case::{Case, cases_of, validity};

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
    cases_of(&["txn-rw-register"])
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
fn words(verdict: &Verdict, name: &'static str) -> BTreeSet<String> {
    let word = |edn: &Edn<'_>| match edn {
        Edn::Key(name) => name.to_string(),
        other => panic!("{other:?} is no keyword"),
    };
    match get(&verdict.results, &[name]) {
        Some(Edn::List(words)) => words.iter().map(word).collect(),
        Some(Edn::Set(words)) => words.iter().map(word).collect(),
        None => BTreeSet::new(),
        other => panic!(":{name} is {other:?}"),
    }
}

/// Whether Elle's anomaly is one that we report, or one that an anomaly which we report is a case
/// of. Elle looks for the special case first, too, but in a component with several cycles it may
/// settle on one that it then tells as something else, and go on to the general one.
fn is_covered(recorded: &str, ours: &BTreeSet<String>) -> bool {
    let special_cases: &[&str] = match recorded {
        "G-nonadjacent-item-realtime" => &["G-single-item-realtime"],
        "G2-item-realtime" => &["G-single-item-realtime", "G-nonadjacent-item-realtime"],
        _ => &[],
    };
    let has = |anomaly: &str| ours.contains(anomaly);
    has(recorded) || special_cases.iter().copied().any(has)
}

/// Demands Elle's answer, and nothing that Elle has not found.
fn check(told: &str, verdict: &Verdict, valid: Validity, types: &BTreeSet<String>) {
    assert_eq!(verdict.valid, valid, "{told}: {:?}", verdict.findings);
    let ours = words(verdict, "anomaly-types");
    assert!(ours.is_subset(types), "{told}: {ours:?}, and not {types:?}");
    let missed: Vec<_> = types.iter().filter(|it| !is_covered(it, &ours)).collect();
    assert!(missed.is_empty(), "{told}: {ours:?} lacks {missed:?}");
    assert_eq!(
        verdict.findings.is_empty(),
        valid == Validity::Valid,
        "{told}"
    );
}

#[test]
fn the_verdict_on_each_run_is_the_recorded_one() {
    for case in cases() {
        let verdict = case.judge_workload(&case.history());
        let valid = case.validity("workload_valid");
        check(&case.name, &verdict, valid, &case.names("anomaly_types"));
        assert_eq!(words(&verdict, "not"), case.names("not"), "{}", case.name);
        let also_not = case.names("also_not");
        assert_eq!(words(&verdict, "also-not"), also_not, "{}", case.name);
    }
}

#[test]
fn every_model_has_the_recorded_verdict() {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header([
        "recording",
        "models",
        "valid",
        "invalid",
        "unknown",
        "same types",
    ]);
    for case in cases() {
        let (models, history) = (case.by_model(), case.history());
        assert_eq!(models.len(), 27, "{}", case.name);
        let mut verdicts: BTreeMap<Validity, usize> = BTreeMap::new();
        let mut same = 0;
        for (model, recorded) in &models {
            let told = format!("{}, {model}", case.name);
            let verdict = rw_register(&history, &model.parse().unwrap());
            let is_timeout = recorded.types.iter().eq(["cycle-search-timeout"]);
            let valid = if is_timeout {
                Validity::Valid
            } else {
                validity(&recorded.valid)
            };
            check(&told, &verdict, valid, &recorded.types);
            // Where a search gave up, Elle says more than that all is well.
            if verdict.valid == Validity::Invalid
                && let (Some(not), Some(also_not)) = (&recorded.not, &recorded.also_not)
            {
                assert_eq!(&words(&verdict, "not"), not, "{told}");
                assert_eq!(&words(&verdict, "also-not"), also_not, "{told}");
            }
            *verdicts.entry(verdict.valid).or_default() += 1;
            same += usize::from(words(&verdict, "anomaly-types") == recorded.types);
        }
        let count = |valid| verdicts.get(&valid).copied().unwrap_or_default();
        let counts = [
            models.len(),
            count(Validity::Valid),
            count(Validity::Invalid),
            count(Validity::Unknown),
            same,
        ];
        let counts = counts.map(|count| count.to_string());
        table.add_row([&case.name].into_iter().chain(&counts));
    }
    println!("{}", table.trim_fmt());
}
