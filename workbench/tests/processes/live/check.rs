//! `workbench check`: histories that were kept, ours and others', and whatever is none.

use std::fs::{self, File};
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

use super::bench::{check, echo, text, workbench};

/// `workbench check` with these words ends so and says this.
fn ends(words: &[&str], exit: i32, says: &[&str]) -> String {
    let output = workbench(&[&["check"], words].concat());
    let text = text(&output);
    assert_eq!(output.status.code(), Some(exit), "{words:?}\n{text}");
    for says in says {
        assert!(text.contains(says), "no {says:?} from {words:?}\n{text}");
    }
    text
}

/// Registers of which one goes back.
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
fn what_a_run_has_kept_gets_the_runs_verdict() {
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
        ends(&[folder], exit, &[verdict, " operations ("]);
        for file in ["history.jsonl", "history.edn"] {
            ends(
                &[&format!("{folder}/{file}"), "-w", "echo"],
                exit,
                &[verdict],
            );
        }
    }
}

#[test]
fn a_history_of_somebody_elses_is_judged_with_its_evidence() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("history.edn.gz");
    let mut zipped = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
    zipped.write_all(REGISTERS.as_bytes()).unwrap();
    zipped.finish().unwrap();
    let file = path.to_str().unwrap();
    let says = "key 0: no order explains the read of 2 by process 1";
    ends(
        &[file, "-w", "lin-kv"],
        1,
        &[says, "it the register can only hold 1", "lin-kv: invalid"],
    );
    let output = workbench(&["check", file, "-w", "lin-kv", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["valid"], false);
    assert_eq!(json["operations"], 2);
    assert_eq!(
        json["results"]["workload"]["failures"],
        serde_json::json!([0])
    );
    assert!(json["findings"][0].as_str().unwrap().starts_with(says));
}

#[test]
fn transactions_are_held_to_the_models_that_are_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("history.edn");
    fs::write(&path, TRANSACTIONS).unwrap();
    let file = path.to_str().unwrap();
    let check = |models: &str, exit, says: &[&str]| {
        let words = [
            file,
            "-w",
            "txn-rw-register",
            "--consistency-models",
            models,
        ];
        ends(&words, exit, says);
    };
    check("read-uncommitted", 0, &["txn-rw-register: valid"]);
    check("read-committed", 1, &["G1b: "]);
    check("read-uncommitted,read-committed", 1, &["G1b: "]);
    check(
        "nonsense",
        2,
        &["there is no consistency model \"nonsense\""],
    );
    ends(&[file, "-w", "txn-rw-register"], 1, &["G1b: "]);
}

#[test]
fn what_is_no_history_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    let file = path.to_str().unwrap();
    fs::write(&path, TRANSACTIONS).unwrap();
    ends(&[file], 254, &["give -w NAME"]);
    let strange = "not a history of echo: its operations are txn, but echo has echo";
    ends(&[file, "-w", "echo"], 254, &[strange]);
    ends(&[file, "-w", "tango"], 254, &["tango", "lin-kv"]);
    ends(
        &[file, "-w", "echo", "--availability", "most"],
        254,
        &["--availability"],
    );
    ends(&[], 254, &["HISTORY"]);
    ends(
        &["/no/such/file", "-w", "echo"],
        255,
        &["/no/such/file", "No such file"],
    );
    let folder = folder.path().to_str().unwrap();
    ends(
        &[folder, "-w", "echo"],
        255,
        &["is not the folder of a run", "history.jsonl"],
    );
    for (text, says) in [
        (&b"{:type :invoke}\n"[..], "line 1"),
        (b"nonsense", "line 1"),
        (b"\x1f\x8b\x08nonsense", "cannot be read"),
        (b"\xff\xfe\n", "line 1"),
    ] {
        fs::write(&path, text).unwrap();
        ends(&[file, "-w", "echo"], 255, &[file, says]);
    }
}

