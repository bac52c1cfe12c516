//! One incarnation of a node: its processes and their threads, of which one runs at a time.
//!
//! No call that the filter knows waits in the kernel. A thread whose call would wait is stopped at the
//! call's entrance until what it waits for is there, or its virtual deadline has come. So the order of
//! the threads is the node's alone, and a node whose threads all wait is at rest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::RngExt;
use simulator::rng::{SeededRng, substream};

use super::arch::Registers;
use super::clock::{Clock, MILLISECOND, Ns};
use super::core_file;
use super::launch::launch;
use super::pin::Pin;
use super::pipes::Pipes;
use super::processes::{Process, reap};
use super::schedule::Schedule;
use super::thread::{Resume, State, Thread, Wait};
use super::watchdog::Watch;
use crate::{Program, Threads};

/// How far a node that does not rest may get ahead of the run before others have their turn.
const SLICE: Ns = MILLISECOND;

/// After how many turns of threads those are woken that need not wait any longer.
const TURNS: u32 = 32;

/// The ids that a program sees begin above those of the system, which end at 4 194 304.
pub const FIRST_ID: i64 = 5_000_000;

/// One incarnation of a node.
pub struct Node {
    _pin: Pin,
    child: Child,
    pub(super) main: Pid,
    pub(super) pipes: Pipes,
    pub(super) threads: BTreeMap<Pid, Thread>,
    /// The threads in the order in which they were created.
    pub(super) order: Vec<Pid>,
    pub(super) ready: VecDeque<Pid>,
    /// Threads that receive a signal of their process before another thread can.
    pub(super) urgent: VecDeque<Pid>,
    pub(super) processes: BTreeMap<Pid, Process>,
    pub(super) clock: Clock,
    pub(super) schedule: Schedule,
    /// Random numbers that the program draws.
    pub(super) rng: SeededRng,
    pub(super) first_id: i64,
    pub(super) next_id: i64,
    pub(super) arrivals: u64,
    pub(super) watch: Watch,
    /// How many signals were sent among its threads.
    pub(super) signals: u64,
    /// How its first process has ended.
    pub(super) end: Option<String>,
    /// When others have their turn.
    pub(super) slice_end: Ns,
    /// It has used its slice without coming to rest.
    is_busy: bool,
    /// What another run of the same seed may do otherwise, and what of it has been reported.
    pub(super) nondeterminism: BTreeSet<String>,
    pub(super) unreported: Vec<String>,
}

impl Node {
    /// Starts a program, which does not run yet.
    ///
    /// # Errors
    /// When it cannot be started, or the system does not allow to control it.
    pub fn start(program: &Program, threads: Threads, seed: u64) -> anyhow::Result<Self> {
        let pin = Pin::new();
        let (pipes, files) = Pipes::new().context("pipes")?;
        let launched = launch(program, files)?;
        let mut ids = substream(seed, "ids");
        let first_id = FIRST_ID + 1000 * ids.random_range(0..1_000_000_i64);
        let mut node = Node {
            _pin: pin,
            child: launched.child,
            main: launched.pid,
            pipes,
            threads: BTreeMap::new(),
            order: Vec::new(),
            ready: VecDeque::new(),
            urgent: VecDeque::new(),
            processes: BTreeMap::new(),
            clock: Clock::default(),
            schedule: Schedule::new(threads, seed),
            rng: substream(seed, "random"),
            first_id,
            next_id: first_id,
            arrivals: 0,
            watch: Watch::new(),
            signals: 0,
            end: None,
            slice_end: 0,
            is_busy: true,
            nondeterminism: BTreeSet::new(),
            unreported: Vec::new(),
        };
        node.add_process(node.main, None)?;
        node.add_thread(node.main, node.main)?;
        node.on_program(node.main)?;
        if !launched.has_fixed_addresses {
            node.note("addresses differ from run to run, as personality() is not allowed here");
        }
        Ok(node)
    }

