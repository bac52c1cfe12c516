//! Transactions on registers, read from a history: keys and values become small numbers.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::checker::element::Element;
use crate::history::{History, Kind, Op, Pair};

/// The value of a register that nobody has written to.
pub(crate) const NIL: u32 = 0;

/// What one micro-operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// It reads.
    Read,
    /// It writes.
    Write,
}

/// One step of a transaction: `["r", 5, 3]` or `["w", 5, 3]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MicroOp {
    pub(crate) action: Action,
    /// The number of its key.
    pub(crate) key: u32,
    /// The number of its value.
    pub(crate) value: u32,
}

/// All transactions that completed, in the order in which they began, and what they did by then.
#[derive(Debug)]
pub(crate) struct Transactions<'a> {
    /// The operations; each has a completion.
    pub(crate) ops: Vec<Pair<'a>>,
    /// All their micro-operations, one transaction after the other.
    micro_ops: Vec<MicroOp>,
    /// Which of them are whose.
    ranges: Vec<Range<usize>>,
    pub(crate) keys: Numbers,
    pub(crate) values: Numbers,
}

/// Different elements and their numbers, in the order in which they first occurred.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    elements: Vec<Element>,
    numbers: HashMap<Element, u32>,
}

#[derive(Deserialize)]
struct Written<'a>(
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] &'a RawValue,
    #[serde(borrow)] &'a RawValue,
);

impl<'a> Transactions<'a> {
    /// Reads the operations `txn` of clients.
    ///
    /// # Errors
    /// When a value is no list of reads and writes, when keys are of different types, or integers
    /// among the values are, some of 64 bits and some longer. Invocations are held to that, too.
    pub(crate) fn read(history: &'a History) -> Result<Self, String> {
        let mut all = Transactions {
            ops: Vec::new(),
            micro_ops: Vec::new(),
            ranges: Vec::new(),
            keys: Numbers::default(),
            values: Numbers::default(),
        };
        all.values.number(Element::parse("null"));
        let pairs = history.pairs().into_iter();
        for pair in pairs.filter(|pair| pair.invocation.f == "txn") {
            let begin = all.micro_ops.len();
            all.read_op(pair.invocation)?;
            all.micro_ops.truncate(begin);
            if let Some(completion) = pair.completion {
                all.read_op(completion)?;
                all.ops.push(pair);
                all.ranges.push(begin..all.micro_ops.len());
            }
        }
        all.check_types()?;
        Ok(all)
    }

    fn read_op(&mut self, op: &Op) -> Result<(), String> {
        if op.value.get() == "null" {
            return Ok(());
        }
        let refused = |error: &dyn fmt::Display| {
            format!(
                "the transaction of process {} at {:.3} s is no list of reads and writes: {error}",
                op.process,
                op.seconds()
            )
        };
        let written: Vec<Written<'_>> = serde_json::from_str(op.value.get())
            .map_err(|error| refused(&format_args!("{error} of {}", op.value)))?;
        for Written(action, key, value) in written {
            let action = match &*action {
                "r" => Action::Read,
                "w" => Action::Write,
                other => return Err(refused(&format_args!("{other:?} is neither r nor w"))),
            };
            self.micro_ops.push(MicroOp {
                action,
                key: self.keys.number(Element::parse(key.get())),
                value: self.values.number(Element::parse(value.get())),
            });
        }
        Ok(())
    }

    fn check_types(&self) -> Result<(), String> {
        check_alike("keys", self.keys.elements.iter())?;
        let is_integer = |value: &&Element| ["integer", "long integer"].contains(&kind(value));
        check_alike("values", self.values.elements.iter().filter(is_integer))
    }

    /// What a transaction did.
    pub(crate) fn micro_ops(&self, transaction: usize) -> &[MicroOp] {
        &self.micro_ops[self.ranges[transaction].clone()]
    }

    /// All transactions that ended in some way.
    pub(crate) fn that_are(&self, kind: Kind) -> impl Iterator<Item = usize> {
        (0..self.ops.len()).filter(move |transaction| self.completion(*transaction).kind == kind)
    }

    /// How a transaction ended.
    pub(crate) fn completion(&self, transaction: usize) -> &'a Op {
        let op = self.ops[transaction];
        op.completion.unwrap_or(op.invocation)
    }
}

