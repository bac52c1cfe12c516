//! The values of registers.

use crate::element::Element;
use crate::elle::result::Content;
use crate::elle::transactions::{NIL, Numbers, Values};

/// Registers: a read returns the value that was written last.
#[derive(Debug, Default)]
pub(crate) struct Registers;

impl Values for Registers {
    const UNSET: &'static str = "null";
    const WRITE: &'static str = "w";
    const STEPS: &'static str = "reads and writes";
    const MAX_CASES: usize = usize::MAX;

    fn read(&mut self, _: u32, json: &str, elements: &mut Numbers) -> Result<u32, String> {
        // Like that of an unset register, as of each invocation's reads.
        if json == Registers::UNSET {
            return Ok(NIL);
        }
        Ok(elements.number(Element::parse(json)))
    }

    /// Checks that keys are of one type, and that integer values are all of 64 bits or all longer.
    fn check(keys: &Numbers, elements: &Numbers) -> Result<(), String> {
        check_alike("keys", keys.iter())?;
        let is_integer = |value: &&Element| ["integer", "long integer"].contains(&kind(value));
        check_alike("values", elements.iter().filter(is_integer))
    }

    fn version(&self, read: u32) -> u32 {
        read
    }

    fn content(&self, read: u32, elements: &Numbers) -> Content {
        Content::Value(elements.element(read).clone())
    }

    fn version_element(version: u32, elements: &Numbers) -> Option<Element> {
        Some(elements.element(version).clone())
    }
}

/// Values of different types are never equal: for a node that answers `"5"` for key `5`, the key
/// would seem to be unset, so Elle does not judge it.
fn check_alike<'e>(
    what: &str,
    mut elements: impl Iterator<Item = &'e Element>,
) -> Result<(), String> {
    let Some(first) = elements.next() else {
        return Ok(());
    };
    match elements.find(|element| kind(element) != kind(first)) {
        None => Ok(()),
        Some(other) => Err(format!(
            "{what} have different types: {first} is of type {}, {other} of type {}",
            kind(first),
            kind(other)
        )),
    }
}

fn kind(element: &Element) -> &'static str {
    let Element::Other(json) = element else {
        return "integer";
    };
    let tag = json
        .strip_prefix("{\"#")
        .and_then(|rest| rest.split('"').next());
    match json.as_bytes().first() {
        _ if tag == Some("keyword") => "keyword",
        _ if tag == Some("symbol") => "symbol",
        _ if tag == Some("char") => "character",
        _ if tag == Some("ratio") => "ratio",
        _ if tag == Some("decimal") => "decimal",
        _ if tag == Some("double") => "float",
        _ if tag == Some("set") => "set",
        Some(b'"') => "string",
        Some(b'[') => "list",
        Some(b'{') => "object",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ if json.contains(['.', 'e', 'E']) => "float",
        _ => "long integer",
    }
}

#[cfg(test)]
mod tests {
    use super::Registers;
    use crate::element::Element;
    use crate::elle::transactions::{Numbers, Values};

    fn numbers(elements: &[&str]) -> Numbers {
        let mut numbers = Numbers::default();
        for element in elements {
            numbers.number(Element::parse(element));
        }
        numbers
    }

    #[test]
    fn each_value_has_a_type() {
        let kind = |edn: &str| {
            let value = history::edn::read(edn).unwrap();
            super::kind(&Element::parse(history::Value::from_edn(&value).json()))
        };
        let edn = ["1", "1N", "1.5", "1.5M", "1/2", "\"a\"", ":a", "a", "\\a"];
        let kinds = [
            "integer",
            "integer",
            "float",
            "decimal",
            "ratio",
            "string",
            "keyword",
            "symbol",
            "character",
        ];
        assert_eq!(edn.map(kind), kinds);
        let edn = [
            "[1]",
            "{1 2}",
            "#{1}",
            "true",
            "false",
            "nil",
            "18446744073709551616",
        ];
        let kinds = [
            "list",
            "object",
            "set",
            "boolean",
            "boolean",
            "null",
            "long integer",
        ];
        assert_eq!(edn.map(kind), kinds);
    }

    #[test]
    fn keys_and_integers_must_be_of_one_type() {
        let check = |keys: &[&str], values: &[&str], complaint: &str| {
            let error = Registers::check(&numbers(keys), &numbers(values)).unwrap_err();
            assert_eq!(error, complaint);
        };
        check(
            &["1", "\"1\""],
            &["null"],
            "keys have different types: 1 is of type integer, \"1\" of type string",
        );
        check(
            &["true", "[1]"],
            &["1"],
            "keys have different types: true is of type boolean, [1] of type list",
        );
        check(
            &["1"],
            &["1", "18446744073709551616"],
            "values have different types: 1 is of type integer, 18446744073709551616 of type \
             long integer",
        );
        let mixed = numbers(&["1", "\"1\"", "1.5", "{}"]);
        assert!(Registers::check(&numbers(&["1"]), &mixed).is_ok());
    }
}
