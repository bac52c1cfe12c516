//! Names within values, which are keywords in Jepsen's histories and strings in JSON: functions of
//! micro-operations, fields of a message, faults. They are not data, so both notations mean the
//! same.
//!
//! An [`Op`](super::Op) has them as strings. Everything else stays as it was written.

use std::collections::BTreeMap;

use super::{Process, Value};
use crate::edn::{self, Edn};

/// Converts the names in a value from keywords, if they are, to strings.
pub(super) fn to_strings(process: Process, f: &str, value: Edn) -> Edn {
    match (process, f) {
        (Process::Nemesis(_), _) => fault_to_strings(value),
        (Process::Client(_), "echo") => fields_to_strings(value),
        (Process::Client(_), "txn" | "send" | "poll") => micro_ops_to_strings(value),
        (Process::Client(_), _) => value,
    }
}

/// Converts the names in a value to keywords, as Jepsen writes them: the inverse of [`to_strings`].
pub(super) fn to_keywords(process: Process, f: &str, value: &Value) -> Edn {
    let value = value.to_edn();
    match (process, f) {
        (Process::Nemesis(_), _) => {
            let keywords = fault_to_keywords(value.clone());
            if fault_to_strings(keywords.clone()) == value {
                keywords
            } else {
                value
            }
        }
        (Process::Client(_), "echo") => fields_to_keywords(value),
        (Process::Client(_), "txn" | "send" | "poll") => micro_ops_to_keywords(value),
        (Process::Client(_), _) => value,
    }
}

/// Whether values of these operations contain names.
pub(super) fn has_names(process: Process, f: &str) -> bool {
    process == Process::NEMESIS || matches!(f, "echo" | "txn" | "send" | "poll")
}

/// `[[:r 1 nil]]` becomes `[["r" 1 nil]]`. Lists become vectors, as they are part of the notation.
fn micro_ops_to_strings(value: Edn) -> Edn {
    let micro_op = |micro_op: Edn| match micro_op {
        Edn::Vector(mut parts) | Edn::List(mut parts) => {
            if let Some(Edn::Key(f)) = parts.first_mut() {
                parts[0] = Edn::Str(std::mem::take(f));
            }
            Edn::Vector(parts)
        }
        other => other,
    };
    match value {
        Edn::Vector(micro_ops) | Edn::List(micro_ops) => {
            Edn::Vector(micro_ops.into_iter().map(micro_op).collect())
        }
        other => other,
    }
}

fn micro_ops_to_keywords(mut value: Edn) -> Edn {
    if let Edn::Vector(micro_ops) = &mut value {
        for micro_op in micro_ops {
            if let Edn::Vector(parts) = micro_op
                && let Some(first) = parts.first_mut()
                && let Edn::Str(f) = first
            {
                *first = edn::keyword_or_string(f);
            }
        }
    }
    value
}

/// The fields of a message are names; their contents are data.
fn fields_to_strings(value: Edn) -> Edn {
    match value {
        Edn::Map(fields) => Edn::Map(keys_to_strings(fields)),
        other => other,
    }
}

fn fields_to_keywords(value: Edn) -> Edn {
    match value {
        Edn::Map(fields) => Edn::Map(keys_to_keywords(fields)),
        other => other,
    }
}

/// A map that has both `:a` and `"a"` stays as it is.
fn keys_to_strings(fields: BTreeMap<Edn, Edn>) -> BTreeMap<Edn, Edn> {
    let text = |key: &Edn| match key {
        Edn::Key(name) => Some(Edn::Str(name.clone())),
        _ => None,
    };
    let mut keys = fields.keys();
    if keys.any(|key| text(key).is_some_and(|text| fields.contains_key(&text))) {
        return fields;
    }
    let fields = fields.into_iter();
    let fields = fields.map(|(key, value)| (text(&key).unwrap_or(key), value));
    fields.collect()
}

fn keys_to_keywords(fields: BTreeMap<Edn, Edn>) -> BTreeMap<Edn, Edn> {
    if !fields.keys().all(|key| matches!(key, Edn::Str(_))) {
        return fields;
    }
    let keyword = |key: Edn| match key {
        Edn::Str(name) => edn::keyword_or_string(&name),
        other => other,
    };
    let fields = fields.into_iter();
    fields.map(|(key, value)| (keyword(key), value)).collect()
}

/// Keywords become strings and sets become vectors, at every depth.
fn fault_to_strings(value: Edn) -> Edn {
    let all = |items: Vec<Edn>| items.into_iter().map(fault_to_strings).collect();
    match value {
        Edn::Key(name) => Edn::Str(name),
        Edn::Vector(items) => Edn::Vector(all(items)),
        Edn::Set(items) => Edn::Vector(items.into_iter().map(fault_to_strings).collect()),
        Edn::Map(fields) => {
            let fields = keys_to_strings(fields).into_iter();
            Edn::Map(
                fields
                    .map(|(key, value)| (key, fault_to_strings(value)))
                    .collect(),
            )
        }
        other => other,
    }
}

/// A fault is either a keyword, `:one`, or described in full: `[:isolated {"n0" #{"n1"}}]` maps
/// each node to the nodes it receives nothing from; `[:killed #{"n1"}]` lists the nodes it applies
/// to.
fn fault_to_keywords(value: Edn) -> Edn {
    let nodes = |value: Edn| match value {
        Edn::Vector(names) => Edn::Set(names.into_iter().collect()),
        Edn::Map(fields) => Edn::Map(keys_to_keywords(fields)),
        other => other,
    };
    match value {
        Edn::Str(name) => edn::keyword_or_string(&name),
        Edn::Vector(parts) => {
            let part = |part: Edn| match part {
                Edn::Vector(_) => nodes(part),
                Edn::Map(cut) => Edn::Map(
                    cut.into_iter()
                        .map(|(node, others)| (node, nodes(others)))
                        .collect(),
                ),
                other => fault_to_keywords(other),
            };
            Edn::Vector(parts.into_iter().map(part).collect())
        }
        other => other,
    }
}
