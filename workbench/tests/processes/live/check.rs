//! `workbench check`: saved histories, ours and others', and files that are no history.

use std::fs::{self, File};
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

use super::bench::{check, echo, text, workbench};

/// Asserts the exit status of `workbench check` and texts in its output.
fn assert_output(args: &[&str], exit: i32, texts: &[&str]) -> String {
    let all: &[&str] = if args.contains(&"--json") {
        &[]
    } else {
        &["--all"]
    };
    let output = workbench(&[&["check"], args, all].concat());
    let text = text(&output);
    assert_eq!(output.status.code(), Some(exit), "{args:?}\n{text}");
    for expected in texts {
        assert!(
            text.contains(expected),
            "no {expected:?} from {args:?}\n{text}"
        );
    }
    text
}

/// A register whose read returns a value that was never written.
const REGISTERS: &str = "{:type :invoke, :process 0, :f :write, :value [0 1], :time 1}
{:type :ok, :process 0, :f :write, :value [0 1], :time 2}
{:type :invoke, :process 1, :f :read, :value [0 nil], :time 3}
{:type :ok, :process 1, :f :read, :value [0 2], :time 4}
";

const TRANSACTIONS: &str =
    "{:type :invoke, :process 0, :f :txn, :value [[:w 1 1] [:w 1 2]], :time 1}
{:type :ok, :process 0, :f :txn, :value [[:w 1 1] [:w 1 2]], :time 2}
{:type :invoke, :process 1, :f :txn, :value [[:r 1 nil]], :time 3}
{:type :ok, :process 1, :f :txn, :value [[:r 1 1]], :time 4}
{:type :invoke, :process 1, :f :txn, :value [[:r 1 nil]], :time 5}
{:type :ok, :process 1, :f :txn, :value [[:r 1 2]], :time 6}
";

#[test]
fn the_files_of_a_run_get_its_verdict() {
    let wrong = r#"{"type":"echo_ok","echo":"Polly"}"#;
    let runs = check([
        echo().flags("--availability total"),
        echo().steps([wrong]).exits(1),
    ]);
    for (run, exit) in runs.iter().zip([0, 1]) {
        let folder = run.folder();
        let folder = folder.to_str().unwrap();
        let verdict = if exit == 0 {
            "echo: valid"
        } else {
            "echo: invalid"
        };
        assert_output(&[folder], exit, &[verdict, " operations ("]);
        for file in ["history.jsonl", "history.edn"] {
            assert_output(
                &[&format!("{folder}/{file}"), "-w", "echo"],
                exit,
                &[verdict],
            );
        }
    }
}

#[test]
fn a_gzipped_history_of_another_tool_is_checked_with_its_evidence() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("history.edn.gz");
    let mut zipped = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
    zipped.write_all(REGISTERS.as_bytes()).unwrap();
    zipped.finish().unwrap();
    let file = path.to_str().unwrap();
    let finding = "key 0: no order explains the read of 2 by process 1";
    assert_output(
        &[file, "-w", "lin-kv"],
        1,
        &[
            finding,
            "it the register can only hold 1",
            "lin-kv: invalid",
        ],
    );
    let output = workbench(&["check", file, "-w", "lin-kv", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["valid"], false);
    assert_eq!(json["operations"], 2);
    assert_eq!(
        json["results"]["workload"]["failures"],
        serde_json::json!([0])
    );
    assert!(json["findings"][0].as_str().unwrap().starts_with(finding));
}

#[test]
fn transactions_are_checked_against_the_given_models() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("history.edn");
    fs::write(&path, TRANSACTIONS).unwrap();
    let file = path.to_str().unwrap();
    let check = |models: &str, exit, texts: &[&str]| {
        let args = [
            file,
            "-w",
            "txn-rw-register",
            "--consistency-models",
            models,
        ];
        assert_output(&args, exit, texts);
    };
    check("read-uncommitted", 0, &["txn-rw-register: valid"]);
    check("read-committed", 1, &["G1b: "]);
    check("read-uncommitted,read-committed", 1, &["G1b: "]);
    check(
        "nonsense",
        2,
        &["there is no consistency model \"nonsense\""],
    );
    assert_output(&[file, "-w", "txn-rw-register"], 1, &["G1b: "]);
}

#[test]
fn files_that_are_no_history_are_rejected_with_the_reason() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    let file = path.to_str().unwrap();
    fs::write(&path, TRANSACTIONS).unwrap();
    assert_output(&[file], 254, &["give -w NAME"]);
    let mismatch = "not a history of echo: its operations are txn, but echo has echo";
    assert_output(&[file, "-w", "echo"], 254, &[mismatch]);
    assert_output(&[file, "-w", "tango"], 254, &["tango", "lin-kv"]);
    assert_output(
        &[file, "-w", "echo", "--availability", "most"],
        254,
        &["--availability"],
    );
    assert_output(&[], 254, &["HISTORY"]);
    assert_output(
        &["/no/such/file", "-w", "echo"],
        255,
        &["/no/such/file", "No such file"],
    );
    let folder = folder.path().to_str().unwrap();
    assert_output(
        &[folder, "-w", "echo"],
        255,
        &["is not the folder of a run", "history.jsonl"],
    );
    for (text, reason) in [
        (&b"{:type :invoke}\n"[..], "line 1"),
        (b"nonsense", "line 1"),
        (b"\x1f\x8b\x08nonsense", "cannot be read"),
        (b"\xff\xfe\n", "line 1"),
    ] {
        fs::write(&path, text).unwrap();
        assert_output(&[file, "-w", "echo"], 255, &[file, reason]);
    }
}

