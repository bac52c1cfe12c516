//! Maps from the numbers of keys and elements.
//!
//! They are looked up for each micro-operation, and the standard hash function would take a good
//! part of a check. This one mixes 64 bits by the finalizer of SplitMix64 (Steele, Lea and Flood,
//! "Fast Splittable Pseudorandom Number Generators" (2014)): different pairs never have the same
//! hash.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map from 32-bit numbers, or from pairs of them.
pub(super) type NumberMap<K, T> = HashMap<K, T, BuildHasherDefault<NumberHasher>>;

/// The hash of one or two numbers.
#[derive(Debug, Default)]
pub(super) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = self.0.rotate_left(32) ^ u64::from(number);
    }

    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher, BuildHasherDefault};

    use super::NumberHasher;

    #[test]
    fn different_pairs_have_different_hashes() {
        let hasher = BuildHasherDefault::<NumberHasher>::default();
        let pairs = (0..300_u32).flat_map(|one| (0..300_u32).map(move |other| (one, other)));
        let hashes: HashSet<u64> = pairs.map(|pair| hasher.hash_one(pair)).collect();
        assert_eq!(hashes.len(), 300 * 300);
    }
}
