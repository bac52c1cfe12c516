//! Output for CI: JUnit files, and on GitHub the step summary and annotations.

use std::fs;
use std::process::{Command, Stdio};

use quick_junit::{NonSuccessKind, Report, TestCaseStatus};

use super::bench::clean_env;
use super::output::{HOSTILE, TestFolder, WRONG_ECHO, assert_exit, has_python, stderr, stdout};

#[test]
fn a_junit_file_reports_an_interruption_until_the_run_is_over() {
    let folder = TestFolder::new();
    let file = folder.path("file");
    let args = [
        "storm",
        "echo",
        "--seeds",
        "0..100000000",
        "--jobs",
        "1",
        "--junit",
    ];
    let mut command = clean_env(Command::new(env!("CARGO_BIN_EXE_workbench")));
    let command = command.args(args).arg(&file).stderr(Stdio::null());
    let mut bench = command.spawn().unwrap();
    let written = || fs::read_to_string(&file).unwrap_or_default();
    while !written().trim_end().ends_with("</testsuites>") {
        std::thread::yield_now();
        assert!(bench.try_wait().unwrap().is_none(), "{}", written());
    }
    bench.kill().unwrap();
    bench.wait().unwrap();
    let report = Report::deserialize_from_str(&written()).unwrap();
    assert_eq!((report.tests, report.errors), (1, 1));
    assert!(written().contains("interrupted"), "{}", written());
    assert_exit(
        &folder.workbench(&[], "storm echo --seeds 1 --time-limit 1 --junit FILE"),
        0,
    );
    let report = Report::deserialize_from_str(&written()).unwrap();
    assert_eq!((report.tests, report.errors), (1, 0), "{}", written());
}

#[test]
fn junit_files_are_readable_whatever_a_node_prints() {
    if !has_python() {
        return;
    }
    let folder = TestFolder::new();
    let output = folder.test(&[], &HOSTILE, "--seed 3 --junit FILE");
    assert_exit(&output, 255);
    let xml = folder.read("file");
    let report = Report::deserialize_from_str(&xml).unwrap();
    let case = &report.test_suites[0].test_cases[0];
    let TestCaseStatus::NonSuccess {
        kind,
        message,
        description,
        ..
    } = &case.status
    else {
        panic!("{xml}");
    };
    assert_eq!(*kind, NonSuccessKind::Error);
    assert!(
        message
            .as_deref()
            .unwrap()
            .starts_with("the run was aborted"),
        "{xml}"
    );
    let body = description.as_deref().unwrap();
    assert!(
        body.contains("]]>|100%<b>") && body.contains("again: "),
        "{xml}"
    );

    assert_exit(&folder.test(&[], &WRONG_ECHO, "--seed 3 --junit FILE"), 1);
    let report = Report::deserialize_from_str(&folder.read("file")).unwrap();
    assert_eq!((report.tests, report.failures, report.errors), (1, 1, 0));
    let stdout = report.test_suites[0].system_out.as_deref().unwrap();
    assert!(stdout.contains("kept in "), "{stdout}");
}

#[test]
fn junit_has_test_cases_for_budgets_campaigns_and_histories() {
    let folder = TestFolder::new();
    let names = |args: &str, exit| {
        assert_exit(&folder.workbench(&[], args), exit);
        let report = Report::deserialize_from_str(&folder.read("file")).unwrap();
        let cases = report.test_suites.iter().flat_map(|it| &it.test_cases);
        let names: Vec<String> = cases.map(|it| it.name.to_string()).collect();
        (names.join(", "), report.failures)
    };
    let budgets = "history, messages per operation, median latency, ms, max latency, ms";
    let found = names("challenge broadcast-3d --simulate --junit FILE", 0);
    assert_eq!(found, (budgets.to_owned(), 0));
    // The latency budgets need a tree of depth one.
    let slow = "challenge broadcast-3d --simulate --junit FILE --node-flags=--fan-out=2";
    let (found, failures) = names(slow, 1);
    assert!(found == budgets && failures > 0, "{failures} of {found}");
    let storms = "storm broadcast-3c --nemesis kill --time-limit 3 --rate 20 --node-count 3 \
                  --seeds 0..20 --junit FILE";
    assert_eq!(names(storms, 1), ("storms".to_owned(), 1));
}

