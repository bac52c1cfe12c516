//! Bytes of an input, read in chunks.

use std::io::{ErrorKind, Read};

use anyhow::Context;

/// Size of the first chunk in bytes: small, as the input may be a single value.
const FIRST_CHUNK: usize = 1024;

/// Size of the largest chunk in bytes.
const MAX_CHUNK: usize = 64 * 1024;

/// Byte order mark in UTF-8, which some editors put at the start of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An input with one chunk at a time in memory. A byte order mark at its start is skipped.
#[derive(Debug)]
pub(crate) struct Source<R> {
    input: R,
    chunk: Vec<u8>,
    /// Index of the next byte in the chunk.
    next: usize,
    is_at_end: bool,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(input: R) -> Self {
        Source {
            input,
            chunk: Vec::new(),
            next: 0,
            is_at_end: false,
        }
    }

    /// Returns the next byte without consuming it; `None` at the end.
    pub(crate) fn peek(&mut self) -> anyhow::Result<Option<u8>> {
        // A chunk may consist of the byte order mark alone.
        while self.next >= self.chunk.len() && !self.is_at_end {
            self.fill().context("the input cannot be read")?;
        }
        Ok(self.chunk.get(self.next).copied())
    }

    /// The unread bytes of the chunk: not empty after a `peek` that returned a byte.
    pub(crate) fn buffered(&self) -> &[u8] {
        &self.chunk[self.next..]
    }

    /// Consumes bytes of the chunk.
    pub(crate) fn consume(&mut self, count: usize) {
        self.next += count;
    }

    fn fill(&mut self) -> std::io::Result<()> {
        let is_first = self.chunk.is_empty();
        let size = (2 * self.chunk.len()).clamp(FIRST_CHUNK, MAX_CHUNK);
        self.chunk.resize(size, 0);
        let mut length = 0;
        // The bytes of the mark may arrive one by one.
        while length < BYTE_ORDER_MARK.len() && !self.is_at_end {
            match self.input.read(&mut self.chunk[length..]) {
                Ok(0) => self.is_at_end = true,
                Ok(read) => length += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.chunk.truncate(length);
        let has_mark = is_first && self.chunk.starts_with(BYTE_ORDER_MARK);
        self.next = if has_mark { BYTE_ORDER_MARK.len() } else { 0 };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::Source;

    /// Returns one byte at a time.
    struct ByteByByte<'a>(&'a [u8]);

    impl Read for ByteByByte<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped_only_at_the_start() {
        let mut source = Source::new(ByteByByte("\u{feff}a\u{feff}b".as_bytes()));
        let mut text = Vec::new();
        while let Some(byte) = source.peek().unwrap() {
            text.push(byte);
            source.consume(1);
        }
        assert_eq!(text, "a\u{feff}b".as_bytes());
        assert!(source.peek().unwrap().is_none());
    }
}
