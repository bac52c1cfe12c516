//! Processes and threads: how they begin and end.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rand::RngExt;

use super::arch::Registers;
use super::calls::Next;
use super::clock::Ns;
use super::memory::Memory;
use super::node::Node;
use super::thread::{After, Resume, State, Wait};
use super::timers::{FileTimer, Timer};
use super::wait::{Stop, try_wait, wait, wait_for_state};

/// A process of a node.
pub struct Process {
    pub descriptor: OwnedFd,
    pub parent: Option<Pid>,
    /// The ids of its process group and its session, as the program sees them.
    pub group: i64,
    pub session: i64,
    /// Its child processes until it has received their ends.
    pub children: BTreeMap<Pid, ChildProcess>,
    /// Whether the numbers 0, 1 and 2 may stand for other files than at the start.
    pub has_moved_files: bool,
    /// The timer of `alarm` and `setitimer`.
    pub alarm: Option<Timer>,
    /// Timers by their numbers.
    pub timers: BTreeMap<i32, Timer>,
    /// Timers by the numbers of their files.
    pub file_timers: BTreeMap<i32, FileTimer>,
}

/// A child process that was not reported as ended yet.
#[derive(Debug, Clone, Copy)]
pub struct ChildProcess {
    /// Its id and its group's, as the program sees them.
    pub number: i64,
    pub group: i64,
    pub has_ended: bool,
}

impl Process {
    /// When its next timer expires.
    pub fn next_timer(&self) -> Option<Ns> {
        let timers = self
            .timers
            .values()
            .chain(&self.alarm)
            .map(|timer| timer.at);
        let files = self.file_timers.values().filter_map(FileTimer::next);
        timers.chain(files).min()
    }
}

impl Node {
    pub(super) fn add_process(&mut self, id: Pid, parent: Option<Pid>) -> nix::Result<()> {
        let descriptor = rustix::process::Pid::from_raw(id.as_raw()).and_then(|pid| {
            let flags = rustix::process::PidfdFlags::empty();
            rustix::process::pidfd_open(pid, flags).ok()
        });
        let descriptor = descriptor.ok_or(Errno::ESRCH)?;
        let parent_process = parent.and_then(|parent| self.processes.get(&parent));
        let has_moved_files = parent_process.is_some_and(|it| it.has_moved_files);
        let (group, session) =
            parent_process.map_or((self.first_id, self.first_id), |it| (it.group, it.session));
        let process = Process {
            descriptor,
            parent,
            group,
            session,
            children: BTreeMap::new(),
            has_moved_files,
            alarm: None,
            timers: BTreeMap::new(),
            file_timers: BTreeMap::new(),
        };
        self.processes.insert(id, process);
        Ok(())
    }

    /// `clone` and `clone3`: what they make is controlled, whatever the program asks for.
    pub(super) fn on_clone(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        const UNTRACED: u64 = libc::CLONE_UNTRACED as u64;
        let mut arguments = at.arguments();
        if at.call() == libc::SYS_clone3 {
            let [flags] = Memory(id).read_words(arguments[0])?;
            if flags & UNTRACED != 0 {
                Memory(id).write_words(arguments[0], &[flags & !UNTRACED])?;
            }
            return Ok(Next::Call);
        }
        arguments[0] &= !UNTRACED;
        let mut registers = *at;
        registers.set_arguments(arguments);
        registers.write(id)?;
        Ok(Next::Call)
    }

    /// A thread has made a thread or a process. Returns the new one's id, as the program sees it.
    pub(super) fn on_fork(&mut self, id: Pid, child: Pid) -> nix::Result<i64> {
        let process = self.threads[&id].process;
        let number = self.next_id;
        if std::path::Path::new(&format!("/proc/{process}/task/{child}")).exists() {
            self.add_thread(child, process)?;
            return Ok(number);
        }
        self.add_process(child, Some(process))?;
        self.add_thread(child, child)?;
        if let Some(parent) = self.processes.get_mut(&process) {
            let it = ChildProcess {
                number,
                group: parent.group,
                has_ended: false,
            };
            parent.children.insert(child, it);
        }
        Ok(number)
    }

    /// A program is about to run its first instruction: hides the functions that look at the clock
    /// without a call, and replaces the kernel's random bytes.
    pub(super) fn on_program(&mut self, id: Pid) -> nix::Result<()> {
        const IGNORED: u64 = 1;
        let memory = Memory(id);
        let stack = Registers::read(id)?.stack();
        let [arguments] = memory.read_words(stack)?;
        let mut at = stack + 8 * (arguments + 2);
        while memory.read_words(at)? != [0] {
            at += 8;
        }
        at += 8;
        loop {
            let [key, value] = memory.read_words(at)?;
            match key {
                libc::AT_NULL => break,
                libc::AT_SYSINFO_EHDR => memory.write_words(at, &[IGNORED])?,
                libc::AT_RANDOM => memory.write(value, &self.random_bytes(16))?,
                _ => {}
            }
            at += 16;
        }
        if let Some(process) = self.processes.get_mut(&id) {
            process.timers.clear();
            process.file_timers.clear();
        }
        Ok(())
    }

