//! Reads, writes, and waits for files.
//!
//! Whether a call would wait is asked of a duplicate of the program's descriptor, without waiting.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::net::sockopt::Timeout;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::arch::{Registers, legacy};
use super::calls::Next;
use super::memory::{Memory, failed};
use super::node::Node;
use super::pipes::OutputFile;
use super::thread::{After, Resume, State, Thread, Wait};

/// A write of at most so many bytes to a pipe that is not full never waits.
const ATOMIC_WRITE: u64 = 4096;

/// The largest number of files of one call.
const MAX_FILES: u64 = 1 << 16;

/// The largest number of buffers of one call, as in Linux.
const MAX_BUFFERS: u64 = 1024;

impl Node {
    /// `read` and `readv`.
    pub(super) fn on_read(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [file, address, len, ..] = at.arguments();
        let file = file as i32;
        let process = self.threads[&id].process;
        if file == 0 && !self.has_moved_files(process) {
            let (is_ready, never_waits) = self.pipes.stdin_readiness();
            if !is_ready && never_waits {
                self.clock.tick();
            }
            return Ok(if is_ready || never_waits {
                Next::Call
            } else {
                Next::Wait(Wait::Readable(file), None)
            });
        }
        let holder = self.holder(process);
        let (first, space) = match at.call() {
            libc::SYS_read => (address, len),
            _ => Memory(id).read_words(address).map(|[it, len]| (it, len))?,
        };
        match &*link(holder, file) {
            "/dev/urandom" | "/dev/random" => return self.write_random(id, first, space),
            "/proc/sys/kernel/random/uuid" => return Ok(Next::CallThen(After::Uuid(first))),
            "anon_inode:[timerfd]" => {
                if let Some(next) = self.read_file_timer(id, file, first)? {
                    return Ok(next);
                }
            }
            _ => {}
        }
        if !may_wait(holder, file) || self.is_ready(process, file, PollFlags::IN) {
            return Ok(Next::Call);
        }
        if self.never_waits(process, file) {
            self.clock.tick();
            return Ok(Next::Call);
        }
        let deadline = self.socket_deadline(process, file, Timeout::Recv);
        Ok(Next::Wait(Wait::Readable(file), deadline))
    }

    /// `write` and `writev`.
    pub(super) fn on_write(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let arguments = at.arguments();
        let [file, address, len, ..] = arguments;
        let file = file as i32;
        let process = self.threads[&id].process;
        let link = match (file, self.has_moved_files(process)) {
            (1 | 2, false) => String::new(),
            _ => link(self.holder(process), file),
        };
        let output = match (file, &*link) {
            (1, "") => Some(OutputFile::Stdout),
            (2, "") => Some(OutputFile::Stderr),
            _ => self.pipes.output_with_link(&link),
        };
        if let Some(output) = output {
            let bytes = match at.call() {
                libc::SYS_write => Memory(id).read_vec(address, len as usize)?,
                _ => read_buffers(Memory(id), address, len)?,
            };
            self.pipes.append(output, &bytes);
            return Ok(Next::Return(bytes.len() as i64));
        }
        let unfinished = self
            .threads
            .get_mut(&id)
            .and_then(|it| it.unfinished.take());
        let (arguments, done) = unfinished.unwrap_or((arguments, 0));
        if !may_wait(self.holder(process), file) {
            return Ok(Next::Call);
        }
        if self.would_wait(process, file, PollFlags::OUT) {
            if let Some(thread) = self.threads.get_mut(&id) {
                thread.unfinished = unfinished;
            }
            return Ok(Next::Wait(Wait::Writable(file), None));
        }
        if at.call() != libc::SYS_write
            || len <= ATOMIC_WRITE
            || self.never_waits(process, file)
            || !is_stream(self.duplicate(process, file))
        {
            return Ok(match unfinished {
                Some(_) => Next::CallThen(After::Write { arguments, done }),
                None => Next::Call,
            });
        }
        // Only a part fits for certain.
        let mut part = at.arguments();
        part[2] = ATOMIC_WRITE;
        let mut registers = *at;
        registers.set_arguments(part);
        registers.write(id)?;
        Ok(Next::CallThen(After::Write { arguments, done }))
    }