#[test]
fn incomplete_histories_are_rejected_with_the_reason() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("history.edn");
    let file = path.to_str().unwrap();
    let check = |text: &str, texts: &[&str]| {
        fs::write(&path, text).unwrap();
        assert_output(&[file, "-w", "lin-kv"], 255, &[&[file], texts].concat());
    };
    let results = REGISTERS.lines().filter(|line| line.contains(":ok"));
    let results = results.collect::<Vec<_>>().join("\n");
    check(
        &results,
        &["no invocations: these are results, not a history"],
    );
    let twice = REGISTERS.replacen(":ok", ":invoke", 1);
    let reason = "line 2, column 1: process 0 invokes an operation (index 1) before its last one";
    check(&twice, &[reason]);
    check(
        "",
        &["has no operation of a client: is this the right file?"],
    );
    check("\n; nothing\n", &["is this the right file?"]);
    // In the folder of a run, an empty history is that of a run without operations.
    let run = TempDir::new().unwrap();
    let name = run.path().to_str().unwrap();
    fs::write(run.path().join("history.edn"), "").unwrap();
    for (workload, exit) in [
        ("lin-kv", 0),
        ("g-set", 2),
        ("txn-list-append", 2),
        ("txn-rw-register", 1),
    ] {
        assert_output(&[name, "-w", workload], exit, &["0 operations"]);
    }
}

#[test]
fn registers_of_knossos_and_assumptions_of_elle_are_supported() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("history.edn");
    let file = path.to_str().unwrap();
    fs::write(
        &path,
        REGISTERS.replace("[0 ", "").replace("], :time", ", :time"),
    )
    .unwrap();
    let finding = "no order explains the read of 2 by process 1";
    for workload in ["register", "cas-register", "lin-kv"] {
        let verdict = format!("{workload}: invalid");
        assert_output(&[file, "-w", workload], 1, &[finding, &verdict]);
    }
    // Two writes, and then, one after the other, reads of the second and of the first.
    let stale = "{:type :invoke, :process 0, :f :txn, :value [[:w 1 1]]}
        {:type :ok, :process 0, :f :txn, :value [[:w 1 1]]}
        {:type :invoke, :process 1, :f :txn, :value [[:w 1 2]]}
        {:type :ok, :process 1, :f :txn, :value [[:w 1 2]]}
        {:type :invoke, :process 2, :f :txn, :value [[:r 1 nil]]}
        {:type :ok, :process 2, :f :txn, :value [[:r 1 1]]}";
    fs::write(&path, stale).unwrap();
    let check = |assumed: &[&str], exit, texts: &[&str]| {
        let args = [&[file, "-w", "txn-rw-register"], assumed].concat();
        assert_output(&args, exit, texts);
    };
    check(&[], 0, &["valid"]);
    check(&["--assume", "wfr-keys,sequential-keys"], 0, &["valid"]);
    check(
        &["--assume", "linearizable-keys"],
        1,
        &["cyclic-versions: the values 1, 2 of key 1"],
    );
    check(&["--assume", "luck"], 254, &["luck", "linearizable-keys"]);
    assert_output(
        &[file, "-w", "echo", "--assume", "wfr-keys"],
        254,
        &["--assume is for"],
    );
}

#[test]
fn a_report_can_be_written_for_any_history() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("history.edn");
    let file = path.to_str().unwrap();
    let nemesis = "{:type :info, :process :nemesis, :f :start-partition, \
                   :value [:isolated {\"n1\" #{\"n2\"}, \"n2\" #{\"n1\"}}]}\n";
    fs::write(&path, format!("{nemesis}{REGISTERS}")).unwrap();
    let report = folder.path().join("report");
    let name = report.to_str().unwrap();
    for _ in 0..2 {
        assert_output(
            &[file, "-w", "lin-kv", "--report", name],
            1,
            &["report.html"],
        );
    }
    let page = fs::read_to_string(report.join("report.html")).unwrap();
    assert!(page.contains("no order explains the read of 2 by process 1"));
    assert!(!page.contains("messages between servers"));
    for written in [
        "results.edn",
        "results.json",
        "history.jsonl",
        "plots/latency.svg",
    ] {
        assert!(report.join(written).exists(), "{written}");
    }
    assert_output(&[name, "-w", "lin-kv"], 1, &["lin-kv: invalid"]);
    // No other files are overwritten.
    let own = folder.path().to_str().unwrap();
    assert_output(
        &[file, "-w", "lin-kv", "--report", own],
        255,
        &["has other files"],
    );
    assert_output(
        &[name, "-w", "lin-kv", "--report", name],
        255,
        &["give another folder"],
    );
    assert_output(
        &[file, "-w", "lin-kv", "--report", file],
        255,
        &["cannot create"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_changes_the_exit_status() {
    use std::process::{Command, Stdio};

    let folder = TempDir::new().unwrap();
    let path = folder.path().join("history.edn");
    fs::write(&path, REGISTERS).unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_workbench"))
        .args(["check", path.to_str().unwrap(), "-w", "lin-kv", "--json"])
        .stdout(Stdio::from(full))
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(255));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("cannot write to stdout"), "{stderr}");
}
