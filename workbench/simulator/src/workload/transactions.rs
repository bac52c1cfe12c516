//! Random transactions over a pool of keys, the newer ones more popular. After a number of writes a
//! new key replaces the old one: checkers work key by key, and keys with long histories are
//! expensive to check.

use rand::{Rng, RngExt};

use crate::rng::SeededRng;

/// Parameters of random transactions: Maelstrom's flags of the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxnParams {
    /// The number of keys in use at a time; at least 1.
    pub key_count: u32,
    /// The maximum number of micro-operations in a transaction; at least 1.
    pub max_txn_length: u32,
    /// The number of writes to a key before it is replaced; at least 1.
    pub max_writes_per_key: u64,
}

impl Default for TxnParams {
    fn default() -> Self {
        TxnParams {
            key_count: 10,
            max_txn_length: 4,
            max_writes_per_key: 16,
        }
    }
}

/// A micro-operation of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MicroOp {
    Read { key: u64 },
    Write { key: u64, value: u64 },
}

impl MicroOp {
    pub(super) fn key(self) -> u64 {
        match self {
            MicroOp::Read { key } | MicroOp::Write { key, .. } => key,
        }
    }
}

/// Generates random transactions.
#[derive(Debug)]
pub(super) struct Transactions {
    params: TxnParams,
    /// The keys in use, the most popular last, each with its last value.
    keys: Vec<(u64, u64)>,
    next_key: u64,
}

impl Transactions {
    pub(super) fn new(params: TxnParams) -> Self {
        let next_key = u64::from(params.key_count);
        Transactions {
            params,
            keys: (0..next_key).map(|key| (key, 0)).collect(),
            next_key,
        }
    }

    pub(super) fn next(&mut self, rng: &mut SeededRng) -> Vec<MicroOp> {
        let length = rng.random_range(1..=self.params.max_txn_length);
        (0..length).map(|_| self.micro_op(rng)).collect()
    }

    fn micro_op(&mut self, rng: &mut SeededRng) -> MicroOp {
        loop {
            let reads = rng.random::<bool>();
            let index = self.draw_index(rng);
            let (key, value) = &mut self.keys[index];
            if reads {
                return MicroOp::Read { key: *key };
            }
            if *value < self.params.max_writes_per_key {
                *value += 1;
                return MicroOp::Write {
                    key: *key,
                    value: *value,
                };
            }
            self.keys[index] = (self.next_key, 0);
            self.next_key += 1;
        }
    }

    /// Draws an index into the pool, each twice as likely as the one before it: a coin is tossed
    /// from the last one down, and again from the last one if it passes the first.
    fn draw_index(&self, rng: &mut SeededRng) -> usize {
        loop {
            let tails = rng.next_u64().trailing_zeros() as usize;
            if let Some(index) = self.keys.len().checked_sub(1 + tails) {
                return index;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::rng::seeded;

    fn micro_ops(params: TxnParams, transactions: usize) -> Vec<Vec<MicroOp>> {
        let (mut source, mut rng) = (Transactions::new(params), seeded(1));
        (0..transactions).map(|_| source.next(&mut rng)).collect()
    }

    #[test]
    fn lengths_are_uniform_and_half_of_all_micro_operations_write() {
        let drawn = micro_ops(TxnParams::default(), 40_000);
        let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
        for transaction in &drawn {
            *lengths.entry(transaction.len()).or_default() += 1;
        }
        assert!(lengths.keys().copied().eq(1..=4));
        assert!(
            lengths.values().all(|it| (9_500..10_500).contains(it)),
            "{lengths:?}"
        );
        let all: Vec<_> = drawn.concat();
        let writes = all.iter().filter(|it| matches!(it, MicroOp::Write { .. }));
        let share = writes.count() as f64 / all.len() as f64;
        assert!((0.48..0.52).contains(&share), "{share}");
    }

    #[test]
    fn each_index_is_twice_as_popular_as_the_one_before() {
        let params = TxnParams {
            key_count: 4,
            max_writes_per_key: u64::MAX,
            ..TxnParams::default()
        };
        let mut counts = [0_u32; 4];
        for micro_op in micro_ops(params, 60_000).concat() {
            counts[micro_op.key() as usize] += 1;
        }
        let total: u32 = counts.iter().sum();
        for (index, count) in counts.into_iter().enumerate() {
            let expected = f64::from(total) * f64::from(1 << index) / 15.0;
            let off = f64::from(count) / expected;
            assert!((0.95..1.05).contains(&off), "{counts:?}");
        }
    }

    #[test]
    fn values_count_from_one_and_the_next_number_replaces_a_full_key() {
        let params = TxnParams {
            key_count: 3,
            max_writes_per_key: 2,
            ..TxnParams::default()
        };
        let mut written: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for micro_op in micro_ops(params, 1_000).concat() {
            seen.insert(micro_op.key());
            if let MicroOp::Write { key, value } = micro_op {
                written.entry(key).or_default().push(value);
            }
        }
        assert!(written.len() > 100);
        assert!(
            written
                .values()
                .all(|values| [&[1][..], &[1, 2]].contains(&&values[..]))
        );
        assert_eq!(seen.len() as u64, 1 + seen.last().unwrap());
    }

    #[test]
    fn one_key_is_enough() {
        let params = TxnParams {
            key_count: 1,
            max_txn_length: 1,
            max_writes_per_key: 1,
        };
        let keys = micro_ops(params, 100).concat();
        assert!(keys.iter().any(|it| it.key() > 10));
    }
}
