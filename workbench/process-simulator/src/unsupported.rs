//! In place of the host, where the system or the processor is another one.

use std::env::consts::{ARCH, OS};

use simulator::simulation::Factory;

use crate::{Program, Threads, refusal};

/// # Errors
/// Always: why programs cannot be simulated here, and what to do.
pub fn check() -> anyhow::Result<()> {
    Err(refusal(format!("this is {OS} on {ARCH}")))
}

/// A factory that fails.
pub fn factory(_: Program, _: Threads) -> Factory {
    Box::new(|_| Err(refusal(format!("this is {OS} on {ARCH}"))))
}
