//! What differs between processors: registers, calls that only some have, counters of time.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use nix::libc::user_regs_struct;
use nix::sys::ptrace;
use nix::unistd::Pid;

use super::memory::Memory;
#[cfg(target_arch = "aarch64")]
use aarch64 as own;
#[cfg(target_arch = "x86_64")]
use x86_64 as own;

pub use own::{CONTEXT_MASK, COUNTER_MUST_TRAP, MACHINE, legacy};

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

    /// Whether the last instruction has made a call.
    pub fn are_after_call(&self, memory: Memory) -> bool {
        let mut code = [0; own::CALL.len()];
        let read = memory.read(self.instruction() - code.len() as u64, &mut code);
        read.is_ok() && code == own::CALL
    }

    /// At a signal handler's first instruction: its three parameters.
    pub fn parameters(&self) -> [u64; 3] {
        let [first, second, third, ..] = self.arguments();
        [first, second, third]
    }
}
