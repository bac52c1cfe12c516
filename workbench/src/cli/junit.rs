//! JUnit XML for CI servers: a suite for each account, a case for each requirement.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use history::text::visible;
use pages::report::{Account, Case, Evidence, Fate};

/// Formats the document.
///
/// # Errors
/// When it cannot be serialized.
pub(super) fn junit(name: &str, accounts: &[Account]) -> anyhow::Result<String> {
    let mut report = Report::new(visible(name));
    report.set_time(accounts.iter().map(|account| account.took).sum());
    report.add_test_suites(accounts.iter().map(suite));
    Ok(report.to_string()?)
}

fn suite(account: &Account) -> TestSuite {
    let mut suite = TestSuite::new(visible(&account.name));
    suite.set_time(account.took);
    suite.add_property(("command", &*visible(&account.command)));
    if !account.seed.is_empty() {
        suite.add_property(("seed", &*visible(&account.seed)));
    }
    suite.add_test_cases(account.cases.iter().map(|it| case(&account.name, it)));
    suite.set_system_out(visible(&account.told));
    suite
}

fn case(suite: &str, case: &Case) -> TestCase {
    let non_success = |kind, evidence: &Evidence| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(visible(&evidence.message));
        let Evidence { message, body } = evidence;
        let description = if body.starts_with(message) {
            body.clone()
        } else {
            format!("{message}\n{body}")
        };
        status.set_description(visible(&description));
        status
    };
    let status = match &case.fate {
        Fate::Held => TestCaseStatus::success(),
        Fate::Failed(evidence) => non_success(NonSuccessKind::Failure, evidence),
        Fate::Broken(evidence) => non_success(NonSuccessKind::Error, evidence),
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

    /// An account in which every text is this one, with a case that passed, one that failed, and
    /// one that was aborted.
    fn account(text: &str) -> Account {
        let evidence = Evidence {
            message: text.to_owned(),
            body: text.to_owned(),
        };
        Account {
            name: text.to_owned(),
            verdict: text.to_owned(),
            figures: Vec::new(),
            seed: "7".to_owned(),
            command: text.to_owned(),
            took: Duration::from_secs(3),
            told: text.to_owned(),
            cases: vec![
                Case::new("good", Fate::Held),
                Case::new(text, Fate::Failed(evidence.clone())),
                Case::new(text, Fate::Broken(evidence)),
            ],
        }
    }

    #[test]
    fn any_text_survives_in_the_document() {
        let all: String = (0..0x300).filter_map(char::from_u32).collect();
        let hostile = format!("]]> <b>&amp; \u{1b}[31m\u{fffe}\u{ffff}\u{85}🦀 --> {all}");
        let text = junit("workbench test", &[account(&hostile), account("plain")]).unwrap();
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
    fn no_accounts_are_a_document_too() {
        let text = junit("workbench check", &[]).unwrap();
        assert_eq!(Report::deserialize_from_str(&text).unwrap().tests, 0);
    }
}
