//! The way of a value: the messages between nodes and services that mention it.

use std::collections::HashSet;

use checkers::Element;
use history::edn;
use serde_json::Value;
use shared::NodeId;
use simulator::network::{Delivery, DeliveryStatus};

use super::{Scene, grouped, list_names, plural};

/// Fields of a body that say nothing about values.
const ENVELOPE: [&str; 3] = ["type", "msg_id", "in_reply_to"];

/// The messages that mention a value, in the order in which they were sent.
pub(crate) struct Way<'a> {
    /// Each with its index in the trace.
    pub(crate) hops: Vec<(usize, &'a Delivery)>,
}

/// How many messages of a way are drawn and marked.
const MAX_NOTABLE: usize = 300;

/// How many other values show whether nodes send values at all.
pub(super) const MAX_OTHERS: usize = 20;

/// A value that one node received from a client.
pub(crate) struct Origin<'a> {
    /// The value, which messages must mention.
    pub(crate) value: &'a Element,
    /// The key of the log that the value is a message of, if it is: messages must mention it, too.
    pub(crate) key: Option<&'a Element>,
    /// The node.
    pub(crate) home: &'a str,
    /// When the request was sent, in nanoseconds since time zero.
    pub(crate) since: u64,
}

impl<'a> Way<'a> {
    /// The messages that mention a value since a node received it. `None` if that cannot be known, or
    /// says nothing: messages were not recorded; earlier ones mention it as well, as they do if it is a
    /// small number; or a node mentions it that cannot have it yet.
    pub(crate) fn of(scene: &Scene<'a>, origin: &Origin<'_>) -> Option<Self> {
        let trace = scene.record.trace.as_ref()?;
        if trace.left_out() > 0 {
            return None;
        }
        let since = i128::from(origin.since);
        let key = origin.key.map(|it| Sought::new(it, None));
        let key_text = key.as_ref().map(|it| it.key.clone());
        let value = Sought::new(origin.value, key_text);
        let values: Vec<Sought> = [value].into_iter().chain(key).collect();
        let mut hops: Vec<(usize, &Delivery)> = Vec::new();
        for (index, delivery) in scene.between_servers() {
            let sent = scene.sent_ns(delivery);
            if !values.iter().all(|it| it.may_be_in(&delivery.body)) {
                // The rest of a long body is unknown.
                if delivery.body.ends_with('…') && sent >= since {
                    return None;
                }
                continue;
            }
            let body: Value = serde_json::from_str(&delivery.body).ok()?;
            if !values.iter().all(|it| it.is_in_body(&body)) {
                continue;
            }
            let src = delivery.src.as_str();
            let has_value = src == origin.home
                || hops.iter().any(|(_, hop)| {
                    let arrived = scene.arrived_ns(hop).is_some_and(|at| at <= sent);
                    hop.dest.as_str() == src && arrived
                });
            if sent < since || !has_value {
                return None;
            }
            hops.push((index, delivery));
        }
        Some(Way { hops })
    }

    /// The messages that matter: to each node those that were lost before the first that arrived, and
    /// this one; at most [`MAX_NOTABLE`] in all.
    pub(crate) fn notable(&self) -> Vec<(usize, &'a Delivery)> {
        let mut reached = HashSet::new();
        let notable = self.hops.iter().filter(|(_, hop)| {
            let dest = hop.dest.as_str();
            let is_first = !reached.contains(dest);
            if matches!(hop.status, DeliveryStatus::Arrived(_)) {
                reached.insert(dest);
            }
            is_first
        });
        notable.take(MAX_NOTABLE).copied().collect()
    }

