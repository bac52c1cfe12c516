//! Anomalies of logs, the worst kind first.

use checkers::{Cases, Element, LogAction, LogAnomaly, LogMessage, LogsResult, may_heal};
use history::Op;
use serde_json::Value;

use super::meanings::meaning;
use super::{AnomalyKind, Scene, Story, Way, list_names, plural};

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

pub(crate) fn rank(name: &str) -> usize {
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
        reason: explain(scene, first),
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

pub(crate) fn describe(scene: &Scene<'_>, case: &LogAnomaly) -> String {
    let did = |op: &Op| {
        format!(
            "{} at {:.3} s (op {})",
            scene.who(op.process),
            op.seconds(),
            op.index
        )
    };
    let meanwhile = |op: &Op| scene.meanwhile(scene.node(op.process), op.seconds());
    match case {
        LogAnomaly::LostWrite {
            message,
            max_read,
            writer,
            reader,
            ..
        } => {
            let sent = match writer {
                Some(op) => match scene.node(op.process) {
                    Some(node) => format!(
                        ", acknowledged by {node} at {:.3} s (op {}){},",
                        op.seconds(),
                        op.index,
                        meanwhile(op)
                    ),
                    None => format!(", acknowledged to {},", did(op)),
                },
                None => String::new(),
            };
            let (key, reader) = (&message.key, did(reader));
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
            skipped,
            ..
        } => {
            let verb = match action {
                LogAction::Poll => "polled",
                LogAction::Send => "sent",
            };
            let before = match before {
                Some(it) => format!(" at {:.3} s (op {}) and then", it.seconds(), it.index),
                None => " and, in the same operation,".to_owned(),
            };
            let skipped: Vec<String> = skipped.iter().map(ToString::to_string).collect();
            let names: Vec<&str> = skipped.iter().map(String::as_str).collect();
            let skipping = match names.len() {
                0 => ", which comes before it".to_owned(),
                1 => format!(", skipping message {}", names[0]),
                2..=6 => format!(", skipping messages {}", list_names(&names)),
                count => format!(", skipping {count} messages"),
            };
            format!(
                "{} {verb} {from} of key {}{before} {to} at {:.3} s (op {}){}{skipping}",
                scene.who(op.process),
                to.key,
                op.seconds(),
                op.index,
                meanwhile(op)
            )
        }
        case => {
            let sentence = scene.with_nodes(&case.to_string());
            let ops = case.ops();
            let from_ops = ops.iter().map(|op| (op.index, op.seconds()));
            let senders = case
                .messages()
                .into_iter()
                .filter_map(|it| it.sender.as_ref());
            let all = from_ops.chain(senders.map(|it| (it.index, it.seconds())));
            match all.min_by_key(|(index, _)| *index) {
                Some((_, at)) => format!("{sentence}, from {at:.3} s on"),
                None => sentence,
            }
        }
    }
}

/// The message that a case lacks: lost or skipped.
pub(crate) fn lacking(case: &LogAnomaly) -> Option<LogMessage> {
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

/// What happened to the messages that carried a lost or skipped one.
pub(crate) fn explain(scene: &Scene<'_>, case: &LogAnomaly) -> Option<String> {
    let message = lacking(case)?;
    let send = send_of(scene, &message)?;
    let since = send.seconds();
    let way = Way::of(scene, &[&message.key, &message.value], since)?;
    way.explain(scene, scene.node(send.process)?, since)
}

/// The invocation that sends a message.
pub(crate) fn send_of<'a>(scene: &Scene<'a>, message: &LogMessage) -> Option<&'a Op> {
    let is_send = |it: &Value| {
        let is = |it: &Value, element: &Element| Element::parse(&it.to_string()) == *element;
        it[0] == "send" && is(&it[1], &message.key) && is(&it[2], &message.value)
    };
    let sends = scene.pairs.iter().map(|it| it.invocation).filter(|op| {
        let micro_ops = op.value.parse::<Vec<Value>>();
        micro_ops.unwrap_or_default().iter().any(is_send)
    });
    sends.into_iter().next()
}
