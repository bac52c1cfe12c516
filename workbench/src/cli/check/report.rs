//! Page, plots and results of a kept history, as a run of ours has them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use shared::NodeId;

use crate::store::Folder;
use checkers::Verdict;
use history::edn::Edn;
use history::{History, Kind, Process};
use pages::page::Subject;
use simulator::latency::{Distribution, Latency};
use simulator::nemesis::Faults;
use simulator::network::NetLog;
use simulator::options::Options;
use simulator::run::{RECOVERY, Record, Settings};
use simulator::statistics::Statistics;
use simulator::workload::{Name, workload};

/// The node of all processes of a history that names none.
const UNKNOWN: &str = "?";

/// What the report is about.
pub(super) struct Report<'a> {
    /// Where the history was read from.
    pub(super) source: &'a Path,
    /// What the run's folder says of it: `null` if there is none.
    pub(super) known: &'a Value,
    /// What it was judged as.
    pub(super) title: &'a str,
    pub(super) workload: Name,
    pub(super) command: &'a str,
    pub(super) verdict: &'a Verdict,
}

impl Report<'_> {
    /// Writes it into a folder, which is made if need be.
    ///
    /// # Errors
    /// When the folder holds anything but an earlier report, or cannot be written.
    pub(super) fn write(&self, history: History, folder: &Path) -> anyhow::Result<()> {
        let folder = open(folder, self.source)?;
        let settings = self.settings(&history);
        let facts = match self.known {
            Value::Null => json!({"history": self.source, "workload": self.title}),
            known => known.clone(),
        };
        let record = Record {
            history,
            statistics: Statistics::default(),
            incidents: Vec::new(),
            crash: None,
            zero: Some(Duration::ZERO),
            trace: None,
        };
        let subject = Subject {
            title: self.title,
            evidence: workload(self.workload, &Options::default()).evidence(),
            command: self.command,
            stage: Subject::KEPT,
            facts: &facts,
            settings: &settings,
            record: &record,
            verdict: Some(self.verdict),
            budgets: &[],
        };
        let page = subject.page()?;
        folder.keep_test(&facts)?;
        folder.keep_history(&record)?;
        folder.keep_results(&record, self.verdict, &[])?;
        folder.keep_page(&page)
    }

    fn settings(&self, history: &History) -> Settings {
        let names = self.known["nodes"].as_array();
        let names = names.map(|names| names.iter().filter_map(Value::as_str).map(NodeId::from));
        let mut nodes = names.map_or_else(|| node_names(history), Iterator::collect);
        if nodes.is_empty() {
            nodes.push(NodeId::from(UNKNOWN));
        }
        let concurrency = self.known["concurrency"].as_u64();
        let concurrency = concurrency.and_then(|count| usize::try_from(count).ok());
        Settings {
            concurrency: concurrency.unwrap_or_else(|| workers(history)).max(1),
            nodes,
            rate: 0.0,
            time_limit: Duration::from_nanos(history.ops.last().map_or(0, |op| op.time)),
            recovery: RECOVERY,
            latency: Latency {
                mean_ms: 0,
                distribution: Distribution::Constant,
            },
            faults: Faults::default(),
            max_operations: None,
            keeps_trace: false,
            net_log: NetLog::default(),
            seed: self.known["seed"].as_u64().unwrap_or_default(),
        }
    }
}

/// The folder, if nothing can get lost in it.
fn open(folder: &Path, source: &Path) -> anyhow::Result<Folder> {
    let name = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("cannot create {name}"))?;
    let resolved = |path: &Path| fs::canonicalize(path).ok();
    ensure!(
        resolved(folder) != resolved(source),
        "a report would replace files of the run in {name}: name another folder"
    );
    let mut files = fs::read_dir(folder).with_context(|| format!("cannot read {name}"))?;
    ensure!(
        files.next().is_none() || folder.join("report.html").exists(),
        "{name} holds other files, which a report might replace: name a folder of its own"
    );
    Ok(Folder::at(folder))
}

/// The nodes that partitions name, in order: the nemesis lists for each the nodes that it is cut off
/// from.
fn node_names(history: &History) -> Vec<NodeId> {
    let mut names = BTreeSet::new();
    for op in history
        .ops
        .iter()
        .filter(|op| op.process == Process::NEMESIS)
    {
        let value = op.value.to_edn();
        let parts = value.items().unwrap_or_default();
        let cuts = parts.iter().filter_map(|part| match part {
            Edn::Map(cut) => Some(cut),
            _ => None,
        });
        names.extend(
            cuts.flat_map(|cut| cut.keys())
                .filter_map(|name| match name {
                    Edn::Str(name) => Some((name.len(), NodeId::from(&**name))),
                    _ => None,
                }),
        );
    }
    names.into_iter().map(|(_, name)| name).collect()
}

/// How many workers there were. A worker whose operation ends in doubt goes on as another process,
/// with a number that is larger by the number of workers; before that the numbers are the workers'.
fn workers(history: &History) -> usize {
    let clients = || {
        history
            .ops
            .iter()
            .filter(|op| op.process.client().is_some())
    };
    let first = clients().take_while(|op| op.kind != Kind::Info);
    let most = first.filter_map(|op| op.process.client()).max();
    most.map_or(1, |most| {
        usize::try_from(most).unwrap_or(0).saturating_add(1)
    })
}
