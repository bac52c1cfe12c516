//! Seeded random numbers. All random choices of a run derive from one seed, so that a run can be
//! repeated. Each purpose draws from a substream of its own: one more message on the network must
//! not change the partitions, or no two runs could be compared.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// A portable generator: the same seed gives the same numbers on every machine.
///
/// Draw `u32`, `u64`, `i64` or `f64` from it, never `usize`, whose width differs by machine.
pub type SeededRng = ChaCha8Rng;

/// Makes the generator of a seed.
pub fn seeded(seed: u64) -> SeededRng {
    SeededRng::seed_from_u64(seed)
}

/// Makes the generator of a seed for one purpose, such as `network`, `n3` or
/// `n3 life 1`. Purposes are hashed: a new name for one changes the run of every seed.
///
/// One cipher key per seed, one of its 2⁶⁴ streams per purpose: the numbers of different purposes
/// are independent.
pub fn substream(seed: u64, purpose: &str) -> SeededRng {
    let mut rng = seeded(seed);
    rng.set_stream(fnv1a(purpose.as_bytes()));
    rng
}

/// FNV-1a with 64 bits: small, and the same everywhere, which `std`'s hashers do not guarantee.
fn fnv1a(bytes: &[u8]) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(BASIS, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::RngExt;

    use super::{SeededRng, fnv1a, seeded, substream};

    fn draws(mut rng: SeededRng) -> [u64; 4] {
        std::array::from_fn(|_| rng.random_range(0..1_000_000_u64))
    }

    #[test]
    fn numbers_stay_the_same_on_every_machine_and_with_every_release() {
        assert_eq!(draws(seeded(7)), [157_796, 167_989, 704_276, 726_741]);
        assert_eq!(
            draws(substream(7, "network")),
            [984_380, 331_031, 116_598, 527_405]
        );
    }

    #[test]
    fn every_seed_and_purpose_has_numbers_of_its_own() {
        let mut seen = BTreeSet::new();
        for seed in 0..50 {
            assert!(seen.insert(draws(seeded(seed))));
            for purpose in ["", "network", "nemesis", "generator", "node n0", "node n1"] {
                assert!(
                    seen.insert(draws(substream(seed, purpose))),
                    "{seed} {purpose}"
                );
            }
        }
    }

    #[test]
    fn the_hash_agrees_with_its_published_test_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
