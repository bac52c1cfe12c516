//! Which of the threads that could run is next.

use std::collections::VecDeque;

use nix::unistd::Pid;
use rand::RngExt;
use simulator::rng::{SeededRng, substream};

use crate::Threads;

/// Chooses among ready threads.
pub struct Schedule {
    /// The random numbers of a seeded order, and one in how many stops changes the thread.
    seeded: Option<(SeededRng, u32)>,
}

impl Schedule {
    pub fn new(threads: Threads, seed: u64) -> Self {
        let seeded = match threads {
            Threads::InOrder => None,
            Threads::Seeded => {
                let mut rng = substream(seed, "threads");
                // Some races need a change at one certain moment, others at many.
                let one_in = [2, 4, 16, 64][rng.random_range(0..4_usize)];
                Some((rng, one_in))
            }
        };
        Schedule { seeded }
    }

    /// Takes the next thread.
    pub fn next(&mut self, ready: &mut VecDeque<Pid>) -> Option<Pid> {
        match &mut self.seeded {
            Some((rng, _)) if ready.len() > 1 => ready.remove(rng.random_range(0..ready.len())),
            _ => ready.pop_front(),
        }
    }

    /// Whether a thread that could go on lets another one run first.
    pub fn yields(&mut self, ready: &VecDeque<Pid>) -> bool {
        match &mut self.seeded {
            Some((rng, one_in)) if !ready.is_empty() => rng.random_range(0..*one_in) == 0,
            _ => false,
        }
    }
}
