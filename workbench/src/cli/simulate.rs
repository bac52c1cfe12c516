//! `workbench simulate`: storms over many seeds.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use serde_json::json;

use super::again::bench;
use super::audience::{Audience, Output};
use super::jobs::Jobs;
use super::nodes::NodeFlags;
use super::seeds::{parse_seeds, parse_shard};
use super::{
    challenge_names, chosen, code, command_line, exit_code, factory, misuse, own_command, paint,
    print, progress, refuse,
};
use crate::challenge::{Challenge, SETTLED};
use crate::flags::{TestFlags, words};
use crate::live::{Stopwatch, timestamp};
use crate::store::Store;
use crate::test::facts;
use pages::page::Subject;
use pages::report;
use simulator::nemesis::Fault;
use simulator::options::{Options, Pins};
use simulator::storm::campaign::{self, Described, Failure, Report, Tally};
use simulator::storm::shrink::shrink;
use simulator::storm::{Aftermath, Storm};
use simulator::workload::workload;

/// One challenge for each solution: a storm draws what the others differ in.
const ALL_STORMS: [&str; 6] = [
    "echo",
    "unique-ids",
    "broadcast-3d",
    "g-counter",
    "kafka-5c",
    "txn-6c",
];

/// What `simulate` takes.
#[derive(Args)]
pub(super) struct Arguments {
    /// The challenges whose workload and solution are simulated: echo, unique-ids, broadcast-3a …
    /// or all, which is one for each solution.
    #[arg(value_name = "NAME", required = true, value_parser = challenge_names())]
    names: Vec<String>,

    /// The seeds, as 0..10000; a number alone is one seed. Each makes a run of its own.
    #[arg(long, value_name = "A..B", default_value = "0..100", value_parser = parse_seeds)]
    seeds: Range<u64>,

    /// Does not stop when a run has failed.
    #[arg(long)]
    keep_going: bool,

    /// Runs the K-th of N equal parts of the seeds, so that N machines can share a campaign.
    #[arg(long, value_name = "K/N", value_parser = parse_shard)]
    shard: Option<(u64, u64)>,

    /// Prints the outcome as JSON, for machines and for `merge`.
    #[arg(long)]
    json: bool,

    /// Looks for a smaller run that fails, and shows its messages.
    #[arg(long)]
    shrink: bool,

    /// How many runs the search for a smaller one may take.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    shrink_runs: u64,

    /// Draws nothing: each seed runs the challenge as it is, but for the flags given here.
    #[arg(long)]
    exactly: bool,

    /// Gives nodes that have it their durable mode, and lets faults that are drawn kill nodes.
    #[arg(long)]
    durable: bool,

    #[command(flatten)]
    node_flags: NodeFlags,

    #[command(flatten)]
    jobs: Jobs,

    /// The folder where a failing run is kept.
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: PathBuf,

    #[command(flatten)]
    output: Output,

    /// What is not drawn, but as it is given here.
    #[command(flatten)]
    flags: TestFlags,
}

/// Runs the campaigns; the exit status is that of the worst run.
pub(super) fn run(arguments: &Arguments, matches: &ArgMatches) -> anyhow::Result<u8> {
    let mut audience = Audience::begin("simulate", &arguments.output, arguments.json)?;
    let done = run_all(arguments, matches, &mut audience);
    audience.finish(done)
}

fn run_all(
    arguments: &Arguments,
    matches: &ArgMatches,
    audience: &mut Audience,
) -> anyhow::Result<u8> {
    let names = arguments.names.iter().flat_map(|name| match name.as_str() {
        "all" => ALL_STORMS.map(str::to_owned).to_vec(),
        _ => vec![name.clone()],
    });
    let challenges = chosen(&names.collect::<Vec<String>>())?;
    arguments.jobs.settle()?;
    let pinned = pinned("simulate", &arguments.flags, matches)?;
    let mut reports = Vec::new();
    for challenge in challenges {
        let campaign = Campaign {
            challenge,
            arguments,
            pinned: &pinned,
            audience,
        };
        let report = campaign.run()?;
        audience.hear(report::account(&report, &own_command(None)));
        reports.push(report);
    }
    if arguments.json {
        print(format_args!("{:#}\n", json!(reports)))?;
    }
    Ok(status(&reports))
}

