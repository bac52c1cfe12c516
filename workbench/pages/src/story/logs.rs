//! Anomalies of logs, the worst kind first.

use checkers::{Cases, Element, LogAction, LogAnomaly, LogMessage, LogsResult, may_heal};
use history::{Kind, Op};
use serde_json::Value;

use super::meanings::meaning;
use super::way::MAX_OTHERS;
use super::{AnomalyKind, Origin, Scene, Story, Way, list_names, plural};

/// Kinds of anomalies, the worst first; all others come after these.
const RANKING: [&str; 12] = [
    "lost-write",
    "G1a",
    "inconsistent-offsets",
    "duplicate",
    "precommitted-read",
    "unseen",
    "int-nonmonotonic-send",
    "nonmonotonic-send",
    "int-nonmonotonic-poll",
    "nonmonotonic-poll",
    "int-poll-skip",
    "poll-skip",
];

fn rank(name: &str) -> usize {
    RANKING
        .iter()
        .position(|it| *it == name)
        .unwrap_or(RANKING.len())
}

pub(super) fn tell(scene: &Scene<'_>, result: &LogsResult) -> Option<Story> {
    let is_cut_short = scene.record.interrupted_at.is_some();
    let errors = result
        .errors()
        .filter(|it| !(is_cut_short && may_heal(it.name)));
    let mut anomalies: Vec<&Cases<LogAnomaly>> = errors.collect();
    anomalies.sort_by_key(|it| rank(it.name));
    let worst = anomalies.first()?;
    let first = worst.cases.iter().min_by_key(|case| index(case))?;
    let counts = |it: &&Cases<LogAnomaly>| {
        let [one, many] = meaning(it.name).words;
        plural(it.count, one, many)
    };
    let others: Vec<String> = anomalies[1..].iter().map(counts).collect();
    let others = match others.is_empty() {
        true => String::new(),
        false => format!(", {}", others.join(", ")),
    };
    let kinds = anomalies.iter();
    let kinds = kinds.map(|it| AnomalyKind::named(it.name, it.count));
    Some(Story {
        headline: format!(
            "{}{others}; the first: {}",
            counts(worst),
            describe(scene, first)
        ),
        reason: way_of(scene, first).and_then(|way| explain(scene, &way)),
        kinds: kinds.collect(),
    })
}

/// The entry of the history with which a case begins.
pub(crate) fn index(case: &LogAnomaly) -> usize {
    let senders = case
        .messages()
        .into_iter()
        .filter_map(|it| it.sender.as_ref());
    let senders = senders.map(|it| it.index);
    case.ops()
        .iter()
        .map(|op| op.index)
        .chain(senders)
        .min()
        .unwrap_or(usize::MAX)
}

/// A case in a sentence, with the time and the node of each operation.
pub(crate) fn describe(scene: &Scene<'_>, case: &LogAnomaly) -> String {
    match case {
        LogAnomaly::LostWrite {
            message,
            max_read,
            writer,
            reader,
            ..
        } => {
            let sent = writer
                .as_ref()
                .map(|op| describe_send(scene, op))
                .unwrap_or_default();
            let (key, reader) = (&message.key, did(scene, reader));
            format!(
                "{message} of key {key}{sent} was never polled, although {max_read} after it was, by {reader}"
            )
        }
        LogAnomaly::Step {
            action,
            before,
            op,
            from,
            to,
            distance,
            skipped,
        } => {
            let verb = match action {
                LogAction::Poll => "polled",
                LogAction::Send => "sent",
            };
            let before = match before {
                Some(it) => format!(" at {:.3} s (op {}) and then", it.seconds(), it.index),
                None => " and, in the same operation,".to_owned(),
            };
            format!(
                "{} {verb} {from} of key {}{before} {to} at {:.3} s (op {}){}{}",
                scene.who(op.process),
                to.key,
                op.seconds(),
                op.index,
                scene.meanwhile(scene.node(op.process), op.seconds()),
                describe_step(*distance, skipped),
            )
        }
        case => {
            let sentence = scene.with_nodes(&case.to_string());
            match first_time(case) {
                Some(at) => format!("{sentence}, from {at:.3} s on"),
                None => sentence,
            }
        }
    }
}

/// `process 3 on n1 at 3.100 s (op 7)`.
fn did(scene: &Scene<'_>, op: &Op) -> String {
    let (who, at) = (scene.who(op.process), op.seconds());
    format!("{who} at {at:.3} s (op {})", op.index)
}

/// `, acknowledged by n1 at 3.100 s (op 7),`.
fn describe_send(scene: &Scene<'_>, op: &Op) -> String {
    let (at, index) = (op.seconds(), op.index);
    let meanwhile = scene.meanwhile(scene.node(op.process), at);
    match (op.kind, scene.node(op.process)) {
        (Kind::Ok, Some(node)) => {
            format!(", acknowledged by {node} at {at:.3} s (op {index}){meanwhile},")
        }
        (Kind::Ok, None) => format!(", acknowledged to {},", did(scene, op)),
        _ => format!(", sent by {} without a reply,", did(scene, op)),
    }
}

