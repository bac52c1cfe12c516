//! Reads the kept runs of a store, ours and the official Maelstrom's, with their results. Both the
//! store's contents and requested paths are untrusted: nothing outside the store is found, and a
//! run that cannot be read is listed as unreadable and hides no other.

mod cache;
mod options;
mod path;
mod status;
mod store_folder;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::iter;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use serde_json::{Map, Value};

use cache::Cache;
use pages::budget::Metric;
use pages::kept::KeptResults;
use pages::plot::{Chart, chart_in};

pub use options::to_text;
pub use path::StorePath;
pub use status::RunStatus;
pub use store_folder::{Entry, StoreFolder};

/// Runs that are nested deeper are not found; Maelstrom's are in `maelstrom/store/<workload>`.
const MAX_DEPTH: usize = 5;

/// Largest `test.json` or `summary.json`.
const MAX_TEST_BYTES: u64 = 1 << 20;

/// Largest `results.json`, most of which is skipped while it is parsed.
const MAX_JSON_BYTES: u64 = 64 << 20;

/// Largest `results.edn`, which is parsed as a whole and then takes twenty times its size.
const MAX_EDN_BYTES: u64 = 16 << 20;

/// What is shown of each run, where its results have it.
pub const MEASURED: [Metric; 4] = [
    Metric::MessagesPerOp,
    Metric::MedianLatency,
    Metric::MaxLatency,
    Metric::RealtimeLag,
];

/// A folder with one of these files is that of a run.
const RUN_FILES: [&str; 7] = [
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
    /// Canonical, without symbolic links.
    path: PathBuf,
    tests: Cache<BTreeMap<&'static str, String>>,
    results: Cache<(RunStatus, KeptResults)>,
}

/// A store during one request.
#[derive(Debug)]
pub struct Store<'a> {
    archive: &'a Archive,
    pub folder: StoreFolder,
}

/// The folder of a kept run, and what its name says.
#[derive(Debug, Clone)]
pub struct RunFolder {
    pub path: StorePath,
    /// When the run started, as text.
    pub start: String,
    started_at: Option<Timestamp>,
}

/// A run that was kept.
#[derive(Debug, Clone)]
pub struct KeptRun {
    pub folder: RunFolder,
    pub workload: String,
    pub status: RunStatus,
    pub results: KeptResults,
    /// Whether its `report.html` is in the store.
    pub has_report: bool,
    options: BTreeMap<&'static str, String>,
}

impl Archive {
    /// The store in this folder.
    ///
    /// # Errors
    /// When the folder does not exist.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        let found = path.canonicalize();
        let missing = || format!("there is no store at {}", path.display());
        let path = found.with_context(missing)?;
        ensure!(path.is_dir(), "{} is not a folder", path.display());
        Ok(Archive {
            path,
            tests: Cache::default(),
            results: Cache::default(),
        })
    }

    /// Opens the store for a request: it may have been made anew since the last one.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&self) -> io::Result<Store<'_>> {
        Ok(Store {
            archive: self,
            folder: StoreFolder::open(&self.path)?,
        })
    }
}

