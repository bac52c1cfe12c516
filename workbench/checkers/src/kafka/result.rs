//! The anomalies of logs, with the operations, keys and messages involved.

use std::fmt::{self, Display, Formatter};

use super::{ALLOWED, codec};
use crate::element::Element;
use crate::elle::{Cases, CycleExists, OpCycle, OpStep, SearchTimeout, StepReason};
use crate::finding::{Finding, counted, first, named};
use crate::{CheckerResult, OpRef, Validity};
use history::Op;
use history::edn::Edn;

/// The anomalies of logs, and the lags of polls.
#[derive(Debug, Clone)]
pub struct LogsResult {
    /// All anomalies in the order of names, including those that are no errors.
    pub anomalies: Vec<Cases<LogAnomaly>>,
    /// The time of the last send or poll that completed as `ok`, in nanoseconds since time zero: a
    /// message that is [unseen](LogAnomaly::Unseen) then stays unseen.
    pub last_ok_ns: Option<u64>,
    /// The lag of each poll, in the order of polls.
    pub lags: Vec<PollLag>,
    /// The poll with the greatest lag.
    pub worst_lag: Option<WorstLag>,
    /// The indeterminate sends and polls: the first of each cause.
    pub indeterminate: Vec<Op>,
}

/// The realtime lag of a poll: for how long the newest message that a process had polled was no
/// longer the newest of its key when the poll began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollLag {
    /// The time at which the poll began, in nanoseconds since time zero.
    pub begun_ns: u64,
    /// The lag in nanoseconds.
    pub lag_ns: u64,
}

/// The poll with the greatest lag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorstLag {
    /// The lag, and the time of the poll.
    pub poll: PollLag,
    /// The process that polled.
    pub process: u64,
    /// The key in which it lagged.
    pub key: Element,
}

/// A message of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMessage {
    /// The key.
    pub key: Element,
    /// The message.
    pub value: Element,
    /// The last operation that sent it, if it is in the history.
    pub sender: Option<OpRef>,
}

/// The action of an operation on the messages of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogAction {
    /// A poll.
    Poll,
    /// A send.
    Send,
}

/// One occurrence of an anomaly of logs.
#[derive(Debug, Clone)]
pub enum LogAnomaly {
    /// Several messages share an offset.
    SharedOffset {
        /// The offset.
        offset: u64,
        /// The number of offsets in use below it.
        index: usize,
        /// The messages.
        messages: Vec<LogMessage>,
    },
    /// A message is at several offsets.
    Duplicate {
        /// The message.
        message: LogMessage,
        /// The offsets.
        offsets: Vec<u64>,
    },
    /// A message was never polled, although one above it was.
    LostWrite {
        /// The message.
        message: LogMessage,
        /// The number of offsets in use below it.
        index: usize,
        /// The number of offsets in use below the highest message that was polled.
        max_read_index: usize,
        /// The highest message that was polled.
        max_read: LogMessage,
        /// The operation that sent the lost one.
        writer: Option<Op>,
        /// The operation that polled the highest one.
        reader: Op,
    },
    /// Messages of a key were acknowledged and never polled.
    Unseen {
        /// The key.
        key: Element,
        /// The number of messages.
        count: usize,
        /// The first few of them.
        messages: Vec<LogMessage>,
    },
    /// A message was polled although its send failed.
    AbortedRead {
        /// The message.
        message: LogMessage,
        /// The operation that sent it.
        writer: Op,
        /// The operation that polled it.
        reader: Op,
    },
    /// An operation polled its own message.
    OwnRead {
        /// The message.
        message: LogMessage,
        /// The operation.
        op: Op,
    },
    /// A process went from one message of a key to another that is not the next.
    Step {
        /// Whether it polled or sent them.
        action: LogAction,
        /// The operation of the message before. `None` for a step within one operation.
        before: Option<Op>,
        /// The operation.
        op: Op,
        /// The message before.
        from: LogMessage,
        /// The message.
        to: LogMessage,
        /// The distance: 1 is the next message, a negative one goes back.
        distance: i64,
        /// The messages in between, if it skipped some.
        skipped: Vec<Element>,
    },
    /// Operations each of which comes before the next, and the last before the first.
    Cycle(OpCycle),
    /// Cycles that a model forbids, without one of them to show.
    CycleExists(CycleExists),
    /// A search for a cycle that took too many steps.
    SearchTimeout(SearchTimeout),
    /// No operation precedes another.
    NothingOrdered,
}

