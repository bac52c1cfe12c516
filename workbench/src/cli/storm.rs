//! `workbench storm`: simulations of many seeds.

mod command;
mod failing;
mod scenario;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use serde_json::json;

use super::again::OwnCommand;
use super::jobs::Jobs;
use super::nodes::NodeFlags;
use super::reporter::{Output, Reporter};
use super::seeds::parse_seeds;
use super::shard::{Shard, parse_shard};
use super::{
    challenge_names, chosen, code, code_after, exit_code, factory, misuse, paint, program,
    progress, write_stdout,
};
use crate::challenge::SET_BY_CHALLENGE;
use crate::debugger::DebugFlags;
use crate::flags::{FaultList, TestFlags};
use crate::interrupt::Interrupt;
use crate::live::Stopwatch;
use pages::report::{self, Report};
use pages::story::Story;
use pages::text::grouped;
use scenario::Scenario;
use simulator::nemesis::Fault;
use simulator::options::PartialOptions;
use simulator::storm::campaign::{self, CampaignReport, Totals};
use simulator::storm::{Storm, StormRun};

/// One challenge for each solution: storms draw the options in which its other challenges differ.
const ALL_STORMS: [&str; 6] = [
    "echo",
    "unique-ids",
    "broadcast-3d",
    "g-counter",
    "kafka-5c",
    "txn-6c",
];

/// Arguments of `storm`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The challenges whose workload and solution to simulate: echo, unique-ids, broadcast-3a … or
    /// all, which is one for each solution. With --bin, a workload may be given by -w instead.
    #[arg(value_name = "NAME", value_parser = challenge_names())]
    names: Vec<String>,

    /// Your own program, in any language, in place of our solution: only with the faults that the
    /// challenge has, unless --faults adds others.
    #[arg(long, value_name = "FILE", conflicts_with = "durable")]
    bin: Option<PathBuf>,

    /// With --bin: faults that the program survives beside those of the challenge, separated by
    /// commas: partition, loss, duplicate, delay, pause, kill, skew.
    #[arg(long, value_name = "LIST", requires = "bin")]
    faults: Option<FaultList>,

    /// With --bin: which of the program's runnable threads goes on.
    #[arg(
        long,
        value_name = "ORDER",
        value_enum,
        default_value = "seeded",
        requires = "bin"
    )]
    threads: program::Threads,

    /// The seeds: a range such as 0..10000, or one number. Each seed is one run.
    #[arg(long, value_name = "A..B", default_value = "0..100", value_parser = parse_seeds)]
    seeds: Range<u64>,

    /// Continues after a run has failed.
    #[arg(long)]
    keep_going: bool,

    /// Runs the K-th of N equal parts of the seeds, to share a campaign among N machines. For auto,
    /// the variables of Slurm arrays, GitLab, Buildkite or CircleCI say which part it is; for auto/N
    /// also those of Indexed Jobs of Kubernetes, or WORKBENCH_SHARD_INDEX, counted from 0.
    #[arg(long, value_name = "K/N", value_parser = parse_shard)]
    shard: Option<Shard>,

    /// Prints the outcome as JSON, also for `merge`.
    #[arg(long)]
    json: bool,

    /// Searches for a smaller run that fails, and shows its messages.
    #[arg(long)]
    shrink: bool,

    /// How many runs the search of --shrink may take.
    #[arg(long, value_name = "N", default_value_t = 20_000, requires = "shrink")]
    shrink_runs: u64,

    /// Draws no options: each seed runs the challenge's own test, with the flags given here.
    #[arg(long)]
    fixed: bool,

    /// Starts nodes in their durable mode if they have one, and allows storms to kill nodes.
    #[arg(long)]
    durable: bool,

    #[command(flatten)]
    debug: DebugFlags,

    #[command(flatten)]
    node_flags: NodeFlags,

    #[command(flatten)]
    jobs: Jobs,

    /// The folder in which a failing run is stored.
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: PathBuf,

    #[command(flatten)]
    output: Output,

    /// Options that are fixed instead of drawn.
    #[command(flatten)]
    flags: TestFlags,
}

/// Runs the campaigns; returns the exit status of the worst run.
pub(super) fn run(
    arguments: &Arguments,
    matches: &ArgMatches,
    own: &OwnCommand,
) -> anyhow::Result<u8> {
    // Commands to be repeated elsewhere do not depend on the environment here.
    let shard = arguments.shard.map(|it| it.to_string());
    let own = &own.with_value("shard", shard);
    let mut reporter = Reporter::new(own, &arguments.output, arguments.json)?;
    let done = run_all(arguments, matches, own, &mut reporter);
    reporter.finish(done)
}

