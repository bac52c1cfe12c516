//! The same challenge on the official Maelstrom, judged by the same budgets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::say;
use crate::challenge::Trial;
use crate::checker::Validity;
use crate::edn;
use crate::report::{self, Score};

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
}

impl Run<'_> {
    /// Runs it in `folder`, where its store will be; nothing if there are no results.
    pub(super) fn score(&self, folder: &Path) -> anyhow::Result<Option<Score>> {
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
            .status()
            .with_context(|| format!("cannot start {}", launcher.display()))?;
        let after = latest(folder);
        let results = after.as_ref().map(|run| run.join("results.edn"));
        let Some(results) = results.filter(|path| after != before && path.exists()) else {
            say(format_args!("Maelstrom wrote no results ({status})"));
            return Ok(None);
        };
        let text = fs::read_to_string(&results)
            .with_context(|| format!("cannot read {}", results.display()))?;
        score(self.trial, &text)
            .map(Some)
            .with_context(|| format!("cannot make sense of {}", results.display()))
    }
}

/// The folder of the newest run.
fn latest(folder: &Path) -> Option<PathBuf> {
    fs::canonicalize(folder.join("store").join("latest")).ok()
}

/// Reads a `results.edn`.
fn score(trial: &Trial, text: &str) -> anyhow::Result<Score> {
    let results = edn::read(text)?;
    let valid = match edn::get(&results, &["valid?"]) {
        Some(clojure_reader::edn::Edn::Bool(true)) => Validity::Valid,
        Some(clojure_reader::edn::Edn::Bool(false)) => Validity::Invalid,
        Some(clojure_reader::edn::Edn::Key(word)) if word == "unknown" => Validity::Unknown,
        Some(_) | None => bail!("it has no :valid? that is true, false or :unknown"),
    };
    Ok(Score {
        valid,
        measured: report::measure(trial, &results),
    })
}
