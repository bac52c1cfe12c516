//! Values of a set that were lost.

use checkers::{LostElement, OpRef, SetResult};

use super::{AnomalyKind, Scene, Story, Way, grouped, plural};

const MEANING: &str = "A value that was acknowledged or read is missing from all later reads.";

pub(super) fn tell(scene: &Scene<'_>, result: &SetResult) -> Option<Story> {
    let lost = &result.lost;
    let first = lost.iter().min_by_key(|it| proof(it).index)?;
    let known = result.stable.len() + lost.len();
    let what = if lost.iter().all(is_acknowledged) {
        ["acknowledged value", "acknowledged values"]
    } else {
        [
            "value that was acknowledged or read",
            "values that were acknowledged or read",
        ]
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
        reason: explain(scene, first),
        kinds: vec![AnomalyKind::new(
            lost.len(),
            ["lost value", "lost values"],
            MEANING,
        )],
    })
}

/// The operation that first proved the presence of a value.
fn proof(lost: &LostElement) -> &OpRef {
    lost.known.as_ref().unwrap_or(&lost.added)
}

fn is_acknowledged(lost: &LostElement) -> bool {
    lost.known.as_ref().is_some_and(|it| it.f == lost.added.f)
}

/// Why a value is lost.
pub(crate) fn explain(scene: &Scene<'_>, lost: &LostElement) -> Option<String> {
    let added = lost.added.seconds();
    let way = Way::of(scene, &[&lost.element], added)?;
    way.explain(scene, scene.node(lost.added.process)?, added)
}
