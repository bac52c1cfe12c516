//! Tests, challenges and storms of programs.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn workbench(words: &[&str]) -> Output {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_workbench"));
    bench.args(words).output().unwrap()
}

fn text(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn example(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    folder.join(name)
}

/// Writes a script into a folder, as a program.
fn executable(folder: &TempDir, script: &str) -> PathBuf {
    let node = folder.path().join("node");
    fs::write(&node, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&node, mode).unwrap();
    node
}

/// Runs a command with a store of its own; returns the exit status and what was printed.
fn run(folder: &TempDir, command: &str, bin: &Path, flags: &str) -> (Option<i32>, String) {
    let store = folder.path().join("store");
    let mut words: Vec<&str> = command.split(' ').collect();
    words.extend(["--store", store.to_str().unwrap(), "--bin"]);
    words.push(bin.to_str().unwrap());
    words.extend(flags.split_whitespace());
    let output = workbench(&words);
    (output.status.code(), text(&output))
}

#[test]
fn a_simulated_program_repeats_and_is_judged_by_the_official_budgets() {
    let folder = TempDir::new().unwrap();
    let flags = "--simulate --seed 3 --repeat 2";
    let (status, printed) = run(&folder, "challenge echo", &example("echo.sh"), flags);
    assert_eq!(status, Some(0), "{printed}");
    for expected in [
        "simulated, seed 3",
        "2 runs of this seed have equal histories",
        "official",
    ] {
        assert!(printed.contains(expected), "no {expected:?} in {printed}");
    }
}

#[test]
fn stderr_is_logged_with_the_virtual_time_of_each_line() {
    let folder = TempDir::new().unwrap();
    // It has the id of init, and then ends.
    let script = "#!/bin/sh\nread line\nsleep 2\necho oops >&2\nexit 3\n";
    let node = executable(&folder, script);
    let flags = "-w echo --node-count 1 --simulate --seed 1";
    let (status, printed) = run(&folder, "test", &node, flags);
    assert_eq!(status, Some(255), "{printed}");
    for expected in [
        "it ended before the test did (exit status: 3)",
        "stderr: oops",
        "again:",
    ] {
        assert!(printed.contains(expected), "no {expected:?} in {printed}");
    }
    let log = folder.path().join("store/latest/node-logs/n0.log");
    assert_eq!(fs::read_to_string(log).unwrap(), "start oops\n");
}

#[test]
fn a_storm_finds_a_bug_of_another_program_and_says_how_to_repeat_it() {
    let folder = TempDir::new().unwrap();
    // Ids are unique only if the cluster has one node.
    let script = r#"#!/usr/bin/env python3
import json, sys
for number, line in enumerate(sys.stdin):
    message = json.loads(line)
    body = message["body"]
    answer = {"type": body["type"] + "_ok", "in_reply_to": body["msg_id"], "id": number}
    if body["type"] == "init":
        name = body["node_id"]
        del answer["id"]
    print(json.dumps({"src": name, "dest": message["src"], "body": answer}), flush=True)
"#;
    let node = executable(&folder, script);
    let flags = "--seeds 0..8 --shrink --shrink-runs 64 --time-limit 5";
    let (status, printed) = run(&folder, "storm unique-ids", &node, flags);
    assert_eq!(status, Some(1), "{printed}");
    for expected in ["was returned 2 times", "again: ", "the smallest of", "n0"] {
        assert!(printed.contains(expected), "no {expected:?} in {printed}");
    }
    let again = printed
        .lines()
        .find_map(|line| line.strip_prefix("again: "));
    let again: Vec<&str> = again.unwrap().split(' ').collect();
    let first = again.iter().position(|word| *word == "storm").unwrap();
    let store = folder.path().join("store");
    let again = [&again[first..], &["--store", store.to_str().unwrap()]].concat();
    let output = workbench(&again);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
}

#[test]
fn what_a_simulation_cannot_do_is_refused() {
    for (words, expected) in [
        ("storm -w echo", "storm -w needs --bin"),
        ("storm -w echo echo --bin /bin/cat", "not for storm"),
        (
            "test -w echo --bin /bin/cat --simulate --log-stderr",
            "cannot be used with",
        ),
        ("test -w echo --bin /bin/cat --repeat 2", "--simulate"),
        ("storm echo --faults kill", "--bin"),
        ("storm echo --stop-at 1", "need one seed"),
    ] {
        let output = workbench(&words.split(' ').collect::<Vec<_>>());
        let printed = text(&output);
        assert_eq!(output.status.code(), Some(254), "{words}: {printed}");
        assert!(printed.contains(expected), "{words}: {printed}");
    }
}

#[test]
fn a_stopped_simulation_shows_and_dumps_its_nodes_and_goes_on() {
    let folder = TempDir::new().unwrap();
    let dumps = folder.path().join("dumps");
    let flags = format!(
        "-w echo --node-count 2 --time-limit 3 --simulate --seed 1 --stop-at 1.5 --dump {}",
        dumps.display()
    );
    let (status, printed) = run(&folder, "test", &example("echo.sh"), &flags);
    assert_eq!(status, Some(0), "{printed}");
    for expected in [
        "stopped at 1.5",
        "waits in read() for file 0 to be readable",
        "its last input:",
        "\"type\":\"echo\"",
        "echo: valid",
    ] {
        assert!(printed.contains(expected), "no {expected:?} in {printed}");
    }
    let mut cores = 0;
    for file in fs::read_dir(dumps).unwrap() {
        let core = fs::read(file.unwrap().path()).unwrap();
        // An ELF file, of the type of core files.
        assert_eq!((&core[..4], core[16]), (&b"\x7fELF"[..], 4));
        cores += 1;
    }
    assert_eq!(cores, 2);
}

#[test]
fn debuggers_can_attach_to_the_nodes_of_a_stopped_storm() {
    let folder = TempDir::new().unwrap();
    let words = "storm -w echo --seeds 1 --node-count 2 --stop-at 0.5 --store";
    let mut bench = Command::new(env!("CARGO_BIN_EXE_workbench"))
        .args(words.split(' '))
        .arg(folder.path())
        .arg("--bin")
        .arg(example("echo.sh"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = bench.stdin.take().unwrap();
    stdin.write_all(b"release\n").unwrap();
    let lines = BufReader::new(bench.stderr.take().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    lines.find(|line| line.starts_with("attach with")).unwrap();
    for _ in 0..2 {
        let line = lines.next().unwrap();
        let id = line.split_whitespace().next().unwrap();
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        assert!(status.contains("TracerPid:\t0\n"), "{status}");
        assert!(status.contains("State:\tT (stopped)\n"), "{status}");
    }
    drop(stdin);
    assert_eq!(bench.wait().unwrap().code(), Some(1));
}

#[test]
fn our_own_nodes_show_their_state_and_what_changes_in_it() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    let words = "challenge broadcast-3b --simulate --seed 1 --stop-at op:9 --watch n3 --store";
    let words: Vec<&str> = words.split(' ').chain(store.to_str()).collect();
    let output = workbench(&words);
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    for expected in ["stopped at", "Broadcast {", " n3:\n", "  + "] {
        assert!(printed.contains(expected), "no {expected:?} in {printed}");
    }
}
