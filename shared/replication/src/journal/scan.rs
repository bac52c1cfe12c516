//! Reading a journal to its end, in chunks that double: few round trips, and few reads past the
//! end.

use std::ops::Range;

/// The maximum number of indices in a chunk.
const MAX_CHUNK: usize = 64;

/// A read of a sequence of batches up to the first index without one.
#[derive(Debug)]
pub(super) struct Scan<B> {
    /// The first index of the current chunk.
    first: u64,
    /// The answers for the chunk's indices, if they have come: a batch, or none.
    answers: Vec<Option<Option<B>>>,
}

/// The batches found at a chunk's indices.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk<B> {
    pub(super) found: Vec<B>,
    /// One of the indices had no batch: the journal ends here.
    pub(super) is_last: bool,
}

impl<B> Scan<B> {
    /// A scan that begins at the index `first`.
    pub(super) fn starting_at(first: u64) -> Self {
        Scan {
            first,
            answers: vec![None],
        }
    }

    /// The indices to read: at first, and after each chunk but the last.
    pub(super) fn indices(&self) -> Range<u64> {
        self.first..self.first + self.answers.len() as u64
    }

    /// Handles the answer for an index. Returns the chunk when it is complete.
    pub(super) fn on_read(&mut self, index: u64, found: Option<B>) -> Option<Chunk<B>> {
        let offset = usize::try_from(index.checked_sub(self.first)?).ok()?;
        *self.answers.get_mut(offset)? = Some(found);
        if self.answers.iter().any(Option::is_none) {
            return None;
        }
        // The reads are concurrent with the owner's writes: a batch after an index without one is
        // newer than the scan, and left out.
        let count = self.answers.len();
        let answers = std::mem::take(&mut self.answers).into_iter().flatten();
        let found: Vec<B> = answers.map_while(|found| found).collect();
        let is_last = found.len() < count;
        self.first += count as u64;
        self.answers.resize_with(MAX_CHUNK.min(2 * count), || None);
        Some(Chunk { found, is_last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_read_to_its_end_in_chunks_that_double() {
        for length in [0, 1, 2, 3, 6, 7, 8, 62, 63, 64, 127, 128, 500] {
            let (mut scan, mut batches, mut chunks) = (Scan::starting_at(0), Vec::new(), 0);
            let mut is_last = false;
            while !is_last {
                // The answers come in reverse order.
                let mut answers = scan.indices().rev().collect::<Vec<_>>().into_iter();
                let chunk =
                    answers.find_map(|at| scan.on_read(at, Some(at).filter(|at| *at < length)));
                let chunk = chunk.expect("all indices are answered");
                assert_eq!(answers.len(), 0);
                batches.extend(chunk.found);
                is_last = chunk.is_last;
                chunks += 1;
            }
            assert_eq!(batches, (0..length).collect::<Vec<_>>());
            assert!(
                chunks <= 7 + length / MAX_CHUNK as u64,
                "{chunks} chunks for {length}"
            );
        }
    }

    #[test]
    fn a_batch_after_an_index_without_one_is_left_out() {
        let mut scan = Scan::starting_at(5);
        assert!(
            scan.on_read(5, Some("f"))
                .is_some_and(|chunk| !chunk.is_last)
        );
        assert_eq!(scan.indices(), 6..8);
        assert_eq!(scan.on_read(7, Some("h")), None);
        let last = Chunk {
            found: Vec::new(),
            is_last: true,
        };
        assert_eq!(scan.on_read(6, None), Some(last));
    }
}
