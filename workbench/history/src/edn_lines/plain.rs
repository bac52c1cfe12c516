//! The usual operations of Maelstrom and Jepsen, parsed straight from their bytes.
//!
//! They are on one line, and their values consist of integers, strings without escapes, `nil`,
//! truth values, vectors and the names of micro-operations. Everything else, and whatever is wrong,
//! is left to the reader of all EDN: it gives the same operations, but builds a tree of each first,
//! which takes several times as long.

use std::borrow::Cow;

use crate::builder::Draft;
use crate::{Kind, OpError, OpMeta, Process, Value, operation_name};

/// How deeply vectors may be nested.
const MAX_DEPTH: usize = 16;

/// Digits of the longest integers that fit 64 bits, whatever they are.
const MAX_DIGITS: usize = 18;

/// Parses the operation at the start of the bytes; returns it with its length. `None` if it is not
/// a usual one, or not complete. `json` is a buffer for its value.
pub(super) fn operation(bytes: &[u8], json: &mut Vec<u8>) -> Option<(Draft, usize)> {
    let mut cursor = Cursor { bytes, next: 0 };
    let mut fields = Fields::default();
    json.clear();
    cursor.expect(b'{')?;
    loop {
        cursor.skip_blank();
        if cursor.expect(b'}').is_some() {
            return Some((fields.into_draft(json)?, cursor.next));
        }
        let name = cursor.keyword()?;
        cursor.skip_blank();
        match name {
            b"index" => set(&mut fields.index, cursor.unsigned()?)?,
            b"time" => set(&mut fields.time, cursor.unsigned()?)?,
            b"type" => set(&mut fields.kind, kind(cursor.keyword()?)?)?,
            b"process" => set(&mut fields.process, cursor.process()?)?,
            b"f" => set(&mut fields.f, cursor.keyword()?)?,
            b"value" if json.is_empty() => cursor.value(json, 0, &mut fields.has_names)?,
            b"error" => set(&mut fields.error, cursor.error()?)?,
            b"final?" => set(&mut fields.is_final, cursor.expect_all(b"true")?)?,
            _ => return None,
        }
    }
}

/// The fields so far. The value is in the buffer; it is empty if there is none.
#[derive(Default)]
struct Fields<'a> {
    index: Option<u64>,
    time: Option<u64>,
    kind: Option<Kind>,
    process: Option<Process>,
    f: Option<&'a [u8]>,
    error: Option<OpError>,
    is_final: Option<()>,
    /// Whether the value has names of micro-operations.
    has_names: bool,
}

impl Fields<'_> {
    fn into_draft(self, json: &[u8]) -> Option<Draft> {
        let (process, f) = (self.process?, self.f?);
        let may_have_names = process.client().is_some() && matches!(f, b"txn" | b"send" | b"poll");
        if self.has_names && !may_have_names {
            return None;
        }
        let value = match json {
            [] => Value::nil(),
            json => Value::from_text(str::from_utf8(json).ok()?),
        };
        Some(Draft {
            index: self.index.map(usize::try_from).transpose().ok()?,
            time: self.time,
            kind: self.kind?,
            process,
            f: operation_name(str::from_utf8(f).ok()?),
            value,
            error: self.error,
            meta: OpMeta {
                is_final: self.is_final.is_some(),
                ..OpMeta::default()
            },
        })
    }
}

/// Sets a field; `None` if the operation has it twice.
fn set<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.replace(value).is_none().then_some(())
}

fn kind(name: &[u8]) -> Option<Kind> {
    let kinds = [Kind::Invoke, Kind::Ok, Kind::Fail, Kind::Info];
    kinds
        .into_iter()
        .find(|kind| kind.name().as_bytes() == name)
}

