//! Sets and counters: their final reads, and that every error is indeterminate to their clients.
//! Each run waits ten seconds for the network to recover, so the runs of a test are parallel.

use std::collections::BTreeSet;

use history::{Kind, Op};

use super::bench::{Case, Run, check};
use super::keeper::{
    assert_successors, exceptions, failures, invoked_by, keeper, phases, requests,
};

/// The numbers of the adds of this kind.
fn added(run: &Run, kind: Kind) -> Vec<i64> {
    let ops = run.history().ops;
    let adds = ops.iter().filter(|op| op.kind == kind && op.f == "add");
    adds.map(|op| op.value.parse().unwrap()).collect()
}

/// The completed reads after recovery; asserts that every worker reads once.
fn final_reads(run: &Run) -> Vec<Op> {
    let [_, last] = phases(run);
    for worker in 0..run.test()["concurrency"].as_u64().unwrap() {
        let invoked = invoked_by(worker, run, &last);
        let is_read = matches!(&invoked[..], [read] if read.f == "read");
        run.assert(is_read, "every worker reads once at the end");
        let is_marked = run.test()["workload"] != "g-set";
        run.assert(
            invoked[0].meta.is_final == is_marked,
            "only counters mark final reads",
        );
    }
    last.into_iter().filter(|op| op.kind == Kind::Ok).collect()
}

#[test]
fn state_that_all_nodes_share_is_valid() {
    let wide = "--rate 200 --concurrency 2n --seed 1";
    let valid = |workload| [format!("{workload}: valid"), " 0 indeterminate".to_owned()];
    let runs = check([
        keeper("g-set", []).flags(wide).prints(valid("g-set")),
        keeper("g-set", []).flags("--node-count 2 --concurrency 2n"),
        keeper("g-counter", [])
            .flags(wide)
            .prints(valid("g-counter")),
        keeper("g-counter", []).flags("--node-count 3 --latency 5"),
        keeper("pn-counter", [])
            .flags(wide)
            .prints(valid("pn-counter")),
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
        run.assert(drawn.into_iter().eq(range), "all possible values are added");
    }
}

#[test]
fn lost_and_repeated_adds_are_invalid_and_indeterminate_ones_may_count_or_not() {
    // With this seed, both of two nodes receive an add other than zero early.
    let seeded = |case: Case| case.flags("--seed 1");
    let [open, close] = ["the final read of process ", ", expected "];
    let lost = ["is lost: acknowledged to process ", "missing from the read"];
    let indeterminate_add =
        |outcome| seeded(keeper("pn-counter", [outcome, "add:ok"])).flags("--concurrency 2n");
    let runs = check([
        keeper("g-counter", ["add:twice"])
            .exits(1)
            .prints([open, close]),
        indeterminate_add("add:silence").prints(["1 indeterminate"]),
        indeterminate_add("add:nothing").prints(["1 indeterminate"]),
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
    let [twice, applied, not_applied, ..] = &runs[..] else {
        return;
    };
    let sum: i64 = added(twice, Kind::Ok).iter().sum();
    let finding = format!("returned {}{close}{sum}", 2 * sum);
    twice.assert(twice.text.contains(&finding), &finding);
    for (run, is_applied) in [(applied, true), (not_applied, false)] {
        let indeterminate = added(run, Kind::Info);
        run.assert(
            matches!(indeterminate[..], [it] if it != 0),
            "one add is indeterminate",
        );
        let counted = if is_applied { indeterminate[0] } else { 0 };
        let sum = added(run, Kind::Ok).iter().sum::<i64>() + counted;
        for read in final_reads(run) {
            let total: i64 = read.value.parse().unwrap();
            run.assert(total == sum, "it counts if it was applied");
        }
    }
}

/// A case in which this operation is always indeterminate.
fn never_ok(f: &str, case: Case) -> Case {
    let finding = format!("no {f} succeeded: 0 failed, ");
    case.exits(1).prints([finding])
}

#[test]
fn every_error_is_indeterminate_even_a_definite_one() {
    let refused = [
        never_ok("add", keeper("g-set", ["add:error 11"])),
        never_ok("add", keeper("pn-counter", ["add:error 0"])),
        never_ok("add", keeper("g-counter", ["add:error 1000"])).flags("--concurrency 2n"),
        never_ok("read", keeper("pn-counter", ["read:error 12"])),
        keeper("g-set", ["add:error 11", "add:ok"]),
        keeper("g-counter", ["add:error 11", "add:ok"]),
    ];
    let late = [
        never_ok("add", keeper("g-set", ["add:silence"])),
        keeper("pn-counter", ["add:nothing", "add:ok"]).flags("--time-limit 7"),
    ];
    let malformed = [
        ("g-set", r#""elements":[]"#),
        ("g-set", r#""value":{}"#),
        ("g-counter", r#""value":"7""#),
        ("pn-counter", r#""value":7.0"#),
        ("pn-counter", r#""value":7,"node":"n0""#),
    ];
    let malformed = malformed.map(|(workload, fields)| {
        let answer = format!(r#"read:{{"type":"read_ok",{fields}}}"#);
        never_ok("read", keeper(workload, [&answer]))
    });
    let classes = [
        ("rpc-error", refused.to_vec()),
        ("net-timeout", late.to_vec()),
        ("malformed-response", malformed.to_vec()),
    ];
    let cases = classes.iter().flat_map(|(_, cases)| cases.clone());
    let class_of_each = classes
        .iter()
        .flat_map(|(class, cases)| cases.iter().map(|_| *class));
    for (run, class) in check(cases).iter().zip(class_of_each) {
        assert_indeterminate(run, class);
    }
}

/// Asserts that all failures are indeterminate exceptions of this class, each followed by a new
/// process with a new client.
fn assert_indeterminate(run: &Run, class: &str) {
    let failures = failures(run);
    let is_info = failures.iter().all(|op| op.kind == Kind::Info);
    run.assert(is_info && !failures.is_empty(), "all are indeterminate");
    let expected = (class.to_owned(), failures.len());
    assert_eq!(exceptions(run), [expected].into());

    let processes = assert_successors(run);
    let workers = run.test()["concurrency"].as_u64().unwrap() as usize;
    run.assert(processes > workers, "new processes follow");
    let clients: BTreeSet<String> = requests(run).into_iter().map(|it| it.0).collect();
    run.assert(clients.len() == processes, "each has a client of its own");
}
