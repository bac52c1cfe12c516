//! Kafka: logs by key, to which clients send messages and which they poll.
//!
//! The offsets that clients were told add up to one log for each key. Against that log everything
//! is held: an offset has one message and a message one offset, what was acknowledged is there,
//! what was refused is not, and a process walks through a log without skipping and without going
//! back. Offsets may have gaps, and a poll may be behind as far as it likes.

mod account;
mod cases;
mod codec;
mod cycles;
mod deliveries;
mod lag;
mod logs;
mod micro_ops;
mod reads;
mod result;
mod steps;

use std::collections::HashSet;

use super::element::Element;
use crate::Unjudged;
use account::Account;
use history::{History, Kind, Op, OpError};
use lag::Lag;
use logs::Logs;

pub use result::{LogAction, LogAnomaly, LogMessage, LogsResult, PollLag, WorstLag};

/// Errors that are none: others send in between, so a transaction's sends may skip places; and an
/// order of sends alone cannot be violated, as nobody tells it.
const ALLOWED: [&str; 6] = [
    "int-send-skip",
    "G0",
    "G0-process",
    "G0-realtime",
    "PL-1-cycle-exists",
    "strong-PL-1-cycle-exists",
];

/// Judges logs: a history of sends, polls and assignments, with values as in Maelstrom's workload
/// `kafka`. Invalid if it has any error but a skip among the sends of one operation or if nothing
/// took effect, unknown if a value cannot be read, if a message was polled that was never sent, or
/// if some key was only ever polled with empty lists.
///
/// Invocations tell nothing that completions do not, except when a poll began. A negative offset
/// counts as unknown.
///
/// # Errors
/// When the history cannot be judged, see above.
pub fn kafka(history: &History) -> Result<LogsResult, Unjudged> {
    judge(history).map_err(Unjudged::new)
}

fn judge(history: &History) -> Result<LogsResult, String> {
    let analysis = Analysis::of(history)?;
    analysis.demand_senders()?;
    if let Some(error) = analysis.always_empty() {
        return Err(error);
    }
    let mut anomalies = analysis.delivery_anomalies();
    anomalies.extend(analysis.read_anomalies());
    anomalies.extend(steps::anomalies(&analysis));
    anomalies.extend(cycles::anomalies(&analysis, history));
    anomalies.sort_by_key(|anomaly| anomaly.name);
    let lags = Lag::all(&analysis.account);
    Ok(LogsResult {
        anomalies,
        last_ok_ns: analysis.last_ok(),
        worst_lag: Lag::worst(&lags).map(|lag| lag.resolve(&analysis.account)),
        lags: lags.iter().map(Lag::poll).collect(),
        indeterminate: indeterminate(history),
    })
}

/// A history and the logs that it tells of.
pub(crate) struct Analysis<'a> {
    account: Account<'a>,
    logs: Logs,
}

impl<'a> Analysis<'a> {
    /// Reads a history.
    ///
    /// # Errors
    /// When a value cannot be understood: in words for a person.
    pub(crate) fn of(history: &'a History) -> Result<Self, String> {
        let account = Account::of(history)?;
        let logs = Logs::of(&account);
        Ok(Analysis { account, logs })
    }
}

/// The sends and polls whose outcome is unknown: the first one of each cause, in order of time.
fn indeterminate(history: &History) -> Vec<Op> {
    let mut known = HashSet::new();
    let is_open = |op: &&Op| op.kind == Kind::Info && matches!(&*op.f, "send" | "poll" | "txn");
    let open = history.ops.iter().filter(is_open);
    let causes = open.filter(|op| known.insert(op.error.as_deref().map(words)));
    causes.cloned().collect()
}

/// What tells one error from another.
fn words(error: &OpError) -> (&str, &str) {
    match error {
        OpError::NetTimeout => ("net-timeout", ""),
        OpError::Rpc { name, text } => (name, text),
        OpError::Malformed { text } => ("", text),
        OpError::Thrown { class, text } => (class, text),
        OpError::Other { value } => ("", value.json()),
    }
}
