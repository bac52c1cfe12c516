//! `workbench merge`: adds up the parts of a campaign.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::json;

use super::{failure, print_line, storm, write_stdout};
use pages::outcome::SHOWN;
use pages::report;
use simulator::storm::campaign::{self, CampaignReport};

/// Arguments of `merge`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The outputs of `storm --json`, one file per part.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

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
    if !arguments.json {
        for report in &reports {
            print_line(report::campaign(report, max));
        }
    }
    Ok(storm::status(&reports))
}

fn merge(arguments: &Arguments) -> anyhow::Result<Vec<CampaignReport>> {
    let mut parts = Vec::new();
    for path in &arguments.files {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let reports: Vec<CampaignReport> = serde_json::from_reader(std::io::BufReader::new(file))
            .with_context(|| {
            let path = path.display();
            format!("{path} is not an output of `storm --json`")
        })?;
        ensure!(!reports.is_empty(), "{} contains no report", path.display());
        parts.extend(reports);
    }
    campaign::merge(parts)
}
