//! Ctrl-C, SIGTERM and SIGHUP: the first one sets a flag, so that what is being done ends early and
//! is judged; the second one ends the bench at once, as if it handled none.
//!
//! On systems other than Unix the first one ends the bench.

#[cfg(unix)]
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Signals that come so soon after the first one are the same one: `timeout` sends it to the process
/// and to its group, and some wrappers pass on what a terminal has sent to all.
#[cfg(unix)]
const SAME_SIGNAL: std::time::Duration = std::time::Duration::from_millis(100);

/// Whether the user wants what is being done to end early.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// The signal's number, or 0.
    signal: AtomicI32,
    /// Already the first signal ends the bench.
    ends_at_once: AtomicBool,
}

impl Interrupt {
    /// Handles signals from now on. The first one prints a line that says `what` happens then.
    ///
    /// # Errors
    /// When the system does not allow it.
    #[cfg(unix)]
    pub fn watch(what: &'static str) -> io::Result<Self> {
        let handled = [SIGINT, SIGTERM, SIGHUP].into_iter();
        let handled = handled.filter(|signal| !is_ignored(*signal));
        let mut signals = signal_hook::iterator::Signals::new(handled)?;
        let interrupt = Interrupt::default();
        let shared = interrupt.clone();
        std::thread::spawn(move || {
            let mut first: Option<std::time::Instant> = None;
            for signal in signals.forever() {
                match first {
                    None if !shared.0.ends_at_once.load(Ordering::Relaxed) => {
                        first = Some(std::time::Instant::now());
                        shared.set(signal);
                        // It waits if stderr is a full pipe; the second signal must not.
                        let _ = std::thread::Builder::new().spawn(move || print(what));
                    }
                    Some(first) if first.elapsed() < SAME_SIGNAL => {}
                    _ => drop(signal_hook::low_level::emulate_default_handler(signal)),
                }
            }
        });
        Ok(interrupt)
    }

    /// Handles no signals: the first one ends the bench.
    ///
    /// # Errors
    /// Never.
    #[cfg(not(unix))]
    pub fn watch(_what: &'static str) -> std::io::Result<Self> {
        Ok(Interrupt::default())
    }

    /// Whether there was a signal.
    pub fn is_set(&self) -> bool {
        self.0.signal.load(Ordering::Relaxed) != 0
    }

    /// The exit status of a command that a signal has ended, as shells count it: 128 and its number.
    pub fn exit_status(&self) -> Option<u8> {
        let signal = self.0.signal.load(Ordering::Relaxed);
        (signal != 0).then(|| 128 + u8::try_from(signal).unwrap_or(0))
    }

    /// Acts as if this signal had come.
    pub fn set(&self, signal: i32) {
        self.0.signal.store(signal, Ordering::Relaxed);
    }

    /// Does what does not look at the flag, such as waiting for the user: meanwhile already the first
    /// signal ends the bench.
    pub fn at_once<T>(&self, act: impl FnOnce() -> T) -> T {
        self.0.ends_at_once.store(true, Ordering::Relaxed);
        let done = act();
        self.0.ends_at_once.store(false, Ordering::Relaxed);
        done
    }
}

/// Ignores the signals that a bench handles.
#[cfg(unix)]
pub fn ignore() {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let _ = signal_hook::flag::register(signal, Arc::default());
    }
}

/// Whether this process was started with the signal ignored, as by `nohup`: it stays so. Only Linux
/// says it without unsafe code.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    ignored.unwrap_or(0) >> (signal - 1) & 1 == 1
}

/// Prints the line about the first signal. On a terminal it begins a new line, as `^C` stands on this one.
#[cfg(unix)]
fn print(what: &str) {
    use std::io::{IsTerminal, Write};
    let mut stderr = io::stderr().lock();
    let start = if stderr.is_terminal() { "\n" } else { "" };
    let _ = writeln!(stderr, "{start}interrupted: {what}; again to stop at once");
}
