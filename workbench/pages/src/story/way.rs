//! The way of a value: the messages between nodes and services that mention it.

use checkers::Element;
use history::edn;
use serde_json::Value;
use simulator::network::{Delivery, DeliveryStatus};

use super::{Scene, grouped, list_names};

/// Fields of a body that say nothing about values.
const ENVELOPE: [&str; 3] = ["type", "msg_id", "in_reply_to"];

/// The messages that mention a value, in the order in which they were sent.
pub(crate) struct Way<'a> {
    /// Each with its index in the trace.
    pub(crate) hops: Vec<(usize, &'a Delivery)>,
}

impl<'a> Way<'a> {
    /// The messages that mention all of these values and were sent since a time, in seconds. `None` if
    /// that cannot be known, or says nothing: messages were not recorded, or earlier ones mention the
    /// values as well, as they do if these are small numbers.
    pub(crate) fn of(scene: &Scene<'a>, values: &[&Element], since: f64) -> Option<Self> {
        let trace = scene.record.trace.as_ref()?;
        if trace.left_out() > 0 {
            return None;
        }
        let values: Vec<Sought> = values.iter().map(|it| Sought::new(it)).collect();
        let mut hops = Vec::new();
        for (index, delivery) in scene.between_servers() {
            if !values.iter().all(|it| delivery.body.contains(&it.text)) {
                // The rest of a long body is unknown.
                if delivery.body.ends_with('…') && scene.sent(delivery) >= since {
                    return None;
                }
                continue;
            }
            let body: Value = serde_json::from_str(&delivery.body).ok()?;
            if !values.iter().all(|it| it.is_in_body(&body)) {
                continue;
            }
            if scene.sent(delivery) < since {
                return None;
            }
            hops.push((index, delivery));
        }
        Some(Way { hops })
    }

    /// What happened to the values, which a node received from a client at this time: which other nodes
    /// have received them, and what happened to the messages to the rest. `None` if the messages say
    /// nothing about it: there is one node, or the values were stored in a service.
    pub(crate) fn explain(&self, scene: &Scene<'_>, home: &str, since: f64) -> Option<String> {
        let mut kills = scene
            .episodes
            .iter()
            .filter(|it| it.kills(home) && it.from >= since);
        let killed = kills
            .next()
            .map(|it| format!("; {home} was killed at {:.3} s", it.from));
        let killed = killed.unwrap_or_default();
        let nodes: Vec<&str> = scene
            .settings
            .nodes
            .iter()
            .map(shared::NodeId::as_str)
            .collect();
        let is_stored = |(_, hop): &(usize, &Delivery)| !nodes.contains(&hop.dest.as_str());
        if nodes.len() == 1 || self.hops.iter().any(is_stored) {
            return None;
        }
        let others = nodes.into_iter().filter(|it| *it != home);
        let (reached, missed): (Vec<&str>, Vec<&str>) = others.partition(|it| self.reached(it));
        if self.hops.is_empty() {
            let why = "no message to another node mentions it";
            return Some(format!("{home} never sent it on: {why}{killed}"));
        }
        if missed.is_empty() {
            return Some(format!(
                "all nodes received it, and it was lost after that{killed}"
            ));
        }
        let received = match reached.len() {
            0 => format!("no node but {home} received it"),
            _ => {
                let (reached, missed) = (list_names(&reached), list_names(&missed));
                format!("besides {home} only {reached} received it, {missed} did not")
            }
        };
        let hops = self.hops.iter().map(|(_, hop)| *hop);
        let hops: Vec<&Delivery> = hops
            .filter(|it| missed.contains(&it.dest.as_str()))
            .collect();
        let waiting = hops
            .iter()
            .filter(|it| it.status == DeliveryStatus::InFlight)
            .count();
        let fate = match (hops.len() - waiting, hops.last()) {
            (_, None) => "no message to them mentions it".to_owned(),
            (0, _) => "the messages with it were still on their way at the end".to_owned(),
            (lost, Some(last)) => {
                let (to, at) = (last.dest.as_str(), scene.sent(last));
                let meanwhile = scene.meanwhile(Some(to), at);
                match lost {
                    1 => format!("the only message with it, at {at:.3} s, was lost{meanwhile}"),
                    _ => format!(
                        "all {} messages with it were lost, the last at {at:.3} s{meanwhile}",
                        grouped(lost)
                    ),
                }
            }
        };
        Some(format!("{received}: {fate}{killed}"))
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
}

impl Sought {
    fn new(element: &Element) -> Self {
        let value = edn::to_json(&element.to_edn());
        let key = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let text = value.to_string().trim_matches('"').to_owned();
        Sought { value, key, text }
    }

    fn is_in_body(&self, body: &Value) -> bool {
        let fields = body.as_object().into_iter().flatten();
        let mut fields = fields.filter(|(name, _)| !ENVELOPE.contains(&name.as_str()));
        fields.any(|(name, value)| *name == self.key || self.is_in(value))
    }

    fn is_in(&self, value: &Value) -> bool {
        *value == self.value
            || match value {
                Value::Array(items) => items.iter().any(|it| self.is_in(it)),
                Value::Object(fields) => fields
                    .iter()
                    .any(|(name, value)| *name == self.key || self.is_in(value)),
                _ => false,
            }
    }
}
