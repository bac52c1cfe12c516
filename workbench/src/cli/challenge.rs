//! `workbench challenge`.

mod output;

use std::path::PathBuf;
use std::process;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use super::again::OwnCommand;
use super::hosts::HostFlags;
use super::nodes::NodeFlags;
use super::reporter::{Output, Reporter};
use super::seeds::last_seed;
use super::simulation::SimulationFlags;
use super::{
    challenge_names, chosen, code, code_after, exit_code, factory, fresh_seed, maelstrom, misuse,
    outcome_code, paint, program, progress, start_keeper, watch_signals,
};
use crate::challenge::{Challenge, Trial};
use crate::hosts::Plan;
use crate::interrupt::Interrupt;
use crate::keeper::Keeper;
use crate::live::Stopwatch;
use crate::store::Store;
use crate::test::{LogOptions, Requirement, Stage, Test};
use checkers::Validity;
use pages::budget::Bar;
use pages::outcome::Outcome;
use pages::report::{TestReport, budget_results};
use simulator::simulation::Factory;

/// Arguments of `challenge`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The challenges: echo, unique-ids, broadcast-3a … or all.
    #[arg(value_name = "NAME", required = true, value_parser = challenge_names())]
    names: Vec<String>,

    /// Simulates: our nodes in this process, or the program of --bin, on the virtual clock, without
    /// waiting.
    #[arg(long, conflicts_with = "maelstrom")]
    simulate: bool,

    /// The seed of everything random; without it one is chosen and printed. Maelstrom has no seeds.
    #[arg(long, value_name = "N", conflicts_with = "maelstrom")]
    seed: Option<u64>,

    /// How often to run each challenge; the table shows medians.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    /// Your own program, tested in place of our solution, with the official budgets. A name without a
    /// slash is a file in the working directory, or else a program on PATH.
    #[arg(long, value_name = "FILE")]
    bin: Option<PathBuf>,

    #[command(flatten)]
    node_flags: NodeFlags,

    #[command(flatten)]
    simulation: SimulationFlags,

    #[command(flatten)]
    hosts: HostFlags,

    /// The launcher of the official Maelstrom, which then runs the tests.
    #[arg(long, value_name = "FILE")]
    maelstrom: Option<PathBuf>,

    /// The folder in which runs are stored.
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: PathBuf,

    /// Prints one JSON document: exit-status, error, and tests with their budgets and runs
    /// (command, seed, folder, valid, crash, incidents, findings, results). Messages go to stderr.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    output: Output,
}

/// Runs the challenges one after the other; returns the exit status of the worst.
pub(super) fn run(arguments: &Arguments, own: &OwnCommand) -> anyhow::Result<u8> {
    if arguments.simulate && cfg!(not(feature = "simulate")) {
        return run_full_bench();
    }
    let mut reporter = Reporter::of_tests(own, &arguments.output, arguments.json)?;
    let done = run_all(arguments, own, &mut reporter);
    reporter.finish(done)
}

/// Runs the same command with a bench that includes our nodes; returns its exit status. `cargo
/// challenge` builds a bench without them, as a live run needs only the binary of one solution.
///
/// On Unix it replaces this process, so that it receives its signals.
fn run_full_bench() -> anyhow::Result<u8> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut full = process::Command::new(cargo);
    full.args(["run", "--release", "--package", "workbench", "--"]);
    full.args(std::env::args_os().skip(1));
    #[cfg(unix)]
    let status = Err(std::os::unix::process::CommandExt::exec(&mut full));
    #[cfg(not(unix))]
    let status = full.status();
    let status: process::ExitStatus =
        status.context("cannot start cargo to build a bench that can simulate")?;
    let exit = status.code().and_then(|exit| u8::try_from(exit).ok());
    Ok(exit.unwrap_or(code::CRASH))
}

fn run_all(arguments: &Arguments, own: &OwnCommand, reporter: &mut Reporter) -> anyhow::Result<u8> {
    let challenges = chosen(&arguments.names)?;
    if arguments.hosts.are_given() && (arguments.simulate || arguments.maelstrom.is_some()) {
        return Err(misuse(
            "--hosts and --launch are for live runs of this bench: not with --simulate or --maelstrom",
        ));
    }
    let start = Stopwatch::start();
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    last_seed(seed, arguments.runs)?;
    let interrupt = watch_signals()?;
    let keeper = match arguments.simulate {
        true => None,
        false => start_keeper()?,
    };
    let mut failed = Vec::new();
    let mut passed = 0;
    let mut status = code::VALID;
    for (index, challenge) in challenges.iter().enumerate() {
        let own_status = Attempt {
            challenge,
            place: (index + 1, challenges.len()),
            arguments,
            own,
            seed,
            interrupt: &interrupt,
            keeper: keeper.clone(),
            reporter,
        }
        .run()?;
        status = worse(status, own_status);
        match own_status {
            _ if interrupt.is_set() && own_status != code::INVALID => {}
            code::VALID => passed += 1,
            _ => failed.push(challenge.name),
        }
        if interrupt.is_set() {
            break;
        }
    }
    if challenges.len() > 1 {
        let took = start.elapsed().as_secs_f64();
        reporter.print(format_args!(
            "{passed} of {} challenges passed in {took:.1} s",
            challenges.len()
        ));
        if !failed.is_empty() {
            let failed = failed.join(", ");
            reporter.print(format_args!(
                "{} {failed}",
                paint::outcome(false, "failed:")
            ));
        }
    }
    Ok(code_after(status, &interrupt))
}

