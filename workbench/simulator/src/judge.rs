//! The verdict on a run: what applies to every history, what its workload's checker finds, and the
//! number of messages. The network only counts.

use checkers::{MessageCount, NetResult, Target, Verdict};
use history::Kind;

use crate::run::Record;
use crate::statistics::{Count, Statistics};
use crate::workload::Workload;

/// Judges a run of a workload, as Maelstrom does; one that was interrupted as a
/// [prefix](Verdict::of_prefix) of the whole.
pub fn judge(record: &Record, workload: &dyn Workload, availability: Option<Target>) -> Verdict {
    let history = &record.history;
    let net = message_counts(&record.statistics, history.count(Kind::Invoke));
    let verdict = Verdict::judge(history, workload.check(history), availability, Some(net));
    match record.interrupted_at {
        Some(_) => verdict.of_prefix(history),
        None => verdict,
    }
}

/// The message counts of a run, and its number of invocations, from which messages per operation
/// follow.
pub(crate) fn message_counts(statistics: &Statistics, invocations: usize) -> NetResult {
    let count = |Count { sent, received }| MessageCount { sent, received };
    NetResult {
        clients: count(statistics.clients()),
        servers: count(statistics.servers()),
        invocations,
    }
}
