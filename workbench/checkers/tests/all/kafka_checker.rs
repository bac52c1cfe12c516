//! The kafka checker on small histories, one for each rule, in `histories/kafka`.
//!
//! A file's name ends with the verdict. Its head says why, and what is expected: `errors:` with the
//! number of cases, `finding:` for each finding, `lag:`; only errors are checked without a line.
//! Below, a line is an operation, such as `2 ok poll 8: 0=1 1=2; 9: 0="a"`: process, kind, and for
//! each key offsets and messages. It was invoked right before, unless there is a line `2 invoke
//! poll`. Each line of the history takes a millisecond.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use checkers::{CheckerResult as _, LogsResult, Unjudged, Validity, kafka};
use history::History;
use history::edn::{Edn, compact, get, number};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// A history under construction, as JSON lines.
#[derive(Default)]
struct Lines {
    json: String,
    index: usize,
    /// By process: whether an operation is pending.
    begun: BTreeMap<String, bool>,
}

impl Lines {
    fn add(&mut self, line: &str) {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (process, kind, f, rest) = (word(), word(), word(), word());
        let begun = self.begun.entry(process.to_owned()).or_default();
        let was_begun = std::mem::replace(begun, kind == "invoke");
        if kind != "invoke" && !was_begun {
            let sent = match value(f, rest) {
                sent if kind != "ok" && f == "send" => sent,
                _ => "[]".to_owned(),
            };
            self.push(process, "invoke", f, &sent);
        }
        self.push(process, kind, f, &value(f, rest));
    }

