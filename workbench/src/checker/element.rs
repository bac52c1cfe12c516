//! A JSON value that can be looked up and sorted: equal where Clojure would call the values equal.

use std::cmp::Ordering;
use std::fmt;

use clojure_reader::edn::Edn;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::edn::{self, Keys};
use crate::history::Op;

/// One element of a set, one id. As in Clojure, `1` and `1.0` are not equal. Sorts integers first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Element {
    /// The usual case.
    Int(i64),
    /// Anything else, as JSON text in a standard spelling.
    Other(Box<str>),
}

impl Element {
    pub(crate) fn of(op: &Op) -> Self {
        Self::parse(op.value.get())
    }

    /// The elements that a read returned; `null` is an empty list.
    ///
    /// # Errors
    /// When the value is not a list.
    pub(crate) fn list_of(op: &Op) -> serde_json::Result<Vec<Self>> {
        match op.value.get() {
            "null" => Ok(Vec::new()),
            list => Self::list(list),
        }
    }

    /// The elements of a list.
    ///
    /// # Errors
    /// When it is no list.
    pub(crate) fn list(json: &str) -> serde_json::Result<Vec<Self>> {
        if let Ok(numbers) = serde_json::from_str::<Vec<i64>>(json) {
            return Ok(numbers.into_iter().map(Element::Int).collect());
        }
        let values: Vec<&RawValue> = serde_json::from_str(json)?;
        let elements = values.into_iter().map(|value| Self::parse(value.get()));
        Ok(elements.collect())
    }

    pub(crate) fn parse(json: &str) -> Self {
        if let Ok(number) = json.parse() {
            return Element::Int(number);
        }
        // An integer of many digits must not go through a float, where neighbours become equal.
        if is_integer(json) {
            return Element::Other(json.into());
        }
        match serde_json::from_str::<Value>(json) {
            Ok(value) => Element::Other(value.to_string().into()),
            Err(_) => Element::Other(json.into()),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Element::Int(number) => Value::from(*number),
            Element::Other(json) => serde_json::from_str(json).unwrap_or_else(|_| (**json).into()),
        }
    }

    pub(crate) fn to_edn(&self) -> Edn<'static> {
        match self {
            Element::Int(number) => Edn::Int(*number),
            Element::Other(json) if is_integer(json) => edn::big(json),
            Element::Other(_) => edn::from_json(&self.to_json(), Keys::Strings),
        }
    }

    /// Clojure's `compare`: numbers, strings, truth values and lists (the shorter first) among
    /// themselves, `null` before everything; nothing for what it refuses to compare.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Element::Int(a), Element::Int(b)) => Some(a.cmp(b)),
            (a, b) => compare(&a.to_json(), &b.to_json()),
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::Int(number) => number.fmt(f),
            Element::Other(json) => json.fmt(f),
        }
    }
}

fn is_integer(json: &str) -> bool {
    let digits = json.strip_prefix('-').unwrap_or(json);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Null, _) => Some(Ordering::Less),
        (_, Value::Null) => Some(Ordering::Greater),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                return Some(a.len().cmp(&b.len()));
            }
            let unequal = a.iter().zip(b).map(|(a, b)| compare(a, b));
            unequal
                .into_iter()
                .find(|order| *order != Some(Ordering::Equal))
                .unwrap_or(Some(Ordering::Equal))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::Element;
    use crate::edn::compact;

    #[test]
    fn elements_are_equal_whatever_their_spelling_but_not_across_types() {
        let check = |a: &str, b: &str, equal: bool| {
            assert_eq!(Element::parse(a) == Element::parse(b), equal, "{a} {b}");
        };
        check("1", "1", true);
        check("1", "1.0", false);
        check("1", "\"1\"", false);
        check("1.0", "1.00", true);
        check("100.0", "1e2", true);
        check("\"\\u0041\"", "\"A\"", true);
        check("{\"a\":1,\"b\":[ ]}", "{\"b\":[],\"a\":1}", true);
        check("null", "false", false);
        check("18446744073709551616", "18446744073709551617", false);
    }

    #[test]
    fn only_what_is_alike_can_be_compared() {
        let check = |a: &str, b: &str, order: Option<Ordering>| {
            let (a, b) = (Element::parse(a), Element::parse(b));
            assert_eq!(a.compare(&b), order, "{a} {b}");
            assert_eq!(b.compare(&a), order.map(Ordering::reverse), "{b} {a}");
        };
        check("1", "2", Some(Ordering::Less));
        check("1", "1.0", Some(Ordering::Equal));
        check("18446744073709551615", "1e30", Some(Ordering::Less));
        check("\"a\"", "\"b\"", Some(Ordering::Less));
        check("false", "true", Some(Ordering::Less));
        check("null", "\"a\"", Some(Ordering::Less));
        check("null", "null", Some(Ordering::Equal));
        check("[9]", "[1,1]", Some(Ordering::Less));
        check("[1,\"b\"]", "[1,\"a\"]", Some(Ordering::Greater));
        check("[1,\"b\"]", "[1,1]", None);
        check("[2,\"b\"]", "[1,1]", Some(Ordering::Greater));
        check("1", "\"1\"", None);
        check("{}", "{}", None);
    }

    #[test]
    fn elements_print_as_edn_with_all_their_digits() {
        let check =
            |json: &str, edn: &str| assert_eq!(compact(&Element::parse(json).to_edn()), edn);
        check("-7", "-7");
        check("18446744073709551617", "18446744073709551617N");
        check("{\"a\": [null, 1.5]}", "{\"a\" [nil 1.5]}");
    }
}
