//! Disks that are full or read-only, and memory that is too small: what a run leaves then is compared with
//! the files of the same run without want.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::{BENCH, SIMULATED, assert_fails};
use crate::live::bench::{clean_env, node, python, text, workbench};

/// Says why a test was skipped. Not by `eprintln`, whose output is shown only if a test fails.
pub fn skip(why: &str) {
    let _ = writeln!(io::stderr(), "skipped a test of a starved bench: {why}");
}

/// Runs a script that may mount file systems, in a folder; none where that is impossible, which is said.
pub fn in_own_mounts(script: &str, folder: &Path) -> Option<Output> {
    let unshare = |script: &str| {
        let mut command = clean_env(Command::new("unshare"));
        command
            .args(["-rm", "sh", "-c", script])
            .current_dir(folder);
        command
            .env("BENCH", BENCH)
            .env("NODE", node("scripted.py"))
            .output()
    };
    match unshare("mkdir -p disk && mount -t tmpfs none disk") {
        Ok(probe) if probe.status.success() => Some(unshare(script).unwrap()),
        Ok(probe) => {
            skip(&format!("no file system can be mounted: {}", text(&probe)));
            None
        }
        Err(error) => {
            skip(&format!("there is no unshare: {error}"));
            None
        }
    }
}

/// The files below a folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(inner) = pending.pop() {
        for entry in fs::read_dir(&inner).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => pending.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap().to_owned();
                    found.insert(name, fs::read(&path).unwrap());
                }
            }
        }
    }
    found
}

/// The files of the only run in a store; none if it has no folder yet.
fn files_of_run(store: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let latest = fs::canonicalize(store.join("echo/latest"));
    latest.map(|run| files(&run)).unwrap_or_default()
}