    /// A signal interrupts a long write, of which a part is written: it returns how much.
    pub(super) fn end_write(&mut self, id: Pid) -> Resume {
        let thread = self.threads.get_mut(&id);
        let unfinished = thread.and_then(|it| Some((it.unfinished.take()?, &mut it.at)));
        let done = unfinished.map_or(0, |((arguments, done), at)| {
            at.set_arguments(arguments);
            done
        });
        Resume::Return(done as i64)
    }

    /// The calls that wait for one of several files.
    pub(super) fn on_poll(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [_, _, third, fourth, fifth, _] = at.arguments();
        let memory = Memory(id);
        let milliseconds = |time: u64| u64::try_from(time as i32).ok().map(|ms| ms * 1_000_000);
        let duration = |address: u64, unit| match address {
            0 => Ok(None),
            _ => memory.read_duration(address, unit).map(Some),
        };
        let time = match at.call() {
            legacy::POLL => milliseconds(third),
            legacy::EPOLL_WAIT | libc::SYS_epoll_pwait => milliseconds(fourth),
            libc::SYS_ppoll => duration(third, 1)?,
            libc::SYS_epoll_pwait2 => duration(fourth, 1)?,
            legacy::SELECT => duration(fifth, 1000)?,
            _ => duration(fifth, 1)?,
        };
        if self.has_pending_signal(id, at)? {
            return Ok(Next::Call);
        }
        let deadline = time.map(|time| self.clock.now.saturating_add(time));
        if time == Some(0) {
            // A program that looks again and again waits for time to pass.
            self.clock.tick();
        }
        if let Some(resume) = self.poll_files(id, at, deadline, time == Some(0))? {
            return Ok(match resume {
                Resume::Return(result) => Next::Return(result),
                Resume::Call | Resume::Decide(_) | Resume::Continue(_) => Next::Call,
            });
        }
        Ok(Next::Wait(Wait::Files, deadline))
    }

    /// How a thread that waits for files goes on, if it does.
    pub(super) fn poll_waiting(&mut self, id: Pid, is_due: bool) -> nix::Result<Option<Resume>> {
        let thread = &self.threads[&id];
        let (process, at, deadline) = (thread.process, thread.at, thread.deadline);
        let State::Waiting(wait) = &thread.state else {
            return Ok(None);
        };
        if *wait == Wait::Files {
            return self.poll_files(id, &at, deadline, is_due);
        }
        let is_ready = match *wait {
            Wait::Readable(0) if !self.has_moved_files(process) => self.pipes.stdin_readiness().0,
            Wait::Readable(file) => self.is_ready(process, file, PollFlags::IN),
            Wait::Writable(file) => self.is_ready(process, file, PollFlags::OUT),
            _ => false,
        };
        Ok(match (is_ready, is_due) {
            (true, _) => Some(Resume::Decide(deadline)),
            (false, true) => Some(Resume::Return(failed(Errno::EAGAIN))),
            (false, false) => None,
        })
    }

    /// The outcome of a wait for files, if one is ready or the time is over.
    fn poll_files(
        &mut self,
        id: Pid,
        at: &Registers,
        deadline: Option<u64>,
        is_over: bool,
    ) -> nix::Result<Option<Resume>> {
        let [first, second, third, fourth, fifth, _] = at.arguments();
        let process = self.threads[&id].process;
        let memory = Memory(id);
        match at.call() {
            legacy::POLL | libc::SYS_ppoll => {
                if second > MAX_FILES {
                    return Err(Errno::EINVAL);
                }
                let bytes = memory.read_vec(first, second as usize * 8)?;
                let wanted = bytes.chunks_exact(8).map(|it| {
                    let file = i32::from_le_bytes([it[0], it[1], it[2], it[3]]);
                    (
                        file,
                        PollFlags::from_bits_retain(u16::from_le_bytes([it[4], it[5]])),
                    )
                });
                let wanted: Vec<(i32, PollFlags)> = wanted.collect();
                let ready = self.readiness(process, &wanted);
                let count = ready.iter().filter(|it| !it.is_empty()).count();
                if count == 0 && !is_over {
                    return Ok(None);
                }
                for (index, ready) in ready.iter().enumerate() {
                    memory.write(first + 8 * index as u64 + 6, &ready.bits().to_le_bytes())?;
                }
                Ok(Some(Resume::Return(count as i64)))
            }
            legacy::SELECT | libc::SYS_pselect6 => {
                let sets = [(second, IN), (third, OUT), (fourth, PollFlags::PRI)];
                let Some(result) = self.select(id, first as i32, &sets, is_over)? else {
                    return Ok(None);
                };
                if let (Some(deadline), true) = (deadline, fifth != 0) {
                    let unit = if at.call() == legacy::SELECT { 1000 } else { 1 };
                    let remaining = deadline.saturating_sub(self.clock.now);
                    memory.write_duration(fifth, remaining, unit)?;
                }
                Ok(Some(Resume::Return(result)))
            }
            _ => {
                let is_ready = self.is_ready(process, first as i32, PollFlags::IN);
                Ok(match (is_ready, is_over) {
                    (true, _) => Some(Resume::Decide(deadline)),
                    (false, true) => Some(Resume::Return(0)),
                    (false, false) => None,
                })
            }
        }
    }

