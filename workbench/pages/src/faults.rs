//! The periods of faults in a history, and what they did to each node.

use std::collections::{BTreeMap, BTreeSet};

use crate::story::list_names;
use history::edn;
use history::{History, Kind, Op};
use serde_json::Value;

/// Period of a fault.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Episode {
    /// Start, in seconds since time zero.
    pub(crate) from: f64,
    /// End, in seconds since time zero.
    pub(crate) to: f64,
    /// Name of the fault: `partition`.
    pub(crate) label: String,
    /// What it does.
    effect: Effect,
}

#[derive(Debug, Clone, PartialEq)]
enum Effect {
    /// For each node, those whose messages it does not receive.
    Partition(BTreeMap<String, BTreeSet<String>>),
    /// These nodes are paused or killed, or their clocks are wrong.
    Nodes(BTreeSet<String>),
    /// Messages of all nodes are affected.
    Messages,
}

/// Finds the episodes of a history: each lasts from the entry that reports its start to the entry
/// that reports its end, or to the last entry of the history.
pub(crate) fn episodes(history: &History) -> Vec<Episode> {
    let end = history.ops.last().map_or(0.0, Op::seconds);
    let mut open: Vec<Episode> = Vec::new();
    let mut ended = Vec::new();
    let nemesis = history
        .ops
        .iter()
        .filter(|op| op.process.client().is_none());
    for op in nemesis.filter(|op| op.kind == Kind::Info) {
        if let Some(label) = op.f.strip_prefix("start-") {
            let effect = Effect::of(op);
            match open.iter_mut().find(|it| it.label == label) {
                // The second of the two entries, the completion, has the nodes.
                Some(episode) => episode.effect = effect,
                None => open.push(Episode {
                    from: op.seconds(),
                    to: end,
                    label: label.to_owned(),
                    effect,
                }),
            }
        } else if let Some(label) = op.f.strip_prefix("stop-")
            && let Some(index) = open.iter().position(|it| it.label == label)
        {
            let mut episode = open.remove(index);
            episode.to = op.seconds();
            ended.push(episode);
        }
    }
    ended.extend(open);
    ended.sort_by(|one, other| one.from.total_cmp(&other.from));
    ended
}

impl Effect {
    /// The effect of a start, from its value: `["isolated", {"n0": ["n1"]}]`, `["killed", ["n1"]]`.
    fn of(op: &Op) -> Self {
        let value = edn::to_json(&op.value.to_edn());
        let names = |value: &Value| -> BTreeSet<String> {
            let names = value.as_array().into_iter().flatten();
            names.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        match &value[1] {
            Value::Object(nodes) if op.f == "start-partition" => {
                let cuts = nodes.iter().map(|(node, from)| (node.clone(), names(from)));
                Effect::Partition(cuts.collect())
            }
            Value::Object(nodes) => Effect::Nodes(nodes.keys().cloned().collect()),
            nodes @ Value::Array(_) => Effect::Nodes(names(nodes)),
            _ => Effect::Messages,
        }
    }
}

impl Episode {
    /// What it does to a node, as the end of a sentence: `was cut off from n0, n1`. `None` if it
    /// does not concern the node.
    pub(crate) fn on_node(&self, node: &str) -> Option<String> {
        match &self.effect {
            Effect::Partition(cuts) => {
                let others = self.cut_off(node);
                let rest = cuts.keys().filter(|it| *it != node).count();
                match others.len() {
                    0 => None,
                    count if count == rest && count > 1 => {
                        Some("was cut off from all other nodes".to_owned())
                    }
                    1..=4 => {
                        let names: Vec<&str> = others.into_iter().collect();
                        Some(format!("was cut off from {}", list_names(&names)))
                    }
                    count => Some(format!("was cut off from {count} of {rest} other nodes")),
                }
            }
            Effect::Nodes(nodes) if nodes.contains(node) => Some(
                match &*self.label {
                    "kill" => "was down",
                    "pause" => "was paused",
                    "skew" => "had a wrong clock",
                    _ => return None,
                }
                .to_owned(),
            ),
            Effect::Nodes(_) => None,
            Effect::Messages => None,
        }
    }