    /// What happened to the value: which other nodes have received it, and what happened to the messages
    /// to the rest. `None` if the messages say nothing about it: there is one node, or the value was
    /// stored in a service, or nodes seem to send no values at all in a form that is recognised; `others`
    /// are values by which that is seen.
    pub(crate) fn explain<'b>(
        &self,
        scene: &Scene<'a>,
        origin: &Origin<'_>,
        others: impl Iterator<Item = Origin<'b>>,
    ) -> Option<String> {
        let Origin { home, since, .. } = *origin;
        let nodes: Vec<&str> = scene.settings.nodes.iter().map(NodeId::as_str).collect();
        let is_stored = |(_, hop): &(usize, &Delivery)| !nodes.contains(&hop.dest.as_str());
        if nodes.len() == 1 || self.hops.iter().any(is_stored) {
            return None;
        }
        let killed = scene.killed_since(home, since).map(|it| format!("; {it}"));
        let killed = killed.unwrap_or_default();
        let rest = nodes.iter().filter(|it| **it != home);
        let (reached, missed): (Vec<&str>, Vec<&str>) = rest.partition(|it| self.reached(it));
        if self.hops.is_empty() {
            let mut sent = scene.between_servers().filter(|(_, it)| {
                it.src.as_str() == home && scene.sent_ns(it) >= i128::from(since)
            });
            let why = match sent.next() {
                None => format!("{home} sent no message to another node after that"),
                Some(_) => {
                    let mut others = others.take(MAX_OTHERS);
                    let is_sent =
                        |it: &Origin<'_>| Way::of(scene, it).is_some_and(|it| !it.hops.is_empty());
                    others.find(is_sent)?;
                    format!("{home} never sent it on: no message to another node mentions it")
                }
            };
            return Some(why + &killed);
        }
        if missed.is_empty() {
            return Some(format!(
                "all nodes received it: it was lost within them, not on the way{killed}"
            ));
        }
        let received = match reached.len() {
            0 => format!("no node but {home} received it"),
            _ => {
                let (reached, missed) = (list_names(&reached), list_names(&missed));
                format!("besides {home} only {reached} received it; {missed} did not")
            }
        };
        Some(format!("{received}: {}{killed}", self.fate(scene, &missed)))
    }

    /// What happened to the messages to the nodes that did not receive the value.
    fn fate(&self, scene: &Scene<'_>, missed: &[&str]) -> String {
        let to_missed = |(_, hop): &&(usize, &'a Delivery)| missed.contains(&hop.dest.as_str());
        let hops = || self.hops.iter().filter(to_missed).map(|(_, hop)| *hop);
        // Copies of a duplicated message have one id.
        let count = |status: DeliveryStatus| {
            let ids = hops().filter(|it| it.status == status).map(|it| it.id);
            ids.collect::<HashSet<_>>().len()
        };
        let waiting = count(DeliveryStatus::InFlight);
        let mut lost = hops().filter(|it| it.status == DeliveryStatus::Lost);
        let last = lost.next_back();
        let Some(last) = last else {
            return match waiting {
                0 => "no message to them mentions it".to_owned(),
                _ => "the messages to them that mention it were still on their way at the end"
                    .to_owned(),
            };
        };
        let at = scene.sent(last);
        let meanwhile = scene.meanwhile(Some(last.dest.as_str()), at);
        match (count(DeliveryStatus::Lost), waiting) {
            (1, 0) => format!("the only message with it, at {at:.3} s, was lost{meanwhile}"),
            (lost, 0) => format!(
                "all {} messages with it were lost, the last at {at:.3} s{meanwhile}",
                grouped(lost)
            ),
            (lost, _) => format!(
                "{} with it lost, the last at {at:.3} s{meanwhile}, and {} still on the way at the end",
                plural(lost, "message", "messages"),
                grouped(waiting)
            ),
        }
    }

    /// Whether a message with the values arrived at a node.
    fn reached(&self, node: &str) -> bool {
        let mut to_node = self.hops.iter().filter(|(_, it)| it.dest.as_str() == node);
        to_node.any(|(_, it)| matches!(it.status, DeliveryStatus::Arrived(_)))
    }
}

/// A value to be found in messages.
struct Sought {
    value: Value,
    /// As a key of an object.
    key: String,
    /// The text that each body with it contains.
    text: String,
    /// The key of the log that it is a message of. Then the value of this key in an object is not it, but
    /// an offset, and neither is the first of a pair.
    log: Option<String>,
}

impl Sought {
    fn new(element: &Element, log: Option<String>) -> Self {
        let value = edn::to_json(&element.to_edn());
        let key = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let text = value.to_string().trim_matches('"').to_owned();
        Sought {
            value,
            key,
            text,
            log,
        }
    }

    /// Whether a body contains the text, and not as a part of a longer number.
    fn may_be_in(&self, body: &str) -> bool {
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let is_number = self.value.is_number();
        body.match_indices(&self.text).any(|(at, text)| {
            let [before, after] = [
                body[..at].chars().next_back(),
                body[at + text.len()..].chars().next(),
            ];
            !is_number || !(is_digit(before) || is_digit(after))
        })
    }

    fn is_in_body(&self, body: &Value) -> bool {
        let fields = body.as_object().into_iter().flatten();
        let mut fields = fields.filter(|(name, _)| !ENVELOPE.contains(&name.as_str()));
        fields.any(|(name, value)| self.is_in_field(name, value))
    }

    fn is_in_field(&self, name: &str, value: &Value) -> bool {
        match &self.log {
            Some(log) if name == log && is_scalar(value) => false,
            Some(_) => self.is_in(value),
            None => name == self.key || self.is_in(value),
        }
    }

    fn is_in(&self, value: &Value) -> bool {
        *value == self.value
            || match value {
                Value::Array(pair) if self.log.is_some() && pair.len() == 2 => {
                    self.is_in(&pair[1]) || !is_scalar(&pair[0]) && self.is_in(&pair[0])
                }
                Value::Array(items) => items.iter().any(|it| self.is_in(it)),
                Value::Object(fields) => fields
                    .iter()
                    .any(|(name, value)| self.is_in_field(name, value)),
                _ => false,
            }
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}