impl LogsResult {
    /// The anomalies that are errors.
    pub fn errors(&self) -> impl Iterator<Item = &Cases<LogAnomaly>> {
        let anomalies = self.anomalies.iter();
        anomalies.filter(|anomaly| !ALLOWED.contains(&anomaly.name))
    }
}

impl CheckerResult for LogsResult {
    fn validity(&self) -> Validity {
        Validity::of(self.errors().next().is_none())
    }

    fn findings(&self) -> Vec<Finding<'_>> {
        let findings = self.errors().flat_map(|Cases { name, count, cases }| {
            first(*count, cases.iter().map(|case| Finding::Log(name, case)))
        });
        findings.collect()
    }

    fn to_edn(&self) -> Edn {
        codec::logs(self)
    }
}

impl LogAnomaly {
    /// The operations that the case names.
    pub fn ops(&self) -> Vec<&Op> {
        match self {
            LogAnomaly::LostWrite { writer, reader, .. } => writer.iter().chain([reader]).collect(),
            LogAnomaly::AbortedRead { writer, reader, .. } => vec![writer, reader],
            LogAnomaly::OwnRead { op, .. } => vec![op],
            LogAnomaly::Step { before, op, .. } => before.iter().chain([op]).collect(),
            LogAnomaly::Cycle(cycle) => cycle.ops.iter().collect(),
            LogAnomaly::SharedOffset { .. }
            | LogAnomaly::Duplicate { .. }
            | LogAnomaly::Unseen { .. }
            | LogAnomaly::CycleExists(_)
            | LogAnomaly::SearchTimeout(_)
            | LogAnomaly::NothingOrdered => Vec::new(),
        }
    }

    /// The messages of the case, for a plot of their key's log.
    pub fn messages(&self) -> Vec<&LogMessage> {
        match self {
            LogAnomaly::SharedOffset { messages, .. } | LogAnomaly::Unseen { messages, .. } => {
                messages.iter().collect()
            }
            LogAnomaly::Duplicate { message, .. }
            | LogAnomaly::LostWrite { message, .. }
            | LogAnomaly::AbortedRead { message, .. }
            | LogAnomaly::OwnRead { message, .. } => vec![message],
            LogAnomaly::Step { from, to, .. } => vec![from, to],
            LogAnomaly::Cycle(_)
            | LogAnomaly::CycleExists(_)
            | LogAnomaly::SearchTimeout(_)
            | LogAnomaly::NothingOrdered => Vec::new(),
        }
    }
}

/// `message 7`.
impl Display for LogMessage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "message {}", self.value)
    }
}

impl LogMessage {
    /// `message 7 of key "8" (sent by process 3, op 5)`.
    fn in_full(&self) -> String {
        format!("{self} of key {}{}", self.key, self.origin())
    }

    /// ` (sent by process 3, op 5)`.
    fn origin(&self) -> String {
        self.sender.as_ref().map_or_else(String::new, |sender| {
            let OpRef { process, index, .. } = sender;
            format!(" (sent by process {process}, op {index})")
        })
    }
}

