//! The node of challenge 6 as a process.

use clap::Parser;
use txn::{Flags, Txn};

/// Executes transactions at once, and replicates their writes along a spanning tree: a node for
/// Maelstrom's `txn-rw-register` workload.
///
/// It speaks the Maelstrom protocol on stdin and stdout, one JSON message a line, and is meant to
/// be started by a test bench: `cargo challenge txn-6c`. All times are in milliseconds.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
}

fn main() -> anyhow::Result<()> {
    let Arguments { flags } = shared::parse();
    shared::run(shared::with_flags(flags, Txn::boot))
}
