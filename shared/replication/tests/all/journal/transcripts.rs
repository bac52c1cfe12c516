//! Transcripts of notebooks; the commands are those of `TestCluster::execute`. Messages to the service
//! and back take 100 ms.

use shared::{read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::check_transcripts;

use super::notebook::Notebook;

fn check(folder: &str, words: &[&str]) {
    let flags = read_flags("notebook", words).unwrap();
    let boot = with_flags(flags, Notebook::boot);
    check_transcripts(folder, Latency::constant(100), boot);
}

#[test]
fn journals_do_as_their_transcripts_tell() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/journal/transcripts");
    check(folder, &["--durable"]);
}

#[test]
fn a_window_gathers() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/journal/window");
    check(folder, &["--durable", "--journal-window=500"]);
}
