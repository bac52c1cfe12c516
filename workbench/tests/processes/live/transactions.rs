//! Transactions over registers and lists: what clients request, and how replies are judged.

use std::collections::{BTreeMap, BTreeSet};

use history::{Kind, Op};
use serde_json::Value;

use super::bench::{Case, Run, check};
use super::keeper::{assert_one_failure, keeper, requests};

/// The function (`r`, `w` or `append`), the key and the value.
type MicroOp = (String, u64, Value);

fn registers<const N: usize>(outcomes: [&str; N]) -> Case {
    keeper("txn-rw-register", outcomes)
}

fn lists<const N: usize>(outcomes: [&str; N]) -> Case {
    keeper("txn-list-append", outcomes)
}

/// The transactions that clients invoked.
fn invoked(run: &Run) -> Vec<Vec<MicroOp>> {
    let ops = run.history().ops;
    let invocations = ops.iter().filter(|op| op.is_invocation());
    invocations.map(|op| op.value.parse().unwrap()).collect()
}

/// The values written to each key, in order.
fn written(run: &Run) -> BTreeMap<u64, Vec<u64>> {
    let mut written: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (_, key, value) in invoked(run).concat() {
        written.entry(key).or_default().extend(value.as_u64());
    }
    written
}

#[test]
fn transactions_have_the_requested_size_and_keys_retire() {
    let shaped = |flags: &str| registers([]).flags("--rate 100 --seed 1").flags(flags);
    let valid = ["txn-rw-register: valid", " 0 failed, 0 indeterminate"];
    let runs = check([
        shaped("--concurrency 2n").prints(valid),
        shaped("--node-count 3 --concurrency 2n --latency 5").prints(valid),
        shaped("--availability total --nemesis partition"),
        shaped("--max-txn-length 1"),
        shaped("--max-txn-length 9"),
        shaped("--key-count 1"),
        shaped("--key-count 1 --max-txn-length 1 --max-writes-per-key 2"),
    ]);
    for run in &runs {
        for (f, key, value) in invoked(run).concat() {
            let fits = (f == "r" && value.is_null()) || (f == "w" && value.is_u64());
            run.assert(fits, &format!("{f} of {key}: {value:?}"));
        }
        let in_order = |values: &Vec<u64>| (1..).zip(values).all(|(number, it)| number == *it);
        run.assert(written(run).values().all(in_order), "values count from 1");
        for pair in run.history().pairs() {
            let [invoked, done] = [Some(pair.invocation), pair.completion];
            let [invoked, done] = [invoked, done].map(without_reads);
            run.assert(invoked == done, "the reply has the invoked operations");
        }
    }
    let max_lengths = [4, 4, 4, 1, 9, 4, 1];
    for (run, max) in runs.iter().zip(max_lengths) {
        let lengths: BTreeSet<usize> = invoked(run).iter().map(Vec::len).collect();
        run.assert(lengths.into_iter().eq(1..=max), "all lengths occur");
    }
    let [default, .., one, narrow] = &runs[..] else {
        return;
    };
    // The last of ten keys is as popular as all others, and the first to retire.
    for (run, keys, max) in [(default, 10, 16), (one, 1, 16), (narrow, 1, 2)] {
        let written = written(run);
        run.assert(
            written.values().all(|it| it.len() <= max),
            "no key has too many writes",
        );
        let full = written.values().filter(|it| it.len() == max).count();
        run.assert(full > 0, "some keys have the maximum of writes");
        let last = *written.keys().next_back().unwrap() as usize;
        run.assert(
            last >= keys && last < keys + full,
            "each retired key is replaced by a new one",
        );
    }
}

#[test]
fn lists_are_read_and_appended_to_like_registers() {
    let runs = check([
        lists([])
            .flags("--rate 100 --seed 1 --concurrency 2n")
            .prints(["txn-list-append: valid", " 0 failed, 0 indeterminate"]),
        lists([]).flags("--node-count 3 --concurrency 2n --latency 5 --rate 100"),
        lists([]).flags("--max-writes-per-key 1000 --key-count 1 --rate 100"),
        // Two nodes that do not communicate.
        lists(["alone"])
            .flags("--node-count 2 --concurrency 2n --rate 100")
            .exits(1)
            .prints(["txn-list-append: invalid", "incompatible-order: key "]),
    ]);
    for run in &runs {
        for (f, _, value) in invoked(run).concat() {
            let fits = (f == "r" && value.is_null()) || (f == "append" && value.is_u64());
            run.assert(fits, &format!("{f} {value:?}"));
        }
        let in_order = |values: &Vec<u64>| (1..).zip(values).all(|(number, it)| number == *it);
        run.assert(written(run).values().all(in_order), "values count from 1");
    }
}

