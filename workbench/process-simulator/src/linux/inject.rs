//! Calls that a waiting thread makes for the supervisor.

use nix::errno::Errno;
use nix::libc::{self, siginfo_t};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::arch::Registers;
use super::memory::Memory;
use super::node::Node;
use super::signals::Status;
use super::wait::{Stop, wait};

/// The filter stops a thread at the entrance of a call.
const AT_ENTRANCE: Stop = Stop::Event(libc::PTRACE_EVENT_SECCOMP);

impl Node {
    /// Arms one of the kernel's timers so that it expires at once, and waits for its signal.
    pub(super) fn arm_posix_timer(&mut self, id: Pid, timer: i32) -> nix::Result<()> {
        let process = self.threads[&id].process;
        let before = self.pending_signals(process);
        let at_once = [0, 0, 0, 1];
        self.inject_timer_call(
            id,
            libc::SYS_timer_settime,
            |it| [timer as u64, 0, it, 0, 0, 0],
            at_once,
        )?;
        // The clock's interrupt may come a little later.
        for look in 1..1000 {
            let now = self.pending_signals(process);
            let changed = before.iter().zip(&now).find(|(before, now)| before != now);
            if let Some(((_, before), (thread, now))) = changed {
                let new = |now: u64, before: u64| match now & !before {
                    0 => None,
                    new => Some(new.trailing_zeros() as i32 + 1),
                };
                if let Some(signal) = new(now.pending, before.pending) {
                    self.signal_thread(*thread, signal, now)?;
                } else if let Some(signal) = new(now.shared, before.shared) {
                    self.signal_process(process, signal)?;
                }
                return Ok(());
            }
            if look % 4 == 0 {
                let arguments = |it| [timer as u64, it, 0, 0, 0, 0];
                let [.., seconds, nanos] =
                    self.inject_timer_call(id, libc::SYS_timer_gettime, arguments, [u64::MAX; 4])?;
                if (seconds, nanos) == (0, 0) {
                    // It has expired without a signal, or its signal was pending before.
                    return Ok(());
                }
            }
            std::thread::sleep(std::time::Duration::from_micros(100));
        }
        Ok(())
    }

    /// Makes a call on a timer, with the address of these words among its arguments. Returns the words
    /// afterwards.
    fn inject_timer_call(
        &mut self,
        id: Pid,
        call: i64,
        arguments: impl FnOnce(u64) -> [u64; 6],
        words: [u64; 4],
    ) -> nix::Result<[u64; 4]> {
        // What is on the stack is written back before the thread goes on.
        let address = self.threads[&id].at.stack();
        let memory = Memory(id);
        let saved = memory.read_words::<4>(address)?;
        memory.write_words(address, &words)?;
        let called = self.inject(id, call, arguments(address));
        let words = memory.read_words(address);
        memory.write_words(address, &saved)?;
        called?;
        words
    }

    /// What is pending for each thread of a process.
    fn pending_signals(&self, process: Pid) -> Vec<(Pid, Status)> {
        let threads = self.threads.iter();
        let threads = threads.filter(|(_, thread)| thread.process == process);
        threads.map(|(id, _)| (*id, Status::of(*id))).collect()
    }

    /// Makes a call in a thread that is at the entrance of another one, and brings it back there.
    fn inject(&mut self, id: Pid, call: i64, arguments: [u64; 6]) -> nix::Result<i64> {
        let at = self.threads[&id].at;
        let mut registers = at;
        let mut held = Vec::new();
        registers.skip_call(0);
        registers.write(id)?;
        self.run_until(id, Stop::Call, &mut held)?;
        registers.call_again(call, arguments);
        registers.write(id)?;
        // The entrance and the exit.
        self.run_until(id, Stop::Call, &mut held)?;
        self.run_until(id, Stop::Call, &mut held)?;
        let mut registers = Registers::read(id)?;
        let result = registers.result();
        registers.call_again(at.call(), at.arguments());
        registers.write(id)?;
        self.run_until(id, AT_ENTRANCE, &mut held)?;
        // The signals are pending again when the thread goes on from its call.
        for (signal, info) in held {
            if let Some(thread) = self.threads.get_mut(&id) {
                thread.held.push(info);
            }
            kill(id, signal)?;
        }
        Ok(result)
    }

    /// Lets a thread run to a stop, and holds back the signals that come before.
    fn run_until(
        &mut self,
        id: Pid,
        meant: Stop,
        held: &mut Vec<(Signal, siginfo_t)>,
    ) -> nix::Result<()> {
        loop {
            match meant {
                Stop::Call => ptrace::syscall(id, None)?,
                _ => ptrace::cont(id, None)?,
            }
            match wait(id)? {
                stop if stop == meant => return Ok(()),
                Stop::Signal(signal) => {
                    if let Some(signal) = self.deliverable(id, signal)? {
                        held.push((signal, ptrace::getsiginfo(id)?));
                    }
                }
                // The filter stops it beside the entrance.
                AT_ENTRANCE => {}
                _ => return Err(Errno::ESRCH),
            }
        }
    }
}
