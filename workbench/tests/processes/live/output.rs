//! Output formats: colours, quiet, JSON, help, completions and suggestions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use quick_junit::Report;
use serde_json::Value;
use tempfile::TempDir;

use super::bench::{check_one, clean_env, echo, node, text, workbench, workbench_with_env};

pub(super) const ESCAPE: char = '\u{1b}';

/// Steps of a node that prints control characters and markup to stderr, and exits.
pub(super) const HOSTILE: [&str; 2] = [r"say \x1b[31m]]>|100%<b>::error::x,\x07\x00", "exit 3"];

/// Steps of a node whose replies are wrong and contain markup.
pub(super) const WRONG_ECHO: [&str; 1] =
    [r#"{"type":"echo_ok","echo":"]]>|100%<b>\n::error::x,"}"#];

/// A temporary folder for the store and other files.
pub(super) struct TestFolder(TempDir);

impl TestFolder {
    pub(super) fn new() -> Self {
        TestFolder(TempDir::new().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs the bench with these arguments; FILE stands for a file in this folder.
    pub(super) fn workbench(&self, env_vars: &[(&str, &str)], args: &str) -> Output {
        let file = self.path("file").display().to_string();
        let args = args.split_whitespace();
        let args = args.map(|word| word.replace("FILE", &file));
        let store = [
            "--store".to_owned(),
            self.path("store").display().to_string(),
        ];
        workbench_with_env(env_vars, &args.chain(store).collect::<Vec<_>>())
    }

    /// Runs `workbench test` on a node with these steps.
    pub(super) fn test(&self, env_vars: &[(&str, &str)], steps: &[&str], flags: &str) -> Output {
        let node = node("scripted.py");
        let mut args: Vec<String> = ["test", "-w", "echo", "--node-count", "1", "--rate", "50"]
            .map(str::to_owned)
            .into();
        let flags = flags.replace("FILE", &self.path("file").display().to_string());
        args.extend([
            "--time-limit".to_owned(),
            "1".to_owned(),
            "--bin".to_owned(),
        ]);
        args.push(node.display().to_string());
        args.extend([
            "--store".to_owned(),
            self.path("store").display().to_string(),
        ]);
        args.extend(flags.split_whitespace().map(str::to_owned));
        args.push("--".to_owned());
        args.extend(steps.iter().map(|step| (*step).to_owned()));
        workbench_with_env(env_vars, &args)
    }
}

pub(super) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(super) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
pub(super) fn assert_exit(output: &Output, exit: i32) -> String {
    let text = text(output);
    assert_eq!(output.status.code(), Some(exit), "{text}");
    text
}

/// Whether there is Python, which nodes need.
pub(super) fn has_python() -> bool {
    check_one(echo()).is_some()
}

#[test]
fn json_on_stdout_has_all_figures_and_the_table_goes_to_stderr() {
    let folder = TestFolder::new();
    let args = "challenge echo broadcast-3d --simulate --seed 3 --runs 2 --json";
    let output = folder.workbench(&[], args);
    assert_exit(&output, 0);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["exit-status"], 0);
    let test = &document["tests"][1];
    assert_eq!(test["challenge"], "broadcast-3d");
    let budget = &test["budgets"][0];
    assert_eq!(budget["label"], "messages per operation");
    assert_eq!(
        (&budget["official"], &budget["holds"]),
        (&"< 30".into(), &true.into())
    );
    assert!(budget["measured"].as_f64().unwrap() < 1.25, "{budget}");
    let run = &test["runs"][1];
    assert_eq!((&run["seed"], &run["valid"]), (&4.into(), &true.into()));
    assert_eq!(
        (&run["stage"], &run["crash"]),
        (&"simulated".into(), &Value::Null)
    );
    assert_eq!(run["results"]["workload"]["valid?"], true);
    assert!(
        Path::new(run["folder"].as_str().unwrap())
            .join("results.json")
            .is_file()
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("requirement"));
}

#[test]
fn a_run_that_cannot_start_is_reported_in_json_and_junit() {
    let folder = TestFolder::new();
    let output = folder.workbench(&[], "test -w echo --bin /no/such --json --junit FILE");
    assert_exit(&output, 255);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["exit-status"], 255);
    assert!(document["error"].as_str().unwrap().contains("/no/such"));
    let report = Report::deserialize_from_str(&folder.read("file")).unwrap();
    assert_eq!((report.tests, report.errors), (1, 1));
}

#[test]
fn every_failure_is_reported_in_json() {
    let folder = TestFolder::new();
    let nowhere = folder.path("no/such/file").display().to_string();
    for (args, exit, has_tests, why) in [
        ("check /no/such --json", 255, false, "/no/such"),
        (
            "check FILE --json --junit FILE/x",
            255,
            false,
            "cannot write",
        ),
        ("merge /no/such --json", 255, false, "/no/such"),
        (
            "storm echo --node-flags=--bogus --json",
            254,
            false,
            "'--bogus' found",
        ),
        ("storm echo -w kafka --json", 254, false, "not for storm"),
        (
            "challenge echo --simulate --node-flags=--bogus --json",
            254,
            true,
            "'--bogus' found",
        ),
        (
            "test --bin x --json --junit NOWHERE",
            255,
            true,
            "cannot write",
        ),
        (
            "challenge echo --simulate --seed 18446744073709551615 --runs 2 --json",
            254,
            true,
            "no 2 seeds",
        ),
    ] {
        let file = folder.path("file").display().to_string();
        let args = args.replace("FILE", &file).replace("NOWHERE", &nowhere);
        let output = workbench(&args.split(' ').collect::<Vec<_>>());
        let text = assert_exit(&output, exit);
        let document: Value = serde_json::from_slice(&output.stdout).expect(&text);
        assert_eq!(document["exit-status"], exit, "{text}");
        let error = document["error"].as_str().unwrap();
        assert!(error.contains(why) && error.lines().count() == 1, "{text}");
        assert_eq!(document["tests"].is_array(), has_tests, "{text}");
        assert_eq!(stderr(&output), format!("error: {error}\n"));
    }
}

#[test]
fn the_help_of_each_command_lists_exit_statuses() {
    for (command, expected) in [
        ("test", "255 a run was aborted"),
        ("check", "255 the history cannot be read"),
        ("challenge", "or a budget missed"),
        ("storm", "1 invalid or aborted"),
        ("merge", "255 the files cannot be merged"),
        ("sweep", "within the budgets or not"),
    ] {
        let text = assert_exit(&workbench(&[command, "--help"]), 0);
        let words = text.replace('\n', " ");
        assert!(
            words.contains("Exit status: ") && words.contains(expected),
            "{text}"
        );
    }
}

#[test]
fn quiet_prints_only_the_verdict_and_failures() {
    let folder = TestFolder::new();
    let quiet = folder.workbench(&[], "challenge kafka-5c --simulate --seed 3 --quiet");
    let part = |part| format!("kafka-5c, part {part} of 2: passed (seed 3)\n");
    assert_eq!(assert_exit(&quiet, 0), part(1) + &part(2));
    let quiet = folder.workbench(&[], "challenge echo --simulate --seed 3 --quiet");
    assert_eq!(assert_exit(&quiet, 0), "echo: passed (seed 3)\n");
    let quiet = folder.workbench(&[], "storm echo --seeds 0..3 --time-limit 1 -q");
    assert_eq!(assert_exit(&quiet, 0), "echo: 3 of 3 valid\n");
    let latest = folder.path("store/latest").display().to_string();
    let quiet = workbench(&["check", &latest, "--quiet"]);
    assert_eq!(assert_exit(&quiet, 0), "echo: valid\n");
    if has_python() {
        let quiet = folder.test(&[], &["ok"], "--seed 3 --quiet");
        assert_eq!(assert_exit(&quiet, 0), "echo: valid (seed 3)\n");
        let loud = assert_exit(&folder.test(&[], &HOSTILE, "--seed 3 --quiet"), 255);
        for expected in ["stderr: ", "the run was aborted", "node-logs", "again: "] {
            assert!(loud.contains(expected), "no {expected:?} in {loud}");
        }
        assert!(!loud.contains([ESCAPE, '\u{7}', '\0']), "{loud:?}");
    }
}

#[test]
fn colours_follow_the_flag_and_the_environment() {
    let folder = TestFolder::new();
    let plain = assert_exit(
        &folder.workbench(&[], "challenge echo --simulate --seed 3"),
        0,
    );
    assert!(!plain.contains(ESCAPE), "{plain:?}");
    for (env_vars, flags, is_coloured) in [
        (&[][..], "--color always", true),
        (&[("NO_COLOR", "1")], "--color=always", true),
        (&[("CLICOLOR_FORCE", "1")], "", true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], "", false),
        (&[("CLICOLOR_FORCE", "1")], "--color never", false),
    ] {
        for args in [
            "challenge echo --simulate --seed 3",
            "challenge tango",
            "--help",
        ] {
            let output = folder.workbench(env_vars, &format!("{args} {flags}"));
            let text = text(&output);
            let case = format!("{env_vars:?} {args} {flags}\n{text:?}");
            assert_eq!(text.contains(ESCAPE), is_coloured, "{case}");
        }
    }
    let output = folder.workbench(
        &[],
        "challenge echo --simulate --seed 3 --json --color always",
    );
    assert!(!stdout(&output).contains(ESCAPE), "JSON has no colours");
}

