//! Notebooks, told as transcripts; the commands are those of `Network::obey`. Every message to the
//! service and back takes 100 ms.

use shared::network::check_transcripts_with;

use crate::notebook::Notebook;

#[test]
fn journals_do_as_their_transcripts_tell() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/journal/transcripts");
    check_transcripts_with(&["--durable"], folder, 100, Notebook::boot);
}

#[test]
fn a_window_gathers() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/journal/window");
    let words = ["--durable", "--journal-window=500"];
    check_transcripts_with(&words, folder, 100, Notebook::boot);
}
