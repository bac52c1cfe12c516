//! Runs one thread until it waits, ends, or lets another one run.

use anyhow::bail;
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::arch::Registers;
use super::calls::Next;
use super::clock::{MICROSECOND, MILLISECOND, Ns};
use super::memory::{Memory, failed};
use super::node::Node;
use super::realtime::FIRST_REALTIME;
use super::schedule::Turn;
use super::thread::{After, Resume, State, Wait};
use super::wait::{Stop, wait};

/// How late a wait with a timeout may end in Linux, and so does here if it is a short one.
const TIMER_SLACK: Ns = 50 * MICROSECOND;

/// The number of stops after which a thread lets others run.
const QUANTUM: u32 = 200;

impl Node {
    /// Runs a ready thread.
    pub(super) fn run_thread(&mut self, id: Pid) -> anyhow::Result<()> {
        let Some(State::Ready(mut resume)) = self.threads.get(&id).map(|it| it.state.clone())
        else {
            return Ok(());
        };
        let mut stops = 0;
        loop {
            let next = match self.resume_and_wait(id, resume) {
                Ok(None) => return Ok(()),
                Ok(Some(stop)) => self.on_stop(id, stop)?,
                // It was killed while it was stopped.
                Err(Errno::ESRCH | Errno::ECHILD) => return Ok(self.on_killed(id)?),
                Err(error) => return Err(error.into()),
            };
            let Some(next) = next else {
                return Ok(());
            };
            if self.watch.was_interrupted() {
                // When that happens depends on the machine, so nothing is decided then.
                resume = next;
                continue;
            }
            stops += 1;
            if stops == QUANTUM {
                // It may wait for another thread by calls that do not wait.
                self.clock.tick();
            }
            let is_over = stops == QUANTUM || self.clock.now >= self.slice_end;
            let is_noticed = matches!(next, Resume::Decide(_)) && self.is_noticed(id);
            let turn = self.schedule.turn(self.clock.now, &self.ready, is_noticed);
            match turn {
                Turn::Keep if !is_over => resume = next,
                Turn::Keep | Turn::Yield => {
                    self.make_ready(id, next);
                    return Ok(());
                }
                Turn::Delay(time) => {
                    let until = self.clock.now.saturating_add(time);
                    self.park(id, Wait::Turn(next), Some(until));
                    return Ok(());
                }
            }
        }
    }

    /// Whether others could notice the call at whose entrance a thread is.
    fn is_noticed(&self, id: Pid) -> bool {
        self.threads.get(&id).is_some_and(|thread| {
            matches!(
                thread.at.call(),
                libc::SYS_write
                    | libc::SYS_writev
                    | libc::SYS_futex
                    | libc::SYS_nanosleep
                    | libc::SYS_clock_nanosleep
            )
        })
    }

    /// Lets a thread go on until its next stop, unless it is decided that it waits.
    fn resume_and_wait(&mut self, id: Pid, resume: Resume) -> nix::Result<Option<Stop>> {
        let resume = match resume {
            // What is decided is done at once, as it may be wrong after another thread has run.
            Resume::Decide(deadline) => self.decide(id, deadline)?,
            resume => Some(resume),
        };
        let Some(resume) = resume else {
            return Ok(None);
        };
        self.resume(id, resume)?;
        self.watch.wait(id).map(Some)
    }

    fn resume(&mut self, id: Pid, resume: Resume) -> nix::Result<()> {
        let thread = &self.threads[&id];
        let go_on = if thread.after.is_some() {
            ptrace::syscall
        } else {
            ptrace::cont
        };
        match resume {
            Resume::Continue(signal) => go_on(id, signal),
            Resume::Call | Resume::Decide(_) => go_on(id, None),
            Resume::Return(result) => {
                let mut registers = thread.at;
                registers.skip_call(result);
                registers.write(id)?;
                if !Registers::SKIPPED_CALL_STOPS {
                    return ptrace::cont(id, None);
                }
                let arguments = thread.at.arguments();
                if let Some(thread) = self.threads.get_mut(&id) {
                    thread.after = Some(After::Skipped { arguments, result });
                }
                ptrace::syscall(id, None)
            }
        }
    }

