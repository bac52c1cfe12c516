//! A report: what JUnit files and GitHub's summaries are made of, whatever was run.

use std::time::Duration;

use super::BudgetResult;

/// A report on a challenge, a test, a history or a campaign.
#[derive(Debug, Clone)]
pub struct Report {
    /// The name of the challenge or of the workload.
    pub name: String,
    /// The verdict in a few words.
    pub verdict: String,
    /// The budgets, with what was measured.
    pub budgets: Vec<BudgetResult>,
    /// The seed or the seeds; empty where there is none.
    pub seed: String,
    /// The command that repeats it.
    pub command: String,
    /// How long it took.
    pub took: Duration,
    /// What the terminal shows.
    pub text: String,
    /// All requirements, one by one.
    pub cases: Vec<Case>,
}

/// A requirement.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name, such as `history`.
    pub name: String,
    /// How long it took, where that is known.
    pub took: Duration,
    /// Whether it is met.
    pub result: CaseResult,
}

/// Whether a requirement is met.
#[derive(Debug, Clone)]
pub enum CaseResult {
    /// It is.
    Passed,
    /// It is not, or that is unknown.
    Failed(Failure),
    /// The run was aborted before this could be known.
    Aborted(Failure),
}

/// Why a requirement is not met.
#[derive(Debug, Clone)]
pub struct Failure {
    /// One line.
    pub message: String,
    /// Everything else.
    pub details: String,
}

impl Report {
    /// The report on something that ended with this error.
    pub fn aborted(name: &str, command: String, error: &str) -> Self {
        let failure = Failure {
            message: error.to_owned(),
            details: format!("again: {command}"),
        };
        Report {
            name: name.to_owned(),
            verdict: "aborted".to_owned(),
            budgets: Vec::new(),
            seed: String::new(),
            command,
            took: Duration::ZERO,
            text: format!("error: {error}"),
            cases: vec![Case::new("run", CaseResult::Aborted(failure))],
        }
    }

    /// The report on seeds that were not run, with the commands that run them.
    pub fn interrupted(rest: &[String]) -> Self {
        let why = "interrupted before all seeds were run";
        let mut report = Report::aborted("storm", rest.join("\n"), why);
        report.verdict = "interrupted".to_owned();
        report.text = why.to_owned();
        report
    }

    /// Whether all requirements are met.
    pub fn has_passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The requirements that are not met, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&Case, &Failure)> {
        self.cases.iter().filter_map(|case| match &case.result {
            CaseResult::Passed => None,
            CaseResult::Failed(failure) | CaseResult::Aborted(failure) => Some((case, failure)),
        })
    }
}

impl Case {
    /// A case that took no time.
    pub fn new(name: impl Into<String>, result: CaseResult) -> Self {
        Case {
            name: name.into(),
            took: Duration::ZERO,
            result,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::budgets::tests::slow;
    use super::*;

    /// A report of failures in which every text is this one.
    pub(crate) fn failed(text: &str) -> Report {
        let failure = Failure {
            message: text.to_owned(),
            details: text.to_owned(),
        };
        Report {
            name: text.to_owned(),
            verdict: text.to_owned(),
            budgets: slow(),
            seed: "7".to_owned(),
            command: text.to_owned(),
            took: Duration::from_secs(3),
            text: text.to_owned(),
            cases: vec![
                Case::new("good", CaseResult::Passed),
                Case::new(text, CaseResult::Failed(failure.clone())),
                Case::new(text, CaseResult::Aborted(failure)),
            ],
        }
    }

    #[test]
    fn a_report_passes_if_all_its_cases_do() {
        let aborted = Report::aborted("echo", "again".to_owned(), "no such node");
        assert!(!aborted.has_passed());
        let failed = failed("x");
        assert!(!failed.has_passed());
        assert_eq!(failed.failures().count(), 2);
    }
}
