//! What differs between processors: registers, calls that only some have, counters of time.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
pub use aarch64::{CONTEXT_MASK, COUNTER_MUST_TRAP, MACHINE, Registers, legacy};
#[cfg(target_arch = "x86_64")]
pub use x86_64::{CONTEXT_MASK, COUNTER_MUST_TRAP, MACHINE, Registers, legacy};

/// Whether a call that a signal interrupts is made again (or fails), by its result; `None` if that is no
/// such result.
fn restart(result: i64, restarts: bool) -> Option<bool> {
    match result {
        // ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK
        -512 => Some(restarts),
        -513 => Some(true),
        -514 | -516 => Some(false),
        _ => None,
    }
}
