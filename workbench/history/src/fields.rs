//! Fields of a JSON object, read as Maelstrom does: the last of equal keys counts, an array is not
//! an object, and integers have any size. Values stay unparsed until they are needed.

mod plain;
mod skim;

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

pub use skim::{Skim, skim};

/// Fields of an object, ordered by name, each name once, with their values as JSON text. Objects
/// are small: a map would cost more.
#[derive(Debug, Default)]
pub struct Fields<'a>(Vec<(Cow<'a, str>, &'a str)>);

/// A string, borrowed unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Fields<'a> {
    /// Parses the first value of a line, which must be an object; `None` if the line has no value.
    /// The rest of the line is ignored.
    pub fn first_of(line: &'a str) -> Option<serde_json::Result<Self>> {
        match plain::object(line) {
            Some(fields) => Some(Ok(Fields::new(fields))),
            None => serde_json::Deserializer::from_str(line).into_iter().next(),
        }
    }

    /// Finds the fields of a body, the text of valid JSON.
    ///
    /// # Errors
    /// When it is not an object.
    pub fn of(body: &'a str) -> serde_json::Result<Self> {
        let fields: Option<Vec<_>> = skim(body).and_then(Iterator::collect);
        fields.map_or_else(|| serde_json::from_str(body), |it| Ok(Fields::new(it)))
    }

    fn new(mut fields: Vec<(Cow<'a, str>, &'a str)>) -> Self {
        // Stable, so that the last of equal names is known.
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        fields.dedup_by(|later, kept| {
            let is_repeated = later.0 == kept.0;
            if is_repeated {
                kept.1 = later.1;
            }
            is_repeated
        });
        Fields(fields)
    }

    /// Value of a field.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let mut fields = self.iter();
        fields.find(|(known, _)| *known == name).map(|it| it.1)
    }

    /// Value of a field, if it is a string.
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        text(self.get(name)?)
    }

    /// All fields, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }
}

impl<'a, 'de: 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some((Text(name), value)) = map.next_entry::<_, &'de RawValue>()? {
            fields.push((name, value.get()));
        }
        Ok(Fields::new(fields))
    }
}

/// A value as a text, if it is a string. The value is valid JSON.
pub fn text(value: &str) -> Option<Cow<'_, str>> {
    match value.strip_prefix('"')?.strip_suffix('"')? {
        plain if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(value).ok().map(|Text(text)| text),
    }
}

/// Whether a value is an integer of any size; `1.0` and `1e3` are not. The value is valid JSON.
pub fn is_integer(value: &str) -> bool {
    value.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && !value.contains(['.', 'e', 'E'])
}

#[cfg(test)]
mod tests {
    use super::{Fields, is_integer};
    #[test]
    fn the_last_of_equal_keys_counts() {
        let fields = Fields::first_of(r#"{"a": 1, "b": "x", "a": [2, 3]} and more"#);
        let fields = fields.unwrap().unwrap();
        let found: Vec<(&str, &str)> = fields.iter().collect();
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
        assert!(["0", "-1", "123456789012345678901234567890"].map(is_integer) == [true; 3]);
        assert!(["1.0", "1e3", "1E3", "null", "\"1\"", "[1]", "{}"].map(is_integer) == [false; 7]);
    }
}
