//! JUnit XML for CI servers: a suite for each report, a case for each requirement.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use history::text::visible;
use pages::report::{Case, CaseResult, Failure, Report as TestReport};

/// Formats the document.
///
/// # Errors
/// When it cannot be serialized.
pub(super) fn junit(name: &str, reports: &[TestReport]) -> anyhow::Result<String> {
    let mut report = Report::new(visible(name));
    report.set_time(reports.iter().map(|it| it.took).sum());
    report.add_test_suites(reports.iter().map(suite));
    Ok(report.to_string()?)
}

fn suite(report: &TestReport) -> TestSuite {
    let mut suite = TestSuite::new(visible(&report.name));
    suite.set_time(report.took);
    suite.add_property(("command", &*visible(&report.command)));
    if !report.seed.is_empty() {
        suite.add_property(("seed", &*visible(&report.seed)));
    }
    suite.add_test_cases(report.cases.iter().map(|it| case(&report.name, it)));
    suite.set_system_out(visible(&report.text));
    suite
}

fn case(suite: &str, case: &Case) -> TestCase {
    let non_success = |kind, failure: &Failure| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(visible(&failure.message));
        let Failure { message, details } = failure;
        let description = if details.starts_with(message) {
            details.clone()
        } else {
            format!("{message}\n{details}")
        };
        status.set_description(visible(&description));
        status
    };
    let status = match &case.result {
        CaseResult::Passed => TestCaseStatus::success(),
        CaseResult::Failed(failure) => non_success(NonSuccessKind::Failure, failure),
        CaseResult::Aborted(failure) => non_success(NonSuccessKind::Error, failure),
    };
    let mut test_case = TestCase::new(visible(&case.name), status);
    test_case.set_classname(visible(suite));
    test_case.set_time(case.took);
    test_case
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A report in which every text is this one, with a case that passed, one that failed, and
    /// one that was aborted.
    fn failed(text: &str) -> TestReport {
        let failure = Failure {
            message: text.to_owned(),
            details: text.to_owned(),
        };
        TestReport {
            name: text.to_owned(),
            verdict: text.to_owned(),
            budgets: Vec::new(),
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
    fn any_text_survives_in_the_document() {
        let all: String = (0..0x300).filter_map(char::from_u32).collect();
        let hostile = format!("]]> <b>&amp; \u{1b}[31m\u{fffe}\u{ffff}\u{85}🦀 --> {all}");
        let text = junit("workbench test", &[failed(&hostile), failed("plain")]).unwrap();
        let report = Report::deserialize_from_str(&text).unwrap();
        assert_eq!((report.tests, report.failures, report.errors), (6, 2, 2));
        let is_allowed = |it: char| {
            matches!(it, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
                || it > '\u{ffff}'
        };
        assert!(text.chars().all(is_allowed), "{text:?}");
        let case = &report.test_suites[1].test_cases[1];
        let TestCaseStatus::NonSuccess { message, .. } = &case.status else {
            panic!("{case:?}");
        };
        assert_eq!(message.as_deref(), Some("plain"));
        assert!(text.contains(">plain</failure>"), "{text}");
        assert!(text.contains("\\u{1b}[31m\\u{fffe}"), "{text}");
    }

    #[test]
    fn no_reports_are_a_document_too() {
        let text = junit("workbench check", &[]).unwrap();
        assert_eq!(Report::deserialize_from_str(&text).unwrap().tests, 0);
    }
}
