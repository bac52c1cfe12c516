//! The report page, plots and results of a stored history.

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
use pages::hosts::Hosts;
use pages::page::Subject;
use pages::story::{Story, UNKNOWN_NODE};
use simulator::latency::{Distribution, Latency};
use simulator::nemesis::Faults;
use simulator::network::NetLog;
use simulator::run::{RECOVERY, Record, Settings};

/// A report about a history.
pub(super) struct Report<'a> {
    /// Where the history was read from.
    pub(super) source: &'a Path,
    /// The `test.json` of the run's folder: `null` if there is none.
    pub(super) known: &'a Value,
    /// What it was checked as.
    pub(super) title: &'a str,
    pub(super) command: &'a str,
    pub(super) settings: &'a Settings,
    pub(super) record: &'a Record,
    pub(super) verdict: &'a Verdict,
    pub(super) story: &'a Story,
}

impl Report<'_> {
    /// Writes it into a folder, which is created if necessary.
    ///
    /// # Errors
    /// When the folder holds anything but an earlier report, or cannot be written.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let folder = open(folder, self.source)?;
        let facts = match self.known {
            Value::Null => json!({"history": self.source, "workload": self.title}),
            known => known.clone(),
        };
        let subject = Subject {
            title: self.title,
            command: self.command,
            stage: Subject::KEPT,
            facts: &facts,
            settings: self.settings,
            record: self.record,
            verdict: Some(self.verdict),
            budgets: &[],
            hosts: &Hosts::default(),
        };
        let page = subject.page()?;
        folder.write_test(&facts)?;
        folder.write_history(self.record)?;
        folder.write_results(self.record, self.verdict, self.story, &[])?;
        folder.write_page(&page)
    }
}

/// What is known of a run's settings: `known` is its `test.json`.
pub(super) fn settings(known: &Value, history: &History) -> Settings {
    let names = known["nodes"].as_array();
    let names = names.map(|names| names.iter().filter_map(Value::as_str).map(NodeId::from));
    let mut nodes = names.map_or_else(|| node_names(history), Iterator::collect);
    let concurrency = known["concurrency"].as_u64();
    let concurrency = concurrency.and_then(|count| usize::try_from(count).ok());
    let concurrency = concurrency.unwrap_or_else(|| workers(history)).max(1);
    if nodes.is_empty() || !are_workers(history, concurrency) {
        nodes = vec![NodeId::from(UNKNOWN_NODE)];
    }
    Settings {
        concurrency,
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
        seed: known["seed"].as_u64().unwrap_or_default(),
    }
}

/// Opens the folder, if no other file can be overwritten in it.
fn open(folder: &Path, source: &Path) -> anyhow::Result<Folder> {
    let name = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("cannot create {name}"))?;
    let resolved = |path: &Path| fs::canonicalize(path).ok();
    ensure!(
        resolved(folder) != resolved(source),
        "a report would overwrite files of the run in {name}: give another folder"
    );
    let mut files = fs::read_dir(folder).with_context(|| format!("cannot read {name}"))?;
    ensure!(
        files.next().is_none() || folder.join("report.html").exists(),
        "{name} has other files, which a report might overwrite: give a folder of its own"
    );
    Ok(Folder::at(folder))
}

/// The nodes that partitions name, in order: the nemesis lists for each node those that it is cut
/// off from.
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
        let ends = cuts.flat_map(|cut| {
            let others = cut.values().flat_map(|others| match others {
                Edn::Set(others) => others.iter().collect(),
                others => others
                    .items()
                    .unwrap_or_default()
                    .iter()
                    .collect::<Vec<_>>(),
            });
            cut.keys().chain(others)
        });
        names.extend(ends.filter_map(|name| match name {
            Edn::Str(name) => Some((name.len(), NodeId::from(&**name))),
            _ => None,
        }));
    }
    names.into_iter().map(|(_, name)| name).collect()
}

/// How many workers there were. After an indeterminate operation a worker continues as another
/// process, whose number is larger by the number of workers; before that, the processes' numbers
/// are those of the workers.
fn workers(history: &History) -> usize {
    let clients = || {
        history
            .ops
            .iter()
            .filter(|op| op.process.client().is_some())
    };
    let first = clients().take_while(|op| op.kind != Kind::Info);
    let max = first.filter_map(|op| op.process.client()).max();
    max.map_or(1, |max| usize::try_from(max).unwrap_or(0).saturating_add(1))
}

/// Whether each process that is not a worker's first continues that of a worker after an indeterminate
/// operation, as it does if this is the number of workers.
fn are_workers(history: &History, count: usize) -> bool {
    let mut ended = BTreeSet::new();
    let mut known = BTreeSet::new();
    history.ops.iter().all(|op| {
        let Some(process) = op.process.client() else {
            return true;
        };
        if op.kind == Kind::Info {
            ended.insert(process);
        }
        let before = process.checked_sub(count as u64);
        !known.insert(process) || before.is_none_or(|before| ended.contains(&before))
    })
}
