//! The node of challenge 2 as a process.

use clap::Parser;
use unique_ids::UniqueIds;

/// Generates ids that are unique in the whole cluster: a node for Maelstrom's `unique-ids`
/// workload.
///
/// It speaks the Maelstrom protocol on stdin and stdout, one JSON message a line, and is meant to
/// be started by a test bench: `cargo challenge unique-ids`.
#[derive(Parser)]
#[command(version)]
struct Flags {}

fn main() -> anyhow::Result<()> {
    let Flags {} = shared::parse();
    shared::run(|cluster, ctx| UniqueIds::boot(&cluster, ctx))
}
