//! Reads EDN from a stream, value by value. It accepts what Clojure's own EDN reader does:
//! comments, `#_`, metadata, tagged literals and records, numbers of all kinds, namespaced maps.
//!
//! Errors say at which line and column, what was expected and what was found.

mod token;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use anyhow::{anyhow, ensure};

use super::{Edn, Name};
use crate::source::Source;

/// How deeply values may be nested, to bound the recursion over a value.
pub const MAX_DEPTH: usize = 128;

/// What is found at the end, in errors.
const END: &str = "the end of the input";

/// Reads a text that consists of one value.
///
/// # Errors
/// When it is not EDN, when another value follows, or when it is nested more than 128 levels deep.
pub fn read(text: &str) -> anyhow::Result<Edn> {
    let mut reader = Reader::new(text.as_bytes());
    let Some(value) = reader.next()? else {
        return Err(reader.position().error("a value", "the end of the text"));
    };
    let after = reader.position();
    ensure!(
        reader.next()?.is_none(),
        after.error("the end of the text", "another value")
    );
    Ok(value)
}

/// Position in a text: line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl Position {
    fn error(self, expected: &str, found: &str) -> anyhow::Error {
        let Position { line, column } = self;
        anyhow!("line {line}, column {column}: expected {expected}, found {found}")
    }
}

/// A stream of EDN values.
#[derive(Debug)]
pub struct Reader<R> {
    source: Source<R>,
    position: Position,
    /// Start of the last value.
    start: Position,
}

/// Next item of the stream.
enum Form {
    Value(Edn),
    /// A closing bracket.
    Close(u8),
    End,
}

impl<R: Read> Reader<R> {
    /// Reads an input. A byte order mark at its start is skipped.
    pub fn new(input: R) -> Self {
        let first = Position { line: 1, column: 1 };
        Reader {
            source: Source::new(input),
            position: first,
            start: first,
        }
    }

    /// Reads the next value; `None` at the end.
    ///
    /// # Errors
    /// When reading fails. The rest of the stream is useless after an error.
    #[expect(clippy::should_implement_trait, reason = "an error ends the stream")]
    pub fn next(&mut self) -> anyhow::Result<Option<Edn>> {
        match self.form(MAX_DEPTH)? {
            Form::Value(value) => Ok(Some(value)),
            Form::End => Ok(None),
            Form::Close(bracket) => Err(self.stray(bracket, "a value")),
        }
    }

    /// Reads the next item of a list or vector opened by [`Reader::open`]; `None` when it is
    /// closed.
    ///
    /// # Errors
    /// When reading fails.
    pub fn next_item(&mut self, opening: u8) -> anyhow::Result<Option<Edn>> {
        match self.form(MAX_DEPTH - 1)? {
            Form::Value(value) => Ok(Some(value)),
            Form::Close(bracket) if bracket == closing(opening) => Ok(None),
            Form::Close(bracket) => Err(self.stray(bracket, operation_or_close(opening))),
            Form::End => Err(self.position.error(operation_or_close(opening), END)),
        }
    }

    /// Enters a list or a vector if one is next, and returns its opening bracket.
    ///
    /// # Errors
    /// When reading fails.
    pub fn open(&mut self) -> anyhow::Result<Option<u8>> {
        self.skip_blank()?;
        match self.peek()? {
            Some(bracket @ (b'[' | b'(')) => {
                self.bump();
                Ok(Some(bracket))
            }
            _ => Ok(None),
        }
    }

    /// Reads the next value in the usual case that `parse` can: it gets the buffered bytes, and
    /// returns the value with its length. The text of the value is ASCII and on one line.
    ///
    /// # Errors
    /// When reading fails.
    pub(crate) fn take_buffered_value<T>(
        &mut self,
        parse: impl FnOnce(&[u8]) -> Option<(T, usize)>,
    ) -> anyhow::Result<Option<T>> {
        self.skip_blank()?;
        let Some((value, length)) = parse(self.source.buffered()) else {
            return Ok(None);
        };
        self.start = self.position;
        self.source.consume(length);
        self.position.column += length as u64;
        Ok(Some(value))
    }

