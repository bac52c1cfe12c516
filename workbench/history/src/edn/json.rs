//! To plain JSON and back, where what JSON lacks becomes the nearest thing: for results. Values go by
//! [`tagged`](super::tagged) JSON, which loses nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::tagged::number_from_json;
use super::{Edn, compact, number, text, word};

/// What the keys of a JSON object become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Strings, as they are.
    Strings,
    /// Keywords, as far as they are readable as such.
    Keywords,
}

/// As plain JSON: keywords, symbols and characters become strings, sets and lists arrays, ratios
/// floats; a tag is dropped. A map's key that is no name becomes what it prints as.
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

/// From plain JSON. Arrays become vectors.
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
        Keys::Keywords => word(name),
    };
    entries
        .iter()
        .map(|(name, value)| (key(name), from_json(value, keys)))
        .collect()
}

/// A map's key as the key of a JSON object.
fn name(key: &Edn) -> String {
    match key {
        Edn::Key(name) | Edn::Symbol(name) | Edn::Str(name) => name.to_string(),
        other => compact(other),
    }
}
