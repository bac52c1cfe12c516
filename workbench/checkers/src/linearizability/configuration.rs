//! A configuration's key: which operations must still take effect and which can, in a few words.
//!
//! For each slot there are two bits: *settled*, if its operation has taken effect or may be left
//! out, and *unused*, if its operation can still take effect. For each lane there is the number of
//! its operations that have taken effect. One configuration covers another in the same state if it
//! has all bits of the other and no larger number.

/// The layout of keys: settled bits, unused bits, counts of lanes.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyLayout {
    /// Words that hold one bit for each slot.
    words: usize,
    lane_words: usize,
    /// Bits of a lane's count. The highest is never set in a key.
    lane_bits: usize,
    /// The highest bit of each lane in a word.
    highest: u64,
}

impl KeyLayout {
    /// The layout for `slots` slots and these lanes of operations.
    pub(super) fn new(slots: usize, lanes: &[Vec<u32>]) -> Self {
        let longest = lanes.iter().map(Vec::len).max().unwrap_or(0);
        let (lane_bits, highest) = match longest {
            0..0x80 => (8, 0x8080_8080_8080_8080),
            0x80..0x8000 => (16, 0x8000_8000_8000_8000),
            _ => (32, 0x8000_0000_8000_0000),
        };
        KeyLayout {
            words: slots.div_ceil(64),
            lane_words: (lanes.len() * lane_bits).div_ceil(64),
            lane_bits,
            highest,
        }
    }

    /// The number of words of a key.
    pub(super) fn len(&self) -> usize {
        2 * self.words + self.lane_words
    }

    pub(super) fn is_settled(&self, key: &[u64], slot: usize) -> bool {
        key[slot / 64] & bit(slot) != 0
    }

    pub(super) fn is_unused(&self, key: &[u64], slot: usize) -> bool {
        key[self.words + slot / 64] & bit(slot) != 0
    }

    /// Marks the operation in a slot, which changes the state, as begun.
    pub(super) fn begin_change(&self, key: &mut [u64], slot: usize) {
        key[self.words + slot / 64] |= bit(slot);
    }

    /// Marks the operation in a slot as in effect.
    pub(super) fn apply(&self, key: &mut [u64], slot: usize) {
        key[slot / 64] |= bit(slot);
        key[self.words + slot / 64] &= !bit(slot);
    }

    /// Allows the operation in a slot to be left out; it can still take effect.
    pub(super) fn settle(&self, key: &mut [u64], slot: usize) {
        key[slot / 64] |= bit(slot);
    }

    /// Marks reads as in effect. Returns whether any of them was not.
    pub(super) fn settle_reads(&self, key: &mut [u64], slots: &[u64]) -> bool {
        let was_owed = self.has_unsettled(key, slots);
        for (settled, slots) in key[..self.words].iter_mut().zip(slots) {
            *settled |= slots;
        }
        was_owed
    }

    /// Frees a slot.
    pub(super) fn clear(&self, key: &mut [u64], slot: usize) {
        key[slot / 64] &= !bit(slot);
        key[self.words + slot / 64] &= !bit(slot);
    }

    /// Allows the unused operations in these slots to be left out.
    pub(super) fn settle_unused(&self, key: &mut [u64], slots: &[u64]) {
        let (settled, others) = key.split_at_mut(self.words);
        for ((settled, unused), slots) in settled.iter_mut().zip(others).zip(slots) {
            *settled |= *unused & slots;
        }
    }

    /// Marks an operation that may be left out as no longer usable.
    pub(super) fn discard_settled(&self, key: &mut [u64], slot: usize) {
        let (settled, unused) = key.split_at_mut(self.words);
        unused[slot / 64] &= !(settled[slot / 64] & bit(slot));
    }

    /// Whether one of these operations, reads included, must still take effect.
    pub(super) fn has_unsettled(&self, key: &[u64], slots: &[u64]) -> bool {
        let mut words = key[..self.words].iter().zip(slots);
        words.any(|(settled, slots)| slots & !settled != 0)
    }

    /// The number of operations of a lane that have taken effect.
    pub(super) fn spent(&self, key: &[u64], lane: usize) -> u32 {
        let (word, shift) = self.lane(lane);
        let mask = (1 << (self.lane_bits - 1)) - 1;
        ((key[word] >> shift) & mask) as u32
    }

