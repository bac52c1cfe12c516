//! `workbench merge`: adds up the parts of a campaign.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::json;

use super::{failure, paint, print_line, storm, warn, write_stdout};
use crate::files::OutputFile;
use pages::outcome::SHOWN;
use pages::page::campaign::Parts;
use pages::report::{self, seed_count, seed_ranges};
use pages::text::counted;
use simulator::storm::campaign::{self, CampaignReport};

/// Arguments of `merge`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The outputs of `storm --json`, one file per part.
    #[arg(value_name = "FILE", required_unless_present = "files_from")]
    files: Vec<PathBuf>,

    /// Reads the names of further files from this one, or from stdin if it is -, one on each line:
    /// for more of them than a command line may have.
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,

    /// Writes a page about the sum: failures by kind, missing seeds, and the parts' speed.
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,

    /// Shows all findings of a failure, not just the first few.
    #[arg(long)]
    all: bool,

    /// Prints the sum as JSON.
    #[arg(long)]
    json: bool,
}

/// Merges the reports of parts; returns the exit status of the worst run.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let merged = merge(arguments);
    if arguments.json {
        let document = merged
            .as_ref()
            .map_or_else(failure, |reports| json!(reports));
        write_stdout(format_args!("{document:#}\n"))?;
    }
    let reports = merged?;
    let max = if arguments.all { usize::MAX } else { SHOWN };
    for report in &reports {
        if !arguments.json {
            print_line(report::campaign(report, max));
        }
        let missing = report.missing();
        if !missing.is_empty() {
            warn(format_args!(
                "{} {}: {} of the campaign not run: {}",
                paint::warning(),
                report.challenge,
                counted(seed_count(&missing), "seed"),
                seed_ranges(&missing),
            ));
        }
    }
    Ok(storm::status(&reports))
}

/// The sums; the page about them is written.
fn merge(arguments: &Arguments) -> anyhow::Result<Vec<CampaignReport>> {
    let mut whole = Vec::new();
    let mut parts = Parts::default();
    // One file is in memory at a time: there may be any number of them.
    let mut add = |path: &Path| {
        for part in read(path)? {
            parts.add(&path.to_string_lossy(), &part);
            campaign::merge(&mut whole, part).with_context(|| path.display().to_string())?;
        }
        anyhow::Ok(())
    };
    arguments.files.iter().try_for_each(|path| add(path))?;
    if let Some(list) = &arguments.files_from {
        let cannot_read = || format!("cannot read {}", list.display());
        let names: Box<dyn BufRead> = match list.as_os_str() == "-" {
            true => Box::new(io::stdin().lock()),
            false => Box::new(BufReader::new(File::open(list).with_context(cannot_read)?)),
        };
        for name in names.lines() {
            let name = name.with_context(cannot_read)?;
            if !name.is_empty() {
                add(Path::new(&name))?;
            }
        }
        ensure!(!whole.is_empty(), "{} names no file", list.display());
    }
    if let Some(path) = &arguments.page {
        let is_part = arguments.files.contains(path);
        ensure!(!is_part, "--page {} would overwrite a part", path.display());
        OutputFile::open(path.clone())?.write(&parts.page(&whole)?)?;
    }
    Ok(whole)
}

/// The reports in the output of `storm --json`, one for each challenge.
fn read(path: &Path) -> anyhow::Result<Vec<CampaignReport>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let reports: Vec<CampaignReport> = serde_json::from_reader(BufReader::new(file))
        .with_context(|| format!("{} is not an output of `storm --json`", path.display()))?;
    ensure!(!reports.is_empty(), "{} contains no report", path.display());
    Ok(reports)
}
