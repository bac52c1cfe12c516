//! A value that is lost, with the reads that should have held it: a row for each node, and on it
//! each read after the value was known.

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

/// A read that succeeded.
struct Read<'a> {
    begun: &'a Op,
    ended: &'a Op,
    /// Whether the value is in it.
    holds: bool,
}

/// Each value that is lost, as far as a page has room.
pub(super) fn lost(subject: &Subject<'_>, result: &SetResult) -> Vec<Evidence> {
    let lost = &result.lost;
    if lost.is_empty() {
        return Vec::new();
    }
    let history = &subject.record.history;
    let mut cases: Vec<Case<'_>> = Vec::new();
    for lost in lost.iter().take(MAX_CASES) {
        let LostElement { element, added, .. } = lost;
        let is_acknowledgement = |op: &&Op| {
            op.index > added.index
                && op.kind == Kind::Ok
                && op.f == added.f
                && Element::of(op) == *element
        };
        cases.push(Case {
            subject,
            element,
            added,
            acknowledged: history.ops.iter().find(is_acknowledgement),
            reads: Vec::new(),
        });
    }
    // A read may list a hundred thousand values: each is looked at once, and not kept.
    for pair in history.pairs() {
        let Some(ended) = pair
            .completion
            .filter(|op| op.f == "read" && op.kind == Kind::Ok)
        else {
            continue;
        };
        let Ok(elements) = Element::list_of(ended) else {
            continue;
        };
        let later = cases.iter_mut().filter(|it| ended.index > it.added.index);
        for case in later {
            let holds = elements.contains(case.element);
            case.reads.push(Read {
                begun: pair.invocation,
                ended,
                holds,
            });
        }
    }
    let mut evidence: Vec<Evidence> = cases.iter().map(Case::evidence).collect();
    let more = lost.len().saturating_sub(MAX_CASES);
    if more > 0 {
        let text = format!("{more} more values are lost: results.edn lists them all.");
        evidence.push(Evidence::new("And others", text));
    }
    evidence
}

struct Case<'a> {
    subject: &'a Subject<'a>,
    element: &'a Element,
    /// The invocation that adds it.
    added: &'a OpRef,
    /// Its acknowledgement, if there is one.
    acknowledged: Option<&'a Op>,
    /// The reads that ended after it began.
    reads: Vec<Read<'a>>,
}

impl Case<'_> {
    fn evidence(&self) -> Evidence {
        let reads = &self.reads;
        let held = reads.iter().filter(|read| read.holds).count();
        let last = reads.iter().rfind(|read| read.holds);
        let value = self.element;
        let known = self
            .acknowledged
            .map_or("was never acknowledged".to_owned(), |op| {
                format!("was acknowledged at {:.3} s", op.seconds())
            });
        let seen = match last {
            Some(read) => format!(
                "{held} hold it, the last of which began at {:.3} s",
                read.begun.seconds()
            ),
            None => "none holds it".to_owned(),
        };
        let process = self.added.process.client().unwrap_or_default();
        let node = self.subject.settings.node_of(process);
        let text = format!(
            "It was sent to {node} at {:.3} s and {known}; of {} reads that ended later, {seen}.",
            self.added.seconds(),
            reads.len(),
        );
        let moments = reads
            .iter()
            .flat_map(|read| [read.begun.time, read.ended.time]);
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
        let to = reads.iter().map(|read| read.ended.seconds());
        let to = to.fold(from + 0.001, f64::max);
        let x =
            |at: f64| LEFT as f64 + 8.0 + (at - from) / (to - from) * (WIDTH - LEFT - 24) as f64;
        let mut rows: BTreeMap<usize, Vec<&Read<'_>>> = BTreeMap::new();
        let settings = self.subject.settings;
        for read in reads {
            let process = read.begun.process.client().unwrap_or_default();
            let node = settings.node_of(process);
            let place = settings.nodes.iter().position(|it| it == node).unwrap_or(0);
            rows.entry(place).or_default().push(read);
        }
        let height = TOP + rows.len() * ROW + 24;
        let mut svg = format!(
            "<svg class=\"graph\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\">",
            escaped(&format!(
                "{title}: reads by node, those that hold it and those that do not"
            ))
        );
        let marks = [(self.added.seconds(), "sent")].into_iter();
        let acknowledged = self.acknowledged.map(|op| (op.seconds(), "acknowledged"));
        for (row, (seconds, word)) in marks.chain(acknowledged).enumerate() {
            let (at, y) = (x(seconds), 12 + 12 * row);
            let _ = write!(
                svg,
                "<line class=\"moment\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{y}\" y2=\"{}\"/>\
                 <text class=\"reason\" x=\"{:.1}\" y=\"{y}\">{word} at {:.3} s</text>",
                height - 20,
                at + 4.0,
                seconds,
            );
        }
        for (row, (place, reads)) in rows.iter().enumerate() {
            let y = TOP + row * ROW + ROW / 2;
            let name = settings.nodes.get(*place).map_or("", |node| node.as_str());
            let _ = write!(
                svg,
                "<text class=\"head\" x=\"8\" y=\"{}\">{}</text>\
                 <line class=\"lane\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\"/>",
                y + 4,
                escaped(name),
                WIDTH - 8,
            );
            // Two in the same place would hide one another.
            let mut drawn = HashSet::new();
            let place = |read: &Read<'_>| (x(read.ended.seconds()) as i64, read.holds);
            for read in reads.iter().filter(|read| drawn.insert(place(read))) {
                let (class, what) = if read.holds {
                    ("holds", "holds it")
                } else {
                    ("lacks", "lacks it")
                };
                let _ = write!(
                    svg,
                    "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{y}\" r=\"4\"><title>read of process \
                     {} from {:.3} s to {:.3} s {what}</title></circle>",
                    x(read.ended.seconds()),
                    read.begun.process,
                    read.begun.seconds(),
                    read.ended.seconds(),
                );
            }
        }
        let _ = write!(
            svg,
            "<text class=\"reason\" x=\"{LEFT}\" y=\"{}\">● holds it   ○ lacks it   (until {to:.3} s)</text></svg>",
            height - 6
        );
        svg
    }
}
