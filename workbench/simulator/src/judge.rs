//! The verdict on a run: what applies to every history, what its workload's checker finds, and the
//! number of messages. The network itself counts and judges nothing.

use checkers::{MessageCount, NetResult, Target, Verdict};
use history::Kind;

use crate::run::Record;
use crate::statistics::{Count, Statistics};
use crate::workload::Workload;

/// Judges a run of a workload, as Maelstrom does.
pub fn judge(record: &Record, workload: &dyn Workload, availability: Option<Target>) -> Verdict {
    let history = &record.history;
    let net = net(&record.statistics, history.count(Kind::Invoke));
    Verdict::judge(history, workload.check(history), availability, Some(net))
}

/// The number of messages, for a history of so many invocations.
pub(crate) fn net(statistics: &Statistics, invocations: usize) -> NetResult {
    let count = |Count { sent, received }| MessageCount { sent, received };
    NetResult {
        clients: count(statistics.clients()),
        servers: count(statistics.servers()),
        invocations,
    }
}
