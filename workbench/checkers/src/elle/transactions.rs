//! Transactions, read from a history: keys and values become small numbers.
//!
//! What a read returns is one value in a register and a whole list elsewhere, which is all that the
//! checkers of the two differ in here; `Values` says how.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::result::Content;
use crate::element::Element;
use history::{History, Kind, Op, Pair};

/// The number of what an object holds that nobody has written to.
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
    /// The number of the element that it writes, or of what it read, in the numbering of `Values`.
    pub(crate) value: u32,
}

/// What there is to read and write.
///
/// A version of an object goes by the element that was written last, and by `NIL` before that.
pub(crate) trait Values: Default {
    /// What an object holds that nobody has written to; no JSON if nothing that can be written is
    /// like it.
    const UNSET: &'static str;
    /// The name of a micro-operation that writes.
    const WRITE: &'static str;
    /// What transactions are lists of.
    const STEPS: &'static str;
    /// How many cases of one anomaly, or transactions of one case, a result keeps.
    const MAX_CASES: usize;

    /// The number of what was read.
    ///
    /// # Errors
    /// When nothing of the kind can be read from an object.
    fn read(&mut self, key: u32, json: &str, elements: &mut Numbers) -> Result<u32, String>;

    /// An operation that asked for these micro-operations was invoked.
    fn ask(&mut self, op: &Pair<'_>, micro_ops: &[MicroOp]) {
        let _ = (op, micro_ops);
    }

    /// Looks at all keys and elements together.
    ///
    /// # Errors
    /// When they do not go together.
    fn check(keys: &Numbers, elements: &Numbers) -> Result<(), String> {
        let _ = (keys, elements);
        Ok(())
    }

    /// The version that somebody found who read this.
    fn version(&self, read: u32) -> u32;

    /// What was read.
    fn content(&self, read: u32, elements: &Numbers) -> Content;

    /// The element of a version; nothing where no element stands for the initial one.
    fn version_element(version: u32, elements: &Numbers) -> Option<Element>;
}

/// All transactions that completed, in the order in which they began, and what they did by then.
#[derive(Debug)]
pub(crate) struct Transactions<'a, V> {
    /// The operations; each has a completion.
    pub(crate) ops: Vec<Pair<'a>>,
    /// All their micro-operations, one transaction after the other.
    micro_ops: Vec<MicroOp>,
    /// By transaction: where its own end.
    ends: Vec<u32>,
    pub(crate) keys: Numbers,
    /// Everything that was written.
    pub(crate) elements: Numbers,
    pub(crate) values: V,
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
    /// `null`, and so does a read without it: `["r", 5]`.
    #[serde(borrow, default)]
    Option<&'a RawValue>,
);

impl<'a, V: Values> Transactions<'a, V> {
    /// Reads the operations `txn` of clients.
    ///
    /// # Errors
    /// When a value is no list of reads and writes. Invocations are held to that, too.
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
            all.values.ask(&pair, &all.micro_ops[begin..]);
            all.micro_ops.truncate(begin);
            if let Some(completion) = pair.completion {
                all.read_op(completion)?;
                all.ops.push(pair);
                all.ends.push(all.micro_ops.len() as u32);
            }
        }
        Ok(all)
    }

    /// Whether the whole goes together.
    ///
    /// # Errors
    /// Says what does not.
    pub(crate) fn check(&self) -> Result<(), String> {
        V::check(&self.keys, &self.elements)
    }

    fn read_op(&mut self, op: &Op) -> Result<(), String> {
        if op.value.is_nil() {
            return Ok(());
        }
        let refused = |error: &dyn fmt::Display| {
            format!(
                "the transaction of process {} at {:.3} s is no list of {}: {error}",
                op.process,
                op.seconds(),
                V::STEPS
            )
        };
        let written: Vec<Written<'_>> = serde_json::from_str(op.value.json())
            .map_err(|error| refused(&format_args!("{error} of {}", op.value)))?;
        for Written(action, key, value) in written {
            let key = self.keys.number(Element::parse(key.get()));
            let value = value.map_or("null", RawValue::get);
            let (action, value) = match &*action {
                "r" => {
                    let read = self.values.read(key, value, &mut self.elements);
                    (Action::Read, read.map_err(|error| refused(&error))?)
                }
                write if write == V::WRITE => {
                    let written = self.elements.number(Element::parse(value));
                    (Action::Write, written)
                }
                other => {
                    let what = format!("{other:?} is neither r nor {}", V::WRITE);
                    return Err(refused(&what));
                }
            };
            self.micro_ops.push(MicroOp { action, key, value });
        }
        Ok(())
    }
}

impl<'a, V> Transactions<'a, V> {
    /// What a transaction did.
    pub(crate) fn micro_ops(&self, transaction: usize) -> &[MicroOp] {
        let start = transaction
            .checked_sub(1)
            .map_or(0, |before| self.ends[before]);
        &self.micro_ops[start as usize..self.ends[transaction] as usize]
    }

    /// All transactions that ended in some way.
    pub(crate) fn that_are(&self, kind: Kind) -> impl Iterator<Item = usize> {
        (0..self.ops.len()).filter(move |transaction| self.completion(*transaction).kind == kind)
    }

    /// All transactions that did or may have taken effect.
    pub(crate) fn possible(&self) -> impl Iterator<Item = usize> {
        let has_failed = |transaction: &usize| self.completion(*transaction).kind == Kind::Fail;
        (0..self.ops.len()).filter(move |transaction| !has_failed(transaction))
    }

    /// How a transaction ended.
    pub(crate) fn completion(&self, transaction: usize) -> &'a Op {
        let op = self.ops[transaction];
        op.completion.unwrap_or(op.invocation)
    }
}

/// What some micro-operations read.
pub(crate) fn reads(micro_ops: &[MicroOp]) -> impl Iterator<Item = &MicroOp> {
    micro_ops.iter().filter(|it| it.action == Action::Read)
}

/// What some micro-operations write.
pub(crate) fn writes(micro_ops: &[MicroOp]) -> impl DoubleEndedIterator<Item = &MicroOp> {
    micro_ops.iter().filter(|it| it.action == Action::Write)
}

impl Numbers {
    /// The number of an element, a new one if need be.
    pub(crate) fn number(&mut self, element: Element) -> u32 {
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

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Element> {
        self.elements.iter()
    }

    /// The element of a number.
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
    fn what_is_no_list_of_reads_and_writes_is_refused() {
        let check = |value: &str, complaint: &str| {
            let history = history(&["null", value]);
            let error = Transactions::<Registers>::read(&history).unwrap_err();
            let head = "the transaction of process 7 at 0.001 s is no list of reads and writes: ";
            let told = error.strip_prefix(head).unwrap_or_default();
            assert!(told.starts_with(complaint), "{error}");
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
