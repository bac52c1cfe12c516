//! `workbench sweep`.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{ArgMatches, Args};
use comfy_table::Table;
use serde_json::json;

use super::jobs::Jobs;
use super::nodes::NodeFlags;
use super::seeds::last_seed;
use super::storm::pinned;
use super::{
    challenge_name, chosen, code, code_after, exit_code, factory, failure, misuse, paint,
    print_line, progress, stdout_columns, warn, write_stdout,
};
use crate::files::{OutputFile, failed};
use crate::flags::{TestFlags, to_flags};
use crate::interrupt::Interrupt;
use crate::sweep::{self, Sample, Spread, Sweep, Vary};
use checkers::Validity;
use pages::budget::Metric;
use pages::report;
use pages::text::format_number;

/// Arguments of `sweep`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The challenge: broadcast-3d, …; if it has several tests, the first one.
    #[arg(value_name = "NAME", value_parser = challenge_name())]
    name: String,

    /// The flag to vary and its values, which are numbers and ranges such as 5,10,25 or 0..1000:50
    /// or 5..1000:x2. The flag is one of the run (node-count, rate, latency …) or one of the nodes
    /// (period, fan-out …). Several flags, separated by commas, get the same value.
    #[arg(long, value_name = "FLAG=VALUES")]
    vary: String,

    /// How many runs to make for each value.
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    seeds: u32,

    /// The seed of the first of these runs; the others have the next seeds.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    #[command(flatten)]
    node_flags: NodeFlags,

    #[command(flatten)]
    jobs: Jobs,

    /// The folder for the plot and the table, sweep-NAME-FLAG.svg and .csv; by default this one.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// The file for the plot.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// The file for the table.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// Writes the files, and prints errors only.
    #[arg(short, long)]
    quiet: bool,

    /// Prints all runs as JSON.
    #[arg(long)]
    json: bool,

    /// Other options that differ from the challenge's test.
    #[command(flatten)]
    flags: TestFlags,
}

/// Runs the sweep; returns the exit status of the worst run, without regard to budgets.
pub(super) fn run(arguments: &Arguments, matches: &ArgMatches) -> anyhow::Result<u8> {
    let done = simulate(arguments, matches);
    if arguments.json
        && let Err(error) = &done
    {
        write_stdout(format_args!("{:#}\n", failure(error)))?;
    }
    let Swept {
        sweep,
        samples,
        missing,
        interrupt,
        mut svg,
        mut csv,
    } = done?;
    // Stdout first, as the files may fail on a full disk.
    if arguments.json {
        let report = json!({
            "challenge": sweep.challenge.name,
            "vary": sweep.vary.label,
            "pinned": to_flags(&sweep.pinned).join(" "),
            "node-flags": sweep.node_flags,
            "svg": svg.path,
            "csv": csv.path,
            "runs": samples.iter().map(Sample::to_json).collect::<Vec<_>>(),
        });
        write_stdout(format_args!("{report:#}\n"))?;
    } else if !arguments.quiet {
        print_line(paint::table(table(&sweep, &samples), stdout_columns()));
    }
    if missing > 0 {
        let made = samples.len();
        warn(format_args!(
            "interrupted: {made} of {} runs were made; no plot and no table is written",
            made + missing
        ));
        [svg, csv].into_iter().for_each(OutputFile::discard);
        return Ok(code_after(status(&samples), &interrupt));
    }
    let table = csv.write(&sweep::csv(&sweep, &samples));
    let plot = svg.write(&sweep::plot(&sweep, &samples));
    table.and(plot)?;
    if !arguments.json && !arguments.quiet {
        let [svg, csv] = [&svg, &csv].map(|it| it.path.display());
        print_line(format_args!("{svg} and {csv}"));
    }
    Ok(status(&samples))
}

/// A finished sweep, and its output files.
struct Swept {
    sweep: Sweep,
    samples: Vec<Sample>,
    /// How many runs are missing, as it was interrupted.
    missing: usize,
    interrupt: Interrupt,
    svg: OutputFile,
    csv: OutputFile,
}

