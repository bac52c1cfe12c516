//! The bytes of a text that streams in.

use std::io::{ErrorKind, Read};

use anyhow::Context;

/// How much is read at first, in bytes: a text may be a single value.
const FIRST_CHUNK: usize = 1024;

/// How much is read at a time at most, in bytes.
const LARGEST_CHUNK: usize = 64 * 1024;

/// A byte order mark in UTF-8, which some editors put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A text, of which one chunk at a time is in memory; a byte order mark before it is skipped.
#[derive(Debug)]
pub(crate) struct Source<R> {
    input: R,
    chunk: Vec<u8>,
    /// Index of the next byte in the chunk.
    next: usize,
    is_over: bool,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(input: R) -> Self {
        Source {
            input,
            chunk: Vec::new(),
            next: 0,
            is_over: false,
        }
    }

    /// The next byte, which stays where it is; `None` at the end.
    pub(crate) fn peek(&mut self) -> anyhow::Result<Option<u8>> {
        // A chunk may be a mark and nothing else.
        while self.next >= self.chunk.len() && !self.is_over {
            self.fill().context("it cannot be read")?;
        }
        Ok(self.chunk.get(self.next).copied())
    }

    /// What is in memory of the bytes to come: at least the one that was peeked at.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.chunk[self.next..]
    }

    /// Steps over bytes of the rest.
    pub(crate) fn skip(&mut self, count: usize) {
        self.next += count;
    }

    fn fill(&mut self) -> std::io::Result<()> {
        let is_first = self.chunk.is_empty();
        let size = (2 * self.chunk.len()).clamp(FIRST_CHUNK, LARGEST_CHUNK);
        self.chunk.resize(size, 0);
        let mut length = 0;
        // The bytes of a mark may come one by one.
        while length < BYTE_ORDER_MARK.len() && !self.is_over {
            match self.input.read(&mut self.chunk[length..]) {
                Ok(0) => self.is_over = true,
                Ok(read) => length += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.chunk.truncate(length);
        let is_marked = is_first && self.chunk.starts_with(BYTE_ORDER_MARK);
        self.next = if is_marked { BYTE_ORDER_MARK.len() } else { 0 };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::Source;

    /// Gives one byte at a time.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped_at_the_beginning_alone() {
        let mut source = Source::new(Drip("\u{feff}a\u{feff}b".as_bytes()));
        let mut text = Vec::new();
        while let Some(byte) = source.peek().unwrap() {
            text.push(byte);
            source.skip(1);
        }
        assert_eq!(text, "a\u{feff}b".as_bytes());
        assert!(source.peek().unwrap().is_none());
    }
}
