//! The checkers against histories that were recorded from Maelstrom, with Maelstrom's own verdicts.
//!
//! The recordings are not part of this repository: they are looked for in `shared/histories` beside
//! it, and without them there is nothing to test.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use clojure_reader::edn::Edn;
use flate2::read::GzDecoder;
use serde_json::Value;
use workbench::checker::{self, Target, Validity, Verdict};
use workbench::edn::{self, compact, get, number};
use workbench::history::History;

/// One recorded run.
struct Case {
    folder: PathBuf,
    name: String,
    /// `case.json`: what was run and what Maelstrom said, in short.
    told: Value,
}

/// All recordings, in order of their names; says so if there are none.
fn cases() -> Vec<Case> {
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
fn cases_of(workloads: &[&str]) -> Vec<Case> {
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

    fn workload(&self) -> &str {
        self.told["workload"].as_str().unwrap()
    }

    fn history_text(&self) -> String {
        unzip(&self.folder.join("history.edn.gz"))
    }

    fn history(&self) -> History {
        let file = File::open(self.folder.join("history.edn.gz")).unwrap();
        let history = History::read_edn(BufReader::new(GzDecoder::new(file)));
        history.unwrap_or_else(|error| panic!("{}: {error:#}", self.name))
    }

    fn results(&self) -> Edn<'static> {
        let zipped = self.folder.join("results.edn.gz");
        let text = if zipped.exists() {
            unzip(&zipped)
        } else {
            fs::read_to_string(self.folder.join("results.edn")).unwrap()
        };
        let results = edn::read(&text).unwrap_or_else(|error| panic!("{}: {error:#}", self.name));
        results.into_owned()
    }

    /// The value that follows `--availability` in the flags of the run.
    fn target(&self) -> Option<Target> {
        let mut flags = self.told["flags"].as_str().unwrap().split_whitespace();
        flags.find(|flag| *flag == "--availability")?;
        Some(match flags.next()? {
            "total" => Target::Total,
            fraction => Target::AtLeast(fraction.parse().unwrap()),
        })
    }

    /// A verdict of `case.json`.
    fn validity(&self, name: &str) -> Validity {
        match &self.told[name] {
            Value::Bool(holds) => Validity::of(*holds),
            Value::String(word) if word == "unknown" => Validity::Unknown,
            other => panic!("{}: {name} is {other}", self.name),
        }
    }

    fn judge_workload(&self, history: &History) -> Verdict {
        match self.workload() {
            "broadcast" => checker::set_full(history, "broadcast"),
            "g-set" => checker::set_full(history, "add"),
            "echo" => checker::echo(history),
            "unique-ids" => checker::unique_ids(history),
            other => panic!("{}: no checker for {other}", self.name),
        }
    }

    /// Demands that a count of `case.json`, where it tells one, stands in our results.
    fn check_count(&self, name: &str, results: &Edn<'static>) {
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

/// With keys that both sides have in the same order, and operations without their record tag.
fn plain(edn: &Edn<'_>) -> String {
    compact(edn).replace("#jepsen.history.Op ", "")
}

const SETS: [&str; 2] = ["broadcast", "g-set"];
const JUDGED: [&str; 4] = ["broadcast", "g-set", "echo", "unique-ids"];

#[test]
fn every_checker_comes_to_the_recorded_verdict() {
    for case in cases_of(&JUDGED) {
        let history = case.history();
        let name = &case.name;
        let workload = case.judge_workload(&history);
        assert_eq!(
            workload.valid,
            case.validity("workload_valid"),
            "{name}: workload"
        );
        let stats = checker::stats(&history);
        assert_eq!(stats.valid, case.validity("stats_valid"), "{name}: stats");
        let availability = checker::availability(&history, case.target());
        assert_eq!(
            availability.valid,
            case.validity("availability_valid"),
            "{name}: availability"
        );

        let all = checker::overall([
            ("exceptions", checker::exceptions(&history)),
            ("stats", stats),
            ("availability", availability),
            ("net", Verdict::new(Validity::Valid, [])),
            ("workload", workload),
        ]);
        assert_eq!(all.valid, case.validity("valid"), "{name}: overall");
        if all.valid != Validity::Valid {
            assert!(!all.findings.is_empty(), "{name}: nothing is said");
        }
    }
}

#[test]
fn every_count_is_the_recorded_one() {
    for case in cases_of(&JUDGED) {
        let verdict = case.judge_workload(&case.history());
        if case.validity("workload_valid") == Validity::Unknown && case.workload() == "unique-ids" {
            continue;
        }
        for name in [
            "attempt_count",
            "stable_count",
            "lost_count",
            "never_read_count",
            "stale_count",
            "duplicated_count",
            "attempted_count",
        ] {
            case.check_count(name, &verdict.results);
        }
        if let Some(errors) = case.told["errors"].as_u64() {
            let Some(Edn::List(found)) = get(&verdict.results, &["errors"]) else {
                panic!("{}: errors are no list", case.name)
            };
            assert_eq!(found.len() as u64, errors, "{}: errors", case.name);
        }
    }
}

#[test]
fn stats_of_all_workloads_are_the_recorded_ones() {
    for case in cases() {
        let results = case.results();
        // Where a checker blew up there are no partial results.
        let Some(recorded) = get(&results, &["stats"]) else {
            continue;
        };
        let history = case.history();
        assert_eq!(
            plain(&checker::stats(&history).results),
            plain(recorded),
            "{}",
            case.name
        );
    }
}

#[test]
fn the_ok_fraction_of_all_workloads_is_the_recorded_one() {
    for case in cases() {
        let results = case.results();
        let Some(recorded) = get(&results, &["availability"]) else {
            continue;
        };
        let ours = checker::availability(&case.history(), case.target()).results;
        // Java may print more digits of a 32-bit float than it takes.
        let fraction = |edn| get(edn, &["ok-fraction"]).and_then(number).unwrap() as f32;
        assert_eq!(fraction(&ours), fraction(recorded), "{}", case.name);
        assert_eq!(
            get(&ours, &["valid?"]),
            get(recorded, &["valid?"]),
            "{}",
            case.name
        );
    }
}

#[test]
fn exceptions_of_all_workloads_are_counted_alike() {
    for case in cases() {
        let results = case.results();
        let count = |results: &Edn<'static>| match get(results, &["exceptions"]) {
            Some(Edn::List(classes)) => classes
                .iter()
                .filter_map(|class| get(class, &["count"]).and_then(number))
                .sum(),
            _ => 0.0,
        };
        let Some(recorded) = get(&results, &["exceptions"]) else {
            continue;
        };
        let ours = checker::exceptions(&case.history()).results;
        assert_eq!(count(&ours), count(recorded), "{}", case.name);
    }
}

#[test]
fn sets_have_the_recorded_elements_latencies_and_worst_cases() {
    for case in cases_of(&SETS) {
        let results = case.results();
        let recorded = get(&results, &["workload"]).unwrap();
        let ours = case.judge_workload(&case.history()).results;
        assert_eq!(plain(&ours), plain(recorded), "{}", case.name);
    }
}

#[test]
fn echo_has_the_recorded_errors() {
    for case in cases_of(&["echo"]) {
        // The recorded order is that of a hash table.
        let errors = |results: &Edn<'static>, path: &[&'static str]| {
            let Some(Edn::List(errors)) = get(results, path) else {
                panic!("{}: errors are no list", case.name)
            };
            let mut errors = errors.clone();
            errors.sort();
            errors
        };
        let recorded = errors(&case.results(), &["workload", "errors"]);
        let ours = errors(&case.judge_workload(&case.history()).results, &["errors"]);
        assert_eq!(ours, recorded, "{}", case.name);
    }
}