fn run_all(
    arguments: &Arguments,
    matches: &ArgMatches,
    own: &OwnCommand,
    reporter: &mut Reporter,
) -> anyhow::Result<u8> {
    let scenarios = scenarios(arguments, matches)?;
    let bin = arguments.bin.as_deref().map(program::find).transpose()?;
    arguments.jobs.apply()?;
    // A workload is for what is no challenge.
    let allowed = if arguments.names.is_empty() {
        "workload"
    } else {
        ""
    };
    let pinned = pinned("storm", allowed, &arguments.flags, matches)?;
    // The debugger asks questions, and a single run is quickly ended and repeated.
    let interrupt = match arguments.debug.are_given() {
        true => Interrupt::default(),
        false => Interrupt::watch("no more seeds begin")?,
    };
    if let Some(Shard {
        part,
        of,
        by: Some(by),
    }) = arguments.shard
    {
        reporter.print_unless_quiet(format_args!("part {part} of {of}, by {by}"));
    }
    let mut reports = Vec::new();
    let mut rest = Vec::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        let campaign = Campaign {
            scenario,
            part: (index + 1, scenarios.len()),
            bin: bin.as_deref(),
            arguments,
            own,
            pinned: &scenario.pinned(&pinned, bin.is_some()),
            interrupt: &interrupt,
            reporter,
        };
        if interrupt.is_set() {
            rest.push(campaign.command_from(campaign.seeds().start));
            continue;
        }
        let report = campaign.run()?;
        rest.extend(campaign.rest_of(&report));
        reporter.report(report::report_campaign(&report, &reporter.command));
        reports.push(report);
    }
    if !rest.is_empty() {
        reporter.print("interrupted; go on with:");
        rest.iter().for_each(|it| reporter.print_command(it));
        reporter.report(Report::interrupted(&rest));
    }
    if arguments.json {
        write_stdout(format_args!("{:#}\n", json!(reports)))?;
    }
    Ok(code_after(status(&reports), &interrupt))
}

/// What the campaigns run.
///
/// # Errors
/// When no challenge and no workload is given, or a workload without a program.
fn scenarios(arguments: &Arguments, matches: &ArgMatches) -> anyhow::Result<Vec<Scenario>> {
    let names = arguments.names.iter().flat_map(|name| match name.as_str() {
        "all" => ALL_STORMS.map(str::to_owned).to_vec(),
        _ => vec![name.clone()],
    });
    let mut scenarios: Vec<Scenario> = chosen(&names.collect::<Vec<String>>())?
        .into_iter()
        .map(Scenario::of_challenge)
        .collect();
    let has_workload = matches.value_source("workload") == Some(ValueSource::CommandLine);
    if arguments.names.is_empty() {
        if !has_workload {
            return Err(misuse(
                "a storm needs the NAME of a challenge, or all; or -w WORKLOAD and --bin FILE",
            ));
        }
        if arguments.bin.is_none() {
            return Err(misuse(
                "storm -w needs --bin: our own solutions are simulated by their challenges' names",
            ));
        }
        scenarios.push(Scenario::of_workload(arguments.flags.workload));
    }
    Ok(scenarios)
}

/// The exit status of the worst run in these reports.
pub(super) fn status(reports: &[CampaignReport]) -> u8 {
    let worst = reports.iter().map(|report| report.totals.worst()).max();
    worst.map_or(code::VALID, exit_code)
}

/// The options of a test that were given to this command.
///
/// # Errors
/// When one of them is set by the challenge, except the allowed one.
pub(super) fn pinned(
    command: &str,
    allowed: &str,
    flags: &TestFlags,
    matches: &ArgMatches,
) -> anyhow::Result<PartialOptions> {
    let is_given =
        |id: &str| matches.value_source(&id.replace('-', "_")) == Some(ValueSource::CommandLine);
    if let Some(name) = SET_BY_CHALLENGE
        .into_iter()
        .find(|name| is_given(name) && *name != allowed)
    {
        return Err(misuse(format_args!(
            "--{name} is not for {command}: a challenge sets its workload and its nodes' names"
        )));
    }
    flags.given(matches)
}

struct Campaign<'a> {
    scenario: &'a Scenario,
    /// Which one of how many campaigns it is, counted from 1.
    part: (usize, usize),
    /// The program in place of our solution.
    bin: Option<&'a Path>,
    arguments: &'a Arguments,
    /// The command that is being executed.
    own: &'a OwnCommand,
    pinned: &'a PartialOptions,
    interrupt: &'a Interrupt,
    reporter: &'a Reporter,
}