    /// Position of the next byte.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Start of the last value.
    pub fn start(&self) -> Position {
        self.start
    }

    fn form(&mut self, levels: usize) -> anyhow::Result<Form> {
        loop {
            self.skip_blank()?;
            let start = self.position;
            let Some(first) = self.peek()? else {
                return Ok(Form::End);
            };
            if matches!(first, b')' | b']' | b'}') {
                self.start = start;
                self.bump();
                return Ok(Form::Close(first));
            }
            if let Some(value) = self.value(first, levels)? {
                self.start = start;
                return Ok(Form::Value(value));
            }
        }
    }

    /// Reads the value that starts with this byte; `None` if it was discarded by `#_`.
    fn value(&mut self, first: u8, levels: usize) -> anyhow::Result<Option<Edn>> {
        let start = self.position;
        let deeper = || {
            let expected = format!("a value nested at most {MAX_DEPTH} levels deep");
            levels
                .checked_sub(1)
                .ok_or_else(|| start.error(&expected, "a deeper one"))
        };
        Ok(Some(match first {
            b'"' => {
                self.bump();
                Edn::Str(Cow::Owned(self.string()?))
            }
            b'\\' => {
                self.bump();
                Edn::Char(self.character(start)?)
            }
            b'(' => Edn::List(self.items(deeper()?)?),
            b'[' => Edn::Vector(self.items(deeper()?)?),
            b'{' => Edn::Map(self.map(deeper()?, None)?),
            b'^' => {
                self.bump();
                self.required(deeper()?, "metadata")?;
                self.required(deeper()?, "the value after the metadata")?
            }
            b'#' => {
                self.bump();
                return self.dispatch(start, deeper()?);
            }
            _ => match self.small_integer() {
                Some(number) => Edn::Int(number),
                None => self.atom(start)?,
            },
        }))
    }

    /// Reads a value that must follow.
    fn required(&mut self, levels: usize, expected: &str) -> anyhow::Result<Edn> {
        match self.form(levels)? {
            Form::Value(value) => Ok(value),
            Form::Close(bracket) => Err(self.stray(bracket, expected)),
            Form::End => Err(self.position.error(expected, END)),
        }
    }

    /// Reads the items between brackets, of which the opening one is next.
    fn items(&mut self, levels: usize) -> anyhow::Result<Vec<Edn>> {
        let opened = self.position;
        let opening = self.peek()?.unwrap_or(b'[');
        self.bump();
        let mut items = Vec::new();
        loop {
            match self.form(levels)? {
                Form::Value(value) => items.push(value),
                Form::Close(bracket) if bracket == closing(opening) => return Ok(items),
                Form::Close(bracket) => {
                    return Err(self.stray(bracket, &value_or_close(opening, opened)));
                }
                Form::End => {
                    let expected = value_or_close(opening, opened);
                    return Err(self.position.error(&expected, END));
                }
            }
        }
    }

    fn map(
        &mut self,
        levels: usize,
        namespace: Option<&str>,
    ) -> anyhow::Result<BTreeMap<Edn, Edn>> {
        let start = self.position;
        let mut items = self.items(levels)?.into_iter();
        let mut map = BTreeMap::new();
        while let Some(key) = items.next() {
            let Some(value) = items.next() else {
                let found = format!(
                    "a map with the key {} twice or without a value",
                    brief(&key)
                );
                return Err(start.error("a value for each key", &found));
            };
            let key = match namespace {
                Some(namespace) => in_namespace(key, namespace),
                None => key,
            };
            if map.contains_key(&key) {
                let found = format!("a map with the key {} twice", brief(&key));
                return Err(start.error("each key once", &found));
            }
            map.insert(key, value);
        }
        Ok(map)
    }

