//! The node of challenge 3 as a process.

use broadcast::{Broadcast, Flags};
use clap::Parser;

/// Replicates values along a spanning tree: a node for Maelstrom's `broadcast` workload.
///
/// It speaks the Maelstrom protocol on stdin and stdout, one JSON message a line, and is meant to
/// be started by a test bench: `cargo challenge broadcast-3d`. All times are in milliseconds.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
}

fn main() -> anyhow::Result<()> {
    let Arguments { flags } = shared::parse();
    shared::run(shared::with_flags(flags, Broadcast::boot))
}
