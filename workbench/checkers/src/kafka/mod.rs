//! Kafka: logs by key, to which clients send messages and which they poll.
//!
//! The offsets that clients received determine one log for each key. Every operation is checked
//! against that log: an offset has one message and a message one offset, acknowledged messages are
//! there, failed ones are not, and a process reads a log without skipping and without going back.
//! Offsets may have gaps, and a poll may lag behind arbitrarily.

mod cases;
mod codec;
mod cycles;
mod deliveries;
mod lag;
mod logs;
mod micro_ops;
mod parsed;
mod reads;
mod result;
mod steps;

use std::collections::HashSet;

use super::element::Element;
use crate::Unjudged;
use history::{History, Kind, Op, OpError};
use lag::Lag;
use logs::Logs;
use parsed::ParsedHistory;

pub use result::{LogAction, LogAnomaly, LogMessage, LogsResult, PollLag, WorstLag};

/// Anomalies that are no errors: other processes send in between, so the sends of a transaction may
/// skip messages; and an order of sends alone cannot be violated, since it is unknown.
const ALLOWED: [&str; 6] = [
    "int-send-skip",
    "G0",
    "G0-process",
    "G0-realtime",
    "PL-1-cycle-exists",
    "strong-PL-1-cycle-exists",
];

/// Judges logs: a history of sends, polls and assignments, with values as in Maelstrom's workload
/// `kafka`. Invalid if there is any anomaly except skips among the sends of one operation, or if no
/// operation precedes another; unknown if a value is malformed, if a message was polled that was
/// never sent, or if all polls of some key returned empty lists.
///
/// Only completions are read, except that the time of a poll is that of its invocation. A negative
/// offset counts as unknown.
///
/// # Errors
/// When the history cannot be judged, as described above.
pub fn kafka(history: &History) -> Result<LogsResult, Unjudged> {
    judge(history).map_err(Unjudged::new)
}

fn judge(history: &History) -> Result<LogsResult, String> {
    let analysis = Analysis::of(history)?;
    analysis.check_senders()?;
    if let Some(error) = analysis.describe_empty_key() {
        return Err(error);
    }
    let mut anomalies = analysis.delivery_anomalies();
    anomalies.extend(analysis.read_anomalies());
    anomalies.extend(steps::anomalies(&analysis));
    anomalies.extend(cycles::anomalies(&analysis, history));
    anomalies.sort_by_key(|anomaly| anomaly.name);
    let lags = Lag::all(&analysis.parsed);
    Ok(LogsResult {
        anomalies,
        last_ok_ns: analysis.last_ok(),
        worst_lag: Lag::worst(&lags).map(|lag| lag.resolve(&analysis.parsed)),
        lags: lags.iter().map(Lag::poll).collect(),
        indeterminate: indeterminate(history),
    })
}

/// A parsed history and the logs that follow from it.
pub(crate) struct Analysis<'a> {
    parsed: ParsedHistory<'a>,
    logs: Logs,
}

impl<'a> Analysis<'a> {
    /// Parses a history.
    ///
    /// # Errors
    /// When a value is malformed, as a sentence.
    pub(crate) fn of(history: &'a History) -> Result<Self, String> {
        let parsed = ParsedHistory::of(history)?;
        let logs = Logs::of(&parsed);
        Ok(Analysis { parsed, logs })
    }
}

/// The indeterminate sends and polls: the first of each cause, in order of time.
fn indeterminate(history: &History) -> Vec<Op> {
    let mut known = HashSet::new();
    let is_open = |op: &&Op| op.kind == Kind::Info && matches!(&*op.f, "send" | "poll" | "txn");
    let open = history.ops.iter().filter(is_open);
    let causes = open.filter(|op| known.insert(op.error.as_deref().map(identity)));
    causes.cloned().collect()
}

/// The parts that distinguish one error from another.
fn identity(error: &OpError) -> (&str, &str) {
    match error {
        OpError::NetTimeout => ("net-timeout", ""),
        OpError::Rpc { name, text } => (name, text),
        OpError::Malformed { text } => ("", text),
        OpError::Thrown { class, text } => (class, text),
        OpError::Other { value } => ("", value.json()),
    }
}
