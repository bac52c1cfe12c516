//! The node of challenge 1 as a process.

use clap::Parser;
use echo::Echo;

/// Echoes what it receives: a node for Maelstrom's `echo` workload.
///
/// It speaks the Maelstrom protocol on stdin and stdout, one JSON message a line, and is meant to
/// be started by a test bench: `cargo challenge echo`.
#[derive(Parser)]
#[command(version)]
struct Flags {}

fn main() -> anyhow::Result<()> {
    let Flags {} = shared::parse();
    shared::run(|_cluster, _ctx| Echo)
}
