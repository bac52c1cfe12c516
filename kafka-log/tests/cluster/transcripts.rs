//! Clusters, told as transcripts; the commands are those of [`Network::obey`]. Between nodes every
//! message takes 10 ms.

use clap::Parser;
use kafka_log::{Flags, KafkaLog};
use shared::network::{Network, Weather};
use shared::{Cluster, Context, transcript};

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
        let flags = CommandLine::parse_from(["kafka-log"]).flags;
        let boot =
            move |cluster: Cluster, ctx: &mut Context<_>| KafkaLog::boot(&flags, &cluster, ctx);
        let mut network = Network::new(1, Weather::calm((10, 10)), boot);
        move |command: &str| network.obey(command)
    });
}
