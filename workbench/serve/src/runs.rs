//! Reading what is kept: which runs lie below a store, ours and the official Maelstrom's, and what
//! each came to. Anything may lie there, and whoever asks may ask for anything: nothing outside the
//! store is found, and what cannot be read says so and hides nothing else.

mod figures;
mod file;
mod memory;
mod path;
mod results;
mod status;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::iter;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use serde_json::{Map, Value};

use memory::Memory;

pub use figures::{KeptBudget, KeptFigures, MEASURED, Operations, QUANTILES};
pub use path::StorePath;
pub use results::word;
pub use status::RunStatus;

/// How many folders runs may be nested in: Maelstrom's are in `maelstrom/store/<workload>`.
const DEPTH: usize = 5;

/// How long a file may be that says what a run was, or sums up what it came to, in bytes,
const MOST_TEST: u64 = 1 << 20;

/// … or has all that it came to: parts of JSON are passed over,
const MOST_JSON: u64 = 64 << 20;

/// … while EDN becomes values as a whole, which need twenty times as much.
const MOST_EDN: u64 = 16 << 20;

/// One of these makes a folder that of a run.
const SIGNS: [&str; 7] = [
    "test.json",
    "history.jsonl",
    "history.edn",
    "results.json",
    "results.edn",
    "jepsen.log",
    "node-logs",
];

/// The runs below a store's folder.
#[derive(Debug)]
pub struct Archive {
    /// Without links.
    root: PathBuf,
    tests: Memory<BTreeMap<&'static str, String>>,
    results: Memory<(RunStatus, KeptFigures)>,
}

/// A run that was kept.
#[derive(Debug, Clone)]
pub struct KeptRun {
    /// Where.
    pub path: StorePath,
    /// What clients did.
    pub workload: String,
    /// When it began, as its folder's name has it.
    pub start: String,
    /// What it came to,
    pub status: RunStatus,
    /// … in numbers.
    pub figures: KeptFigures,
    /// Whether there is a page about it.
    pub has_report: bool,
    options: BTreeMap<&'static str, String>,
    began: Option<Timestamp>,
}

