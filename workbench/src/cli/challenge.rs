//! `workbench challenge`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::{chosen, code, command_line, exit_code, fresh_seed, maelstrom, progress, say};
use crate::challenge::{Bar, Challenge, Trial};
use crate::checker::Validity;
use crate::flags::TestFlags;
use crate::live::Stopwatch;
use crate::report::{self, Score};
use crate::solutions::Factory;
use crate::store::Store;
use crate::test::{Held, Outcome, Stage, Telling, Test};

/// What `challenge` takes.
#[derive(Args)]
pub(super) struct Arguments {
    /// The challenges: echo, unique-ids, broadcast-3a … or all.
    #[arg(value_name = "NAME", required = true)]
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

    /// Flags of the node, in place of those that the challenge would give it.
    #[arg(
        long,
        value_name = "FLAGS",
        value_delimiter = ' ',
        allow_hyphen_values = true
    )]
    node_flags: Option<Vec<String>>,

    /// The launcher of the official Maelstrom, which then runs the test in our place.
    #[arg(long, value_name = "FILE")]
    maelstrom: Option<PathBuf>,

    /// The folder where runs are kept.
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: PathBuf,
}

/// Runs the challenges one after the other; the exit status is that of the worst.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let challenges = chosen(&arguments.names)?;
    if challenges.is_empty() {
        return Ok(code::USAGE);
    }
    let start = Stopwatch::start();
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    let mut missed = Vec::new();
    let mut status = code::VALID;
    for challenge in &challenges {
        let score = Attempt {
            challenge,
            arguments,
            seed,
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
        say(format_args!(
            "{held} of {} challenges hold, in {took:.1} s",
            challenges.len()
        ));
        if !missed.is_empty() {
            say(format_args!("missed: {}", missed.join(", ")));
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
}

/// What the nodes are, once they are ready to start.
enum Nodes {
    Program(PathBuf),
    Factory(Factory),
}

impl Attempt<'_> {
    /// Runs all tests of the challenge; the worst exit status.
    fn make(&self) -> anyhow::Result<u8> {
        let nodes = self.nodes()?;
        let bar = self.bar();
        let mut status = code::VALID;
        for trial in self.challenge.trials {
            if trial.is_official || bar == Bar::Ours {
                status = worse(status, self.make_one(trial, &nodes, bar)?);
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

    /// Runs one test as often as asked for; the exit status.
    fn make_one(&self, trial: &'static Trial, nodes: &Nodes, bar: Bar) -> anyhow::Result<u8> {
        let mut scores = Vec::new();
        for round in 0..u64::from(self.arguments.runs) {
            let seed = self.seed.wrapping_add(round);
            self.announce(seed, trial);
            let score = self.score(trial, seed, nodes)?;
            if score.as_ref().is_none_or(|it| it.valid != Validity::Valid) {
                say(format_args!("again: {}", self.command(seed, 1)));
            }
            match score {
                Some(score) => scores.push(score),
                None => return Ok(code::CRASH),
            }
        }
        let (table, holds) = report::table(trial, &scores, bar);
        say(format_args!("{table}"));
        if holds {
            return Ok(code::VALID);
        }
        let worst = scores.iter().map(|score| score.valid).max();
        let worst = worst.unwrap_or(Validity::Unknown);
        if worst == Validity::Valid {
            let again = self.command(self.seed, self.arguments.runs);
            say(format_args!("a budget is missed; again: {again}"));
        }
        Ok(exit_code(worst).max(code::INVALID))
    }

    fn announce(&self, seed: u64, trial: &Trial) {
        let stage = match (&self.arguments.maelstrom, self.arguments.simulate) {
            (Some(_), _) => "official Maelstrom".to_owned(),
            (None, true) => format!("simulated, seed {seed}"),
            (None, false) => format!("live, seed {seed}"),
        };
        let flags = trial.flags.join(" ");
        say(format_args!("{} · {stage}\n  {flags}", self.challenge.name));
    }

    fn node_flags(&self) -> Vec<String> {
        match (&self.arguments.node_flags, &self.arguments.bin) {
            (Some(flags), _) => flags
                .iter()
                .filter(|flag| !flag.is_empty())
                .cloned()
                .collect(),
            // Flags of ours mean nothing to a program of somebody else's.
            (None, Some(_)) => Vec::new(),
            (None, None) => self
                .challenge
                .node_flags
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }

    fn nodes(&self) -> anyhow::Result<Nodes> {
        if let Some(bin) = &self.arguments.bin {
            let program = std::fs::canonicalize(bin)
                .with_context(|| format!("there is no program {}", bin.display()))?;
            return Ok(Nodes::Program(program));
        }
        let solution = self.challenge.solution;
        if self.arguments.simulate {
            return Ok(Nodes::Factory(solution.factory(&self.node_flags())?));
        }
        solution.build().map(Nodes::Program)
    }

    /// One run's score; nothing if it broke off.
    fn score(
        &self,
        trial: &'static Trial,
        seed: u64,
        nodes: &Nodes,
    ) -> anyhow::Result<Option<Score>> {
        let node_flags = self.node_flags();
        if let (Some(launcher), Nodes::Program(program)) = (&self.arguments.maelstrom, nodes) {
            let folder = self.arguments.store.join("maelstrom");
            let run = maelstrom::Run {
                launcher,
                program,
                trial,
                node_flags: &node_flags,
            };
            return run.score(&folder);
        }
        let flags = trial.words().flags()?;
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
            flags: &flags,
            seed,
            stage,
            command: self.command(seed, 1),
            held: Some(Held {
                challenge: self.challenge.name,
                trial,
                bar: self.bar(),
            }),
        };
        let mut line = progress::Line::new(self.challenge.name);
        let outcome = test.perform(&Store::new(&self.arguments.store), &mut line);
        line.finish();
        let outcome = outcome?;
        say(format_args!("{}", report::summary(&outcome)));
        self.warn_of_lost_pace(&flags, &outcome);
        let measure = |verdict: crate::checker::Verdict| Score {
            valid: verdict.valid,
            measured: report::measure(trial, &verdict.results),
        };
        Ok(outcome.verdict.map(measure))
    }

    /// A machine too slow for the rate makes every other figure look better than it is.
    fn warn_of_lost_pace(&self, flags: &TestFlags, outcome: &Outcome) {
        let limit = Duration::from_secs(flags.time_limit.into());
        let expected = flags.rate * limit.as_secs_f64();
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
            say(format_args!(
                "warning: {begun} of about {expected} operations begun: too few for the rate"
            ));
        }
    }

    /// The command that does this again, from this seed on.
    fn command(&self, seed: u64, runs: u32) -> String {
        let mut words = vec![
            "cargo".to_owned(),
            "challenge".into(),
            self.challenge.name.into(),
        ];
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
        if arguments.node_flags.is_some() {
            words.extend(["--node-flags".into(), self.node_flags().join(" ")]);
        }
        command_line(&words)
    }
}
