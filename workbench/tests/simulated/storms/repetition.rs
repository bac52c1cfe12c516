//! Same seed, same run, byte for byte: twice, beside others, and on all machines.

use history::History;
use rayon::ThreadPoolBuilder;
use simulator::simulation::simulate;
use simulator::storm::campaign::{self, Described, Tally};
use simulator::storm::{Aftermath, Storm};
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

/// Everything that a run leaves behind, in words.
fn told(run: &Aftermath) -> String {
    let Aftermath {
        beyond,
        record,
        verdict,
        logs,
        ..
    } = run;
    let history = text(&record.history);
    format!(
        "{beyond}\n{history}\n{:?}\n{:?}\n{logs:?}",
        record.statistics, verdict.findings
    )
}

#[test]
fn a_storm_is_the_same_twice_and_beside_others() {
    let storm = witness::storm(EVERYTHING);
    let run = |seed| told(&storm.run(seed).unwrap());
    let alone: Vec<String> = (0..4).map(run).collect();
    assert_ne!(alone[0], alone[1]);
    let beside: Vec<String> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..4).map(|seed| scope.spawn(move || run(seed))).collect();
        started.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(alone == beside);
}

#[test]
fn a_campaign_comes_to_the_same_whatever_the_number_of_threads() {
    let count = |threads: usize, keep_going: bool| {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        // Some of them fail: a partition leaves no echo unanswered, but a death may.
        let storm =
            storm_of("broadcast-3c").with(&pins("--nemesis kill --time-limit 2 --node-count 3"));
        pool.install(|| {
            campaign::run(
                &storm,
                10..22,
                keep_going,
                |run| Described {
                    options: String::new(),
                    command: run.seed.to_string(),
                },
                |_| (),
            )
        })
        .unwrap()
    };
    for keep_going in [false, true] {
        let (tally, seeds): (Tally, _) = count(1, keep_going);
        assert!(!tally.failures.is_empty() && tally.runs == seeds.end - seeds.start);
        assert_eq!(count(3, keep_going), (tally, seeds));
    }
}

fn storm_of(name: &str) -> Storm {
    let challenge = ALL.iter().find(|challenge| challenge.name == name).unwrap();
    let factory = challenge.solution.factory(&[]).unwrap();
    let (workload, base) = challenge.trials[0].test();
    Storm::with_factory(workload, factory, base)
}

/// A challenge's last trial as `challenge --simulate` runs it.
fn challenged(name: &str, seed: u64) -> String {
    let challenge = ALL.iter().find(|challenge| challenge.name == name).unwrap();
    let (name, options) = challenge.trials.last().unwrap().test();
    let workload = workload(name, &options);
    let settings = options.settings(&*workload, seed).unwrap();
    let factory = challenge.solution.factory(&[]).unwrap();
    text(&simulate(&settings, workload, factory).record.history)
}

/// FNV-1a with 64 bits.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// What runs were when they were last looked at. The first three know no faults but partitions and go
/// back to the time when there were no others; the witness depends on the bench alone.
const GOLDEN: [(&str, u64); 6] = [
    ("broadcast-3c, seed 5", 0x242f_dfd4_b815_342a),
    ("kafka-5c, seed 5", 0x4303_156d_9a95_6214),
    ("txn-6c, seed 5", 0x55dd_5f5e_2349_521b),
    ("unique-ids, seed 5", 0xaa0b_187b_6f55_7fa3),
    ("broadcast-3c, all faults, seed 5", 0x118b_5eaa_281b_4f97),
    ("witness, all faults, seed 5", 0x5f37_a1ad_6b77_d84f),
];

/// Seeds that somebody has noted must go on to mean the same runs, here and on every machine.
///
/// If a deliberate change alters them (a solution sends other messages; rng are thrown in another
/// order), put the digests that this test prints in place of the old ones, in the same commit, and
/// say there why. If you have changed nothing that ought to alter them, you have found a fault: look
/// for a clock, a hash map's order, a `usize` that is drawn, or a mathematical function.
#[test]
fn runs_are_what_they_were_and_the_same_on_every_machine() {
    let stormy = |storm: Storm| {
        text(
            &storm
                .with(&pins(EVERYTHING))
                .without_drawing()
                .run(5)
                .unwrap()
                .record
                .history,
        )
    };
    let runs = [
        challenged("broadcast-3c", 5),
        challenged("kafka-5c", 5),
        challenged("txn-6c", 5),
        challenged("unique-ids", 5),
        stormy(storm_of("broadcast-3c")),
        stormy(witness::storm("")),
    ];
    let digests = GOLDEN
        .iter()
        .zip(&runs)
        .map(|((name, _), run)| (*name, digest(run)));
    let digests: Vec<(&str, u64)> = digests.collect();
    let shown = digests
        .iter()
        .map(|(name, digest)| format!("    (\"{name}\", {digest:#018x}),\n"));
    assert!(
        digests == GOLDEN,
        "these are the digests now:\n{}",
        shown.collect::<String>()
    );
}
