//! Small histories of transactions, written down briefly, and verdicts in a few lines.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use checkers::{CheckerResult as _, Models, TransactionsResult, Unjudged, Validity};

/// What a checker of transactions returns.
pub type Judged = Result<TransactionsResult, Unjudged>;
use history::History;
use history::edn::{Edn, compact, get};
use simulator::testing::transcript;

/// A checker of transactions.
pub type Judge = fn(&History, &Models) -> Judged;

/// Holds a checker to all transcripts in a folder.
pub fn check_transcripts(folder: &str, judge: Judge) {
    transcript::check(folder, || {
        let mut lines = Lines::default();
        move |command: &str| {
            let (who, what) = command.split_once(' ').expect("who, and what");
            if who == "judge" {
                return told(&judge(&lines.history(), &what.parse().unwrap()));
            }
            let (kind, micro_ops) = what.split_once(' ').expect("how, and what");
            if kind == "does" {
                lines.add("invoke", who, micro_ops);
                lines.add("ok", who, micro_ops);
            } else {
                if !lines.is_open(who) && kind != "invoke" {
                    lines.add("invoke", who, micro_ops);
                }
                lines.add(kind, who, micro_ops);
            }
            String::new()
        }
    });
}

/// Demands that the name of each file in a folder tells the verdict that stands in it. All lists of
/// anomalies that do.
pub fn told_anomalies(folder: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let has = |verdict| text.lines().any(|line| line.starts_with(verdict));
        let (_, kind) = name.rsplit_once('-').unwrap();
        let expected = ["ok", "bad", "unknown"].map(|it| it == kind);
        // A history that one model forbids may be fine by another.
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

/// Judges a history of transactions that are done at once, each on one of five processes.
pub fn judge_at_once(judge: Judge, values: impl Iterator<Item = String>, model: &str) -> Judged {
    let mut lines = Lines::default();
    for (count, value) in values.enumerate() {
        let process = (count % 5).to_string();
        lines.add_value("invoke", &process, "[]");
        lines.add_value("ok", &process, &value);
    }
    judge(&lines.history(), &model.parse().unwrap())
}

/// A history in the making.
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
    let (place, value) = text.split_once('=').expect("a value");
    let key = place
        .find(|c: char| c == '"' || c.is_ascii_digit())
        .expect("a key");
    let (action, key) = place.split_at(key);
    format!(r#"["{action}",{key},{value}]"#)
}

/// The verdict in a line, what is ruled out, and all findings.
fn told(verdict: &Judged) -> String {
    let list = |name: &'static str| match get(&verdict.to_edn(), &[name]) {
        Some(Edn::List(words)) => words.iter().map(compact).collect::<Vec<_>>(),
        Some(Edn::Set(words)) => words.iter().map(compact).collect(),
        _ => Vec::new(),
    };
    let join = |words: Vec<String>| words.join(", ").replace(':', "");
    let mut told = match verdict.validity() {
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
        write!(told, "\n  {finding}").unwrap();
    }
    told
}
