//! Linux on x86-64.

use nix::libc;

use super::Registers;
use crate::linux::memory::Memory;

/// The value that marks registers as outside a call, so that the kernel changes nothing in them.
const NO_CALL: u64 = u64::MAX;

/// The instruction `syscall`.
pub const CALL: [u8; 2] = [0x0f, 0x05];

/// Reads of the time-stamp counter can be trapped everywhere.
pub const COUNTER_MUST_TRAP: bool = true;

/// Where a `ucontext_t` has the set of blocked signals.
pub const CONTEXT_MASK: u64 = 296;

/// The number of this processor in ELF files.
pub const MACHINE: u16 = 62;

impl Registers {
    /// A call that is skipped does not stop at its exit.
    pub const SKIPPED_CALL_STOPS: bool = false;

    /// The number of the call at whose entrance the thread is.
    pub fn call(&self) -> i64 {
        self.0.orig_rax as i64
    }

    /// The call's arguments.
    pub fn arguments(&self) -> [u64; 6] {
        let it = &self.0;
        [it.rdi, it.rsi, it.rdx, it.r10, it.r8, it.r9]
    }

    /// At the entrance: sets the arguments of the call.
    pub fn set_arguments(&mut self, arguments: [u64; 6]) {
        let it = &mut self.0;
        [it.rdi, it.rsi, it.rdx, it.r10, it.r8, it.r9] = arguments;
    }

    /// At the exit: the registers of the arguments have these values again.
    pub fn restore_arguments(&mut self, arguments: [u64; 6]) {
        self.set_arguments(arguments);
    }

    /// At the entrance: skips the call, which then returns `result`.
    pub fn skip_call(&mut self, result: i64) {
        self.0.orig_rax = NO_CALL;
        self.0.rax = result as u64;
    }

    /// At the exit: what the call returns.
    pub fn result(&self) -> i64 {
        self.0.rax as i64
    }

    /// At the exit: changes what the call returns.
    pub fn set_result(&mut self, result: i64) {
        self.0.rax = result as u64;
    }

    /// At a call's exit: makes a call with the same instruction. The thread then stops at its
    /// entrance.
    pub fn call_again(&mut self, call: i64, arguments: [u64; 6]) {
        self.0.rip -= CALL.len() as u64;
        self.0.rax = call as u64;
        self.0.orig_rax = NO_CALL;
        self.set_arguments(arguments);
    }

    /// At the entrance: goes back before the call, for a thread that is detached.
    pub fn leave_call(&mut self) {
        self.call_again(self.call(), self.arguments());
    }

    /// At a signal handler's first instruction: sets its first parameter.
    pub fn set_parameter(&mut self, value: u64) {
        self.0.rdi = value;
        self.0.orig_rax = NO_CALL;
    }

    /// A call at whose entrance the thread was is interrupted by a signal with a handler: it is made
    /// again or fails, as the kernel would have it.
    pub fn interrupt_call(&mut self, _entrance: &Registers, restarts: bool) {
        let call = std::mem::replace(&mut self.0.orig_rax, NO_CALL);
        if call == NO_CALL {
            return;
        }
        match (self.result(), restarts) {
            // ERESTARTSYS, ERESTARTNOINTR
            (-512, true) | (-513, _) => {
                self.0.rip -= CALL.len() as u64;
                self.0.rax = call;
            }
            // ERESTARTSYS, ERESTARTNOHAND, ERESTART_RESTARTBLOCK
            (-512 | -514 | -516, _) => self.set_result(-i64::from(libc::EINTR)),
            _ => {}
        }
    }

    /// All of them, in the order of a core file.
    pub fn words(&self) -> Vec<u64> {
        let it = &self.0;
        vec![
            it.r15,
            it.r14,
            it.r13,
            it.r12,
            it.rbp,
            it.rbx,
            it.r11,
            it.r10,
            it.r9,
            it.r8,
            it.rax,
            it.rcx,
            it.rdx,
            it.rsi,
            it.rdi,
            it.orig_rax,
            it.rip,
            it.cs,
            it.eflags,
            it.rsp,
            it.ss,
            it.fs_base,
            it.gs_base,
            it.ds,
            it.es,
            it.fs,
            it.gs,
        ]
    }

    /// The stack pointer.
    pub fn stack(&self) -> u64 {
        self.0.rsp
    }

    /// The address of the next instruction.
    pub fn instruction(&self) -> u64 {
        self.0.rip
    }

    /// Completes the instruction if it reads the counter. Returns whether it does.
    pub fn complete_counter_read(&mut self, memory: Memory, counter: impl FnOnce() -> u64) -> bool {
        let mut code = [0; 3];
        if memory.read(self.instruction(), &mut code).is_err() {
            return false;
        }
        let (length, has_cpu) = match code {
            [0x0f, 0x31, _] => (2, false),
            [0x0f, 0x01, 0xf9] => (3, true),
            _ => return false,
        };
        let counter = counter();
        self.0.rax = counter & 0xffff_ffff;
        self.0.rdx = counter >> 32;
        if has_cpu {
            // The number of the processor.
            self.0.rcx = 0;
        }
        self.0.rip += length;
        true
    }
}

/// Calls that this processor's Linux has beside the newer ones with more arguments.
pub mod legacy {
    use super::libc;

    pub const ALARM: i64 = libc::SYS_alarm;
    pub const DUP2: i64 = libc::SYS_dup2;
    pub const EPOLL_WAIT: i64 = libc::SYS_epoll_wait;
    pub const GETPGRP: i64 = libc::SYS_getpgrp;
    pub const PAUSE: i64 = libc::SYS_pause;
    pub const POLL: i64 = libc::SYS_poll;
    pub const SELECT: i64 = libc::SYS_select;
    pub const SIGNALFD: i64 = libc::SYS_signalfd;
    pub const TIME: i64 = libc::SYS_time;
}
