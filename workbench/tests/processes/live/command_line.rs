//! What is wrong with a command line, and what ends before any node has started.

use tempfile::TempDir;

use super::bench::{node, text, workbench};

/// The bench with these arguments, `NODE` being a node's path, ends so and says this.
fn ends(arguments: &str, exit: i32, says: &[&str]) {
    let node = node("scripted.py");
    let word = |word: &str| word.replace("NODE", node.to_str().unwrap());
    let words: Vec<String> = arguments.split_whitespace().map(word).collect();
    let output = workbench(&words);
    let text = text(&output);
    assert_eq!(
        output.status.code(),
        Some(exit),
        "workbench {arguments}\n{text}"
    );
    for says in says {
        assert!(
            text.contains(says),
            "no {says:?} from workbench {arguments}\n{text}"
        );
    }
}

#[test]
fn who_asks_for_help_gets_it() {
    ends("--help", 0, &["Usage", "test", "challenge", "254", "255"]);
    ends(
        "test --help",
        0,
        &["--workload", "--bin", "--node-count", "--leave-db-running"],
    );
    ends("--version", 0, &["workbench"]);
}

#[test]
fn bad_usage_is_254_and_names_what_is_wrong() {
    ends("", 254, &["Usage"]);
    ends("frobnicate", 254, &["frobnicate"]);
    ends("test -w echo", 254, &["--bin"]);
    ends(
        "test -w tango --bin NODE",
        254,
        &["tango", "echo", "unique-ids", "broadcast"],
    );
    ends("test --bin NODE --frob", 254, &["--frob"]);
    ends("test --bin NODE --rate", 254, &["--rate"]);
    let faults = "there are partition, loss, duplicate, delay, pause, kill, skew";
    ends(
        "test -w echo --bin NODE --nemesis kill,tango",
        254,
        &["--nemesis", "kill,tango", faults],
    );
}

/// Pages show `--nemesis` with one dash of another kind. With Maelstrom it goes to the node.
#[test]
fn a_long_dash_in_place_of_hyphens_is_254_and_the_right_spelling_is_named() {
    let nemesis = "write --nemesis (an argument of the node stands behind --)";
    let dash = "begins with '–' (U+2013), a long dash";
    ends(
        "test -w echo --bin NODE --availability total –-nemesis partition",
        254,
        &["error: \"–-nemesis\"", dash, nemesis],
    );
    ends(
        "test -w echo --bin NODE —nemesis partition",
        254,
        &[nemesis],
    );
    for command in [
        "challenge echo",
        "simulate echo",
        "sweep echo",
        "check store",
        "doc",
    ] {
        ends(&format!("{command} –-quiet"), 254, &["write --quiet"]);
    }
    // What stands behind `--` is the node's affair.
    ends(
        "test -w echo --bin /no/such/program -- –-nemesis",
        255,
        &["there is no program"],
    );
}

#[test]
fn documentation_is_there_as_a_whole_and_part_by_part() {
    ends("doc", 0, &["# The protocol", "# Errors", "# Services"]);
    ends("doc txn-rw-register", 0, &["txn_ok"]);
    ends("doc services", 0, &["lin-tso", "ts_ok"]);
    ends("doc tango", 254, &["tango", "protocol", "errors", "kafka"]);
}

#[test]
fn a_value_that_a_flag_does_not_take_is_254_and_is_named() {
    for (flag, values) in [
        ("--availability", &["1.5", "most"][..]),
        ("--concurrency", &["n", "2x", "1.5"]),
        (
            "--consistency-models",
            &["nonsense", "read-committed,nonsense", ""],
        ),
        ("--delay", &["-1", "soon", "3600001"]),
        ("--drift", &["1.1", "fast"]),
        ("--duplicate", &["-0.1", "nan"]),
        ("--key-count", &["0", "-1", "1.5", "few"]),
        ("--kill-interval", &["0", "-1", "1/0", "inf"]),
        ("--latency", &["-1", "soon"]),
        ("--latency-dist", &["normal"]),
        ("--loss", &["-0.1", "1.5", "nan"]),
        ("--max-faults", &["-1", "few"]),
        ("--max-operations", &["-1", "few"]),
        ("--max-txn-length", &["0", "-1", "long"]),
        ("--max-writes-per-key", &["0", "-1", "1e3"]),
        ("--nemesis", &["tango", "partition,tango"]),
        ("--nemesis-interval", &["0", "often"]),
        ("--node-count", &["0", "-1", "three"]),
        ("--partition-shapes", &["", "round", "one,round"]),
        ("--rate", &["-1", "fast"]),
        ("--skew", &["-1", "3600001"]),
        ("--test-count", &["0"]),
        ("--time-limit", &["0", "1.5"]),
        ("--topology", &["ring"]),
        ("--victims", &["0", "-1", "4294967296"]),
    ] {
        for value in values {
            ends(
                &format!("test -w echo --bin NODE {flag}={value}"),
                254,
                &[flag],
            );
        }
    }
}

#[test]
fn the_default_workload_needs_more_workers_than_there_are_by_default() {
    let says = "lin-kv needs two workers per node or a multiple of that, 10, 20, …";
    ends("test --bin NODE", 255, &[says, "--concurrency 2n"]);
}

#[test]
fn what_means_nothing_here_is_taken_and_said_to_be_ignored() {
    let flags = "--username root --password=x --ssh-private-key FILE --no-ssh \
                 --strict-host-key-checking";
    let note = "note: --username, --password, --ssh-private-key, --strict-host-key-checking, \
                --no-ssh ignored";
    let flags = format!("test -w echo --bin NODE --nodes a,a {flags}");
    ends(&flags, 255, &[note, "two nodes are called a"]);
}

#[test]
fn what_cannot_begin_is_255_and_says_why() {
    let store = TempDir::new().unwrap();
    let file = store.path().join("file");
    std::fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    let ends = |flags: &str, says: &[&str]| {
        let store = store.path().join("store");
        ends(
            &format!("test -w echo --store {} {flags}", store.display()),
            255,
            says,
        );
        assert!(!store.exists(), "nothing is kept of it: {flags}");
    };
    ends(
        "--bin /no/such/program",
        &["/no/such/program", "No such file"],
    );
    ends(
        "--bin NODE --nodes-file /no/such/file",
        &["/no/such/file", "No such file"],
    );
    ends("--bin NODE --latency-dist uniform", &["latency of 0 ms"]);
    ends("--bin NODE --nodes a,b,a", &["two nodes are called a"]);
    ends(
        "--bin NODE --nemesis kill,skew",
        &["--nemesis skew is for simulations"],
    );
    ends(
        &format!("--bin NODE --store {file}/store"),
        &["cannot create", file, "Not a directory"],
    );
}