#[test]
fn completions_and_man_pages_are_printed() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = assert_exit(&workbench(&["completions", shell]), 0);
        assert!(
            script.contains("workbench") && script.contains("nemesis"),
            "{shell}"
        );
    }
    let page = assert_exit(&workbench(&["man"]), 0);
    assert!(page.contains(".TH workbench 1"), "{page}");
    let folder = TestFolder::new();
    assert_exit(
        &workbench(&["man", folder.path("man").to_str().unwrap()]),
        0,
    );
    let page = folder.read("man/workbench-test.1");
    assert!(page.contains("nemesis\\-interval"), "{page}");
    for args in [&["completions", "bash"][..], &["man"], &["doc"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = clean_env(Command::new(env!("CARGO_BIN_EXE_workbench")));
        let command = command.args(args).stdout(writer).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(assert_exit(&output, 0), "", "{args:?}");
    }
}

#[test]
fn a_misspelt_name_is_answered_with_a_suggestion() {
    for (args, meant) in [
        ("tset", "'test'"),
        ("test --bin x --rat 5", "'--rate'"),
        ("test --bin x -w brodcast", "'broadcast'"),
        ("test --bin x --topology gird", "'grid'"),
        (
            "test --bin x --nemesis kill,partiton",
            "did you mean partition?",
        ),
        (
            "test --bin x --partition-shapes brigde",
            "did you mean bridge?",
        ),
        (
            "test --bin x --consistency-models serialisable",
            "did you mean serializable?",
        ),
        ("challenge brodcast-3d", "'broadcast-3d'"),
        ("storm g-conter", "'g-counter'"),
        ("check x -w ehco", "'echo'"),
        ("doc protocl", "'protocol'"),
        ("completions bsh", "'bash'"),
    ] {
        let args: Vec<&str> = args.split(' ').collect();
        let text = assert_exit(&workbench(&args), 254);
        assert!(text.contains(meant), "no {meant} from {args:?}\n{text}");
    }
}