    /// Handles a stop. Returns how the thread goes on, unless it waits or has ended.
    fn on_stop(&mut self, id: Pid, stop: Stop) -> anyhow::Result<Option<Resume>> {
        let was_interrupted = self.watch.end_interruption();
        match stop {
            Stop::Event(libc::PTRACE_EVENT_SECCOMP) => {
                let at = Registers::read(id)?;
                if let Some(thread) = self.threads.get_mut(&id) {
                    // A call that was interrupted and is made again is no progress.
                    if !was_interrupted || at.instruction() != thread.at.instruction() {
                        self.watch.on_progress();
                    }
                    thread.at = at;
                }
                Ok(Some(Resume::Decide(None)))
            }
            Stop::Call => Ok(self.on_return(id)?),
            Stop::Event(event) => self.on_event(id, event),
            Stop::Job => {
                self.note("a signal stopped a process, which went on, as that is not virtual");
                Ok(Some(Resume::Continue(None)))
            }
            Stop::Signal(libc::SIGSEGV) if self.reads_counter(id)? => {
                Ok(Some(Resume::Continue(None)))
            }
            Stop::Signal(libc::SIGSTOP) if self.watch.take_preemption() => self.on_preemption(id),
            Stop::Signal(signal) if signal >= FIRST_REALTIME => {
                self.deliver_realtime(id, signal)?;
                Ok(Some(Resume::Continue(None)))
            }
            Stop::Signal(signal) => Ok(Some(Resume::Continue(self.deliverable(id, signal)?))),
            Stop::Exited(_) | Stop::Killed(_) | Stop::Gone => {
                self.on_thread_end(id, stop)?;
                Ok(None)
            }
        }
    }

    /// A signal as it can be passed on.
    pub(super) fn deliverable(&mut self, id: Pid, signal: i32) -> nix::Result<Option<Signal>> {
        if let Some(thread) = self.threads.get_mut(&id)
            && let Some(index) = thread.held.iter().position(|it| it.si_signo == signal)
        {
            // It was sent again, and is as it was sent first.
            ptrace::setsiginfo(id, &thread.held.remove(index))?;
        }
        let known = Signal::try_from(signal).ok();
        if known.is_none() {
            self.note(format!(
                "signal {signal} was lost, as a timer expired with it"
            ));
        }
        Ok(known)
    }

    /// Decides how a thread goes on at the entrance of a call. A deadline is that of an earlier wait
    /// in the same call.
    fn decide(&mut self, id: Pid, deadline: Option<Ns>) -> nix::Result<Option<Resume>> {
        let at = self.threads[&id].at;
        let next = match self.on_call(id, &at) {
            Ok(next) => next,
            Err(Errno::ESRCH) if Registers::read(id).is_err() => return Err(Errno::ESRCH),
            // A bad pointer, for one.
            Err(error) => Next::Return(failed(error)),
        };
        Ok(match next {
            Next::Call => Some(Resume::Call),
            Next::CallThen(after) => {
                if let Some(thread) = self.threads.get_mut(&id) {
                    thread.after = Some(after);
                }
                Some(Resume::Call)
            }
            Next::Return(result) => Some(Resume::Return(result)),
            Next::Wait(wait, new) => {
                let new = new.map(|new| {
                    if new > self.clock.now {
                        return new.max(self.clock.now.saturating_add(TIMER_SLACK));
                    }
                    // A program that asks for no time again and again waits for time to pass.
                    self.clock.tick();
                    new
                });
                self.park(id, wait, deadline.or(new));
                self.receive_new_signals(id)?;
                None
            }
            Next::Yield => {
                self.make_ready(id, Resume::Return(0));
                None
            }
            Next::Gone => None,
        })
    }

