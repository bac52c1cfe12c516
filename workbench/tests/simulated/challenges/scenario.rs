//! A simulated run of some workload, repeated over many seeds.

use std::time::Duration;

use checkers::{Validity, Verdict};
use history::Kind;
use pages::budget::Budget;
use simulator::judge::judge_run;
use simulator::nemesis::Fault;
use simulator::options::{Nodes, Options};
use simulator::run::{RECOVERY, Record, Settings};
use simulator::simulation::simulate;
use simulator::workload::{Name, workload};
use workbench::challenge::{ALL, Challenge};
use workbench::solutions::Solution;

/// What a simulated run is, but for its seed.
#[derive(Clone)]
pub struct Scene {
    pub workload: Name,
    pub options: Options,
    /// How long the healed network rests before the final phase.
    pub recovery: Duration,
    pub solution: Solution,
    pub node_flags: &'static [&'static str],
}

/// Twenty seconds of a workload at this rate, with a worker a node, and nothing in the way.
pub fn scene(workload: Name, solution: Solution, nodes: u32, rate: f64) -> Scene {
    Scene {
        workload,
        options: Options {
            nodes: Nodes::Count(nodes),
            rate,
            time_limit: Duration::from_secs(20),
            ..Options::default()
        },
        recovery: RECOVERY,
        solution,
        node_flags: &[],
    }
}

impl Scene {
    pub fn with_partitions(mut self, every_s: f64) -> Self {
        self.options.nemesis = [Fault::Partition].into();
        self.options.nemesis_interval = Duration::from_secs_f64(every_s);
        self
    }

    pub fn run(&self, seed: u64) -> Record {
        let flags: Vec<String> = self.node_flags.iter().map(ToString::to_string).collect();
        let factory = self.solution.factory(&flags).unwrap();
        let workload = workload(self.workload, &self.options);
        let settings = Settings {
            recovery: self.recovery,
            ..self.options.settings(&*workload, seed).unwrap()
        };
        let record = simulate(&settings, workload, factory).record;
        assert_eq!(record.crash, None, "seed {seed}");
        assert!(
            record.incidents.is_empty(),
            "seed {seed}: {:?}",
            record.incidents
        );
        record
    }

    /// Runs many seeds, or the one that SEED asks for; all of them must be valid.
    pub fn each_seed(&self, count: u64, check: impl Fn(u64, &Record)) {
        let only: Option<u64> = std::env::var("SEED")
            .ok()
            .map(|seed| seed.parse().expect("a number"));
        for seed in only.map_or(0..count, |seed| seed..seed + 1) {
            let record = self.run(seed);
            self.assert_valid(seed, &record);
            check(seed, &record);
        }
    }

    /// What the bench would say, but for `--availability`.
    pub fn judge(&self, record: &Record) -> Verdict {
        judge_run(record, &*workload(self.workload, &self.options), None)
    }

    fn assert_valid(&self, seed: u64, record: &Record) {
        let verdict = self.judge(record);
        assert_eq!(
            verdict.valid,
            Validity::Valid,
            "{:#?}\n{}",
            verdict.findings,
            again(seed)
        );
    }

    /// The budgets of a challenge, ours and the official ones.
    pub fn assert_budgets(&self, budgets: &[Budget], seed: u64, record: &Record) {
        let results = self.judge(record).results;
        for budget in budgets {
            let metric = budget.metric;
            let measured = metric.measure(&results).expect("a number");
            for bound in [budget.official, budget.ours].into_iter().flatten() {
                let holds = bound.holds(measured);
                assert!(holds, "{metric:?} {measured} {bound}; {}", again(seed));
            }
        }
    }
}

/// No operation was refused or left open, but for crashes on purpose.
pub fn assert_available(seed: u64, record: &Record) {
    let ops = record.history.ops.iter();
    let missed = ops.filter(|op| op.is_completion() && op.kind != Kind::Ok && op.f != "crash");
    let missed: Vec<_> = missed.collect();
    assert!(missed.is_empty(), "{missed:?}; {}", again(seed));
}

pub fn again(seed: u64) -> String {
    format!("again: SEED={seed} cargo test -p workbench --test simulated challenges")
}

pub fn challenge(name: &str) -> &'static Challenge {
    ALL.iter().find(|challenge| challenge.name == name).unwrap()
}