    pub(super) fn spend(&self, key: &mut [u64], lane: usize) {
        let (word, shift) = self.lane(lane);
        key[word] += 1 << shift;
    }

    /// Resets the counts of lanes that are of no further use.
    pub(super) fn reset_lanes(&self, key: &mut [u64], useful_until: &[u32], moment: usize) {
        let per_word = 64 / self.lane_bits;
        for (word, until) in key[2 * self.words..]
            .iter_mut()
            .zip(useful_until.chunks(per_word))
        {
            if *word == 0 {
                continue;
            }
            for (index, until) in until.iter().enumerate() {
                if (*until as usize) < moment {
                    let shift = index * self.lane_bits;
                    *word &= !(((1 << self.lane_bits) - 1) << shift);
                }
            }
        }
    }

    fn lane(&self, lane: usize) -> (usize, usize) {
        let per_word = 64 / self.lane_bits;
        let word = 2 * self.words + lane / per_word;
        (word, lane % per_word * self.lane_bits)
    }

    /// Whether `more` can do everything that `less` can do in the same state.
    pub(super) fn covers(&self, more: &[u64], less: &[u64]) -> bool {
        let bits = 2 * self.words;
        let has_bits = more[..bits].iter().zip(&less[..bits]);
        let spent = more[bits..].iter().zip(&less[bits..]);
        // The subtraction clears a lane's highest bit if `more` has spent more of the lane.
        has_bits.fold(0, |missing, (more, less)| missing | (less & !more)) == 0
            && spent.fold(self.highest, |all, (more, less)| {
                all & ((less | self.highest) - more)
            }) == self.highest
    }

    /// The preference of the search: more usable operations and fewer that must take effect score
    /// higher.
    pub(super) fn score(&self, key: &[u64]) -> i32 {
        let (bits, spent) = key.split_at(2 * self.words);
        let bits: u32 = bits.iter().map(|word| word.count_ones()).sum();
        let mask = (1 << self.lane_bits) - 1;
        let spent = spent.iter().map(|&word| {
            let mut word = word;
            let mut sum = 0;
            while word != 0 {
                sum += word & mask;
                word >>= self.lane_bits;
            }
            sum as i32
        });
        bits as i32 - spent.sum::<i32>()
    }
}

fn bit(slot: usize) -> u64 {
    1 << (slot % 64)
}

#[cfg(test)]
mod tests {
    use super::KeyLayout;

    /// A layout of two slots and three lanes, and a key with these counts of the lanes.
    fn key(counts: [usize; 3]) -> (KeyLayout, Vec<u64>) {
        let layout = KeyLayout::new(2, &[vec![1], vec![2, 3, 4], vec![5]]);
        let mut key = vec![0; layout.len()];
        for (lane, count) in counts.into_iter().enumerate() {
            (0..count).for_each(|_| layout.spend(&mut key, lane));
        }
        (layout, key)
    }

    #[test]
    fn lanes_are_reset_once_they_are_of_no_further_use() {
        let (layout, mut reset) = key([1, 3, 1]);
        layout.reset_lanes(&mut reset, &[5, 6, 7], 6);
        let counts = [0, 1, 2].map(|lane| layout.spent(&reset, lane));
        assert_eq!(counts, [0, 3, 1]);
    }

    #[test]
    fn usable_operations_raise_the_score_and_spent_ones_lower_it() {
        let (layout, mut key) = key([1, 3, 1]);
        assert_eq!(layout.score(&key), -5);
        layout.begin_change(&mut key, 0);
        layout.begin_change(&mut key, 1);
        assert_eq!(layout.score(&key), -3);
        layout.settle(&mut key, 1);
        assert_eq!(layout.score(&key), -2);
    }

    #[test]
    fn a_key_covers_those_with_fewer_bits_and_larger_counts() {
        let (layout, spent) = key([1, 3, 1]);
        let (_, less_spent) = key([1, 2, 1]);
        let mut usable = spent.clone();
        layout.begin_change(&mut usable, 1);
        let covers = |more: &[u64], less: &[u64]| layout.covers(more, less);
        assert!(covers(&spent, &spent));
        assert!(covers(&less_spent, &spent) && !covers(&spent, &less_spent));
        assert!(covers(&usable, &spent) && !covers(&spent, &usable));
        assert!(!covers(&usable, &less_spent) && !covers(&less_spent, &usable));
    }
}
