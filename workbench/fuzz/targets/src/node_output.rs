//! Lines of nodes into a run of any workload, in all its phases: what the bench makes of nodes that
//! are broken or hostile.

use simulator::nemesis::Fault;

use crate::bytes::Bytes;
use crate::cluster::Cluster;
use crate::hostile::Side;

pub(crate) fn drive(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let cluster = Cluster::draw(&mut bytes, &Fault::ALL);
    cluster.judge_hostile(Side::Output, bytes.rest());
}
