//! How nodes begin and end, and what becomes of their pipes and children.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::bench::{Case, check, check_one, echo, node, run};
use super::processes::{lives, numbers_in_log, signal};

/// The run breaks off, and n0 is to blame.
fn broken() -> Case {
    echo().exits(255)
}

#[test]
fn a_node_that_does_not_start_breaks_the_run_off() {
    check([
        broken().node("not-executable.sh").says(["cannot start"]),
        // A shell reads a script without a first line of its own, as on the JVM.
        echo().node("no-shebang.sh"),
    ]);
}

#[test]
fn a_node_that_does_not_answer_init_rightly_breaks_the_run_off() {
    let late = "the run broke off: node n0 did not answer init within 10 s";
    let wrong = "the run broke off: node n0 did not answer init with \"init_ok\" but with ";
    let answers = |body: &str| {
        broken()
            .steps([format!("init:{body}")])
            .says([wrong, &body[..10]])
    };
    check([
        answers(r#"{"type":"error","code":11,"text":"not now"}"#).says(["not now"]),
        answers(r#"{"type":"ok"}"#),
        answers(r#"{"kind":"init_ok"}"#),
        answers(r#"{"type":["init_ok"]}"#),
        broken().steps(["init:silence"]).says([late]),
        broken().steps(["init:sleep 30"]).says([late]),
        broken().node("deaf.sh").steps(["never"]).says([late]),
        broken()
            .steps(["init:line hello"])
            .says([late, "node n0, at ", "it printed: hello"]),
        // It need not hurry, and more fields than the type are its own affair.
        echo().steps(["init:sleep 1.5"]),
        echo().steps([r#"init:{"type":"init_ok","version":"1.0"}"#]),
    ]);
}

/// Whether the client that asked has gone by then is a race, in Maelstrom too.
#[test]
fn a_node_that_answers_init_twice_is_lucky_or_silenced() {
    for run in run(&[echo().steps(["init:ok", "init:ok"])]) {
        let says = "it answered client c0, which had timed out and left";
        let silenced = run.code == Some(1) && run.text.contains(says);
        run.demand(silenced || run.code == Some(0), "it is lucky or silenced");
    }
}

#[test]
fn a_node_that_ends_breaks_the_run_off_whatever_its_status() {
    let dies = |steps: &[&'static str], status: &str| {
        let ended = format!("it ended before the test did ({status}");
        broken()
            .steps(steps.iter().copied())
            .says(["node n0, at ", &ended])
    };
    let early = |how: &'static str, status: &str| {
        let ended = format!("it ended before the test did ({status}");
        let words = "\n    stderr: no such file: settings.toml\n";
        broken()
            .node("dies.sh")
            .steps([how])
            .says(["node n0, at 0.00 s", &ended, words])
    };
    let runs = check([
        early("0", "exit status: 0"),
        early("3", "exit status: 3"),
        early("killed", "signal: 9"),
        dies(&["init:exit 0"], "exit status: 0"),
        dies(&["init:exit 3"], "exit status: 3"),
        dies(&["exit 0"], "exit status: 0"),
        dies(&["exit 3"], "exit status: 3"),
        dies(&["ok", "ok", "ok", "exit 3"], "exit status: 3"),
        broken()
            .flags("--node-count 2")
            .steps(["n1:ok", "n1:exit 4"])
            .says(["node n1, at"]),
    ]);
    for run in runs {
        let told = run.text.matches("it ended before the test did").count();
        run.demand(told == 1, "a death is told once");
        run.demand(!run.text.contains("echo: "), "there is no verdict");
    }
}

#[test]
fn a_nodes_own_child_is_not_waited_for_and_a_node_that_is_left_alone_may_end() {
    let parent = || echo().node("parent.sh");
    // A death that the pipes do not show is found at the end.
    let ended = [
        "node n0, at ",
        "it ended before the test did (exit status: 2)",
    ];
    let left_alone = || echo().flags("--leave-db-running");
    let runs = check([
        parent(),
        parent().steps(["ok", "exit 2"]).exits(255).says(ended),
        left_alone()
            .steps(["ok", "exit 3"])
            .says(["1 ok, 0 failed, 1 unknown"]),
        left_alone()
            .steps(["exit 0"])
            .exits(1)
            .says(["no echo was ever ok"]),
    ]);
    for run in runs.iter().take(2) {
        let child = numbers_in_log(run, "n0", "child ")[0];
        run.demand(lives(child), "the child still held the pipes");
        signal(child, "KILL");
    }
}

#[test]
fn no_node_outlives_its_test_unless_that_is_asked_for() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("still here");
    let stays = || echo().node("stays.sh").steps([file.to_str().unwrap()]);
    let Some(run) = check_one(stays()) else {
        return;
    };
    run.demand(
        !lives(numbers_in_log(&run, "n0", "process ")[0]),
        "the node was not ended",
    );
    assert!(!file.exists());

    check_one(stays().flags("--leave-db-running"));
    let start = Instant::now();
    while !file.exists() && start.elapsed() < Duration::from_secs(20) {
        sleep(Duration::from_millis(20));
    }
    assert!(file.exists(), "the node was ended");
}

#[test]
fn a_program_may_have_any_name() {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("it's \"my\" $HOME; nodes");
    fs::create_dir(&folder).unwrap();
    let program = folder.join("nœud d'écho.py");
    // Copied by another process: who has just written a file may be told that it is in use.
    let copy = Command::new("cp")
        .arg(node("scripted.py"))
        .arg(&program)
        .status()
        .unwrap();
    assert!(copy.success());
    let program: &'static str = program.to_str().unwrap().to_owned().leak();
    let says = ["'\\''s \"my\" $HOME; nodes/n"];
    check_one(
        echo()
            .node(program)
            .steps([r#"{"type":"echo_ok","echo":0}"#])
            .exits(1)
            .says(says),
    );
}
