//! Reads EDN, value by value, from a stream, as Clojure's own reader of EDN does: comments, `#_`,
//! metadata, tagged literals and records, numbers of all kinds, namespaced maps.
//!
//! What cannot be read is reported with line and column, what is there, and what was expected.

mod token;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use anyhow::{anyhow, ensure};

use super::{Edn, Name};
use crate::source::Source;

/// How deeply values may be nested: everything that walks a value is recursive.
pub const MAX_DEPTH: usize = 128;

/// Reads the one value that a text holds.
///
/// # Errors
/// When it is not EDN, when more follows, or when it is nested more than 128 levels deep.
pub fn read(text: &str) -> anyhow::Result<Edn> {
    let mut reader = Reader::new(text.as_bytes());
    let Some(value) = reader.next()? else {
        return Err(reader.position().error("the text ends", "a value"));
    };
    let after = reader.position();
    ensure!(
        reader.next()?.is_none(),
        after.error("another value follows", "the end")
    );
    Ok(value)
}

/// A place in a text: line and column, both from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

impl Position {
    fn error(self, found: &str, expected: &str) -> anyhow::Error {
        let Position { line, column } = self;
        anyhow!("line {line}, column {column}: {found}, where {expected} was expected")
    }
}

/// A stream of EDN values.
#[derive(Debug)]
pub struct Reader<R> {
    source: Source<R>,
    position: Position,
    /// The start of the last value.
    start: Position,
}

/// What stands at some place.
enum Form {
    Value(Edn),
    /// A closing bracket.
    Close(u8),
    End,
}

impl<R: Read> Reader<R> {
    /// Reads from here; a byte order mark at the beginning is skipped.
    pub fn new(input: R) -> Self {
        let first = Position { line: 1, column: 1 };
        Reader {
            source: Source::new(input),
            position: first,
            start: first,
        }
    }

    /// The next value of the stream; `None` at its end.
    ///
    /// # Errors
    /// When it cannot be read. What follows an error is of no use.
    #[expect(clippy::should_implement_trait, reason = "an error ends the stream")]
    pub fn next(&mut self) -> anyhow::Result<Option<Edn>> {
        match self.form(MAX_DEPTH)? {
            Form::Value(value) => Ok(Some(value)),
            Form::End => Ok(None),
            Form::Close(bracket) => Err(self.stray(bracket, "a value")),
        }
    }

    /// The next item of a list or vector that was opened by [`Reader::open`]; `None` once it is closed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn next_item(&mut self, opening: u8) -> anyhow::Result<Option<Edn>> {
        match self.form(MAX_DEPTH - 1)? {
            Form::Value(value) => Ok(Some(value)),
            Form::Close(bracket) if bracket == closing(opening) => Ok(None),
            Form::Close(bracket) => Err(self.stray(bracket, closing_name(opening))),
            Form::End => Err(self.position.error("the input ends", closing_name(opening))),
        }
    }

    /// Steps into a list or a vector if one comes next, and says which bracket it was.
    ///
    /// # Errors
    /// When the input cannot be read.
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

    /// Where the next byte is.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Where the last value began.
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

    /// The value that begins with this byte; `None` if it was discarded by `#_`.
    fn value(&mut self, first: u8, levels: usize) -> anyhow::Result<Option<Edn>> {
        let start = self.position;
        let deeper = || {
            let why = format!("a value that is nested more than {MAX_DEPTH} levels deep");
            levels
                .checked_sub(1)
                .ok_or_else(|| start.error(&why, "a simpler one"))
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
                self.required(deeper()?, "the value that the metadata is of")?
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

    /// A value, whatever comes before it.
    fn required(&mut self, levels: usize, expected: &str) -> anyhow::Result<Edn> {
        match self.form(levels)? {
            Form::Value(value) => Ok(value),
            Form::Close(bracket) => Err(self.stray(bracket, expected)),
            Form::End => Err(self.position.error("the input ends", expected)),
        }
    }

    /// The items between brackets, of which the opening one comes next.
    fn items(&mut self, levels: usize) -> anyhow::Result<Vec<Edn>> {
        let opened = self.position;
        let opening = self.peek()?.unwrap_or(b'[');
        self.bump();
        let mut items = Vec::new();
        loop {
            match self.form(levels)? {
                Form::Value(value) => items.push(value),
                Form::Close(bracket) if bracket == closing(opening) => return Ok(items),
                Form::Close(bracket) => return Err(self.stray(bracket, &closes(opening, opened))),
                Form::End => {
                    let expected = closes(opening, opened);
                    return Err(self.position.error("the input ends", &expected));
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
                    "the map has the key {} twice or without a value",
                    brief(&key)
                );
                return Err(start.error(&found, "a value for each key"));
            };
            let key = match namespace {
                Some(namespace) => in_namespace(key, namespace),
                None => key,
            };
            let name = map.contains_key(&key).then(|| brief(&key));
            if let Some(name) = name {
                let found = format!("the map has the key {name} twice");
                return Err(start.error(&found, "each key once"));
            }
            map.insert(key, value);
        }
        Ok(map)
    }

    /// What follows a `#`.
    fn dispatch(&mut self, start: Position, levels: usize) -> anyhow::Result<Option<Edn>> {
        let Some(next) = self.peek()? else {
            return Err(self.position.error("the input ends", "what # begins"));
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
                    return Err(start.error("a set that has an element twice", "each one once"));
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
                    _ => return Err(start.error(&quoted(&format!("##{name}")), "##NaN or ##Inf")),
                })))
            }
            b':' => {
                self.bump();
                let namespace = self.token()?;
                self.skip_blank()?;
                if namespace.is_empty() || self.peek()? != Some(b'{') {
                    let found = quoted(&format!("#:{namespace}"));
                    return Err(start.error(&found, "a namespaced map, as #:name{…}"));
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
                Err(start.error(&quoted(&found), "EDN, as a tag, a set or ##NaN"))
            }
        }
    }

    fn stray(&self, bracket: u8, expected: &str) -> anyhow::Error {
        let found = quoted(&char::from(bracket).to_string());
        self.start.error(&found, expected)
    }

    /// Whitespace, commas, and comments until the end of their line.
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

    /// The next byte, which stays where it is.
    fn peek(&mut self) -> anyhow::Result<Option<u8>> {
        self.source.peek()
    }

    /// Steps over the byte that was peeked at.
    fn bump(&mut self) {
        match self.source.rest().first() {
            Some(b'\n') => {
                self.position.line += 1;
                self.position.column = 1;
            }
            // The further bytes of a character in UTF-8.
            Some(0x80..0xc0) | None => {}
            Some(_) => self.position.column += 1,
        }
        self.source.skip(1);
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

fn closing_name(opening: u8) -> &'static str {
    match opening {
        b'(' => "an operation or )",
        _ => "an operation or ]",
    }
}

fn closes(opening: u8, opened: Position) -> String {
    let (opening, closing) = (char::from(opening), char::from(closing(opening)));
    let Position { line, column } = opened;
    format!("a value, or {closing} for the {opening} at line {line}, column {column},")
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// At most 40 characters of what a value prints as.
pub(crate) fn brief(value: &Edn) -> String {
    const WIDTH: usize = 40;
    let text = super::compact(value);
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A key of `#:name{…}`: one without a namespace gets this one, `_` stands for none.
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
