//! A configuration's key: what is left to do and what can still be done, in a few words.
//!
//! Of each slot there are two bits: that its call *owes* nothing (it has taken effect, or may be
//! left out), and that its call is *unused*, so that it can still take effect. Of each lane there
//! is the number of its calls that have taken effect. So one configuration covers another in the
//! same state if it has all bits of the other and no larger number.

/// How keys are laid out: bits of freed slots, bits of unused ones, numbers of the lanes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Words for one bit of each slot.
    words: usize,
    lane_words: usize,
    /// Bits of a lane. The highest is never set in a key.
    lane_bits: usize,
    /// The highest bit of each lane in a word.
    highest: u64,
}

impl Shape {
    /// Keys for so many slots, and for lanes of so many calls each.
    pub(super) fn new(slots: usize, lanes: &[Vec<u32>]) -> Self {
        let longest = lanes.iter().map(Vec::len).max().unwrap_or(0);
        let (lane_bits, highest) = match longest {
            0..0x80 => (8, 0x8080_8080_8080_8080),
            0x80..0x8000 => (16, 0x8000_8000_8000_8000),
            _ => (32, 0x8000_0000_8000_0000),
        };
        Shape {
            words: slots.div_ceil(64),
            lane_words: (lanes.len() * lane_bits).div_ceil(64),
            lane_bits,
            highest,
        }
    }

    /// How many words a key has.
    pub(super) fn len(&self) -> usize {
        2 * self.words + self.lane_words
    }

    pub(super) fn is_free(&self, key: &[u64], slot: usize) -> bool {
        key[slot / 64] & bit(slot) != 0
    }

    pub(super) fn is_unused(&self, key: &[u64], slot: usize) -> bool {
        key[self.words + slot / 64] & bit(slot) != 0
    }

    /// A call that changes the state begins.
    pub(super) fn begin_change(&self, key: &mut [u64], slot: usize) {
        key[self.words + slot / 64] |= bit(slot);
    }

    /// A call takes effect.
    pub(super) fn take(&self, key: &mut [u64], slot: usize) {
        key[slot / 64] |= bit(slot);
        key[self.words + slot / 64] &= !bit(slot);
    }

    /// A call may be left out, and may still take effect.
    pub(super) fn release(&self, key: &mut [u64], slot: usize) {
        key[slot / 64] |= bit(slot);
    }

    /// Calls that cannot be used, as reads, take effect: whether any of them was missing.
    pub(super) fn fulfil(&self, key: &mut [u64], slots: &[u64]) -> bool {
        let was_owed = self.is_owed(key, slots);
        for (free, slots) in key[..self.words].iter_mut().zip(slots) {
            *free |= slots;
        }
        was_owed
    }

    /// The slot is given back.
    pub(super) fn clear(&self, key: &mut [u64], slot: usize) {
        key[slot / 64] &= !bit(slot);
        key[self.words + slot / 64] &= !bit(slot);
    }

    /// Unused calls of these slots may be left out from now on.
    pub(super) fn excuse(&self, key: &mut [u64], slots: &[u64]) {
        let (free, others) = key.split_at_mut(self.words);
        for ((free, unused), slots) in free.iter_mut().zip(others).zip(slots) {
            *free |= *unused & slots;
        }
    }

    /// An unused call that owes nothing is of no use any more.
    pub(super) fn forget(&self, key: &mut [u64], slot: usize) {
        let (free, unused) = key.split_at_mut(self.words);
        unused[slot / 64] &= !(free[slot / 64] & bit(slot));
    }

    /// Whether one of these calls has not taken effect, reads among them.
    pub(super) fn is_owed(&self, key: &[u64], slots: &[u64]) -> bool {
        let mut words = key[..self.words].iter().zip(slots);
        words.any(|(free, slots)| slots & !free != 0)
    }

    /// How many calls of a lane have taken effect.
    pub(super) fn spent(&self, key: &[u64], lane: usize) -> u32 {
        let (word, shift) = self.lane(lane);
        let mask = (1 << (self.lane_bits - 1)) - 1;
        ((key[word] >> shift) & mask) as u32
    }

    pub(super) fn spend(&self, key: &mut [u64], lane: usize) {
        let (word, shift) = self.lane(lane);
        key[word] += 1 << shift;
    }

    /// How much was spent of lanes does not matter that are of no use any more.
    pub(super) fn reset_lanes(&self, key: &mut [u64], useful_until: &[u32], moment: usize) {
        let per_word = 64 / self.lane_bits;
        for (word, until) in key[2 * self.words..]
            .iter_mut()
            .zip(useful_until.chunks(per_word))
        {
            if *word == 0 {
                continue;
            }
            for (place, until) in until.iter().enumerate() {
                if (*until as usize) < moment {
                    let shift = place * self.lane_bits;
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

    /// Whether a configuration can do all that another can which has the same state.
    pub(super) fn covers(&self, more: &[u64], less: &[u64]) -> bool {
        let bits = 2 * self.words;
        let has_bits = more[..bits].iter().zip(&less[..bits]);
        let spent = more[bits..].iter().zip(&less[bits..]);
        // A lane's highest bit is borrowed from if it has spent more.
        has_bits.fold(0, |missing, (more, less)| missing | (less & !more)) == 0
            && spent.fold(self.highest, |all, (more, less)| {
                all & ((less | self.highest) - more)
            }) == self.highest
    }

    /// How much is left to choose from, and how little is owed: the search prefers more.
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
