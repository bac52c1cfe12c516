//! Values that can be compared, sorted and hashed: equal where Clojure's `=` says so.

use std::cmp::Ordering;
use std::fmt;

use serde_json::value::RawValue;

use history::Op;
use history::edn::tagged::{from_tagged, may_be_tagged, to_tagged};
use history::edn::{self, Edn, number};

/// A value that can be compared and be a key of a map: an element of a set, an id, a key. As in
/// Clojure, `1` and `1.0` are not equal, and a list and a vector of equal items are. Integers sort
/// first.
///
/// Public for reports that draw findings, and for checkers outside this crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Element {
    /// An integer of 64 bits, the usual case.
    Int(i64),
    /// Any other value, as tagged JSON in canonical form.
    Other(Box<str>),
}

impl Element {
    /// An operation's value as one element.
    pub fn of(op: &Op) -> Self {
        Self::parse(op.value.json())
    }

    /// The elements that a read returned as a list, a vector or a set; none for `nil`.
    ///
    /// # Errors
    /// When the value is anything else.
    pub fn list_of(op: &Op) -> serde_json::Result<Vec<Self>> {
        Self::list(members(op))
    }

    /// The elements of a list or a vector.
    ///
    /// # Errors
    /// When it is neither.
    pub(crate) fn list(json: &str) -> serde_json::Result<Vec<Self>> {
        let json = tagged(json, "list").unwrap_or(json);
        if let Some(items) = json.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            let mut elements = Vec::with_capacity(items.len() / 4 + 1);
            if integers(items, |number| elements.push(Element::Int(number))).is_some() {
                return Ok(elements);
            }
        }
        let values: Vec<&RawValue> = serde_json::from_str(json)?;
        let elements = values.into_iter().map(|value| Self::parse(value.get()));
        Ok(elements.collect())
    }

    /// Parses an element from JSON as [`history::Value::json`] returns it.
    pub fn parse(json: &str) -> Self {
        if let Ok(number) = json.parse() {
            return Element::Int(number);
        }
        if json.starts_with('"') && !json.contains('\\') {
            return Element::Other(json.into());
        }
        match Self::decode(json) {
            Some(Edn::Int(number)) => Element::Int(number),
            Some(value) => Element::Other(to_tagged(&value.canonical()).into()),
            None => Element::Other(json.into()),
        }
    }

    /// A string element.
    pub(crate) fn text(text: &str) -> Self {
        Self::parse(&serde_json::Value::from(text).to_string())
    }

    fn decode(json: &str) -> Option<Edn> {
        from_tagged(serde_json::from_str(json).ok()?).ok()
    }

    /// The element as EDN.
    pub fn to_edn(&self) -> Edn {
        match self {
            Element::Int(number) => Edn::Int(*number),
            Element::Other(json) => Self::decode(json).unwrap_or_else(|| edn::text(json)),
        }
    }

    /// Clojure's `compare`: orders numbers, strings, booleans and lists (the shorter first) among
    /// themselves, and `nil` before everything. `None` for what it refuses to compare.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Element::Int(a), Element::Int(b)) => Some(a.cmp(b)),
            (a, b) => compare(&a.to_edn(), &b.to_edn()),
        }
    }
}

/// What a read returned, as the JSON of a list.
pub(crate) fn members(op: &Op) -> &str {
    match op.value.json() {
        _ if op.value.is_nil() => "[]",
        json => tagged(json, "set").unwrap_or(json),
    }
}

/// Passes the items of a list, without its brackets, to `see` if all are integers of at most 18
/// digits, as in nearly every list. `None` for any other list, of which `see` may have got the first
/// items. Reads of sets are mostly integers, and serde takes several times as long.
pub(crate) fn integers(items: &str, mut see: impl FnMut(i64)) -> Option<()> {
    let is_short = |digits: usize| (1..=18).contains(&digits);
    let (mut number, mut start, mut sign) = (0_i64, 0, 1);
    for (at, byte) in items.bytes().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            // How many digits there are is checked at their end.
            number = number.wrapping_mul(10).wrapping_add(i64::from(digit));
            continue;
        }
        match byte {
            b',' if is_short(at - start) => {
                see(sign * number);
                (number, start, sign) = (0, at + 1, 1);
            }
            b'-' if at == start && sign == 1 => (start, sign) = (at + 1, -1),
            b' ' if at == start && sign == 1 => start = at + 1,
            _ => return None,
        }
    }
    // A number that is too long may have any value here, but is not used.
    is_short(items.len() - start).then(|| see(sign * number))
}

/// Prints plain JSON, for people.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::Int(number) => number.fmt(f),
            Element::Other(json) if may_be_tagged(json) => edn::to_json(&self.to_edn()).fmt(f),
            Element::Other(json) => json.fmt(f),
        }
    }
}

/// The content of tagged JSON with this tag.
pub(crate) fn tagged<'a>(json: &'a str, tag: &str) -> Option<&'a str> {
    let content = json.strip_prefix("{\"#")?.strip_prefix(tag)?;
    content.strip_prefix("\":")?.strip_suffix('}')
}

/// Splits the JSON of a list of two items, such as an operation's value `[key, value]`. `None` for
/// anything else.
pub fn pair(json: &str) -> Option<(&RawValue, &RawValue)> {
    serde_json::from_str(tagged(json, "list").unwrap_or(json)).ok()
}

fn compare(a: &Edn, b: &Edn) -> Option<Ordering> {
    match (a, b) {
        (Edn::Nil, Edn::Nil) => Some(Ordering::Equal),
        (Edn::Nil, _) => Some(Ordering::Less),
        (_, Edn::Nil) => Some(Ordering::Greater),
        (Edn::Bool(a), Edn::Bool(b)) => Some(a.cmp(b)),
        (Edn::Str(a), Edn::Str(b)) | (Edn::Key(a), Edn::Key(b)) => Some(a.cmp(b)),
        (Edn::Symbol(a), Edn::Symbol(b)) => Some(a.cmp(b)),
        (Edn::Char(a), Edn::Char(b)) => Some(a.cmp(b)),
        (Edn::Vector(a), Edn::Vector(b)) => {
            if a.len() != b.len() {
                return Some(a.len().cmp(&b.len()));
            }
            let unequal = a.iter().zip(b).map(|(a, b)| compare(a, b));
            unequal
                .into_iter()
                .find(|order| *order != Some(Ordering::Equal))
                .unwrap_or(Some(Ordering::Equal))
        }
        _ => number::compare(a, b),
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::Element;
    use history::edn::compact;

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
    fn a_list_of_integers_is_the_same_as_its_elements_one_by_one() {
        let nines = "9".repeat(18);
        for items in [
            vec![],
            vec!["0"],
            vec!["1", " -20 ", "\n3"],
            vec![&nines, "-999999999999999999", "9223372036854775807"],
            vec!["1", "9223372036854775808"],
            vec!["1", "2.0", "-0"],
            vec!["[1,2]", "3"],
            vec!["1", "\"2,3\"", "null"],
        ] {
            let list = Element::list(&format!("[{}]", items.join(","))).unwrap();
            let one_by_one: Vec<Element> =
                items.iter().map(|it| Element::parse(it.trim())).collect();
            assert_eq!(list, one_by_one, "{items:?}");
        }
        for text in ["[1,]", "[,]", "[1 2]", "[-]", "{}", "[1", "7"] {
            assert!(Element::list(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_elements_of_one_type_can_be_compared() {
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
