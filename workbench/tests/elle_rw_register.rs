//! The checker of registers on small histories, told as transcripts: in `histories/rw-register`
//! each file is one history, `> 0 does r1=null w2=3` being a transaction of process 0 that read
//! nothing from key 1 and wrote 3 to key 2 at one moment, and `invoke` to `ok`, `fail` or `info`
//! one that took its time. `> judge serializable` is followed by the verdict. And long histories.

use std::fmt::Write;
use std::fs;

use clojure_reader::edn::Edn;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shared::transcript;
use workbench::checker::{Validity, Verdict, rw_register};
use workbench::edn::{compact, get};
use workbench::history::History;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/histories/rw-register");

#[test]
fn small_histories_are_judged_as_their_files_tell() {
    transcript::check(FOLDER, || {
        let mut lines = Lines::default();
        move |command: &str| {
            let (who, what) = command.split_once(' ').expect("who, and what");
            if who == "judge" {
                return told(&rw_register(&lines.history(), &what.parse().unwrap()));
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
        History::read_json_lines(self.json.as_bytes()).unwrap()
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
fn told(verdict: &Verdict) -> String {
    let list = |name: &'static str| match get(&verdict.results, &[name]) {
        Some(Edn::List(words)) => words.iter().map(compact).collect::<Vec<_>>(),
        Some(Edn::Set(words)) => words.iter().map(compact).collect(),
        _ => Vec::new(),
    };
    let join = |words: Vec<String>| words.join(", ").replace(':', "");
    let mut told = match verdict.valid {
        Validity::Valid => "valid".to_owned(),
        Validity::Unknown => "unknown".to_owned(),
        Validity::Invalid => format!(
            "invalid: {}\nnot {}, nor {} stronger",
            join(list("anomaly-types")),
            join(list("not")),
            list("also-not").len()
        ),
    };
    for finding in &verdict.findings {
        write!(told, "\n  {finding}").unwrap();
    }
    told
}

#[test]
fn a_files_name_tells_its_verdict() {
    let mut seen = Vec::new();
    for entry in fs::read_dir(FOLDER).unwrap() {
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
        seen.extend(
            text.lines()
                .filter_map(|it| it.strip_prefix("invalid: "))
                .map(str::to_owned),
        );
    }
    for anomaly in [
        "internal",
        "G1a",
        "G1b",
        "lost-update",
        "cyclic-versions",
        "empty-transaction-graph",
    ] {
        assert!(seen.iter().any(|it| it.contains(anomaly)), "{anomaly}");
    }
    for family in [
        "G0",
        "G1c",
        "G-single-item",
        "G-nonadjacent-item",
        "G2-item",
    ] {
        for order in ["", "-process", "-realtime"] {
            assert!(
                seen.contains(&format!("{family}{order}")),
                "{family}{order}"
            );
        }
    }
}

/// Judges a history of transactions that are done at once, each on one of five processes.
fn judge_at_once(values: impl Iterator<Item = String>, model: &str) -> Verdict {
    let mut lines = Lines::default();
    for (count, value) in values.enumerate() {
        let process = (count % 5).to_string();
        lines.add_value("invoke", &process, "[]");
        lines.add_value("ok", &process, &value);
    }
    rw_register(&lines.history(), &model.parse().unwrap())
}

#[test]
fn a_hundred_thousand_transactions_on_one_key_are_no_burden() {
    const COUNT: usize = 100_000;
    // Everybody finds the key unset: an edge for each pair would make ten thousand million.
    let alone = |i: usize| format!(r#"[["r",1,null],["w",1,{i}]]"#);
    let verdict = judge_at_once((0..COUNT).map(alone), "strict-serializable");
    assert_eq!(verdict.valid, Validity::Invalid);
    let cycle = "G2-item: T1 (op 1, process 0) read null from key 1, which T2 (op 3, process 1) \
                 replaced by 1; T2 read null from key 1, which T1 replaced by 0";
    assert!(
        verdict.findings.iter().any(|it| it == cycle),
        "{:?}",
        verdict.findings
    );
    let lost =
        "lost-update: 100000 transactions read null from key 1 and then wrote to it: (op 1, ";
    assert!(verdict.findings.iter().any(|it| it.starts_with(lost)));

    // Each replaces what it read, and some of that is old.
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut stale = |i: usize| {
        let read = i.saturating_sub(rng.random_range(0..100_u32) as usize);
        let read = if read == 0 {
            "null".to_owned()
        } else {
            read.to_string()
        };
        format!(r#"[["r",1,{read}],["w",1,{}]]"#, i + 1)
    };
    let verdict = judge_at_once((0..COUNT).map(&mut stale), "strict-serializable");
    assert_eq!(verdict.valid, Validity::Invalid);
}

#[test]
fn a_hundred_thousand_transactions_that_see_old_snapshots_are_no_burden() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut last = vec![0_u32; 1_000];
    let mut values = |_| {
        let (read, key) = (
            rng.random_range(0..1_000_u32),
            rng.random_range(0..1_000_u32),
        );
        let old = last[read as usize].saturating_sub(rng.random_range(0..20));
        let old = if old == 0 {
            "null".to_owned()
        } else {
            old.to_string()
        };
        let last = &mut last[key as usize];
        let before = if *last == 0 {
            "null".to_owned()
        } else {
            last.to_string()
        };
        *last += 1;
        format!(r#"[["r",{read},{old}],["r",{key},{before}],["w",{key},{last}]]"#)
    };
    for model in ["strict-serializable", "consistent-view"] {
        let verdict = judge_at_once((0..50_000).map(&mut values), model);
        assert_eq!(verdict.valid, Validity::Invalid, "{model}");
    }
}

#[test]
fn a_mangled_history_is_judged_or_unknown_but_never_a_panic() {
    const BYTES: &[u8] = b"0123456789-.eE\"rw\\{}[]:, null";
    let values = [
        r#"[["r",1,null],["w",1,5]]"#,
        r#"[["r",1,5],["w",2,5],["w",1,6]]"#,
        r#"[["r",2,null],["r",1,6]]"#,
        r#"[["r",2,5],["w",2,7],["r",1,5]]"#,
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut judged = 0;
    for _ in 0..5_000 {
        let mangled = values.map(|value| {
            let mut bytes = value.as_bytes().to_vec();
            if rng.random_ratio(1, 3) {
                let at = rng.random_range(0..bytes.len() as u32) as usize;
                bytes[at] = BYTES[rng.random_range(0..BYTES.len() as u32) as usize];
            }
            String::from_utf8(bytes).unwrap()
        });
        // What is no JSON does not get as far as a checker.
        if mangled
            .iter()
            .all(|it| serde_json::from_str::<serde_json::Value>(it).is_ok())
        {
            let verdict = judge_at_once(mangled.into_iter(), "strict-serializable");
            judged += usize::from(verdict.valid != Validity::Unknown);
        }
    }
    assert!(judged > 1_000, "{judged} of 5000 were judged");
}
