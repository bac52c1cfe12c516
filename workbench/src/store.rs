//! The store: a folder for each run, with Maelstrom's file names and keys.
//!
//! ```text
//! store/<workload>/<start>/   history.jsonl  history.edn  history.txt  results.json  results.edn
//!                             summary.json  test.json  jepsen.log  node-logs/<node>.log
//!                             report.html  plots/<name>.svg
//!                             independent/<key>/   history.edn  results.edn   (lin-kv)
//!                             elle/<anomaly>.txt                              (transactions)
//! store/latest, store/<workload>/latest   the newest run
//! ```
//!
//! Each file is there as a whole or not at all. `summary.json` is the last of the results, and what says
//! that a run is kept also survives the machine's end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::files::{Survives, cannot_write, failed, write_whole};

use checkers::{
    Cases, CheckerResult as _, Element, RegistersResult, TransactionsResult, Verdict,
    WorkloadResult,
};
use history::edn;
use history::{History, Op, Value as OpValue};
use pages::kept;
use pages::outcome::Outcome;
use pages::page::Page;
use pages::report::BudgetResult;
use pages::story::Story;
use simulator::run::Record;

/// A folder of runs.
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
    /// A store in this folder, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Store { root: root.into() }
    }

    /// Creates a folder for a run that starts at this time, and links `latest` to it.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn begin(&self, workload: &str, start: &str) -> anyhow::Result<Folder> {
        let runs = self.root.join(workload);
        let create = || -> io::Result<PathBuf> {
            fs::create_dir_all(&runs)?;
            // Two runs may start in the same millisecond.
            for copy in 0.. {
                let name = if copy == 0 {
                    start.to_owned()
                } else {
                    format!("{start}-{copy}")
                };
                match fs::create_dir(runs.join(&name)) {
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                    created => return created.map(|()| runs.join(name)),
                }
            }
            unreachable!("numbers do not run out")
        };
        let path = create().map_err(|error| {
            let what = format!("cannot create a folder for the run in {}", runs.display());
            failed(what, &error)
        })?;
        create_dir(&Outcome::logs(&path))?;
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
            link_to(&link, &target, &path).map_err(|error| {
                failed(format!("cannot link {} to the run", link.display()), &error)
            })?;
        }
        Ok(Folder { path })
    }
}

impl Folder {
    /// An existing folder.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Folder { path: path.into() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the nodes' logs.
    pub fn logs(&self) -> PathBuf {
        Outcome::logs(&self.path)
    }

