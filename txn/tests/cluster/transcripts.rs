//! Clusters, told as transcripts; the commands are those of [`Network::obey`]. Between nodes every
//! message takes 100 ms.

use clap::Parser;
use shared::network::{Network, Weather};
use shared::{Cluster, Context, transcript};
use txn::{Flags, Txn};

/// The flags as a command line gives them.
#[derive(Parser)]
pub struct CommandLine {
    #[command(flatten)]
    pub flags: Flags,
}

#[test]
fn clusters_do_as_their_transcripts_tell() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/transcripts");
    transcript::check(folder, || {
        let flags = CommandLine::parse_from(["txn"]).flags;
        let boot = move |cluster: Cluster, ctx: &mut Context<_>| Txn::boot(&flags, &cluster, ctx);
        let mut network = Network::new(1, Weather::calm((100, 100)), boot);
        move |command: &str| network.obey(command)
    });
}
