//! A history in any notation, checked as any workload, with its story and its report page.

use std::time::Duration;

use checkers::{Assumptions, CheckerResult as _, Target, Unjudged, Verdict};
use history::{History, edn};
use pages::hosts::Hosts;
use pages::page::Subject;
use serde_json::json;
use simulator::options::Options;
use simulator::run::Record;
use simulator::workload::{Name, workload};

use crate::bytes::Bytes;

const MODELS: [&str; 8] = [
    "strict-serializable",
    "serializable",
    "snapshot-isolation",
    "read-committed",
    "read-uncommitted",
    "strong-session-serializable",
    "repeatable-read,causal",
    "no-such-model",
];

/// The first byte is the workload, the second the options, the rest the text of the history.
pub(crate) fn drive(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let name = bytes.pick(&Name::ALL);
    let choice = bytes.byte();
    let history = match History::read(bytes.rest()) {
        Ok(history) => history,
        Err(error) => {
            let error = format!("{error:#}");
            assert!(error.starts_with("history: "), "{error}");
            return;
        }
    };
    let verdict = judge(name, choice, &history);
    let results = edn::compact(&verdict.to_edn());
    edn::read(&results).unwrap_or_else(|error| panic!("{error:#} in {results}"));
    edn::to_json(&verdict.to_edn());
    verdict.sentences();
    render(name, history, &verdict);
}

fn judge(name: Name, choice: u8, history: &History) -> Verdict {
    let availability = match choice & 3 {
        0 => None,
        1 => Some(Target::Total),
        2 => Some(Target::AtLeast(0.0)),
        _ => Some(Target::AtLeast(0.99)),
    };
    let models = MODELS[usize::from(choice >> 2 & 7)];
    let checked = match models.parse() {
        Err(unknown) => Unjudged::new(unknown).into(),
        Ok(models) if name == Name::TxnRwRegister && choice & 32 != 0 => {
            let assumptions = Assumptions {
                wfr_keys: choice & 64 != 0,
                sequential_keys: choice & 128 != 0,
                linearizable_keys: choice & 4 != 0,
            };
            checkers::rw_register(history, &models, assumptions).into()
        }
        Ok(models) => {
            let options = Options {
                consistency_models: models,
                ..Options::default()
            };
            workload(name, &options).check(history)
        }
    };
    let verdict = Verdict::judge(history, checked, availability, None);
    match choice & 32 != 0 && name != Name::TxnRwRegister {
        true => verdict.of_prefix(history),
        false => verdict,
    }
}

/// Renders the report page, as `workbench check --report` does.
fn render(name: Name, history: History, verdict: &Verdict) {
    let echo = workload(Name::Echo, &Options::default());
    let settings = Options::default().settings(&*echo, 1);
    let mut settings = settings.expect("the defaults fit echo");
    settings.time_limit = Duration::from_nanos(history.ops.last().map_or(0, |op| op.time));
    let record = Record {
        history,
        zero: Some(Duration::ZERO),
        ..Record::default()
    };
    let subject = Subject {
        title: name.name(),
        command: "workbench check",
        stage: Subject::KEPT,
        facts: &json!({"workload": name.name()}),
        settings: &settings,
        record: &record,
        verdict: Some(verdict),
        budgets: &[],
        hosts: &Hosts::default(),
    };
    subject.page().expect("every history has a page");
}