/// Opens a file, in a folder that is created if necessary.
fn open(path: PathBuf) -> anyhow::Result<OutputFile> {
    if let Some(folder) = path.parent() {
        let created = fs::create_dir_all(folder);
        created.map_err(|it| failed(format!("cannot create {}", folder.display()), &it))?;
    }
    OutputFile::open(path)
}

fn simulate(arguments: &Arguments, matches: &ArgMatches) -> anyhow::Result<Swept> {
    let sweep = sweep(arguments, matches)?;
    arguments.jobs.apply()?;
    // Errors are better now than after a long run.
    let [svg, csv] = [(&arguments.svg, "svg"), (&arguments.csv, "csv")].map(|(given, ending)| {
        let name = format!(
            "sweep-{}-{}.{ending}",
            sweep.challenge.name, sweep.vary.label
        );
        let out = arguments.out.clone().unwrap_or_default();
        given.clone().unwrap_or_else(|| out.join(name))
    });
    let (svg, csv) = (open(svg)?, open(csv)?);
    let seeds = sweep.seeds.end - sweep.seeds.start;
    let count = sweep.vary.values.len() as u64 * seeds;
    let line = progress::Campaign::new(sweep.challenge.name, "run", count, arguments.quiet);
    let failed = AtomicU64::new(0);
    let interrupt = Interrupt::watch("no more runs begin")?;
    let on_run = |sample: &Sample| {
        let is_bad = sample.valid != Some(Validity::Valid);
        let before = failed.fetch_add(is_bad.into(), Ordering::Relaxed);
        line.on_run(before + u64::from(is_bad));
    };
    let samples = sweep.run(|| interrupt.is_set(), on_run);
    line.finish();
    let samples = samples?;
    Ok(Swept {
        missing: count as usize - samples.len(),
        samples,
        interrupt,
        sweep,
        svg,
        csv,
    })
}

/// The sweep to run, each point of which has been checked.
fn sweep(arguments: &Arguments, matches: &ArgMatches) -> anyhow::Result<Sweep> {
    let [challenge] = chosen(std::slice::from_ref(&arguments.name))?[..] else {
        unreachable!("only the name of one challenge is accepted");
    };
    let pinned = pinned("sweep", "", &arguments.flags, matches)?;
    let node_flags = arguments.node_flags.or_those_of(challenge);
    // Checked first, so that an error is about these flags and not about the one that varies.
    factory(challenge.solution, &node_flags).map(drop)?;
    let refused = |why| misuse(format_args!("--vary {}: {why}", arguments.vary));
    let vary = Vary::parse(&arguments.vary, challenge, &node_flags).map_err(refused)?;
    let end = last_seed(arguments.seed, arguments.seeds)?.checked_add(1);
    let end = end.ok_or_else(|| misuse("a sweep cannot include the largest seed"))?;
    let sweep = Sweep {
        challenge,
        vary,
        seeds: arguments.seed..end,
        pinned,
        node_flags,
    };
    sweep.check().map_err(misuse)?;
    Ok(sweep)
}

/// The medians of each point.
fn table(sweep: &Sweep, samples: &[Sample]) -> Table {
    let metrics = [
        Metric::MessagesPerOp,
        Metric::MedianLatency,
        Metric::MaxLatency,
    ];
    let mut table = report::table();
    // A list of flags is broken between them.
    let label = sweep.vary.label.replace('+', " + ");
    let header = [&*label].into_iter();
    let header = header.chain(metrics.map(Metric::label));
    table.set_header(header.chain(["valid", "within budgets"]));
    for (value, samples) in sweep::points(samples) {
        let of = |count: usize| format!("{count} of {}", samples.len());
        let valid = samples.iter().filter(|it| it.validity() == "true").count();
        let within = samples.iter().filter(|it| it.is_within_budgets).count();
        let figure = |metric: Metric| {
            let spread = Spread::of(samples, |it| it.measured(metric));
            spread.map_or_else(|| "–".to_owned(), |it| metric.show(it.median))
        };
        let row = [format_number(value)].into_iter();
        let row = row.chain(metrics.map(figure));
        table.add_row(row.chain([of(valid), of(within)]));
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
