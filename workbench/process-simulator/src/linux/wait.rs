//! Waits for traced threads, and what is learned of them.

use std::fmt;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;
use rustix::process::{self, WaitOptions, WaitStatus};

/// What has happened to a traced thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It is at the entrance or the exit of a call.
    Call,
    /// It is stopped at one of ptrace's events.
    Event(i32),
    /// A signal has stopped its process as a job.
    Job,
    /// It is about to receive a signal.
    Signal(i32),
    /// It has ended, with this status.
    Exited(i32),
    /// A signal has ended it.
    Killed(i32),
    /// It is unknown: it has ended earlier.
    Gone,
}

impl Stop {
    /// Whether it was the last of the thread.
    pub fn is_end(self) -> bool {
        matches!(self, Stop::Exited(_) | Stop::Killed(_) | Stop::Gone)
    }

    fn of(status: WaitStatus) -> Self {
        const AT_A_CALL: i32 = libc::SIGTRAP | 0x80;
        if let Some(status) = status.exit_status() {
            return Stop::Exited(status);
        }
        if let Some(signal) = status.terminating_signal() {
            return Stop::Killed(signal);
        }
        match (status.as_raw() >> 16, status.stopping_signal().unwrap_or(0)) {
            (0, AT_A_CALL) => Stop::Call,
            (0, signal) => Stop::Signal(signal),
            (libc::PTRACE_EVENT_STOP, signal) if signal != libc::SIGTRAP => Stop::Job,
            (event, _) => Stop::Event(event),
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Exited(status) => write!(f, "exit status: {status}"),
            Stop::Killed(signal) => {
                let name = nix::sys::signal::Signal::try_from(*signal);
                let name = name.map_or("real-time", |it| it.as_str());
                write!(f, "signal: {signal} ({name})")
            }
            other => write!(f, "{other:?}"),
        }
    }
}

/// Waits for the next stop of a thread, or its end.
pub fn wait(id: Pid) -> nix::Result<Stop> {
    loop {
        match wait_with(id, WaitOptions::empty()) {
            Ok(Some(stop)) => return Ok(stop),
            Ok(None) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// A stop of a thread that has happened already.
pub fn try_wait(id: Pid) -> nix::Result<Option<Stop>> {
    wait_with(id, WaitOptions::NOHANG)
}

/// Waits for the stop of a process as a job.
pub fn wait_for_job(id: Pid) -> nix::Result<()> {
    wait_with(id, WaitOptions::UNTRACED).map(drop)
}

fn wait_with(id: Pid, options: WaitOptions) -> nix::Result<Option<Stop>> {
    // Threads, too, and not only child processes.
    let all = WaitOptions::from_bits_retain(libc::__WALL as u32);
    let waited = process::waitpid(process::Pid::from_raw(id.as_raw()), options | all);
    let waited = waited.map_err(|error| Errno::from_raw(error.raw_os_error()))?;
    Ok(waited.map(|(_, status)| Stop::of(status)))
}

/// Waits until all of some threads are in a state, but not for ever.
pub fn wait_for_state(ids: &[Pid], meant: char) {
    const MAX_LOOKS: u32 = 10_000;
    for _ in 0..MAX_LOOKS {
        if ids
            .iter()
            .all(|it| state(it.as_raw()).is_none_or(|it| it == meant))
        {
            break;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// The state of a thread or process, as in `/proc/ID/stat`: `S` waits, `T` is stopped.
pub fn state(id: i32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // A name may have any characters, but is in brackets.
    stat.rsplit(") ").next()?.chars().next()
}