    /// What it does to the messages of all nodes, as a sentence: `messages were lost at random`.
    pub(crate) fn on_messages(&self) -> Option<&'static str> {
        match (&self.effect, &*self.label) {
            (Effect::Messages, "loss") => Some("messages were lost at random"),
            (Effect::Messages, "duplicate") => Some("messages arrived twice"),
            (Effect::Messages, "delay") => Some("messages were delayed"),
            _ => None,
        }
    }

    /// The nodes that a node cannot exchange messages with, in at least one direction.
    pub(crate) fn cut_off(&self, node: &str) -> BTreeSet<&str> {
        let Effect::Partition(cuts) = &self.effect else {
            return BTreeSet::new();
        };
        let drops_from = cuts.get(node).into_iter().flatten().map(String::as_str);
        let dropped_by = cuts.iter().filter(|(_, from)| from.contains(node));
        drops_from
            .chain(dropped_by.map(|(to, _)| to.as_str()))
            .collect()
    }

    /// Whether it has begun and has not ended.
    pub(crate) fn is_on(&self, seconds: f64) -> bool {
        self.from <= seconds && seconds < self.to
    }

    /// Whether it kills this node.
    pub(crate) fn kills(&self, node: &str) -> bool {
        matches!(&self.effect, Effect::Nodes(nodes) if self.label == "kill" && nodes.contains(node))
    }
}

#[cfg(test)]
mod tests {
    use super::episodes;
    use history::History;

    fn history(lines: &[(&str, u64, &str)]) -> History {
        let line = |(index, (f, second, value)): (usize, &(&str, u64, &str))| {
            format!(
                r#"{{"index":{index},"time":{second}000000000,"type":"info","process":"nemesis","f":"{f}","value":{value}}}"#
            )
        };
        let lines: Vec<String> = lines.iter().enumerate().map(line).collect();
        History::read_json(lines.join("\n").as_bytes()).unwrap()
    }

    #[test]
    fn an_episode_lasts_from_its_first_start_to_its_stop_or_to_the_end() {
        let lines = [
            ("start-partition", 1, "null"),
            ("start-partition", 1, "null"),
            ("start-kill", 2, "null"),
            ("stop-partition", 3, "null"),
            ("stop-partition", 3, "null"),
            ("stop-loss", 4, "null"),
            ("start-kill", 5, "null"),
        ];
        let found = episodes(&history(&lines));
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.from, it.to, &*it.label))
            .collect();
        assert_eq!(found, [(1.0, 3.0, "partition"), (2.0, 5.0, "kill")]);
    }

    #[test]
    fn an_episode_says_what_it_does_to_a_node() {
        let check = |f: &str, value: &str, node: &str, expected: Option<&str>| {
            let history = history(&[(f, 1, "null"), (f, 1, value), ("stop", 9, "null")]);
            let episode = &episodes(&history)[0];
            assert_eq!(
                episode.on_node(node).as_deref(),
                expected,
                "{value} on {node}"
            );
        };
        let halves = r#"["isolated",{"n0":["n2"],"n1":["n2"],"n2":["n0","n1"]}]"#;
        check("start-partition", halves, "n0", Some("was cut off from n2"));
        let all = Some("was cut off from all other nodes");
        check("start-partition", halves, "n2", all);
        check("start-partition", halves, "n7", None);
        let one_way = r#"["isolated",{"n0":["n1"],"n1":[],"n2":[]}]"#;
        check(
            "start-partition",
            one_way,
            "n1",
            Some("was cut off from n0"),
        );
        check("start-partition", one_way, "n2", None);
        check("start-kill", r#"["killed",["n1"]]"#, "n1", Some("was down"));
        check("start-kill", r#"["killed",["n1"]]"#, "n0", None);
        check(
            "start-pause",
            r#"["paused",["n1"]]"#,
            "n1",
            Some("was paused"),
        );
        check("start-loss", r#""messages-lost""#, "n1", None);
        let skewed = r#"["skewed",{"n0":{"ahead-ms":70,"pace":1.05}}]"#;
        check("start-skew", skewed, "n0", Some("had a wrong clock"));
        check("start-skew", skewed, "n1", None);
    }
}