impl Campaign<'_> {
    fn run(&self) -> anyhow::Result<CampaignReport> {
        let storm = self.storm()?;
        let seeds = self.seeds();
        let (name, Range { start, end }) = (self.scenario.name, &seeds);
        self.reporter
            .print_unless_quiet(format_args!("storm of {name}, seeds {start}..{end}"));
        let start = Stopwatch::start();
        let count = seeds.end.saturating_sub(seeds.start);
        let debugger = self.arguments.debug.debugger(self.interrupt);
        let is_hidden = self.reporter.is_quiet || debugger.is_some();
        let line = progress::Campaign::new(&self.title(), "seed", count, is_hidden);
        let describe = |run: &StormRun| self.describe(run, self.pinned, self.arguments.fixed);
        let failed = AtomicU64::new(0);
        let on_run = |one: &Totals| {
            if let Some(failure) = one.failures.first() {
                failed.fetch_add(1, Ordering::Relaxed);
                line.print(&format!("seed {} is {}", failure.seed, failure.verdict));
            }
            line.on_run(failed.load(Ordering::Relaxed));
        };
        let is_debugged = debugger.is_some();
        let (totals, seeds) = match debugger {
            Some(_) if count != 1 => {
                return Err(misuse("--stop-at and --watch need one seed: --seeds N"));
            }
            Some(mut debugger) => {
                let seed = seeds.start;
                let options = storm.options(seed);
                let run = storm.run_inspected(seed, &options, false, Some(&mut debugger))?;
                (Totals::of(&run, describe), seeds)
            }
            None => {
                let keep_going = self.arguments.keep_going;
                let is_interrupted = || self.interrupt.is_set();
                campaign::run(&storm, seeds, keep_going, is_interrupted, describe, on_run)?
            }
        };
        line.finish();
        let report = CampaignReport {
            challenge: self.scenario.name.to_owned(),
            pinned: self
                .campaign_flags(self.pinned, self.arguments.fixed)
                .join(" "),
            planned: vec![(self.arguments.seeds.start, self.arguments.seeds.end)],
            seeds: vec![(seeds.start, seeds.end)],
            totals,
            wall_seconds: start.elapsed().as_secs_f64(),
        };
        self.print(&report);
        // A run that was ended by hand is not worth more.
        if let Some(failure) = report.totals.failures.first().filter(|_| !is_debugged) {
            self.examine(&storm, failure)?;
        }
        Ok(report)
    }

    /// Its name in the progress line.
    fn title(&self) -> String {
        let (part, of) = self.part;
        let place = (of > 1).then(|| format!("{part}/{of}"));
        progress::title(self.scenario.name, &Vec::from_iter(place))
    }

    fn print(&self, report: &CampaignReport) {
        let Totals { runs, valid, .. } = report.totals;
        if self.arguments.json {
            return;
        }
        if self.reporter.is_quiet && runs == valid {
            let all = paint::outcome(
                true,
                &format!("{} of {} valid", grouped(valid), grouped(runs)),
            );
            self.reporter
                .print(format_args!("{}: {all}", report.challenge));
        } else {
            self.reporter
                .print(report::campaign(report, self.reporter.max_problems));
        }
    }

    fn storm(&self) -> anyhow::Result<Storm> {
        let flags = self.node_flags();
        let (factory, faults) = match (self.bin, self.scenario.challenge) {
            (Some(bin), _) => {
                let added = self.arguments.faults.iter().flat_map(|it| &it.0).copied();
                let faults = self.scenario.faults().into_iter().chain(added);
                let factory = program::simulated(bin, &flags, self.arguments.threads)?;
                (factory, faults.collect::<BTreeSet<Fault>>())
            }
            (None, Some(challenge)) => {
                let solution = challenge.solution;
                let survives_kills = self.arguments.durable || !solution.is_durable_by_flag();
                let faults = Fault::ALL.into_iter();
                let faults = faults.filter(|fault| *fault != Fault::Kill || survives_kills);
                (factory(solution, &flags)?, faults.collect())
            }
            (None, None) => unreachable!("a workload is simulated with --bin only"),
        };
        let Scenario { workload, base, .. } = self.scenario;
        let storm = Storm::with_factory(*workload, factory, base.clone()).with(self.pinned);
        let storm = storm.drawing_from(&faults.into_iter().collect::<Vec<_>>());
        Ok(if self.arguments.fixed {
            storm.fixed()
        } else {
            storm
        })
    }

    fn node_flags(&self) -> Vec<String> {
        let given = &self.arguments.node_flags;
        // Another program does not know the flags of our solutions.
        let Some(challenge) = self.scenario.challenge.filter(|_| self.bin.is_none()) else {
            return given.given().map(<[String]>::to_vec).unwrap_or_default();
        };
        let mut flags = given.or_those_of(challenge);
        if self.arguments.durable && challenge.solution.is_durable_by_flag() {
            flags.push("--durable".to_owned());
        }
        flags
    }
}

/// What went wrong in a run.
fn story(run: &StormRun) -> Story {
    Story::of(&run.settings, &run.record, Some(&run.verdict))
}
