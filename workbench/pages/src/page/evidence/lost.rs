//! Evidence of lost values: the way of each, and the reads with and without it.

use super::way::{Dot, WayPicture};
use super::{Evidence, MAX_CASES, around};
use std::collections::BTreeMap;

use crate::story::{LOST_VALUES, Scene, explain_lost, list_names, way_of_lost};
use crate::text::capitalized;
use checkers::{Element, LostElement, SetResult};

use history::{Kind, Op};

/// Reads that are drawn of each node: the first and the last ones.
const MAX_READS: usize = 400;

/// A successful read.
struct SetRead<'a> {
    invocation: &'a Op,
    completion: &'a Op,
    /// Whether it returned the value.
    has_value: bool,
}

/// A lost value, its acknowledgement, and the reads that completed after it was added.
struct LostValue<'a> {
    lost: &'a LostElement,
    acknowledged: Option<&'a Op>,
    reads: Vec<SetRead<'a>>,
}

/// Lost values, the first ones first, up to the maximum number of cases.
pub(super) fn lost(scene: &Scene<'_>, result: &SetResult) -> Vec<Evidence> {
    let mut all: Vec<&LostElement> = result.lost.iter().collect();
    all.sort_by_key(|it| it.known.as_ref().unwrap_or(&it.added).index);
    let history = &scene.record.history;
    let mut cases: Vec<LostValue<'_>> = Vec::new();
    for lost in all.into_iter().take(MAX_CASES) {
        let LostElement { element, added, .. } = lost;
        let is_acknowledgement = |op: &&Op| {
            op.index > added.index
                && op.kind == Kind::Ok
                && op.f == added.f
                && Element::of(op) == *element
        };
        cases.push(LostValue {
            lost,
            acknowledged: history.ops.iter().find(is_acknowledgement),
            reads: Vec::new(),
        });
    }
    if cases.is_empty() {
        return Vec::new();
    }
    // A read may list a hundred thousand values: each read is parsed once and dropped.
    for pair in &scene.pairs {
        let Some(completion) = pair
            .completion
            .filter(|op| op.f == "read" && op.kind == Kind::Ok)
        else {
            continue;
        };
        let Ok(elements) = Element::list_of(completion) else {
            continue;
        };
        for case in cases
            .iter_mut()
            .filter(|it| completion.index > it.lost.added.index)
        {
            case.reads.push(SetRead {
                invocation: pair.invocation,
                completion,
                has_value: elements.contains(&case.lost.element),
            });
        }
    }
    cases.iter().map(|it| it.evidence(scene)).collect()
}

impl LostValue<'_> {
    fn evidence(&self, scene: &Scene<'_>) -> Evidence {
        let LostElement { element, added, .. } = self.lost;
        let node = scene.node(added.process).unwrap_or("a node");
        let acknowledged = self
            .acknowledged
            .map_or("never acknowledged".to_owned(), |op| {
                format!("acknowledged at {:.3} s", op.seconds())
            });
        let meanwhile = scene.meanwhile(scene.node(added.process), added.seconds());
        let mut sentences = vec![format!(
            "{} sent it to {node} at {:.3} s{meanwhile}; it was {acknowledged}",
            capitalized(&scene.who(added.process)),
            added.seconds(),
        )];
        let way = way_of_lost(scene, self.lost);
        let why = explain_lost(scene, self.lost, way.as_ref());
        sentences.extend(why.map(|it| capitalized(&it)));
        sentences.push(self.describe_reads(scene));
        let hops = way.map(|(_, way)| way.notable()).unwrap_or_default();
        let picture = WayPicture {
            title: format!("Value {element}"),
            moments: self.moments(),
            hops: &hops,
            dots: self.dots(scene),
        };
        let picture = picture.draw(scene);
        let last = hops
            .iter()
            .map(|(_, hop)| scene.sent(hop))
            .fold(added.seconds(), f64::max);
        let ends = [added.seconds(), last].map(|it| (it * 1e6) as i64);
        Evidence {
            picture,
            window: around(ends.into_iter()),
            ops: vec![added.index],
            messages: hops.iter().map(|(index, _)| *index).collect(),
            ..Evidence::new(
                LOST_VALUES[1],
                format!("Value {element}"),
                sentences.join(". ") + ".",
            )
        }
    }

    fn moments(&self) -> Vec<(f64, String)> {
        let sent = (self.lost.added.seconds(), "sent".to_owned());
        let acknowledged = self
            .acknowledged
            .map(|op| (op.seconds(), "acknowledged".to_owned()));
        [sent].into_iter().chain(acknowledged).collect()
    }

    /// Which nodes' last reads have the value.
    fn describe_reads(&self, scene: &Scene<'_>) -> String {
        let mut last: BTreeMap<&str, bool> = BTreeMap::new();
        for read in &self.reads {
            if let Some(node) = scene.node(read.invocation.process) {
                last.insert(node, read.has_value);
            }
        }
        let of = |wanted: bool| -> Vec<&str> {
            let nodes = last.iter().filter(|(_, has_value)| **has_value == wanted);
            nodes.map(|(node, _)| *node).collect()
        };
        let count = self.reads.len();
        match (&of(true)[..], &of(false)[..]) {
            _ if count == 0 => "No read completed after that".to_owned(),
            ([], _) => {
                format!("Of the {count} reads after that, the last one of each node lacks it")
            }
            (with, without) => format!(
                "The last reads of {} have it, those of {} lack it",
                list_names(with),
                list_names(without)
            ),
        }
    }

    fn dots(&self, scene: &Scene<'_>) -> Vec<Dot> {
        let half = MAX_READS / 2;
        let middle = half..self.reads.len().saturating_sub(half);
        let shown = self
            .reads
            .iter()
            .enumerate()
            .filter(|(index, _)| !middle.contains(index));
        let dots = shown.map(|(_, read)| {
            let process = read.invocation.process.client().unwrap_or_default();
            let node = scene.settings.node_of(process);
            let node = scene
                .settings
                .nodes
                .iter()
                .position(|it| it == node)
                .unwrap_or(0);
            let with = if read.has_value { "with" } else { "without" };
            Dot {
                node,
                at: read.completion.seconds(),
                has_value: read.has_value,
                title: format!(
                    "read of {} from {:.3} s to {:.3} s, {with} it",
                    scene.who(read.invocation.process),
                    read.invocation.seconds(),
                    read.completion.seconds()
                ),
            }
        });
        dots.collect()
    }
}
