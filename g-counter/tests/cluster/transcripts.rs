//! Clusters, told as transcripts; the commands are those of `Network::obey`. Between nodes every
//! message takes 100 ms.

use g_counter::GCounter;
use shared::network::check_transcripts;

#[test]
fn clusters_do_as_their_transcripts_tell() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/transcripts");
    check_transcripts(folder, 100, GCounter::boot);
}
