//! A test that has been done, once or several times: for machines as JSON, and as an account.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::account::{Account, Case, Evidence, Fate};
use super::figures::Figures;
use super::{cut, evidence, summary};
use crate::outcome::Outcome;
use checkers::{CheckerResult as _, Validity};
use history::edn;

/// A test, what its runs came to, and what was measured in all of them.
#[derive(Debug, Clone)]
pub struct Tested {
    /// The challenge that it belongs to; nothing for a test with flags of somebody's own.
    pub challenge: Option<&'static str>,
    /// Which one of how many tests of the challenge it is, counted from 1.
    pub part: (usize, usize),
    /// The workload.
    pub workload: String,
    /// Its flags.
    pub flags: String,
    /// What was measured, where there are budgets.
    pub figures: Option<Figures>,
    /// Each run.
    pub endings: Vec<Ending>,
    /// The exit status for it.
    pub status: u8,
    /// The command that does all of it again.
    pub command: String,
}

/// How one run ended.
#[derive(Debug, Clone)]
pub struct Ending {
    /// The command that repeats it.
    pub command: String,
    /// What its rng started from; nothing where they were somebody else's.
    pub seed: Option<u64>,
    /// Where the nodes were: `live`, `simulated`, or `maelstrom`.
    pub stage: &'static str,
    /// Where it is kept.
    pub folder: Option<PathBuf>,
    /// How long it took.
    pub took: Duration,
    /// The verdict; nothing if it broke off.
    pub valid: Option<Validity>,
    /// The whole result map.
    pub results: Value,
    /// What is wrong, in words.
    pub findings: Vec<String>,
    /// What nodes did wrong, as JSON.
    pub incidents: Value,
    /// Why it broke off.
    pub crash: Option<String>,
    /// What fits on a screen.
    pub summary: String,
    /// Everything that went wrong, told at length.
    pub evidence: String,
}

impl Ending {
    /// Of a run of ours, on this stage, that took so long.
    pub fn new(outcome: &Outcome, command: &str, stage: &'static str, took: Duration) -> Self {
        let verdict = outcome.verdict.as_ref();
        let results = verdict.map(|it| edn::to_json(&it.to_edn()));
        Ending {
            command: command.to_owned(),
            seed: Some(outcome.settings.seed),
            stage,
            folder: Some(outcome.folder.clone()),
            took,
            valid: verdict.map(|it| it.validity()),
            results: results.unwrap_or_default(),
            findings: verdict.map_or_else(Vec::new, |it| it.sentences()),
            incidents: json!(outcome.record.incidents),
            crash: outcome.record.crash.clone(),
            summary: summary(outcome),
            evidence: evidence(outcome),
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "command": self.command,
            "seed": self.seed,
            "stage": self.stage,
            "folder": self.folder.as_ref().map(|it| it.to_string_lossy()),
            "seconds": self.took.as_secs_f64(),
            "valid": self.valid.map(|it| edn::to_json(&it.to_edn())),
            "crash": self.crash,
            "incidents": self.incidents,
            "findings": self.findings,
            "results": self.results,
        })
    }

    fn fate(&self) -> Fate {
        let first_line = |text: &str| text.lines().next().map(cut).unwrap_or_default();
        // The evidence mostly begins with what the message says.
        let with = |before: &str, said: String| {
            let rest = self.evidence.strip_prefix(&said).unwrap_or(&self.evidence);
            let body = format!("{rest}\nagain: {}", self.command);
            Evidence {
                message: format!("{before}{said}"),
                body: body.trim_start_matches('\n').to_owned(),
            }
        };
        let first = self.findings.first();
        match (self.valid, &self.crash) {
            (Some(Validity::Valid), _) => Fate::Held,
            (Some(bad), _) => Fate::Failed(match first {
                Some(finding) => with(&format!("{}: ", bad.name()), first_line(finding)),
                None => with("", bad.name().to_owned()),
            }),
            (None, Some(crash)) => {
                let crash = format!("the run broke off: {crash}");
                Fate::Broken(with("", first_line(&crash)))
            }
            (None, None) => Fate::Broken(with("", "the run broke off".to_owned())),
        }
    }
}

impl Tested {
    /// What it is called: the challenge, and which part of it, or the workload.
    pub fn name(&self) -> String {
        match (self.challenge, self.part) {
            (None, _) => self.workload.clone(),
            (Some(challenge), (_, 1)) => challenge.to_owned(),
            (Some(challenge), (part, of)) => format!("{challenge}, part {part} of {of}"),
        }
    }

    /// Everything, for machines.
    pub fn to_json(&self) -> Value {
        let budgets = self.figures.iter().flat_map(|it| &it.budgets);
        let endings = self.endings.iter();
        json!({
            "challenge": self.challenge,
            "workload": self.workload,
            "flags": self.flags,
            "command": self.command,
            "exit-status": self.status,
            "budgets": budgets.map(super::Figure::to_json).collect::<Vec<_>>(),
            "runs": endings.map(Ending::to_json).collect::<Vec<_>>(),
        })
    }

