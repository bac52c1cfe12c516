//! lin-kv: what clients request, and how replies are judged.

use std::collections::BTreeSet;

use history::Kind;
use history::edn;
use serde_json::{Value, json};

use super::bench::{Case, Run, check, check_one};
use super::keeper::{keeper, requests};

/// One node and two workers, unless flags say otherwise.
fn registers<const N: usize>(outcomes: [&str; N]) -> Case {
    keeper("lin-kv", outcomes).flags("--concurrency 2n --rate 200")
}

/// The number of completions of this function and kind.
fn completions(run: &Run, f: &str, kind: Kind) -> usize {
    let ops = run.history().ops;
    let matches = |op: &&history::Op| op.is_completion() && op.f == f && op.kind == kind;
    ops.iter().filter(matches).count()
}

#[test]
fn a_store_is_linearizable_directly_and_through_forwarding_nodes() {
    let valid = ["lin-kv: valid"];
    let runs = check([
        registers([]).prints(valid),
        registers([])
            .flags("--node-count 3 --concurrency 4n --latency 2")
            .prints(valid),
        registers([]).flags("--node-count 3 --nemesis partition --nemesis-interval 1"),
    ]);
    let Some(run) = runs.first() else { return };
    let kinds: BTreeSet<String> = requests(run)
        .iter()
        .map(|(_, body)| body["type"].as_str().unwrap().to_owned())
        .collect();
    run.assert(
        kinds.into_iter().eq(["cas", "read", "write"]),
        "all functions are requested",
    );
    run.assert(
        completions(run, "cas", Kind::Fail) > 0,
        "some compare-and-sets fail",
    );
    for op in &run.history().ops {
        let pair: Result<(u64, Value), _> = op.value.parse();
        run.assert(pair.is_ok(), "a value is a pair with the key");
    }
    let results = run.read("independent/0/results.edn");
    let results = edn::read(&results).unwrap();
    let valid = edn::get(&results, &["linearizable", "valid?"]);
    assert_eq!(valid.map(edn::compact).as_deref(), Some("true"));
    let history = run.read("independent/0/history.edn");
    run.assert(
        history.lines().count() == run.history().ops.len(),
        "its history is there, too",
    );
}

#[test]
fn a_wrong_register_is_reported_with_the_operation_that_does_not_fit() {
    let no_order = "no order explains the read of ";
    let invented = r#"read:{"type":"read_ok","value":7}"#;
    let runs = check([
        registers([invented])
            .exits(1)
            .prints([no_order, "lin-kv: invalid"]),
        registers(["alone"])
            .flags("--node-count 2")
            .exits(1)
            .prints(["key 0: no order explains"]),
        registers(["write:nothing", "write:ok"]).flags("--time-limit 3"),
        registers(["write:silence", "write:ok"]).flags("--time-limit 3"),
        registers([r#"read:{"type":"read_ok","value":null}"#]),
        registers(["cas:error 22"]).exits(1).prints(["cas"]),
        registers([r#"read:{"type":"read_ok"}"#]).exits(1),
    ]);
    let Some(run) = runs.first() else { return };
    let results: Value = serde_json::from_str(&run.read("results.json")).unwrap();
    assert_eq!(results["workload"]["failures"], json!([0]));
    let text = run.read("independent/0/results.edn");
    for key in [
        ":op ",
        ":previous-ok ",
        ":last-op ",
        ":configs ",
        ":final-paths ",
    ] {
        run.assert(text.contains(key), key);
    }
}

#[test]
fn a_read_without_reply_has_failed_and_a_write_is_indeterminate() {
    let case = registers(["read:nothing", "read:ok", "write:nothing", "write:ok"]);
    let Some(run) = check_one(case.flags("--time-limit 3")) else {
        return;
    };
    let ops = run.history().ops;
    let late: Vec<_> = ops
        .iter()
        .filter(|op| op.error.is_some() && op.f != "cas")
        .collect();
    let late: Vec<_> = late
        .iter()
        .filter(|op| !format!("{:?}", op.error).contains("key-does"))
        .collect();
    let kinds: BTreeSet<(&str, Kind)> = late.iter().map(|op| (&*op.f, op.kind)).collect();
    assert!(
        kinds.contains(&("read", Kind::Fail)) && kinds.contains(&("write", Kind::Info)),
        "{kinds:?}"
    );
}
