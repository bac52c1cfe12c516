//! `workbench sweep` from its command line to its files.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn sweep(folder: &Path, args: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_workbench"))
        .arg("sweep")
        .args(args.split(' '))
        .current_dir(folder)
        .output()
        .unwrap()
}

const SMALL: &str = "broadcast-3d --vary period=50,0 --seeds 2 --node-count 3 --time-limit 2";

/// The cell of a row in the column of this name.
fn cell<'a>(csv: &'a str, row: usize, column: &str) -> &'a str {
    let mut lines = csv.lines();
    let mut names = lines.next().unwrap().split(',');
    let index = names.position(|name| name == column).unwrap();
    lines.nth(row).unwrap().split(',').nth(index).unwrap()
}

#[test]
fn a_sweep_writes_its_points_as_csv_and_svg() {
    let folder = tempfile::tempdir().unwrap();
    let output = sweep(folder.path(), SMALL);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    assert!(stdout.contains("sweep-broadcast-3d-period.svg"), "{stdout}");
    let read = |ending: &str| {
        let name = format!("sweep-broadcast-3d-period.{ending}");
        fs::read_to_string(folder.path().join(name)).unwrap()
    };
    let (csv, svg) = (read("csv"), read("svg"));
    assert_eq!(csv.lines().count(), 5, "{csv}");
    for (row, (value, seed)) in [("0", "1"), ("0", "2"), ("50", "1"), ("50", "2")]
        .into_iter()
        .enumerate()
    {
        let named = ["period", "seed", "valid", "latency"].map(|name| cell(&csv, row, name));
        assert_eq!(named, [value, seed, "true", "stable"], "{csv}");
        let number = |name: &str| cell(&csv, row, name).parse::<f64>().unwrap();
        let [median, max] = ["median-latency-ms", "max-latency-ms"].map(number);
        assert!((1.0..=max).contains(&median), "{csv}");
        let messages = number("messages-per-op") * number("operations");
        assert!((messages - number("messages")).abs() < 0.01, "{csv}");
        assert_eq!(number("ok"), number("operations"), "{csv}");
    }
    for text in [
        "<svg",
        "broadcast-3d: messages per operation",
        "stable latency, ms",
        "30 (official)",
        "1.08 (ours)",
        "600 (official)",
        "period",
    ] {
        assert!(svg.contains(text), "{text}: {svg}");
    }
    // The files do not depend on the number of jobs.
    sweep(folder.path(), &format!("{SMALL} --jobs 1"));
    assert!((read("csv"), read("svg")) == (csv, svg));
}

#[test]
fn json_is_printed_and_files_are_written_to_the_given_paths() {
    let folder = tempfile::tempdir().unwrap();
    let args = "echo --vary node-count=1..2:1 --seeds 1 --time-limit 1 --json --out there \
                 --csv here/own.csv --seed 7";
    let output = sweep(folder.path(), args);
    assert!(output.status.success(), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["challenge"], "echo");
    assert_eq!(report["runs"][1]["value"], 2.0);
    assert_eq!(report["runs"][1]["seed"], 7);
    assert_eq!(report["runs"][1]["valid"], "true");
    assert_eq!(report["runs"][1]["latency"], "client");
    let svg = folder.path().join("there/sweep-echo-node-count.svg");
    assert!(fs::read_to_string(svg).unwrap().contains("client latency"));
    assert!(folder.path().join("here/own.csv").exists());
}

#[test]
fn results_are_printed_even_if_a_file_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let args = "echo --vary node-count=1 --seeds 1 --time-limit 1";
    let output = sweep(folder.path(), &format!("{args} --svg . --json"));
    assert_eq!(output.status.code(), Some(255));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["exit-status"], 255);
    assert_eq!(
        document["error"].as_str().unwrap().split(':').next(),
        Some("cannot write .")
    );
    if Path::new("/dev/full").exists() {
        let output = sweep(folder.path(), &format!("{args} --svg /dev/full"));
        assert_eq!(output.status.code(), Some(255));
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.contains("1 of 1"), "{stdout}");
        let csv = fs::read_to_string(folder.path().join("sweep-echo-node-count.csv")).unwrap();
        assert_eq!(csv.lines().count(), 2, "{csv}");
    }
}

#[test]
fn extreme_numbers_are_printed_in_few_digits() {
    let folder = tempfile::tempdir().unwrap();
    let output = sweep(
        folder.path(),
        "echo --vary rate=1e300 --seeds 1 --time-limit 1",
    );
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("│ 1e300 ┆"), "{stdout}");
    assert!(
        stdout.lines().all(|line| line.chars().count() <= 100),
        "{stdout}"
    );
}

#[test]
fn bad_usage_is_rejected_before_any_run() {
    let folder = tempfile::tempdir().unwrap();
    #[track_caller]
    fn check(folder: &Path, args: &str, why: &str) {
        let output = sweep(folder, args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(254), "{args}: {stderr}");
        assert!(stderr.contains(why), "{args}: {stderr}");
        if !stderr.contains("For more information") {
            assert!(
                stderr.lines().count() == 1 && !stderr.contains(": error: "),
                "{args}: {stderr}"
            );
        }
    }
    let folder = folder.path();
    check(
        folder,
        "broadcast-3d --vary windw=1",
        "there is no flag \"windw\"",
    );
    check(folder, "broadcast-3d --vary period=1..2", "needs a step");
    check(
        folder,
        "broadcast-3d --vary period=0..1e9:1",
        "more than 1000 points",
    );
    check(
        folder,
        "broadcast-3d --vary fan-out=0,1",
        "fan-out cannot be 0",
    );
    check(
        folder,
        "broadcast-3d --vary node-count=2.5",
        "node-count cannot be 2.5",
    );
    check(folder, "broadcast-3d --vary rate=-1,1", "rate cannot be -1");
    check(folder, "broadcast-9 --vary rate=1", "broadcast-3d");
    check(folder, "all --vary rate=1", "invalid value 'all'");
    check(folder, "echo --vary rate=1 -w kafka", "not for sweep");
    check(
        folder,
        "txn-6a --vary rate=1 --node-flags --nonsense",
        "does not accept these flags: unexpected argument '--nonsense' found\n",
    );
    check(
        folder,
        "broadcast-3d --vary period=-1",
        "cannot be -1: broadcast does not accept",
    );
    check(
        folder,
        "broadcast-3d --vary node-count=0,1",
        "cannot be 0: invalid value '0'",
    );
    check(
        folder,
        "broadcast-3d --vary rate,rate=1",
        "rate is given twice",
    );
    let last = u64::MAX;
    check(
        folder,
        &format!("echo --vary rate=1 --seed {last}"),
        "no 5 seeds from",
    );
    check(
        folder,
        &format!("echo --vary rate=1 --seed {last} --seeds 1"),
        "the largest seed",
    );
    assert_eq!(
        fs::read_dir(folder).unwrap().count(),
        0,
        "files were written"
    );
}
