//! Transactions of a history, with keys and values as small numbers.
//!
//! A read returns one value of a register or a whole list; the checkers of the two differ in
//! nothing else here. `Values` abstracts from it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::result::Content;
use super::split::split;
use crate::element::Element;
use history::{History, Kind, Op, Pair};

/// The number of the initial value of an object.
pub(crate) const NIL: u32 = 0;

/// The action of a micro-operation.
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
    /// The number of the element that it wrote, or of the value that it read, as `Values` numbers
    /// them.
    pub(crate) value: u32,
}

/// The values of objects.
///
/// A version of an object is identified by the element that was written last, and by `NIL` before
/// that.
pub(crate) trait Values: Default {
    /// The initial value of an object; not valid JSON if no value that can be written equals it.
    const UNSET: &'static str;
    /// The name of a micro-operation that writes.
    const WRITE: &'static str;
    /// The steps of transactions, for error messages.
    const STEPS: &'static str;
    /// The number of cases of one anomaly, or of transactions of one case, that a result keeps.
    const MAX_CASES: usize;

    /// The number of a value that was read.
    ///
    /// # Errors
    /// When an object cannot have this value.
    fn read(&mut self, key: u32, json: &str, elements: &mut Numbers) -> Result<u32, String>;

    /// Handles an invocation with these micro-operations.
    fn on_invocation(&mut self, op: &Pair<'_>, micro_ops: &[MicroOp]) {
        let _ = (op, micro_ops);
    }

    /// Checks all keys and elements together.
    ///
    /// # Errors
    /// When they do not fit together.
    fn check(keys: &Numbers, elements: &Numbers) -> Result<(), String> {
        let _ = (keys, elements);
        Ok(())
    }

    /// The version of a value that was read.
    fn version(&self, read: u32) -> u32;

    /// The content of a value that was read.
    fn content(&self, read: u32, elements: &Numbers) -> Content;

    /// The element of a version. `None` for an initial version without one.
    fn version_element(version: u32, elements: &Numbers) -> Option<Element>;
}

/// All completed transactions, in the order of their invocations.
#[derive(Debug)]
pub(crate) struct Transactions<'a, V> {
    /// The operations; each has a completion.
    pub(crate) ops: Vec<Pair<'a>>,
    /// All their micro-operations, one transaction after the other.
    micro_ops: Vec<MicroOp>,
    /// By transaction: the end of its micro-operations.
    ends: Vec<u32>,
    pub(crate) keys: Numbers,
    /// All elements that were written.
    pub(crate) elements: Numbers,
    pub(crate) values: V,
}

/// Distinct elements and their numbers, in order of first occurrence.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    elements: Vec<Element>,
    /// By small integer: its number plus one, or 0 if it is not an element. They are the usual
    /// elements, so most look-ups need no hash.
    small: Vec<u32>,
    others: HashMap<Element, u32>,
}

/// The end of the integers in the table of small ones.
const MAX_SMALL: usize = 1 << 16;

#[derive(Deserialize)]
struct RawMicroOp<'a>(
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] &'a RawValue,
    /// `null` or missing in a read without result: `["r", 5]`.
    #[serde(borrow, default)]
    Option<&'a RawValue>,
);

impl<'a, V: Values> Transactions<'a, V> {
    /// Parses the operations `txn` of clients.
    ///
    /// # Errors
    /// When the value of an invocation or a completion is not a list of reads and writes.
    pub(crate) fn read(history: &'a History) -> Result<Self, String> {
        let mut all = Transactions {
            ops: Vec::new(),
            micro_ops: Vec::new(),
            ends: Vec::new(),
            keys: Numbers::default(),
            elements: Numbers::default(),
            values: V::default(),
        };
        all.elements.number(Element::parse(V::UNSET));
        let pairs = history.pairs().into_iter();
        for pair in pairs.filter(|pair| pair.invocation.f == "txn") {
            let begin = all.micro_ops.len();
            all.read_op(pair.invocation)?;
            all.values.on_invocation(&pair, &all.micro_ops[begin..]);
            all.micro_ops.truncate(begin);
            if let Some(completion) = pair.completion {
                all.read_op(completion)?;
                all.ops.push(pair);
                all.ends.push(all.micro_ops.len() as u32);
            }
        }
        Ok(all)
    }

    /// Checks all keys and elements together.
    ///
    /// # Errors
    /// When they do not fit together.
    pub(crate) fn check(&self) -> Result<(), String> {
        V::check(&self.keys, &self.elements)
    }

    fn read_op(&mut self, op: &Op) -> Result<(), String> {
        if op.value.is_nil() {
            return Ok(());
        }
        let malformed = |error: &dyn fmt::Display| {
            format!(
                "the transaction of process {} at {:.3} s is not a list of {}: {error}",
                op.process,
                op.seconds(),
                V::STEPS
            )
        };
        if let Some(written) = split(op.value.json()) {
            for [action, key, value] in written {
                let read = self.read_micro_op(action, key, value);
                read.map_err(|error| malformed(&error))?;
            }
            return Ok(());
        }
        let written: Vec<RawMicroOp<'_>> = serde_json::from_str(op.value.json())
            .map_err(|error| malformed(&format_args!("{error} of {}", op.value)))?;
        for RawMicroOp(action, key, value) in written {
            let value = value.map_or("null", RawValue::get);
            let read = self.read_micro_op(&action, key.get(), value);
            read.map_err(|error| malformed(&error))?;
        }
        Ok(())
    }

