//! The bench without disk, permission, files, or memory: a verdict that is known is printed, what cannot be
//! kept is said, and what is there is whole.

mod disk;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::bench::{clean_env, echo, node, python, run, text};
use disk::skip;

const BENCH: &str = env!("CARGO_BIN_EXE_workbench");

/// Runs a shell script, in which `$BENCH` is the bench and `$STORE` a folder that does not exist yet.
fn script(script: &str) -> Output {
    let folder = TempDir::new().unwrap();
    let mut sh = clean_env(Command::new("sh"));
    sh.args(["-c", script])
        .env("BENCH", BENCH)
        .env("STORE", folder.path().join("store"))
        .env("NODE", node("scripted.py"));
    sh.output().unwrap()
}

#[track_caller]
fn assert_fails(output: &Output, texts: &[&str]) {
    let text = text(output);
    assert_eq!(output.status.code(), Some(255), "{text}");
    for expected in texts {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
}

const SIMULATED: &str = "challenge echo --simulate --seed 1 --store";

#[test]
fn a_store_that_cannot_be_a_folder_is_named_before_the_run() {
    let output = script(&format!("touch $STORE; exec $BENCH {SIMULATED} $STORE"));
    assert_fails(
        &output,
        &[
            "error: cannot create a folder for the run in ",
            "/store/echo: Not a directory (os error 20); a part of this path is a file: choose another",
        ],
    );
}

#[test]
fn a_store_in_which_this_user_may_not_write_is_named_before_the_run() {
    let folder = TempDir::new().unwrap();
    let may = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    may(0o555);
    // Root may write everywhere, so that it becomes another user, if that one can execute the bench.
    let become_other = "[ $(id -u) != 0 ] || set -- setpriv --reuid=65534 --clear-groups";
    let store = folder.path().join("store");
    let script = format!(
        "{become_other}; exec \"$@\" $BENCH {SIMULATED} {}",
        store.display()
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .env("BENCH", BENCH)
        .output()
        .unwrap();
    may(0o755);
    if matches!(output.status.code(), Some(126 | 127)) {
        return skip(&format!(
            "another user cannot execute {BENCH}: {}",
            text(&output)
        ));
    }
    assert_fails(
        &output,
        &[
            "/store/echo: Permission denied (os error 13); choose a folder in which this user may write",
        ],
    );
}

#[test]
fn a_store_that_is_removed_during_the_run_costs_no_verdict() {
    let store = TempDir::new().unwrap();
    let path = store.path().to_string_lossy().into_owned();
    let removed = echo()
        .node("removes.sh")
        .flags(&format!("--store {path}"))
        .steps([path]);
    let texts = [
        "was not kept: cannot write",
        "its folder was removed",
        "\necho: valid",
    ];
    for run in run(&[removed]) {
        assert_eq!(run.code, Some(255), "{}", run.text);
        for text in texts {
            assert!(run.text.contains(text), "{text:?} is not in:\n{}", run.text);
        }
        assert!(!run.text.contains("looks good"), "{}", run.text);
    }
}

#[test]
fn benches_of_two_containers_share_a_store() {
    let store = TempDir::new().unwrap();
    // Both have the same process id.
    let bench = "unshare -rp --fork $BENCH challenge echo --simulate --runs 20 -q --store $STORE";
    let script = format!("{bench} & one=$!; {bench} && wait $one");
    let mut sh = clean_env(Command::new("sh"));
    sh.args(["-c", &script])
        .env("BENCH", BENCH)
        .env("STORE", store.path());
    let output = sh.output().unwrap();
    let text = text(&output);
    if text.contains("unshare: ") {
        return skip(&format!("there are no namespaces of processes: {text}"));
    }
    assert!(output.status.success(), "{text}");
    let runs = fs::read_dir(store.path().join("echo")).unwrap();
    let is_whole = |run: &std::path::Path| run.join("summary.json").exists() && !run.is_symlink();
    let whole = runs
        .filter(|it| is_whole(&it.as_ref().unwrap().path()))
        .count();
    assert_eq!(whole, 40, "{text}");
    assert!(store.path().join("latest/summary.json").exists());
    assert!(store.path().join("echo/latest/summary.json").exists());
}

#[test]
fn too_few_files_are_named_with_their_limit_and_no_node_is_left() {
    if python().is_none() {
        return;
    }
    let live = "test -w echo --bin $NODE --time-limit 1 --store $STORE";
    for (limit, reason) in [
        (
            40,
            "25 nodes need 125 open files, but this process may have 40: raise the hard limit",
        ),
        (
            128,
            "Too many open files (os error 24); this process may have 128 files open: raise that",
        ),
    ] {
        let mark = format!("mark-{}-{limit}", std::process::id());
        let output = script(&format!(
            "ulimit -n {limit}; $BENCH {live} --node-count 25 -- 'say {mark}'"
        ));
        assert_fails(&output, &[reason, "ulimit -"]);
        let left = Command::new("pgrep")
            .args(["-f", &format!("say {mark}")])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&left.stdout), "");
    }
    // A soft limit is no obstacle.
    let output = script(&format!(
        "ulimit -Sn 40; $BENCH {live} --node-count 12 -- 'ok'"
    ));
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn a_line_of_a_gigabyte_does_not_fill_the_memory() {
    if python().is_none() {
        return;
    }
    for (kind, expected) in [
        (
            "stdout-line",
            "it printed a line of more than 64 MiB; everything that it prints after this",
        ),
        (
            "stderr-line",
            "it ended before the test did (exit status: 0)",
        ),
    ] {
        let node = node("floods.py");
        let test = format!(
            "exec $BENCH test -w echo --bin {} --store $STORE",
            node.display()
        );
        // The run ends with the node.
        let flags = "--node-count 1 --rate 20 --time-limit 60";
        let output = script(&format!("ulimit -v 800000; {test} {flags} -- {kind}"));
        let text = text(&output);
        assert!(text.contains(expected), "{text}");
        assert_eq!(output.status.code(), Some(255), "{text}");
    }
}
