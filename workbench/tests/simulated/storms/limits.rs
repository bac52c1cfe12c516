//! Limits of faults and operations, and extreme options.

use checkers::CheckerResult as _;
use simulator::nemesis::Fault;
use simulator::storm::StormRun;

use super::witness::{pins, storm};

const EVERYTHING: &str =
    "--nemesis partition,loss,duplicate,delay,pause,kill,skew --nemesis-interval 1";

fn run(flags: &str) -> StormRun {
    storm(EVERYTHING).with(&pins(flags)).run(1).unwrap()
}

/// How many faults began and ended.
fn fault_counts(run: &StormRun) -> (usize, usize) {
    let ops = run.record.history.ops.iter();
    let ops = ops.filter(|op| op.process.client().is_none());
    let count = |name: fn(Fault) -> &'static str| {
        let is_counted = |f: &str| Fault::ALL.into_iter().any(|fault| name(fault) == f);
        ops.clone().filter(|op| is_counted(&op.f)).count() / 2
    };
    (count(Fault::start_f), count(Fault::stop_f))
}

fn operations(run: &StormRun) -> usize {
    let ops = run.record.history.ops.iter();
    ops.filter(|op| op.is_invocation() && !op.meta.is_final)
        .count()
}

#[test]
fn at_most_max_faults_begin_and_all_of_them_end() {
    for max in [0, 1, 7] {
        let run = run(&format!("--max-faults {max}"));
        // Before convergence is checked, all kinds of faults are ended once more.
        assert_eq!(fault_counts(&run), (max, max + Fault::ALL.len()));
        assert!(operations(&run) > 500);
    }
    assert!(fault_counts(&run("")).0 > 100);
}

#[test]
fn at_most_max_operations_begin_and_faults_go_on() {
    for max in [0, 1, 7] {
        let run = run(&format!("--max-operations {max}"));
        assert_eq!(operations(&run), max);
        assert!(fault_counts(&run).0 > 100);
    }
}

#[test]
fn runs_with_extreme_options_are_valid() {
    let extremes = [
        "--nemesis-interval 1e-9 --time-limit 2 --targets 4000000000",
        "--nemesis-interval 1e18",
        "--nemesis-interval 0.001 --delay 3600000 --skew 3600000 --drift 1 --time-limit 2",
        "--node-count 1 --partition-shapes one-way,bridge,majorities-ring,minority-third",
        "--node-count 2 --partition-shapes one-way,bridge,majorities-ring,minority-third",
        "--loss 1 --duplicate 1",
        "--rate 0",
        "--rate 1e300 --max-operations 1000",
        "--rate 1e-300",
        "--concurrency 1000 --max-operations 18446744073709551615 --max-faults 18446744073709551615",
    ];
    for flags in extremes {
        let run = run(flags);
        assert!(run.is_valid(), "{flags}: {:?}", run.verdict.sentences());
    }
    // With such a latency no node receives init in time, as in Maelstrom.
    let run = run("--latency 4294967295 --latency-dist exponential --time-limit 2");
    let why = run.record.abort_reason.expect("init times out");
    assert!(why.contains("did not answer init"), "{why}");
}
