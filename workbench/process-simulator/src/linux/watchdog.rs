//! Interrupts threads that neither wait nor look at the clock.
//!
//! A supervising thread waits in the kernel for the next stop of the node's thread that runs. If that
//! uses much processor time, or waits in a call that does not stop, a signal stops it. What counts is
//! the thread's own processor time, so that a busy machine changes nothing.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::wait::{Stop, state, wait};

/// How often the watchdog looks.
const INTERVAL: Duration = Duration::from_millis(50);

/// The processor time after which a thread is interrupted, in nanoseconds.
const MAX_COMPUTING: u64 = 200_000_000;

/// How often in a row the watchdog finds a thread waiting in the kernel before it is interrupted.
const MAX_WAITING: u32 = 4;

/// Interruptions in a row after which a thread that could go on lets virtual time pass.
const STUCK_AFTER: u32 = 10;

/// Interruptions in a row after which a node is given up.
const HOPELESS_AFTER: u32 = 50;

/// A supervising thread's view of the watchdog.
pub struct Watch {
    shared: Arc<Watched>,
    /// Interruptions since the node's threads last made progress.
    in_a_row: u32,
    /// The last stop was an interruption.
    was_interrupted: bool,
    reason: Reason,
}

#[derive(Default)]
struct Watched {
    /// The thread that runs, or 0.
    thread: AtomicI32,
    /// How often a thread was resumed.
    resumes: AtomicU64,
    is_interrupted: AtomicBool,
    reason: Mutex<Reason>,
}

/// Why a thread is interrupted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Reason {
    /// It computes.
    #[default]
    Computing,
    /// It waits in a call of this number.
    Waiting(Option<usize>),
}

impl Watch {
    pub fn new() -> Self {
        let shared = Arc::new(Watched::default());
        register(&shared);
        Watch {
            shared,
            in_a_row: 0,
            was_interrupted: false,
            reason: Reason::default(),
        }
    }

    /// Waits until a thread that was resumed stops or ends.
    pub fn wait(&mut self, thread: Pid) -> nix::Result<Stop> {
        self.shared.resumes.fetch_add(1, Ordering::Relaxed);
        self.shared.thread.store(thread.as_raw(), Ordering::Release);
        let stop = wait(thread);
        self.shared.thread.store(0, Ordering::Release);
        stop
    }

    /// Whether the last stop was an interruption.
    pub fn was_interrupted(&self) -> bool {
        self.was_interrupted
    }

    /// There is another stop. Returns whether the one before was an interruption.
    pub fn end_interruption(&mut self) -> bool {
        std::mem::take(&mut self.was_interrupted)
    }

    /// A thread has stopped by itself, so the node makes progress.
    pub fn on_progress(&mut self) {
        self.in_a_row = 0;
    }

    /// Whether the watchdog has sent the signal that stopped the thread.
    pub fn take_preemption(&mut self) -> bool {
        if !self.shared.is_interrupted.swap(false, Ordering::Acquire) {
            return false;
        }
        self.in_a_row += 1;
        self.was_interrupted = true;
        if let Ok(reason) = self.shared.reason.lock() {
            self.reason = *reason;
        }
        true
    }

    /// What the interrupted thread was doing.
    pub fn describe_preemption(&self) -> String {
        match self.reason {
            Reason::Computing => {
                "a thread computed for long without a call that stops it".to_owned()
            }
            Reason::Waiting(number) => {
                let call = number.and_then(syscalls::Sysno::new);
                let name = call.map_or("a system call", |call| call.name());
                format!("a thread waited in {name}(), which is not virtual")
            }
        }
    }

    /// How often the virtual time that passes is to be doubled.
    pub fn doublings(&self) -> u32 {
        let first = match self.reason {
            Reason::Computing => STUCK_AFTER,
            Reason::Waiting(_) => 1,
        };
        self.in_a_row.saturating_sub(first).min(10)
    }

    /// How often in a row threads were interrupted.
    pub fn preemptions(&self) -> u32 {
        self.in_a_row
    }

    /// Whether a thread makes no progress unless virtual time passes.
    pub fn is_stuck(&self) -> bool {
        self.in_a_row >= STUCK_AFTER || self.reason != Reason::Computing
    }

    /// Whether the node is given up.
    pub fn is_hopeless(&self) -> bool {
        self.in_a_row >= HOPELESS_AFTER
    }
}

/// The nodes that are watched, by one thread for all.
static WATCHED: OnceLock<Mutex<Vec<Weak<Watched>>>> = OnceLock::new();

fn register(watched: &Arc<Watched>) {
    let list = WATCHED.get_or_init(|| {
        std::thread::spawn(watch_all);
        Mutex::default()
    });
    if let Ok(mut list) = list.lock() {
        list.push(Arc::downgrade(watched));
    }
}

/// What the watchdog knows of a node's running thread.
#[derive(Default, Clone, Copy)]
struct Seen {
    resumes: u64,
    cpu: u64,
    /// How often in a row the thread was found waiting.
    waiting: u32,
}

fn watch_all() {
    let mut seen: Vec<(Weak<Watched>, Seen)> = Vec::new();
    loop {
        std::thread::sleep(INTERVAL);
        if let Some(list) = WATCHED.get()
            && let Ok(mut list) = list.lock()
        {
            seen.extend(list.drain(..).map(|it| (it, Seen::default())));
        }
        seen.retain_mut(|(watched, seen)| match watched.upgrade() {
            Some(watched) => {
                watched.check(seen);
                true
            }
            None => false,
        });
    }
}

impl Watched {
    fn check(&self, seen: &mut Seen) {
        let thread = self.thread.load(Ordering::Acquire);
        let resumes = self.resumes.load(Ordering::Relaxed);
        if thread == 0 || self.is_interrupted.load(Ordering::Relaxed) {
            return;
        }
        let file = |name: &str| {
            let path = format!("/proc/{thread}/{name}");
            fs::read_to_string(path).unwrap_or_default()
        };
        let cpu = file("schedstat")
            .split(' ')
            .next()
            .and_then(|it| it.parse().ok());
        let cpu: u64 = cpu.unwrap_or(0);
        if seen.resumes != resumes {
            *seen = Seen {
                resumes,
                cpu,
                waiting: 0,
            };
            return;
        }
        seen.waiting = match state(thread) {
            Some('S') => seen.waiting + 1,
            _ => 0,
        };
        let reason = if cpu.saturating_sub(seen.cpu) >= MAX_COMPUTING {
            Reason::Computing
        } else if seen.waiting >= MAX_WAITING {
            let call = file("syscall");
            Reason::Waiting(call.split(' ').next().and_then(|it| it.parse().ok()))
        } else {
            return;
        };
        if let Ok(mut it) = self.reason.lock() {
            *it = reason;
        }
        self.is_interrupted.store(true, Ordering::Release);
        *seen = Seen::default();
        let _ = kill(Pid::from_raw(thread), Signal::SIGSTOP);
    }
}
