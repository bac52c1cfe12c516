//! What differs between processors: registers, calls that only some have, counters of time.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
pub use aarch64::{CONTEXT_MASK, COUNTER_MUST_TRAP, MACHINE, Registers, legacy};
#[cfg(target_arch = "x86_64")]
pub use x86_64::{CONTEXT_MASK, COUNTER_MUST_TRAP, MACHINE, Registers, legacy};
