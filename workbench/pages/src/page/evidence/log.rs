//! Pictures of a part of a log and the messages that operations sent or polled: a column for each
//! offset, a row for each operation.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::graph::Graph;
use super::way::WayPicture;
use super::{Evidence, MAX_CASES, around, list_ops, micros, name, shortened};
use crate::plot::escaped;
use crate::story::{MessageWay, Scene, describe_log, explain_log, log_index, way_of_log};
use crate::text::capitalized;
use checkers::{Cases, Element, LogAnomaly, LogsResult};
use history::{History, Kind, Op};

const LEFT: usize = 280;
const COLUMN: usize = 46;
const ROW: usize = 26;

/// Number of offsets shown before and after those of the case.
const MARGIN: usize = 4;

/// Maximum number of offsets.
const MAX_COLUMNS: usize = 24;

/// Maximum length of a message, in characters.
const MAX_CHARS: usize = 5;

/// Maximum number of operations if the case itself names none.
const MAX_OPS: usize = 6;

/// Offsets and messages of a key that clients observed, as text. An offset may have several
/// messages.
type ObservedLog = BTreeSet<(u64, String)>;

/// Cases of each anomaly of logs.
pub(super) fn anomalies(scene: &Scene<'_>, result: &LogsResult) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for Cases { name, cases, .. } in &result.anomalies {
        let listed = |case: &LogAnomaly| list_ops(scene, name, &case.to_string(), &case.ops());
        let mut cases: Vec<_> = cases.iter().collect();
        cases.sort_by_key(|it| log_index(it));
        let cases = cases.into_iter().map(|case| match case {
            LogAnomaly::Cycle(cycle) => match Graph::of_cycle(scene, cycle) {
                Some(graph) => graph.evidence(name),
                None => listed(case),
            },
            _ => of_messages(scene, name, case).unwrap_or_else(|| listed(case)),
        });
        evidence.extend(cases.take(MAX_CASES));
    }
    evidence
}

/// Evidence of a case about messages of one key, with the operations that sent or polled them, and the way
/// of the message that is lacking.
fn of_messages(scene: &Scene<'_>, anomaly: &str, case: &LogAnomaly) -> Option<Evidence> {
    let history = &scene.record.history;
    let messages = case.messages();
    let key = field_name(&messages.first()?.key);
    let mut concerned: BTreeSet<String> = messages.iter().map(|it| it.value.to_string()).collect();
    if let LogAnomaly::Step { skipped, .. } = case {
        concerned.extend(skipped.iter().map(ToString::to_string));
    }
    let mut ops = case.ops();
    if ops.is_empty() {
        ops = witnesses(history, &key, &concerned);
    }
    let log = observed_log(history, &key);
    let is_concerned = |(_, (_, message)): &(usize, &(u64, String))| concerned.contains(message);
    let indices = log.iter().enumerate().filter(is_concerned);
    let indices: Vec<usize> = indices.map(|(index, _)| index).collect();
    let first = indices.iter().min()?.saturating_sub(MARGIN);
    let count = (indices.iter().max()? + MARGIN + 1 - first).min(MAX_COLUMNS);
    let shown: Vec<&(u64, String)> = log.iter().skip(first).take(count).collect();
    let mut messages: Vec<&str> = concerned.iter().map(String::as_str).collect();
    messages.sort_by_key(|message| (message.parse::<f64>().is_err(), message.len()));
    let title = format!("Key {key}, messages {}", messages.join(", "));
    let mut sentences = vec![capitalized(&describe_log(scene, case))];
    let lacking = way_of_log(scene, case);
    let why = lacking.as_ref().and_then(|it| explain_log(scene, it));
    sentences.extend(why.map(|it| capitalized(&it)));
    sentences.push(
        "The key's log as clients observed it, and what these operations sent or polled".to_owned(),
    );
    let log = draw(scene, &title, &key, &shown, &concerned, &ops);
    let mut marked: Vec<usize> = ops.iter().map(|op| op.index).collect();
    let missed = ops
        .last()
        .map(|op| (op.seconds(), "missing from a poll".to_owned()));
    let (mut way, mut cause, mut messages) = (String::new(), None, Vec::new());
    if let Some(MessageWay {
        message,
        send,
        way: it,
    }) = &lacking
    {
        let hops = it.notable();
        let sent = hops.iter().map(|(_, hop)| (scene.sent(hop) * 1e6) as i64);
        cause = around(sent.chain([micros(send.time)]));
        messages.extend(hops.iter().map(|(index, _)| *index));
        marked.push(send.index);
        let picture = WayPicture {
            title: format!("{message} of key {}", message.key),
            moments: [(send.seconds(), "sent".to_owned())]
                .into_iter()
                .chain(missed)
                .collect(),
            hops: &hops,
            dots: Vec::new(),
        };
        way = picture.draw(scene);
    }
    Some(Evidence {
        picture: log + &way,
        window: around(ops.iter().map(|op| micros(op.time))),
        cause,
        ops: marked,
        messages,
        ..Evidence::new(anomaly, shortened(&title), sentences.join(". ") + ".")
    })
}

