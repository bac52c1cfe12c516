//! Pictures of a lost value: a row for each node, with each read that completed after the value was
//! sent.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use super::{Evidence, MAX_CASES, around, micros};
use crate::page::Subject;
use crate::plot::escaped;
use checkers::{Element, LostElement, OpRef, SetResult};

use history::{Kind, Op};

const WIDTH: usize = 760;
const LEFT: usize = 80;
const ROW: usize = 22;
const TOP: usize = 30;

/// A successful read.
struct SetRead<'a> {
    invocation: &'a Op,
    completion: &'a Op,
    /// Whether it returned the value.
    has_value: bool,
}

/// Lost values, up to the maximum number of cases.
pub(super) fn lost(subject: &Subject<'_>, result: &SetResult) -> Vec<Evidence> {
    let lost = &result.lost;
    if lost.is_empty() {
        return Vec::new();
    }
    let history = &subject.record.history;
    let mut cases: Vec<LostValue<'_>> = Vec::new();
    for lost in lost.iter().take(MAX_CASES) {
        let LostElement { element, added, .. } = lost;
        let is_acknowledgement = |op: &&Op| {
            op.index > added.index
                && op.kind == Kind::Ok
                && op.f == added.f
                && Element::of(op) == *element
        };
        cases.push(LostValue {
            subject,
            element,
            added,
            acknowledged: history.ops.iter().find(is_acknowledgement),
            reads: Vec::new(),
        });
    }
    // A read may list a hundred thousand values: each read is parsed once and dropped.
    for pair in history.pairs() {
        let Some(completion) = pair
            .completion
            .filter(|op| op.f == "read" && op.kind == Kind::Ok)
        else {
            continue;
        };
        let Ok(elements) = Element::list_of(completion) else {
            continue;
        };
        let earlier = |it: &&mut LostValue<'_>| completion.index > it.added.index;
        for case in cases.iter_mut().filter(earlier) {
            case.reads.push(SetRead {
                invocation: pair.invocation,
                completion,
                has_value: elements.contains(case.element),
            });
        }
    }
    let mut evidence: Vec<Evidence> = cases.iter().map(LostValue::evidence).collect();
    let more = lost.len().saturating_sub(MAX_CASES);
    if more > 0 {
        let values = if more == 1 { "value is" } else { "values are" };
        let text = format!("{more} more {values} lost; results.edn lists all of them.");
        evidence.push(Evidence::new("More lost values", text));
    }
    evidence
}

struct LostValue<'a> {
    subject: &'a Subject<'a>,
    element: &'a Element,
    /// The invocation that adds it.
    added: &'a OpRef,
    /// Its acknowledgement, if there is one.
    acknowledged: Option<&'a Op>,
    /// Reads that completed after the invocation.
    reads: Vec<SetRead<'a>>,
}

impl LostValue<'_> {
    fn evidence(&self) -> Evidence {
        let reads = &self.reads;
        let count = reads.iter().filter(|read| read.has_value).count();
        let last = reads.iter().rfind(|read| read.has_value);
        let value = self.element;
        let acknowledged = self
            .acknowledged
            .map_or("never acknowledged".to_owned(), |op| {
                format!("acknowledged at {:.3} s", op.seconds())
            });
        let visible = match last {
            Some(read) => format!(
                "{count} returned it, the last invoked at {:.3} s",
                read.invocation.seconds()
            ),
            None => "none returned it".to_owned(),
        };
        let process = self.added.process.client().unwrap_or_default();
        let node = self.subject.settings.node_of(process);
        let text = format!(
            "The value was sent to {node} at {:.3} s and {acknowledged}. Of the reads that \
             completed after it was sent ({} in total), {visible}.",
            self.added.seconds(),
            reads.len(),
        );
        let moments = reads
            .iter()
            .flat_map(|read| [read.invocation.time, read.completion.time]);
        let moments = moments.chain([self.added.time]).map(micros);
        let title = format!("Value {value} is lost");
        Evidence {
            picture: self.draw(&title),
            window: around(moments),
            ..Evidence::new(title, text)
        }
    }

    fn draw(&self, title: &str) -> String {
        let reads = &self.reads;
        let from = self.added.seconds();
        let to = reads.iter().map(|read| read.completion.seconds());
        let to = to.fold(from + 0.001, f64::max);
        let x =
            |at: f64| LEFT as f64 + 8.0 + (at - from) / (to - from) * (WIDTH - LEFT - 24) as f64;
        let mut rows: BTreeMap<usize, Vec<&SetRead<'_>>> = BTreeMap::new();
        let settings = self.subject.settings;
        for read in reads {
            let process = read.invocation.process.client().unwrap_or_default();
            let node = settings.node_of(process);
            let index = settings.nodes.iter().position(|it| it == node).unwrap_or(0);
            rows.entry(index).or_default().push(read);
        }
        let height = TOP + rows.len() * ROW + 24;
        let mut svg = format!(
            "<svg class=\"graph\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\">",
            escaped(&format!(
                "{title}: reads by node, with and without the value"
            ))
        );
        let sent = [(self.added.seconds(), "sent")].into_iter();
        let acknowledged = self.acknowledged.map(|op| (op.seconds(), "acknowledged"));
        for (row, (seconds, event)) in sent.chain(acknowledged).enumerate() {
            let (at, y) = (x(seconds), 12 + 12 * row);
            let _ = write!(
                svg,
                "<line class=\"moment\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{y}\" y2=\"{}\"/>\
                 <text class=\"reason\" x=\"{:.1}\" y=\"{y}\">{event} at {:.3} s</text>",
                height - 20,
                at + 4.0,
                seconds,
            );
        }
        for (row, (node, reads)) in rows.iter().enumerate() {
            let y = TOP + row * ROW + ROW / 2;
            let name = settings.nodes.get(*node).map_or("", |node| node.as_str());
            let _ = write!(
                svg,
                "<text class=\"head\" x=\"8\" y=\"{}\">{}</text>\
                 <line class=\"lane\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\"/>",
                y + 4,
                escaped(name),
                WIDTH - 8,
            );
            // Reads at the same position are drawn once.
            let mut drawn = HashSet::new();
            let position =
                |read: &SetRead<'_>| (x(read.completion.seconds()) as i64, read.has_value);
            for read in reads.iter().filter(|read| drawn.insert(position(read))) {
                let (class, result) = if read.has_value {
                    ("holds", "with the value")
                } else {
                    ("lacks", "without the value")
                };
                let _ = write!(
                    svg,
                    "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{y}\" r=\"4\"><title>read of process \
                     {} from {:.3} s to {:.3} s {result}</title></circle>",
                    x(read.completion.seconds()),
                    read.invocation.process,
                    read.invocation.seconds(),
                    read.completion.seconds(),
                );
            }
        }
        let _ = write!(
            svg,
            "<text class=\"reason\" x=\"{LEFT}\" y=\"{}\">● read with the value   ○ read without it   (until {to:.3} s)</text></svg>",
            height - 6
        );
        svg
    }
}
