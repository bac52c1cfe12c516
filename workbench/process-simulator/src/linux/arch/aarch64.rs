//! Linux on aarch64.
//!
//! At the entrance of a call its number cannot be changed with the requests of ptrace that `nix` has. So a
//! call is skipped by making it with arguments with which every call that stops fails at once, or has no
//! effect, and by changing its result at its exit.

use nix::libc;

use super::Registers;
use crate::linux::memory::Memory;

/// The instruction `svc #0`, which makes a call.
pub const CALL: [u8; 4] = [0x01, 0x00, 0x00, 0xd4];

/// The reads of the virtual counter, `mrs Xt, CNTVCT_EL0` and `CNTVCTSS_EL0`, without the number of the
/// register in the lowest bits.
const COUNTER_READS: [u32; 2] = [0xd53b_e040, 0xd53b_e0c0];

/// Only kernels from 6.12 on can trap reads of the counter, which few programs make.
pub const COUNTER_MUST_TRAP: bool = false;

/// Where a `ucontext_t` has the set of blocked signals.
pub const CONTEXT_MASK: u64 = 40;

/// The number of this processor in ELF files.
pub const MACHINE: u16 = 183;

impl Registers {
    /// A call that is skipped stops at its exit, where [`Registers::set_result`] sets its result.
    pub const SKIPPED_CALL_STOPS: bool = true;

    /// The number of the call at whose entrance the thread is.
    pub fn call(&self) -> i64 {
        self.0.regs[8] as i64
    }

    /// The call's arguments.
    pub fn arguments(&self) -> [u64; 6] {
        let [x0, x1, x2, x3, x4, x5, ..] = self.0.regs;
        [x0, x1, x2, x3, x4, x5]
    }

    /// At the entrance: sets the arguments of the call.
    pub fn set_arguments(&mut self, arguments: [u64; 6]) {
        self.0.regs[..6].copy_from_slice(&arguments);
    }

    /// At the exit: the registers of the arguments have these values again, but for the result's.
    pub fn restore_arguments(&mut self, arguments: [u64; 6]) {
        self.0.regs[1..6].copy_from_slice(&arguments[1..]);
    }

    /// At the entrance: skips the call.
    pub fn skip_call(&mut self, _result: i64) {
        self.set_arguments([u64::MAX; 6]);
    }

    /// At the exit: what the call returns.
    pub fn result(&self) -> i64 {
        self.0.regs[0] as i64
    }

    /// At the exit: changes what the call returns.
    pub fn set_result(&mut self, result: i64) {
        self.0.regs[0] = result as u64;
    }

    /// At a call's exit: makes a call with the same instruction. The thread then stops at its
    /// entrance.
    pub fn call_again(&mut self, call: i64, arguments: [u64; 6]) {
        self.0.pc -= CALL.len() as u64;
        self.0.regs[8] = call as u64;
        self.set_arguments(arguments);
    }

    /// At the entrance: goes back before the call, for a thread that is detached.
    pub fn leave_call(&mut self) {
        self.skip_call(0);
        self.0.pc -= CALL.len() as u64;
    }

    /// At a signal handler's first instruction: sets its first parameter.
    pub fn set_parameter(&mut self, value: u64) {
        self.0.regs[0] = value;
    }

    /// A call at whose entrance the thread was is interrupted by a signal with a handler: it is made
    /// again or fails, as the kernel would have it, which has gone back before the call already.
    pub fn interrupt_call(&mut self, entrance: &Registers, restarts: bool) {
        let before = entrance.instruction() - CALL.len() as u64;
        let is_made_again = match entrance.call() {
            libc::SYS_ppoll | libc::SYS_pselect6 | libc::SYS_rt_sigsuspend => false,
            _ => restarts,
        };
        if self.instruction() == before && !is_made_again {
            self.0.pc = entrance.0.pc;
            self.set_result(-i64::from(libc::EINTR));
        }
    }

    /// All of them, in the order of a core file.
    pub fn words(&self) -> Vec<u64> {
        let it = &self.0;
        [&it.regs[..], &[it.sp, it.pc, it.pstate]].concat()
    }

    /// The stack pointer.
    pub fn stack(&self) -> u64 {
        self.0.sp
    }

    /// The address of the next instruction.
    pub fn instruction(&self) -> u64 {
        self.0.pc
    }

    /// Completes the instruction if it reads the counter. Returns whether it does.
    pub fn complete_counter_read(&mut self, memory: Memory, counter: impl FnOnce() -> u64) -> bool {
        let Ok(code) = memory.read_u32(self.instruction()) else {
            return false;
        };
        if !COUNTER_READS.contains(&(code & !0x1f)) {
            return false;
        }
        let (counter, register) = (counter(), code as usize & 0x1f);
        // Register 31 is the one that is always zero.
        if let Some(register) = self.0.regs.get_mut(register) {
            *register = counter;
        }
        self.0.pc += 4;
        true
    }
}

/// Calls that other processors have. No call has a negative number.
pub mod legacy {
    pub const ALARM: i64 = -2;
    pub const DUP2: i64 = -3;
    pub const EPOLL_WAIT: i64 = -4;
    pub const GETPGRP: i64 = -5;
    pub const PAUSE: i64 = -6;
    pub const POLL: i64 = -7;
    pub const SELECT: i64 = -8;
    pub const SIGNALFD: i64 = -9;
    pub const TIME: i64 = -10;
}
