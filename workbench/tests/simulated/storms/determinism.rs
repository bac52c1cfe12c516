//! Same seed, same run, byte for byte: repeated, in parallel, and on every machine.

use checkers::CheckerResult as _;
use history::History;
use rayon::ThreadPoolBuilder;
use simulator::simulation::simulate;
use simulator::storm::campaign::{self, Described, Totals};
use simulator::storm::{Storm, StormRun};
use simulator::workload::workload;
use workbench::challenge::ALL;

use super::witness::{self, pins};

const EVERYTHING: &str = "--nemesis partition,loss,duplicate,delay,pause,kill,skew \
    --partition-shapes one,majority,minority-third,majorities-ring,one-way,bridge \
    --nemesis-interval 1 --latency 20 --latency-dist uniform";

fn text(history: &History) -> String {
    let mut out = Vec::new();
    history.write_json_lines(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The whole result of a run as text.
fn describe(run: &StormRun) -> String {
    let StormRun {
        differences,
        record,
        verdict,
        ..
    } = run;
    let history = text(&record.history);
    format!(
        "{differences}\n{history}\n{:?}\n{:?}\n{:?}",
        record.statistics,
        verdict.sentences(),
        record.logs
    )
}

#[test]
fn a_storm_is_the_same_when_repeated_and_in_parallel() {
    let storm = witness::storm(EVERYTHING);
    let run = |seed| describe(&storm.run(seed).unwrap());
    let sequential: Vec<String> = (0..4).map(run).collect();
    assert_ne!(sequential[0], sequential[1]);
    let parallel: Vec<String> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..4).map(|seed| scope.spawn(move || run(seed))).collect();
        started.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(sequential == parallel);
}

#[test]
fn a_campaign_has_the_same_result_on_any_number_of_threads() {
    let run = |threads: usize, keep_going: bool| {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        // Some of these runs fail: a killed node forgets values that it has acknowledged.
        let storm =
            storm_of("broadcast-3c").with(&pins("--nemesis kill --time-limit 2 --node-count 3"));
        pool.install(|| {
            campaign::run(
                &storm,
                10..22,
                keep_going,
                || false,
                |run| Described {
                    options: String::new(),
                    kind: String::new(),
                    story: Vec::new(),
                    command: run.seed.to_string(),
                },
                |_| (),
            )
        })
        .unwrap()
    };
    for keep_going in [false, true] {
        let (tally, seeds): (Totals, _) = run(1, keep_going);
        assert!(!tally.failures.is_empty() && tally.runs == seeds.end - seeds.start);
        assert_eq!(run(3, keep_going), (tally, seeds));
    }
}

fn storm_of(name: &str) -> Storm {
    let challenge = ALL.iter().find(|challenge| challenge.name == name).unwrap();
    let factory = challenge.solution.factory(&[]).unwrap();
    let (workload, base) = challenge.trials[0].test();
    Storm::with_factory(workload, factory, base)
}

/// The history of a challenge's last trial, as `challenge --simulate` runs it.
fn simulate_challenge(name: &str, seed: u64) -> String {
    let challenge = ALL.iter().find(|challenge| challenge.name == name).unwrap();
    let (name, options) = challenge.trials.last().unwrap().test();
    let workload = workload(name, &options);
    let settings = options.settings(&*workload, seed).unwrap();
    let factory = challenge.solution.factory(&[]).unwrap();
    text(&simulate(&settings, workload, &factory).history)
}

/// 64-bit FNV-1a.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Digests of histories. The first three runs have partitions as their only faults; the witness
/// depends on the bench alone, not on a solution.
const GOLDEN: [(&str, u64); 6] = [
    ("broadcast-3c, seed 5", 0x795a_8819_8cee_f86e),
    ("kafka-5c, seed 5", 0x010a_3e43_373f_8c9f),
    ("txn-6c, seed 5", 0x55dd_5f5e_2349_521b),
    ("unique-ids, seed 5", 0xaa0b_187b_6f55_7fa3),
    ("broadcast-3c, all faults, seed 5", 0x67c5_9ef0_57f5_e435),
    ("witness, all faults, seed 5", 0x5f37_a1ad_6b77_d84f),
];

/// A seed noted earlier, or on another machine, must still give the same run.
///
/// If a deliberate change alters the runs (a solution sends other messages, random numbers are drawn
/// in another order), replace the digests by those that this test prints, in the same commit, and
/// give the reason there. Otherwise you have found a bug: look for a clock, a hash map's order, a
/// random `usize`, or a mathematical function.
#[test]
fn runs_match_the_golden_digests_on_every_machine() {
    let history = |storm: Storm| {
        text(
            &storm
                .with(&pins(EVERYTHING))
                .fixed()
                .run(5)
                .unwrap()
                .record
                .history,
        )
    };
    let runs = [
        simulate_challenge("broadcast-3c", 5),
        simulate_challenge("kafka-5c", 5),
        simulate_challenge("txn-6c", 5),
        simulate_challenge("unique-ids", 5),
        history(storm_of("broadcast-3c")),
        history(witness::storm("")),
    ];
    let digests = GOLDEN
        .iter()
        .zip(&runs)
        .map(|((name, _), run)| (*name, digest(run)));
    let digests: Vec<(&str, u64)> = digests.collect();
    let lines = digests
        .iter()
        .map(|(name, digest)| format!("    (\"{name}\", {digest:#018x}),\n"));
    assert!(
        digests == GOLDEN,
        "the digests are now:\n{}",
        lines.collect::<String>()
    );
}