/// The position of a message relative to the one before it.
fn describe_step(distance: i64, skipped: &[Element]) -> String {
    let skipped: Vec<String> = skipped.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = skipped.iter().map(String::as_str).collect();
    match (distance, names.len()) {
        (0, _) => ", the same message again".to_owned(),
        (..0, _) => ", which comes before it".to_owned(),
        (_, 0) => String::new(),
        (_, 1) => format!(", skipping message {}", names[0]),
        (_, 2..=6) => format!(", skipping messages {}", list_names(&names)),
        (_, count) => format!(", skipping {count} messages"),
    }
}

/// The time of the first operation that a case names.
fn first_time(case: &LogAnomaly) -> Option<f64> {
    let ops = case.ops();
    let ops = ops.iter().map(|op| (op.index, op.seconds()));
    let senders = case
        .messages()
        .into_iter()
        .filter_map(|it| it.sender.as_ref());
    let all = ops.chain(senders.map(|it| (it.index, it.seconds())));
    all.min_by_key(|(index, _)| *index).map(|(_, at)| at)
}

/// The message that a case lacks: lost or skipped.
fn lacking(case: &LogAnomaly) -> Option<LogMessage> {
    match case {
        LogAnomaly::LostWrite { message, .. } => Some(message.clone()),
        LogAnomaly::Unseen { messages, .. } => messages.first().cloned(),
        LogAnomaly::Step { to, skipped, .. } => skipped.first().map(|value| LogMessage {
            key: to.key.clone(),
            value: value.clone(),
            sender: None,
        }),
        _ => None,
    }
}

/// The way of the message that a case lacks.
pub(crate) struct MessageWay<'a> {
    pub(crate) message: LogMessage,
    /// The invocation that sent it.
    pub(crate) send: &'a Op,
    pub(crate) way: Way<'a>,
}

/// The way of the message that a case lacks, unless a poll of the same node skipped it: that is no matter
/// of messages.
pub(crate) fn way_of<'a>(scene: &Scene<'a>, case: &LogAnomaly) -> Option<MessageWay<'a>> {
    scene.record.trace.as_ref()?;
    let message = lacking(case)?;
    let send = scene
        .pairs
        .iter()
        .map(|it| it.invocation)
        .find(|op| sends(op, &message))?;
    if let LogAnomaly::Step { op, before, .. } = case {
        let is_own = scene.node(op.process) == scene.node(send.process);
        // In another order it was polled.
        if is_own || before.iter().chain([op]).any(|op| polls(op, &message)) {
            return None;
        }
    }
    let way = Way::of(scene, &origin(scene, &message, send)?)?;
    Some(MessageWay { message, send, way })
}

fn sends(op: &Op, message: &LogMessage) -> bool {
    let is_send =
        |it: &Value| it[0] == "send" && is(&it[1], &message.key) && is(&it[2], &message.value);
    let micro_ops = op.value.parse::<Vec<Value>>();
    op.f != "poll" && micro_ops.unwrap_or_default().iter().any(is_send)
}

fn is(value: &Value, element: &Element) -> bool {
    Element::parse(&value.to_string()) == *element
}

/// Whether an operation polled a message, at any position.
fn polls(op: &Op, message: &LogMessage) -> bool {
    let key = message.key.to_string();
    let key = serde_json::from_str(&key).unwrap_or(key);
    let micro_ops = op.value.parse::<Vec<Value>>().unwrap_or_default();
    let polled = micro_ops
        .iter()
        .filter_map(|it| it[1].get(&key)?.as_array());
    polled.flatten().any(|pair| is(&pair[1], &message.value))
}

fn origin<'a>(scene: &Scene<'a>, message: &'a LogMessage, send: &Op) -> Option<Origin<'a>> {
    Some(Origin {
        value: &message.value,
        key: Some(&message.key),
        home: scene.node(send.process)?,
        since: send.time,
    })
}

/// What happened to the messages that carried a lost or skipped one.
pub(crate) fn explain(scene: &Scene<'_>, lacking: &MessageWay<'_>) -> Option<String> {
    let MessageWay { message, send, way } = lacking;
    let others = scene.pairs.iter().map(|it| it.invocation);
    let others = others.filter(|op| op.index != send.index).filter_map(|op| {
        let micro_ops = op.value.parse::<Vec<Value>>().ok()?;
        let send = micro_ops.into_iter().find(|it| it[0] == "send")?;
        let part = |at: usize| Element::parse(&send[at].to_string());
        Some((op, [part(1), part(2)]))
    });
    let others: Vec<(&Op, [Element; 2])> = others.take(MAX_OTHERS).collect();
    let others = others.iter().filter_map(|(op, [key, value])| {
        Some(Origin {
            value,
            key: Some(key),
            home: scene.node(op.process)?,
            since: op.time,
        })
    });
    way.explain(scene, &origin(scene, message, send)?, others)
}
