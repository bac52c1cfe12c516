//! Reads the kept runs of a store, ours and the official Maelstrom's, with their results. Both the
//! store's contents and requested paths are untrusted: nothing outside the store is found, and a
//! run that cannot be read is listed as unreadable and hides no other.

mod cache;
mod file;
mod options;
mod path;
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

use cache::Cache;
use pages::budget::Metric;
use pages::kept::KeptResults;
use pages::plot::{Chart, chart_in};

pub use options::to_text;
pub use path::StorePath;
pub use status::RunStatus;

/// Runs that are nested deeper are not found; Maelstrom's are in `maelstrom/store/<workload>`.
const MAX_DEPTH: usize = 5;

/// Largest `test.json` or `summary.json`.
const MAX_TEST_BYTES: u64 = 1 << 20;

/// Largest `results.json`, most of which is skipped while it is parsed.
const MAX_JSON_BYTES: u64 = 64 << 20;

/// Largest `results.edn`, which is parsed as a whole and then takes twenty times its size.
const MAX_EDN_BYTES: u64 = 16 << 20;

/// Largest plot that is drawn again.
const MAX_PLOT_BYTES: u64 = 8 << 20;

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
    root: PathBuf,
    tests: Cache<BTreeMap<&'static str, String>>,
    results: Cache<(RunStatus, KeptResults)>,
}

/// A run that was kept.
#[derive(Debug, Clone)]
pub struct KeptRun {
    pub path: StorePath,
    pub workload: String,
    /// When it started, as text, from its folder's name.
    pub start: String,
    pub status: RunStatus,
    pub results: KeptResults,
    /// Whether its `report.html` is in the store.
    pub has_report: bool,
    options: BTreeMap<&'static str, String>,
    started_at: Option<Timestamp>,
}

impl Archive {
    /// Opens the store in this folder.
    ///
    /// # Errors
    /// When the folder does not exist.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        let found = root.canonicalize();
        let missing = || format!("there is no store at {}", root.display());
        let root = found.with_context(missing)?;
        ensure!(root.is_dir(), "{} is not a folder", root.display());
        Ok(Archive {
            root,
            tests: Cache::default(),
            results: Cache::default(),
        })
    }

    /// All runs, the newest first.
    pub fn runs(&self) -> Vec<KeptRun> {
        let mut runs = Vec::new();
        let mut pending = vec![StorePath::default()];
        while let Some(path) = pending.pop() {
            // Without symbolic links: they lead to listed runs, or out of the store.
            let names = subfolders(&self.resolve(&path));
            for inner in names.iter().filter_map(|name| path.join(name)) {
                match self.read_folder(&inner) {
                    Some(run) => runs.push(run),
                    None if inner.names().len() < MAX_DEPTH => pending.push(inner),
                    None => {}
                }
            }
        }
        runs.sort_by_cached_key(|run| Reverse(run.order()));
        runs
    }

    /// The run at this path, if there is one.
    pub fn run(&self, path: &StorePath) -> Option<KeptRun> {
        self.find(path)?;
        self.read_folder(path)
    }

    /// The path on disk, symbolic links followed, if it exists and is within the store.
    pub fn find(&self, path: &StorePath) -> Option<PathBuf> {
        let found = self.resolve(path).canonicalize().ok()?;
        found.starts_with(&self.root).then_some(found)
    }

    /// Opens a file that `find` has found and returns it with its length; none if by now it is not
    /// a file, or not within the store.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open_file(&self, path: &Path) -> io::Result<Option<(File, u64)>> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(None);
        };
        match file::unless_missing(folder.canonicalize())? {
            Some(folder) if folder.starts_with(&self.root) => file::open(&folder.join(name)),
            _ => Ok(None),
        }
    }

    fn has_report(&self, run: &StorePath) -> bool {
        let report = run.join("report.html");
        let report = report.and_then(|report| self.find(&report));
        report.is_some_and(|report| report.is_file())
    }

    /// The chart in one of a run's plots; none if the file is missing, too long, or not ours.
    pub fn read_chart(&self, path: &StorePath) -> Option<Chart> {
        let (file, _) = self.open_file(&self.resolve(path)).ok().flatten()?;
        chart_in(&read_text(file, MAX_PLOT_BYTES).ok()?)
    }

    /// A run's `test.json`: flags, seed, command. Empty for Maelstrom's runs, which have none.
    pub fn read_test(&self, path: &StorePath) -> Map<String, Value> {
        let file = self.open_file(&self.resolve(path).join("test.json"));
        let text = file
            .ok()
            .flatten()
            .map(|(file, _)| read_text(file, MAX_TEST_BYTES));
        let test = text.and_then(|text| serde_json::from_str(&text.ok()?).ok());
        test.unwrap_or_default()
    }

    /// The options of `test.json` that are shown for every run.
    fn options(&self, run: &Path) -> BTreeMap<&'static str, String> {
        let path = run.join("test.json");
        let Ok(Some((file, _))) = self.open_file(&path) else {
            return BTreeMap::new();
        };
        let read = |file| {
            let text = read_text(file, MAX_TEST_BYTES);
            let options = text.and_then(|text| options::options(&text));
            options.unwrap_or_default()
        };
        self.tests
            .get_or_read(&path, file, read)
            .unwrap_or_default()
    }

    /// A run's status and results, from the first readable file of results.
    fn results(&self, run: &Path) -> (RunStatus, KeptResults) {
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
        let file = match self.open_file(path) {
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
        let results = self.results.get_or_read(path, file, read);
        Some(results.unwrap_or_else(|_| unreadable.clone()))
    }

    fn resolve(&self, path: &StorePath) -> PathBuf {
        let mut resolved = self.root.clone();
        resolved.extend(path.names());
        resolved
    }

    fn read_folder(&self, path: &StorePath) -> Option<KeptRun> {
        let folder = self.resolve(path);
        if !RUN_FILES.iter().any(|name| folder.join(name).exists()) {
            return None;
        }
        let (name, parent) = path.names().split_last()?;
        let options = self.options(&folder);
        let workload = options.get("workload").or_else(|| parent.last());
        let (status, results) = self.results(&folder);
        let (started_at, start) = parse_start(name);
        Some(KeptRun {
            workload: workload.map_or_else(|| "?".to_owned(), String::clone),
            has_report: self.has_report(path),
            path: path.clone(),
            start,
            status,
            results,
            options,
            started_at,
        })
    }
}

impl KeptRun {
    /// The order of runs: by their start.
    pub fn order(&self) -> impl Ord + use<> {
        (self.started_at, self.start.clone(), self.path.clone())
    }

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

/// The names of the folders in a folder, without symbolic links.
fn subfolders(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    // Our own names are UTF-8; others are skipped.
    let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
    names.collect()
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
