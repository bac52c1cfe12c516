//! What is kept of a run: a folder per run, in Maelstrom's places and with Maelstrom's keys.
//!
//! ```text
//! store/<workload>/<start>/   history.jsonl  history.edn  results.json  results.edn  test.json
//!                             node-logs/<node>.log
//! store/latest, store/<workload>/latest   the newest run
//! ```

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clojure_reader::edn::Edn;
use serde_json::{Value, json};

use crate::edn;
use crate::run::Record;

/// Where runs are kept.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Store {
    /// Runs are kept below this folder, which need not be there yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Store { root: root.into() }
    }

    /// Makes a folder for a run that starts at this time, and lets `latest` point to it.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn begin(&self, workload: &str, start: &str) -> anyhow::Result<Folder> {
        let runs = self.root.join(workload);
        let made = || -> std::io::Result<PathBuf> {
            fs::create_dir_all(&runs)?;
            // Two runs may start in the same millisecond.
            for copy in 0.. {
                let name = if copy == 0 {
                    start.to_owned()
                } else {
                    format!("{start}-{copy}")
                };
                match fs::create_dir(runs.join(&name)) {
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                    made => return made.map(|()| runs.join(name)),
                }
            }
            unreachable!("there is always another number")
        };
        let path = made()
            .with_context(|| format!("cannot create a folder for the run in {}", runs.display()))?;
        let logs = path.join("node-logs");
        fs::create_dir(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        for (link, target) in [
            (
                self.root.join("latest"),
                Path::new(workload).join(path.file_name().unwrap_or_default()),
            ),
            (
                runs.join("latest"),
                PathBuf::from(path.file_name().unwrap_or_default()),
            ),
        ] {
            point(&link, &target)
                .with_context(|| format!("cannot let {} point to the run", link.display()))?;
        }
        Ok(Folder { path })
    }
}

impl Folder {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the nodes' logs go.
    pub fn logs(&self) -> PathBuf {
        self.path.join("node-logs")
    }

    /// Keeps a node's log that is at hand as a whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_log(&self, node: &str, lines: &[String]) -> anyhow::Result<()> {
        self.write(&Path::new("node-logs").join(format!("{node}.log")), |out| {
            lines.iter().try_for_each(|line| writeln!(out, "{line}"))
        })
    }

    /// Keeps what the run was: its command, seed and flags.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_test(&self, test: &Value) -> anyhow::Result<()> {
        self.write(Path::new("test.json"), |out| writeln!(out, "{test:#}"))
    }

    /// Keeps the history.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_history(&self, record: &Record) -> anyhow::Result<()> {
        self.write(Path::new("history.jsonl"), |out| {
            record.history.write_json_lines(out)
        })?;
        self.write(Path::new("history.edn"), |out| {
            record.history.write_edn(out)
        })
    }

    /// Keeps the results. The JSON also has what EDN's readers do not expect: messages by kind,
    /// and what nodes did wrong.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn keep_results(&self, record: &Record, results: &Edn<'_>) -> anyhow::Result<()> {
        self.write(Path::new("results.edn"), |out| {
            writeln!(out, "{}", edn::pretty(results))
        })?;
        let mut json = edn::to_json(results);
        json["messages-by-kind"] = json!(record.statistics.kinds());
        json["incidents"] = json!(record.incidents);
        self.write(Path::new("results.json"), |out| writeln!(out, "{json:#}"))
    }

    fn write(
        &self,
        name: &Path,
        content: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
    ) -> anyhow::Result<()> {
        let path = self.path.join(name);
        let written = File::create(&path).map(BufWriter::new).and_then(|mut out| {
            content(&mut out)?;
            out.flush()
        });
        written.with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Lets `link` point to `target`, which is relative to the link's own folder.
#[cfg(unix)]
fn point(link: &Path, target: &Path) -> std::io::Result<()> {
    // Renamed into place, so that there is a link at every moment.
    let fresh = link.with_file_name(format!("latest.{}", std::process::id()));
    let _ = fs::remove_file(&fresh);
    std::os::unix::fs::symlink(target, &fresh)?;
    fs::rename(&fresh, link)
}

/// Where links are a privilege, a file that holds the path takes their place.
#[cfg(not(unix))]
fn point(link: &Path, target: &Path) -> std::io::Result<()> {
    fs::write(link, target.to_string_lossy().as_bytes())
}
