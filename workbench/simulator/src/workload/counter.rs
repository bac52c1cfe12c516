//! g-counter and pn-counter: a number that only grows, or that grows and shrinks.

use rand::RngExt;

use super::add_read::Client;
use super::final_reads::differing_reads;
use super::{FinalStep, Invocation, OnceEach, Session, Turn, Workload};
use crate::rng::SeededRng;
use crate::rpc::{Field, FieldType, Rpc};
use checkers::WorkloadVerdict;
use history::{History, Op};

static ADD: Rpc = Rpc {
    request: "add",
    meaning: "Adds a number to the counter.",
    arguments: &[Field::new(
        "delta",
        FieldType::Integer,
        "3",
        "the number; never negative in g-counter",
    )],
    response: "add_ok",
    response_fields: &[],
};
static READ: Rpc = Rpc {
    request: "read",
    meaning: "Reads the counter's value. After convergence it must include all additions.",
    arguments: &[],
    response: "read_ok",
    response_fields: &[Field::new(
        "value",
        FieldType::Integer,
        "10",
        "the sum of all additions that the node has received",
    )],
};

/// The directions of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// It only grows.
    Up,
    /// It goes up and down.
    Both,
}

/// The workload: reads and additions of −5 to 4, half and half, but an addition that the counter
/// does not allow is drawn again; at the end each worker reads once.
#[derive(Debug)]
pub(super) struct Counter {
    direction: Direction,
    final_reads: OnceEach,
}

impl Counter {
    pub(super) fn new(direction: Direction) -> Self {
        Counter {
            direction,
            final_reads: OnceEach::default(),
        }
    }
}

impl Workload for Counter {
    fn name(&self) -> &'static str {
        match self.direction {
            Direction::Up => "g-counter",
            Direction::Both => "pn-counter",
        }
    }

    fn operations(&self) -> &'static [&'static str] {
        &["add", "read"]
    }

    fn next(&mut self, _: Turn, rng: &mut SeededRng) -> Invocation {
        loop {
            if rng.random::<bool>() {
                return Invocation::new("read", history::null());
            }
            let delta = rng.random_range(-5..5_i64);
            if delta >= 0 || self.direction == Direction::Both {
                return Invocation::new("add", history::json(&delta));
            }
        }
    }

    fn has_final_phase(&self) -> bool {
        true
    }

    fn next_final(&mut self, turn: Turn, _: &mut SeededRng) -> FinalStep {
        self.final_reads.next(turn, Invocation::final_read)
    }

    fn requests(&self) -> Vec<&'static Rpc> {
        vec![&ADD, &READ]
    }

    fn session(&self) -> Box<dyn Session> {
        Box::new(Client {
            add: &ADD,
            argument: "delta",
            read: &READ,
        })
    }

    fn interprets_errors(&self) -> bool {
        false
    }

    fn check(&self, history: &History) -> WorkloadVerdict {
        checkers::counter(history).into()
    }

    fn unconverged(&self, _: &History, reads: &[&Op]) -> Vec<String> {
        differing_reads(reads)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::rng::seeded;

    /// The number of times that each delta, or `None` for a read, is drawn in `count` operations.
    fn drawn(direction: Direction, count: usize) -> BTreeMap<Option<i64>, usize> {
        let (mut counter, mut rng) = (Counter::new(direction), seeded(1));
        let turn = Turn {
            worker: 0,
            workers: 1,
            nodes: 1,
            at: Duration::ZERO,
        };
        let mut drawn = BTreeMap::new();
        for _ in 0..count {
            let operation = counter.next(turn, &mut rng);
            *drawn.entry(operation.value.get().parse().ok()).or_default() += 1;
        }
        drawn
    }

    #[test]
    fn a_g_counter_adds_in_a_third_of_its_operations_and_never_a_negative_number() {
        let drawn = drawn(Direction::Up, 30_000);
        assert!(drawn.keys().flatten().copied().eq(0..5));
        assert!((19_500..20_500).contains(&drawn[&None]), "{drawn:?}");
    }

    #[test]
    fn a_pn_counter_adds_minus_five_to_four_in_half_of_its_operations() {
        let drawn = drawn(Direction::Both, 30_000);
        assert!(drawn.keys().flatten().copied().eq(-5..5));
        assert!((14_500..15_500).contains(&drawn[&None]), "{drawn:?}");
    }
}
