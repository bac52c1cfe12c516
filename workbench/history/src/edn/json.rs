//! Converts results to plain JSON and back; values that JSON lacks become similar ones. Values of
//! operations use [`tagged`](super::tagged) JSON instead, which is lossless.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::tagged::number_from_json;
use super::{Edn, compact, keyword_or_string, number, text};

/// How keys of JSON objects are converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// To strings.
    Strings,
    /// To keywords, as far as these would read back.
    Keywords,
}

/// Converts to plain JSON: keywords, symbols and characters become strings, sets and lists arrays,
/// ratios floats; tags are dropped. Other keys of maps become what they print as.
pub fn to_json(edn: &Edn) -> Value {
    match edn {
        Edn::Nil => Value::Null,
        Edn::Bool(truth) => Value::Bool(*truth),
        Edn::Int(number) => Value::from(*number),
        Edn::Big(digits) => {
            let digits = digits.to_string();
            serde_json::from_str(&digits).unwrap_or_else(|_| digits.into())
        }
        Edn::Double(_) | Edn::Ratio(_) | Edn::Decimal(_) => number::to_f64(edn).into(),
        Edn::Key(name) | Edn::Symbol(name) | Edn::Str(name) => Value::from(name.as_ref()),
        Edn::Char(character) => Value::from(character.to_string()),
        Edn::Vector(items) | Edn::List(items) => items.iter().map(to_json).collect(),
        Edn::Set(items) => items.iter().map(to_json).collect(),
        Edn::Map(entries) => {
            let entries = entries.iter();
            Value::Object(
                entries
                    .map(|(key, value)| (name(key), to_json(value)))
                    .collect(),
            )
        }
        Edn::Tagged(_, inner) => to_json(inner),
    }
}

/// Converts from plain JSON. Arrays become vectors.
pub fn from_json(json: &Value, keys: Keys) -> Edn {
    match json {
        Value::Null => Edn::Nil,
        Value::Bool(truth) => Edn::Bool(*truth),
        Value::Number(number) => number_from_json(&number.to_string()),
        Value::String(string) => text(string),
        Value::Array(items) => {
            Edn::Vector(items.iter().map(|item| from_json(item, keys)).collect())
        }
        Value::Object(entries) => Edn::Map(from_entries(entries, keys)),
    }
}

fn from_entries(entries: &Map<String, Value>, keys: Keys) -> BTreeMap<Edn, Edn> {
    let key = |name: &str| match keys {
        Keys::Strings => text(name),
        Keys::Keywords => keyword_or_string(name),
    };
    entries
        .iter()
        .map(|(name, value)| (key(name), from_json(value, keys)))
        .collect()
}

/// Converts a key of a map to a key of a JSON object.
fn name(key: &Edn) -> String {
    match key {
        Edn::Key(name) | Edn::Symbol(name) | Edn::Str(name) => name.to_string(),
        other => compact(other),
    }
}
