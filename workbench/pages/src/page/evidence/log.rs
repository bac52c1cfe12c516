//! A part of a log, and which messages of it operations sent or polled: a column for each offset, a
//! row for each operation.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::graph::Graph;
use super::{Evidence, MAX_CASES, around, involved, micros, name, shortened};
use crate::plot::escaped;
use checkers::{Cases, Element, LogAnomaly, LogsResult};
use history::{History, Kind, Op};

const LEFT: usize = 250;
const COLUMN: usize = 46;
const ROW: usize = 26;

/// How many offsets are shown before and after those that the case is about.
const MARGIN: usize = 4;

/// The most offsets that are shown.
const MAX_COLUMNS: usize = 24;

/// How many letters of a message are shown.
const LETTERS: usize = 5;

/// How many operations are shown if the case itself names none.
const MAX_OPS: usize = 6;

/// What clients saw of a key: offsets and messages, as text. An offset may have several.
type Log = BTreeSet<(u64, String)>;

/// The cases of each anomaly of logs.
pub(super) fn anomalies(history: &History, result: &LogsResult) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for Cases { name, cases, .. } in &result.anomalies {
        let drawn = cases.iter().map(|case| match case {
            LogAnomaly::Cycle(cycle) => Graph::of_cycle(cycle).map_or_else(
                || involved(name, case.to_string(), &case.ops()),
                |graph| Evidence {
                    picture: graph.draw(name),
                    window: graph.window(),
                    ..Evidence::new(*name, graph.describe())
                },
            ),
            _ => self::case(history, name, case)
                .unwrap_or_else(|| involved(name, case.to_string(), &case.ops())),
        });
        evidence.extend(drawn.take(MAX_CASES));
    }
    evidence
}

/// A case about messages of one key, and operations that have to do with them.
fn case(history: &History, anomaly: &str, case: &LogAnomaly) -> Option<Evidence> {
    let messages = case.messages();
    let key = text_of_key(&messages.first()?.key);
    let mut concerned: BTreeSet<String> = messages.iter().map(|it| it.value.to_string()).collect();
    if let LogAnomaly::Step { skipped, .. } = case {
        concerned.extend(skipped.iter().map(ToString::to_string));
    }
    let mut ops = case.ops();
    if ops.is_empty() {
        ops = witnesses(history, &key, &concerned);
    }
    let log = log(history, &key);
    let is_concerned = |(_, (_, message)): &(usize, &(u64, String))| concerned.contains(message);
    let indices = log.iter().enumerate().filter(is_concerned);
    let indices: Vec<usize> = indices.map(|(index, _)| index).collect();
    let first = indices.iter().min()?.saturating_sub(MARGIN);
    let count = (indices.iter().max()? + MARGIN + 1 - first).min(MAX_COLUMNS);
    let shown: Vec<&(u64, String)> = log.iter().skip(first).take(count).collect();
    let mut messages: Vec<&str> = concerned.iter().map(String::as_str).collect();
    messages.sort_by_key(|message| (message.parse::<f64>().is_err(), message.len()));
    let title = format!("{anomaly}: key {key}, messages {}", messages.join(", "));
    let text =
        "The log of the key, as clients saw it, and what these operations sent or polled of it.";
    Some(Evidence {
        picture: draw(&title, &key, &shown, &concerned, &ops),
        window: around(ops.iter().map(|op| micros(op.time))),
        ..Evidence::new(shortened(&title), text)
    })
}

/// A key as operations write it where it is the name of a field.
fn text_of_key(key: &Element) -> String {
    let text = key.to_string();
    serde_json::from_str(&text).unwrap_or(text)
}

/// The first operations that sent or polled one of these messages.
fn witnesses<'a>(history: &'a History, key: &str, concerned: &BTreeSet<String>) -> Vec<&'a Op> {
    let ended = history.ops.iter().filter(|op| op.is_completion());
    let witnesses = ended.filter(|op| {
        let value = op.value.parse::<Value>().unwrap_or_default();
        let moved = of_key(&value, key);
        op.kind == Kind::Ok && moved.iter().any(|(_, message)| concerned.contains(message))
    });
    witnesses.take(MAX_OPS).collect()
}

/// A key's log, as far as clients saw it.
fn log(history: &History, key: &str) -> Log {
    let mut log = Log::new();
    let ended = history.ops.iter().filter(|op| op.is_completion());
    for op in ended.filter(|op| op.kind == Kind::Ok) {
        if let Ok(value) = op.value.parse::<Value>() {
            log.extend(of_key(&value, key));
        }
    }
    log
}

/// Offsets and messages of one key in an operation's value: `[["poll",{"8":[[2,1]]}]]` or
/// `[["send","8",[2,1]]]`.
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
        escaped(&history::text::shortened(key, LETTERS)),
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
            escaped(&history::text::shortened(message, LETTERS)),
        );
    }
    for (row, op) in ops.iter().enumerate() {
        let y = (row + 2) * ROW;
        let _ = write!(
            svg,
            "<text class=\"head\" x=\"4\" y=\"{}\">{} {}</text>",
            y + 17,
            escaped(&op.f),
            escaped(&name(op)),
        );
        let value = op.value.parse::<Value>().unwrap_or_default();
        let moved = of_key(&value, key);
        for (column, (offset, message)) in log.iter().enumerate() {
            let is_there = moved.iter().any(|(at, it)| at == offset && it == message);
            let class = match (is_there, concerned.contains(message)) {
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