#[test]
fn ids_have_the_recorded_range_and_counts() {
    for case in cases_of(&["unique-ids"]) {
        let results = case.results();
        let recorded = get(&results, &["workload"]).unwrap();
        let ours = case.judge_workload(&case.history()).results;
        for key in [
            "attempted-count",
            "acknowledged-count",
            "duplicated-count",
            "range",
        ] {
            assert_eq!(
                get(&ours, &[key]),
                get(recorded, &[key]),
                "{}: {key}",
                case.name
            );
        }
    }
}

#[test]
fn every_history_is_written_as_it_was_recorded() {
    for case in cases() {
        let text = case.history_text();
        let mut written = Vec::new();
        case.history().write_edn(&mut written).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(
            written.lines().count(),
            text.lines().count(),
            "{}",
            case.name
        );
        for (ours, recorded) in written.lines().zip(text.lines()) {
            if ours != recorded {
                assert_eq!(kept(ours), kept(recorded), "{}", case.name);
            }
        }
    }
}

/// What we keep of an operation: not the JVM's exceptions, nor the notes that some carry.
fn kept(op: &str) -> Edn<'_> {
    let mut op = edn::read(op).unwrap();
    let keys = [
        "index", "time", "type", "process", "f", "value", "error", "final?",
    ];
    if let Edn::Map(fields) = &mut op {
        fields.retain(|key, _| matches!(key, Edn::Key(name) if keys.contains(&name.as_ref())));
    }
    op
}

#[test]
fn every_history_survives_json_lines() {
    for case in cases() {
        let history = case.history();
        let (mut edn, mut json, mut again) = (Vec::new(), Vec::new(), Vec::new());
        history.write_edn(&mut edn).unwrap();
        history.write_json_lines(&mut json).unwrap();
        History::read_json_lines(&*json)
            .unwrap()
            .write_edn(&mut again)
            .unwrap();
        assert!(edn == again, "{}", case.name);
    }
}

#[test]
fn every_result_is_read_and_its_pretty_print_reads_back() {
    for case in cases() {
        let results = case.results();
        let printed = edn::pretty(&results);
        assert_eq!(edn::read(&printed).unwrap(), results, "{}", case.name);
        assert!(get(&results, &["valid?"]).is_some(), "{}", case.name);
    }
}