#[test]
fn an_unwritable_junit_file_is_reported_before_any_run() {
    let folder = TestFolder::new();
    let output = folder.workbench(&[], "challenge echo --simulate --junit FILE/no/such");
    let text = assert_exit(&output, 255);
    assert!(text.starts_with("error: cannot write "), "{text}");
    assert!(!folder.path("store").exists(), "{text}");
}

#[test]
fn github_gets_a_table_and_annotations_with_all_text_escaped() {
    let folder = TestFolder::new();
    let summary = folder.path("summary").display().to_string();
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", &*summary),
    ];
    let output = folder.workbench(&github, "challenge echo broadcast-3d --simulate --seed 3");
    assert!(!assert_exit(&output, 0).contains("::error"));
    let rows = |text: &str| text.lines().filter(|it| it.starts_with("| ")).count();
    let table = folder.read("summary");
    // The header and the line below it count as rows.
    assert_eq!(rows(&table), 4, "{table}");
    assert!(
        table.contains("| broadcast-3d | ✓ valid | messages per operation: "),
        "{table}"
    );
    if has_python() {
        let output = folder.test(&github, &WRONG_ECHO, "--seed 3");
        assert_exit(&output, 1);
        let printed = stdout(&output);
        let last = printed.lines().last().unwrap_or_default();
        assert!(last.starts_with("Analysis invalid!"), "{printed}");
        let errors = stderr(&output);
        let annotations: Vec<&str> = errors.lines().filter(|it| it.starts_with("::")).collect();
        let [annotation] = annotations[..] else {
            panic!("{errors}");
        };
        let title = "::error title=echo%3A history::invalid: ";
        assert!(annotation.starts_with(title), "{annotation}");
        assert!(annotation.contains("%0Aagain: "), "{annotation}");
        assert!(annotation.contains("]]>|100%25<b>"), "{annotation}");
        let table = folder.read("summary");
        assert_eq!(rows(&table), 7, "{table}");
        let row = table.lines().rfind(|it| it.starts_with("| echo")).unwrap();
        assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
        assert!(row.contains(r"\]\]&gt;\|100%&lt;b&gt;"), "{row}");
    }
}

#[test]
fn output_of_a_node_is_not_run_as_a_github_command() {
    if !has_python() {
        return;
    }
    let folder = TestFolder::new();
    let github = [("GITHUB_ACTIONS", "true")];
    let refusal = r#"{"type":"error","code":10,"text":"no\n::error title=x::PWNED\n##[error]y"}"#;
    let loud = "say   ::stop-commands::mine";
    for (steps, exit) in [
        (&[refusal][..], 1),
        (&[loud, "exit 3"], 255),
        (&[&format!("init:{refusal}")], 255),
    ] {
        let output = folder.test(&github, steps, "--seed 3 --log-stderr");
        let text = assert_exit(&output, exit);
        assert!(
            text.contains("PWNED") || text.contains("stop-commands"),
            "{text}"
        );
        let is_command = |line: &&str| line.trim_start().starts_with("::") || line.contains("##[");
        let commands: Vec<&str> = text.lines().filter(is_command).collect();
        let [annotation] = commands[..] else {
            panic!("{commands:?} in {text}");
        };
        assert!(
            annotation.starts_with("::error title=echo%3A history::"),
            "{text}"
        );
    }
}

#[test]
fn an_unwritable_step_summary_is_only_a_warning() {
    let folder = TestFolder::new();
    let nowhere = folder.path("no/such").display().to_string();
    let output = folder.workbench(
        &[("GITHUB_STEP_SUMMARY", &nowhere)],
        "challenge echo --simulate --seed 3 -q",
    );
    let text = assert_exit(&output, 0);
    assert!(
        text.contains("warning: cannot write the step's summary"),
        "{text}"
    );
}