    /// Adds a micro-operation, given as JSON.
    fn read_micro_op(&mut self, action: &str, key: &str, value: &str) -> Result<(), String> {
        let key = self.keys.number(Element::parse(key));
        let (action, value) = match action {
            "r" => {
                let read = self.values.read(key, value, &mut self.elements)?;
                (Action::Read, read)
            }
            write if write == V::WRITE => {
                let written = self.elements.number(Element::parse(value));
                (Action::Write, written)
            }
            other => return Err(format!("{other:?} is neither r nor {}", V::WRITE)),
        };
        self.micro_ops.push(MicroOp { action, key, value });
        Ok(())
    }
}

impl<'a, V> Transactions<'a, V> {
    /// The micro-operations of a transaction.
    pub(crate) fn micro_ops(&self, transaction: usize) -> &[MicroOp] {
        let start = transaction
            .checked_sub(1)
            .map_or(0, |before| self.ends[before]);
        &self.micro_ops[start as usize..self.ends[transaction] as usize]
    }

    /// All transactions that completed as `kind`.
    pub(crate) fn completed_as(&self, kind: Kind) -> impl Iterator<Item = usize> {
        (0..self.ops.len()).filter(move |transaction| self.completion(*transaction).kind == kind)
    }

    /// All transactions that took effect or may have.
    pub(crate) fn possible(&self) -> impl Iterator<Item = usize> {
        let has_failed = |transaction: &usize| self.completion(*transaction).kind == Kind::Fail;
        (0..self.ops.len()).filter(move |transaction| !has_failed(transaction))
    }

    /// The completion of a transaction.
    pub(crate) fn completion(&self, transaction: usize) -> &'a Op {
        let op = self.ops[transaction];
        op.completion.unwrap_or(op.invocation)
    }
}

/// The reads among micro-operations.
pub(crate) fn reads(micro_ops: &[MicroOp]) -> impl Iterator<Item = &MicroOp> {
    micro_ops.iter().filter(|it| it.action == Action::Read)
}

/// The writes among micro-operations.
pub(crate) fn writes(micro_ops: &[MicroOp]) -> impl DoubleEndedIterator<Item = &MicroOp> {
    micro_ops.iter().filter(|it| it.action == Action::Write)
}

impl Numbers {
    /// The number of an element, which is added if it is new.
    pub(crate) fn number(&mut self, element: Element) -> u32 {
        let next = self.elements.len() as u32;
        if let Element::Int(number) = element
            && let Ok(index) = usize::try_from(number)
            && index < MAX_SMALL
        {
            if self.small.len() <= index {
                self.small.resize(index + 1, 0);
            }
            if self.small[index] == 0 {
                self.small[index] = next + 1;
                self.elements.push(element);
            }
            return self.small[index] - 1;
        }
        *self.others.entry(element).or_insert_with_key(|element| {
            self.elements.push(element.clone());
            next
        })
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.elements.len()
    }

    /// All elements.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Element> {
        self.elements.iter()
    }

    /// The element with a number.
    pub(crate) fn element(&self, number: u32) -> &Element {
        &self.elements[number as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, MicroOp, NIL, Transactions};
    use crate::elle::rw_register::Registers;
    use history::History;

    fn history(values: &[&str]) -> History {
        let line = |(index, value): (usize, &&str)| {
            let kind = if index % 2 == 0 { "invoke" } else { "ok" };
            format!(
                r#"{{"index":{index},"time":{},"type":"{kind}","process":7,"f":"txn","value":{value}}}"#,
                index * 1_000_000
            )
        };
        let lines: Vec<_> = values.iter().enumerate().map(line).collect();
        History::read_json(lines.join("\n").as_bytes()).unwrap()
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
        let all = Transactions::<Registers>::read(&history).unwrap();
        let [read, write] = all.micro_ops(0) else {
            panic!("two micro-operations")
        };
        assert_eq!(read.action, Action::Read);
        assert_eq!(all.keys.element(read.key).to_string(), "5");
        assert_eq!(all.elements.element(read.value).to_string(), "\"x\"");
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
    fn a_value_that_is_no_list_of_reads_and_writes_is_an_error() {
        let check = |value: &str, complaint: &str| {
            let history = history(&["null", value]);
            let error = Transactions::<Registers>::read(&history).unwrap_err();
            let head =
                "the transaction of process 7 at 0.001 s is not a list of reads and writes: ";
            let description = error.strip_prefix(head).unwrap_or_default();
            assert!(description.starts_with(complaint), "{error}");
        };
        check("5", "invalid type: integer `5`");
        check("[5]", "invalid type: integer `5`");
        check(r#"[["r"]]"#, "invalid length 1");
        check(r#"[["r", 5, 6, 7]]"#, "trailing characters");
        check(r#"[[1, 5, 6]]"#, "invalid type: integer `1`");
        check(r#"[["append", 5, 6]]"#, "\"append\" is neither r nor w");
        check(r#"{"r": 5}"#, "invalid type: map");
    }
}
