//! The fields of a JSON object as Maelstrom sees them: of equal keys the last one counts, an array
//! is no object, and integers have any size. Values stay text until somebody wants to know more.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// An object's fields, by name.
#[derive(Debug, Default)]
pub struct Fields<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

/// A key of an object, borrowed where the text allows.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Fields<'a> {
    /// The fields of the first value on a line, which must be an object. What follows it is not
    /// looked at; nothing if there is no value at all.
    pub fn first_of(line: &'a str) -> Option<serde_json::Result<Self>> {
        let mut values = serde_json::Deserializer::from_str(line).into_iter();
        let fields: serde_json::Result<BTreeMap<Name<'a>, &'a RawValue>> = values.next()?;
        Some(fields.map(|fields| Fields(fields.into_iter().map(|(key, it)| (key.0, it)).collect())))
    }

    /// The fields of a body.
    ///
    /// # Errors
    /// When it is no object.
    pub fn of(body: &'a RawValue) -> serde_json::Result<Self> {
        Fields::first_of(body.get()).unwrap_or_else(|| Ok(Fields::default()))
    }

    /// A field's value.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied()
    }

    /// A field's value if it is a string.
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        let Name(text) = serde_json::from_str(self.get(name)?.get()).ok()?;
        Some(text)
    }

    /// All fields, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }
}

/// Whether a value is an integer, of any size: `1.0` and `1e3` are none.
pub fn is_integer(value: &RawValue) -> bool {
    let text = value.get();
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && !text.contains(['.', 'e', 'E'])
}

#[cfg(test)]
mod tests {
    use super::{Fields, is_integer};
    use serde_json::value::RawValue;

    #[test]
    fn of_equal_keys_the_last_one_counts() {
        let fields = Fields::first_of(r#"{"a": 1, "b": "x", "a": [2, 3]} and more"#);
        let fields = fields.unwrap().unwrap();
        let found: Vec<(&str, &str)> = fields.iter().map(|(name, it)| (name, it.get())).collect();
        assert_eq!(found, [("a", "[2, 3]"), ("b", "\"x\"")]);
        assert_eq!(fields.text("b").as_deref(), Some("x"));
        assert_eq!(fields.text("a"), None);
        assert_eq!(fields.text("c"), None);
    }

    #[test]
    fn only_an_object_has_fields() {
        for text in ["[1, 2]", "null", "1", "\"a\"", "{", "{1: 2}", "x"] {
            assert!(Fields::first_of(text).unwrap().is_err(), "{text}");
        }
        assert!(Fields::first_of("  ").is_none());
    }

    #[test]
    fn an_integer_has_any_size_and_no_fraction() {
        let check = |text: &str| is_integer(&RawValue::from_string(text.to_owned()).unwrap());
        assert!(["0", "-1", "123456789012345678901234567890"].map(check) == [true; 3]);
        assert!(["1.0", "1e3", "1E3", "null", "\"1\"", "[1]", "{}"].map(check) == [false; 7]);
    }
}
