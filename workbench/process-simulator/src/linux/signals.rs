//! Signals among the threads of a node, and to threads that wait.
//!
//! A thread that waits is at the entrance of its call. If a signal is handled, a call that the kernel
//! never makes again returns `EINTR`; any other is really made, and the kernel, which finds a signal
//! pending, decides whether it fails or is made again: then it stops at its entrance again.

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::arch::Registers;
use super::calls::{Next, fail};
use super::memory::{Memory, failed};
use super::node::Node;
use super::thread::{After, Resume, State, Wait};

/// A set of signals.
type Signals = u64;

/// Signals that do nothing unless they are handled.
const HARMLESS: [i32; 4] = [libc::SIGCHLD, libc::SIGURG, libc::SIGWINCH, libc::SIGCONT];

/// A thread's signals, as `/proc` shows them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    pub blocked: Signals,
    /// Pending for the thread, and for its process.
    pub pending: Signals,
    pub shared: Signals,
    ignored: Signals,
    handled: Signals,
}

impl Status {
    pub fn of(id: Pid) -> Self {
        let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let set = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let set = line.and_then(|set| Signals::from_str_radix(set.trim(), 16).ok());
            set.unwrap_or(0)
        };
        Status {
            blocked: set("SigBlk:"),
            pending: set("SigPnd:"),
            shared: set("ShdPnd:"),
            ignored: set("SigIgn:"),
            handled: set("SigCgt:"),
        }
    }

    /// Whether a signal has an effect on its process.
    fn has_effect(&self, signal: i32) -> bool {
        let bit = bit(signal);
        self.handled & bit != 0 || (self.ignored & bit == 0 && !HARMLESS.contains(&signal))
    }
}

pub fn bit(signal: i32) -> Signals {
    // The program may name any number, and 0 is none.
    1_u64
        .checked_shl((signal as u32).wrapping_sub(1))
        .unwrap_or(0)
}

impl Node {
    /// `kill`, `tkill`, `tgkill` and the calls that send a value with the signal.
    pub(super) fn on_kill(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        let [first, second, third, ..] = at.arguments();
        let process = self.threads[&id].process;
        self.signals += 1;
        match at.call() {
            libc::SYS_kill => {
                let targets = self.processes_named(first as i64 as i32, process);
                self.kill_processes(id, at, &targets, second as i32)
            }
            libc::SYS_rt_sigqueueinfo if !(1..=64).contains(&(second as i32)) => self.check_signal(
                self.processes_named(first as i32, process).len(),
                second as i32,
            ),
            libc::SYS_rt_sigqueueinfo => match self.processes_named(first as i32, process)[..] {
                [target, ..] => {
                    self.signal_process(target, second as i32)?;
                    self.call_with_ids(id, at, &[(0, target)])
                }
                [] => fail(Errno::ESRCH),
            },
            libc::SYS_pidfd_send_signal => {
                let target = Self::process_of_file(process, first as i32);
                let target = target.filter(|it| self.processes.contains_key(it));
                match (target, Signal::try_from(second as i32)) {
                    (Some(target), Ok(_)) => self.kill_processes(id, at, &[target], second as i32),
                    _ => Ok(Next::Call),
                }
            }
            call => {
                let (index, signal) = match call {
                    libc::SYS_tkill => (0, second as i32),
                    _ => (1, third as i32),
                };
                let Some(target) = self.thread_named(i64::from(at.arguments()[index] as i32))
                else {
                    return fail(Errno::ESRCH);
                };
                if !(1..=64).contains(&signal) {
                    return self.check_signal(1, signal);
                }
                if target != id {
                    self.signal_thread(target, signal, &Status::of(target))?;
                }
                let mut ids = vec![(index, target)];
                if index == 1 {
                    ids.push((0, self.threads[&target].process));
                }
                self.call_with_ids(id, at, &ids)
            }
        }
    }

    /// Sends a signal to processes.
    pub(super) fn kill_processes(
        &mut self,
        id: Pid,
        at: &Registers,
        targets: &[Pid],
        signal: i32,
    ) -> nix::Result<Next> {
        let Ok(known) = Signal::try_from(signal) else {
            let Some(target) = targets.first().filter(|_| (34..=64).contains(&signal)) else {
                return self.check_signal(targets.len(), signal);
            };
            self.signal_process(*target, signal)?;
            return self.call_with_ids(id, at, &[(0, *target)]);
        };
        for target in targets {
            // Sent while all threads are stopped, so it is pending for the whole process.
            kill(*target, known)?;
            if known == Signal::SIGKILL {
                self.on_process_end(*target, None)?;
            } else {
                self.signal_process(*target, signal)?;
            }
        }
        match targets {
            [] => fail(Errno::ESRCH),
            _ if self.threads.contains_key(&id) => Ok(Next::Yield),
            _ => Ok(Next::Gone),
        }
    }

    /// The result of sending what is no signal, which only looks for the targets.
    fn check_signal(&self, targets: usize, signal: i32) -> nix::Result<Next> {
        match (targets, signal) {
            (0, _) => fail(Errno::ESRCH),
            (_, 0) => Ok(Next::Return(0)),
            _ => fail(Errno::EINVAL),
        }
    }

    /// Lets a thread that has just begun to wait receive the signals that were sent before.
    pub(super) fn receive_new_signals(&mut self, id: Pid) -> nix::Result<()> {
        let signals = self.signals;
        let Some(thread) = self.threads.get_mut(&id).filter(|it| it.signals != signals) else {
            return Ok(());
        };
        thread.signals = signals;
        let status = Status::of(id);
        let pending = (status.pending | status.shared) & !status.blocked;
        for signal in (1..=64).filter(|it| pending & bit(*it) != 0) {
            self.signal_thread(id, signal, &status)?;
        }
        Ok(())
    }

