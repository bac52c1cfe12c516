//! Which of the threads that could run is next, and when.
//!
//! In a seeded order a thread that could go on sometimes lets another one run first, and sometimes it is
//! not its turn for a while, as on a busy machine: so requests overlap that a program handles in no time.

use std::collections::VecDeque;

use nix::unistd::Pid;
use rand::RngExt;
use simulator::rng::{SeededRng, substream};

use super::clock::{MICROSECOND, Ns};
use crate::Threads;

/// A node is put off for one part in so many of its time, so that it is not overloaded.
const BUSY_PART: u64 = 20;

/// Chooses among ready threads.
pub struct Schedule {
    seeded: Option<Seeded>,
}

struct Seeded {
    rng: SeededRng,
    /// One in so many stops changes the thread.
    changes: u32,
    /// One in so many calls that others could notice puts the thread off, if any does.
    delays: Option<u32>,
    /// No stop puts a thread off before this time.
    next_delay: Ns,
}

/// Whether a thread that could go on does so now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It goes on.
    Keep,
    /// Another thread may run first.
    Yield,
    /// It goes on after this time.
    Delay(Ns),
}

impl Schedule {
    pub fn new(threads: Threads, seed: u64) -> Self {
        let seeded = match threads {
            Threads::InOrder => None,
            Threads::Seeded => {
                let mut rng = substream(seed, "threads");
                // Some races need a change at one certain moment, others at many.
                let changes = [2, 4, 16, 64][rng.random_range(0..4_usize)];
                let delays = [None, Some(2), Some(8), Some(32)][rng.random_range(0..4_usize)];
                Some(Seeded {
                    rng,
                    changes,
                    delays,
                    next_delay: 0,
                })
            }
        };
        Schedule { seeded }
    }

    /// Takes the next thread.
    pub fn next(&mut self, ready: &mut VecDeque<Pid>) -> Option<Pid> {
        match &mut self.seeded {
            Some(Seeded { rng, .. }) if ready.len() > 1 => {
                ready.remove(rng.random_range(0..ready.len()))
            }
            _ => ready.pop_front(),
        }
    }

    /// Whether the thread that runs goes on at a stop. Others could notice the call that it is about
    /// to make: a write, a lock or a sleep.
    pub fn turn(&mut self, now: Ns, ready: &VecDeque<Pid>, is_noticed: bool) -> Turn {
        let Some(seeded) = &mut self.seeded else {
            return Turn::Keep;
        };
        if let Some(one_in) = seeded.delays.filter(|_| is_noticed)
            && now >= seeded.next_delay
            && seeded.rng.random_range(0..one_in) == 0
        {
            // From 10 microseconds to 80 milliseconds: short ones are as likely as long ones.
            let doublings = seeded.rng.random_range(0..13_u32);
            let time = (10 * MICROSECOND) << doublings;
            seeded.next_delay = now + time * BUSY_PART;
            return Turn::Delay(time);
        }
        if !ready.is_empty() && seeded.rng.random_range(0..seeded.changes) == 0 {
            return Turn::Yield;
        }
        Turn::Keep
    }
}
