//! Decisions from bytes: an input decides what a target does, so that a small change of the input is a
//! small change of what happens.

use std::convert::Infallible;

use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _, TryRng};

/// An input, consumed from its start.
#[derive(Debug)]
pub(crate) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Bytes(input)
    }

    /// The next byte; 0 at the end.
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// A number below `count`, which must not be 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let high = if count > 256 { self.byte() } else { 0 };
        (usize::from(high) << 8 | usize::from(self.byte())) % count
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// The bytes before the next `\n`, which is consumed, or all that is left.
    pub(crate) fn line(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == b'\n');
        let (line, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest.get(1..).unwrap_or_default();
        line
    }

    /// A share of what is left.
    pub(crate) fn part(&mut self, share: usize, of: usize) -> &'a [u8] {
        let (part, rest) = self.0.split_at(self.0.len() * share / of);
        self.0 = rest;
        part
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Random numbers from an input: each number takes one byte. After its end they come from a generator
/// with a fixed seed, as code that waits for a certain number would wait for ever on a constant.
#[derive(Debug)]
pub(crate) struct BytesRng<'a> {
    bytes: Bytes<'a>,
    after: ChaCha8Rng,
}

impl<'a> BytesRng<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        BytesRng {
            bytes: Bytes::new(input),
            after: ChaCha8Rng::seed_from_u64(0),
        }
    }
}

impl TryRng for BytesRng<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        // The highest bits decide in which part of a range a number lies.
        self.try_next_u64().map(|number| (number >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        if self.bytes.is_empty() {
            return Ok(self.after.next_u64());
        }
        Ok(u64::from_be_bytes([self.bytes.byte(); 8]))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        destination.fill_with(|| self.bytes.byte());
        Ok(())
    }
}
