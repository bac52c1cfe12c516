//! The files of a run, and the flags for nodes, workers, seeds and node arguments.

use std::collections::BTreeSet;
use std::fs;

use history::edn::{self, Edn};
use history::{Kind, Op};
use serde_json::json;

use super::bench::{Run, check, check_one, echo};

/// A wrong reply, so that a run fails without waiting for a timeout.
const WRONG_ECHO: &str = r#"{"type":"echo_ok","echo":"Polly"}"#;

fn keys(results: &Edn, path: &[&'static str]) -> BTreeSet<String> {
    let Some(Edn::Map(map)) = edn::get(results, path) else {
        panic!("no map at {path:?}")
    };
    map.keys().map(edn::compact).collect()
}

#[test]
fn results_have_maelstroms_keys() {
    let Some(run) = check_one(echo()) else { return };
    let text = run.read("results.edn");
    let results = edn::read(&text).unwrap();
    let assert_keys = |path: &[&'static str], expected: &str| {
        let expected: BTreeSet<String> = expected.split(' ').map(str::to_owned).collect();
        let found = keys(&results, path);
        assert!(
            found.is_superset(&expected),
            "{path:?} has {found:?}, not all of {expected:?}"
        );
    };
    assert_keys(
        &[],
        ":exceptions :stats :availability :net :workload :valid?",
    );
    assert_keys(
        &["stats"],
        ":valid? :count :ok-count :fail-count :info-count :by-f",
    );
    assert_keys(
        &["stats", "by-f", "echo"],
        ":valid? :count :ok-count :fail-count :info-count",
    );
    assert_keys(&["availability"], ":valid? :ok-fraction");
    assert_keys(&["net"], ":all :clients :servers :valid?");
    assert_keys(
        &["net", "all"],
        ":send-count :recv-count :msg-count :msgs-per-op",
    );
    assert_keys(&["net", "clients"], ":send-count :recv-count :msg-count");
    assert_keys(
        &["net", "servers"],
        ":send-count :recv-count :msg-count :msgs-per-op",
    );
    assert_keys(&["workload"], ":valid? :errors");

    let errors = edn::get(&results, &["workload", "errors"]);
    assert_eq!(errors.map(edn::compact).as_deref(), Some("()"));
    let count = |path: &[&'static str]| edn::get(&results, path).and_then(edn::number).unwrap();
    let invoked = run
        .history()
        .ops
        .iter()
        .filter(|op| op.is_invocation())
        .count() as f64;
    assert_eq!(count(&["stats", "count"]), invoked);
    assert_eq!(count(&["availability", "ok-fraction"]), 1.0);
    // Each operation is two messages, and so is `init`.
    assert_eq!(count(&["net", "clients", "msg-count"]), 2.0 * invoked + 2.0);
    assert_eq!(count(&["net", "servers", "msg-count"]), 0.0);
}

#[test]
fn the_log_has_what_was_printed() {
    let flags = "--log-net-send --log-net-recv --log-stderr";
    let texts = [
        "send {\"id\":0,",
        "recv {\"id\":0,",
        "Everything looks good!",
    ];
    let runs = check([
        echo()
            .flags(flags)
            .steps(["say $you asks $me", "ok"])
            .prints(texts),
        echo().flags(flags).flags("--logging-json"),
        echo()
            .steps([WRONG_ECHO])
            .exits(1)
            .prints(["Analysis invalid!"]),
    ]);
    let [plain, json, wrong] = &runs[..] else {
        return;
    };
    let lines = plain.read("jepsen.log");
    for text in [
        "\tINFO\ttest: ",
        "\tINFO\tn0 │ ",
        "\tINFO\tsend {",
        "looks good!",
    ] {
        plain.assert(lines.contains(text), text);
    }
    for line in json.read("jepsen.log").lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        json.assert(
            line["level"] == "INFO" && line["message"].is_string(),
            "a line is an object",
        );
    }
    wrong.assert(
        wrong.read("jepsen.log").contains(":valid? false"),
        "the log has the results",
    );
}

#[test]
fn history_txt_has_one_line_for_each_operation() {
    let Some(run) = check_one(echo()) else { return };
    let text = run.read("history.txt");
    assert_eq!(text.lines().count(), run.history().ops.len());
    let first = text.lines().next().unwrap();
    run.assert(
        first.starts_with("0\t:invoke\t:echo\t\"Please echo "),
        first,
    );
}

#[test]
fn a_seed_repeats_the_operations_of_clients() {
    let seeded = |seed: &str| echo().flags(&format!("--seed {seed}"));
    let runs = check([
        seeded("7"),
        seeded("7"),
        seeded("8").steps([WRONG_ECHO]).exits(1),
    ]);
    let [first, second, other] = &runs[..] else {
        return;
    };
    let values = |run: &Run| {
        let ops = run.history().ops;
        let invocations = ops.iter().filter(|op| op.is_invocation());
        invocations
            .map(|op| op.value.json().to_owned())
            .collect::<Vec<String>>()
    };
    let both: Vec<(String, String)> = values(first).into_iter().zip(values(second)).collect();
    first.assert(both.len() > 2, "there are enough operations");
    first.assert(
        both.iter().all(|(one, other)| one == other),
        "the operations are the same",
    );
    assert_eq!(
        [first.test()["seed"].clone(), other.test()["seed"].clone()],
        [json!(7), json!(8)]
    );
    let again = other
        .text
        .lines()
        .find_map(|line| line.strip_prefix("again: "))
        .unwrap();
    assert!(
        again.contains(&format!("--seed 8 -- '{WRONG_ECHO}'")),
        "{again}"
    );
    assert_eq!(other.test()["command"], again);
}

#[test]
fn a_test_is_repeated_with_the_next_seed_while_it_is_valid() {
    let repeated = echo().flags("--test-count 3 --seed 40");
    let runs = check([repeated.clone(), repeated.steps([WRONG_ECHO]).exits(1)]);
    let count_and_seed = |run: &Run| {
        let folders = fs::read_dir(run.store().join("echo")).unwrap();
        let folders = folders.filter(|it| !it.as_ref().unwrap().file_type().unwrap().is_symlink());
        (folders.count(), run.test()["seed"].as_u64().unwrap())
    };
    assert!(
        runs.iter()
            .map(count_and_seed)
            .eq([(3, 42), (1, 40)].into_iter().take(runs.len()))
    );
}

#[test]
fn nodes_are_named_as_in_maelstrom() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("names");
    fs::write(&file, "ada\n\n grace \n").unwrap();
    let file = file.to_str().unwrap();
    let from_file = format!("--nodes-file {file} --node-count 2 --node lynn");
    let cases = [
        ("", json!(["n1", "n2", "n3", "n4", "n5"])),
        ("--node-count 3", json!(["n0", "n1", "n2"])),
        ("--nodes a,b", json!(["a", "b"])),
        ("--node a -n b", json!(["a", "b"])),
        ("--nodes a,b --node-count 1", json!(["n0"])),
        (&from_file, json!(["ada", "grace", "n0", "n1", "lynn"])),
    ];
    let runs = check(
        cases
            .clone()
            .map(|(flags, _)| echo().only_flags("-w echo").flags(flags)),
    );
    for (run, (flags, names)) in runs.iter().zip(cases) {
        assert_eq!(run.test()["nodes"], names, "{flags}");
    }
}