    /// Writes a node's log.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_log(&self, node: &str, lines: &[String]) -> anyhow::Result<()> {
        self.write(&Path::new("node-logs").join(format!("{node}.log")), |out| {
            lines.iter().try_for_each(|line| writeln!(out, "{line}"))
        })
    }

    /// Writes `test.json`: the run's command, seed and options.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_test(&self, test: &Value) -> anyhow::Result<()> {
        self.write(Path::new("test.json"), |out| writeln!(out, "{test:#}"))
    }

    /// Writes the history.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_history(&self, record: &Record) -> anyhow::Result<()> {
        self.keep(Path::new("history.jsonl"), |out| {
            record.history.write_json_lines(out)
        })?;
        self.write(Path::new("history.edn"), |out| {
            record.history.write_edn(out)
        })?;
        self.write(Path::new("history.txt"), |out| {
            record.history.write_text(out)
        })
    }

    /// Writes the results. The JSON has more than the EDN, which is as Maelstrom's: messages by
    /// kind, incidents, findings, and budgets.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write_results(
        &self,
        record: &Record,
        verdict: &Verdict,
        story: &Story,
        budgets: &[BudgetResult],
    ) -> anyhow::Result<()> {
        match &verdict.workload.result {
            WorkloadResult::Registers(result) => self.write_keys(&record.history, result)?,
            WorkloadResult::Transactions(result) => self.write_anomalies(result)?,
            _ => {}
        }
        let results = &verdict.to_edn();
        self.write(Path::new("results.edn"), |out| {
            writeln!(out, "{}", edn::pretty(results))
        })?;
        let mut json = edn::to_json(results);
        let kinds = record.statistics.by_type().iter();
        let kinds: BTreeMap<_, _> = kinds
            .map(|(kind, messages)| (kind, messages.sent))
            .collect();
        json["messages-by-kind"] = json!(kinds);
        json["incidents"] = json!(record.incidents);
        json["story"] = story.to_json();
        json["findings"] = json!(verdict.sentences());
        json["budgets"] = budgets.iter().map(BudgetResult::to_json).collect();
        self.keep(Path::new("results.json"), |out| writeln!(out, "{json:#}"))?;
        let seconds = record.history.ops.last().map_or(0.0, Op::seconds);
        let summary = kept::summary(&json, record.incidents.len(), seconds);
        self.keep(Path::new("summary.json"), |out| {
            writeln!(out, "{summary:#}")
        })?;
        self.sync()
    }

    /// Waits until the disk has the names of the run's files, and the run's own in the store.
    fn sync(&self) -> anyhow::Result<()> {
        // Elsewhere folders cannot be opened.
        let folders = self.path.ancestors().take(if cfg!(unix) { 3 } else { 0 });
        for folder in folders.filter(|it| !it.as_os_str().is_empty()) {
            let synced = File::open(folder).and_then(|it| it.sync_all());
            synced.map_err(|error| failed(cannot_write(folder), &error))?;
        }
        Ok(())
    }

    /// Writes the report page and its plots.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_page(&self, page: &Page) -> anyhow::Result<()> {
        self.create(Path::new("plots"))?;
        for (name, svg) in &page.plots {
            let path = Path::new("plots").join(format!("{name}.svg"));
            self.write(&path, |out| out.write_all(svg.as_bytes()))?;
        }
        self.write(Path::new("report.html"), |out| {
            out.write_all(page.html.as_bytes())
        })
    }

    /// Writes the history and results of each key, if keys are checked one by one.
    fn write_keys(&self, history: &History, result: &RegistersResult) -> anyhow::Result<()> {
        for register in &result.registers {
            let Some(key @ Element::Int(number)) = &register.key else {
                continue;
            };
            let folder = Path::new("independent");
            self.create(folder)?;
            let folder = folder.join(number.to_string());
            self.create(&folder)?;
            self.write(&folder.join("results.edn"), |out| {
                writeln!(out, "{}", edn::pretty(&register.to_edn()))
            })?;
            self.write(&folder.join("history.edn"), |out| {
                let ops = history.ops.iter();
                ops.filter_map(|op| op_of_key(op, key))
                    .try_for_each(|op| writeln!(out, "{}", edn::compact(&op.to_edn())))
            })?;
        }
        Ok(())
    }

    /// Writes the cases of each anomaly of transactions, as sentences.
    fn write_anomalies(&self, result: &TransactionsResult) -> anyhow::Result<()> {
        if result.anomalies.is_empty() {
            return Ok(());
        }
        self.create(Path::new("elle"))?;
        for Cases { name, count, cases } in &result.anomalies {
            self.write(&Path::new("elle").join(format!("{name}.txt")), |out| {
                for case in cases {
                    writeln!(out, "{}\n", result.describe(case))?;
                }
                match count - cases.len() {
                    0 => Ok(()),
                    more => writeln!(out, "... and {more} more\n"),
                }
            })?;
        }
        Ok(())
    }

    fn create(&self, name: &Path) -> anyhow::Result<()> {
        let path = self.path.join(name);
        match path.is_dir() {
            true => Ok(()),
            false => create_dir(&path),
        }
    }

    /// Writes a file that is made of others.
    fn write(
        &self,
        name: &Path,
        content: impl FnOnce(&mut Out) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        self.write_surviving(Survives::Process, name, content)
    }

    /// Writes a file that says that the run is kept.
    fn keep(
        &self,
        name: &Path,
        content: impl FnOnce(&mut Out) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        self.write_surviving(Survives::Machine, name, content)
    }

    fn write_surviving(
        &self,
        survives: Survives,
        name: &Path,
        content: impl FnOnce(&mut Out) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let path = self.path.join(name);
        let written = write_whole(&path, survives, content);
        written.map_err(|error| failed(cannot_write(&path), &error))
    }
}

/// A file that is being written.
type Out = BufWriter<File>;

fn create_dir(path: &Path) -> anyhow::Result<()> {
    let created = fs::create_dir(path);
    created.map_err(|error| failed(format!("cannot create {}", path.display()), &error))
}

/// An operation on this key, without the key. The nemesis' operations are about every key.
fn op_of_key(op: &Op, key: &Element) -> Option<Op> {
    let mut op = op.clone();
    if op.process.client().is_some() {
        let (own, value) = checkers::pair(op.value.json())?;
        if Element::parse(own.get()) != *key {
            return None;
        }
        op.value = OpValue::from_tagged(value).ok()?;
    }
    Some(op)
}

/// Links `link` to `target`, which is relative to the link's own folder. `own` is the run's folder.
#[cfg(unix)]
fn link_to(link: &Path, target: &Path, own: &Path) -> io::Result<()> {
    // Renamed into place, so that the link always exists; and from a folder that only this run has, since
    // other benches may use the store at the same moment, of other machines or containers, too.
    let new = own.join(".latest");
    std::os::unix::fs::symlink(target, &new)?;
    fs::rename(&new, link)
}

/// On systems where links need privileges, a file with the path replaces the link.
#[cfg(not(unix))]
fn link_to(link: &Path, target: &Path, _own: &Path) -> io::Result<()> {
    fs::write(link, target.to_string_lossy().as_bytes())
}
