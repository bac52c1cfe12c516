//! How much happens at most.

use simulator::nemesis::Fault;
use simulator::storm::Aftermath;

use super::witness::{pins, storm};

const EVERYTHING: &str =
    "--nemesis partition,loss,duplicate,delay,pause,kill,skew --nemesis-interval 1";

fn run(words: &str) -> Aftermath {
    storm(EVERYTHING).with(&pins(words)).run(1).unwrap()
}

/// How often faults of these kinds began and ended.
fn acts(run: &Aftermath) -> (usize, usize) {
    let ops = run.record.history.ops.iter();
    let ops = ops.filter(|op| op.process.client().is_none());
    let count = |name: fn(Fault) -> &'static str| {
        let is_one = |f: &str| Fault::ALL.into_iter().any(|fault| name(fault) == f);
        ops.clone().filter(|op| is_one(&op.f)).count() / 2
    };
    (count(Fault::start_f), count(Fault::stop_f))
}

fn operations(run: &Aftermath) -> usize {
    let ops = run.record.history.ops.iter();
    ops.filter(|op| op.is_invocation() && !op.meta.is_final)
        .count()
}

#[test]
fn no_more_faults_begin_than_are_allowed_and_all_of_them_end() {
    for most in [0, 1, 7] {
        let run = run(&format!("--max-faults {most}"));
        // When the calm begins, all kinds are ended once more, to be sure.
        assert_eq!(acts(&run), (most, most + Fault::ALL.len()));
        assert!(operations(&run) > 500);
    }
    assert!(acts(&run("")).0 > 100);
}

#[test]
fn no_more_operations_begin_than_are_allowed_and_faults_go_on() {
    for most in [0, 1, 7] {
        let run = run(&format!("--max-operations {most}"));
        assert_eq!(operations(&run), most);
        assert!(acts(&run).0 > 100);
    }
}

#[test]
fn extreme_options_break_nothing() {
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
    for words in extremes {
        let run = run(words);
        assert!(run.is_valid(), "{words}: {:?}", run.verdict.findings);
    }
    // A node that sleeps on such a message does not hear init either, as in Maelstrom.
    let run = run("--latency 4294967295 --latency-dist exponential --time-limit 2");
    let why = run.record.crash.expect("nobody can wait that long");
    assert!(why.contains("did not answer init"), "{why}");
}