#[test]
fn all_workers_take_part_and_each_has_its_node() {
    let with_steps = |steps: &[&'static str]| echo().steps(steps.iter().copied());
    let runs = check([
        with_steps(&["say $you asks $me", "say $you asks $me"])
            .flags("--node-count 2 --concurrency 2n"),
        with_steps(&["ok"]).flags("--node-count 2 --concurrency 3"),
        with_steps(&["ok"]).flags("--node-count 3 --concurrency 1"),
    ]);
    let processes = |run: &Run| {
        let ops = run.history().ops;
        ops.iter()
            .filter_map(|op: &Op| op.process.client())
            .collect::<BTreeSet<u64>>()
    };
    let expected = [(4, json!(4)), (3, json!(3)), (1, json!(1))];
    for (run, (count, concurrency)) in runs.iter().zip(expected) {
        run.assert(
            processes(run).into_iter().eq(0..count),
            "all workers take part",
        );
        assert_eq!(run.test()["concurrency"], concurrency);
    }
    let Some(run) = runs.first() else { return };
    let clients = |node: &str| -> BTreeSet<String> {
        let log = run.read(&format!("node-logs/{node}.log"));
        log.lines()
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        [clients("n0").len(), clients("n1").len()],
        [2, 2],
        "two workers for each node"
    );
    assert!(clients("n0").is_disjoint(&clients("n1")));
}

#[test]
fn arguments_of_the_node_may_be_anywhere_and_after_two_dashes() {
    let scattered = |flags: &str| echo().only_flags(flags).exits(255);
    check([
        scattered("ok -w echo ok --node-count 1")
            .steps(["exit 3"])
            .prints(["-- ok ok 'exit 3'"]),
        scattered("-w=echo --node-count=1 ok --rate=50").steps(["exit 3"]),
    ]);
}

#[test]
fn an_aborted_run_has_a_history_up_to_the_abort() {
    let Some(run) = check_one(echo().steps(["ok", "ok", "exit 1"]).exits(255)) else {
        return;
    };
    let kinds: Vec<Kind> = run.history().ops.iter().map(|op| op.kind).collect();
    let (invoke, ok) = (Kind::Invoke, Kind::Ok);
    let expected = [invoke, ok, invoke, ok, invoke];
    run.assert(kinds == expected, "the history ends at the abort");
}
