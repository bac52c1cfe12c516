//! `workbench sweep`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{ArgMatches, Args};
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use rayon::ThreadPoolBuilder;
use serde_json::json;

use super::simulate::{SETTLED, pinned};
use super::{challenge_names, chosen, code, exit_code, print, progress, refuse, say};
use crate::challenge::Metric;
use crate::flags::TestFlags;
use crate::sweep::{self, Sample, Spread, Sweep, Vary};

/// What `sweep` takes.
#[derive(Args)]
pub(super) struct Arguments {
    /// The challenge: broadcast-3d, …; of several tests it has, the first one.
    #[arg(value_name = "NAME", value_parser = challenge_names())]
    name: String,

    /// What moves, and its values: numbers and ranges such as 5,10,25 or 0..1000:50 or
    /// 5..1000:x2. A flag is one of the run (node-count, rate, latency …), one of the nodes
    /// (hub-window, fan-out …), or the end of some of the nodes' flags, which then move together
    /// (window); so do flags with a comma between them.
    #[arg(long, value_name = "FLAG=VALUES")]
    vary: String,

    /// How many runs each point has.
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    seeds: u32,

    /// The seed of the first of them; the others have the next ones.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Flags of the nodes, in place of those that the challenge would give them.
    #[arg(
        long,
        value_name = "FLAGS",
        value_delimiter = ' ',
        allow_hyphen_values = true
    )]
    node_flags: Option<Vec<String>>,

    /// How many runs go on at the same time; as many as there are cores otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// The folder for the picture and the table, sweep-NAME-FLAG.svg and .csv; this one otherwise.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// The file for the picture.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// The file for the table.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// Writes the files, and says nothing but what is wrong.
    #[arg(short, long)]
    quiet: bool,

    /// Prints all runs as JSON.
    #[arg(long)]
    json: bool,

    /// What else differs from the challenge's test.
    #[command(flatten)]
    flags: TestFlags,
}

/// Runs the sweep; the exit status is that of the worst run, whatever the budgets say.
pub(super) fn run(arguments: &Arguments, matches: &ArgMatches) -> anyhow::Result<u8> {
    let Some(sweep) = sweep(arguments, matches)? else {
        return Ok(code::USAGE);
    };
    if let Some(jobs) = arguments.jobs {
        let pool = ThreadPoolBuilder::new().num_threads(jobs.into());
        pool.build_global()?;
    }
    let seeds = sweep.seeds.end - sweep.seeds.start;
    let count = sweep.vary.values.len() as u64 * seeds;
    let bar = progress::bar(sweep.challenge.name, count, arguments.quiet);
    bar.set_message("");
    let samples = sweep.run(|_| bar.inc(1));
    bar.finish_and_clear();
    let samples = samples?;
    let [svg, csv] = [(&arguments.svg, "svg"), (&arguments.csv, "csv")].map(|(given, ending)| {
        let name = format!(
            "sweep-{}-{}.{ending}",
            sweep.challenge.name, sweep.vary.label
        );
        let out = arguments.out.clone().unwrap_or_default();
        given.clone().unwrap_or_else(|| out.join(name))
    });
    write(&svg, &sweep::picture(&sweep, &samples)?)?;
    write(&csv, &sweep::csv(&sweep, &samples))?;
    if arguments.json {
        let report = json!({
            "challenge": sweep.challenge.name,
            "vary": sweep.vary.label,
            "pinned": sweep.pinned.to_string(),
            "node-flags": sweep.node_flags,
            "svg": svg,
            "csv": csv,
            "runs": samples.iter().map(Sample::to_json).collect::<Vec<_>>(),
        });
        print(format_args!("{report:#}\n"));
    } else if !arguments.quiet {
        say(table(&sweep, &samples));
        say(format_args!("{} and {}", svg.display(), csv.display()));
    }
    Ok(status(&samples))
}

/// What is to be run; nothing if that makes no sense, which has been told.
fn sweep(arguments: &Arguments, matches: &ArgMatches) -> anyhow::Result<Option<Sweep>> {
    let [challenge] = chosen(std::slice::from_ref(&arguments.name))?[..] else {
        if arguments.name == "all" {
            refuse("a sweep is one of a single challenge");
        }
        return Ok(None);
    };
    let pinned = pinned(matches);
    if let Some(flag) = SETTLED.iter().find(|flag| pinned.value(flag).is_some()) {
        refuse(format_args!(
            "{flag} is not for sweep: a challenge brings its workload and names its nodes"
        ));
        return Ok(None);
    }
    let node_flags: Vec<String> = match &arguments.node_flags {
        Some(flags) => flags.iter().filter(|it| !it.is_empty()).cloned().collect(),
        None => {
            let own = challenge.node_flags.iter();
            own.map(ToString::to_string).collect()
        }
    };
    // Said of the flags themselves, not of each flag that could vary.
    challenge.solution.factory(&node_flags).map(drop)?;
    let vary = match Vary::read(&arguments.vary, challenge, &node_flags) {
        Ok(vary) => vary,
        Err(why) => {
            refuse(format_args!("--vary {}: {why}", arguments.vary));
            return Ok(None);
        }
    };
    let seeds = arguments.seed..arguments.seed.saturating_add(arguments.seeds.into());
    Ok(Some(Sweep {
        challenge,
        vary,
        seeds,
        pinned,
        node_flags,
    }))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Medians, point by point.
fn table(sweep: &Sweep, samples: &[Sample]) -> Table {
    let metrics = [
        Metric::MessagesPerOp,
        Metric::MedianLatency,
        Metric::MaxLatency,
    ];
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    let header = [sweep.vary.label.as_str()].into_iter();
    let header = header.chain(metrics.map(Metric::label));
    table.set_header(header.chain(["valid", "within budgets"]));
    for (value, samples) in sweep::points(samples) {
        let of = |count: usize| format!("{count} of {}", samples.len());
        let valid = samples.iter().filter(|it| it.validity() == "true").count();
        let held = samples.iter().filter(|it| it.holds).count();
        let figure = |metric: Metric| {
            let spread = Spread::of(samples, |it| it.measured(metric));
            spread.map_or_else(|| "–".to_owned(), |it| metric.show(it.median))
        };
        let row = [value.to_string()].into_iter();
        let row = row.chain(metrics.map(figure));
        table.add_row(row.chain([of(valid), of(held)]));
    }
    table
}

fn status(samples: &[Sample]) -> u8 {
    let worst = samples
        .iter()
        .map(|it| it.valid)
        .collect::<Option<Vec<_>>>();
    match worst {
        None => code::CRASH,
        Some(all) => all.into_iter().max().map_or(code::VALID, exit_code),
    }
}