    pub(super) fn add_thread(&mut self, thread: Pid, process: Pid) -> nix::Result<()> {
        let number = self.next_id;
        self.next_id += 1;
        let it = Thread {
            process,
            number,
            state: State::Ready(Resume::Continue(None)),
            deadline: None,
            at: Registers::read(thread)?,
            arrival: 0,
            after: None,
            unfinished: None,
            signals: self.signals,
            held: Vec::new(),
            is_ending: false,
        };
        self.threads.insert(thread, it);
        self.order.push(thread);
        self.ready.push_back(thread);
        Ok(())
    }

    /// Whether the system allows to look at its files.
    pub fn shows_files(&self) -> bool {
        self.duplicate(self.main, 0).is_some()
    }

    /// Something that another run of the same seed may do otherwise.
    pub(super) fn note(&mut self, what: impl Into<String>) {
        let what = what.into();
        if self.nondeterminism.insert(what.clone()) {
            self.unreported.push(what);
        }
    }

    /// Moves out what was noted since the last call.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unreported)
    }

    /// How its first process has ended, if it has.
    pub fn end(&self) -> Option<&str> {
        self.end.as_deref()
    }

    /// The time of its next event.
    pub fn deadline(&self) -> Option<Ns> {
        if self.is_busy {
            return Some(self.clock.now);
        }
        let threads = self.threads.values().filter_map(|thread| thread.deadline);
        let timers = self.processes.values().filter_map(Process::next_timer);
        threads.chain(timers).min()
    }

    /// Its standard files.
    pub fn pipes(&mut self) -> &mut Pipes {
        &mut self.pipes
    }

    /// Runs its threads until all of them wait, or its slice of time is used up. A node that is busy
    /// until later goes on then.
    pub fn run(&mut self, now: Ns) {
        if self.is_busy && self.clock.now > now {
            return;
        }
        self.clock.pass(now);
        self.slice_end = self.clock.now + SLICE;
        if let Err(error) = self.run_slice()
            && self.end.is_none()
        {
            self.end = Some(format!("it cannot be controlled any more: {error:#}"));
        }
    }

    fn run_slice(&mut self) -> anyhow::Result<()> {
        self.is_busy = false;
        let mut turns = 0;
        while self.end.is_none() {
            // Now and then also if a thread is ready: the others must not wait for one that spins.
            if turns % TURNS == 0 || self.ready.is_empty() {
                self.fire_timers()?;
                self.pipes.fill_input();
                self.wake_threads()?;
            }
            let urgent = self.urgent.pop_front();
            let Some(thread) = urgent.or_else(|| self.schedule.next(&mut self.ready)) else {
                return Ok(());
            };
            self.run_thread(thread)?;
            if self.end.is_none() {
                self.end = self.pipes.flood(self.clock.now);
            }
            turns += 1;
            if self.clock.now >= self.slice_end && !self.ready.is_empty() {
                self.is_busy = true;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Makes the threads ready whose deadline has come or whose wait is over, in the order of their
    /// creation; but only one of those that wait for files, since it may empty them.
    fn wake_threads(&mut self) -> nix::Result<()> {
        let mut may_use_files = true;
        for index in 0..self.order.len() {
            let id = self.order[index];
            let Some(thread) = self.threads.get(&id) else {
                continue;
            };
            let State::Waiting(wait) = &thread.state else {
                continue;
            };
            let is_due = thread.deadline.is_some_and(|at| at <= self.clock.now);
            let resume = match wait.clone() {
                Wait::Files | Wait::Readable(_) | Wait::Writable(_) if may_use_files || is_due => {
                    match self.poll_waiting(id, is_due) {
                        // It has ended; that is found when it is its turn.
                        Err(Errno::ESRCH) => Some(Resume::Decide(None)),
                        Err(error) => Some(Resume::Return(super::memory::failed(error))),
                        Ok(resume) => resume,
                    }
                }
                Wait::Sleep if is_due => Some(Resume::Return(0)),
                Wait::Turn(resume) if is_due => Some(resume),
                Wait::Futex { .. } | Wait::Lock { .. } if is_due => {
                    Some(Resume::Return(super::memory::failed(Errno::ETIMEDOUT)))
                }
                Wait::Signal if is_due => {
                    Some(Resume::Return(super::memory::failed(Errno::EAGAIN)))
                }
                Wait::Child(children) if self.has_ended_child(id, children) => {
                    Some(Resume::Decide(None))
                }
                _ => None,
            };
            if let Some(resume) = resume {
                if !is_due && !matches!(resume, Resume::Return(_)) {
                    may_use_files = false;
                }
                self.make_ready(id, resume);
            }
        }
        Ok(())
    }

    /// Lets a thread run when it is its turn.
    pub(super) fn make_ready(&mut self, thread: Pid, resume: Resume) {
        if let Some(it) = self.threads.get_mut(&thread) {
            it.state = State::Ready(resume);
            it.deadline = None;
            self.ready.push_back(thread);
        }
    }

    /// Lets a thread wait.
    pub(super) fn park(&mut self, thread: Pid, wait: Wait, deadline: Option<Ns>) {
        self.arrivals += 1;
        if let Some(it) = self.threads.get_mut(&thread) {
            it.state = State::Waiting(wait);
            it.deadline = deadline;
            it.arrival = self.arrivals;
        }
    }

    /// Threads of which `is_meant` is true, in the order in which they began to wait.
    pub(super) fn waiting(&self, is_meant: impl Fn(&Thread, &Wait) -> bool) -> Vec<Pid> {
        let waiting = self
            .threads
            .iter()
            .filter_map(|(id, thread)| match &thread.state {
                State::Waiting(wait) if is_meant(thread, wait) => Some((thread.arrival, *id)),
                State::Waiting(_) | State::Ready(_) => None,
            });
        let mut waiting: Vec<(u64, Pid)> = waiting.collect();
        waiting.sort_unstable();
        waiting.into_iter().map(|(_, id)| id).collect()
    }

    /// Its processes, and what each of their threads waits for.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        for process in self.processes.keys() {
            let name = std::fs::read_to_string(format!("/proc/{process}/comm"));
            let name = name.unwrap_or_default();
            text.push_str(&format!("process {process}, {}:\n", name.trim()));
            let threads = self.threads.iter();
            for (id, thread) in threads.filter(|(_, thread)| thread.process == *process) {
                text.push_str(&format!("  thread {id} {}\n", thread.describe()));
            }
        }
        text
    }
}

impl Node {
    /// Writes a core file of each of its processes. Returns the files.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn dump(&self, folder: &Path, name: &str) -> std::io::Result<Vec<PathBuf>> {
        let dump = |process: &Pid| {
            let path = folder.join(format!("{name}-{process}.core"));
            // The first thread of a core file is the one that debuggers show first.
            let is_its =
                |id: &&Pid| self.threads[id].process == *process && self.threads[id].is_stopped();
            let threads: Vec<Pid> = self.order.iter().filter(is_its).copied().collect();
            core_file::write(*process, &threads, &path).map(|()| path)
        };
        self.processes.keys().map(dump).collect()
    }
}

impl Drop for Node {
    /// Kills all its processes, and waits for their ends.
    fn drop(&mut self) {
        for process in self.processes.keys() {
            let _ = kill(*process, Signal::SIGKILL);
        }
        // First threads end before the others, but are reported after them.
        let is_first = |thread: &Pid| self.processes.contains_key(thread);
        let (first, others): (Vec<Pid>, Vec<Pid>) =
            self.threads.keys().partition(|it| is_first(it));
        for thread in others.into_iter().chain(first) {
            let _ = reap(thread);
        }
        let _ = self.child.try_wait();
    }
}
