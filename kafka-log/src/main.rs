//! The node of challenge 5 as a process.

use clap::Parser;
use kafka_log::{Flags, KafkaLog};

/// Keeps replicated logs: a node for Maelstrom's `kafka` workload.
///
/// It speaks the Maelstrom protocol on stdin and stdout, one JSON message a line, and is meant to
/// be started by a test bench: `cargo challenge kafka-5c`. All times are in milliseconds.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
}

fn main() -> anyhow::Result<()> {
    let Arguments { flags } = shared::parse();
    shared::run(shared::with_flags(flags, KafkaLog::boot))
}