/// The worse of two exit statuses: their numbers are not ordered by severity.
fn worse(one: u8, other: u8) -> u8 {
    let order = [code::VALID, code::UNKNOWN, code::INVALID, code::CRASH];
    let rank = |status: u8| order.iter().position(|it| *it == status);
    if rank(one) > rank(other) { one } else { other }
}

struct Attempt<'a> {
    challenge: &'a Challenge,
    /// Which one of how many challenges it is, counted from 1.
    place: (usize, usize),
    arguments: &'a Arguments,
    /// The command that is being executed.
    own: &'a OwnCommand,
    seed: u64,
    interrupt: &'a Interrupt,
    keeper: Option<Arc<Keeper>>,
    reporter: &'a mut Reporter,
}

/// Nodes that are ready to start: a program, or a factory for simulated ones.
enum Nodes {
    Program(PathBuf, Option<Box<Plan>>),
    Factory(Factory, Option<Vec<String>>),
}

impl Attempt<'_> {
    /// Runs all tests of the challenge; returns the worst exit status.
    fn run(&mut self) -> anyhow::Result<u8> {
        let nodes = self.interrupt.at_once(|| self.nodes())?;
        let bar = self.bar();
        let mut status = code::VALID;
        let trials = self.challenge.trials.iter();
        let trials = trials.filter(|it| it.is_official || bar == Bar::Ours);
        let trials: Vec<&'static Trial> = trials.collect();
        for (index, trial) in trials.iter().enumerate() {
            let tested = self.run_trial(trial, (index + 1, trials.len()), &nodes, bar)?;
            self.reporter.report_test(&tested);
            status = worse(status, tested.status);
            if self.interrupt.is_set() {
                break;
            }
        }
        Ok(status)
    }

    fn bar(&self) -> Bar {
        if self.arguments.bin.is_some() {
            Bar::Official
        } else {
            Bar::Ours
        }
    }

    /// Runs one test as often as `--runs` says, and checks its budgets.
    fn run_trial(
        &self,
        trial: &'static Trial,
        part: (usize, usize),
        nodes: &Nodes,
        bar: Bar,
    ) -> anyhow::Result<TestReport> {
        let mut report = TestReport {
            challenge: Some(self.challenge.name),
            part,
            workload: trial.test().0.to_string(),
            flags: trial.flags.join(" "),
            bar,
            outcomes: Vec::new(),
            budgets: Vec::new(),
            status: code::CRASH,
            command: self.command(self.seed, self.arguments.runs),
        };
        let max = self.reporter.max_problems;
        let mut repeats = code::VALID;
        for round in 0..u64::from(self.arguments.runs) {
            let seed = self.seed + round;
            let head = self.head(seed, trial);
            self.reporter.print_unless_quiet(&head);
            let outcome = self.run_once(trial, seed, nodes)?;
            let is_valid = outcome.is_valid_and_kept();
            if self.reporter.is_quiet && !is_valid {
                self.reporter.print(&head);
                self.reporter.print(outcome.summary(max));
            }
            if !is_valid || outcome.interrupted.is_some() {
                self.reporter
                    .print(format_args!("again: {}", outcome.command));
            }
            let is_aborted = outcome.validity.is_none();
            let is_interrupted = self.interrupt.is_set();
            if self.arguments.simulation.repeat > 1 && !is_aborted && !is_interrupted {
                repeats = repeats.max(
                    self.reporter
                        .report_repeats(self.arguments.simulation.repeat, &outcome),
                );
            }
            report.status = outcome_code(&outcome);
            report.outcomes.push(outcome);
            if is_aborted {
                report.status = code_after(report.status, self.interrupt);
                return Ok(report);
            }
            if is_interrupted || report.is_unkept() {
                break;
            }
        }
        let is_over = |it: &&Outcome| it.interrupted.is_none();
        let over: Vec<Outcome> = report.outcomes.iter().filter(is_over).cloned().collect();
        if !over.is_empty() {
            report.budgets = budget_results(trial.budgets, &over, bar);
        }
        report.status = match (report.has_passed(), report.worst()) {
            _ if report.is_interrupted() => code_after(code::VALID, self.interrupt),
            (true, _) => repeats,
            (false, Some(_)) if report.is_unkept() => code::CRASH,
            (false, worst) => worst.map_or(code::CRASH, exit_code).max(code::INVALID),
        };
        self.print_requirements(&report);
        Ok(report)
    }

    fn node_flags(&self) -> Vec<String> {
        let Arguments {
            node_flags, bin, ..
        } = self.arguments;
        match (node_flags.given(), bin) {
            (Some(flags), _) => flags.to_vec(),
            // Another program does not know the flags of our solutions.
            (None, Some(_)) => Vec::new(),
            (None, None) => node_flags.or_those_of(self.challenge),
        }
    }

    fn nodes(&self) -> anyhow::Result<Nodes> {
        let flags = self.node_flags();
        if let Some(bin) = &self.arguments.bin {
            let program = self.arguments.hosts.program(bin)?;
            if !self.arguments.simulate {
                return self.program(program);
            }
            let factory = program::simulated(&program, &flags, self.arguments.simulation.threads)?;
            let words = [vec![program.display().to_string()], flags].concat();
            return Ok(Nodes::Factory(factory, Some(words)));
        }
        let solution = self.challenge.solution;
        if self.arguments.simulate {
            return Ok(Nodes::Factory(factory(solution, &flags)?, None));
        }
        self.program(solution.build()?)
    }

    fn program(&self, program: PathBuf) -> anyhow::Result<Nodes> {
        let plan = self.arguments.hosts.plan(&program, &self.node_flags())?;
        Ok(Nodes::Program(program, plan.map(Box::new)))
    }

    /// Runs a test once.
    fn run_once(&self, trial: &'static Trial, seed: u64, nodes: &Nodes) -> anyhow::Result<Outcome> {
        let node_flags = self.node_flags();
        if let (Some(launcher), Nodes::Program(program, _)) = (&self.arguments.maelstrom, nodes) {
            let run = maelstrom::Run {
                launcher,
                program,
                trial,
                node_flags: &node_flags,
                reporter: self.reporter,
            };
            return self.interrupt.at_once(|| self.run_maelstrom(&run));
        }
        let (workload, options) = trial.test();
        let stage = match nodes {
            Nodes::Program(program, plan) => Stage::Live {
                program,
                arguments: &node_flags,
                log: LogOptions::default(),
                leave_running: false,
                keeper: self.keeper.clone(),
                hosts: plan.as_deref(),
            },
            Nodes::Factory(factory, program) => Stage::Simulated {
                factory,
                program: program.clone(),
                repeats: self.arguments.simulation.repeat,
                debug: &self.arguments.simulation.debug,
            },
        };
        let test = Test {
            workload,
            options: &options,
            seed,
            stage,
            command: self.command(seed, 1),
            requirement: Some(Requirement {
                challenge: self.challenge.name,
                trial,
                bar: self.bar(),
            }),
            interrupt: self.interrupt,
        };
        let is_hidden = self.reporter.is_quiet || self.arguments.simulation.debug.are_given();
        let round = (seed - self.seed + 1, self.arguments.runs.into());
        let mut line = progress::Line::new(&self.title(round), is_hidden);
        let outcome = test.run(&Store::new(&self.arguments.store), &mut line);
        line.finish();
        let outcome = outcome?;
        let summary = outcome.summary(self.reporter.max_problems);
        self.reporter.print_unless_quiet(summary);
        // Nodes that do not reply and virtual time have other reasons.
        let is_whole = outcome.interrupted.is_none() && outcome.validity == Some(Validity::Valid);
        if !self.arguments.simulate && is_whole {
            self.warn_if_slow(&options, outcome.invoked_in_time);
        }
        Ok(outcome)
    }

    /// The challenge in the progress line: which one of several, and which one of its runs.
    fn title(&self, (round, rounds): (u64, u64)) -> String {
        let challenge = match self.place {
            (_, 1) => None,
            (place, of) => Some(format!("{place}/{of}")),
        };
        let round = (rounds > 1).then(|| format!("run {round}/{rounds}"));
        let places: Vec<String> = challenge.into_iter().chain(round).collect();
        progress::title(self.challenge.name, &places)
    }

    fn run_maelstrom(&self, run: &maelstrom::Run<'_>) -> anyhow::Result<Outcome> {
        let start = Stopwatch::start();
        let outcome = run.outcome(&self.arguments.store.join("maelstrom"))?;
        Ok(Outcome {
            command: self.command(self.seed, 1),
            took: start.elapsed(),
            ..outcome
        })
    }
}
