//! The set of values that a node knows, kept as the text of a read's answer.

use std::collections::HashSet;

use serde_json::value::RawValue;

/// Values in the order in which they were learnt, each once.
///
/// The list is one JSON array: a read copies it, and a new value is appended. Two values are equal
/// if their texts are, apart from white space; `1` and `1.0` are different.
#[derive(Debug)]
pub(crate) struct Values {
    /// Used for look-ups only, so its order has no effect.
    known: HashSet<Box<str>>,
    /// The array. It always ends with `]`, which `learn` removes and appends again.
    json: String,
}

impl Values {
    pub(crate) fn new() -> Self {
        Values {
            known: HashSet::new(),
            json: "[]".to_owned(),
        }
    }

    /// Whether a value is known.
    pub(crate) fn contains(&self, value: &RawValue) -> bool {
        self.known.contains(&*compact(value.get()))
    }

    /// Adds a value, and returns whether it was new.
    pub(crate) fn learn(&mut self, value: &RawValue) -> bool {
        let text = compact(value.get());
        if !self.known.insert((*text).into()) {
            return false;
        }
        self.json.pop();
        if self.json.len() > 1 {
            self.json.push(',');
        }
        self.json.push_str(&text);
        self.json.push(']');
        true
    }

    /// All values, as a JSON array.
    pub(crate) fn as_json(&self) -> &str {
        &self.json
    }

    /// All values, parsed from the array.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Box<RawValue>> {
        let values: Vec<Box<RawValue>> = serde_json::from_str(&self.json).unwrap_or_default();
        values.into_iter()
    }
}

/// The text without the white space between its tokens.
pub(crate) fn compact(json: &str) -> std::borrow::Cow<'_, str> {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
    if !json.contains(is_space) {
        return json.into();
    }
    let (mut inside_string, mut escaped) = (false, false);
    let keep = |c: &char| {
        let kept = inside_string || !is_space(*c);
        if *c == '"' && !escaped {
            inside_string = !inside_string;
        }
        escaped = *c == '\\' && !escaped;
        kept
    };
    json.chars().filter(keep).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn a_value_is_kept_once_and_with_its_own_text() {
        let mut values = Values::new();
        assert_eq!(values.as_json(), "[]");
        let big = "123456789012345678901234567890";
        assert!(values.learn(&raw(big)));
        assert!(values.learn(&raw("{\"a b\" : [1, \"x \\\" y\"]}")));
        assert!(!values.learn(&raw("{\"a b\":[1,\"x \\\" y\"] }")));
        assert!(!values.learn(&raw(big)));
        assert!(values.learn(&raw("null")));
        assert_eq!(
            values.as_json(),
            format!("[{big},{{\"a b\":[1,\"x \\\" y\"]}},null]")
        );
        assert_eq!(values.iter().count(), 3);
    }

    #[test]
    fn white_space_in_strings_is_part_of_the_value() {
        let mut values = Values::new();
        assert!(values.learn(&raw("\"a  b\"")));
        assert!(values.learn(&raw("\"a b\"")));
        assert!(values.learn(&raw("\"\\\\\"")));
        assert!(values.learn(&raw("[\"\\\\\", \" \"]")));
        assert_eq!(values.as_json(), r#"["a  b","a b","\\",["\\"," "]]"#);
    }
}
