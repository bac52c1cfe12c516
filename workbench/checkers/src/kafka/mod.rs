//! Kafka: logs by key, to which clients send messages and which they poll.
//!
//! The offsets that clients were told add up to one log for each key. Against that log everything
//! is held: an offset has one message and a message one offset, what was acknowledged is there,
//! what was refused is not, and a process walks through a log without skipping and without going
//! back. Offsets may have gaps, and a poll may be behind as far as it likes.

mod account;
mod cases;
mod cycles;
mod deliveries;
mod lag;
mod logs;
mod micro_ops;
mod reads;
mod steps;

use std::collections::HashSet;

use super::element::Element;
use super::{Validity, Verdict};
use account::Account;
use cases::Anomaly;
use history::edn::{self, Edn};
use history::{History, Kind, Op, OpError};
use lag::Lag;
use logs::Logs;

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
pub fn kafka(history: &History) -> Verdict {
    judge(history).unwrap_or_else(Verdict::unknown)
}

fn judge(history: &History) -> Result<Verdict, String> {
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

    let is_bad = |anomaly: &&Anomaly| !ALLOWED.contains(&anomaly.name);
    let bad = || anomalies.iter().filter(is_bad);
    let name = |anomaly: &Anomaly| edn::key(anomaly.name);
    let lags = Lag::all(&analysis.account);
    let lag = Lag::worst(&lags);
    let mut verdict = Verdict::new(
        Validity::of(bad().next().is_none()),
        [
            ("worst-realtime-lag", Lag::to_edn(lag, &analysis.account)),
            ("bad-error-types", Edn::List(bad().map(name).collect())),
            (
                "error-types",
                Edn::List(anomalies.iter().map(name).collect()),
            ),
            ("info-txn-causes", Edn::List(info_causes(history))),
        ],
    );
    verdict.samples = lags.iter().map(Lag::sample).collect();
    verdict.findings = bad().flat_map(|it| it.findings.clone()).collect();
    for Anomaly { name, entry, .. } in anomalies {
        edn::insert(&mut verdict.results, name, entry);
    }
    Ok(verdict)
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

/// Why nobody knows how some sends and polls ended: each reason once, in order of time.
fn info_causes(history: &History) -> Vec<Edn> {
    let mut known = HashSet::new();
    let is_open = |op: &&Op| op.kind == Kind::Info && matches!(&*op.f, "send" | "poll" | "txn");
    let open = history.ops.iter().filter(is_open);
    let causes = open.filter(|op| known.insert(op.error.as_deref().map(words)));
    causes
        .map(|op| {
            edn::get(&op.to_edn(), &["error"])
                .cloned()
                .unwrap_or(Edn::Nil)
        })
        .collect()
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
