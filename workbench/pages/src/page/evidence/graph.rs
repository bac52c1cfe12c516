//! Operations one below the other, and what makes each come before the next.

use std::fmt::Write as _;

use super::{around, name, time, value};
use crate::plot::escaped;
use history::edn::{self, Edn};
use history::text::shortened;

const WIDTH: usize = 760;
const LEFT: usize = 64;
const BOX: usize = 48;
const GAP: usize = 46;

/// How many letters fit into a box.
const LETTERS: usize = 92;

/// More than this is cut: nobody follows a longer cycle.
const MOST_OPS: usize = 12;

/// Why one operation comes before another.
struct Edge {
    from: usize,
    to: usize,
    /// `rw`, `realtime`, ….
    relation: String,
    reason: String,
}

/// Operations and the order between them.
pub(super) struct Graph {
    /// Each with a headline, its value, and when it was.
    ops: Vec<(String, String, Option<i64>)>,
    edges: Vec<Edge>,
    left_out: usize,
}

impl Graph {
    /// A cycle as the result map has it: the first operation once more at the end, and the steps.
    pub(super) fn of_cycle(ops: &[Edn], steps: &Edn) -> Option<Self> {
        let (Edn::List(steps) | Edn::Vector(steps)) = steps else {
            return None;
        };
        let (_, ops) = ops.split_last()?;
        let count = ops.len().min(MOST_OPS);
        let edge = |(place, step)| {
            let relation = edn::get(step, &["type"])
                .map(edn::compact)
                .unwrap_or_default();
            let relation = relation.trim_start_matches(':').to_owned();
            Edge {
                from: place,
                to: (place + 1) % ops.len(),
                reason: reason(&relation, step),
                relation,
            }
        };
        let edges = steps.iter().take(ops.len()).enumerate().map(edge);
        Some(Graph {
            ops: ops[..count].iter().map(shown).collect(),
            edges: edges
                .filter(|it| it.from < count && it.to < count)
                .collect(),
            left_out: ops.len() - count,
        })
    }

    /// Somebody who read what they should not have seen.
    pub(super) fn of_read(writer: &Edn, reader: &Edn, read: &str) -> Self {
        Graph {
            ops: vec![shown(writer), shown(reader)],
            edges: vec![Edge {
                from: 0,
                to: 1,
                relation: "wr".to_owned(),
                reason: format!("the second one saw it: {read}"),
            }],
            left_out: 0,
        }
    }

    /// Several who each replaced the same value.
    pub(super) fn of_updates(value: &str, ops: &[Edn]) -> Self {
        let count = ops.len().min(MOST_OPS);
        let updates = ops[..count].iter().map(shown);
        let origin = (String::new(), value.to_owned(), None);
        let edge = |place| Edge {
            from: 0,
            to: place,
            relation: "read".to_owned(),
            reason: "read this, and replaced it".to_owned(),
        };
        Graph {
            ops: [origin].into_iter().chain(updates).collect(),
            edges: (1..=count).map(edge).collect(),
            left_out: ops.len() - count,
        }
    }

    /// `T1`; what is no transaction, but a value that several found, is `value`.
    fn name(&self, op: usize) -> String {
        let is_value = |op: usize| self.ops[op].0.is_empty();
        match (is_value(op), is_value(0)) {
            (true, _) => "value".to_owned(),
            (false, true) => format!("T{op}"),
            (false, false) => format!("T{}", op + 1),
        }
    }

    pub(super) fn window(&self) -> Option<(i64, i64)> {
        around(self.ops.iter().filter_map(|(.., time)| *time))
    }

    /// The same in words, for those who do not see the picture.
    pub(super) fn tell(&self) -> String {
        let name = |op: usize| self.name(op);
        let tell = |edge: &Edge| {
            let Edge {
                from,
                to,
                relation,
                reason,
            } = edge;
            format!("{} → {} ({relation}): {reason}", name(*from), name(*to))
        };
        let mut told: Vec<String> = self.edges.iter().map(tell).collect();
        if self.left_out > 0 {
            told.push(format!("and {} operations more", self.left_out));
        }
        told.join("; ")
    }

    pub(super) fn draw(&self, title: &str) -> String {
        let place = |op: usize| op * (BOX + GAP) + 4;
        let height = place(self.ops.len()) + 4;
        let mut svg = format!(
            "<svg class=\"graph\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\">",
            escaped(&format!("{title}: {}", self.tell()))
        );
        for (op, (headline, value, _)) in self.ops.iter().enumerate() {
            let (top, wide) = (place(op), WIDTH - LEFT - 8);
            let _ = write!(
                svg,
                "<rect class=\"box\" x=\"{LEFT}\" y=\"{top}\" width=\"{wide}\" height=\"{BOX}\" rx=\"6\"/>\
                 <text class=\"head\" x=\"{x}\" y=\"{y1}\">{name} · {}</text>\
                 <text class=\"code\" x=\"{x}\" y=\"{y2}\">{}</text>",
                escaped(headline),
                escaped(&shortened(value, LETTERS)),
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
            let (start, end) = (place(*from), place(*to));
            let is_next = *to == from + 1;
            let (path, below) = if is_next {
                let x = LEFT + 24;
                (format!("M{x},{}L{x},{}", start + BOX, end - 2), start + BOX)
            } else {
                // Around the others, on the left.
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
                escaped(&shortened(reason, LETTERS)),
                class = if matches!(&**relation, "ww" | "wr" | "rw") {
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

/// A headline, a value, and when it was.
fn shown(op: &Edn) -> (String, String, Option<i64>) {
    (name(op), value(op), time(op))
}

fn reason(relation: &str, step: &Edn) -> String {
    let member = |name| edn::get(step, &[name]).map(plain).unwrap_or_default();
    let (key, before, after) = (member("key"), member("value"), member("value'"));
    match relation {
        "ww" => format!("key {key}: its {before} was followed by the other's {after}"),
        "wr" => format!("key {key}: its {before} was read by the other"),
        "rw" => format!("key {key}: it read {before}, and the other's {after} came later"),
        "process" => "it ended before the other began, on the same process".to_owned(),
        "realtime" => "it had ended before the other began".to_owned(),
        _ => String::new(),
    }
}

/// A version in words: Elle has names of its own for what was there before the first one.
fn plain(version: &Edn) -> String {
    match version {
        Edn::Nil => "nothing".to_owned(),
        version => match &*edn::compact(version) {
            ":elle.list-append/init" => "nothing".to_owned(),
            text => text.to_owned(),
        },
    }
}