    /// Makes a call with the system's own ids in some of its arguments.
    pub(super) fn call_with_ids(
        &mut self,
        id: Pid,
        at: &Registers,
        ids: &[(usize, Pid)],
    ) -> nix::Result<Next> {
        let mut arguments = at.arguments();
        for (index, target) in ids {
            arguments[*index] = target.as_raw() as u64;
        }
        let mut registers = *at;
        registers.set_arguments(arguments);
        registers.write(id)?;
        Ok(Next::CallThen(After::Arguments(at.arguments())))
    }

    /// A signal is pending for a process: lets the thread go on that receives it.
    pub(super) fn signal_process(&mut self, process: Pid, signal: i32) -> nix::Result<()> {
        self.signals += 1;
        let threads = self.order.iter().copied();
        let threads: Vec<Pid> = threads
            .filter(|it| self.threads.get(it).is_some_and(|it| it.process == process))
            .collect();
        for id in threads {
            if self.signal_thread(id, signal, &Status::of(id))? {
                // If it waited it is the last one that is ready now.
                if self.ready.back() == Some(&id) {
                    self.ready.pop_back();
                    self.urgent.push_back(id);
                }
                break;
            }
        }
        Ok(())
    }

    /// A signal is sent to a thread: if it waits and receives it, it goes on. Returns whether it is
    /// the thread to receive a signal to its process.
    pub(super) fn signal_thread(
        &mut self,
        id: Pid,
        signal: i32,
        status: &Status,
    ) -> nix::Result<bool> {
        let thread = &self.threads[&id];
        let wait = match &thread.state {
            State::Ready(_) | State::Waiting(Wait::Turn(_)) => {
                return Ok(status.blocked & bit(signal) == 0);
            }
            State::Waiting(wait) => wait,
        };
        let at = thread.at;
        let set = signal_set(id, &at)?;
        if at.call() == libc::SYS_rt_sigtimedwait {
            if *wait == Wait::Signal && set.is_some_and(|set| set & bit(signal) != 0) {
                self.make_ready(id, Resume::Call);
                return Ok(true);
            }
            if status.blocked & bit(signal) != 0 {
                return Ok(false);
            }
        } else if set.unwrap_or(status.blocked) & bit(signal) != 0 {
            return Ok(false);
        }
        if status.blocked & bit(signal) != 0 && set.is_none() {
            return Ok(false);
        }
        if !status.has_effect(signal) {
            return Ok(true);
        }
        let interrupted = Resume::Return(failed(Errno::EINTR));
        let resume = match wait {
            Wait::ChildProgram | Wait::OtherThreads | Wait::Turn(_) => return Ok(false),
            // With a mask of its own the call must be made, so that the kernel uses the mask.
            _ if set.is_some() => Resume::Call,
            Wait::Writable(_) if thread.unfinished.is_some() => self.end_write(id),
            // The kernel makes most of these calls again after the handler.
            Wait::Readable(_) | Wait::Writable(_) | Wait::Lock { .. } => Resume::Call,
            Wait::Futex { .. } if thread.deadline.is_none() => Resume::Call,
            Wait::Child(_) => self.interrupt_wait(id)?,
            Wait::Sleep => {
                self.write_remaining(id, &at)?;
                interrupted
            }
            Wait::Futex { .. } | Wait::Files | Wait::Signal => interrupted,
        };
        self.make_ready(id, resume);
        Ok(true)
    }

    /// `pause`, `rt_sigsuspend` and `rt_sigtimedwait`.
    pub(super) fn on_signal_wait(&mut self, id: Pid, at: &Registers) -> nix::Result<Next> {
        if self.has_pending_signal(id, at)? {
            return Ok(Next::Call);
        }
        let [_, _, time, ..] = at.arguments();
        let deadline = match at.call() {
            libc::SYS_rt_sigtimedwait if time != 0 => {
                let time = Memory(id).read_duration(time, 1)?;
                Some(self.clock.now.saturating_add(time))
            }
            _ => None,
        };
        Ok(Next::Wait(Wait::Signal, deadline))
    }

    /// Whether a signal is pending that ends a call with a set of signals.
    pub(super) fn has_pending_signal(&self, id: Pid, at: &Registers) -> nix::Result<bool> {
        let Some(set) = signal_set(id, at)?.filter(|_| self.signals > 0) else {
            return Ok(false);
        };
        let status = Status::of(id);
        Ok(if at.call() == libc::SYS_rt_sigtimedwait {
            (status.pending | status.shared) & set != 0
        } else {
            let pending = status.pending | status.shared;
            let signals = (1..=64).filter(|it| pending & !set & bit(*it) != 0);
            signals.into_iter().any(|it| status.has_effect(it))
        })
    }
}

/// The set of signals of a call: those that it waits for, or those that it blocks meanwhile.
fn signal_set(id: Pid, at: &Registers) -> nix::Result<Option<Signals>> {
    let arguments = at.arguments();
    let address = match at.call() {
        libc::SYS_rt_sigtimedwait | libc::SYS_rt_sigsuspend => arguments[0],
        libc::SYS_ppoll => arguments[3],
        libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 => arguments[4],
        libc::SYS_pselect6 if arguments[5] != 0 => Memory(id).read_words::<1>(arguments[5])?[0],
        _ => 0,
    };
    if address == 0 {
        return Ok(None);
    }
    let [set] = Memory(id).read_words(address)?;
    Ok(Some(set))
}