    /// `select`, with sets of files and what each asks for.
    fn select(
        &mut self,
        id: Pid,
        count: i32,
        sets: &[(u64, PollFlags); 3],
        is_over: bool,
    ) -> nix::Result<Option<i64>> {
        let count = count.clamp(0, MAX_FILES as i32) as usize;
        let process = self.threads[&id].process;
        let memory = Memory(id);
        let bytes = count.div_ceil(64) * 8;
        let mut wanted = Vec::new();
        for (address, flags) in sets.iter().filter(|(address, _)| *address != 0) {
            let set = memory.read_vec(*address, bytes)?;
            let files = (0..count).filter(|file| set[file / 8] >> (file % 8) & 1 == 1);
            wanted.extend(files.map(|file| (*address, file, *flags)));
        }
        let files: Vec<(i32, PollFlags)> = wanted.iter().map(|it| (it.1 as i32, it.2)).collect();
        let ready = self.readiness(process, &files);
        if ready.iter().any(|it| it.contains(PollFlags::NVAL)) {
            return Ok(Some(-i64::from(libc::EBADF)));
        }
        let is_set = |flags: PollFlags, ready: PollFlags| ready.intersects(flags);
        let hits = wanted.iter().zip(&ready);
        let hits = hits.filter(|((_, _, flags), ready)| is_set(*flags, **ready));
        let hits: Vec<(u64, usize)> = hits
            .map(|((address, file, _), _)| (*address, *file))
            .collect();
        if hits.is_empty() && !is_over {
            return Ok(None);
        }
        for (address, _) in sets.iter().filter(|(address, _)| *address != 0) {
            let mut set = vec![0_u8; bytes];
            for (_, file) in hits.iter().filter(|(it, _)| it == address) {
                set[file / 8] |= 1 << (file % 8);
            }
            memory.write(*address, &set)?;
        }
        Ok(Some(hits.len() as i64))
    }

    /// What of the wanted each file is ready for. Negative numbers are ignored.
    fn readiness(&self, process: Pid, wanted: &[(i32, PollFlags)]) -> Vec<PollFlags> {
        let is_own = !self.has_moved_files(process);
        let copies: Vec<Option<OwnedFd>> = wanted
            .iter()
            .map(|(file, _)| match file {
                0 if is_own => None,
                ..0 => None,
                _ => self.duplicate(process, *file),
            })
            .collect();
        let descriptors = wanted
            .iter()
            .zip(&copies)
            .map(|((file, _), copy)| match copy {
                Some(copy) => Some(copy.as_fd()),
                None if *file == 0 && is_own => Some(self.pipes.stdin_end()),
                None => None,
            });
        let descriptors: Vec<Option<BorrowedFd<'_>>> = descriptors.collect();
        let mut polled: Vec<PollFd<'_>> = descriptors
            .iter()
            .zip(wanted)
            .filter_map(|(it, (_, flags))| it.map(|it| PollFd::from_borrowed_fd(it, *flags)))
            .collect();
        let _ = poll(&mut polled, Some(&Timespec::default()));
        let mut polled = polled.iter();
        let results = descriptors
            .iter()
            .zip(wanted)
            .map(|(it, (file, _))| match it {
                Some(_) => polled.next().map_or(PollFlags::empty(), PollFd::revents),
                None if *file < 0 => PollFlags::empty(),
                None => PollFlags::NVAL,
            });
        results.collect()
    }