    pub(super) fn random_bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.rng.fill(&mut bytes[..]);
        bytes
    }

    /// The program of a child process that shared its parent's memory has started, or it has ended:
    /// its parent goes on.
    pub(super) fn release_parent(&mut self, child: Pid) -> nix::Result<()> {
        let parent = self.threads.iter().find(|(_, thread)| {
            matches!(thread.state, State::Waiting(Wait::ChildProgram))
                && matches!(thread.after, Some(After::Fork { child: it, .. }) if it == child)
        });
        if let Some((id, _)) = parent {
            let id = *id;
            wait(id)?;
            self.make_ready(id, Resume::Continue(None));
        }
        Ok(())
    }

    /// A thread starts a program in its process: all other threads of it end.
    pub(super) fn on_execute(&mut self, id: Pid) -> nix::Result<Next> {
        let process = self.threads[&id].process;
        let is_other = |thread: &Pid| *thread != id && self.threads[thread].process == process;
        if !self.order.iter().any(is_other) {
            return Ok(Next::Call);
        }
        ptrace::syscall(id, None)?;
        let others = self.order.iter().copied().filter(|it| is_other(it));
        let mut running: Vec<Pid> = others.chain([id]).collect();
        // The program's start is reported by the first thread's id.
        if !running.contains(&process) {
            running.push(process);
        }
        'started: loop {
            for it in running.clone() {
                match try_wait(it) {
                    Ok(None) => {}
                    Ok(Some(Stop::Event(libc::PTRACE_EVENT_EXEC))) => break 'started,
                    // It has failed.
                    Ok(Some(Stop::Call)) if it == id => {
                        self.make_ready(id, Resume::Continue(None));
                        return Ok(Next::Gone);
                    }
                    Ok(Some(stop)) if !stop.is_end() => ptrace::cont(it, None)?,
                    Ok(Some(_)) | Err(_) => running.retain(|other| *other != it || it == process),
                }
            }
            std::thread::sleep(std::time::Duration::from_micros(50));
        }
        let number = self.threads[&process].number;
        let others = self.order.iter().copied();
        let others: Vec<Pid> = others
            .filter(|it| self.threads[it].process == process)
            .collect();
        others.into_iter().for_each(|it| self.forget(it));
        self.add_thread(process, process)?;
        if let Some(thread) = self.threads.get_mut(&process) {
            thread.number = number;
        }
        self.on_program(process)?;
        Ok(Next::Gone)
    }

    fn forget(&mut self, id: Pid) {
        self.threads.remove(&id);
        self.order.retain(|it| *it != id);
        self.ready.retain(|it| *it != id);
        self.urgent.retain(|it| *it != id);
    }

    /// A thread is about to end, alone or with its whole process.
    pub(super) fn on_ending(&mut self, id: Pid) -> anyhow::Result<Option<Resume>> {
        let thread = &self.threads[&id];
        let process = thread.process;
        let others = self.threads.iter();
        let others = others.filter(|(it, other)| **it != id && other.process == process);
        let is_alone = others.count() == 0;
        match (thread.is_ending, is_alone) {
            (true, false) if id == process => {
                // The end of a process's first thread is reported after the ends of all others.
                ptrace::cont(id, None)?;
                self.park(id, Wait::OtherThreads, None);
                wait_for_state(&[id], 'Z');
                self.recheck_futexes();
                Ok(None)
            }
            (true, _) | (false, true) => Ok(Some(Resume::Continue(None))),
            (false, false) => {
                ptrace::cont(id, None)?;
                self.on_process_end(process, None)?;
                Ok(None)
            }
        }
    }

    /// A thread was killed while it was stopped.
    pub(super) fn on_killed(&mut self, id: Pid) -> nix::Result<()> {
        match self.threads.get(&id).map(|thread| thread.process) {
            Some(process) => self.on_process_end(process, None),
            None => Ok(()),
        }
    }

    pub(super) fn on_thread_end(&mut self, id: Pid, status: Stop) -> nix::Result<()> {
        let process = self.threads[&id].process;
        if id == process {
            return self.on_process_end(process, Some(status));
        }
        self.forget(id);
        // The kernel has cleared a word of memory, for which another thread may wait.
        self.recheck_futexes();
        let waits_for_others = self
            .threads
            .get(&process)
            .is_some_and(|first| matches!(first.state, State::Waiting(Wait::OtherThreads)));
        let others = self.threads.values().filter(|it| it.process == process);
        if waits_for_others && others.count() == 1 {
            self.on_process_end(process, None)?;
        }
        Ok(())
    }

    /// A process ends with all its threads. `status` is that of its first thread, if it is known.
    pub(super) fn on_process_end(&mut self, process: Pid, status: Option<Stop>) -> nix::Result<()> {
        let others = self.order.iter().copied();
        let others = others.filter(|it| *it != process && self.threads[it].process == process);
        for id in others.collect::<Vec<Pid>>() {
            reap(id)?;
            self.forget(id);
        }
        let status = match status {
            Some(status) => status,
            None => reap(process)?,
        };
        self.forget(process);
        self.recheck_futexes();
        self.release_parent(process)?;
        if process == self.main {
            let why = match status {
                Stop::Killed(libc::SIGSYS) => {
                    ": a call of 32 bits, or one that its own filter forbids"
                }
                _ => "",
            };
            self.end = Some(format!("{status}{why}"));
        }
        let ended = self.processes.remove(&process);
        if let Some((Some(parent), group)) = ended.map(|it| (it.parent, it.group))
            && let Some(it) = self.processes.get_mut(&parent)
        {
            if let Some(child) = it.children.get_mut(&process) {
                child.has_ended = true;
                child.group = group;
            }
            self.signal_process(parent, Signal::SIGCHLD as i32)?;
        }
        Ok(())
    }
}

/// Waits for the end of a thread that is about to end.
pub fn reap(id: Pid) -> nix::Result<Stop> {
    loop {
        match wait(id) {
            Ok(stop) if stop.is_end() => return Ok(stop),
            Ok(_) => {
                let _ = ptrace::cont(id, None);
            }
            Err(Errno::ECHILD) => return Ok(Stop::Gone),
            Err(error) => return Err(error),
        }
    }
}
