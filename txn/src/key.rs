//! Keys: any JSON, compared by meaning and not by text.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

/// The maximum depth of lists and objects in a key, as in serde_json's own trees.
const MAX_LEVELS: usize = 128;

/// A key in normal form: without white space, an object's fields in the order of their names, and
/// characters escaped only if they must be.
///
/// Numbers are equal if both are whole and have the same digits, or if neither is and they are the
/// same as 64-bit floating-point numbers: `1`, `1.0` and `"1"` are three keys, `1.0` and `10e-1`
/// one.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct Key(Box<RawValue>);

impl Key {
    /// The normal form of a text.
    ///
    /// # Errors
    /// When the text holds an unpaired surrogate, or more levels than a key may have.
    pub(crate) fn new(json: &RawValue) -> serde_json::Result<Self> {
        let mut text = String::with_capacity(json.get().len());
        write(&mut text, json, MAX_LEVELS)?;
        RawValue::from_string(text).map(Key)
    }

    fn text(&self) -> &str {
        self.0.get()
    }
}

fn write(out: &mut String, json: &RawValue, levels: usize) -> serde_json::Result<()> {
    let text = json.get();
    let first = text.as_bytes().first();
    if levels == 0 && matches!(first, Some(b'[' | b'{')) {
        return Err(de::Error::custom("a key of too many levels"));
    }
    match first {
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            write_all(out, ('[', ']'), items, |out, item| {
                write(out, item, levels - 1)
            })
        }
        Some(b'{') => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            write_all(out, ('{', '}'), fields, |out, (name, value)| {
                out.push_str(&serde_json::to_string(&name)?);
                out.push(':');
                write(out, value, levels - 1)
            })
        }
        Some(b'"') => {
            let string: String = serde_json::from_str(text)?;
            out.push_str(&serde_json::to_string(&string)?);
            Ok(())
        }
        _ => {
            match text.parse::<f64>() {
                Ok(number) if number.is_finite() && text.contains(['.', 'e', 'E']) => {
                    out.push_str(&serde_json::to_string(&number)?);
                }
                // An integer, a number too large for 64 bits, or not a number.
                _ => out.push_str(text),
            }
            Ok(())
        }
    }
}

/// Writes items with commas between them, in brackets.
fn write_all<T>(
    out: &mut String,
    brackets: (char, char),
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T) -> serde_json::Result<()>,
) -> serde_json::Result<()> {
    out.push(brackets.0);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item)?;
    }
    out.push(brackets.1);
    Ok(())
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text().cmp(other.text())
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(json)?;
        Key::new(&json).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(json: &str) -> serde_json::Result<Key> {
        Key::new(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn all_texts_of_a_key_are_equal() {
        for (one, other) in [
            (
                r#"{"a":1,"b":[2,{}]}"#,
                " { \"b\" : [ 2 , { } ] ,\n\"a\":1 } ",
            ),
            (r#""\u0041\/é""#, r#""A/\u00e9""#),
            (r#"{"\u0041":0}"#, r#"{"A":0}"#),
            ("1.0", "10e-1"),
            ("0.10", "1E-1"),
        ] {
            assert_eq!(key(one).unwrap(), key(other).unwrap(), "{one} and {other}");
        }
    }

    #[test]
    fn different_keys_stay_different() {
        let texts = [
            "1",
            "1.0",
            "\"1\"",
            "1.5",
            "[1]",
            "{\"1\":1}",
            "null",
            "\"null\"",
            "true",
            "[]",
            "{}",
            "[[]]",
            "[1,2]",
            "[2,1]",
            "\"a b\"",
            "\"ab\"",
            "\"a\\\"b\"",
            "\"a\\\\b\"",
            "0",
            "-1",
            "1e400",
            "2e400",
            "123456789012345678901234567890",
            "123456789012345678901234567891",
        ];
        for (i, one) in texts.iter().enumerate() {
            for other in &texts[i + 1..] {
                assert_ne!(key(one).unwrap(), key(other).unwrap(), "{one} and {other}");
            }
        }
    }

    #[test]
    fn a_key_reads_back_as_itself() {
        for text in [
            r#"{"b":[1.50," \u0041"],"a":null}"#,
            "1e400",
            "-0",
            "-0.0",
            "\"\\u0000\"",
        ] {
            let once = key(text).unwrap();
            let json = serde_json::to_string(&once).unwrap();
            assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), once, "{text}");
        }
    }

    #[test]
    fn keys_that_are_too_deep_or_hold_an_unpaired_surrogate_are_rejected() {
        let nested = |levels: usize| key(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
        assert!(nested(MAX_LEVELS).is_ok());
        let around = |levels: usize| key(&format!("{}1{}", "[".repeat(levels), "]".repeat(levels)));
        assert!(around(MAX_LEVELS).is_ok());
        assert!(around(MAX_LEVELS + 1).is_err());
        assert!(nested(MAX_LEVELS + 1).is_err());
        assert!(nested(100_000).is_err());
        assert!(key(r#""\ud800""#).is_err());
    }
}