    /// A call has returned.
    fn on_return(&mut self, id: Pid) -> nix::Result<Option<Resume>> {
        let after = self
            .threads
            .get_mut(&id)
            .and_then(|thread| thread.after.take());
        let mut registers = Registers::read(id)?;
        match after {
            None => return Ok(Some(Resume::Continue(None))),
            Some(After::Fork { number, .. }) => {
                if registers.result() > 0 {
                    registers.set_result(number);
                }
            }
            Some(After::Arguments(arguments)) => registers.restore_arguments(arguments),
            Some(After::Skipped { arguments, result }) => {
                registers.restore_arguments(arguments);
                registers.set_result(result);
            }
            Some(After::Wait { arguments, child }) => {
                self.on_wait_return(id, &mut registers, arguments, child)?;
            }
            Some(After::Uuid(address)) => self.write_uuid(id, address, registers.result())?,
            Some(After::TimerFile) => {
                let process = self.threads[&id].process;
                if let Some(process) = self.processes.get_mut(&process) {
                    // An earlier timer had this number.
                    process.file_timers.remove(&(registers.result() as i32));
                }
            }
            Some(After::Write { arguments, done }) => {
                let [file, address, len, ..] = arguments;
                let written = registers.result();
                registers.restore_arguments(arguments);
                if written > 0 && done + (written as u64) < len {
                    // It stops at the entrance again.
                    let done = done + written as u64;
                    if let Some(thread) = self.threads.get_mut(&id) {
                        thread.unfinished = Some((arguments, done));
                    }
                    registers
                        .call_again(libc::SYS_write, [file, address + done, len - done, 0, 0, 0]);
                } else if written > 0 || done > 0 {
                    registers.set_result((done as i64) + written.max(0));
                }
            }
        }
        registers.write(id)?;
        Ok(Some(Resume::Continue(None)))
    }

    fn on_event(&mut self, id: Pid, event: i32) -> anyhow::Result<Option<Resume>> {
        match event {
            libc::PTRACE_EVENT_CLONE | libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK => {
                let child = Pid::from_raw(ptrace::getevent(id)? as i32);
                wait(child)?;
                let number = self.on_fork(id, child)?;
                if let Some(thread) = self.threads.get_mut(&id) {
                    thread.after = Some(After::Fork { child, number });
                }
                if event != libc::PTRACE_EVENT_VFORK {
                    return Ok(Some(Resume::Continue(None)));
                }
                // It waits in the kernel until the child process has memory of its own.
                self.park(id, Wait::ChildProgram, None);
                ptrace::syscall(id, None)?;
                Ok(None)
            }
            libc::PTRACE_EVENT_EXEC => {
                self.on_program(id)?;
                self.release_parent(id)?;
                Ok(Some(Resume::Continue(None)))
            }
            libc::PTRACE_EVENT_EXIT => self.on_ending(id),
            _ => Ok(Some(Resume::Continue(None))),
        }
    }

    /// Whether a fault was a read of the time-stamp counter, which is then completed.
    fn reads_counter(&mut self, id: Pid) -> nix::Result<bool> {
        let mut registers = Registers::read(id)?;
        if !registers.complete_counter_read(Memory(id), || self.clock.counter()) {
            return Ok(false);
        }
        registers.write(id)?;
        Ok(true)
    }

    /// The watchdog has interrupted a thread that computes, or waits in a call that is not virtual.
    fn on_preemption(&mut self, id: Pid) -> anyhow::Result<Option<Resume>> {
        let reason = self.watch.describe_preemption();
        if self.watch.is_hopeless() {
            bail!(
                "{reason}; it was interrupted {} times",
                self.watch.preemptions()
            );
        }
        if self.ready.is_empty() && !self.watch.is_stuck() {
            // No other thread could run, so it goes on as if nothing had happened.
            return Ok(Some(Resume::Continue(None)));
        }
        self.note(reason);
        // Longer and longer, as what it waits for may be far away.
        let passes = MILLISECOND << self.watch.doublings();
        self.clock.now += passes;
        self.clock.cpu += passes;
        self.make_ready(id, Resume::Continue(None));
        Ok(None)
    }
}
