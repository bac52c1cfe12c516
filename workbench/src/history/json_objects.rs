//! The objects in a stream of JSON, however they are laid out: one a line, several, over many lines,
//! or in one array.

use std::io::{ErrorKind, Read};

use anyhow::{Context, bail, ensure};

/// How much is read at a time, in bytes.
const CHUNK: usize = 64 * 1024;

/// A stream of JSON objects.
pub(super) struct Objects<R> {
    input: R,
    chunk: Vec<u8>,
    next: usize,
    /// The line of the next byte, from 1.
    line: u64,
    is_array: bool,
    is_over: bool,
    /// The text of the last object.
    object: Vec<u8>,
}

impl<R: Read> Objects<R> {
    pub(super) fn new(input: R) -> Self {
        Objects {
            input,
            chunk: Vec::new(),
            next: 0,
            line: 1,
            is_array: false,
            is_over: false,
            object: Vec::new(),
        }
    }

    /// The next object's text, and the line on which it begins; `None` at the end. Only brackets and
    /// quotes were looked at.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<(u64, &[u8])>> {
        if self.line == 1 && self.chunk.is_empty() {
            self.begin()?;
        } else if self.is_array {
            match self.significant()? {
                Some(b',') => self.next += 1,
                Some(b']') => {}
                other => bail!(
                    "line {}: {}, where , or ] was expected",
                    self.line,
                    shown(other)
                ),
            }
        }
        match self.significant()? {
            None => {
                ensure!(
                    !self.is_array,
                    "line {}: the input ends, where ] was expected",
                    self.line
                );
                return Ok(None);
            }
            Some(b']') if self.is_array => {
                self.next += 1;
                let after = self.significant()?;
                ensure!(
                    after.is_none(),
                    "line {}: {} after the array, where the end was expected",
                    self.line,
                    shown(after)
                );
                self.is_array = false;
                return Ok(None);
            }
            Some(b'{') => {}
            other => bail!(
                "line {}: {}, where an operation was expected, as {{\"type\":\"invoke\",…}}",
                self.line,
                shown(other)
            ),
        }
        let line = self.line;
        self.take_object()?;
        Ok(Some((line, &self.object)))
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        self.peek()?;
        if self.chunk.starts_with(b"\xef\xbb\xbf") {
            self.next = 3;
        }
        if self.significant()? == Some(b'[') {
            self.next += 1;
            self.is_array = true;
        }
        Ok(())
    }

    /// Copies everything up to the bracket that closes the first one.
    fn take_object(&mut self) -> anyhow::Result<()> {
        self.object.clear();
        let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
        while self.peek()?.is_some() {
            let chunk = &self.chunk[self.next..];
            let mut end = None;
            for (index, byte) in chunk.iter().enumerate() {
                self.line += u64::from(*byte == b'\n');
                match byte {
                    _ if is_escaped => is_escaped = false,
                    b'\\' if is_text => is_escaped = true,
                    b'"' => is_text = !is_text,
                    b'{' | b'[' if !is_text => depth += 1,
                    b'}' | b']' if !is_text => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    end = Some(index + 1);
                    break;
                }
            }
            let taken = end.unwrap_or(chunk.len());
            self.object.extend_from_slice(&chunk[..taken]);
            self.next += taken;
            if end.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// The next byte that is not white.
    fn significant(&mut self) -> anyhow::Result<Option<u8>> {
        while let Some(byte) = self.peek()?.filter(u8::is_ascii_whitespace) {
            self.line += u64::from(byte == b'\n');
            self.next += 1;
        }
        self.peek()
    }

    fn peek(&mut self) -> anyhow::Result<Option<u8>> {
        while self.next >= self.chunk.len() && !self.is_over {
            self.chunk.resize(CHUNK, 0);
            let read = match self.input.read(&mut self.chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read.context("it cannot be read")?,
            };
            self.chunk.truncate(read);
            self.is_over = read == 0;
            self.next = 0;
        }
        Ok(self.chunk.get(self.next).copied())
    }
}

fn shown(byte: Option<u8>) -> String {
    byte.map_or("the input ends".to_owned(), |byte| {
        format!("{:?}", char::from(byte))
    })
}
