//! `workbench challenge`.

use std::path::PathBuf;
use std::process;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use super::again::bench_challenge;
use super::audience::{Audience, Output};
use super::nodes::NodeFlags;
use super::seeds::last_seed;
use super::{
    challenge_names, chosen, code, command_line, exit_code, factory, fresh_seed, maelstrom, paint,
    program, progress,
};
use crate::challenge::{Challenge, Trial};
use crate::live::Stopwatch;
use crate::store::Store;
use crate::test::{Held, Stage, Telling, Test};
use checkers::{CheckerResult as _, Validity, Verdict};
use pages::budget::{Bar, Measurements};
use pages::outcome::Outcome;
use pages::report::{Ending, Figures, Score, Tested};
use simulator::options::Options;
use simulator::simulation::Factory;

/// What `challenge` takes.
#[derive(Args)]
pub(super) struct Arguments {
    /// The challenges: echo, unique-ids, broadcast-3a … or all.
    #[arg(value_name = "NAME", required = true, value_parser = challenge_names())]
    names: Vec<String>,

    /// On the virtual clock: the same nodes in this process, without waiting.
    #[arg(long, conflicts_with_all = ["bin", "maelstrom"])]
    simulate: bool,

    /// What everything random is drawn from; one is chosen and printed otherwise.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// How often each challenge is run; the table shows medians.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    /// A program of yours to be tested instead of our solution, held to the official rules.
    #[arg(long, value_name = "FILE")]
    bin: Option<PathBuf>,

    #[command(flatten)]
    node_flags: NodeFlags,

    /// The launcher of the official Maelstrom, which then runs the test in our place.
    #[arg(long, value_name = "FILE")]
    maelstrom: Option<PathBuf>,

    /// The folder where runs are kept.
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: PathBuf,

    /// Prints one JSON document for machines: exit-status, error, and tests with their budgets and
    /// runs (command, seed, folder, valid, crash, incidents, findings, results). People read
    /// stderr.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    output: Output,
}

/// Runs the challenges one after the other; the exit status is that of the worst.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    if arguments.simulate && cfg!(not(feature = "simulate")) {
        return whole_bench();
    }
    let mut audience = Audience::begin_tests("challenge", &arguments.output, arguments.json)?;
    let done = run_all(arguments, &mut audience);
    audience.finish(done)
}

/// The same command by a bench that has our nodes in it; its exit status. `cargo challenge` builds one
/// without them, as a live run starts only the node that is asked for.
fn whole_bench() -> anyhow::Result<u8> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = process::Command::new(cargo)
        .args(["run", "--release", "--package", "workbench", "--"])
        .args(std::env::args_os().skip(1))
        .status()
        .context("cannot start cargo to build a bench that simulates")?;
    let exit = status.code().and_then(|exit| u8::try_from(exit).ok());
    Ok(exit.unwrap_or(code::CRASH))
}

fn run_all(arguments: &Arguments, audience: &mut Audience) -> anyhow::Result<u8> {
    let challenges = chosen(&arguments.names)?;
    let start = Stopwatch::start();
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    last_seed(seed, arguments.runs)?;
    let mut missed = Vec::new();
    let mut status = code::VALID;
    for challenge in &challenges {
        let score = Attempt {
            challenge,
            arguments,
            seed,
            audience,
        }
        .make()?;
        if score != code::VALID {
            missed.push(challenge.name);
            status = worse(status, score);
        }
    }
    if challenges.len() > 1 {
        let held = challenges.len() - missed.len();
        let took = start.elapsed().as_secs_f64();
        audience.say(format_args!(
            "{held} of {} challenges hold, in {took:.1} s",
            challenges.len()
        ));
        if !missed.is_empty() {
            let missed = missed.join(", ");
            audience.say(format_args!(
                "{} {missed}",
                paint::outcome(false, "missed:")
            ));
        }
    }
    Ok(status)
}

/// The worse of two exit statuses, whose numbers are not in order.
fn worse(one: u8, other: u8) -> u8 {
    let order = [code::VALID, code::UNKNOWN, code::INVALID, code::CRASH];
    let rank = |status: u8| order.iter().position(|it| *it == status);
    if rank(one) > rank(other) { one } else { other }
}