    /// What those are told who were not there.
    pub fn account(&self) -> Account {
        let seeds = self.endings.iter().filter_map(|it| it.seed);
        let seeds: Vec<String> = seeds.map(|it| it.to_string()).collect();
        let broke_off = self.endings.iter().any(|it| it.valid.is_none());
        let worst = self.endings.iter().filter_map(|it| it.valid).max();
        let verdict = match (broke_off, &self.figures, worst) {
            (false, Some(figures), Some(Validity::Valid)) if !figures.hold() => {
                "a budget is missed"
            }
            (false, _, Some(worst)) => worst.name(),
            (true, ..) | (false, _, None) => "broke off",
        };
        Account {
            name: self.name(),
            verdict: verdict.to_owned(),
            figures: self
                .figures
                .iter()
                .flat_map(|it| it.budgets.clone())
                .collect(),
            seed: seeds.join(", "),
            command: self.command.clone(),
            took: self.endings.iter().map(|it| it.took).sum(),
            told: self.told(),
            cases: self.cases(),
        }
    }

    fn told(&self) -> String {
        let mut told = vec![format!("{}\n  {}", self.name(), self.flags)];
        told.extend(self.endings.iter().map(|it| it.summary.clone()));
        told.extend(self.figures.iter().map(|it| it.table().to_string()));
        told.retain(|text| !text.is_empty());
        told.join("\n")
    }

    /// A history for each run, then the budgets.
    fn cases(&self) -> Vec<Case> {
        let name = |ending: &Ending| match ending.seed {
            Some(seed) if self.endings.len() > 1 => format!("history, seed {seed}"),
            Some(_) | None => "history".to_owned(),
        };
        let histories = self.endings.iter().map(|ending| Case {
            name: name(ending),
            took: ending.took,
            fate: ending.fate(),
        });
        let figures = self.figures.iter().flat_map(|it| &it.budgets);
        let budgets = figures.map(|figure| {
            let missed = || Evidence {
                message: format!(
                    "{}: {}, must be {}",
                    figure.label(),
                    figure.measured(),
                    figure.bounds()
                ),
                body: format!("again: {}", self.command),
            };
            let fate = if figure.holds {
                Fate::Held
            } else {
                Fate::Failed(missed())
            };
            Case::new(figure.label(), fate)
        });
        histories.chain(budgets).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::slow;
    use super::*;

    fn ending(valid: Option<Validity>, seed: u64) -> Ending {
        Ending {
            command: "cargo challenge broadcast-3d".to_owned(),
            seed: Some(seed),
            stage: "live",
            folder: None,
            took: Duration::from_secs(30),
            valid,
            results: json!({ "valid?": true }),
            findings: vec!["2 values are lost\n  17, 18".to_owned()],
            incidents: json!([]),
            crash: valid.is_none().then(|| "a node ended".to_owned()),
            summary: "kept in store".to_owned(),
            evidence: "2 values are lost".to_owned(),
        }
    }

    fn tested(endings: Vec<Ending>) -> Tested {
        Tested {
            challenge: Some("broadcast-3d"),
            part: (1, 1),
            workload: "broadcast".to_owned(),
            flags: "-w broadcast".to_owned(),
            figures: Some(slow()),
            endings,
            status: 1,
            command: "cargo challenge broadcast-3d".to_owned(),
        }
    }

    #[test]
    fn the_history_and_each_budget_is_a_case_of_its_own() {
        let account = tested(vec![ending(Some(Validity::Valid), 1)]).account();
        let names: Vec<&str> = account.cases.iter().map(|it| &*it.name).collect();
        assert_eq!(names[0], "history");
        assert_eq!(names.len(), 4);
        let failed: Vec<&str> = account.failures().map(|(_, it)| &*it.message).collect();
        let missed = "max latency, ms: 900, must be < 600 (official), < 600 (our bar)";
        assert_eq!(failed, [missed]);
        assert_eq!(account.verdict, "a budget is missed");
        assert_eq!(account.seed, "1");
    }

    #[test]
    fn a_line_of_a_node_that_never_ends_is_told_in_part_and_once() {
        let long = format!("a{}", "x".repeat(5_000_000));
        let mut ending = ending(Some(Validity::Invalid), 1);
        ending.evidence = super::super::told(std::slice::from_ref(&long));
        ending.findings = vec![long];
        let Fate::Failed(evidence) = ending.fate() else {
            panic!("it failed");
        };
        assert!(
            evidence.message.ends_with("x… (5000001 bytes)"),
            "{evidence:?}"
        );
        assert!(
            evidence.message.len() < 1000 && !evidence.body.contains("xx"),
            "{evidence:?}"
        );
    }

    #[test]
    fn of_several_runs_each_has_its_seed_and_the_worst_counts() {
        let runs = [Some(Validity::Valid), Some(Validity::Invalid), None];
        let runs = (1..).zip(runs).map(|(seed, valid)| ending(valid, seed));
        let tested = tested(runs.collect());
        let account = tested.account();
        assert_eq!(account.cases[1].name, "history, seed 2");
        let Fate::Failed(evidence) = &account.cases[1].fate else {
            panic!("{account:?}");
        };
        assert_eq!(evidence.message, "invalid: 2 values are lost");
        assert_eq!(evidence.body, "again: cargo challenge broadcast-3d");
        let Fate::Broken(evidence) = &account.cases[2].fate else {
            panic!("{account:?}");
        };
        assert_eq!(evidence.message, "the run broke off: a node ended");
        assert_eq!(account.verdict, "broke off");
        let json = tested.to_json();
        assert_eq!(json["runs"][1]["valid"], false);
        assert_eq!(json["runs"][2]["valid"], Value::Null);
        assert_eq!(json["budgets"][2]["holds"], false);
    }
}
