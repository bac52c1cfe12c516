//! How an outcome is told: to a person who wants colours or quiet, and to a machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use quick_junit::Report;
use serde_json::Value;
use tempfile::TempDir;

use super::bench::{alone, check_one, echo, node, text, workbench, workbench_amid};

pub(super) const ESCAPE: char = '\u{1b}';

/// A node that says what no text may do anything with, and ends.
pub(super) const RUDE: [&str; 2] = [r"say \x1b[31m]]>|100%<b>::error::x,\x07\x00", "exit 3"];

/// A node whose answers are wrong, and as rude.
pub(super) const WRONG: [&str; 1] = [r#"{"type":"echo_ok","echo":"]]>|100%<b>\n::error::x,"}"#];

/// A place for what is kept and written.
pub(super) struct Desk(TempDir);

impl Desk {
    pub(super) fn new() -> Self {
        Desk(TempDir::new().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The bench with these words, of which FILE is a file here.
    pub(super) fn bench(&self, surroundings: &[(&str, &str)], words: &str) -> Output {
        let file = self.path("file").display().to_string();
        let words = words.split_whitespace();
        let words = words.map(|word| word.replace("FILE", &file));
        let store = [
            "--store".to_owned(),
            self.path("store").display().to_string(),
        ];
        workbench_amid(surroundings, &words.chain(store).collect::<Vec<_>>())
    }

    /// The bench on a node that takes these steps.
    pub(super) fn test(
        &self,
        surroundings: &[(&str, &str)],
        steps: &[&str],
        flags: &str,
    ) -> Output {
        let node = node("scripted.py");
        let mut words: Vec<String> = ["test", "-w", "echo", "--node-count", "1", "--rate", "50"]
            .map(str::to_owned)
            .into();
        let flags = flags.replace("FILE", &self.path("file").display().to_string());
        words.extend([
            "--time-limit".to_owned(),
            "1".to_owned(),
            "--bin".to_owned(),
        ]);
        words.push(node.display().to_string());
        words.extend([
            "--store".to_owned(),
            self.path("store").display().to_string(),
        ]);
        words.extend(flags.split_whitespace().map(str::to_owned));
        words.push("--".to_owned());
        words.extend(steps.iter().map(|step| (*step).to_owned()));
        workbench_amid(surroundings, &words)
    }
}

pub(super) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(super) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
pub(super) fn ends(output: &Output, exit: i32) -> String {
    let text = text(output);
    assert_eq!(output.status.code(), Some(exit), "{text}");
    text
}

/// Nothing without Python, as all that needs nodes.
pub(super) fn has_python() -> bool {
    check_one(echo()).is_some()
}

#[test]
fn a_machine_reads_one_document_with_all_figures_and_a_person_reads_stderr() {
    let desk = Desk::new();
    let words = "challenge echo broadcast-3d --simulate --seed 3 --runs 2 --json";
    let output = desk.bench(&[], words);
    ends(&output, 0);
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
    assert!(String::from_utf8_lossy(&output.stderr).contains("what must hold"));
}

#[test]
fn what_cannot_begin_is_told_to_machines_too() {
    let desk = Desk::new();
    let output = desk.bench(&[], "test -w echo --bin /no/such --json --junit FILE");
    ends(&output, 255);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["exit-status"], 255);
    assert!(document["error"].as_str().unwrap().contains("/no/such"));
    let report = Report::deserialize_from_str(&desk.read("file")).unwrap();
    assert_eq!((report.tests, report.errors), (1, 1));
}

#[test]
fn what_fails_is_a_document_for_machines_whatever_it_is() {
    let desk = Desk::new();
    let nowhere = desk.path("no/such/file").display().to_string();
    for (words, exit, has_tests, why) in [
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
        let file = desk.path("file").display().to_string();
        let words = words.replace("FILE", &file).replace("NOWHERE", &nowhere);
        let output = workbench(&words.split(' ').collect::<Vec<_>>());
        let text = ends(&output, exit);
        let document: Value = serde_json::from_slice(&output.stdout).expect(&text);
        assert_eq!(document["exit-status"], exit, "{text}");
        let error = document["error"].as_str().unwrap();
        assert!(error.contains(why) && error.lines().count() == 1, "{text}");
        assert_eq!(document["tests"].is_array(), has_tests, "{text}");
        assert_eq!(stderr(&output), format!("error: {error}\n"));
    }
}

#[test]
fn exit_statuses_stand_in_the_help_of_each_command() {
    for (command, words) in [
        ("test", "255 a run was aborted"),
        ("check", "255 the history cannot be read"),
        ("challenge", "or a budget missed"),
        ("storm", "255 a run was aborted"),
        ("merge", "255 a run was aborted"),
        ("sweep", "within the budgets or not"),
    ] {
        let text = ends(&workbench(&[command, "--help"]), 0);
        assert!(
            text.contains("Exit status: ") && text.contains(words),
            "{text}"
        );
    }
}

#[test]
fn who_wants_quiet_hears_the_verdict_and_failures_alone() {
    let desk = Desk::new();
    let quiet = desk.bench(&[], "challenge kafka-5c --simulate --seed 3 --quiet");
    let part = |part| format!("kafka-5c, part {part} of 2: passed (seed 3)\n");
    assert_eq!(ends(&quiet, 0), part(1) + &part(2));
    let quiet = desk.bench(&[], "challenge echo --simulate --seed 3 --quiet");
    assert_eq!(ends(&quiet, 0), "echo: passed (seed 3)\n");
    let quiet = desk.bench(&[], "storm echo --seeds 0..3 --time-limit 1 -q");
    assert_eq!(ends(&quiet, 0), "echo: 3 of 3 valid\n");
    let latest = desk.path("store/latest").display().to_string();
    let quiet = workbench(&["check", &latest, "--quiet"]);
    assert_eq!(ends(&quiet, 0), "echo: valid\n");
    if has_python() {
        let quiet = desk.test(&[], &["ok"], "--seed 3 --quiet");
        assert_eq!(ends(&quiet, 0), "echo: valid (seed 3)\n");
        let loud = ends(&desk.test(&[], &RUDE, "--seed 3 --quiet"), 255);
        for words in ["stderr: ", "the run broke off", "node-logs", "again: "] {
            assert!(loud.contains(words), "no {words:?} in {loud}");
        }
        assert!(!loud.contains([ESCAPE, '\u{7}', '\0']), "{loud:?}");
    }
}

#[test]
fn colours_are_for_those_who_want_them() {
    let desk = Desk::new();
    let plain = ends(&desk.bench(&[], "challenge echo --simulate --seed 3"), 0);
    assert!(!plain.contains(ESCAPE), "{plain:?}");
    for (surroundings, flags, is_coloured) in [
        (&[][..], "--color always", true),
        (&[("NO_COLOR", "1")], "--color=always", true),
        (&[("CLICOLOR_FORCE", "1")], "", true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], "", false),
        (&[("CLICOLOR_FORCE", "1")], "--color never", false),
    ] {
        for words in [
            "challenge echo --simulate --seed 3",
            "challenge tango",
            "--help",
        ] {
            let output = desk.bench(surroundings, &format!("{words} {flags}"));
            let text = text(&output);
            let case = format!("{surroundings:?} {words} {flags}\n{text:?}");
            assert_eq!(text.contains(ESCAPE), is_coloured, "{case}");
        }
    }
    let output = desk.bench(
        &[],
        "challenge echo --simulate --seed 3 --json --color always",
    );
    assert!(
        !stdout(&output).contains(ESCAPE),
        "machines have no use for colours"
    );
}

#[test]
fn shells_and_man_have_what_they_need() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = ends(&workbench(&["completions", shell]), 0);
        assert!(
            script.contains("workbench") && script.contains("nemesis"),
            "{shell}"
        );
    }
    let page = ends(&workbench(&["man"]), 0);
    assert!(page.contains(".TH workbench 1"), "{page}");
    let desk = Desk::new();
    ends(&workbench(&["man", desk.path("man").to_str().unwrap()]), 0);
    let page = desk.read("man/workbench-test.1");
    assert!(page.contains("nemesis\\-interval"), "{page}");
    for words in [&["completions", "bash"][..], &["man"], &["doc"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = alone(Command::new(env!("CARGO_BIN_EXE_workbench")));
        let command = command.args(words).stdout(writer).stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(ends(&output, 0), "", "{words:?}");
    }
}

#[test]
fn what_is_almost_a_name_suggests_it() {
    for (words, meant) in [
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
        let words: Vec<&str> = words.split(' ').collect();
        let text = ends(&workbench(&words), 254);
        assert!(text.contains(meant), "no {meant} from {words:?}\n{text}");
    }
}
