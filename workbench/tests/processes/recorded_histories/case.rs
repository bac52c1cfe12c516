//! The recordings: where they are, and what each contains.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use checkers::{Assumptions, Models, Target, Unjudged, UnknownModel, Validity, WorkloadResult};
use flate2::read::GzDecoder;
use history::History;
use history::edn::{self, Edn, get};
use serde_json::Value;

/// One recorded run.
pub struct Recording {
    pub folder: PathBuf,
    pub name: String,
    /// `case.json`: the run's flags and a summary of Maelstrom's verdict.
    pub expected: Value,
}

/// All recordings, in order of their names; prints a note if there are none.
pub fn cases() -> Vec<Recording> {
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/histories");
    let Ok(folders) = fs::read_dir(&recordings) else {
        println!(
            "skipped: there are no recorded histories in {}",
            recordings.display()
        );
        return Vec::new();
    };
    let folders = folders.map(|folder| folder.unwrap().path());
    let mut cases: Vec<_> = folders.filter_map(Recording::open).collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(
        !cases.is_empty(),
        "no recording in {}",
        recordings.display()
    );
    cases
}

/// The recordings of these workloads.
pub fn cases_of(workloads: &[&str]) -> Vec<Recording> {
    let mut cases = cases();
    cases.retain(|case| workloads.contains(&case.workload()));
    cases
}

impl Recording {
    fn open(folder: PathBuf) -> Option<Self> {
        let expected = fs::read(folder.join("case.json")).ok()?;
        Some(Recording {
            name: folder.file_name()?.to_string_lossy().into_owned(),
            expected: serde_json::from_slice(&expected).unwrap(),
            folder,
        })
    }

    pub fn workload(&self) -> &str {
        self.expected["workload"].as_str().unwrap()
    }

    pub fn history_text(&self) -> String {
        unzip(&self.folder.join("history.edn.gz"))
    }

    pub fn history(&self) -> History {
        let file = File::open(self.folder.join("history.edn.gz")).unwrap();
        let history = History::read_edn(BufReader::new(GzDecoder::new(file)));
        history.unwrap_or_else(|error| panic!("{}: {error:#}", self.name))
    }

    pub fn results(&self) -> Edn {
        let zipped = self.folder.join("results.edn.gz");
        let text = if zipped.exists() {
            unzip(&zipped)
        } else {
            fs::read_to_string(self.folder.join("results.edn")).unwrap()
        };
        edn::read(&text).unwrap_or_else(|error| panic!("{}: {error:#}", self.name))
    }

    /// The value that follows `--availability` in the flags of the run.
    pub fn target(&self) -> Option<Target> {
        let mut flags = self.expected["flags"].as_str().unwrap().split_whitespace();
        flags.find(|flag| *flag == "--availability")?;
        Some(match flags.next()? {
            "total" => Target::Total,
            fraction => Target::AtLeast(fraction.parse().unwrap()),
        })
    }

    /// A verdict of `case.json`.
    pub fn validity(&self, name: &str) -> Validity {
        validity(&self.expected[name])
    }

    /// Whether `case.json` has a verdict: where one checker crashed, others may have none.
    pub fn has(&self, name: &str) -> bool {
        !self.expected[name].is_null()
    }

    pub fn judge_workload(&self, history: &History) -> WorkloadResult {
        match self.workload() {
            "broadcast" => checkers::set_full(history, "broadcast").into(),
            "g-set" => checkers::set_full(history, "add").into(),
            "g-counter" | "pn-counter" => checkers::counter(history).into(),
            "kafka" => checkers::kafka(history).into(),
            "lin-kv" => checkers::lin_kv(history).into(),
            "txn-rw-register" | "txn-list-append" => match self.models() {
                Ok(models) => self.judge_transactions(history, &models),
                Err(unknown) => Unjudged::new(unknown).into(),
            },
            "echo" => checkers::echo(history).into(),
            "unique-ids" => checkers::unique_ids(history).into(),
            other => panic!("{}: no checker for {other}", self.name),
        }
    }

    /// Checks a history of transactions against some models.
    pub fn judge_transactions(&self, history: &History, models: &Models) -> WorkloadResult {
        match self.workload() {
            "txn-rw-register" => {
                checkers::rw_register(history, models, Assumptions::default()).into()
            }
            "txn-list-append" => checkers::list_append(history, models).into(),
            other => panic!("{}: {other} has no transactions", self.name),
        }
    }

    /// The consistency models of the run.
    fn models(&self) -> Result<Models, UnknownModel> {
        let names = self.expected["consistency_models"].as_array().unwrap();
        let names: Vec<&str> = names.iter().map(|name| name.as_str().unwrap()).collect();
        names.join(",").parse()
    }

    /// Asserts that a count in `case.json`, if there is one, is also in our results.
    pub fn assert_count(&self, name: &str, results: &Edn) {
        if let Some(count) = self.expected[name].as_u64() {
            let key = name.replace('_', "-");
            assert_eq!(
                get(results, &[&key]),
                Some(&edn::integer(count)),
                "{}: {key}",
                self.name
            );
        }
    }
}

fn unzip(path: &Path) -> String {
    let mut text = String::new();
    GzDecoder::new(File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// Parses a verdict; null stands for a checker that crashed.
pub fn validity(verdict: &Value) -> Validity {
    match verdict {
        Value::Bool(holds) => Validity::of(*holds),
        Value::Null => Validity::Unknown,
        other => {
            assert_eq!(other, "unknown");
            Validity::Unknown
        }
    }
}
