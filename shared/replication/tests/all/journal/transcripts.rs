//! Transcripts of notebooks, with the commands of `TestCluster::execute`. Messages to and from the
//! service take 100 ms.

use shared::{read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::check_transcripts;

use super::notebook::Notebook;

fn check(folder: &str, args: &[&str]) {
    let flags = read_flags("notebook", args).unwrap();
    let boot = with_flags(flags, Notebook::boot);
    check_transcripts(folder, Latency::constant(100), boot);
}

#[test]
fn journals_behave_as_in_their_transcripts() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/journal/transcripts");
    check(folder, &["--durable"]);
}

#[test]
fn notes_within_a_window_are_written_together() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/journal/window");
    check(folder, &["--durable", "--journal-window=500"]);
}

#[test]
fn several_writes_are_in_flight_and_confirmed_in_order() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/journal/depth");
    check(folder, &["--durable", "--depth=3"]);
}
