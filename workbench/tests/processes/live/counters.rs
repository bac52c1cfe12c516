//! Sets and counters: what their final reads prove, and that their clients make nothing of errors.
//! A run takes as long as it takes a network to recover, so all of a test run at once.

use std::collections::BTreeSet;

use history::{Kind, Op};

use super::bench::{Case, Run, check};
use super::keeper::{
    assert_successors, exceptions, failures, invoked_by, keeper, phases, requests,
};

/// The numbers that were added, with operations that began or ended like this.
fn added(run: &Run, kind: Kind) -> Vec<i64> {
    let ops = run.history().ops;
    let adds = ops.iter().filter(|op| op.kind == kind && op.f == "add");
    adds.map(|op| op.value.parse().unwrap()).collect()
}

/// What was read after recovery: every worker reads once.
fn final_reads(run: &Run) -> Vec<Op> {
    let [_, last] = phases(run);
    for worker in 0..run.test()["concurrency"].as_u64().unwrap() {
        let begun = invoked_by(worker, run, &last);
        let is_read = matches!(&begun[..], [read] if read.f == "read");
        run.assert(is_read, "every worker reads once at the end");
        let is_marked = run.test()["workload"] != "g-set";
        run.assert(begun[0].meta.is_final == is_marked, "counters mark that");
    }
    last.into_iter().filter(|op| op.kind == Kind::Ok).collect()
}

#[test]
fn what_all_nodes_share_is_valid() {
    let wide = "--rate 200 --concurrency 2n --seed 1";
    let told = |workload| [format!("{workload}: valid"), " 0 unknown".to_owned()];
    let runs = check([
        keeper("g-set", []).flags(wide).prints(told("g-set")),
        keeper("g-set", []).flags("--node-count 2 --concurrency 2n"),
        keeper("g-counter", [])
            .flags(wide)
            .prints(told("g-counter")),
        keeper("g-counter", []).flags("--node-count 3 --latency 5"),
        keeper("pn-counter", [])
            .flags(wide)
            .prints(told("pn-counter")),
        keeper("pn-counter", []).flags("--node-count 2 --concurrency 2n"),
    ]);
    for run in runs.iter().take(2) {
        let added = added(run, Kind::Invoke);
        let expected: Vec<i64> = (0..added.len() as i64).collect();
        run.assert(
            added.len() > 5 && added == expected,
            "elements count from 0",
        );
        for read in final_reads(run) {
            let mut elements: Vec<i64> = read.value.parse().unwrap();
            elements.sort_unstable();
            run.assert(elements == expected, "all are read in the end");
        }
    }
    for run in runs.iter().skip(2) {
        let added = added(run, Kind::Ok);
        for read in final_reads(run) {
            let total: i64 = read.value.parse().unwrap();
            run.assert(
                total == added.iter().sum::<i64>(),
                "the sum is read in the end",
            );
        }
    }
    let wide_runs = runs.iter().skip(2).step_by(2);
    for (run, range) in wide_runs.zip([0..5, -5..5]) {
        let drawn: BTreeSet<i64> = added(run, Kind::Invoke).into_iter().collect();
        run.assert(drawn.into_iter().eq(range), "all that can be added is");
    }
}

