//! Reading what is kept: which runs lie below a store, ours and the official Maelstrom's, and what
//! each came to. Anything may lie there, and whoever asks may ask for anything: nothing outside the
//! store is found, and what cannot be read says so and hides nothing else.

mod figures;
mod file;
mod place;

use std::cmp::Reverse;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use serde_json::{Map, Value};

use crate::edn;

pub use figures::{KeptBudget, KeptFigures, MEASURED, Operations, QUANTILES};
pub use place::Place;

/// How many folders runs may be nested in: Maelstrom's are in `maelstrom/store/<workload>`.
const DEPTH: usize = 5;

/// How much is read of a file that says what a run was, or came to.
const MOST_BYTES: u64 = 16 << 20;

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
}

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its history is valid.
    Valid,
    /// Nobody can say.
    Unknown,
    /// It is not.
    Invalid,
    /// It broke off, or goes on: there are no results.
    Unfinished,
    /// There are results that nobody can read.
    Unreadable,
}

/// A run that was kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Where.
    pub place: Place,
    /// What clients did.
    pub workload: String,
    /// When it began, as its folder's name has it.
    pub start: String,
    /// What it was: flags, seed, command. Nothing of it is known of Maelstrom's runs.
    pub test: Map<String, Value>,
    /// What it came to,
    pub state: State,
    /// … in numbers.
    pub figures: KeptFigures,
    /// Whether there is a page about it.
    pub has_report: bool,
    began: Option<Timestamp>,
}

impl State {
    /// All of them.
    pub const ALL: [State; 5] = [
        State::Valid,
        State::Unknown,
        State::Invalid,
        State::Unfinished,
        State::Unreadable,
    ];

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            State::Valid => "valid",
            State::Unknown => "unknown",
            State::Invalid => "invalid",
            State::Unfinished => "unfinished",
            State::Unreadable => "unreadable",
        }
    }

    fn of(results: &Value) -> Self {
        match &results["valid?"] {
            Value::Bool(true) => State::Valid,
            Value::Bool(false) => State::Invalid,
            Value::String(word) if word == "unknown" => State::Unknown,
            _ => State::Unreadable,
        }
    }
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
        Ok(Archive { root })
    }

    /// All runs, the newest first.
    pub fn runs(&self) -> Vec<Kept> {
        let mut runs = Vec::new();
        let mut open = vec![Place::default()];
        while let Some(place) = open.pop() {
            // Links lead to runs that are listed where they are, or out of the store.
            let names = folders(&self.path(&place));
            for inner in names.iter().filter_map(|name| place.join(name)) {
                match self.read_folder(&inner) {
                    Some(run) => runs.push(run),
                    None if inner.names().len() < DEPTH => open.push(inner),
                    None => {}
                }
            }
        }
        runs.sort_by_cached_key(|run| Reverse((run.began, run.start.clone(), run.place.clone())));
        runs
    }

    /// The run at this place, if there is one.
    pub fn run(&self, place: &Place) -> Option<Kept> {
        self.find(place)?;
        self.read_folder(place)
    }

    /// What lies at this place, if it lies within the store, links followed.
    pub fn find(&self, place: &Place) -> Option<PathBuf> {
        let path = self.path(place).canonicalize().ok()?;
        path.starts_with(&self.root).then_some(path)
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

    /// The text of a file that is not too long; nothing if there is no such file.
    fn read(&self, path: &Path) -> Option<anyhow::Result<String>> {
        let (file, length) = match self.file(path) {
            Ok(found) => found?,
            Err(error) => return Some(Err(error.into())),
        };
        let read = || {
            ensure!(length <= MOST_BYTES, "it is too long");
            let mut text = String::new();
            file.take(length).read_to_string(&mut text)?;
            Ok(text)
        };
        Some(read())
    }

    /// A run's results; nothing if there are none.
    fn results(&self, run: &Path) -> Option<anyhow::Result<Value>> {
        if let Some(json) = self.read_json(&run.join("results.json")) {
            return Some(json);
        }
        let text = self.read(&run.join("results.edn"))?;
        Some(text.and_then(|text| Ok(edn::to_json(&edn::read(&text)?))))
    }

    fn read_json(&self, path: &Path) -> Option<anyhow::Result<Value>> {
        let text = self.read(path)?;
        Some(text.and_then(|text| Ok(serde_json::from_str(&text)?)))
    }

    fn path(&self, place: &Place) -> PathBuf {
        let mut path = self.root.clone();
        path.extend(place.names());
        path
    }

    fn read_folder(&self, place: &Place) -> Option<Kept> {
        let path = self.path(place);
        if !SIGNS.iter().any(|sign| path.join(sign).exists()) {
            return None;
        }
        let (name, parent) = place.names().split_last()?;
        let test = match self.read_json(&path.join("test.json")) {
            Some(Ok(Value::Object(test))) => test,
            _ => Map::new(),
        };
        let workload = test.get("workload").and_then(Value::as_str);
        let workload = workload.or_else(|| parent.last().map(String::as_str));
        let (state, figures) = match self.results(&path) {
            None => (State::Unfinished, KeptFigures::default()),
            Some(Err(_)) => (State::Unreadable, KeptFigures::default()),
            Some(Ok(results)) => (State::of(&results), KeptFigures::of(&results)),
        };
        let (began, start) = moment(name);
        Some(Kept {
            workload: workload.unwrap_or("?").to_owned(),
            has_report: path.join("report.html").is_file(),
            place: place.clone(),
            start,
            test,
            state,
            figures,
            began,
        })
    }
}

impl Kept {
    /// What the run was, one thing of it, as a word; nothing where nothing is known.
    pub fn option(&self, name: &str) -> Option<String> {
        match self.test.get(name)? {
            Value::Null => None,
            Value::String(word) => Some(word.clone()),
            other => Some(other.to_string()),
        }
    }
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
