//! Reading a journal to its end: in chunks that double, so that it takes few round trips and few
//! questions in vain.

use std::ops::Range;

/// The most places that are asked for at once.
const MOST: usize = 64;

/// One who reads a row of places up to the first that is free.
#[derive(Debug)]
pub(super) struct Scan<B> {
    /// The first of the places that are asked for now.
    first: u64,
    /// What was found in each of them, if that is known.
    answers: Vec<Option<Option<B>>>,
}

/// What stands in the places that were asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk<B> {
    pub(super) found: Vec<B>,
    /// One of the places was free.
    pub(super) is_last: bool,
}

impl<B> Scan<B> {
    /// Reads from this place on.
    pub(super) fn from(first: u64) -> Self {
        Scan {
            first,
            answers: vec![None],
        }
    }

    /// The places to ask for: at first, and after each chunk that was not the last.
    pub(super) fn places(&self) -> Range<u64> {
        self.first..self.first + self.answers.len() as u64
    }

    /// Takes in what stands in a place, or that nothing does; a chunk when it is whole.
    pub(super) fn take(&mut self, place: u64, found: Option<B>) -> Option<Chunk<B>> {
        let at = usize::try_from(place.checked_sub(self.first)?).ok()?;
        *self.answers.get_mut(at)? = Some(found);
        if self.answers.iter().any(Option::is_none) {
            return None;
        }
        // Places were asked for at the same time, and the row may have grown meanwhile: what stands
        // behind a place that was free then is newer than the question, and left out.
        let count = self.answers.len();
        let answers = std::mem::take(&mut self.answers).into_iter().flatten();
        let found: Vec<B> = answers.map_while(|found| found).collect();
        let is_last = found.len() < count;
        self.first += count as u64;
        self.answers.resize_with(MOST.min(2 * count), || None);
        Some(Chunk { found, is_last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_in_chunks_that_double_up_to_its_end() {
        for length in [0, 1, 2, 3, 6, 7, 8, 62, 63, 64, 127, 128, 500] {
            let (mut scan, mut row, mut chunks) = (Scan::from(0), Vec::new(), 0);
            let mut is_last = false;
            while !is_last {
                // The last place answers first.
                let mut answers = scan.places().rev().collect::<Vec<_>>().into_iter();
                let chunk =
                    answers.find_map(|at| scan.take(at, Some(at).filter(|at| *at < length)));
                let chunk = chunk.expect("all places have answered");
                assert_eq!(answers.len(), 0);
                row.extend(chunk.found);
                is_last = chunk.is_last;
                chunks += 1;
            }
            assert_eq!(row, (0..length).collect::<Vec<_>>());
            assert!(
                chunks <= 7 + length / MOST as u64,
                "{chunks} chunks for {length}"
            );
        }
    }

    #[test]
    fn what_stands_behind_a_free_place_is_left_out() {
        let mut scan = Scan::from(5);
        assert!(scan.take(5, Some("f")).is_some_and(|chunk| !chunk.is_last));
        assert_eq!(scan.places(), 6..8);
        assert_eq!(scan.take(7, Some("h")), None);
        let last = Chunk {
            found: Vec::new(),
            is_last: true,
        };
        assert_eq!(scan.take(6, None), Some(last));
    }
}