impl Display for LogAnomaly {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            LogAnomaly::SharedOffset {
                offset, messages, ..
            } => {
                let key = messages
                    .first()
                    .map_or_else(String::new, |it| it.key.to_string());
                let count = counted(messages.len(), "message");
                let messages = named(
                    messages.len(),
                    messages.iter().map(|it| format!("{it}{}", it.origin())),
                );
                write!(f, "offset {offset} of key {key} has {count}: {messages}")
            }
            LogAnomaly::Duplicate { message, offsets } => {
                let count = counted(offsets.len(), "offset");
                let offsets = named(offsets.len(), offsets.iter().map(u64::to_string));
                write!(f, "{} is at {count}: {offsets}", message.in_full())
            }
            LogAnomaly::LostWrite {
                message,
                max_read,
                reader: Op { process, index, .. },
                ..
            } => write!(
                f,
                "{} was never polled, although process {process} polled {max_read} after it (op \
                 {index})",
                message.in_full()
            ),
            LogAnomaly::Unseen {
                key,
                count,
                messages,
            } => {
                let unseen = "acknowledged, but never polled";
                match (count, messages.first()) {
                    (1, Some(message)) => write!(f, "{} was {unseen}", message.in_full()),
                    (_, first) => {
                        write!(f, "{count} messages of key {key} were {unseen}")?;
                        first.map_or(Ok(()), |it| write!(f, ", among them {it}{}", it.origin()))
                    }
                }
            }
            LogAnomaly::AbortedRead {
                message,
                reader: Op { process, index, .. },
                ..
            } => write!(
                f,
                "process {process} polled {} in op {index}, but its send failed",
                message.in_full()
            ),
            LogAnomaly::OwnRead {
                message,
                op: Op { process, index, .. },
            } => write!(
                f,
                "process {process} polled {message} of key {} in the operation that sent it (op \
                 {index})",
                message.key
            ),
            LogAnomaly::Step {
                action,
                before,
                op,
                from,
                to,
                distance,
                skipped,
            } => {
                let (process, index, key) = (op.process, op.index, &to.key);
                let did = match action {
                    LogAction::Poll => format!("polled {from} of key {key}"),
                    LogAction::Send => format!("sent {from} to key {key}"),
                };
                let before = before.as_ref();
                let before = before.map_or_else(String::new, |it| format!(" (op {})", it.index));
                let distance = describe_distance(*distance, skipped);
                write!(
                    f,
                    "process {process} {did}{before} and then {to} (op {index}){distance}"
                )
            }
            LogAnomaly::Cycle(cycle) => {
                let ends = cycle.ops.windows(2).zip(&cycle.steps);
                let steps: Vec<_> = ends.map(|(ends, step)| describe_step(ends, step)).collect();
                f.write_str(&steps.join("; "))
            }
            LogAnomaly::CycleExists(exists) => f.write_str(&exists.sentence("operation")),
            LogAnomaly::SearchTimeout(timeout) => f.write_str(&timeout.sentence("operation")),
            LogAnomaly::NothingOrdered => {
                f.write_str("no operation precedes another, so nothing could be checked")
            }
        }
    }
}

fn describe_distance(distance: i64, skipped: &[Element]) -> String {
    match distance {
        0 => ", the same message again".to_owned(),
        -1 => ", which is 1 position before it".to_owned(),
        back if back < 0 => format!(", which is {} positions before it", -back),
        _ => {
            let values = named(skipped.len(), skipped.iter().map(ToString::to_string));
            let plural = if skipped.len() == 1 { "" } else { "s" };
            format!(", skipping message{plural} {values}")
        }
    }
}

fn describe_step(ends: &[Op], step: &OpStep) -> String {
    let name = |op: &Op| format!("the {} of process {} (op {})", op.f, op.process, op.index);
    let (from, to) = (name(&ends[0]), name(&ends[1]));
    match &step.reason {
        StepReason::Data { key, before, .. } => {
            let value = before.as_ref().map_or_else(String::new, Element::to_string);
            format!("{from} sent message {value} to key {key}, which {to} polled")
        }
        StepReason::Process | StepReason::Realtime { .. } => {
            format!("{from} ended before {to} began")
        }
    }
}
