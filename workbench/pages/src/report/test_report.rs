//! A test that was run once or several times, and whether its requirements are met. Of several runs
//! each must be valid, and the medians must meet the budgets.

use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use super::budgets::mark;
use super::{BudgetResult, Case, CaseResult, Failure, Report, table};
use crate::budget::Bar;
use crate::outcome::{Outcome, SHOWN};
use checkers::Validity;

/// A test, and the outcomes of its runs.
#[derive(Debug, Clone)]
pub struct TestReport {
    /// The challenge that it belongs to; nothing for a test with flags of one's own.
    pub challenge: Option<&'static str>,
    /// Which one of how many tests of the challenge it is, counted from 1.
    pub part: (usize, usize),
    /// The workload.
    pub workload: String,
    /// Its flags.
    pub flags: String,
    /// Which bounds count.
    pub bar: Bar,
    /// Each run.
    pub outcomes: Vec<Outcome>,
    /// The budgets, with what was measured in all runs.
    pub budgets: Vec<BudgetResult>,
    /// The exit status for it.
    pub status: u8,
    /// The command that repeats all of it.
    pub command: String,
}

impl TestReport {
    /// The challenge, and which part of it, or the workload.
    pub fn name(&self) -> String {
        match (self.challenge, self.part) {
            (None, _) => self.workload.clone(),
            (Some(challenge), (_, 1)) => challenge.to_owned(),
            (Some(challenge), (part, of)) => format!("{challenge}, part {part} of {of}"),
        }
    }

    /// The worst verdict of all runs; nothing if one was aborted, or without a run.
    pub fn worst(&self) -> Option<Validity> {
        let verdicts = self.outcomes.iter().map(|it| it.validity);
        let verdicts: Option<Vec<Validity>> = verdicts.collect();
        verdicts?.into_iter().max()
    }

    /// Whether the user has interrupted a run, and none is invalid.
    pub fn is_interrupted(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.any(|it| it.interrupted.is_some()) && self.worst() != Some(Validity::Invalid)
    }

    /// Whether files of a run could not be written, and none is invalid.
    pub fn is_unkept(&self) -> bool {
        let is_unkept = self.outcomes.iter().any(|it| it.unkept.is_some());
        is_unkept && self.worst() != Some(Validity::Invalid)
    }

    /// Whether every run is valid, was kept and not interrupted, and every budget is met.
    pub fn has_passed(&self) -> bool {
        self.worst() == Some(Validity::Valid)
            && !self.is_unkept()
            && !self.is_interrupted()
            && self.budgets.iter().all(|it| it.is_met)
    }