/// A transaction without the values of its reads.
fn without_reads(op: Option<&Op>) -> Vec<MicroOp> {
    let mut ops: Vec<MicroOp> = op.unwrap().value.parse().unwrap();
    for (f, _, value) in &mut ops {
        if f == "r" {
            *value = Value::Null;
        }
    }
    ops
}

/// The outcome of a transaction, and the kind and error of its completion.
const FAILURES: [(&str, Kind, &str); 11] = [
    ("txn:error 30", Kind::Fail, "txn-conflict: busy"),
    ("txn:error 11", Kind::Fail, "temporarily-unavailable: busy"),
    ("txn:error 13", Kind::Info, "crash: busy"),
    ("txn:error 1000", Kind::Info, "unknown: busy"),
    ("txn:silence", Kind::Info, "net-timeout"),
    ("txn:nothing", Kind::Info, "net-timeout"),
    (
        r#"txn:{"type":"txn_ok","txn":[["append",1,2]]}"#,
        Kind::Info,
        NO_REGISTERS,
    ),
    (
        r#"txn:{"type":"txn_ok","txn":[["r",1]]}"#,
        Kind::Info,
        NO_REGISTERS,
    ),
    (
        r#"txn:{"type":"txn_ok","txn":{}}"#,
        Kind::Info,
        NO_REGISTERS,
    ),
    (
        r#"txn:{"type":"txn_ok"}"#,
        Kind::Info,
        "the field \"txn\" is missing",
    ),
    (
        r#"txn:{"type":"txn_ok","txn":[],"n":1}"#,
        Kind::Info,
        "\"n\" does not belong",
    ),
];

const NO_REGISTERS: &str =
    r#"the field "txn" should be a list of ["r", key, value] and ["w", key, value]"#;

#[test]
fn an_indeterminate_transaction_ends_its_process_but_not_its_client() {
    let cases = FAILURES
        .map(|(outcome, ..)| registers([outcome, "txn:ok"]).flags("--time-limit 7 --rate 20"));
    for (run, (_, kind, error)) in check(cases).iter().zip(FAILURES) {
        assert_one_failure(run, "txn", kind, error);
        let clients: BTreeSet<String> = requests(run).into_iter().map(|it| it.0).collect();
        run.assert(clients.len() == 1, "one client goes on");
        let processes: BTreeSet<_> = run.history().ops.iter().map(|op| op.process).collect();
        let expected = if kind == Kind::Info { 2 } else { 1 };
        run.assert(
            processes.len() == expected,
            "a new process follows an indeterminate operation",
        );
    }
}

#[test]
fn the_history_has_the_transaction_of_the_reply() {
    let answer = |txn: &str| format!(r#"txn:{{"type":"txn_ok","txn":{txn}}}"#);
    let replies = [
        "null",
        "[]",
        // A key that no other transaction uses: the reply is not true of the node.
        r#"[["r",7000,null]]"#,
        r#"[["w",7000,1],["r",7000,1]]"#,
    ];
    let cases = replies
        .map(|txn| registers([&answer(txn), "txn:ok"]).prints([" 0 failed, 0 indeterminate"]));
    for (run, reply) in check(cases).iter().zip(replies) {
        let ops = run.history().ops;
        let done = ops.iter().find(|op| op.kind == Kind::Ok).unwrap();
        run.assert(done.value.json().replace(' ', "") == reply, reply);
    }
    check([registers(["txn:error 30"])
        .exits(1)
        .prints(["no txn succeeded", " 0 indeterminate"])]);
}

#[test]
fn an_answer_that_is_no_list_of_reads_and_appends_is_malformed() {
    let no_lists = "the field \"txn\" should be a list of [\"r\", key, list]";
    let malformed = [
        r#"[["w",1,2]]"#,
        r#"[["r",1,2]]"#,
        r#"[["append",1]]"#,
        r#""x""#,
    ];
    let outcomes = malformed.map(|txn| format!(r#"txn:{{"type":"txn_ok","txn":{txn}}}"#));
    let cases = outcomes
        .each_ref()
        .map(|outcome| lists([outcome, "txn:ok"]));
    for run in check(cases) {
        assert_one_failure(&run, "txn", Kind::Info, no_lists);
    }
}

#[test]
fn a_list_with_an_element_that_was_never_appended_is_unknown() {
    let invented = r#"txn:{"type":"txn_ok","txn":[["r",7000,[777]]]}"#;
    let other = r#"txn:{"type":"txn_ok","txn":[["append",7000,1],["r",7000,[1]]]}"#;
    check([
        lists([invented, "txn:ok"])
            .exits(2)
            .prints(["777 is in the longest list read from key 7000, but was never appended"]),
        // Elle would report this if it were the key's only append, but this key has more.
        lists([other, "txn:ok"]).flags("--key-count 1"),
        lists(["txn:error 30"])
            .exits(1)
            .prints(["no txn succeeded", "empty-transaction-graph"]),
    ]);
}