/// Bytes and the index of the next one.
struct Cursor<'a> {
    bytes: &'a [u8],
    next: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.next).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.next += 1)
    }

    /// Takes a whole token with this text.
    fn expect_all(&mut self, text: &[u8]) -> Option<()> {
        self.bytes[self.next..].starts_with(text).then_some(())?;
        self.next += text.len();
        self.expect_token_end()
    }

    fn skip_blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b',')) {
            self.next += 1;
        }
    }

    /// Checks that the token does not go on with the next byte.
    fn expect_token_end(&self) -> Option<()> {
        matches!(self.peek()?, b' ' | b',' | b']' | b'}').then_some(())
    }

    /// Takes bytes as long as they are as they should be.
    fn take_while(&mut self, is_taken: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.bytes[self.next..];
        let length = rest.iter().position(|byte| !is_taken(*byte));
        let taken = &rest[..length.unwrap_or(rest.len())];
        self.next += taken.len();
        taken
    }

    /// The name of a keyword.
    fn keyword(&mut self) -> Option<&'a [u8]> {
        self.expect(b':')?;
        let name = self.take_while(|byte| byte.is_ascii_alphanumeric() || b"-_?".contains(&byte));
        self.expect_token_end()?;
        (!name.is_empty()).then_some(name)
    }

    /// The content of a string.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let text = self.take_while(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte));
        self.expect(b'"')?;
        Some(text)
    }

    /// The text of an integer as JSON has it, too: without leading zeros and not `-0`.
    fn integer(&mut self) -> Option<&'a [u8]> {
        let start = self.next;
        let is_negative = self.expect(b'-').is_some();
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        self.expect_token_end()?;
        let is_plain = match digits {
            [] => false,
            [b'0', rest @ ..] => rest.is_empty() && !is_negative,
            _ => digits.len() <= MAX_DIGITS,
        };
        is_plain.then(|| &self.bytes[start..self.next])
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut digits = self.integer()?.iter();
        digits.try_fold(0, |number, digit| {
            let digit = digit.checked_sub(b'0')?;
            Some(number * 10 + u64::from(digit))
        })
    }

    fn process(&mut self) -> Option<Process> {
        match self.peek()? {
            b':' => (self.keyword()? == b"nemesis").then_some(Process::NEMESIS),
            _ => self.unsigned().map(Process::Client),
        }
    }

    /// An error of the network or of a reply.
    fn error(&mut self) -> Option<OpError> {
        if self.peek()? == b':' {
            return (self.keyword()? == b"net-timeout").then_some(OpError::NetTimeout);
        }
        self.expect(b'[')?;
        let name = self.keyword()?;
        self.skip_blank();
        let text = self.string()?;
        self.expect(b']')?;
        let owned = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(OpError::Rpc {
            name: Cow::Owned(owned(name)?),
            text: owned(text)?,
        })
    }

    /// Converts a value to tagged JSON. `depth` is the number of vectors around it; `has_names` is
    /// set if there are keywords as names of micro-operations, which are the only ones.
    fn value(&mut self, json: &mut Vec<u8>, depth: usize, has_names: &mut bool) -> Option<()> {
        match self.peek()? {
            b'[' if depth < MAX_DEPTH => return self.vector(json, depth + 1, has_names),
            b'"' => {
                let text = self.string()?;
                json.push(b'"');
                json.extend_from_slice(text);
                json.push(b'"');
            }
            b'n' => {
                self.expect_all(b"nil")?;
                json.extend_from_slice(b"null");
            }
            b't' => {
                self.expect_all(b"true")?;
                json.extend_from_slice(b"true");
            }
            b'f' => {
                self.expect_all(b"false")?;
                json.extend_from_slice(b"false");
            }
            _ => json.extend_from_slice(self.integer()?),
        }
        Some(())
    }

    fn vector(&mut self, json: &mut Vec<u8>, depth: usize, has_names: &mut bool) -> Option<()> {
        self.expect(b'[')?;
        json.push(b'[');
        if depth == 2 && self.peek()? == b':' {
            *has_names = true;
            let name = self.keyword()?;
            json.push(b'"');
            json.extend_from_slice(name);
            json.push(b'"');
        }
        loop {
            self.skip_blank();
            if self.expect(b']').is_some() {
                json.push(b']');
                return Some(());
            }
            if json.last() != Some(&b'[') {
                json.push(b',');
            }
            self.value(json, depth, has_names)?;
        }
    }
}

#[cfg(test)]
mod tests;
