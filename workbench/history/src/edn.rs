//! EDN, the notation of Jepsen's files, and all that EDN and JSON can say: values, look-ups, reading,
//! printing, and the way from and to JSON.

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

/// A value. Equality and order are structural: `1` and `1.0` differ, a list and a vector differ, and
/// NaN equals itself. [`Edn::canonical`] makes values the same that Clojure calls equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edn {
    /// `[1 2]`, JSON's array.
    Vector(Vec<Edn>),
    /// `#{1 2}`.
    Set(BTreeSet<Edn>),
    /// `{1 2}`; JSON's objects are maps whose keys are strings.
    Map(BTreeMap<Edn, Edn>),
    /// `(1 2)`.
    List(Vec<Edn>),
    /// A keyword, without its colon.
    Key(Name),
    /// A symbol.
    Symbol(Name),
    /// `"text"`.
    Str(Name),
    /// An integer of 64 bits.
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
    /// `nil`, JSON's `null`.
    Nil,
}

/// The text of a string, a keyword, a symbol or a tag.
pub type Name = Cow<'static, str>;

/// On one line, as [`compact`].
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
    /// A tagged value.
    pub fn tagged(tag: &'static str, value: Edn) -> Self {
        Edn::Tagged(Cow::Borrowed(tag), Box::new(value))
    }

    /// The items of a list or a vector.
    pub fn items(&self) -> Option<&[Edn]> {
        match self {
            Edn::List(items) | Edn::Vector(items) => Some(items),
            _ => None,
        }
    }

    /// The one form of all values that Clojure's `=` calls equal: lists become vectors, decimals
    /// lose zeros at their end, and `-0.0` its sign. That NaN does not equal itself there is left out: no
    /// checker could look it up.
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

/// A keyword, given without its colon.
pub fn key(name: &'static str) -> Edn {
    Edn::Key(Cow::Borrowed(name))
}

/// A keyword of any name; a name that could not be read back as a keyword becomes a string.
pub fn word(name: &str) -> Edn {
    let readable = |c: char| c.is_ascii_alphanumeric() || "*+!-_?<>=$%&.".contains(c);
    if !name.is_empty() && name.chars().all(readable) {
        Edn::Key(Cow::Owned(name.to_owned()))
    } else {
        text(name)
    }
}

/// A string.
pub fn text(text: &str) -> Edn {
    Edn::Str(Cow::Owned(text.to_owned()))
}

/// A count, an index, a time.
pub fn integer(number: u64) -> Edn {
    match i64::try_from(number) {
        Ok(number) => Edn::Int(number),
        Err(_) => Edn::from(BigInt::from(number)),
    }
}

/// How many.
pub fn count(number: usize) -> Edn {
    integer(number as u64)
}

/// A 64-bit float.
pub fn float(number: f64) -> Edn {
    Edn::Double(Double(number))
}

/// A 32-bit float: prints with no more digits than tell it from its 32-bit neighbours.
pub fn float32(number: f32) -> Edn {
    float(number.to_string().parse().unwrap_or(f64::from(number)))
}

/// A map with keywords as keys.
pub fn map<const N: usize>(entries: [(&'static str, Edn); N]) -> Edn {
    map_of(entries.map(|(name, value)| (key(name), value)).into())
}

/// A map with these entries; of equal keys the last counts. (To collect a map compiles a whole sort
/// for each kind of iterator.)
pub fn map_of(entries: Vec<(Edn, Edn)>) -> Edn {
    let mut map = BTreeMap::new();
    map.extend(entries);
    Edn::Map(map)
}

/// Puts one entry into a map; anything else is left as it is.
pub fn insert(map: &mut Edn, name: &'static str, value: Edn) {
    if let Edn::Map(entries) = map {
        entries.insert(key(name), value);
    }
}

/// The value in nested maps at the end of a path of keywords, such as
/// `["net", "servers", "msgs-per-op"]`. Tags on the way do not matter.
pub fn get<'a>(edn: &'a Edn, path: &[&str]) -> Option<&'a Edn> {
    let mut here = edn;
    for name in path {
        here = entries(here)?.get(&Edn::Key(Cow::Owned((*name).to_owned())))?;
    }
    Some(here)
}

/// The entry of a map whose key is this number, however it is written: for quantiles. In what comes
/// from JSON, keys are names.
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

/// A number of any kind, as a float.
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
    fn a_pretty_print_reads_back_as_the_same_value() {
        let json: serde_json::Value = (0..300)
            .map(|n| json!({"numbers": (0..n).collect::<Vec<_>>(), "text": "long ".repeat(n)}))
            .collect();
        let edn = from_json(&json, Keys::Keywords);
        assert_eq!(read(&pretty(&edn)).unwrap(), edn);
    }
}