/// Converts a key to the name of a field in an operation's value.
fn field_name(key: &Element) -> String {
    let text = key.to_string();
    serde_json::from_str(&text).unwrap_or(text)
}

/// The first operations that sent or polled one of these messages.
fn witnesses<'a>(history: &'a History, key: &str, concerned: &BTreeSet<String>) -> Vec<&'a Op> {
    let completions = history.ops.iter().filter(|op| op.is_completion());
    let witnesses = completions.filter(|op| {
        let value = op.value.parse::<Value>().unwrap_or_default();
        let messages = of_key(&value, key);
        op.kind == Kind::Ok
            && messages
                .iter()
                .any(|(_, message)| concerned.contains(message))
    });
    witnesses.take(MAX_OPS).collect()
}

/// Collects the part of a key's log that clients observed.
fn observed_log(history: &History, key: &str) -> ObservedLog {
    let mut log = ObservedLog::new();
    let completions = history.ops.iter().filter(|op| op.is_completion());
    for op in completions.filter(|op| op.kind == Kind::Ok) {
        if let Ok(value) = op.value.parse::<Value>() {
            log.extend(of_key(&value, key));
        }
    }
    log
}

/// Finds offsets and messages of one key in an operation's value, such as
/// `[["poll",{"8":[[2,1]]}]]` or `[["send","8",[2,1]]]`.
fn of_key(value: &Value, key: &str) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    let mut add = |pair: &Value| {
        if let Some(offset) = pair[0].as_u64() {
            found.push((offset, pair[1].to_string()));
        }
    };
    for micro_op in value.as_array().into_iter().flatten() {
        let is_key = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned) == key;
        if micro_op[0] == "send" && is_key(&micro_op[1]) {
            add(&micro_op[2]);
        }
        let polled = micro_op[1].as_object().and_then(|polled| polled.get(key));
        polled
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .for_each(&mut add);
    }
    found
}

fn draw(
    scene: &Scene<'_>,
    title: &str,
    key: &str,
    log: &[&(u64, String)],
    concerned: &BTreeSet<String>,
    ops: &[&Op],
) -> String {
    let (width, height) = (LEFT + log.len() * COLUMN + 8, (ops.len() + 2) * ROW + 8);
    let mut svg = format!(
        "<svg class=\"graph\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\">\
         <text class=\"reason\" x=\"4\" y=\"17\">offset in key {}</text>\
         <text class=\"reason\" x=\"4\" y=\"{}\">message</text>",
        escaped(title),
        escaped(&history::text::shortened(key, MAX_CHARS)),
        ROW + 17,
    );
    for (column, (offset, message)) in log.iter().enumerate() {
        let x = LEFT + column * COLUMN + COLUMN / 2;
        let class = if concerned.contains(message) {
            "head sought"
        } else {
            "head"
        };
        let _ = write!(
            svg,
            "<text class=\"reason\" text-anchor=\"middle\" x=\"{x}\" y=\"17\">{offset}</text>\
             <text class=\"{class}\" text-anchor=\"middle\" x=\"{x}\" y=\"{}\">{}</text>",
            ROW + 17,
            escaped(&history::text::shortened(message, MAX_CHARS)),
        );
    }
    for (row, op) in ops.iter().enumerate() {
        let y = (row + 2) * ROW;
        let _ = write!(
            svg,
            "<text class=\"head\" x=\"4\" y=\"{}\">{} {}</text>",
            y + 17,
            escaped(&op.f),
            escaped(&name(scene, op)),
        );
        let value = op.value.parse::<Value>().unwrap_or_default();
        let messages = of_key(&value, key);
        for (column, (offset, message)) in log.iter().enumerate() {
            let is_present = messages
                .iter()
                .any(|(at, it)| at == offset && it == message);
            let class = match (is_present, concerned.contains(message)) {
                (true, _) => "cell",
                (false, true) => "cell lacking",
                (false, false) => continue,
            };
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"3\"/>",
                LEFT + column * COLUMN + 3,
                y + 4,
                COLUMN - 6,
                ROW - 8,
            );
        }
    }
    svg + "</svg>"
}
