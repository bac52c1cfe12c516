//! The objects in a stream of JSON, however they are laid out: one a line, several, over many lines,
//! or in one array.

use std::io::Read;

use anyhow::{bail, ensure};

use crate::source::Source;

/// A stream of JSON objects.
pub(super) struct Objects<R> {
    source: Source<R>,
    /// The line of the next byte, from 1.
    line: u64,
    is_begun: bool,
    is_array: bool,
    /// The text of the last object.
    object: Vec<u8>,
}

impl<R: Read> Objects<R> {
    pub(super) fn new(input: R) -> Self {
        Objects {
            source: Source::new(input),
            line: 1,
            is_begun: false,
            is_array: false,
            object: Vec::new(),
        }
    }

    /// The next object's text, and the line on which it begins; `None` at the end. Only brackets and
    /// quotes were looked at.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<(u64, &[u8])>> {
        if !self.is_begun {
            self.begin()?;
        } else if self.is_array {
            match self.significant()? {
                Some(b',') => self.source.skip(1),
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
                self.source.skip(1);
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
        self.is_begun = true;
        if self.significant()? == Some(b'[') {
            self.source.skip(1);
            self.is_array = true;
        }
        Ok(())
    }

    /// Copies everything up to the bracket that closes the first one.
    fn take_object(&mut self) -> anyhow::Result<()> {
        self.object.clear();
        let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
        while self.source.peek()?.is_some() {
            let chunk = self.source.rest();
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
            self.source.skip(taken);
            if end.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// The next byte that is not white.
    fn significant(&mut self) -> anyhow::Result<Option<u8>> {
        while let Some(byte) = self.source.peek()?.filter(u8::is_ascii_whitespace) {
            self.line += u64::from(byte == b'\n');
            self.source.skip(1);
        }
        self.source.peek()
    }
}

fn shown(byte: Option<u8>) -> String {
    byte.map_or("the input ends".to_owned(), |byte| {
        format!("{:?}", char::from(byte))
    })
}
