//! EDN, the notation of Jepsen's files: values, look-ups, reading, printing, and conversion from
//! and to JSON.

mod json;
pub mod number;
mod print;
mod read;
pub mod tagged;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use num_bigint::BigInt;

pub use json::{Keys, from_json, to_json};
pub use number::{Decimal, Double, Ratio};
pub use print::{compact, pretty};
pub(crate) use read::brief;
pub use read::{MAX_DEPTH, Position, Reader, read};

/// A value of EDN or JSON. Equality and order are structural: `1` and `1.0` differ, a list and a
/// vector differ, and NaN equals itself. [`Edn::canonical`] unites values that are equal in
/// Clojure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edn {
    /// `[1 2]`; an array in JSON.
    Vector(Vec<Edn>),
    /// `#{1 2}`.
    Set(BTreeSet<Edn>),
    /// `{1 2}`; a JSON object is a map with strings as keys.
    Map(BTreeMap<Edn, Edn>),
    /// `(1 2)`.
    List(Vec<Edn>),
    /// `:key`, without its colon.
    Key(Name),
    /// `name`.
    Symbol(Name),
    /// `"text"`.
    Str(Name),
    /// An integer that fits 64 bits.
    Int(i64),
    /// An integer that does not fit 64 bits.
    Big(Box<BigInt>),
    /// `2/3`.
    Ratio(Box<Ratio>),
    /// `1.50M`.
    Decimal(Box<Decimal>),
    /// `1.5`, `##NaN`, `##Inf`.
    Double(Double),
    /// `#inst "2026-01-01"`, `#jepsen.history.Op{…}`.
    Tagged(Name, Box<Edn>),
    /// `\x`.
    Char(char),
    /// `true`, `false`.
    Bool(bool),
    /// `nil`; `null` in JSON.
    Nil,
}

/// Text of a string, a keyword, a symbol or a tag.
pub type Name = Cow<'static, str>;

/// Prints on one line, as [`compact`].
impl fmt::Display for Edn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&compact(self))
    }
}

impl From<BigInt> for Edn {
    fn from(number: BigInt) -> Self {
        match i64::try_from(&number) {
            Ok(number) => Edn::Int(number),
            Err(_) => Edn::Big(Box::new(number)),
        }
    }
}

impl Edn {
    /// Makes a tagged value.
    pub fn tagged(tag: &'static str, value: Edn) -> Self {
        Edn::Tagged(Cow::Borrowed(tag), Box::new(value))
    }

    /// Items of a list or a vector.
    pub fn items(&self) -> Option<&[Edn]> {
        match self {
            Edn::List(items) | Edn::Vector(items) => Some(items),
            _ => None,
        }
    }

    /// Converts to the common form of all values that are equal in Clojure: lists become vectors,
    /// decimals lose trailing zeros, and `-0.0` loses its sign. In contrast to Clojure, NaN equals
    /// itself, as no checker could look it up otherwise.
    pub fn canonical(self) -> Self {
        let all = |items: Vec<Edn>| items.into_iter().map(Edn::canonical).collect();
        match self {
            Edn::List(items) | Edn::Vector(items) => Edn::Vector(all(items)),
            Edn::Set(items) => Edn::Set(items.into_iter().map(Edn::canonical).collect()),
            Edn::Map(entries) => {
                let entries = entries.into_iter();
                let canonical = entries.map(|(key, value)| (key.canonical(), value.canonical()));
                Edn::Map(canonical.collect())
            }
            Edn::Decimal(decimal) => Edn::Decimal(Box::new(decimal.canonical())),
            Edn::Double(Double(-0.0)) => float(0.0),
            Edn::Tagged(tag, value) => Edn::Tagged(tag, Box::new(value.canonical())),
            other => other,
        }
    }
}

/// Makes a keyword from its name without the colon.
pub fn key(name: &'static str) -> Edn {
    Edn::Key(Cow::Borrowed(name))
}

