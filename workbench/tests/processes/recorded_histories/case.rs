//! The recordings: where they are, and what each of them tells.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use checkers::{Assumptions, Models, Target, Unjudged, UnknownModel, Validity, WorkloadResult};
use flate2::read::GzDecoder;
use history::History;
use history::edn::{self, Edn, get};
use serde_json::Value;

/// One recorded run.
pub struct Case {
    pub folder: PathBuf,
    pub name: String,
    /// `case.json`: what was run and what Maelstrom said, in short.
    pub told: Value,
}

/// All recordings, in order of their names; says so if there are none.
pub fn cases() -> Vec<Case> {
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/histories");
    let Ok(folders) = fs::read_dir(&recordings) else {
        println!(
            "skipped: there are no recorded histories in {}",
            recordings.display()
        );
        return Vec::new();
    };
    let folders = folders.map(|folder| folder.unwrap().path());
    let mut cases: Vec<_> = folders.filter_map(Case::open).collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!cases.is_empty(), "no case in {}", recordings.display());
    cases
}

/// The recordings of these workloads.
pub fn cases_of(workloads: &[&str]) -> Vec<Case> {
    let mut cases = cases();
    cases.retain(|case| workloads.contains(&case.workload()));
    cases
}

impl Case {
    fn open(folder: PathBuf) -> Option<Self> {
        let told = fs::read(folder.join("case.json")).ok()?;
        Some(Case {
            name: folder.file_name()?.to_string_lossy().into_owned(),
            told: serde_json::from_slice(&told).unwrap(),
            folder,
        })
    }

    pub fn workload(&self) -> &str {
        self.told["workload"].as_str().unwrap()
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
        let mut flags = self.told["flags"].as_str().unwrap().split_whitespace();
        flags.find(|flag| *flag == "--availability")?;
        Some(match flags.next()? {
            "total" => Target::Total,
            fraction => Target::AtLeast(fraction.parse().unwrap()),
        })
    }

    /// A verdict of `case.json`.
    pub fn validity(&self, name: &str) -> Validity {
        validity(&self.told[name])
    }

    /// Whether `case.json` tells of a checker: where one broke off, others may have no verdict.
    pub fn tells(&self, name: &str) -> bool {
        !self.told[name].is_null()
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

    /// Holds a history of transactions to some models.
    pub fn judge_transactions(&self, history: &History, models: &Models) -> WorkloadResult {
        match self.workload() {
            "txn-rw-register" => {
                checkers::rw_register(history, models, Assumptions::default()).into()
            }
            "txn-list-append" => checkers::list_append(history, models).into(),
            other => panic!("{}: {other} has no transactions", self.name),
        }
    }

    /// The consistency models that the run was held to.
    fn models(&self) -> Result<Models, UnknownModel> {
        let names = self.told["consistency_models"].as_array().unwrap();
        let names: Vec<&str> = names.iter().map(|name| name.as_str().unwrap()).collect();
        names.join(",").parse()
    }

    /// Demands that a count of `case.json`, where it tells one, stands in our results.
    pub fn check_count(&self, name: &str, results: &Edn) {
        if let Some(count) = self.told[name].as_u64() {
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

/// A verdict; that of a checker that broke off is unknown.
pub fn validity(told: &Value) -> Validity {
    match told {
        Value::Bool(holds) => Validity::of(*holds),
        Value::Null => Validity::Unknown,
        other => {
            assert_eq!(other, "unknown");
            Validity::Unknown
        }
    }
}