    fn push(&mut self, process: &str, kind: &str, f: &str, value: &str) {
        let (index, time) = (self.index, self.index * 1_000_000);
        let head = format!(r#""index":{index},"time":{time},"type":"{kind}""#);
        let line = format!(r#"{{{head},"process":{process},"f":"{f}","value":{value}}}"#);
        writeln!(self.json, "{line}").unwrap();
        self.index += 1;
    }

    fn history(&self) -> History {
        History::read_json(self.json.as_bytes()).unwrap()
    }
}

/// The JSON of an operation's value.
fn value(f: &str, rest: &str) -> String {
    if rest.starts_with('[') {
        return rest.to_owned();
    }
    match f {
        "crash" => "null".to_owned(),
        "assign" => {
            let keys: Vec<_> = rest
                .split_whitespace()
                .map(|it| format!("{it:?}"))
                .collect();
            format!("[{}]", keys.join(","))
        }
        "send" => {
            let (key, message) = rest.split_once(": ").unwrap();
            let message = match message.split_once('=') {
                Some((offset, _)) if is_offset(offset) => entry(message),
                _ => message.to_owned(),
            };
            format!(r#"[["send","{key}",{message}]]"#)
        }
        "poll" => {
            let keys = rest.split(';').filter(|it| !it.is_empty()).map(|key| {
                let (key, entries) = key.split_once(':').unwrap();
                let entries: Vec<_> = entries.split_whitespace().map(entry).collect();
                format!(r#""{}":[{}]"#, key.trim(), entries.join(","))
            });
            let keys: Vec<_> = keys.collect();
            format!(r#"[["poll",{{{}}}]]"#, keys.join(","))
        }
        other => panic!("no operation: {other}"),
    }
}

fn is_offset(text: &str) -> bool {
    text == "?" || text.parse::<i64>().is_ok()
}

/// `3="a"` or, without an offset, `?="a"`.
fn entry(text: &str) -> String {
    let (offset, message) = text.split_once('=').unwrap();
    assert!(is_offset(offset), "{text}");
    format!("[{},{message}]", offset.replace('?', "null"))
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories/kafka");
    let files = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 40, "{files:?}");
    files
}

/// The lines of a head that begin with this word, without it.
fn expected<'a>(head: &[&'a str], word: &str) -> Vec<&'a str> {
    let lines = head.iter().filter_map(|line| line.strip_prefix(word));
    lines.map(str::trim).collect()
}

/// The errors and the number of their cases, as in a head.
fn errors(verdict: &Result<LogsResult, Unjudged>) -> String {
    let results = verdict.to_edn();
    let Some(Edn::List(types)) = get(&results, &["error-types"]) else {
        return String::new();
    };
    let errors = types.iter().map(|name| {
        let Edn::Key(name) = name else {
            panic!("no name: {name}")
        };
        let entry = get(&results, &[name.as_ref()]).unwrap();
        let count = match get(entry, &["count"]) {
            Some(count) => compact(count),
            None => match (get(entry, &["unseen"]), entry) {
                (Some(Edn::Map(keys)), _) => keys.len().to_string(),
                (_, Edn::Bool(true)) => "1".to_owned(),
                _ => panic!("{name} has no cases"),
            },
        };
        format!("{name} {count}")
    });
    errors.collect::<Vec<_>>().join(", ")
}

fn lag(verdict: &Result<LogsResult, Unjudged>) -> String {
    let results = verdict.to_edn();
    let field = |name| get(&results, &["worst-realtime-lag", name]);
    let seconds = |name| format!("{:.3} s", field(name).and_then(number).unwrap());
    match (field("process"), field("key")) {
        (Some(process), Some(key)) => {
            let (process, key) = (compact(process), compact(key));
            let (lag, time) = (seconds("lag"), seconds("time"));
            format!("{lag} for process {process} in key {key}, at {time}")
        }
        _ => "none".to_owned(),
    }
}

#[test]
fn every_history_has_the_verdict_in_its_head() {
    for file in files() {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let is_head = |line: &&&str| !line.starts_with(|it: char| it.is_ascii_digit());
        let head: Vec<&str> = lines.iter().filter(is_head).copied().collect();
        assert!(head[0].starts_with("# "), "{name} does not say why");
        let mut history = Lines::default();
        lines
            .iter()
            .filter(|it| !is_head(it))
            .for_each(|it| history.add(it));

        let verdict = kafka(&history.history());
        let valid = match name.rsplit_once('-').unwrap().1 {
            "ok" => Validity::Valid,
            "bad" => Validity::Invalid,
            "unknown" => Validity::Unknown,
            other => panic!("{name} ends in no verdict: {other}"),
        };
        assert_eq!(
            verdict.validity(),
            valid,
            "{name}: {:#?}",
            verdict.sentences()
        );
        assert_eq!(get(&verdict.to_edn(), &["valid?"]), Some(&valid.to_edn()));
        assert_eq!(
            errors(&verdict),
            expected(&head, "errors:").join(""),
            "{name}"
        );
        let expected_findings = expected(&head, "finding:");
        let findings = &verdict.sentences();
        if !expected_findings.is_empty() {
            let is_expected = findings
                .iter()
                .zip(&expected_findings)
                .all(|(it, expected)| it.starts_with(expected));
            assert!(
                is_expected && findings.len() == expected_findings.len(),
                "{name}: {findings:#?}"
            );
        }
        assert_eq!(findings.is_empty(), valid == Validity::Valid, "{name}");
        for expected in expected(&head, "lag:") {
            assert_eq!(lag(&verdict), expected, "{name}");
        }
    }
}

/// A history of one key, whose messages are polled in this order.
fn polled(order: impl Iterator<Item = usize> + Clone) -> History {
    let mut lines = Lines::default();
    let mut numbers: Vec<usize> = order.clone().collect();
    numbers.sort_unstable();
    for number in numbers {
        lines.add(&format!("1 ok send 8: {number}={number}"));
    }
    for number in order {
        lines.add(&format!("2 ok poll 8: {number}={number}"));
    }
    lines.history()
}

#[test]
fn the_worst_cases_are_listed_and_the_first_ten_reported() {
    // Backward by 1, by 2, and so on: 100, 99, 101, 98, 102, 97, ...
    let order = (0..40_usize).map(|step| match step % 2 {
        0 => 100 + step / 2,
        _ => 99 - step / 2,
    });
    let verdict = kafka(&polled(order));
    let deltas = |name: &'static str| {
        let results = verdict.to_edn();
        let Some(Edn::List(cases)) = get(&results, &[name, "errs"]) else {
            panic!("no {name}")
        };
        let deltas = cases
            .iter()
            .map(|case| compact(get(case, &["delta"]).unwrap()));
        deltas.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(deltas("poll-skip"), "24 26 28 30 32 34 36 38");
    assert_eq!(
        deltas("nonmonotonic-poll"),
        "-39 -37 -35 -33 -31 -29 -27 -25"
    );
    assert_eq!(errors(&verdict), "nonmonotonic-poll 20, poll-skip 19");
    let findings = verdict.sentences();
    let backward = findings
        .iter()
        .filter(|it| it.starts_with("nonmonotonic-poll: "));
    assert_eq!(backward.count(), 8);
    assert_eq!(findings[8], "... and 12 more");
    assert_eq!(findings[17], "... and 11 more");
    assert_eq!(findings.len(), 18);
}

#[test]
fn results_have_the_keys_of_maelstrom() {
    let mut lines = Lines::default();
    for line in [
        "1 ok send 8: 0=1",
        "1 ok send 8: 1=2",
        "1 ok send 8: 2=3",
        "2 ok poll 8: 0=1 2=3",
    ] {
        lines.add(line);
    }
    let results = compact(&kafka(&lines.history()).to_edn());
    let send = "{:index 3, :time 3000000, :type :ok, :process 1, :f :send, \
                :value [[:send \"8\" [1 2]]]}";
    let poll = "{:index 7, :time 7000000, :type :ok, :process 2, :f :poll, \
                :value [[:poll {\"8\" [[0 1] [2 3]]}]]}";
    let expected = format!(
        "{{:bad-error-types (:int-poll-skip :lost-write :unseen), \
         :error-types (:int-poll-skip :lost-write :unseen), :info-txn-causes (), \
         :int-poll-skip {{:count 1, :errs ({{:delta 2, :key \"8\", :op {poll}, :skipped (2), \
         :values [1 3]}})}}, \
         :lost-write {{:count 1, :errs ({{:index 1, :key \"8\", :max-read {poll}, \
         :max-read-index 2, :value 2, :writer {send}}})}}, \
         :unseen {{:messages {{\"8\" (2)}}, :time 7000000, :unseen {{\"8\" 1}}}}, \
         :valid? false, :worst-realtime-lag {{:key \"8\", :lag 0.0, :process 2, :time 0.006}}}}"
    );
    assert_eq!(sorted(&results), sorted(&expected));
}

/// The sorted words of a text, since maps print in any order.
fn sorted(text: &str) -> Vec<&str> {
    let mut words: Vec<_> = text.split([' ', ',', '{', '}']).collect();
    words.retain(|word| !word.is_empty());
    words.sort_unstable();
    words
}

#[test]
fn causes_of_indeterminate_operations_are_listed_once_in_order_of_time() {
    let ends = [
        ("poll", ":error :net-timeout"),
        ("send", ":error [:crash \"x\"]"),
        ("poll", ":error [:crash \"y\"]"),
        ("send", ":error :net-timeout"),
        ("crash", ":error [:not-asked \"z\"]"),
        ("txn", ":final? true"),
    ];
    let lines = ends.iter().enumerate().map(|(index, (f, error))| {
        format!(
            "{{:type :invoke, :process {index}, :f :{f}, :value []}}
             {{:type :info, :process {index}, :f :{f}, :value [], {error}}}\n"
        )
    });
    let lines: String = lines.collect();
    let verdict = kafka(&History::read_edn(lines.as_bytes()).unwrap());
    assert_eq!(
        get(&verdict.to_edn(), &["info-txn-causes"])
            .map(compact)
            .as_deref(),
        Some("(:net-timeout [:crash \"x\"] [:crash \"y\"] nil)")
    );
    assert_eq!(errors(&verdict), "empty-transaction-graph 1");
}

#[test]
fn long_histories_are_judged_quickly() {
    // The polls skip almost everything, back and forth: each case names up to 20,000 messages.
    let verdict = kafka(&polled((0..20_000).map(|it| (it * 7_919) % 20_000)));
    assert_eq!(verdict.validity(), Validity::Invalid);

    // Each of 10,000 polls is charged with 10,000 keys.
    let mut lines = Lines::default();
    let keys: Vec<String> = (0..10_000).map(|key| key.to_string()).collect();
    lines.add("0 ok send first: 9007199254740992=1");
    lines.add(&format!("1 ok assign first {}", keys.join(" ")));
    for key in &keys {
        lines.add(&format!("0 ok send {key}: 9007199254740992=1"));
        lines.add(&format!("1 ok poll {key}: 9007199254740992=1"));
    }
    lines.add("2 ok poll first: 9007199254740992=1");
    let verdict = kafka(&lines.history());
    assert_eq!(
        verdict.validity(),
        Validity::Valid,
        "{:?}",
        verdict.sentences()
    );
    let worst = "40.001 s for process 1 in key \"first\", at 40.002 s";
    assert_eq!(lag(&verdict), worst);
}

#[test]
fn a_mangled_history_never_causes_a_panic() {
    const BYTES: &[u8] = b"0123456789-.eN\"\\{}[]():,\nabnull";
    let mut lines = Lines::default();
    for line in [
        "1 ok send 8: 0=1",
        "1 ok assign 8 9",
        "2 info send 8: [1,2]",
        "3 ok poll 8: 0=1 1=[1,2]; 9:",
        "3 ok txn [[\"send\",\"9\",[0,{\"a\":null}]],[\"poll\",{\"9\":[[0,{\"a\":null}]]}]]",
        "3 fail poll 8: 0=1",
    ] {
        lines.add(line);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut judged = BTreeMap::new();
    for _ in 0..20_000 {
        let mut text = lines.json.clone().into_bytes();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..text.len());
            let byte = BYTES[rng.random_range(0..BYTES.len())];
            match rng.random_range(0..3) {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ => drop(text.remove(at)),
            }
        }
        if let Ok(history) = History::read_json(&*text) {
            *judged.entry(kafka(&history).validity()).or_insert(0) += 1;
        }
    }
    assert!(judged[&Validity::Unknown] > 100, "{judged:?}");
    assert!(judged[&Validity::Invalid] > 100, "{judged:?}");
}
