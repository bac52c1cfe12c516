//! `workbench test`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::again::OwnCommand;
use super::hosts::HostFlags;
use super::reporter::{Output, Reporter};
use super::seeds::last_seed;
use super::simulation::SimulationFlags;
use super::{
    code, code_after, command_line, fresh_seed, outcome_code, paint, program, progress,
    start_keeper, watch_signals,
};
use crate::flags::TestFlags;
use crate::hosts::Plan;
use crate::interrupt::Interrupt;
use crate::keeper::Keeper;
use crate::log::LogFormat;
use crate::store::Store;
use crate::test::{LogOptions, Stage, Test};
use checkers::Validity;
use pages::budget::Bar;
use pages::outcome::Outcome;
use pages::report::TestReport;
use pages::text::interrupted;
use simulator::network::NetLog;

/// Arguments of `test`.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    flags: TestFlags,

    /// The node's program, which reads messages from stdin and writes messages to stdout. A name
    /// without a slash is a file in the working directory, or else a program on PATH.
    #[arg(long, value_name = "FILE")]
    bin: PathBuf,

    /// Simulates: the program runs on the virtual clock, without waiting, and the same seed gives the
    /// same run.
    #[arg(
        long,
        conflicts_with_all =
            ["log_stderr", "log_net_send", "log_net_recv", "logging_json", "leave_db_running", "hosts",
             "hosts_file", "launch"]
    )]
    simulate: bool,

    #[command(flatten)]
    simulation: SimulationFlags,

    #[command(flatten)]
    hosts: HostFlags,

    /// The seed of operations, latencies and faults; without it one is chosen and printed. In
    /// simulations also that of everything that nodes draw.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// How often to run the test, each time with the next seed, until it is not valid.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..))]
    test_count: u32,

    /// Prints the nodes' stderr as it comes. Their logs always contain it.
    #[arg(long)]
    log_stderr: bool,

    /// Prints every message when it is sent, and logs it in the run's jepsen.log.
    #[arg(long)]
    log_net_send: bool,

    /// Prints every message when it is received, and logs it in the run's jepsen.log.
    #[arg(long)]
    log_net_recv: bool,

    /// Writes the run's jepsen.log as JSON, one object per line.
    #[arg(long)]
    logging_json: bool,

    /// Prints one JSON document: exit-status, error, and tests with their runs (command, seed,
    /// folder, not-kept, valid, crash, incidents, warnings, findings, results). Messages go to stderr.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    output: Output,

    /// Lets nodes exit early, and does not kill them at the end, even if the test is interrupted; they
    /// are killed if it is ended at once.
    #[arg(long)]
    leave_db_running: bool,

    /// The folder in which runs are stored.
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: PathBuf,

    /// Arguments of the node's program. Those that begin with a dash must follow `--`.
    #[arg(value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

/// Runs the test; returns the exit status.
pub(super) fn run(arguments: &Arguments, own: &OwnCommand) -> anyhow::Result<u8> {
    let mut reporter = Reporter::of_tests(own, &arguments.output, arguments.json)?;
    let done = run_rounds(arguments, own, &mut reporter);
    reporter.finish(done)
}

fn run_rounds(
    arguments: &Arguments,
    own: &OwnCommand,
    reporter: &mut Reporter,
) -> anyhow::Result<u8> {
    let program = arguments.hosts.program(&arguments.bin)?;
    let first = arguments.seed.unwrap_or_else(fresh_seed);
    last_seed(first, arguments.test_count)?;
    let mut report = TestReport {
        challenge: None,
        part: (1, 1),
        workload: arguments.flags.workload.to_string(),
        flags: arguments.words(),
        bar: Bar::Official,
        outcomes: Vec::new(),
        budgets: Vec::new(),
        status: code::VALID,
        command: own.repeat(Some(first)),
    };
    let bench = Bench {
        program: &program,
        hosts: arguments.hosts.plan(&program, &arguments.arguments)?,
        keeper: match arguments.simulate {
            true => None,
            false => start_keeper()?,
        },
        interrupt: watch_signals()?,
    };
    for round in 0..u64::from(arguments.test_count) {
        let seed = first + round;
        let place = (round + 1, arguments.test_count);
        let command = own.repeat(Some(seed));
        let outcome = arguments.run_one(&bench, seed, command, place, reporter)?;
        report.status = code_after(outcome_code(&outcome), &bench.interrupt);
        if arguments.simulation.repeat > 1 && report.status == code::VALID {
            report.status = reporter.report_repeats(arguments.simulation.repeat, &outcome);
        }
        report.outcomes.push(outcome);
        if report.status != code::VALID {
            break;
        }
    }
    reporter.report_test(&report);
    Ok(report.status)
}

