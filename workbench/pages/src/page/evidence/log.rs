//! A part of a log, and which messages of it operations sent or polled: a column for each offset, a
//! row for each operation.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::{Evidence, around, name, shortened, time};
use crate::plot::escaped;
use history::edn::{self, Edn};
use history::{History, Kind, Op};

const LEFT: usize = 250;
const COLUMN: usize = 46;
const ROW: usize = 26;

/// How many offsets are shown before and after those that the case is about.
const MARGIN: usize = 4;

/// The most offsets that are shown.
const MOST_COLUMNS: usize = 24;

/// How many letters of a message are shown.
const LETTERS: usize = 5;

/// How many operations are shown if the case itself names none.
const MOST_OPS: usize = 6;

/// What clients were told of a key: offsets and messages, as text. An offset may have several.
type Log = BTreeSet<(u64, String)>;

/// A case of an anomaly: messages of one key, and operations that have to do with them.
pub(super) fn case(history: &History, anomaly: &str, case: &Edn) -> Option<Evidence> {
    let member = |name| edn::get(case, &[name]);
    let key = edn::to_json(member("key")?);
    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
    let mut concerned: BTreeSet<String> = BTreeSet::new();
    concerned.extend(member("value").map(text));
    for list in ["values", "skipped"] {
        if let Some(Edn::Vector(values) | Edn::List(values)) = member(list) {
            concerned.extend(values.iter().map(text));
        }
        if let Some(Edn::Set(values)) = member(list) {
            concerned.extend(values.iter().map(text));
        }
    }
    let mut ops: Vec<&Edn> = ["writer", "max-read", "reader", "op"]
        .into_iter()
        .filter_map(member)
        .collect();
    if let Some(Edn::Vector(several)) = member("ops") {
        ops.extend(several);
    }
    ops.retain(|op| matches!(op, Edn::Map(_)));
    let own = if ops.is_empty() {
        witnesses(history, &key, &concerned)
    } else {
        Vec::new()
    };
    ops.extend(&own);
    let log = log(history, &key);
    let is_concerned = |(_, (_, message)): &(usize, &(u64, String))| concerned.contains(message);
    let places = log.iter().enumerate().filter(is_concerned);
    let places: Vec<usize> = places.map(|(place, _)| place).collect();
    let first = places.iter().min()?.saturating_sub(MARGIN);
    let count = (places.iter().max()? + MARGIN + 1 - first).min(MOST_COLUMNS);
    let shown: Vec<&(u64, String)> = log.iter().skip(first).take(count).collect();
    let mut messages: Vec<&str> = concerned.iter().map(String::as_str).collect();
    messages.sort_by_key(|message| (message.parse::<f64>().is_err(), message.len()));
    let title = format!("{anomaly}: key {key}, messages {}", messages.join(", "));
    let text =
        "The log of the key, as clients were told, and what these operations sent or polled of it.";
    Some(Evidence {
        picture: draw(&title, &key, &shown, &concerned, &ops),
        window: around(ops.iter().filter_map(|op| time(op))),
        ..Evidence::new(shortened(&title), text)
    })
}

/// The first operations that sent or polled one of these messages.
fn witnesses(history: &History, key: &str, concerned: &BTreeSet<String>) -> Vec<Edn> {
    let ended = history.ops.iter().filter(|op| op.is_completion());
    let told = ended.filter(|op| {
        let value = op.value.parse::<Value>().unwrap_or_default();
        let told = of_key(&value, key);
        op.kind == Kind::Ok && told.iter().any(|(_, message)| concerned.contains(message))
    });
    told.take(MOST_OPS).map(Op::to_edn).collect()
}

fn text(value: &Edn) -> String {
    edn::to_json(value).to_string()
}

/// A key's log, as far as clients were told.
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
    ops: &[&Edn],
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
        let f = edn::get(op, &["f"]).map(edn::compact).unwrap_or_default();
        let _ = write!(
            svg,
            "<text class=\"head\" x=\"4\" y=\"{}\">{} {}</text>",
            y + 17,
            escaped(f.trim_start_matches(':')),
            escaped(&name(op)),
        );
        let value = edn::get(op, &["value"])
            .map(edn::to_json)
            .unwrap_or_default();
        let told = of_key(&value, key);
        for (column, (offset, message)) in log.iter().enumerate() {
            let is_there = told.iter().any(|(at, it)| at == offset && it == message);
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
