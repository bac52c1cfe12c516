//! Keeps a supervising thread and its nodes on one processor.
//!
//! They never run at the same time, so a change from one to the other is then only a switch of
//! threads. And a program that sees one processor starts fewer threads.

use std::cell::{Cell, OnceCell};
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// As long as one exists, the current thread, and the processes that it starts, stay on one processor.
pub struct Pin(());

thread_local! {
    /// How many pins the thread has.
    static PINS: Cell<usize> = const { Cell::new(0) };
    /// Where it was allowed to run before.
    static BEFORE: Cell<Option<CpuSet>> = const { Cell::new(None) };
    /// Its number among the threads that ever had a pin.
    static NUMBER: OnceCell<usize> = const { OnceCell::new() };
}

/// The number of threads that ever had a pin.
static THREADS: AtomicUsize = AtomicUsize::new(0);

const CURRENT: Pid = Pid::from_raw(0);

impl Pin {
    pub fn new() -> Self {
        if PINS.replace(PINS.get() + 1) == 0 {
            BEFORE.set(sched_getaffinity(CURRENT).ok());
            // It is slower without.
            let _ = pin();
        }
        Pin(())
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        PINS.set(PINS.get() - 1);
        if PINS.get() == 0
            && let Some(before) = BEFORE.take()
        {
            let _ = sched_setaffinity(CURRENT, &before);
        }
    }
}

fn pin() -> nix::Result<()> {
    let allowed = sched_getaffinity(CURRENT)?;
    let allowed = (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false));
    let allowed: Vec<usize> = allowed.collect();
    let number = NUMBER.with(|it| *it.get_or_init(|| THREADS.fetch_add(1, Ordering::Relaxed)));
    let mut one = CpuSet::new();
    one.set(
        allowed
            .get(number % allowed.len().max(1))
            .copied()
            .unwrap_or(0),
    )?;
    sched_setaffinity(CURRENT, &one)
}
