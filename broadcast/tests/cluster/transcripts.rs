//! Clusters, told as transcripts; the commands are those of `Network::obey`. Between nodes every
//! message takes 100 ms; so do those of durable nodes to the service and back.

use broadcast::Broadcast;
use shared::network::{check_transcripts, check_transcripts_with};

#[test]
fn clusters_do_as_their_transcripts_tell() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/transcripts");
    check_transcripts(folder, 100, Broadcast::boot);
}

#[test]
fn durable_clusters_do_as_theirs_tell() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/durable");
    check_transcripts_with(&["--durable"], folder, 100, Broadcast::boot);
}