/// A run that lacked something: its exit status, what it printed, and its files.
struct Starved {
    exit: i32,
    text: String,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

/// What a script has left for each amount: `AMOUNT.exit`, `AMOUNT.text`, and the store `AMOUNT`.
fn starved(folder: &Path, amounts: impl Iterator<Item = u32>) -> Vec<Starved> {
    let read = |amount: u32| {
        let file = |ending| fs::read(folder.join(format!("{amount}.{ending}"))).unwrap();
        Starved {
            exit: String::from_utf8(file("exit"))
                .unwrap()
                .trim()
                .parse()
                .unwrap(),
            text: String::from_utf8_lossy(&file("text")).into_owned(),
            files: files_of_run(&folder.join(amount.to_string())),
        }
    };
    amounts.map(read).collect()
}

/// Asserts of each run that its files are those of a run without want or are missing, and that it succeeds
/// only if none is missing.
#[track_caller]
fn assert_whole_or_absent(runs: &[Starved]) {
    let store = TempDir::new().unwrap();
    let mut arguments: Vec<&str> = SIMULATED.split(' ').collect();
    arguments.push(store.path().to_str().unwrap());
    assert!(workbench(&arguments).status.success());
    let whole = files_of_run(store.path());
    for Starved { exit, text, files } in runs {
        for (name, content) in files {
            let is_unfinished = name.to_string_lossy().starts_with('.');
            // The page's data are not always compressed in the same way.
            let is_whole = match name.ends_with("report.html") {
                true => content.ends_with(b"</html>"),
                false => whole.get(name) == Some(content),
            };
            assert!(
                is_whole || is_unfinished,
                "{} is not whole:\n{text}",
                name.display()
            );
        }
        assert_eq!(
            *exit == 0,
            files.len() == whole.len(),
            "exit status {exit}:\n{text}"
        );
    }
    let failed = runs.iter().filter(|it| it.exit != 0).count();
    assert!(
        (1..runs.len()).contains(&failed),
        "{failed} of {} failed",
        runs.len()
    );
}

#[test]
fn on_a_full_disk_every_file_is_whole_or_absent_and_a_known_verdict_is_printed() {
    // From one page to enough.
    let sizes = || (4..=240).step_by(4);
    let folder = TempDir::new().unwrap();
    let script = format!(
        "for size in $(seq 4 4 240); do \
           mount -t tmpfs -o size=${{size}}k none disk; \
           $BENCH {SIMULATED} disk >$size.text 2>&1; echo $? >$size.exit; \
           cp -a disk $size; umount disk; \
         done"
    );
    let Some(output) = in_own_mounts(&script, folder.path()) else {
        return;
    };
    assert!(output.status.success(), "{}", text(&output));
    let runs = starved(folder.path(), sizes());
    assert_whole_or_absent(&runs);
    for Starved { exit, text, files } in runs.iter().filter(|it| it.exit != 0) {
        assert_eq!(*exit, 255, "{text}");
        let expected = "No space left on device (os error 28); free some space there, or choose a folder on \
                        another disk";
        assert_eq!(text.matches(expected).count(), 1, "{text}");
        assert!(text.contains("valid ┆    valid"), "{text}");
        assert!(text.contains("\nnot kept; again: "), "{text}");
        assert!(
            files
                .keys()
                .all(|it| !it.to_string_lossy().starts_with('.')),
            "{text}"
        );
    }
}

#[test]
fn a_live_run_on_a_full_disk_ends_with_its_verdict_and_says_what_is_missing() {
    if python().is_none() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let script = "for size in 4 20 36; do \
                    (mkdir $size; mount -t tmpfs -o size=${size}k none $size; \
                    $BENCH test -w echo --bin $NODE --node-count 1 --time-limit 1 --rate 20 --store $size --junit \
                      $size.xml -- 'say hello' ok >$size.text 2>&1; \
                    echo $? >$size.exit; mkdir $size.kept; cp -a $size/. $size.kept) & \
                  done; wait";
    let Some(output) = in_own_mounts(script, folder.path()) else {
        return;
    };
    assert!(output.status.success(), "{}", text(&output));
    for size in [4, 20, 36] {
        let read = |ending: &str| {
            fs::read_to_string(folder.path().join(format!("{size}.{ending}"))).unwrap()
        };
        let text = read("text");
        assert_eq!(read("exit"), "255\n", "{text}");
        for expected in [
            "the run was not kept: ",
            "No space left on device",
            "\necho: valid (seed ",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
        }
        assert!(!text.contains("looks good"), "{text}");
        let junit = read("xml");
        assert!(junit.contains("the run was not kept: "), "{junit}");
        let kept =
            fs::canonicalize(folder.path().join(format!("{size}.kept/echo/latest"))).unwrap();
        for (name, content) in files(&kept) {
            if name.extension().is_some_and(|it| it == "json") {
                let parsed: Result<Value, _> = serde_json::from_slice(&content);
                assert!(parsed.is_ok(), "{} is not whole", name.display());
            }
        }
    }
}

#[test]
fn a_read_only_store_is_named_before_the_run() {
    let folder = TempDir::new().unwrap();
    let script = format!("mount -t tmpfs -o ro none disk; exec $BENCH {SIMULATED} disk");
    if let Some(output) = in_own_mounts(&script, folder.path()) {
        let expected = "disk/echo: Read-only file system (os error 30); choose a folder in which this user may";
        assert_fails(&output, &[expected]);
    }
}

#[test]
fn without_memory_a_bench_may_abort_but_its_files_are_whole_or_absent() {
    let folder = TempDir::new().unwrap();
    let script = format!(
        "cd $FOLDER; for size in $(seq 20000 2000 80000); do \
           (ulimit -v $size; $BENCH {SIMULATED} $size >$size.text 2>&1); echo $? >$size.exit; \
         done"
    );
    let mut sh = clean_env(Command::new("sh"));
    sh.args(["-c", &script])
        .env("BENCH", BENCH)
        .env("FOLDER", folder.path());
    assert!(sh.output().unwrap().status.success());
    assert_whole_or_absent(&starved(folder.path(), (20_000..=80_000).step_by(2000)));
}
