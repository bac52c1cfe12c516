//! A set of small numbers; the first 64 take no memory of their own.

/// The set. Two sets of the same numbers are equal, whatever was in them before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Bits {
    first: u64,
    /// Without zeros at its end.
    others: Vec<u64>,
}

impl Bits {
    pub(super) fn contains(&self, number: usize) -> bool {
        let word = match number / 64 {
            0 => Some(&self.first),
            word => self.others.get(word - 1),
        };
        word.is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    pub(super) fn insert(&mut self, number: usize) {
        let word = number / 64;
        if word == 0 {
            self.first |= 1 << number;
            return;
        }
        if self.others.len() < word {
            self.others.resize(word, 0);
        }
        self.others[word - 1] |= 1 << (number % 64);
    }

    pub(super) fn remove(&mut self, number: usize) {
        let mask = !(1 << (number % 64));
        match number / 64 {
            0 => self.first &= mask,
            word => {
                if let Some(word) = self.others.get_mut(word - 1) {
                    *word &= mask;
                }
                while self.others.last() == Some(&0) {
                    self.others.pop();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn what_was_put_in_is_there_until_it_is_taken_out() {
        let mut bits = Bits::default();
        for number in [0, 63, 64, 200] {
            assert!(!bits.contains(number));
            bits.insert(number);
            assert!(bits.contains(number) && !bits.contains(number + 1));
        }
        for number in [200, 5, 63, 64, 300, 0] {
            bits.remove(number);
            assert!(!bits.contains(number));
        }
        assert_eq!(bits, Bits::default());
    }
}