impl Numbers {
    fn number(&mut self, element: Element) -> u32 {
        let next = self.elements.len() as u32;
        *self.numbers.entry(element).or_insert_with_key(|element| {
            self.elements.push(element.clone());
            next
        })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.elements.len()
    }

    /// The element of a number.
    pub(crate) fn element(&self, number: u32) -> &Element {
        &self.elements[number as usize]
    }
}

/// Values of different types are never equal: a node that answers `"5"` for key `5` would look as
/// if it had never heard of the key, and Elle does not judge it.
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
            "{what} are of different types: {first} is of type {}, {other} of type {}",
            kind(first),
            kind(other)
        )),
    }
}

fn kind(element: &Element) -> &'static str {
    let Element::Other(json) = element else {
        return "integer";
    };
    match json.as_bytes().first() {
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
    use super::{Action, MicroOp, NIL, Transactions};
    use crate::history::History;

    fn history(values: &[&str]) -> History {
        let line = |(index, value): (usize, &&str)| {
            let kind = if index % 2 == 0 { "invoke" } else { "ok" };
            format!(
                r#"{{"index":{index},"time":{},"type":"{kind}","process":7,"f":"txn","value":{value}}}"#,
                index * 1_000_000
            )
        };
        let lines: Vec<_> = values.iter().enumerate().map(line).collect();
        History::read_json_lines(lines.join("\n").as_bytes()).unwrap()
    }

    #[test]
    fn a_transaction_is_what_its_completion_says() {
        let history = history(&[
            r#"[["r", 5, null]]"#,
            r#"[["r", 5, "x"], ["w", 6, null]]"#,
            "null",
            "[]",
            "null",
            "null",
            r#"[["w", 9, 9]]"#,
        ]);
        let all = Transactions::read(&history).unwrap();
        let [read, write] = all.micro_ops(0) else {
            panic!("two micro-operations")
        };
        assert_eq!(read.action, Action::Read);
        assert_eq!(all.keys.element(read.key).to_string(), "5");
        assert_eq!(all.values.element(read.value).to_string(), "\"x\"");
        let key = write.key;
        let expected = MicroOp {
            action: Action::Write,
            key,
            value: NIL,
        };
        assert_eq!(*write, expected);
        assert_eq!(all.keys.element(key).to_string(), "6");
        assert_eq!(all.micro_ops(1), []);
        assert_eq!(all.micro_ops(2), []);
        assert_eq!(all.ops.len(), 3);
    }

    #[test]
    fn what_is_no_list_of_reads_and_writes_is_refused() {
        let check = |value: &str, complaint: &str| {
            let error = Transactions::read(&history(&["null", value])).unwrap_err();
            let head = "the transaction of process 7 at 0.001 s is no list of reads and writes: ";
            let told = error.strip_prefix(head).unwrap_or_default();
            assert!(told.starts_with(complaint), "{error}");
        };
        check("5", "invalid type: integer `5`");
        check("[5]", "invalid type: integer `5`");
        check(r#"[["r", 5]]"#, "invalid length 2");
        check(r#"[["r", 5, 6, 7]]"#, "trailing characters");
        check(r#"[[1, 5, 6]]"#, "invalid type: integer `1`");
        check(r#"[["append", 5, 6]]"#, "\"append\" is neither r nor w");
        check(r#"{"r": 5}"#, "invalid type: map");
    }

    #[test]
    fn keys_and_integers_are_of_one_type() {
        let check = |value: &str, complaint: &str| {
            let error = Transactions::read(&history(&[value])).unwrap_err();
            assert_eq!(error, complaint);
        };
        check(
            r#"[["r", 1, null], ["r", "1", null]]"#,
            "keys are of different types: 1 is of type integer, \"1\" of type string",
        );
        check(
            r#"[["r", true, 1], ["r", [1], 1]]"#,
            "keys are of different types: true is of type boolean, [1] of type list",
        );
        check(
            r#"[["w", 1, 1], ["w", 1, 18446744073709551616]]"#,
            "values are of different types: 1 is of type integer, 18446744073709551616 of type \
             long integer",
        );
        let mixed = history(&[r#"[["w", 1, 1], ["w", 1, "1"], ["w", 1, 1.5], ["w", 1, {}]]"#]);
        assert!(Transactions::read(&mixed).is_ok());
    }
}
