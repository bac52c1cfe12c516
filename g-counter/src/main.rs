//! The node of challenge 4 as a process.

use clap::Parser;
use g_counter::{Flags, GCounter};

/// Keeps a grow-only counter, replicated along a spanning tree: a node for Maelstrom's `g-counter`
/// workload.
///
/// It speaks the Maelstrom protocol on stdin and stdout, one JSON message a line, and is meant to
/// be started by a test bench: `cargo challenge g-counter`. All times are in milliseconds.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
}

fn main() -> anyhow::Result<()> {
    let Arguments { flags } = shared::parse();
    shared::run(shared::with_flags(flags, GCounter::boot))
}
