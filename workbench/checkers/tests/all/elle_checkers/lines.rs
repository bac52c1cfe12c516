//! A short notation for small histories of transactions, and for verdicts.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use checkers::{CheckerResult as _, Models, TransactionsResult, Unjudged, Validity};

/// The result of a checker of transactions.
pub type Judged = Result<TransactionsResult, Unjudged>;
use history::History;
use history::edn::{Edn, compact, get};
use simulator::testing::transcript;

/// A checker of transactions.
pub type Judge = fn(&History, &Models) -> Judged;

/// Checks all transcripts in a folder.
pub fn check_transcripts(folder: &str, judge: Judge) {
    transcript::check(folder, || {
        let mut lines = Lines::default();
        move |command: &str| {
            let (process, rest) = command.split_once(' ').expect("a process and a command");
            if process == "judge" {
                return describe(&judge(&lines.history(), &rest.parse().unwrap()));
            }
            let (kind, micro_ops) = rest.split_once(' ').expect("a kind and micro-operations");
            if kind == "does" {
                lines.add("invoke", process, micro_ops);
                lines.add("ok", process, micro_ops);
            } else {
                if !lines.is_open(process) && kind != "invoke" {
                    lines.add("invoke", process, micro_ops);
                }
                lines.add(kind, process, micro_ops);
            }
            String::new()
        }
    });
}

/// Asserts that the name of each file in a folder ends with its verdict. Returns all lists of
/// anomalies in the files.
pub fn listed_anomalies(folder: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let has = |verdict| text.lines().any(|line| line.starts_with(verdict));
        let (_, kind) = name.rsplit_once('-').unwrap();
        let expected = ["ok", "bad", "unknown"].map(|it| it == kind);
        // A history that is invalid for one model may be valid for another.
        let found = [
            has("valid") && !has("invalid") && !has("unknown"),
            has("invalid"),
            has("unknown"),
        ];
        assert_eq!(found, expected, "{name}");
        let invalid = text.lines().filter_map(|it| it.strip_prefix("invalid: "));
        seen.extend(invalid.map(str::to_owned));
    }
    seen
}

/// Judges a history of sequential transactions, each on one of five processes.
pub fn judge_sequential(judge: Judge, values: impl Iterator<Item = String>, model: &str) -> Judged {
    let mut lines = Lines::default();
    for (count, value) in values.enumerate() {
        let process = (count % 5).to_string();
        lines.add_value("invoke", &process, "[]");
        lines.add_value("ok", &process, &value);
    }
    judge(&lines.history(), &model.parse().unwrap())
}

/// A history under construction.
#[derive(Default)]
struct Lines {
    json: String,
    count: usize,
    open: Vec<String>,
}

impl Lines {
    fn is_open(&self, process: &str) -> bool {
        self.open.iter().any(|it| it == process)
    }

    fn add(&mut self, kind: &str, process: &str, micro_ops: &str) {
        let value = if micro_ops == "null" {
            micro_ops.to_owned()
        } else {
            let micro_ops: Vec<_> = micro_ops.split(' ').map(micro_op).collect();
            format!("[{}]", micro_ops.join(","))
        };
        self.add_value(kind, process, &value);
    }

    fn add_value(&mut self, kind: &str, process: &str, value: &str) {
        let index = self.count;
        let time = index * 1_000_000;
        let head = format!(r#""index":{index},"time":{time},"type":"{kind}""#);
        let tail = format!(r#""process":{process},"f":"txn","value":{value}"#);
        writeln!(self.json, "{{{head},{tail}}}").unwrap();
        self.count += 1;
        self.open.retain(|it| it != process);
        if kind == "invoke" {
            self.open.push(process.to_owned());
        }
    }

    fn history(&self) -> History {
        History::read_json(self.json.as_bytes()).unwrap()
    }
}

/// `r5=3` as `["r",5,3]`.
fn micro_op(text: &str) -> String {
    let (object, value) = text.split_once('=').expect("a value");
    let key = object
        .find(|c: char| c == '"' || c.is_ascii_digit())
        .expect("a key");
    let (action, key) = object.split_at(key);
    format!(r#"["{action}",{key},{value}]"#)
}

/// Describes the verdict, the models that are ruled out, and all findings.
fn describe(verdict: &Judged) -> String {
    let list = |name: &'static str| match get(&verdict.to_edn(), &[name]) {
        Some(Edn::List(words)) => words.iter().map(compact).collect::<Vec<_>>(),
        Some(Edn::Set(words)) => words.iter().map(compact).collect(),
        _ => Vec::new(),
    };
    let join = |words: Vec<String>| words.join(", ").replace(':', "");
    let mut description = match verdict.validity() {
        Validity::Valid => "valid".to_owned(),
        Validity::Unknown => "unknown".to_owned(),
        Validity::Invalid => format!(
            "invalid: {}\nnot {}, nor {} stronger",
            join(list("anomaly-types")),
            join(list("not")),
            list("also-not").len()
        ),
    };
    for finding in &verdict.sentences() {
        write!(description, "\n  {finding}").unwrap();
    }
    description
}
