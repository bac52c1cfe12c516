//! Splits a stream of JSON into its objects, in any layout: a sequence or an array of objects, with
//! line breaks anywhere.

use std::io::Read;

use anyhow::{bail, ensure};

use crate::source::Source;

/// A stream of JSON objects.
pub(super) struct Objects<R> {
    source: Source<R>,
    /// Line of the next byte, from 1.
    line: u64,
    has_started: bool,
    is_array: bool,
    /// Text of the last object.
    object: Vec<u8>,
}

impl<R: Read> Objects<R> {
    pub(super) fn new(input: R) -> Self {
        Objects {
            source: Source::new(input),
            line: 1,
            has_started: false,
            is_array: false,
            object: Vec::new(),
        }
    }

    /// Returns the text of the next object and the line where it starts; `None` at the end. Only
    /// brackets and quotes are parsed.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<(u64, &[u8])>> {
        if !self.has_started {
            self.start()?;
        } else if self.is_array {
            match self.skip_whitespace()? {
                Some(b',') => self.source.consume(1),
                Some(b']') => {}
                other => bail!(self.error(", or ]", other)),
            }
        }
        match self.skip_whitespace()? {
            None => {
                ensure!(!self.is_array, self.error("]", None));
                return Ok(None);
            }
            Some(b']') if self.is_array => {
                self.source.consume(1);
                let next = self.skip_whitespace()?;
                ensure!(next.is_none(), self.error("the end after the array", next));
                self.is_array = false;
                return Ok(None);
            }
            Some(b'{') => {}
            other => bail!(self.error("an operation, as {\"type\":\"invoke\",…}", other)),
        }
        let line = self.line;
        self.take_object()?;
        Ok(Some((line, &self.object)))
    }

    fn start(&mut self) -> anyhow::Result<()> {
        self.has_started = true;
        if self.skip_whitespace()? == Some(b'[') {
            self.source.consume(1);
            self.is_array = true;
        }
        Ok(())
    }

    /// Copies the object that starts here, up to its closing bracket.
    fn take_object(&mut self) -> anyhow::Result<()> {
        self.object.clear();
        let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
        while self.source.peek()?.is_some() {
            let chunk = self.source.buffered();
            let mut end = None;
            for (index, byte) in chunk.iter().enumerate() {
                if !matches!(byte, b'"' | b'\\' | b'{' | b'[' | b'}' | b']' | b'\n') {
                    is_escaped = false;
                    continue;
                }
                self.line += u64::from(*byte == b'\n');
                match byte {
                    _ if is_escaped => is_escaped = false,
                    b'\\' if in_string => is_escaped = true,
                    b'"' => in_string = !in_string,
                    b'{' | b'[' if !in_string => depth += 1,
                    b'}' | b']' if !in_string => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    end = Some(index + 1);
                    break;
                }
            }
            let taken = end.unwrap_or(chunk.len());
            self.object.extend_from_slice(&chunk[..taken]);
            self.source.consume(taken);
            if end.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Returns the next byte that is not whitespace, without consuming it.
    fn skip_whitespace(&mut self) -> anyhow::Result<Option<u8>> {
        while let Some(byte) = self.source.peek()?.filter(u8::is_ascii_whitespace) {
            self.line += u64::from(byte == b'\n');
            self.source.consume(1);
        }
        self.source.peek()
    }

    fn error(&self, expected: &str, found: Option<u8>) -> String {
        let end = || "the end of the input".to_owned();
        let found = found.map_or_else(end, |byte| format!("{:?}", char::from(byte)));
        format!("line {}: expected {expected}, found {found}", self.line)
    }
}
