//! How an outcome is told to CI: JUnit files, and where GitHub runs the bench its summary and
//! annotations.

use std::fs;
use std::process::{Command, Stdio};

use quick_junit::{NonSuccessKind, Report, TestCaseStatus};

use super::bench::alone;
use super::told::{Desk, RUDE, WRONG, ends, has_python, stderr, stdout};

#[test]
fn a_junit_file_says_that_a_run_was_interrupted_until_it_is_over() {
    let desk = Desk::new();
    let file = desk.path("file");
    let words = [
        "storm",
        "echo",
        "--seeds",
        "0..100000000",
        "--jobs",
        "1",
        "--junit",
    ];
    let mut command = alone(Command::new(env!("CARGO_BIN_EXE_workbench")));
    let command = command.args(words).arg(&file).stderr(Stdio::null());
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
    ends(
        &desk.bench(&[], "storm echo --seeds 1 --time-limit 1 --junit FILE"),
        0,
    );
    let report = Report::deserialize_from_str(&written()).unwrap();
    assert_eq!((report.tests, report.errors), (1, 0), "{}", written());
}

#[test]
fn junit_of_runs_that_fail_can_be_read_whatever_a_node_prints() {
    if !has_python() {
        return;
    }
    let desk = Desk::new();
    let output = desk.test(&[], &RUDE, "--seed 3 --junit FILE");
    ends(&output, 255);
    let xml = desk.read("file");
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
        message.as_deref().unwrap().starts_with("the run broke off"),
        "{xml}"
    );
    let body = description.as_deref().unwrap();
    assert!(
        body.contains("]]>|100%<b>") && body.contains("again: "),
        "{xml}"
    );

    ends(&desk.test(&[], &WRONG, "--seed 3 --junit FILE"), 1);
    let report = Report::deserialize_from_str(&desk.read("file")).unwrap();
    assert_eq!((report.tests, report.failures, report.errors), (1, 1, 0));
    let told = report.test_suites[0].system_out.as_deref().unwrap();
    assert!(told.contains("kept in "), "{told}");
}

#[test]
fn budgets_campaigns_and_histories_have_their_cases_in_junit() {
    let desk = Desk::new();
    let names = |words: &str, exit| {
        ends(&desk.bench(&[], words), exit);
        let report = Report::deserialize_from_str(&desk.read("file")).unwrap();
        let cases = report.test_suites.iter().flat_map(|it| &it.test_cases);
        let names: Vec<String> = cases.map(|it| it.name.to_string()).collect();
        (names.join(", "), report.failures)
    };
    let budgets = "history, messages per operation, median latency, ms, max latency, ms";
    let told = names("challenge broadcast-3d --simulate --junit FILE", 0);
    assert_eq!(told, (budgets.to_owned(), 0));
    // Depth one is what the budget of the latencies needs.
    let slow = "challenge broadcast-3d --simulate --junit FILE --node-flags=--fan-out=2";
    let (told, failures) = names(slow, 1);
    assert!(told == budgets && failures > 0, "{failures} of {told}");
    let storms = "storm broadcast-3c --nemesis kill --time-limit 3 --rate 20 --node-count 3 \
                  --seeds 0..20 --junit FILE";
    assert_eq!(names(storms, 1), ("storms".to_owned(), 1));
}

#[test]
fn a_junit_file_that_cannot_be_written_is_told_before_anything_runs() {
    let desk = Desk::new();
    let output = desk.bench(&[], "challenge echo --simulate --junit FILE/no/such");
    let text = ends(&output, 255);
    assert!(text.starts_with("error: cannot write "), "{text}");
    assert!(!desk.path("store").exists(), "{text}");
}

#[test]
fn github_gets_a_table_and_annotations_which_no_text_breaks() {
    let desk = Desk::new();
    let summary = desk.path("summary").display().to_string();
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", &*summary),
    ];
    let output = desk.bench(&github, "challenge echo broadcast-3d --simulate --seed 3");
    assert!(!ends(&output, 0).contains("::error"));
    let rows = |text: &str| text.lines().filter(|it| it.starts_with("| ")).count();
    let table = desk.read("summary");
    // Their head is a row, too; the line below it is another.
    assert_eq!(rows(&table), 4, "{table}");
    assert!(
        table.contains("| broadcast-3d | ✓ valid | messages per operation: "),
        "{table}"
    );
    if has_python() {
        let output = desk.test(&github, &WRONG, "--seed 3");
        ends(&output, 1);
        let told = stdout(&output);
        let last = told.lines().last().unwrap_or_default();
        assert!(last.starts_with("Analysis invalid!"), "{told}");
        let said = stderr(&output);
        let annotations: Vec<&str> = said.lines().filter(|it| it.starts_with("::")).collect();
        let [annotation] = annotations[..] else {
            panic!("{said}");
        };
        let title = "::error title=echo%3A history::invalid: ";
        assert!(annotation.starts_with(title), "{annotation}");
        assert!(annotation.contains("%0Aagain: "), "{annotation}");
        assert!(annotation.contains("]]>|100%25<b>"), "{annotation}");
        let table = desk.read("summary");
        assert_eq!(rows(&table), 7, "{table}");
        let row = table.lines().rfind(|it| it.starts_with("| echo")).unwrap();
        assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
        assert!(row.contains(r"\]\]&gt;\|100%&lt;b&gt;"), "{row}");
    }
}

#[test]
fn no_node_commands_githubs_runner() {
    if !has_python() {
        return;
    }
    let desk = Desk::new();
    let github = [("GITHUB_ACTIONS", "true")];
    let refusal = r#"{"type":"error","code":10,"text":"no\n::error title=x::PWNED\n##[error]y"}"#;
    let loud = "say   ::stop-commands::mine";
    for (steps, exit) in [
        (&[refusal][..], 1),
        (&[loud, "exit 3"], 255),
        (&[&format!("init:{refusal}")], 255),
    ] {
        let output = desk.test(&github, steps, "--seed 3 --log-stderr");
        let text = ends(&output, exit);
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
fn a_summary_that_cannot_be_written_is_a_warning_and_no_more() {
    let desk = Desk::new();
    let nowhere = desk.path("no/such").display().to_string();
    let output = desk.bench(
        &[("GITHUB_STEP_SUMMARY", &nowhere)],
        "challenge echo --simulate --seed 3 -q",
    );
    let text = ends(&output, 0);
    assert!(
        text.contains("warning: cannot write the step's summary"),
        "{text}"
    );
}
