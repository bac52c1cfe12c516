//! Unmodified programs as the nodes of a simulation.
//!
//! A program runs under ptrace, with a filter that stops it at the calls that look at a clock, may wait,
//! or draw random numbers. One of its threads runs at a time, and none waits in such a call: it is
//! stopped before it until what it waits for is there or its virtual deadline has come. So the same seed
//! gives the same run, in any language, and a second of sleep costs nothing. Computing takes no virtual
//! time.
//!
//! Not virtual, and reported when a node meets them: sockets other than pairs, calls that wait for
//! something else (locks of files, say), `signalfd`, stops by SIGSTOP. Not virtual, and not seen: what
//! `/proc` shows of processes and of the machine, the dates of files, files that others change, and
//! instructions that draw random numbers (RDRAND).

use std::ffi::OsString;
use std::path::PathBuf;

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod host;
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
#[path = "unsupported.rs"]
mod host;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod linux;

use std::fmt::Display;

pub use host::{check, factory};

/// A program, and how it is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its working directory.
    pub folder: PathBuf,
}

/// Which of the threads of a node that could run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Threads {
    /// Each runs until it waits, but not for ever; then the one that has been ready for longest.
    #[default]
    InOrder,
    /// At every stop the seed decides.
    Seeded,
}

/// Why programs cannot be simulated on this system, and what to do.
fn refusal(why: impl Display) -> anyhow::Error {
    anyhow::anyhow!(
        "programs cannot be simulated here: {why}\n\
         This needs Linux on x86-64 or aarch64, with ptrace and filters of system calls (seccomp). In a \
         container they may have to be allowed: docker run --cap-add=SYS_PTRACE --security-opt \
         seccomp=unconfined; gVisor has neither. A live run, without --simulate, works everywhere."
    )
}
