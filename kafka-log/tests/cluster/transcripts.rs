//! Transcripts of clusters; the commands are those of `TestCluster::execute`. Messages among nodes
//! take 10 ms.

use kafka_log::KafkaLog;
use shared::{read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::check_transcripts;

fn check(folder: &str, args: &[&str]) {
    let flags = read_flags("kafka-log", args).unwrap();
    let boot = with_flags(flags, KafkaLog::boot);
    check_transcripts(folder, Latency::constant(10), boot);
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