    /// The verdict in a few words.
    pub fn verdict(&self) -> &'static str {
        match self.worst() {
            _ if self.is_interrupted() => "interrupted",
            Some(_) if self.is_unkept() => "not kept",
            Some(Validity::Valid) if !self.has_passed() => "a budget is missed",
            Some(worst) => worst.name(),
            None => "aborted",
        }
    }

    /// The requirements in a table, with what was measured.
    pub fn table(&self) -> Table {
        let ours = |text| (self.bar == Bar::Ours).then_some(text);
        let mut table = table();
        let header = ["requirement", "measured", "official"].into_iter();
        table.set_header(header.chain(ours("our bar")).chain([""]));
        let valid = self.outcomes.iter();
        let valid = valid.filter(|it| it.validity == Some(Validity::Valid));
        let valid = valid.filter(|it| it.interrupted.is_none());
        let history = match self.outcomes.len() {
            1 if self.is_interrupted() => self.verdict().to_owned(),
            1 => self.worst().map_or("aborted", Validity::name).to_owned(),
            several => format!("{} of {several} valid", valid.count()),
        };
        let all = match self.is_interrupted() {
            true => "",
            false => mark(self.worst() == Some(Validity::Valid)),
        };
        let row = ["history", &*history, "valid"].into_iter();
        table.add_row(row.chain(ours("valid")).chain([all]));
        for budget in &self.budgets {
            table.add_row(budget.cells());
        }
        let last = table.column_count() - 1;
        for column in table.column_iter_mut().take(last).skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    /// Everything, for machines.
    pub fn to_json(&self) -> Value {
        let budgets = self.budgets.iter().map(BudgetResult::to_json);
        let outcomes = self.outcomes.iter().map(Outcome::to_json);
        json!({
            "challenge": self.challenge,
            "workload": self.workload,
            "flags": self.flags,
            "command": self.command,
            "exit-status": self.status,
            "budgets": budgets.collect::<Vec<_>>(),
            "runs": outcomes.collect::<Vec<_>>(),
        })
    }

    /// The report for JUnit and GitHub.
    pub fn report(&self) -> Report {
        let seeds = self.outcomes.iter().filter_map(|it| it.seed);
        let seeds: Vec<String> = seeds.map(|it| it.to_string()).collect();
        Report {
            name: self.name(),
            verdict: self.verdict().to_owned(),
            budgets: self.budgets.clone(),
            seed: seeds.join(", "),
            command: self.command.clone(),
            took: self.outcomes.iter().map(|it| it.took).sum(),
            text: self.text(),
            cases: self.cases(),
        }
    }

    fn text(&self) -> String {
        let mut parts = vec![format!("{}\n  {}", self.name(), self.flags)];
        parts.extend(self.outcomes.iter().map(|it| it.summary(SHOWN)));
        if self.challenge.is_some() && self.worst().is_some() {
            parts.push(self.table().to_string());
        }
        parts.retain(|text| !text.is_empty());
        parts.join("\n")
    }

    /// A history for each run, then the budgets.
    fn cases(&self) -> Vec<Case> {
        let name = |outcome: &Outcome| match outcome.seed {
            Some(seed) if self.outcomes.len() > 1 => format!("history, seed {seed}"),
            Some(_) | None => "history".to_owned(),
        };
        let histories = self.outcomes.iter().map(|it| it.case(name(it)));
        let required = self.budgets.iter().filter(|it| it.is_required());
        let budgets = required.map(|budget| {
            let missed = || Failure {
                message: format!(
                    "{}: {}, must be {}",
                    budget.label(),
                    budget.measured(),
                    budget.bounds()
                ),
                details: format!("again: {}", self.command),
            };
            let result = if budget.is_met {
                CaseResult::Passed
            } else {
                CaseResult::Failed(missed())
            };
            Case::new(budget.label(), result)
        });
        histories.chain(budgets).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::budgets::tests::{of_another_program, slow};
    use super::*;

    fn outcome(validity: Option<Validity>, seed: u64) -> Outcome {
        Outcome {
            command: "cargo challenge broadcast-3d".to_owned(),
            seed: Some(seed),
            stage: "live",
            validity,
            findings: vec!["2 values are lost".to_owned()],
            abort: validity.is_none().then(|| "a node ended".to_owned()),
            ..Outcome::default()
        }
    }

    fn test(outcomes: Vec<Outcome>) -> TestReport {
        TestReport {
            challenge: Some("broadcast-3d"),
            part: (1, 1),
            workload: "broadcast".to_owned(),
            flags: "-w broadcast".to_owned(),
            bar: Bar::Ours,
            outcomes,
            budgets: slow(),
            status: 1,
            command: "cargo challenge broadcast-3d".to_owned(),
        }
    }

    #[test]
    fn the_history_and_each_budget_is_a_case() {
        let report = test(vec![outcome(Some(Validity::Valid), 1)]).report();
        let names: Vec<&str> = report.cases.iter().map(|it| &*it.name).collect();
        assert_eq!(names[0], "history");
        assert_eq!(names.len(), 4);
        let failed: Vec<&str> = report.failures().map(|(_, it)| &*it.message).collect();
        let missed = "max latency, ms: 900, must be < 600 (official), < 600 (our bar)";
        assert_eq!(failed, [missed]);
        assert_eq!(report.verdict, "a budget is missed");
        assert_eq!(report.seed, "1");
    }

    #[test]
    fn another_program_has_the_official_bounds_alone() {
        let mut other = test(vec![outcome(Some(Validity::Valid), 1)]);
        other.bar = Bar::Official;
        other.budgets = of_another_program();
        let table = other.table().to_string();
        assert!(
            !table.contains("our bar") && table.contains("< 30"),
            "{table}"
        );
        // What is only measured is no requirement.
        assert!(table.contains("operations not ok"), "{table}");
        let report = other.report();
        let names: Vec<&str> = report.cases.iter().map(|it| &*it.name).collect();
        assert_eq!(names, ["history", "messages per operation"]);
        let text = crate::report::markdown("workbench challenge", &[report]);
        assert!(
            text.contains("messages per operation: 7.000, &lt; 30 (official)"),
            "{text}"
        );
        assert!(
            !text.contains("our bar") && !text.contains("not ok"),
            "{text}"
        );
    }

    #[test]
    fn of_several_runs_each_has_its_seed_and_the_worst_counts() {
        let runs = [Some(Validity::Valid), Some(Validity::Invalid), None];
        let runs = (1..).zip(runs).map(|(seed, valid)| outcome(valid, seed));
        let test = test(runs.collect());
        let report = test.report();
        assert_eq!(report.cases[1].name, "history, seed 2");
        let CaseResult::Failed(failure) = &report.cases[1].result else {
            panic!("{report:?}");
        };
        assert_eq!(failure.message, "invalid: 2 values are lost");
        assert_eq!(failure.details, "again: cargo challenge broadcast-3d");
        let CaseResult::Aborted(failure) = &report.cases[2].result else {
            panic!("{report:?}");
        };
        assert_eq!(failure.message, "the run was aborted: a node ended");
        assert_eq!(report.verdict, "aborted");
        let json = test.to_json();
        assert_eq!(json["runs"][1]["valid"], false);
        assert_eq!(json["runs"][2]["valid"], Value::Null);
        assert_eq!(json["budgets"][2]["holds"], false);
    }

    #[test]
    fn an_interrupted_test_has_not_passed_and_is_invalid_only_if_a_run_is() {
        let of = |validity| {
            let interrupted = Outcome {
                interrupted: Some(std::time::Duration::from_millis(3400)),
                ..outcome(Some(validity), 1)
            };
            TestReport {
                budgets: Vec::new(),
                ..test(vec![interrupted])
            }
        };
        for validity in [Validity::Valid, Validity::Unknown] {
            let test = of(validity);
            assert_eq!(test.verdict(), "interrupted");
            assert!(!test.has_passed());
            let CaseResult::Aborted(failure) = &test.report().cases[0].result else {
                panic!("{test:?}");
            };
            assert_eq!(failure.message, "interrupted at 3.4 s");
            assert_eq!(test.to_json()["runs"][0]["interrupted-at"], 3.4);
        }
        let invalid = of(Validity::Invalid);
        assert_eq!(invalid.verdict(), "invalid");
        let failed = &invalid.report().cases[0].result;
        assert!(matches!(failed, CaseResult::Failed(_)), "{failed:?}");
    }

    #[test]
    fn every_run_must_be_valid() {
        let passed = |validities: &[Validity]| {
            let outcomes = validities.iter().map(|it| outcome(Some(*it), 1));
            let test = TestReport {
                budgets: Vec::new(),
                ..test(outcomes.collect())
            };
            test.has_passed()
        };
        assert!(passed(&[Validity::Valid, Validity::Valid]));
        assert!(!passed(&[Validity::Valid, Validity::Unknown]));
        assert!(!passed(&[]));
    }
}
