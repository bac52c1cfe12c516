//! Graphs of operations, with the reason why each precedes the next.

use std::fmt::Write as _;

use super::{Evidence, around, micros, name, value};
use crate::plot::escaped;
use crate::story::Scene;
use checkers::{Element, OpCycle, OpStep, Relation, StepReason, TxnAnomaly, TxnRead};
use history::Op;
use history::text::shortened;

const WIDTH: usize = 760;
const LEFT: usize = 64;
const BOX: usize = 48;
const GAP: usize = 46;

/// Maximum length of a line in a box, in characters.
const MAX_CHARS: usize = 92;

/// Maximum number of operations; a longer cycle is cut, as it would not be readable.
const MAX_OPS: usize = 12;

/// Reason why one operation precedes another.
struct Edge {
    from: usize,
    to: usize,
    /// `rw`, `realtime`, ….
    relation: &'static str,
    reason: String,
}

/// An operation, or the value that several replaced.
struct Node {
    /// Empty for a value.
    headline: String,
    value: String,
    /// Its entry in the history, and its time in microseconds.
    entry: Option<(usize, i64)>,
}

impl Node {
    fn of(scene: &Scene<'_>, op: &Op) -> Self {
        Node {
            headline: name(scene, op),
            value: value(op),
            entry: Some((op.index, micros(op.time))),
        }
    }
}

/// Operations and the order between them.
pub(super) struct Graph {
    ops: Vec<Node>,
    edges: Vec<Edge>,
    left_out: usize,
}

impl Graph {
    /// The graph of a case; `None` if the case is not about the order of operations.
    pub(super) fn of(scene: &Scene<'_>, case: &TxnAnomaly) -> Option<Self> {
        match case {
            TxnAnomaly::Cycle(cycle) => Graph::of_cycle(scene, cycle),
            TxnAnomaly::DirtyRead {
                op, read, writer, ..
            } => Some(Graph::of_read(scene, writer, op, read)),
            TxnAnomaly::LostUpdate {
                key, value, ops, ..
            } => Some(Graph::of_updates(
                scene,
                &format!("key {key} was {value}"),
                ops,
            )),
            _ => None,
        }
    }

    /// The graph of a cycle, in which the last operation repeats the first.
    pub(super) fn of_cycle(scene: &Scene<'_>, cycle: &OpCycle) -> Option<Self> {
        let (_, ops) = cycle.ops.split_last()?;
        let count = ops.len().min(MAX_OPS);
        let steps = cycle.steps.iter().take(ops.len()).enumerate();
        let edges = steps.map(|(index, step)| Edge {
            from: index,
            to: (index + 1) % ops.len(),
            relation: step.relation.name(),
            reason: reason(step),
        });
        Some(Graph {
            ops: ops[..count].iter().map(|op| Node::of(scene, op)).collect(),
            edges: edges
                .filter(|it| it.from < count && it.to < count)
                .collect(),
            left_out: ops.len() - count,
        })
    }

    /// The graph of a transaction that read an aborted or intermediate write.
    fn of_read(scene: &Scene<'_>, writer: &Op, reader: &Op, read: &TxnRead) -> Self {
        let TxnRead { key, content } = read;
        Graph {
            ops: vec![Node::of(scene, writer), Node::of(scene, reader)],
            edges: vec![Edge {
                from: 0,
                to: 1,
                relation: Relation::Wr.name(),
                reason: format!("the second read key {key}: {content}"),
            }],
            left_out: 0,
        }
    }

    /// The graph of transactions that replaced the same value.
    fn of_updates(scene: &Scene<'_>, value: &str, ops: &[Op]) -> Self {
        let count = ops.len().min(MAX_OPS);
        let updates = ops[..count].iter().map(|op| Node::of(scene, op));
        let origin = Node {
            headline: String::new(),
            value: value.to_owned(),
            entry: None,
        };
        let edge = |op| Edge {
            from: 0,
            to: op,
            relation: "read",
            reason: "read this value and replaced it".to_owned(),
        };
        Graph {
            ops: [origin].into_iter().chain(updates).collect(),
            edges: (1..=count).map(edge).collect(),
            left_out: ops.len() - count,
        }
    }

    /// Names an operation: `T1`, or `value` for the value that several transactions replaced.
    fn name(&self, op: usize) -> String {
        let is_value = |op: usize| self.ops[op].headline.is_empty();
        match (is_value(op), is_value(0)) {
            (true, _) => "value".to_owned(),
            (false, true) => format!("T{op}"),
            (false, false) => format!("T{}", op + 1),
        }
    }

