//! Real-time signals.
//!
//! `nix` cannot pass them on to a stopped thread. So the handler becomes that of another signal for a
//! moment, which is sent in its place: the kernel builds the handler's frame, and what differs in it is
//! corrected before the handler's first instruction.

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::arch::{CONTEXT_MASK, Registers};
use super::children::SIGINFO_PID;
use super::memory::Memory;
use super::node::Node;
use super::signals::{Status, bit};
use super::wait::{Stop, wait};

/// The first signal that `nix` does not know.
pub const FIRST_REALTIME: i32 = 32;

/// The signal that is sent instead: few programs handle it.
const PROXY: Signal = Signal::SIGXFSZ;

/// The kernel's `struct sigaction`: handler, flags, restorer, mask.
type Action = [u64; 4];

/// The number of bytes of a set of signals.
const SET_BYTES: u64 = 8;

impl Node {
    /// Lets a thread that is about to receive a real-time signal enter its handler.
    pub(super) fn deliver_realtime(&mut self, id: Pid, signal: i32) -> nix::Result<()> {
        let number = signal as u64;
        let mut info = ptrace::getsiginfo(id)?;
        let is_sent = [libc::SI_USER, libc::SI_TKILL, libc::SI_QUEUE].contains(&info.si_code);
        let mut registers = Registers::read(id)?;
        let blocked = Status::of(id).blocked;
        let action = self.exchange_action(id, number, None)?;
        let [handler, flags, _, mask] = action;
        if handler == libc::SIG_IGN as u64 {
            return registers.write(id);
        }
        if handler == libc::SIG_DFL as u64 {
            self.note(format!("signal {signal} ended a process, as SIGKILL does"));
            return kill(self.threads[&id].process, Signal::SIGKILL);
        }
        let proxy = PROXY as u64;
        let saved = self.exchange_action(id, proxy, Some(action))?;
        self.set_blocked(id, blocked & !bit(PROXY as i32))?;
        let target = [
            self.threads[&id].process.as_raw() as u64,
            id.as_raw() as u64,
        ];
        self.call_anywhere(id, libc::SYS_tgkill, [target[0], target[1], proxy, 0, 0, 0])?;

        // The kernel would do this to an interrupted call; it has made others since.
        let entrance = self.threads[&id].at;
        registers.interrupt_call(&entrance, flags & libc::SA_RESTART as u64 != 0);
        registers.write(id)?;
        loop {
            ptrace::cont(id, None)?;
            match wait(id)? {
                Stop::Signal(it) if it == PROXY as i32 => break,
                Stop::Signal(other) => self.note_lost(other),
                _ => return Err(Errno::ESRCH),
            }
        }
        info.si_signo = PROXY as i32;
        ptrace::setsiginfo(id, &info)?;
        ptrace::step(id, PROXY)?;
        if wait(id)? != Stop::Signal(libc::SIGTRAP) {
            return Err(Errno::ESRCH);
        }

        let mut entry = Registers::read(id)?;
        let [_, info, context] = entry.parameters();
        Memory(id).write(info, &signal.to_le_bytes())?;
        if is_sent {
            // Libraries compare it with their own id.
            let sender = Pid::from_raw(Memory(id).read_u32(info + SIGINFO_PID)? as i32);
            if let Some(number) = self.threads.get(&sender).map(|it| it.number) {
                Memory(id).write(info + SIGINFO_PID, &(number as u32).to_le_bytes())?;
            }
        }
        Memory(id).write_words(context + CONTEXT_MASK, &[blocked])?;
        self.exchange_action(id, proxy, Some(saved))?;
        let own = match flags & libc::SA_NODEFER as u64 {
            0 => bit(signal),
            _ => 0,
        };
        self.set_blocked(id, blocked | mask | own)?;
        entry.set_parameter(number);
        entry.write(id)
    }

    fn note_lost(&mut self, signal: i32) {
        if signal == libc::SIGSTOP && self.watch.take_preemption() {
            // The watchdog's, which came too late.
            self.watch.end_interruption();
            return;
        }
        self.note(format!(
            "signal {signal} was lost, as it came with a real-time one"
        ));
    }

    /// Changes how a signal is handled. Returns how it was handled before.
    fn exchange_action(
        &mut self,
        id: Pid,
        signal: u64,
        new: Option<Action>,
    ) -> nix::Result<Action> {
        let memory = Memory(id);
        let address = self.threads[&id].at.stack();
        let saved = memory.read_words::<8>(address)?;
        let old = address + 32;
        let at = match new {
            Some(new) => {
                memory.write_words(address, &new)?;
                address
            }
            None => 0,
        };
        let arguments = [signal, at, old, SET_BYTES, 0, 0];
        let called = self.call_anywhere(id, libc::SYS_rt_sigaction, arguments);
        let action = memory.read_words(old);
        memory.write_words(address, &saved)?;
        called?;
        action
    }

    fn set_blocked(&mut self, id: Pid, blocked: u64) -> nix::Result<()> {
        let memory = Memory(id);
        let address = self.threads[&id].at.stack();
        let saved = memory.read_words::<1>(address)?;
        memory.write_words(address, &[blocked])?;
        let arguments = [libc::SIG_SETMASK as u64, address, 0, SET_BYTES, 0, 0];
        let called = self.call_anywhere(id, libc::SYS_rt_sigprocmask, arguments);
        memory.write_words(address, &saved)?;
        called
    }

    /// Makes a call in a thread that is not in one, with the instruction of its last call. Its registers
    /// are those of this call afterwards.
    fn call_anywhere(&mut self, id: Pid, call: i64, arguments: [u64; 6]) -> nix::Result<()> {
        let mut registers = self.threads[&id].at;
        registers.call_again(call, arguments);
        registers.write(id)?;
        // The entrance and the exit.
        for _ in 0..2 {
            loop {
                ptrace::syscall(id, None)?;
                match wait(id)? {
                    Stop::Call => break,
                    Stop::Event(libc::PTRACE_EVENT_SECCOMP) => {}
                    Stop::Signal(other) => self.note_lost(other),
                    _ => return Err(Errno::ESRCH),
                }
            }
        }
        match Registers::read(id)?.result() {
            error @ ..0 => Err(Errno::from_raw(-error as i32)),
            _ => Ok(()),
        }
    }
}
