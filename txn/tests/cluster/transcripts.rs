//! Transcripts of clusters; the commands are those of `TestCluster::execute`. Messages among nodes
//! take 100 ms.

use shared::{read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::check_transcripts;
use txn::Txn;

fn check(folder: &str, args: &[&str]) {
    let flags = read_flags("txn", args).unwrap();
    let boot = with_flags(flags, Txn::boot);
    check_transcripts(folder, Latency::constant(100), boot);
}

#[test]
fn clusters_match_their_transcripts() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/transcripts");
    check(folder, &[]);
}

#[test]
fn durable_clusters_match_their_transcripts() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/durable");
    check(folder, &["--durable", "--journal-window=0"]);
}