    /// Reads what follows a `#`.
    fn dispatch(&mut self, start: Position, levels: usize) -> anyhow::Result<Option<Edn>> {
        let Some(next) = self.peek()? else {
            return Err(self.position.error("a tag, a set or ##NaN after #", END));
        };
        match next {
            b'_' => {
                self.bump();
                self.required(levels, "the value that #_ discards")?;
                Ok(None)
            }
            b'{' => {
                let items = self.items(levels)?;
                let count = items.len();
                let set: BTreeSet<Edn> = items.into_iter().collect();
                if set.len() < count {
                    return Err(start.error("each element once", "a set with an element twice"));
                }
                Ok(Some(Edn::Set(set)))
            }
            b'#' => {
                self.bump();
                let name = self.token()?;
                Ok(Some(super::float(match name.as_str() {
                    "NaN" => f64::NAN,
                    "Inf" => f64::INFINITY,
                    "-Inf" => f64::NEG_INFINITY,
                    _ => return Err(start.error("##NaN or ##Inf", &quoted(&format!("##{name}")))),
                })))
            }
            b':' => {
                self.bump();
                let namespace = self.token()?;
                self.skip_blank()?;
                if namespace.is_empty() || self.peek()? != Some(b'{') {
                    let found = quoted(&format!("#:{namespace}"));
                    return Err(start.error("a namespaced map, as #:name{…}", &found));
                }
                Ok(Some(Edn::Map(self.map(levels, Some(&namespace))?)))
            }
            b'a'..=b'z' | b'A'..=b'Z' => {
                let tag = self.token()?;
                let value = self.required(levels, &format!("the value of #{tag}"))?;
                Ok(Some(Edn::Tagged(Cow::Owned(tag), Box::new(value))))
            }
            _ => {
                let found = format!("#{}", char::from(next));
                Err(start.error("a tag, a set or ##NaN", &quoted(&found)))
            }
        }
    }

    fn stray(&self, bracket: u8, expected: &str) -> anyhow::Error {
        let found = quoted(&char::from(bracket).to_string());
        self.start.error(expected, &found)
    }

    /// Skips whitespace, commas and comments.
    fn skip_blank(&mut self) -> anyhow::Result<()> {
        while let Some(byte) = self.peek()? {
            match byte {
                _ if is_blank(byte) => self.bump(),
                b';' => {
                    while self.peek()?.is_some_and(|byte| byte != b'\n') {
                        self.bump();
                    }
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// Returns the next byte without consuming it; `None` at the end.
    fn peek(&mut self) -> anyhow::Result<Option<u8>> {
        self.source.peek()
    }

    /// Consumes the byte that was peeked at.
    fn bump(&mut self) {
        match self.source.buffered().first() {
            Some(b'\n') => {
                self.position.line += 1;
                self.position.column = 1;
            }
            // A continuation byte of a UTF-8 character.
            Some(0x80..0xc0) | None => {}
            Some(_) => self.position.column += 1,
        }
        self.source.consume(1);
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | 0x1c..=b' ' | b',')
}

fn closing(opening: u8) -> u8 {
    match opening {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

fn operation_or_close(opening: u8) -> &'static str {
    match opening {
        b'(' => "an operation or )",
        _ => "an operation or ]",
    }
}

fn value_or_close(opening: u8, opened: Position) -> String {
    let (opening, closing) = (char::from(opening), char::from(closing(opening)));
    let Position { line, column } = opened;
    format!("a value, or {closing} for the {opening} at line {line}, column {column}")
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// Prints a value in at most 40 characters.
pub(crate) fn brief(value: &Edn) -> String {
    const WIDTH: usize = 40;
    let text = super::compact(value);
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Qualifies a key of `#:name{…}`: a key without a namespace gets this one; `_` stands for none.
fn in_namespace(key: Edn, namespace: &str) -> Edn {
    let qualified = |name: Name| match name.strip_prefix("_/") {
        Some(bare) => Cow::Owned(bare.to_owned()),
        None if name.contains('/') => name,
        None => Cow::Owned(format!("{namespace}/{name}")),
    };
    match key {
        Edn::Key(name) => Edn::Key(qualified(name)),
        Edn::Symbol(name) => Edn::Symbol(qualified(name)),
        other => other,
    }
}

#[cfg(test)]
mod tests;