/// Makes a keyword from any name. A name that would not read back as a keyword becomes a string.
pub fn keyword_or_string(name: &str) -> Edn {
    let is_readable = |c: char| c.is_ascii_alphanumeric() || "*+!-_?<>=$%&.".contains(c);
    if !name.is_empty() && name.chars().all(is_readable) {
        Edn::Key(Cow::Owned(name.to_owned()))
    } else {
        text(name)
    }
}

/// Makes a string.
pub fn text(text: &str) -> Edn {
    Edn::Str(Cow::Owned(text.to_owned()))
}

/// Makes an integer.
pub fn integer(number: u64) -> Edn {
    match i64::try_from(number) {
        Ok(number) => Edn::Int(number),
        Err(_) => Edn::from(BigInt::from(number)),
    }
}

/// Makes an integer from a count or an index.
pub fn count(number: usize) -> Edn {
    integer(number as u64)
}

/// Makes a 64-bit float.
pub fn float(number: f64) -> Edn {
    Edn::Double(Double(number))
}

/// Makes a float that prints with the fewest digits that identify the 32-bit number.
pub fn float32(number: f32) -> Edn {
    float(number.to_string().parse().unwrap_or(f64::from(number)))
}

/// Makes a map with keywords as keys.
pub fn map<const N: usize>(entries: [(&'static str, Edn); N]) -> Edn {
    map_of(entries.map(|(name, value)| (key(name), value)).into())
}

/// Makes a map; the last of equal keys counts.
pub fn map_of(entries: Vec<(Edn, Edn)>) -> Edn {
    // Not collected: that would compile a sort for each type of iterator.
    let mut map = BTreeMap::new();
    map.extend(entries);
    Edn::Map(map)
}

/// Inserts an entry into a map. Any other value stays as it is.
pub fn insert(map: &mut Edn, name: &'static str, value: Edn) {
    if let Edn::Map(entries) = map {
        entries.insert(key(name), value);
    }
}

/// Looks up a path of keywords in nested maps, such as `["net", "servers", "msgs-per-op"]`. Tags
/// are ignored.
pub fn get<'a>(edn: &'a Edn, path: &[&str]) -> Option<&'a Edn> {
    let mut here = edn;
    for name in path {
        here = entries(here)?.get(&Edn::Key(Cow::Owned((*name).to_owned())))?;
    }
    Some(here)
}

/// Looks up a quantile in a map with numbers of any kind as keys, or names of numbers, as in JSON.
pub fn at(edn: &Edn, point: f64) -> Option<&Edn> {
    let mut entries = entries(edn)?.iter();
    let is_point = |key: &Edn| match key {
        Edn::Key(name) | Edn::Str(name) => name.parse() == Ok(point),
        key => number(key) == Some(point),
    };
    entries
        .find(|(key, _)| is_point(key))
        .map(|(_, value)| value)
}

/// Converts a number of any kind to a float.
pub fn number(edn: &Edn) -> Option<f64> {
    number::to_f64(edn)
}

fn entries(edn: &Edn) -> Option<&BTreeMap<Edn, Edn>> {
    match edn {
        Edn::Map(entries) => Some(entries),
        Edn::Tagged(_, inner) => entries(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Edn, Keys, at, compact, from_json, get, number, pretty, read, to_json};

    #[test]
    fn json_converts_to_edn_and_back() {
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
    fn object_keys_become_keywords_if_readable() {
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
    fn values_that_json_lacks_become_similar_ones() {
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
    fn look_ups_ignore_tags() {
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
    fn pretty_printed_edn_reads_back_as_the_same_value() {
        let json: serde_json::Value = (0..300)
            .map(|n| json!({"numbers": (0..n).collect::<Vec<_>>(), "text": "long ".repeat(n)}))
            .collect();
        let edn = from_json(&json, Keys::Keywords);
        assert_eq!(read(&pretty(&edn)).unwrap(), edn);
    }
}
