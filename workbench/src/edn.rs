//! EDN, the notation of Jepsen's files: small constructors, look-ups, and the way from and to JSON.
//!
//! The crate reads it. It prints floats without their `.0` and knows no integer beyond 64 bits, so
//! printing is ours, and such an integer travels as a tagged literal (see `big`).

mod print;
mod read;

use std::borrow::Cow;
use std::collections::BTreeMap;

use clojure_reader::edn::Edn;
use serde_json::{Map, Value};

pub use print::{compact, pretty};
pub use read::read;

/// The tag under which an integer that does not fit 64 signed bits is kept, its digits as a string.
const BIG: &str = "integer";

/// What the keys of a JSON object become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Strings, as they are.
    Strings,
    /// Keywords, as far as they are readable as such.
    Keywords,
}

/// A keyword, given without its colon.
pub fn key(name: &'static str) -> Edn<'static> {
    Edn::Key(Cow::Borrowed(name))
}

/// A keyword of any name; a name that could not be read back as a keyword becomes a string.
pub fn word(name: &str) -> Edn<'static> {
    let readable = |c: char| c.is_ascii_alphanumeric() || "*+!-_?<>=$%&.".contains(c);
    if !name.is_empty() && name.chars().all(readable) {
        Edn::Key(Cow::Owned(name.to_owned()))
    } else {
        text(name)
    }
}

/// A string.
pub fn text(text: &str) -> Edn<'static> {
    Edn::Str(Cow::Owned(text.to_owned()))
}

/// A count, an index, a time.
pub fn integer(number: u64) -> Edn<'static> {
    match i64::try_from(number) {
        Ok(number) => Edn::Int(number),
        Err(_) => big(&number.to_string()),
    }
}

/// How many.
pub fn count(number: usize) -> Edn<'static> {
    integer(number as u64)
}

/// An integer of any size, given by its digits.
pub fn big(digits: &str) -> Edn<'static> {
    match digits.parse() {
        Ok(number) => Edn::Int(number),
        Err(_) => Edn::tagged(BIG, text(digits)),
    }
}

/// A 64-bit float.
pub fn float(number: f64) -> Edn<'static> {
    Edn::Double(number.into())
}

/// A 32-bit float: prints with no more digits than tell it from its 32-bit neighbours.
pub fn float32(number: f32) -> Edn<'static> {
    float(number.to_string().parse().unwrap_or(f64::from(number)))
}

/// A map with keywords as keys.
pub fn map<const N: usize>(entries: [(&'static str, Edn<'static>); N]) -> Edn<'static> {
    Edn::Map(
        entries
            .into_iter()
            .map(|(name, value)| (key(name), value))
            .collect(),
    )
}

/// Puts one entry into a map; anything else is left as it is.
pub fn insert(map: &mut Edn<'static>, name: &'static str, value: Edn<'static>) {
    if let Edn::Map(entries) = map {
        entries.insert(key(name), value);
    }
}

/// What stands in nested maps at the end of a path of keywords, such as
/// `["net", "servers", "msgs-per-op"]`. Tags on the way do not matter.
pub fn get<'a, 'e>(edn: &'a Edn<'e>, path: &[&'e str]) -> Option<&'a Edn<'e>> {
    let mut here = edn;
    for name in path {
        here = entries(here)?.get(&Edn::Key(Cow::Borrowed(*name)))?;
    }
    Some(here)
}

/// The entry of a map whose key is this number, however it is written: for quantiles. What comes
/// from JSON has names as keys.
pub fn at<'a, 'e>(edn: &'a Edn<'e>, point: f64) -> Option<&'a Edn<'e>> {
    let mut entries = entries(edn)?.iter();
    let is_point = |key: &Edn<'_>| match key {
        Edn::Key(name) | Edn::Str(name) => name.parse() == Ok(point),
        key => number(key) == Some(point),
    };
    entries
        .find(|(key, _)| is_point(key))
        .map(|(_, value)| value)
}

/// A number of any kind, as a float.
pub fn number(edn: &Edn<'_>) -> Option<f64> {
    match edn {
        Edn::Int(number) => Some(*number as f64),
        Edn::Double(number) => Some(number.into_inner()),
        Edn::Rational((numerator, denominator)) => Some(*numerator as f64 / *denominator as f64),
        big => digits(big)?.parse().ok(),
    }
}

/// As JSON: keywords, symbols and characters become strings, sets and lists arrays, ratios floats;
/// a tag is dropped. A map's key that is no name becomes what it prints as.
pub fn to_json(edn: &Edn<'_>) -> Value {
    match edn {
        Edn::Nil => Value::Null,
        Edn::Bool(truth) => Value::Bool(*truth),
        Edn::Int(number) => Value::from(*number),
        Edn::Double(_) | Edn::Rational(_) => number(edn).into(),
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
        Edn::Tagged(_, inner) => match digits(edn) {
            Some(digits) => serde_json::from_str(digits).unwrap_or_else(|_| digits.into()),
            None => to_json(inner),
        },
        other => Value::from(compact(other)),
    }
}

