//! A challenge on the official Maelstrom, with the same budgets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::reporter::Reporter;
use crate::challenge::Trial;
use history::edn;
use pages::kept::KeptResults;
use pages::outcome::Outcome;

/// The stage of such runs.
const STAGE: &str = "maelstrom";

/// One run of `maelstrom test`.
pub(super) struct Run<'a> {
    /// The program that starts Maelstrom.
    pub(super) launcher: &'a Path,
    /// The node.
    pub(super) program: &'a Path,
    /// The test.
    pub(super) trial: &'a Trial,
    /// The node's own flags.
    pub(super) node_flags: &'a [String],
    pub(super) reporter: &'a Reporter,
}

impl Run<'_> {
    /// Runs Maelstrom in `folder`, where its store will be. Without results the run is aborted.
    pub(super) fn outcome(&self, folder: &Path) -> anyhow::Result<Outcome> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let launcher = fs::canonicalize(self.launcher)
            .with_context(|| format!("there is no Maelstrom at {}", self.launcher.display()))?;
        let before = latest(folder);
        let mut command = Command::new(&launcher);
        command
            .arg("test")
            .args(self.trial.flags)
            .arg("--bin")
            .arg(self.program);
        if !self.node_flags.is_empty() {
            command.arg("--").args(self.node_flags);
        }
        let status = command
            .current_dir(folder)
            .stdout(self.reporter.child_output())
            .status()
            .with_context(|| format!("cannot start {}", launcher.display()))?;
        let after = latest(folder);
        let results = after.as_ref().map(|run| run.join("results.edn"));
        let Some(results) = results.filter(|path| after != before && path.exists()) else {
            let what = format!("Maelstrom wrote no results ({status})");
            self.reporter.print(what);
            return Ok(Outcome {
                stage: STAGE,
                abort: Some("there are no results".to_owned()),
                ..Outcome::default()
            });
        };
        let text = fs::read_to_string(&results)
            .with_context(|| format!("cannot read {}", results.display()))?;
        let outcome = read(&text);
        let outcome =
            outcome.with_context(|| format!("cannot make sense of {}", results.display()))?;
        Ok(Outcome {
            folder: after,
            ..outcome
        })
    }
}

/// The folder of the newest run.
fn latest(folder: &Path) -> Option<PathBuf> {
    fs::canonicalize(folder.join("store").join("latest")).ok()
}

/// Reads a `results.edn`.
fn read(text: &str) -> anyhow::Result<Outcome> {
    let kept = KeptResults::from_edn(text)?;
    let valid = kept.valid;
    let valid = valid.context("it has no :valid? that is true, false or :unknown")?;
    Ok(Outcome {
        stage: STAGE,
        validity: Some(valid),
        measured: kept.measured,
        results: edn::to_json(&edn::read(text)?),
        ..Outcome::default()
    })
}