#[test]
fn what_is_missing_or_counted_twice_is_invalid_and_what_is_in_doubt_may_be_either() {
    // With this seed, both of two nodes are told something early on, and that is not nothing.
    let seeded = |case: Case| case.flags("--seed 1");
    let [open, close] = [
        "the final read of process ",
        ", which no selection of the adds comes to: ",
    ];
    let lost = ["is lost: acknowledged to process ", "missing from the read"];
    let in_doubt =
        |outcome| seeded(keeper("pn-counter", [outcome, "add:ok"])).flags("--concurrency 2n");
    let runs = check([
        keeper("g-counter", ["add:twice"])
            .exits(1)
            .prints([open, close]),
        in_doubt("add:silence").prints(["1 unknown"]),
        in_doubt("add:nothing").prints(["1 unknown"]),
        seeded(keeper("g-set", ["alone"]))
            .flags("--node-count 2")
            .exits(1)
            .prints(lost),
        seeded(keeper("g-counter", ["alone"]))
            .flags("--node-count 2")
            .exits(1)
            .prints([open, close]),
        seeded(keeper("g-set", ["add:silence", "add:ok"])).flags("--concurrency 2n"),
        seeded(keeper("g-set", ["add:nothing", "add:ok"])).flags("--concurrency 2n"),
    ]);
    let [twice, done, undone, ..] = &runs[..] else {
        return;
    };
    let sum: i64 = added(twice, Kind::Ok).iter().sum();
    let finding = format!("shows {}{close}{sum} would do", 2 * sum);
    twice.assert(twice.text.contains(&finding), &finding);
    for (run, is_done) in [(done, true), (undone, false)] {
        let doubtful = added(run, Kind::Info);
        run.assert(
            matches!(doubtful[..], [it] if it != 0),
            "one add is in doubt",
        );
        let counted = if is_done { doubtful[0] } else { 0 };
        let sum = added(run, Kind::Ok).iter().sum::<i64>() + counted;
        for read in final_reads(run) {
            let total: i64 = read.value.parse().unwrap();
            run.assert(total == sum, "it counts if it was done");
        }
    }
}

/// An operation of this name never succeeds, and never fails for certain either.
fn in_vain(f: &str, case: Case) -> Case {
    let told = format!("no {f} was ever ok: 0 failed, ");
    case.exits(1).prints([told])
}

#[test]
fn every_error_leaves_open_what_happened_even_a_definite_one() {
    let refused = [
        in_vain("add", keeper("g-set", ["add:error 11"])),
        in_vain("add", keeper("pn-counter", ["add:error 0"])),
        in_vain("add", keeper("g-counter", ["add:error 1000"])).flags("--concurrency 2n"),
        in_vain("read", keeper("pn-counter", ["read:error 12"])),
        keeper("g-set", ["add:error 11", "add:ok"]),
        keeper("g-counter", ["add:error 11", "add:ok"]),
    ];
    let late = [
        in_vain("add", keeper("g-set", ["add:silence"])),
        keeper("pn-counter", ["add:nothing", "add:ok"]).flags("--time-limit 7"),
    ];
    let odd = [
        ("g-set", r#""elements":[]"#),
        ("g-set", r#""value":{}"#),
        ("g-counter", r#""value":"7""#),
        ("pn-counter", r#""value":7.0"#),
        ("pn-counter", r#""value":7,"node":"n0""#),
    ];
    let odd = odd.map(|(workload, fields)| {
        let answer = format!(r#"read:{{"type":"read_ok",{fields}}}"#);
        in_vain("read", keeper(workload, [&answer]))
    });
    let classes = [
        ("rpc-error", refused.to_vec()),
        ("net-timeout", late.to_vec()),
        ("malformed-response", odd.to_vec()),
    ];
    let cases = classes.iter().flat_map(|(_, cases)| cases.clone());
    let class_of_each = classes
        .iter()
        .flat_map(|(class, cases)| cases.iter().map(|_| *class));
    for (run, class) in check(cases).iter().zip(class_of_each) {
        assert_open_ends(run, class);
    }
}

/// What did not end well is left open and an exception of this class; whoever was at it is gone,
/// and somebody new goes on.
fn assert_open_ends(run: &Run, class: &str) {
    let failures = failures(run);
    let open = failures.iter().all(|op| op.kind == Kind::Info);
    run.assert(open && !failures.is_empty(), "all is left open");
    let expected = (class.to_owned(), failures.len());
    assert_eq!(exceptions(run), [expected].into());

    let processes = assert_successors(run);
    let workers = run.test()["concurrency"].as_u64().unwrap() as usize;
    run.assert(processes > workers, "somebody goes on");
    let clients: BTreeSet<String> = requests(run).into_iter().map(|it| it.0).collect();
    run.assert(clients.len() == processes, "each has a client of its own");
}