/// The exit status for several reports.
pub(super) fn status(reports: &[Report]) -> u8 {
    let worst = reports.iter().map(|report| report.tally.worst()).max();
    worst.map_or(code::VALID, exit_code)
}

/// The options of a test that stand on the command line of this command.
///
/// # Errors
/// When one of them is settled by the challenge.
pub(super) fn pinned(
    command: &str,
    flags: &TestFlags,
    matches: &ArgMatches,
) -> anyhow::Result<Pins> {
    let is_given =
        |id: &str| matches.value_source(&id.replace('-', "_")) == Some(ValueSource::CommandLine);
    if let Some(name) = SETTLED.into_iter().find(|name| is_given(name)) {
        return Err(misuse(format_args!(
            "--{name} is not for {command}: a challenge brings its workload and names its nodes"
        )));
    }
    flags.given(matches)
}

struct Campaign<'a> {
    challenge: &'a Challenge,
    arguments: &'a Arguments,
    pinned: &'a Pins,
    audience: &'a Audience,
}

impl Campaign<'_> {
    fn run(&self) -> anyhow::Result<Report> {
        let storm = self.storm()?;
        let seeds = self.arguments.seeds.clone();
        let seeds = match self.arguments.shard {
            Some((part, of)) => campaign::shard(seeds, part, of),
            None => seeds,
        };
        let start = Stopwatch::start();
        let count = seeds.end.saturating_sub(seeds.start);
        let bar = progress::bar(self.challenge.name, count, self.audience.is_quiet);
        let describe = |run: &Aftermath| Described {
            options: self.options(run),
            command: self.command(run.seed, self.pinned, self.arguments.exactly),
        };
        let failed = AtomicU64::new(0);
        let look = |one: &Tally| {
            if let Some(failure) = one.failures.first() {
                let so_far = failed.fetch_add(1, Ordering::Relaxed) + 1;
                bar.println(format!("seed {} is {}", failure.seed, failure.verdict));
                bar.set_message(format!("{so_far} failed"));
            }
            bar.inc(1);
        };
        let keep_going = self.arguments.keep_going;
        let outcome = campaign::run(&storm, seeds, keep_going, describe, look);
        bar.finish_and_clear();
        let (tally, seeds) = outcome?;
        let report = Report {
            challenge: self.challenge.name.to_owned(),
            pinned: self.pins(self.pinned, self.arguments.exactly).join(" "),
            seeds: vec![(seeds.start, seeds.end)],
            tally,
            wall_seconds: start.elapsed().as_secs_f64(),
        };
        self.tell(&report);
        if let Some(failure) = report.tally.failures.first() {
            self.look_closer(&storm, failure)?;
        }
        Ok(report)
    }

    fn tell(&self, report: &Report) {
        let Tally { runs, valid, .. } = report.tally;
        if self.arguments.json {
            return;
        }
        if self.audience.is_quiet && runs == valid {
            let all = paint::outcome(true, &format!("{valid} of {runs} valid"));
            self.audience
                .say(format_args!("{}: {all}", report.challenge));
        } else {
            self.audience.say(report::campaign(report));
        }
    }

    fn storm(&self) -> anyhow::Result<Storm> {
        let factory = factory(self.challenge.solution, &self.node_flags())?;
        let (workload, base) = self.challenge.trials[0].test();
        let storm = Storm::with_factory(workload, factory, base).with(self.pinned);
        let keeps_promises =
            self.arguments.durable || !self.challenge.solution.is_durable_by_flag();
        let faults = Fault::ALL
            .into_iter()
            .filter(|fault| *fault != Fault::Kill || keeps_promises);
        let storm = storm.drawing_from(&faults.collect::<Vec<_>>());
        Ok(if self.arguments.exactly {
            storm.without_drawing()
        } else {
            storm
        })
    }

    fn node_flags(&self) -> Vec<String> {
        let mut flags = self.arguments.node_flags.of(self.challenge);
        if self.arguments.durable && self.challenge.solution.is_durable_by_flag() {
            flags.push("--durable".to_owned());
        }
        flags
    }

    /// What makes this campaign another one than that of the same seeds without any flags.
    fn pins(&self, pinned: &Pins, exactly: bool) -> Vec<String> {
        let mut words = Vec::new();
        if self.arguments.durable {
            words.push("--durable".to_owned());
        }
        if let Some(flags) = self.arguments.node_flags.given() {
            words.push(format!("--node-flags={}", flags.join(" ")));
        }
        if exactly {
            words.push("--exactly".to_owned());
        }
        words.extend(crate::flags::words(pinned));
        words
    }

    /// All options of a run that differ from the defaults, as flags of `workbench test`.
    fn options(&self, run: &Aftermath) -> String {
        let mut options = words(&run.options.changes_from(&Options::default()));
        let (workload, _) = self.challenge.trials[0].test();
        options.extend(["--workload".to_owned(), workload.to_string()]);
        options.join(" ")
    }

    /// The command that runs one seed with these options.
    fn command(&self, seed: u64, pinned: &Pins, exactly: bool) -> String {
        let mut words = bench();
        words.extend(["simulate", self.challenge.name, "--seeds"].map(str::to_owned));
        words.push(seed.to_string());
        words.extend(self.pins(pinned, exactly));
        command_line(&words)
    }

    /// Keeps a failing run, smaller if that is asked for, and shows what was said in it.
    fn look_closer(&self, storm: &Storm, failure: &Failure) -> anyhow::Result<()> {
        let options = storm.options(failure.seed);
        let mut run = storm.run_with(failure.seed, &options, true)?;
        if self.arguments.shrink {
            let shrunk = shrink(storm, run, self.arguments.shrink_runs);
            run = storm.run_with(shrunk.run.seed, &shrunk.run.options, true)?;
            let small = Tally::of(&run, |run| Described {
                options: self.options(run),
                command: self.command(run.seed, &run.beyond, true),
            });
            self.audience.say(format_args!(
                "\nthe smallest of {} other runs that fails:",
                shrunk.tried
            ));
            for failure in &small.failures {
                self.audience.say(report::failure(failure));
            }
            if let Some(chart) = report::sequence(&run.record, &run.settings.nodes) {
                self.audience.say(&chart);
            }
        }
        match self.keep(&run) {
            Ok(kept) => self.audience.say(format_args!("the run is kept in {kept}")),
            // What the campaign came to, and the command, say enough to go on.
            Err(error) => refuse(format_args!("the run is not kept: {error:#}")),
        }
        Ok(())
    }

    fn keep(&self, run: &Aftermath) -> anyhow::Result<String> {
        let (name, _) = self.challenge.trials[0].test();
        let store = Store::new(&self.arguments.store);
        let folder = store.begin(name.name(), &timestamp())?;
        let command = self.command(run.seed, &run.beyond, true);
        let facts = facts(
            &run.options,
            &run.settings,
            json!({
                "command": command,
                "challenge": self.challenge.name,
                "seed": run.seed,
                "stage": "simulated",
                "workload": name.name(),
                "node-flags": self.node_flags(),
            }),
        );
        folder.keep_test(&facts)?;
        folder.keep_history(&run.record)?;
        folder.keep_results(&run.record, &run.verdict, &[])?;
        for (node, log) in run.settings.nodes.iter().zip(&run.logs) {
            folder.keep_log(node.as_str(), log)?;
        }
        let subject = Subject {
            title: self.challenge.name,
            evidence: workload(name, &run.options).evidence(),
            command: &command,
            stage: "simulated",
            facts: &facts,
            settings: &run.settings,
            record: &run.record,
            verdict: Some(&run.verdict),
            budgets: &[],
        };
        // The run is kept without it.
        if let Err(error) = subject.page().and_then(|page| folder.keep_page(&page)) {
            super::warn(format_args!("warning: there is no report: {error:#}"));
        }
        Ok(folder.path().display().to_string())
    }
}