    pub(super) fn evidence(&self, kind: &str) -> Evidence {
        let entries = || self.ops.iter().filter_map(|it| it.entry);
        Evidence {
            picture: self.draw(kind),
            window: around(entries().map(|(_, time)| time)),
            ops: entries().map(|(index, _)| index).collect(),
            ..Evidence::new(kind, "", self.describe_rest())
        }
    }

    /// What the picture leaves out.
    fn describe_rest(&self) -> String {
        match self.left_out {
            0 => String::new(),
            1 => "One more operation is not drawn.".to_owned(),
            count => format!("{count} more operations are not drawn."),
        }
    }

    /// Describes the picture, for screen readers.
    fn describe(&self) -> String {
        let name = |op: usize| self.name(op);
        let describe = |edge: &Edge| {
            let Edge {
                from,
                to,
                relation,
                reason,
            } = edge;
            format!("{} → {} ({relation}): {reason}", name(*from), name(*to))
        };
        let edges: Vec<String> = self.edges.iter().map(describe).collect();
        edges.join("; ")
    }

    fn draw(&self, title: &str) -> String {
        let top_of = |op: usize| op * (BOX + GAP) + 4;
        let height = top_of(self.ops.len()) + 4;
        let mut svg = format!(
            "<svg class=\"graph\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\">",
            escaped(&format!("{title}: {}", self.describe()))
        );
        for (
            op,
            Node {
                headline, value, ..
            },
        ) in self.ops.iter().enumerate()
        {
            let (top, wide) = (top_of(op), WIDTH - LEFT - 8);
            let _ = write!(
                svg,
                "<rect class=\"box\" x=\"{LEFT}\" y=\"{top}\" width=\"{wide}\" height=\"{BOX}\" rx=\"6\"/>\
                 <text class=\"head\" x=\"{x}\" y=\"{y1}\">{name} · {}</text>\
                 <text class=\"code\" x=\"{x}\" y=\"{y2}\">{}</text>",
                escaped(headline),
                escaped(&shortened(value, MAX_CHARS)),
                x = LEFT + 10,
                y1 = top + 19,
                y2 = top + 38,
                name = self.name(op),
            );
        }
        for edge in &self.edges {
            let Edge {
                from,
                to,
                relation,
                reason,
            } = edge;
            let (start, end) = (top_of(*from), top_of(*to));
            let is_next = *to == from + 1;
            let (path, below) = if is_next {
                let x = LEFT + 24;
                (format!("M{x},{}L{x},{}", start + BOX, end - 2), start + BOX)
            } else {
                // Passes the boxes in between on the left.
                let out = LEFT / 2 - 8 * (to.abs_diff(*from) % 4);
                let (y1, y2) = (start + BOX / 2, end + BOX / 2);
                let path = format!("M{LEFT},{y1}C{out},{y1} {out},{y2} {},{y2}", LEFT - 2);
                (path, if to < from { start + BOX } else { end - GAP })
            };
            let _ = write!(
                svg,
                "<path class=\"edge {class}\" d=\"{path}\" marker-end=\"url(#tip)\"/>\
                 <text class=\"reason\" x=\"{x}\" y=\"{y}\"><tspan class=\"relation\">{}</tspan> {}</text>",
                escaped(&format!(
                    "{} → {} {relation}",
                    self.name(*from),
                    self.name(*to)
                )),
                escaped(&shortened(reason, MAX_CHARS)),
                class = if matches!(*relation, "ww" | "wr" | "rw") {
                    relation
                } else {
                    "time"
                },
                x = LEFT + 38,
                y = below + GAP / 2 + 5,
            );
        }
        svg + "</svg>"
    }
}

fn reason(step: &OpStep) -> String {
    let StepReason::Data {
        key, before, after, ..
    } = &step.reason
    else {
        return match step.relation {
            Relation::Process => {
                "it completed before the other was invoked, on the same process".to_owned()
            }
            _ => "it completed before the other was invoked".to_owned(),
        };
    };
    let version = |version: &Option<Element>| match version {
        Some(element) => element.to_string(),
        None => "nothing".to_owned(),
    };
    let (before, after) = (version(before), version(after));
    match step.relation {
        Relation::Ww => format!("key {key}: its {before} was followed by the other's {after}"),
        Relation::Wr => format!("key {key}: its {before} was read by the other"),
        _ => format!("key {key}: it read {before}, and the other's {after} followed"),
    }
}
