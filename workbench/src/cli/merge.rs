//! `workbench merge`: the parts of a campaign, added up.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::json;

use super::{failure, print, say, storm};
use pages::report;
use simulator::storm::campaign::{self, Report};

/// What `merge` takes.
#[derive(Args)]
pub(super) struct Arguments {
    /// What `storm --json` printed, one file a part.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Prints the whole as JSON.
    #[arg(long)]
    json: bool,
}

/// Merges reports of parts; the exit status is that of the worst run.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let merged = merge(arguments);
    if arguments.json {
        let document = merged
            .as_ref()
            .map_or_else(failure, |reports| json!(reports));
        print(format_args!("{document:#}\n"))?;
    }
    let reports = merged?;
    if !arguments.json {
        for report in &reports {
            say(report::campaign(report));
        }
    }
    Ok(storm::status(&reports))
}

fn merge(arguments: &Arguments) -> anyhow::Result<Vec<Report>> {
    let mut parts = Vec::new();
    for path in &arguments.files {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let reports: Vec<Report> = serde_json::from_reader(std::io::BufReader::new(file))
            .with_context(|| {
                let path = path.display();
                format!("{path} is not what `storm --json` prints")
            })?;
        ensure!(!reports.is_empty(), "{} holds no report", path.display());
        parts.extend(reports);
    }
    campaign::merge(parts)
}