impl Store<'_> {
    /// The folders of all runs, the newest first. None of their files is read: there may be many.
    pub fn run_folders(&self) -> Vec<RunFolder> {
        let mut found = Vec::new();
        let mut pending = vec![StorePath::default()];
        while let Some(path) = pending.pop() {
            let entries = self.folder.entries(&path.to_path()).ok().flatten();
            let entries = entries.unwrap_or_default();
            let depth = path.names().len();
            if depth > 0 && is_run(&entries) {
                found.push(RunFolder::new(path));
            } else if depth < MAX_DEPTH {
                // Without symbolic links: they lead to listed runs, or out of the store. Our own
                // names are UTF-8; others are skipped.
                let folders = entries.iter().filter(|entry| entry.is_folder);
                pending.extend(folders.filter_map(|entry| path.join(entry.name.to_str()?)));
            }
        }
        found.sort_unstable_by(|a, b| b.order().cmp(&a.order()));
        found
    }

    /// The run at this path, if there is one.
    pub fn run(&self, path: &StorePath) -> Option<KeptRun> {
        let entries = self.folder.entries(&path.to_path()).ok()??;
        let is_run = !path.names().is_empty() && is_run(&entries);
        is_run.then(|| self.read(RunFolder::new(path.clone())))
    }

    /// Reads what is shown of a run.
    pub fn read(&self, folder: RunFolder) -> KeptRun {
        let path = folder.path.to_path();
        let options = self.options(&path);
        let (status, results) = self.results(&path);
        let report = self.folder.metadata(&path.join("report.html"));
        let workload = options.get("workload").map(String::as_str);
        KeptRun {
            workload: workload.unwrap_or(folder.parent()).to_owned(),
            has_report: report.is_ok_and(|it| it.is_some_and(|it| it.is_file())),
            folder,
            status,
            results,
            options,
        }
    }

    /// The chart in one of a run's plots; none if the file is missing, not ours, or longer than the
    /// bytes that remain, from which its length is subtracted.
    pub fn read_chart(&self, path: &StorePath, remaining: &mut u64) -> Option<Chart> {
        let text = self.read_text(&path.to_path(), *remaining)?;
        *remaining -= text.len() as u64;
        chart_in(&text)
    }

    /// A run's `test.json`: flags, seed, command. Empty for Maelstrom's runs, which have none.
    pub fn read_test(&self, path: &StorePath) -> Map<String, Value> {
        let text = self.read_text(&path.to_path().join("test.json"), MAX_TEST_BYTES);
        let test = text.and_then(|text| serde_json::from_str(&text).ok());
        test.unwrap_or_default()
    }

    /// The text of a file; none if it is missing, too long, or unreadable.
    fn read_text(&self, path: &Path, max_bytes: u64) -> Option<String> {
        let (file, _) = self.folder.file(path).ok()??;
        read_text(file, max_bytes).ok()
    }

    /// The options of `test.json` that are shown for every run.
    fn options(&self, run: &Path) -> BTreeMap<&'static str, String> {
        let path = run.join("test.json");
        let Ok(Some((file, _))) = self.folder.file(&path) else {
            return BTreeMap::new();
        };
        let read = |file| {
            let text = read_text(file, MAX_TEST_BYTES);
            let options = text.and_then(|text| options::options(&text));
            options.unwrap_or_default()
        };
        let tests = &self.archive.tests;
        tests.get_or_read(&path, file, read).unwrap_or_default()
    }

    /// A run's status and results, from the first readable file of results.
    pub fn results(&self, run: &Path) -> (RunStatus, KeptResults) {
        // Only our runs have a summary; it spares reading long results.
        let sources: [(_, _, Reader); 3] = [
            ("summary.json", MAX_TEST_BYTES, KeptResults::from_json),
            ("results.json", MAX_JSON_BYTES, KeptResults::from_json),
            ("results.edn", MAX_EDN_BYTES, KeptResults::from_edn),
        ];
        let mut found = sources.into_iter().filter_map(|(name, max_bytes, reader)| {
            self.results_in(&run.join(name), max_bytes, reader)
        });
        let Some(first) = found.next() else {
            return (RunStatus::Unfinished, KeptResults::default());
        };
        let mut readable = iter::once(first.clone()).chain(found);
        let readable = readable.find(|(status, _)| *status != RunStatus::Unreadable);
        readable.unwrap_or(first)
    }

    /// The status and results in one file; none if the file does not exist.
    fn results_in(
        &self,
        path: &Path,
        max_bytes: u64,
        reader: Reader,
    ) -> Option<(RunStatus, KeptResults)> {
        let unreadable = (RunStatus::Unreadable, KeptResults::default());
        let file = match self.folder.file(path) {
            Ok(found) => found?.0,
            Err(_) => return Some(unreadable),
        };
        let read = |file| {
            let results = read_text(file, max_bytes).and_then(|text| reader(&text));
            results.map_or_else(
                |_| unreadable.clone(),
                |results| (RunStatus::of(&results), results),
            )
        };
        let results = self.archive.results.get_or_read(path, file, read);
        Some(results.unwrap_or_else(|_| unreadable.clone()))
    }
}

impl RunFolder {
    fn new(path: StorePath) -> Self {
        let (started_at, start) = parse_start(path.names().last().map_or("", String::as_str));
        RunFolder {
            path,
            start,
            started_at,
        }
    }

    /// The name of the folder that it is in: the workload, as the bench and Maelstrom keep runs.
    pub fn parent(&self) -> &str {
        let mut names = self.path.names().iter().rev().skip(1);
        names.next().map_or("?", String::as_str)
    }

    /// The order of runs: by their start.
    pub fn order(&self) -> impl Ord {
        (self.started_at, &self.start, &self.path)
    }
}

/// Whether a folder with these entries is that of a run.
fn is_run(entries: &[Entry]) -> bool {
    let is_one = |entry: &Entry| RUN_FILES.iter().any(|name| entry.name == *name);
    entries.iter().any(is_one)
}

impl KeptRun {
    /// One of the options that are shown for every run, as text.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }
}

/// Parses results.
type Reader = fn(&str) -> anyhow::Result<KeptResults>;

/// Reads a file of limited length.
fn read_text(file: File, max_bytes: u64) -> anyhow::Result<String> {
    let mut text = String::new();
    let length = file.take(max_bytes + 1).read_to_string(&mut text)?;
    ensure!(
        length as u64 <= max_bytes,
        "the file is longer than {max_bytes} bytes"
    );
    Ok(text)
}

/// The start time in the name of a run's folder, and its text.
fn parse_start(name: &str) -> (Option<Timestamp>, String) {
    // A suffix distinguishes runs that started in the same millisecond.
    let Ok((parts, _)) = BrokenDownTime::parse_prefix("%Y%m%dT%H%M%S%.f%z", name) else {
        return (None, name.to_owned());
    };
    match (parts.to_timestamp(), parts.to_datetime()) {
        (Ok(started_at), Ok(local)) => {
            let local = local.strftime("%Y-%m-%d %H:%M:%S%.3f");
            (Some(started_at), local.to_string())
        }
        _ => (None, name.to_owned()),
    }
}
