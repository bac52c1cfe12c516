//! The registers of a stopped thread, on x86-64.

use nix::libc::{self, user_regs_struct};
use nix::sys::ptrace;
use nix::unistd::Pid;

/// The value that marks registers as outside a call, so that the kernel changes nothing in them.
const NO_CALL: u64 = u64::MAX;

/// The length of the instruction `syscall`.
const CALL_LENGTH: u64 = 2;

/// The registers of a thread.
#[derive(Debug, Clone, Copy)]
pub struct Registers(user_regs_struct);

impl Registers {
    /// Reads the registers of a stopped thread.
    pub fn read(thread: Pid) -> nix::Result<Self> {
        ptrace::getregs(thread).map(Registers)
    }

    /// Writes the registers of a stopped thread.
    pub fn write(&self, thread: Pid) -> nix::Result<()> {
        ptrace::setregs(thread, self.0)
    }

    /// The number of the call at whose entrance the thread is.
    pub fn call(&self) -> i64 {
        self.0.orig_rax as i64
    }

    /// The call's arguments.
    pub fn arguments(&self) -> [u64; 6] {
        let it = &self.0;
        [it.rdi, it.rsi, it.rdx, it.r10, it.r8, it.r9]
    }

    /// Sets the arguments of the call.
    pub fn set_arguments(&mut self, arguments: [u64; 6]) {
        let it = &mut self.0;
        [it.rdi, it.rsi, it.rdx, it.r10, it.r8, it.r9] = arguments;
    }

    /// At the entrance: makes another call in place of this one.
    pub fn replace_call(&mut self, call: i64, arguments: [u64; 6]) {
        self.0.orig_rax = call as u64;
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
        self.0.rip -= CALL_LENGTH;
        self.0.rax = call as u64;
        self.0.orig_rax = NO_CALL;
        self.set_arguments(arguments);
    }

    /// All of them, in the order of a core file.
    pub fn words(&self) -> [u64; 27] {
        let it = &self.0;
        [
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

    /// Completes an instruction of `length` bytes that reads the time-stamp counter; `has_cpu` says
    /// whether it reads the processor's number as well, which is 0.
    pub fn complete_counter_read(&mut self, counter: u64, length: u64, has_cpu: bool) {
        self.0.rax = counter & 0xffff_ffff;
        self.0.rdx = counter >> 32;
        if has_cpu {
            self.0.rcx = 0;
        }
        self.0.rip += length;
    }
}

/// The length of an instruction that reads the time-stamp counter, if these bytes are one, and
/// whether it reads the processor's number as well.
pub fn counter_read(code: [u8; 3]) -> Option<(u64, bool)> {
    match code {
        [0x0f, 0x31, _] => Some((2, false)),
        [0x0f, 0x01, 0xf9] => Some((3, true)),
        _ => None,
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
