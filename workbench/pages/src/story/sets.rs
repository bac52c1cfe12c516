//! Values of a set that were lost.

use std::collections::HashSet;

use checkers::{Element, LostElement, OpRef, SetResult};
use history::{Kind, Op};

use super::{AnomalyKind, LOST_VALUES, Origin, Scene, Story, Way, grouped, plural};

const MEANING: &str =
    "A value was acknowledged or read, and reads lack it after the last one that has it.";

pub(super) fn tell(scene: &Scene<'_>, result: &SetResult) -> Option<Story> {
    let lost = &result.lost;
    let first = lost.iter().min_by_key(|it| proof(it).index)?;
    let (known, what) = if lost.iter().all(is_acknowledged) {
        let words = ["acknowledged value", "acknowledged values"];
        (acknowledged(scene, first), words)
    } else {
        let words = [
            "value that was acknowledged or read",
            "values that were acknowledged or read",
        ];
        (result.stable.len() + lost.len(), words)
    };
    let proof = proof(first);
    let (node, at, index) = (scene.node(proof.process), proof.seconds(), proof.index);
    let how = match (is_acknowledged(first), node) {
        (true, Some(node)) => format!("acknowledged by {node}"),
        (true, None) => format!("acknowledged to process {}", proof.process),
        (false, _) => format!("read by {}", scene.who(proof.process)),
    };
    let headline = format!(
        "{} of {} {} lost; the first, {}, was {how} at {at:.3} s (op {index}){}",
        grouped(lost.len()),
        plural(known, what[0], what[1]),
        if lost.len() == 1 { "was" } else { "were" },
        scene.short(&first.element.to_string()),
        scene.meanwhile(node, at),
    );
    Some(Story {
        headline,
        reason: explain(scene, first, way_of(scene, first).as_ref()),
        kinds: vec![AnomalyKind::new(lost.len(), LOST_VALUES, MEANING)],
    })
}

/// The operation that first proved the presence of a value.
fn proof(lost: &LostElement) -> &OpRef {
    lost.known.as_ref().unwrap_or(&lost.added)
}

fn is_acknowledged(lost: &LostElement) -> bool {
    lost.known.as_ref().is_some_and(|it| it.f == lost.added.f)
}

/// The number of values that were acknowledged.
fn acknowledged(scene: &Scene<'_>, lost: &LostElement) -> usize {
    let ops = scene.record.history.ops.iter();
    let acknowledged = ops.filter(|op| op.kind == Kind::Ok && op.f == lost.added.f);
    acknowledged.map(Element::of).collect::<HashSet<_>>().len()
}

/// The way of a lost value, and where it began.
pub(crate) fn way_of<'a>(
    scene: &Scene<'a>,
    lost: &'a LostElement,
) -> Option<(Origin<'a>, Way<'a>)> {
    let origin = Origin {
        value: &lost.element,
        key: None,
        home: scene.node(lost.added.process)?,
        since: lost.added.time,
    };
    let way = Way::of(scene, &origin)?;
    Some((origin, way))
}

/// Why a value is lost: what happened to the messages with it, or, if they say nothing, that its node was
/// killed later.
pub(crate) fn explain(
    scene: &Scene<'_>,
    lost: &LostElement,
    way: Option<&(Origin<'_>, Way<'_>)>,
) -> Option<String> {
    let adds = scene.pairs.iter().map(|it| it.invocation);
    let adds = adds.filter(|op| op.f == lost.added.f && op.index != lost.added.index);
    let adds: Vec<(&Op, Element)> = adds.map(|op| (op, Element::of(op))).collect();
    let others = adds.iter().filter_map(|(op, element)| {
        Some(Origin {
            value: element,
            key: None,
            home: scene.node(op.process)?,
            since: op.time,
        })
    });
    let messages = way.and_then(|(origin, way)| way.explain(scene, origin, others));
    messages.or_else(|| scene.killed_since(scene.node(lost.added.process)?, lost.added.time))
}