#[test]
fn what_is_no_whole_history_is_refused_by_its_name() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("history.edn");
    let file = path.to_str().unwrap();
    let check = |text: &str, says: &[&str]| {
        fs::write(&path, text).unwrap();
        ends(&[file, "-w", "lin-kv"], 255, &[&[file], says].concat());
    };
    let results = REGISTERS.lines().filter(|line| line.contains(":ok"));
    let results = results.collect::<Vec<_>>().join("\n");
    check(
        &results,
        &["no invocations: these are results, not a history"],
    );
    let twice = REGISTERS.replacen(":ok", ":invoke", 1);
    let says = "line 2, column 1: process 0 invokes an operation (index 1) before its last one";
    check(&twice, &[says]);
    check(
        "",
        &["has no operation of a client: is this the right file?"],
    );
    check("\n; nothing\n", &["is this the right file?"]);
    // A run in whose folder it lies had no operation.
    let run = TempDir::new().unwrap();
    let name = run.path().to_str().unwrap();
    fs::write(run.path().join("history.edn"), "").unwrap();
    for (workload, exit) in [
        ("lin-kv", 0),
        ("g-set", 2),
        ("txn-list-append", 2),
        ("txn-rw-register", 1),
    ] {
        ends(&[name, "-w", workload], exit, &["0 operations"]);
    }
}

#[test]
fn registers_of_knossos_and_assumptions_of_elle_are_known() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("history.edn");
    let file = path.to_str().unwrap();
    fs::write(
        &path,
        REGISTERS.replace("[0 ", "").replace("], :time", ", :time"),
    )
    .unwrap();
    let says = "no order explains the read of 2 by process 1";
    for workload in ["register", "cas-register", "lin-kv"] {
        let verdict = format!("{workload}: invalid");
        ends(&[file, "-w", workload], 1, &[says, &verdict]);
    }
    // Two writes, and then, one after the other, reads of the second and of the first.
    let stale = "{:type :invoke, :process 0, :f :txn, :value [[:w 1 1]]}
        {:type :ok, :process 0, :f :txn, :value [[:w 1 1]]}
        {:type :invoke, :process 1, :f :txn, :value [[:w 1 2]]}
        {:type :ok, :process 1, :f :txn, :value [[:w 1 2]]}
        {:type :invoke, :process 2, :f :txn, :value [[:r 1 nil]]}
        {:type :ok, :process 2, :f :txn, :value [[:r 1 1]]}";
    fs::write(&path, stale).unwrap();
    let check = |assumed: &[&str], exit, says: &[&str]| {
        let words = [&[file, "-w", "txn-rw-register"], assumed].concat();
        ends(&words, exit, says);
    };
    check(&[], 0, &["valid"]);
    check(&["--assume", "wfr-keys,sequential-keys"], 0, &["valid"]);
    check(
        &["--assume", "linearizable-keys"],
        1,
        &["cyclic-versions: the values 1, 2 of key 1"],
    );
    check(&["--assume", "luck"], 254, &["luck", "linearizable-keys"]);
    ends(
        &[file, "-w", "echo", "--assume", "wfr-keys"],
        254,
        &["--assume is for"],
    );
}

#[test]
fn any_history_has_a_report() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("history.edn");
    let file = path.to_str().unwrap();
    let nemesis = "{:type :info, :process :nemesis, :f :start-partition, \
                   :value [:isolated {\"n1\" #{\"n2\"}, \"n2\" #{\"n1\"}}]}\n";
    fs::write(&path, format!("{nemesis}{REGISTERS}")).unwrap();
    let report = folder.path().join("report");
    let name = report.to_str().unwrap();
    for _ in 0..2 {
        ends(
            &[file, "-w", "lin-kv", "--report", name],
            1,
            &["report.html"],
        );
    }
    let page = fs::read_to_string(report.join("report.html")).unwrap();
    assert!(page.contains("no order explains the read of 2 by process 1"));
    assert!(!page.contains("messages among servers"));
    for kept in [
        "results.edn",
        "results.json",
        "history.jsonl",
        "plots/latency.svg",
    ] {
        assert!(report.join(kept).exists(), "{kept}");
    }
    ends(&[name, "-w", "lin-kv"], 1, &["lin-kv: invalid"]);
    // Nothing gets lost.
    let own = folder.path().to_str().unwrap();
    ends(
        &[file, "-w", "lin-kv", "--report", own],
        255,
        &["has other files"],
    );
    ends(
        &[name, "-w", "lin-kv", "--report", name],
        255,
        &["give another folder"],
    );
    ends(
        &[file, "-w", "lin-kv", "--report", file],
        255,
        &["cannot create"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_shows_in_the_exit_status() {
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
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cannot write to stdout"), "{said}");
}
