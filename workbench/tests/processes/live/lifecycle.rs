//! Start and end of nodes, their pipes and their children.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::bench::{Case, check, check_one, echo, node, run};
use super::processes::{ends, is_alive, pids_in_log};

/// The run is aborted because of n0.
fn aborted() -> Case {
    echo().exits(255)
}

#[test]
fn a_node_that_does_not_start_aborts_the_run() {
    check([
        aborted().node("not-executable.sh").prints(["cannot start"]),
        // A script without a shebang line is run by a shell, as on the JVM.
        echo().node("no-shebang.sh"),
    ]);
}

#[test]
fn a_wrong_or_missing_reply_to_init_aborts_the_run() {
    let late = "the run was aborted: node n0 did not answer init within 10 s";
    let wrong = "the run was aborted: node n0 did not answer init with \"init_ok\" but with ";
    let replies = |body: &str| {
        aborted()
            .steps([format!("init:{body}")])
            .prints([wrong, &body[..10]])
    };
    check([
        replies(r#"{"type":"error","code":11,"text":"not now"}"#).prints(["not now"]),
        replies(r#"{"type":"ok"}"#),
        replies(r#"{"kind":"init_ok"}"#),
        replies(r#"{"type":["init_ok"]}"#),
        aborted().steps(["init:silence"]).prints([late]),
        aborted().steps(["init:sleep 30"]).prints([late]),
        aborted()
            .node("closes-stdin.sh")
            .steps(["never"])
            .prints([late]),
        aborted()
            .steps(["init:line hello"])
            .prints([late, "node n0, at ", "it printed: hello"]),
        // A slow reply is allowed, and so are more fields.
        echo().steps(["init:sleep 1.5"]),
        echo().steps([r#"init:{"type":"init_ok","version":"1.0"}"#]),
    ]);
}

/// Whether the client has gone before the second reply is a race, in Maelstrom too.
#[test]
fn a_second_reply_to_init_may_silence_the_node() {
    for run in run(&[echo().steps(["init:ok", "init:ok"])]) {
        let finding = "it answered client c0, which had timed out and left";
        let silenced = run.code == Some(1) && run.text.contains(finding);
        run.assert(silenced || run.code == Some(0), "it is valid or silenced");
    }
}

#[test]
fn a_node_that_exits_aborts_the_run_whatever_its_status() {
    let dies = |steps: &[&'static str], status: &str| {
        let ended = format!("it ended before the test did ({status}");
        aborted()
            .steps(steps.iter().copied())
            .prints(["node n0, at ", &ended])
    };
    let early = |how: &'static str, status: &str| {
        let ended = format!("it ended before the test did ({status}");
        let stderr = "\n    stderr: no such file: settings.toml\n";
        aborted().node("exits-at-once.sh").steps([how]).prints([
            "node n0, at 0.00 s",
            &ended,
            stderr,
        ])
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
        aborted()
            .flags("--node-count 2")
            .steps(["n1:ok", "n1:exit 4"])
            .prints(["node n1, at"]),
    ]);
    for run in runs {
        let reports = run.text.matches("it ended before the test did").count();
        run.assert(reports == 1, "an exit is reported once");
        run.assert(!run.text.contains("echo: "), "there is no verdict");
    }
}

#[test]
fn children_of_nodes_end_with_them_and_nodes_left_running_may_exit() {
    let parent = || echo().node("parent.sh");
    // An exit that the pipes do not show is found at the end.
    let ended = [
        "node n0, at ",
        "it ended before the test did (exit status: 2)",
    ];
    let left_running = || echo().flags("--leave-db-running");
    let runs = check([
        parent(),
        parent().steps(["ok", "exit 2"]).exits(255).prints(ended),
        left_running()
            .steps(["ok", "exit 3"])
            .prints(["1 ok, 0 failed, 1 indeterminate"]),
        left_running()
            .steps(["exit 0"])
            .exits(1)
            .prints(["no echo succeeded"]),
    ]);
    for run in runs.iter().take(2) {
        let child = pids_in_log(run, "n0", "child ")[0];
        run.assert(ends(child), "the child ends with the node");
    }
}

#[test]
fn no_node_outlives_its_test_unless_it_is_left_running() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("still here");
    let ignores_eof = || {
        echo()
            .node("ignores-eof.sh")
            .steps([file.to_str().unwrap()])
    };
    let Some(run) = check_one(ignores_eof()) else {
        return;
    };
    run.assert(
        !is_alive(pids_in_log(&run, "n0", "process ")[0]),
        "the node was stopped",
    );
    assert!(!file.exists());

    check_one(ignores_eof().flags("--leave-db-running"));
    let start = Instant::now();
    while !file.exists() && start.elapsed() < Duration::from_secs(20) {
        sleep(Duration::from_millis(20));
    }
    assert!(file.exists(), "the node was stopped");
}

#[test]
fn a_program_may_have_any_name() {
    let folder = TempDir::new().unwrap();
    let nodes = folder.path().join("it's \"my\" $HOME; nodes");
    fs::create_dir(&nodes).unwrap();
    let program = nodes.join("nœud d'écho.py");
    // Another process copies it: a file just written by this one may be busy and not executable.
    let copy = Command::new("cp")
        .arg(node("scripted.py"))
        .arg(&program)
        .status()
        .unwrap();
    assert!(copy.success());
    let program: &'static str = program.to_str().unwrap().to_owned().leak();
    let quoted = ["'\\''s \"my\" $HOME; nodes/n"];
    check_one(
        echo()
            .node(program)
            .steps([r#"{"type":"echo_ok","echo":0}"#])
            .exits(1)
            .prints(quoted),
    );
}
