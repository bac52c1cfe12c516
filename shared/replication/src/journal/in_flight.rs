//! The batches of a journal that its owner is writing, at consecutive indices.

use std::collections::VecDeque;

/// Batches that are not confirmed, oldest first.
#[derive(Debug)]
pub(super) struct InFlight<B> {
    /// The index of the oldest; all below are known to be written.
    first: u64,
    /// Each with whether it is written.
    batches: VecDeque<(B, bool)>,
}

impl<B> InFlight<B> {
    /// No batches, of a journal that is not known to have any.
    pub(super) fn new() -> Self {
        InFlight {
            first: 0,
            batches: VecDeque::new(),
        }
    }

    /// The index of the oldest batch, or else of the next one.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn len(&self) -> usize {
        self.batches.len()
    }

    /// Adds a batch and returns its index.
    pub(super) fn push(&mut self, batch: B) -> u64 {
        self.batches.push_back((batch, false));
        self.first + self.batches.len() as u64 - 1
    }

    /// The batch at an index, unless it is confirmed.
    pub(super) fn get(&self, index: u64) -> Option<&B> {
        let offset = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.batches.get(offset).map(|(batch, _)| batch)
    }

    /// Moves all batches up by one: the first index is taken.
    pub(super) fn move_up(&mut self) {
        self.first += 1;
    }

    /// Handles the success of the write at an index. Returns the batches that it confirms: those
    /// that are written, as are all before them.
    pub(super) fn on_written(&mut self, index: u64) -> Vec<B> {
        let offset = index.checked_sub(self.first).map(usize::try_from);
        if let Some(Ok(offset)) = offset
            && let Some((_, is_written)) = self.batches.get_mut(offset)
        {
            *is_written = true;
        }
        let unwritten = self.batches.iter().position(|(_, is_written)| !is_written);
        let count = unwritten.unwrap_or(self.batches.len());
        self.first += count as u64;
        self.batches
            .drain(..count)
            .map(|(batch, _)| batch)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_confirmed_when_it_and_all_before_it_are_written() {
        let mut in_flight = InFlight::new();
        in_flight.push("fence");
        in_flight.move_up();
        assert_eq!(in_flight.on_written(1), ["fence"]);
        let indices = ["a", "b", "c"].map(|batch| in_flight.push(batch));
        assert_eq!(indices, [2, 3, 4]);
        assert_eq!(in_flight.on_written(3), [""; 0]);
        assert_eq!(in_flight.get(3), Some(&"b"));
        assert_eq!(in_flight.on_written(2), ["a", "b"]);
        // Late answers change nothing.
        assert_eq!(in_flight.on_written(2), [""; 0]);
        assert_eq!(in_flight.on_written(9), [""; 0]);
        assert_eq!((in_flight.first(), in_flight.get(3)), (4, None));
        assert_eq!(in_flight.push("d"), 5);
        assert_eq!(in_flight.on_written(4), ["c"]);
    }
}
