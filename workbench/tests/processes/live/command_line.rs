//! Errors in command lines, and runs that end before a node has started.

use tempfile::TempDir;

use super::bench::{node, text, workbench};

/// Asserts the exit status of the bench with these arguments, and texts in its output; `NODE`
/// stands for a node's path.
fn assert_output(arguments: &str, exit: i32, texts: &[&str]) {
    let node = node("scripted.py");
    let word = |word: &str| word.replace("NODE", node.to_str().unwrap());
    let args: Vec<String> = arguments.split_whitespace().map(word).collect();
    let output = workbench(&args);
    let text = text(&output);
    assert_eq!(
        output.status.code(),
        Some(exit),
        "workbench {arguments}\n{text}"
    );
    for expected in texts {
        assert!(
            text.contains(expected),
            "no {expected:?} from workbench {arguments}\n{text}"
        );
    }
}

#[test]
fn help_and_version_are_printed() {
    assert_output("--help", 0, &["Usage", "test", "challenge", "254", "255"]);
    assert_output(
        "test --help",
        0,
        &["--workload", "--bin", "--node-count", "--leave-db-running"],
    );
    assert_output("--version", 0, &["workbench"]);
}

#[test]
fn bad_usage_exits_with_254_and_names_the_mistake() {
    assert_output("", 254, &["Usage"]);
    assert_output("frobnicate", 254, &["frobnicate"]);
    assert_output("test -w echo", 254, &["--bin"]);
    assert_output(
        "test -w tango --bin NODE",
        254,
        &["tango", "echo", "unique-ids", "broadcast"],
    );
    assert_output("test --bin NODE --frob", 254, &["--frob"]);
    assert_output("test --bin NODE --rate", 254, &["--rate"]);
    let faults = "there are partition, loss, duplicate, delay, pause, kill, skew";
    assert_output(
        "test -w echo --bin NODE --nemesis kill,tango",
        254,
        &["--nemesis", "kill,tango", faults],
    );
}

/// Web pages show `--nemesis` with a long dash. Maelstrom passes such a word to the node.
#[test]
fn a_long_dash_instead_of_hyphens_exits_with_254_and_names_the_right_spelling() {
    let nemesis = "write --nemesis (arguments of the node follow --)";
    let dash = "begins with '–' (U+2013), a long dash";
    assert_output(
        "test -w echo --bin NODE --availability total –-nemesis partition",
        254,
        &["error: \"–-nemesis\"", dash, nemesis],
    );
    assert_output(
        "test -w echo --bin NODE —nemesis partition",
        254,
        &[nemesis],
    );
    for command in [
        "challenge echo",
        "storm echo",
        "sweep echo",
        "check store",
        "doc",
    ] {
        assert_output(&format!("{command} –-quiet"), 254, &["write --quiet"]);
    }
    // Arguments after `--` are the node's.
    assert_output(
        "test -w echo --bin /no/such/program -- –-nemesis",
        255,
        &["there is no program"],
    );
}

#[test]
fn former_names_exit_with_254_and_the_present_ones_are_named() {
    assert_output("simulate echo", 254, &["'simulate' is now called 'storm'"]);
    let fixed = &["'--exactly' is now called '--fixed'"];
    assert_output("storm echo --exactly", 254, fixed);
    let targets = &["'--victims' is now called '--targets'"];
    for command in ["test --bin NODE", "storm echo", "sweep echo --vary rate=5"] {
        assert_output(&format!("{command} --victims 2"), 254, targets);
        assert_output(&format!("{command} --victims=2"), 254, targets);
    }
}

#[test]
fn node_flags_with_an_open_quote_exit_with_254() {
    let reason = "expected words as in a shell, but a quote is not closed";
    assert_output("storm echo --node-flags=--durable'", 254, &[reason]);
}

#[test]
fn documentation_is_printed_as_a_whole_and_by_part() {
    assert_output("doc", 0, &["# The protocol", "# Errors", "# Services"]);
    assert_output("doc txn-rw-register", 0, &["txn_ok"]);
    assert_output("doc services", 0, &["lin-tso", "ts_ok"]);
    assert_output("doc tango", 254, &["tango", "protocol", "errors", "kafka"]);
}

#[test]
fn an_invalid_value_exits_with_254_and_names_its_flag() {
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
        ("--targets", &["0", "-1", "4294967296"]),
        ("--test-count", &["0"]),
        ("--time-limit", &["0", "1.5"]),
        ("--topology", &["ring"]),
    ] {
        for value in values {
            assert_output(
                &format!("test -w echo --bin NODE {flag}={value}"),
                254,
                &[flag],
            );
        }
    }
}

#[test]
fn the_default_workload_needs_more_workers_than_there_are_by_default() {
    let reason = "lin-kv needs two workers per node or a multiple of that, 10, 20, …";
    assert_output("test --bin NODE", 255, &[reason, "--concurrency 2n"]);
}

#[test]
fn flags_without_effect_are_accepted_with_a_note() {
    let flags = "--username root --password=x --ssh-private-key FILE --no-ssh \
                 --strict-host-key-checking";
    let note = "note: --username, --password, --ssh-private-key, --strict-host-key-checking: no \
                effect without --hosts";
    let flags = format!("test -w echo --bin NODE --nodes a,a {flags}");
    assert_output(&flags, 255, &[note, "two nodes are called a"]);
}

#[test]
fn a_run_that_cannot_start_exits_with_255_and_a_reason() {
    let store = TempDir::new().unwrap();
    let file = store.path().join("file");
    std::fs::write(&file, "").unwrap();
    let file = file.to_str().unwrap();
    let assert_rejected = |flags: &str, texts: &[&str]| {
        let store = store.path().join("store");
        assert_output(
            &format!("test -w echo --store {} {flags}", store.display()),
            255,
            texts,
        );
        assert!(!store.exists(), "files were written: {flags}");
    };
    assert_rejected(
        "--bin /no/such/program",
        &["/no/such/program", "No such file"],
    );
    assert_rejected(
        "--bin NODE --nodes-file /no/such/file",
        &["/no/such/file", "No such file"],
    );
    assert_rejected("--bin NODE --latency-dist uniform", &["latency of 0 ms"]);
    assert_rejected("--bin NODE --nodes a,b,a", &["two nodes are called a"]);
    assert_rejected(
        "--bin NODE --nemesis kill,skew",
        &["--nemesis skew is for simulations"],
    );
    assert_rejected(
        &format!("--bin NODE --store {file}/store"),
        &["cannot create", file, "Not a directory"],
    );
}