/// What all runs have in common.
struct Bench<'a> {
    program: &'a Path,
    hosts: Option<Plan>,
    keeper: Option<Arc<Keeper>>,
    interrupt: Interrupt,
}

impl Arguments {
    fn run_one(
        &self,
        bench: &Bench<'_>,
        seed: u64,
        command: String,
        round: (u64, u32),
        reporter: &Reporter,
    ) -> anyhow::Result<Outcome> {
        let options = self.flags.options()?;
        let program = bench.program;
        let factory = match self.simulate {
            true => Some(program::simulated(
                program,
                &self.arguments,
                self.simulation.threads,
            )?),
            false => None,
        };
        let stage = match &factory {
            Some(factory) => Stage::Simulated {
                factory,
                repeats: self.simulation.repeat,
                debug: &self.simulation.debug,
                program: Some([&[program.display().to_string()], &self.arguments[..]].concat()),
            },
            None => self.live(bench),
        };
        let workload = self.flags.workload;
        let name = stage.name();
        reporter.print_unless_quiet(format_args!("{workload} · {name}, seed {seed}"));
        let test = Test {
            workload,
            options: &options,
            seed,
            stage,
            command,
            requirement: None,
            interrupt: &bench.interrupt,
        };
        let is_hidden = reporter.is_quiet || self.simulation.debug.are_given();
        let (round, of) = round;
        let place = (of > 1).then(|| format!("run {round}/{of}"));
        let title = progress::title(workload.name(), &Vec::from_iter(place));
        let mut line = progress::Line::new(&title, is_hidden);
        let outcome = test.run(&Store::new(&self.store), &mut line);
        line.finish();
        let outcome = outcome?;
        let is_valid = outcome.is_valid_and_kept();
        if !is_valid || !reporter.is_quiet {
            reporter.print(outcome.summary(reporter.max_problems));
        }
        if let Some(valid) = outcome.validity {
            let verdict = paint::verdict(valid);
            let at = outcome.interrupted.map(interrupted);
            let at = at.map_or_else(String::new, |at| format!(", {at}"));
            reporter.print(format_args!("{workload}: {verdict}{at} (seed {seed})"));
        }
        if !is_valid || outcome.interrupted.is_some() {
            reporter.print(format_args!("again: {}", test.command));
        }
        // "Everything looks good" is not said of a part of a test.
        let is_cut = self.simulation.repeat > 1 && bench.interrupt.is_set();
        if is_cut {
            reporter.print("interrupted: the seed was not run again as often as it should");
        }
        let is_over = (outcome.interrupted.is_none() && outcome.unkept.is_none() && !is_cut)
            || outcome.validity == Some(Validity::Invalid);
        if let Some(valid) = outcome.validity.filter(|_| is_over) {
            reporter.print_unless_quiet(format_args!("\n{}", paint::closing(valid)));
        }
        Ok(outcome)
    }

    fn live<'a>(&'a self, bench: &'a Bench<'_>) -> Stage<'a> {
        let log = LogOptions {
            stderr: self.log_stderr,
            network: NetLog {
                sent: self.log_net_send,
                received: self.log_net_recv,
            },
            format: if self.logging_json {
                LogFormat::Json
            } else {
                LogFormat::Text
            },
        };
        Stage::Live {
            program: bench.program,
            arguments: &self.arguments,
            log,
            leave_running: self.leave_db_running,
            keeper: bench.keeper.clone(),
            hosts: bench.hosts.as_ref(),
        }
    }

    /// The program and its arguments, as flags.
    fn words(&self) -> String {
        let mut words = vec!["--bin".to_owned(), self.bin.display().to_string()];
        words.extend(self.arguments.iter().cloned());
        command_line(&words)
    }
}
