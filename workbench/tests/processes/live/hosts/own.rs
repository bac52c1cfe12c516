//! Templates of one's own, and programs that stand in for docker, podman, kubectl and srun.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{Bench, SCRIPTED, assert_output};
use crate::live::bench::{clean_env, node, python};

#[test]
fn a_template_starts_nodes_and_its_signals_reach_them() {
    if python().is_none() {
        return;
    }
    let bench = Bench::new();
    let folder = bench.folder.path().display();
    let start = format!("sh -c 'echo $$ {{host}} {{index}} >{folder}/{{node}}; exec {{command}}'");
    let signal = format!("sh -c 'read pid rest <{folder}/{{node}}; kill -{{signal}} $pid'");
    let own = format!("--node-count 3 --hosts x,y --launch \"{start}\"");
    let faults = "--nemesis kill,pause --nemesis-interval 0.3 --time-limit 2";
    bench.check(SCRIPTED, &own, 0, &["round trips: x ", ", y "]);
    let written = |name: &str| fs::read_to_string(bench.folder.path().join(name)).unwrap();
    assert!(written("n2").ends_with(" x 2\n") && written("n1").ends_with(" y 1\n"));
    let test: serde_json::Value = serde_json::from_str(&bench.read("test.json")).unwrap();
    assert_eq!(test["hosts"][0]["nodes"], serde_json::json!(["n0", "n2"]));

    let flags = format!("{own} {faults} --signal-command \"{signal}\"");
    bench.check(SCRIPTED, &flags, 0, &["valid"]);
    let history = bench.read("history.txt");
    assert!(history.contains("start-kill") && history.contains("start-pause"));

    let needs = "need a way to signal nodes";
    bench.check(SCRIPTED, &format!("{own} {faults}"), 255, &[needs]);
    let failing = format!("{own} {faults} --signal-command 'false {{signal}}'");
    let reason = "the signal command failed: false ";
    bench.check(SCRIPTED, &failing, 255, &[reason, "the run was aborted"]);
    // A kill that does not happen must not be in a valid history.
    let harmless = "--node-count 2 --launch \"sh -c '{command}; sleep 30'\" --time-limit 3 \
                    --nemesis kill --nemesis-interval 0.3 --signal-command 'true {signal}'";
    let reason = "the command for signals did not end n";
    bench.check(SCRIPTED, harmless, 255, &[reason]);
}

#[test]
fn a_template_without_hosts_starts_nodes_as_its_command_line_says() {
    if python().is_none() {
        return;
    }
    let bench = Bench::new();
    for template in [
        "env {command}",
        "sh -c {command}",
        "sh -c 'exec {command} # {node}'",
    ] {
        let flags = format!("--node-count 2 --launch \"{template}\" -- 'say a  b' ok");
        bench.check(SCRIPTED, &flags, 0, &["valid"]);
        // Arguments stay whole.
        assert!(
            bench.read("node-logs/n1.log").contains("a  b"),
            "{template}"
        );
    }
}

#[test]
fn a_challenge_on_hosts_is_repeated_there() {
    let bench = Bench::new();
    let mut command = clean_env(Command::new(env!("CARGO_BIN_EXE_workbench")));
    command.args(["challenge", "echo", "--launch", "env {command}", "--bin"]);
    command
        .arg(node("exits-at-once.sh"))
        .arg("--store")
        .arg(bench.folder.path());
    let output = command.output().unwrap();
    let again = " --launch 'env {command}'\n";
    assert_output(&output, 255, &["connecting to localhost", again]);
}

#[test]
fn bad_flags_about_hosts_exit_with_254_and_a_reason() {
    let bench = Bench::new();
    for (flags, reason) in [
        ("--launch ssh", "this --launch needs hosts"),
        ("--launch 'x {host} {command}'", "this --launch needs hosts"),
        (
            "--launch 'rsh a'",
            "is not one of ssh, docker, podman, kubectl, srun",
        ),
        (
            "--launch 'x {hosts} {command}'",
            "{hosts}, but there are only",
        ),
        ("--hosts a,-oProxyCommand=x", "expected a host's name"),
        ("--hosts a --no-ssh", "--no-ssh contradicts --hosts"),
        ("--hosts a --simulate", "cannot be used with"),
        (
            "--hosts a --launch ssh --signal-command 'kill {signal}'",
            "of your own",
        ),
        ("--launch '{command}' --copy x", "which copies nothing"),
        ("--hosts a --copy /no/such/file", "there is no such file"),
        ("--hosts-file /dev/null", "/dev/null names no host"),
        ("--hosts a --copy x --no-copy", "cannot be used with"),
    ] {
        bench.check(SCRIPTED, flags, 254, &[reason]);
    }
    bench.check(
        SCRIPTED,
        "--hosts-file /no/such/file",
        255,
        &["/no/such/file"],
    );
    let flags = "--hosts a --launch 'nossuchtool {command}'";
    let reason = "there is no nossuchtool on PATH here: install it";
    bench.check(SCRIPTED, flags, 255, &[reason]);
}

/// The stand-in notes its words, and runs those from `sh` on: here.
const STAND_IN: &str = r#"#!/bin/sh
words=
while [ "$1" != sh ]; do words="$words $1"; shift; done
echo "${0##*/}$words" >>"${0%/*}/calls"
exec "$@"
"#;

#[test]
fn known_tools_are_called_as_they_expect_and_nodes_can_be_killed() {
    if python().is_none() {
        return;
    }
    for (launch, call) in [
        ("docker", "docker exec -i y"),
        ("podman --remote", "podman exec -i --remote y"),
        ("kubectl -n test", "kubectl exec -i -n test y --"),
        (
            "srun",
            "srun --overlap --nodes=1 --ntasks=1 --unbuffered --nodelist=y",
        ),
    ] {
        let bench = Bench::new();
        let folder = bench.folder.path();
        let tool = folder.join(launch.split(' ').next().unwrap());
        fs::write(&tool, STAND_IN).unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        let temporary = folder.join("tmp");
        fs::create_dir(&temporary).unwrap();
        let flags = format!(
            "--node-count 3 --hosts x,y --launch '{launch}' --nemesis kill,pause \
             --nemesis-interval 0.3 --time-limit 2"
        );
        let mut command = bench.command(&node(SCRIPTED), &flags);
        let path = std::env::var_os("PATH").unwrap();
        let path = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(path).unwrap());
        command.env("TMPDIR", &temporary);
        let output = command.output().unwrap();
        assert_output(&output, 0, &["round trips: x ", "valid"]);
        let calls = fs::read_to_string(folder.join("calls")).unwrap();
        // The keeper, the copy, and the node.
        assert!(
            calls.lines().filter(|it| *it == call).count() >= 3,
            "{calls}"
        );
        assert!(bench.read("history.txt").contains("start-kill"));
        let left: Vec<_> = fs::read_dir(&temporary).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
