//! What other nodes and services send to our nodes, edited: packets of links, entries of journals, and
//! services' answers that no correct peer sends.

use simulator::nemesis::Fault;

use crate::bytes::Bytes;
use crate::cluster::Cluster;
use crate::hostile::Side;

pub(crate) fn drive(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let cluster = Cluster::draw(&mut bytes, &[Fault::Kill, Fault::Pause, Fault::Partition]);
    cluster.judge_hostile(Side::Input, bytes.rest());
}