    /// Whether a file is ready, or is none, so that the call fails at once.
    pub(super) fn is_ready(&self, process: Pid, file: i32, flags: PollFlags) -> bool {
        let ready = self.readiness(process, &[(file, flags)]);
        ready.first().is_some_and(|it| !it.is_empty())
    }

    /// Whether a call on a file would wait.
    pub(super) fn would_wait(&self, process: Pid, file: i32, flags: PollFlags) -> bool {
        !self.is_ready(process, file, flags) && !self.never_waits(process, file)
    }

    pub(super) fn never_waits(&self, process: Pid, file: i32) -> bool {
        let flags = self.duplicate(process, file).map(rustix::fs::fcntl_getfl);
        flags.is_some_and(|it| it.is_ok_and(|it| it.contains(OFlags::NONBLOCK)))
    }

    pub(super) fn duplicate(&self, process: Pid, file: i32) -> Option<OwnedFd> {
        let it = self.processes.get(&process)?;
        let holder = self.holder(process);
        if holder == process {
            return pidfd_getfd(&it.descriptor, file, PidfdGetfdFlags::empty()).ok();
        }
        // Only Linux from 6.9 on has descriptors of threads.
        let thread = rustix::process::Pid::from_raw(holder.as_raw())?;
        let flags = PidfdFlags::from_bits_retain(libc::PIDFD_THREAD);
        let thread = pidfd_open(thread, flags).ok()?;
        pidfd_getfd(&thread, file, PidfdGetfdFlags::empty()).ok()
    }

    /// A thread that has the files of a process: the first one, unless it has ended before the others.
    pub(super) fn holder(&self, process: Pid) -> Pid {
        let is_stopped = |id: &Pid| self.threads.get(id).is_some_and(Thread::is_stopped);
        if self.threads.contains_key(&process) && !is_stopped(&process) {
            let mut others = self.order.iter().copied();
            let other = others.find(|id| self.threads[id].process == process && is_stopped(id));
            return other.unwrap_or(process);
        }
        process
    }

    fn has_moved_files(&self, process: Pid) -> bool {
        self.processes
            .get(&process)
            .is_none_or(|it| it.has_moved_files)
    }

    /// The program makes 0, 1 or 2 stand for another file, or for none.
    pub(super) fn on_standard_file(&mut self, id: Pid, at: &Registers) {
        let [first, ..] = at.arguments();
        let process = self.threads[&id].process;
        if at.call() == libc::SYS_close_range && first > 2 {
            return;
        }
        if let Some(process) = self.processes.get_mut(&process) {
            process.has_moved_files = true;
        }
    }
}

/// What `select` calls readable and writable.
const IN: PollFlags = PollFlags::IN.union(PollFlags::HUP).union(PollFlags::ERR);
const OUT: PollFlags = PollFlags::OUT.union(PollFlags::ERR);

/// What a descriptor's link in `/proc` shows.
pub fn link(process: Pid, file: i32) -> String {
    let link = std::fs::read_link(format!("/proc/{process}/fd/{file}"));
    link.map_or_else(|_| String::new(), |it| it.to_string_lossy().into_owned())
}

/// Whether calls on a file may wait: it is none of a disk.
fn may_wait(process: Pid, file: i32) -> bool {
    let file = std::fs::metadata(format!("/proc/{process}/fd/{file}"));
    file.is_ok_and(|it| {
        let kind = it.file_type();
        !kind.is_file() && !kind.is_dir() && !kind.is_block_device()
    })
}

/// Whether a file takes any part of a long write: not a socket for messages.
fn is_stream(file: Option<OwnedFd>) -> bool {
    let kind = file.map(rustix::net::sockopt::socket_type);
    kind.is_none_or(|it| it.is_err() || it == Ok(rustix::net::SocketType::STREAM))
}

/// The contents of several buffers.
fn read_buffers(memory: Memory, address: u64, count: u64) -> nix::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if count > MAX_BUFFERS {
        return Err(Errno::EINVAL);
    }
    for index in 0..count {
        let [start, len] = memory.read_words(address + 16 * index)?;
        bytes.extend(memory.read_vec(start, len as usize)?);
    }
    Ok(bytes)
}