struct Attempt<'a> {
    challenge: &'a Challenge,
    arguments: &'a Arguments,
    seed: u64,
    audience: &'a mut Audience,
}

/// What the nodes are, once they are ready to start.
enum Nodes {
    Program(PathBuf),
    Factory(Factory),
}

impl Attempt<'_> {
    /// Runs all tests of the challenge; the worst exit status.
    fn make(&mut self) -> anyhow::Result<u8> {
        let nodes = self.nodes()?;
        let bar = self.bar();
        let mut status = code::VALID;
        let trials = self.challenge.trials.iter();
        let trials = trials.filter(|it| it.is_official || bar == Bar::Ours);
        let trials: Vec<&'static Trial> = trials.collect();
        for (place, trial) in trials.iter().enumerate() {
            let tested = self.make_one(trial, (place + 1, trials.len()), &nodes, bar)?;
            self.audience.hear_test(&tested);
            status = worse(status, tested.status);
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

    /// Runs one test as often as asked for, and judges it.
    fn make_one(
        &self,
        trial: &'static Trial,
        part: (usize, usize),
        nodes: &Nodes,
        bar: Bar,
    ) -> anyhow::Result<Tested> {
        let mut scores = Vec::new();
        let mut tested = Tested {
            challenge: Some(self.challenge.name),
            part,
            workload: trial.test().0.to_string(),
            flags: trial.flags.join(" "),
            figures: None,
            endings: Vec::new(),
            status: code::CRASH,
            command: self.command(self.seed, self.arguments.runs),
        };
        for round in 0..u64::from(self.arguments.runs) {
            let seed = self.seed + round;
            let head = self.head(seed, trial);
            self.audience.remark(&head);
            let (ending, score) = self.score(trial, seed, nodes)?;
            let is_valid = ending.valid == Some(Validity::Valid);
            if self.audience.is_quiet && !is_valid {
                self.audience.say(&head);
                self.audience.say(&ending.summary);
            }
            if !is_valid {
                self.audience.say(format_args!("again: {}", ending.command));
            }
            tested.endings.push(ending);
            match score {
                Some(score) => scores.push(score),
                None => return Ok(tested),
            }
        }
        let figures = Figures::new(trial.budgets, &scores, bar);
        tested.status = match (figures.hold(), figures.worst) {
            (true, _) => code::VALID,
            (false, worst) => exit_code(worst).max(code::INVALID),
        };
        self.tell(&tested.name(), &figures);
        tested.figures = Some(figures);
        Ok(tested)
    }

    /// Tells what was measured.
    fn tell(&self, name: &str, figures: &Figures) {
        if self.audience.is_quiet && figures.hold() {
            let holds = paint::outcome(true, "holds");
            self.audience
                .say(format_args!("{name}: {holds} (seed {})", self.seed));
            return;
        }
        self.audience.say(paint::table(&figures.table()));
        if !figures.hold() && figures.worst == Validity::Valid {
            let again = self.command(self.seed, self.arguments.runs);
            let missed = paint::outcome(false, "a budget is missed");
            self.audience.say(format_args!("{missed}; again: {again}"));
        }
    }

    /// What a test begins with.
    fn head(&self, seed: u64, trial: &Trial) -> String {
        let stage = match (&self.arguments.maelstrom, self.arguments.simulate) {
            (Some(_), _) => "official Maelstrom".to_owned(),
            (None, true) => format!("simulated, seed {seed}"),
            (None, false) => format!("live, seed {seed}"),
        };
        let flags = trial.flags.join(" ");
        format!("{} · {stage}\n  {flags}", self.challenge.name)
    }

    fn node_flags(&self) -> Vec<String> {
        let Arguments {
            node_flags, bin, ..
        } = self.arguments;
        match (node_flags.given(), bin) {
            (Some(flags), _) => flags,
            // Flags of ours mean nothing to a program of somebody else's.
            (None, Some(_)) => Vec::new(),
            (None, None) => node_flags.of(self.challenge),
        }
    }

    fn nodes(&self) -> anyhow::Result<Nodes> {
        if let Some(bin) = &self.arguments.bin {
            return Ok(Nodes::Program(program::find(bin)?));
        }
        let solution = self.challenge.solution;
        if self.arguments.simulate {
            return Ok(Nodes::Factory(factory(solution, &self.node_flags())?));
        }
        solution.build().map(Nodes::Program)
    }

    /// How one run ended, and its score; there is none if it broke off.
    fn score(
        &self,
        trial: &'static Trial,
        seed: u64,
        nodes: &Nodes,
    ) -> anyhow::Result<(Ending, Option<Score>)> {
        let node_flags = self.node_flags();
        if let (Some(launcher), Nodes::Program(program)) = (&self.arguments.maelstrom, nodes) {
            return self.score_by_maelstrom(&maelstrom::Run {
                launcher,
                program,
                trial,
                node_flags: &node_flags,
                audience: self.audience,
            });
        }
        let (workload, options) = trial.test();
        let stage = match nodes {
            Nodes::Program(program) => Stage::Live {
                program,
                arguments: &node_flags,
                telling: Telling::default(),
                leave_running: false,
            },
            Nodes::Factory(factory) => Stage::Simulated(factory),
        };
        let test = Test {
            workload,
            options: &options,
            seed,
            stage,
            command: self.command(seed, 1),
            held: Some(Held {
                challenge: self.challenge.name,
                trial,
                bar: self.bar(),
            }),
        };
        let start = Stopwatch::start();
        let mut line = progress::Line::new(self.challenge.name, self.audience.is_quiet);
        if self.arguments.simulate {
            line.show("simulating");
        }
        let outcome = test.perform(&Store::new(&self.arguments.store), &mut line);
        line.finish();
        let outcome = outcome?;
        let ending = Ending::new(&outcome, &test.command, test.stage.name(), start.elapsed());
        self.audience.remark(&ending.summary);
        self.warn_of_lost_pace(&options, &outcome);
        let score = |verdict: &Verdict| {
            let measured = Measurements::of(verdict);
            Score::new(verdict.validity(), trial.budgets, &measured)
        };
        Ok((ending, outcome.verdict.as_ref().map(score)))
    }

    fn score_by_maelstrom(
        &self,
        run: &maelstrom::Run<'_>,
    ) -> anyhow::Result<(Ending, Option<Score>)> {
        let start = Stopwatch::start();
        let results = run.results(&self.arguments.store.join("maelstrom"))?;
        let crash = results.is_none().then(|| "there are no results".to_owned());
        let (score, json, folder) = match results {
            Some(it) => (Some(it.score), it.json, Some(it.folder)),
            None => (None, Value::Null, None),
        };
        let ending = Ending {
            command: self.command(self.seed, 1),
            seed: None,
            stage: "maelstrom",
            folder,
            took: start.elapsed(),
            valid: score.as_ref().map(|it| it.valid),
            results: json,
            findings: Vec::new(),
            incidents: Value::Array(Vec::new()),
            crash,
            summary: String::new(),
            evidence: String::new(),
        };
        Ok((ending, score))
    }

    /// A machine too slow for the rate makes every other figure look better than it is.
    fn warn_of_lost_pace(&self, options: &Options, outcome: &Outcome) {
        let limit = options.time_limit;
        let expected = options.rate * limit.as_secs_f64();
        let begun = outcome
            .record
            .history
            .ops
            .iter()
            .filter(|op| op.is_invocation());
        let begun = begun
            .filter(|op| Duration::from_nanos(op.time) < limit)
            .count() as f64;
        if begun < 0.9 * expected {
            let warning = paint::warning();
            self.audience.remark(format_args!(
                "{warning} {begun} of about {expected} operations begun: too few for the rate"
            ));
        }
    }

    /// The command that does this again, from this seed on.
    fn command(&self, seed: u64, runs: u32) -> String {
        let mut words = bench_challenge();
        words.push(self.challenge.name.into());
        let arguments = self.arguments;
        if arguments.simulate {
            words.push("--simulate".into());
        }
        if let Some(launcher) = &arguments.maelstrom {
            words.extend(["--maelstrom".into(), launcher.display().to_string()]);
        } else {
            words.extend(["--seed".into(), seed.to_string()]);
        }
        if runs > 1 {
            words.extend(["--runs".into(), runs.to_string()]);
        }
        if let Some(bin) = &arguments.bin {
            words.extend(["--bin".into(), bin.display().to_string()]);
        }
        if let Some(flags) = arguments.node_flags.given() {
            words.extend(["--node-flags".into(), flags.join(" ")]);
        }
        command_line(&words)
    }
}
