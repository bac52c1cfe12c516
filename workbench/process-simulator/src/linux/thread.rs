//! A thread of a node: where it is stopped, and what it waits for.

use std::fmt;

use nix::libc::siginfo_t;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::arch::Registers;
use super::clock::{Ns, SECOND};

/// A thread of a node.
pub struct Thread {
    /// Its process, named by the process's first thread.
    pub process: Pid,
    /// Its id, as the program sees it.
    pub number: i64,
    pub state: State,
    /// The virtual time at which it stops waiting.
    pub deadline: Option<Ns>,
    /// Its registers at the entrance of its last call.
    pub at: Registers,
    /// Threads that wait for the same are released in the order of this number.
    pub arrival: u64,
    /// What is done when the current call has returned.
    pub after: Option<After>,
    /// The arguments of a long write, of which so many bytes are written.
    pub unfinished: Option<([u64; 6], u64)>,
    /// How many signals the node had when it was last looked whether any is pending here.
    pub signals: u64,
    /// Signals that it received while it made a call for the supervisor, and that were sent again.
    pub held: Vec<siginfo_t>,
    /// It is about to end, and the other threads of its process are not.
    pub is_ending: bool,
}

impl Thread {
    /// Whether it is stopped: otherwise it is in the kernel, or has ended.
    pub fn is_stopped(&self) -> bool {
        !matches!(
            self.state,
            State::Waiting(Wait::ChildProgram | Wait::OtherThreads)
        )
    }

    /// Whether it is one of the process, and at the entrance of a call.
    pub fn is_at_call(&self, process: Pid) -> bool {
        self.process == process
            && match &self.state {
                State::Ready(resume) | State::Waiting(Wait::Turn(resume)) => {
                    matches!(resume, Resume::Decide(_))
                }
                State::Waiting(_) => self.is_stopped(),
            }
    }

    /// What it does, for a person.
    pub fn describe(&self) -> String {
        let call = syscalls::Sysno::new(self.at.call() as usize).map_or("?", |call| call.name());
        let what = match &self.state {
            State::Ready(_) => "could run".to_owned(),
            State::Waiting(wait) => format!("waits in {call}() {wait}"),
        };
        match self.deadline {
            Some(at) => format!("{what}, until {:.6} s", at as f64 / SECOND as f64),
            None => what,
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::Sleep => f.write_str("for time to pass"),
            Wait::Turn(_) => f.write_str("for its turn, which the seed has put off"),
            Wait::Futex { .. } => f.write_str("for another thread: a lock, a condition or an end"),
            Wait::Lock { .. } => f.write_str("for a lock"),
            Wait::Files => f.write_str("for one of its files"),
            Wait::Readable(file) => write!(f, "for file {file} to be readable"),
            Wait::Writable(file) => write!(f, "for file {file} to be writable"),
            Wait::Child(_) => f.write_str("for the end of a child process"),
            Wait::Signal => f.write_str("for a signal"),
            Wait::ChildProgram => f.write_str("for a child process to start its program"),
            Wait::OtherThreads => f.write_str("for the ends of the other threads, as it has ended"),
        }
    }
}

/// What a thread does next.
#[derive(Debug, Clone)]
pub enum State {
    /// It runs when it is its turn.
    Ready(Resume),
    /// It waits at the entrance of a call, or inside one.
    Waiting(Wait),
}

/// How a stopped thread goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// From a stop outside a call, with a signal if there is one.
    Continue(Option<Signal>),
    /// From the entrance of a call, where it is decided whether it waits: until the deadline, if
    /// it has waited before.
    Decide(Option<Ns>),
    /// By making the call at whose entrance it is, at once: it is known not to wait now.
    Call,
    /// As if the call had returned this.
    Return(i64),
}

/// What a thread waits for. A deadline is beside it, in the thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// The deadline only.
    Sleep,
    /// The deadline, before it goes on: the seed has put it off.
    Turn(Resume),
    /// A wake of a futex.
    Futex { key: FutexKey, bits: u32 },
    /// The ownership of a futex that inherits priority.
    Lock { key: FutexKey },
    /// One of several files, by `poll`, `select` or `epoll_wait`.
    Files,
    /// A file to be readable.
    Readable(i32),
    /// A file to be writable.
    Writable(i32),
    /// The end of one of these child processes.
    Child(Children),
    /// A signal that is handled, or one of a set that is taken.
    Signal,
    /// The program that its child process, which shares its memory, is about to start.
    ChildProgram,
    /// The ends of the other threads: the first one has ended.
    OtherThreads,
}

/// Which child processes a thread waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Children {
    Any,
    One(Pid),
    /// Those of a process group, as the program sees its id.
    Group(i64),
}

/// A futex: an address in a process, or a place in a file or in shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FutexKey {
    Private {
        process: Pid,
        address: u64,
    },
    Shared {
        device: u64,
        inode: u64,
        offset: u64,
    },
}

/// What is done when a call has returned.
#[derive(Debug, Clone, Copy)]
pub enum After {
    /// The new process or thread is reported by its virtual id.
    Fork { child: Pid, number: i64 },
    /// The child process is reported by its virtual id, and is no longer a child. The arguments are
    /// the program's.
    Wait { arguments: [u64; 6], child: Pid },
    /// What was read at this address is a random UUID.
    Uuid(u64),
    /// The result is the number of a new timer's file.
    TimerFile,
    /// The arguments are the program's again.
    Arguments([u64; 6]),
    /// A call that was skipped returns this.
    Skipped { arguments: [u64; 6], result: i64 },
    /// Another part of a long write is made; so many bytes of it were written before.
    Write { arguments: [u64; 6], done: u64 },
}