/// From JSON. Arrays become vectors.
pub fn from_json(json: &Value, keys: Keys) -> Edn<'static> {
    match json {
        Value::Null => Edn::Nil,
        Value::Bool(truth) => Edn::Bool(*truth),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => Edn::Int(number),
            (None, Some(number), _) => integer(number),
            (None, None, Some(number)) => float(number),
            (None, None, None) => big(&number.to_string()),
        },
        Value::String(string) => text(string),
        Value::Array(items) => {
            Edn::Vector(items.iter().map(|item| from_json(item, keys)).collect())
        }
        Value::Object(entries) => Edn::Map(from_entries(entries, keys)),
    }
}

fn from_entries(entries: &Map<String, Value>, keys: Keys) -> BTreeMap<Edn<'static>, Edn<'static>> {
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
fn name(key: &Edn<'_>) -> String {
    match key {
        Edn::Key(name) | Edn::Symbol(name) | Edn::Str(name) => name.to_string(),
        other => compact(other),
    }
}

fn entries<'a, 'e>(edn: &'a Edn<'e>) -> Option<&'a BTreeMap<Edn<'e>, Edn<'e>>> {
    match edn {
        Edn::Map(entries) => Some(entries),
        Edn::Tagged(_, inner) => entries(inner),
        _ => None,
    }
}

/// The digits of an integer made by `big`.
fn digits<'a>(edn: &'a Edn<'_>) -> Option<&'a str> {
    match edn {
        Edn::Tagged(tag, inner) if tag == BIG => match inner.as_ref() {
            Edn::Str(digits) => Some(digits),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Edn, Keys, at, big, compact, from_json, get, number, pretty, read, to_json};

    #[test]
    fn json_goes_to_edn_and_comes_back() {
        let check = |json: serde_json::Value, edn: &str| {
            assert_eq!(compact(&from_json(&json, Keys::Strings)), edn);
            assert_eq!(to_json(&read(edn).unwrap()), json, "{edn}");
        };
        check(json!(null), "nil");
        check(json!([true, -1, 1.0, 1.5e300]), "[true -1 1.0 1.5e300]");
        check(json!({"a b": {"c": []}}), r#"{"a b" {"c" []}}"#);
        check(json!(u64::MAX), "18446744073709551615N");
        check(json!(i64::MIN), "-9223372036854775808");
        check(
            json!("n\u{0}\u{7f}é\"\\\t\u{2028}"),
            "\"n\u{0}\u{7f}é\\\"\\\\\\t\u{2028}\"",
        );
    }

    #[test]
    fn object_keys_become_keywords_where_that_is_readable() {
        let json = json!({"in_reply_to": 1, "final?": {"x": 2}, "a b": 3, "": 4, ":q": 5});
        let edn = from_json(&json, Keys::Keywords);
        let printed = compact(&edn);
        assert_eq!(
            printed,
            r#"{:final? {:x 2}, :in_reply_to 1, "" 4, ":q" 5, "a b" 3}"#
        );
        assert_eq!(to_json(&read(&printed).unwrap()), json);
    }

    #[test]
    fn what_json_lacks_becomes_the_nearest_thing() {
        let check = |edn: &str, json: serde_json::Value| {
            assert_eq!(to_json(&read(edn).unwrap()), json, "{edn}");
        };
        check("#{:a :b}", json!(["a", "b"]));
        check("(1 1/2 foo \\x)", json!([1, 0.5, "foo", "x"]));
        check(
            "{0 1, 0.5 2, :k 3, [1] 4}",
            json!({"0": 1, "0.5": 2, "k": 3, "[1]": 4}),
        );
        check(
            "#jepsen.history.Op{:index 3, :f :read}",
            json!({"index": 3, "f": "read"}),
        );
        check("9223372036854775807N", json!(i64::MAX));
        check("9223372036854775808", json!(9_223_372_036_854_775_808_u64));
    }

    #[test]
    fn look_ups_pass_through_maps_and_tags() {
        let edn = read("{:net #t{:servers {:msgs-per-op 0.5}}, :q {0 1, 0.5 1/4, 1 7N}}").unwrap();
        let found = |path: &[&'static str]| get(&edn, path).and_then(number);
        assert_eq!(found(&["net", "servers", "msgs-per-op"]), Some(0.5));
        assert_eq!(found(&["net", "clients"]), None);
        assert_eq!(found(&["net", "servers", "msgs-per-op", "deeper"]), None);
        let quantile = |point| at(get(&edn, &["q"]).unwrap(), point).and_then(number);
        assert_eq!(quantile(0.5), Some(0.25));
        assert_eq!(quantile(1.0), Some(7.0));
        assert_eq!(quantile(0.99), None);
        let from_json = from_json(&json!({"0": 1, "0.5": 2}), Keys::Keywords);
        assert_eq!(at(&from_json, 0.5), Some(&Edn::Int(2)));
    }

    #[test]
    fn an_integer_of_any_size_keeps_its_digits() {
        let digits = "340282366920938463463374607431768211455";
        let printed = compact(&big(digits));
        assert_eq!(printed, format!("{digits}N"));
        assert_eq!(read(&printed).unwrap(), big(digits));
        assert_eq!(big("12"), Edn::Int(12));
    }

    #[test]
    fn a_pretty_print_reads_back_as_the_same_value() {
        let json: serde_json::Value = (0..300)
            .map(|n| json!({"numbers": (0..n).collect::<Vec<_>>(), "text": "long ".repeat(n)}))
            .collect();
        let edn = from_json(&json, Keys::Keywords);
        assert_eq!(read(&pretty(&edn)).unwrap(), edn);
    }
}
