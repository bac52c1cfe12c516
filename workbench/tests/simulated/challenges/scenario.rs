//! Simulated runs of a workload over many seeds.

use std::time::Duration;

use checkers::{CheckerResult as _, Validity, Verdict};
use history::Kind;
use pages::budget::{Budget, Measurements};
use simulator::judge::judge;
use simulator::nemesis::Fault;
use simulator::options::{Nodes, Options};
use simulator::run::{RECOVERY, Record, Settings};
use simulator::simulation::simulate;
use simulator::workload::{Name, workload};
use workbench::challenge::{ALL, Challenge};
use workbench::solutions::Solution;

/// The parameters of a simulated run, without its seed.
#[derive(Clone)]
pub struct Scenario {
    pub workload: Name,
    pub options: Options,
    /// Time between the end of faults and the final phase.
    pub recovery: Duration,
    pub solution: Solution,
    pub node_flags: &'static [&'static str],
}

/// A workload for twenty seconds at this rate, with one worker per node and no faults.
pub fn scenario(workload: Name, solution: Solution, nodes: u32, rate: f64) -> Scenario {
    Scenario {
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

impl Scenario {
    pub fn with_partitions(mut self, interval_s: f64) -> Self {
        self.options.nemesis = [Fault::Partition].into();
        self.options.nemesis_interval = Duration::from_secs_f64(interval_s);
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
        let record = simulate(&settings, workload, &factory);
        assert_eq!(record.abort_reason, None, "seed {seed}");
        assert!(
            record.incidents.is_empty(),
            "seed {seed}: {:?}",
            record.incidents
        );
        record
    }

    /// Runs this many seeds, or the one in the variable `SEED`, and asserts that all are valid.
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

    /// The bench's verdict, without `--availability`.
    pub fn judge(&self, record: &Record) -> Verdict {
        judge(record, &*workload(self.workload, &self.options), None)
    }

    fn assert_valid(&self, seed: u64, record: &Record) {
        let verdict = self.judge(record);
        assert_eq!(
            verdict.validity(),
            Validity::Valid,
            "{:#?}\n{}",
            verdict.sentences(),
            repeat_command(seed)
        );
    }

    /// Asserts that a run meets a challenge's budgets, ours and the official ones.
    pub fn assert_budgets(&self, budgets: &[Budget], seed: u64, record: &Record) {
        let measured = Measurements::of(&self.judge(record));
        for budget in budgets {
            let metric = budget.metric;
            let measured = measured.get(metric).expect("a number");
            for bound in [budget.official, budget.ours].into_iter().flatten() {
                let is_met = bound.holds(measured);
                assert!(
                    is_met,
                    "{metric:?} {measured} {bound}; {}",
                    repeat_command(seed)
                );
            }
        }
    }
}

/// Asserts that every operation was acknowledged, except crashes on purpose.
pub fn assert_available(seed: u64, record: &Record) {
    let ops = record.history.ops.iter();
    let unavailable = ops.filter(|op| op.is_completion() && op.kind != Kind::Ok && op.f != "crash");
    let unavailable: Vec<_> = unavailable.collect();
    assert!(
        unavailable.is_empty(),
        "{unavailable:?}; {}",
        repeat_command(seed)
    );
}

/// The command that repeats a seed.
pub fn repeat_command(seed: u64) -> String {
    format!("repeat with SEED={seed} cargo test -p workbench --test simulated challenges")
}

pub fn challenge(name: &str) -> &'static Challenge {
    ALL.iter().find(|challenge| challenge.name == name).unwrap()
}