impl Archive {
    /// The runs below this folder.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        let found = root.canonicalize();
        let root_of = || format!("there is no store at {}", root.display());
        let root = found.with_context(root_of)?;
        ensure!(root.is_dir(), "{} is not a folder", root.display());
        Ok(Archive {
            root,
            tests: Memory::default(),
            results: Memory::default(),
        })
    }

    /// All runs, the newest first.
    pub fn runs(&self) -> Vec<KeptRun> {
        let mut runs = Vec::new();
        let mut open = vec![StorePath::default()];
        while let Some(path) = open.pop() {
            // Links lead to runs that are listed where they are, or out of the store.
            let names = folders(&self.resolve(&path));
            for inner in names.iter().filter_map(|name| path.join(name)) {
                match self.read_folder(&inner) {
                    Some(run) => runs.push(run),
                    None if inner.names().len() < DEPTH => open.push(inner),
                    None => {}
                }
            }
        }
        runs.sort_by_cached_key(|run| Reverse((run.began, run.start.clone(), run.path.clone())));
        runs
    }

    /// The run at this place, if there is one.
    pub fn run(&self, path: &StorePath) -> Option<KeptRun> {
        self.find(path)?;
        self.read_folder(path)
    }

    /// What lies at this place, if it lies within the store, links followed.
    pub fn find(&self, path: &StorePath) -> Option<PathBuf> {
        let found = self.resolve(path).canonicalize().ok()?;
        found.starts_with(&self.root).then_some(found)
    }

    /// The file at a path that was found, open, with its length; nothing if by now it is no file,
    /// or no way within the store leads to it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn file(&self, path: &Path) -> io::Result<Option<(File, u64)>> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(None);
        };
        match file::unless_missing(folder.canonicalize())? {
            Some(folder) if folder.starts_with(&self.root) => file::open(&folder.join(name)),
            _ => Ok(None),
        }
    }

    /// Whether there is a page about the run, within the store.
    fn has_report(&self, run: &StorePath) -> bool {
        let report = run.join("report.html");
        let report = report.and_then(|report| self.find(&report));
        report.is_some_and(|report| report.is_file())
    }

    /// All that is kept of what a run was: flags, seed, command. Nothing is of Maelstrom's runs.
    pub fn test(&self, path: &StorePath) -> Map<String, Value> {
        let file = self.file(&self.resolve(path).join("test.json"));
        let text = file.ok().flatten().map(|(file, _)| text(file, MOST_TEST));
        let test = text.and_then(|text| serde_json::from_str(&text.ok()?).ok());
        test.unwrap_or_default()
    }

    /// … as far as it is shown of every run.
    fn options(&self, run: &Path) -> BTreeMap<&'static str, String> {
        let path = run.join("test.json");
        let Ok(Some((file, _))) = self.file(&path) else {
            return BTreeMap::new();
        };
        let read = |file| {
            let text = text(file, MOST_TEST);
            let options = text.and_then(|text| results::options(&text));
            options.unwrap_or_default()
        };
        self.tests.recall(&path, file, read).unwrap_or_default()
    }

    /// What a run came to.
    fn results(&self, run: &Path) -> (RunStatus, KeptFigures) {
        // The first is ours alone, and there since there are runs whose results are long.
        let sources: [(_, _, Reader); 3] = [
            ("summary.json", MOST_TEST, results::of_json),
            ("results.json", MOST_JSON, results::of_json),
            ("results.edn", MOST_EDN, results::of_edn),
        ];
        let mut found = sources
            .into_iter()
            .filter_map(|(name, most, reader)| self.results_in(&run.join(name), most, reader));
        let Some(first) = found.next() else {
            return (RunStatus::Unfinished, KeptFigures::default());
        };
        let mut readable = iter::once(first.clone()).chain(found);
        let readable = readable.find(|(status, _)| *status != RunStatus::Unreadable);
        readable.unwrap_or(first)
    }

    /// … as this file has it; nothing if there is no such file.
    fn results_in(
        &self,
        path: &Path,
        most: u64,
        reader: Reader,
    ) -> Option<(RunStatus, KeptFigures)> {
        let unreadable = (RunStatus::Unreadable, KeptFigures::default());
        let file = match self.file(path) {
            Ok(found) => found?.0,
            Err(_) => return Some(unreadable),
        };
        let read = |file| {
            let results = text(file, most).and_then(|text| reader(&text));
            results.unwrap_or_else(|_| unreadable.clone())
        };
        let results = self.results.recall(path, file, read);
        Some(results.unwrap_or_else(|_| unreadable.clone()))
    }

    fn resolve(&self, path: &StorePath) -> PathBuf {
        let mut resolved = self.root.clone();
        resolved.extend(path.names());
        resolved
    }

    fn read_folder(&self, path: &StorePath) -> Option<KeptRun> {
        let folder = self.resolve(path);
        if !SIGNS.iter().any(|sign| folder.join(sign).exists()) {
            return None;
        }
        let (name, parent) = path.names().split_last()?;
        let options = self.options(&folder);
        let workload = options.get("workload").or_else(|| parent.last());
        let (status, figures) = self.results(&folder);
        let (began, start) = moment(name);
        Some(KeptRun {
            workload: workload.map_or_else(|| "?".to_owned(), String::clone),
            has_report: self.has_report(path),
            path: path.clone(),
            start,
            status,
            figures,
            options,
            began,
        })
    }
}

impl KeptRun {
    /// What the run was, one thing of it that is shown of every run, as a word; nothing where
    /// nothing is known.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }
}

/// How results are read.
type Reader = fn(&str) -> anyhow::Result<(RunStatus, KeptFigures)>;

/// The text of a file that is not too long.
fn text(file: File, most: u64) -> anyhow::Result<String> {
    let mut text = String::new();
    let length = file.take(most + 1).read_to_string(&mut text)?;
    ensure!(length as u64 <= most, "it is too long");
    Ok(text)
}

/// The names of the folders in a folder, but for links.
fn folders(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    // A name that is no text is none of ours.
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    names.collect()
}

/// When a run of this name began, for the machine and for a person.
fn moment(name: &str) -> (Option<Timestamp>, String) {
    // Two runs of the same millisecond differ in what follows.
    let Ok((parts, _)) = BrokenDownTime::parse_prefix("%Y%m%dT%H%M%S%.f%z", name) else {
        return (None, name.to_owned());
    };
    match (parts.to_timestamp(), parts.to_datetime()) {
        (Ok(moment), Ok(local)) => {
            let local = local.strftime("%Y-%m-%d %H:%M:%S%.3f");
            (Some(moment), local.to_string())
        }
        _ => (None, name.to_owned()),
    }
}
