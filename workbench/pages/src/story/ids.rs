//! Ids that were generated more than once.

use std::collections::BTreeSet;

use checkers::IdsResult;

use super::{AnomalyKind, DUPLICATE_IDS, Scene, Story, plural};

pub(super) fn tell(scene: &Scene<'_>, result: &IdsResult) -> Option<Story> {
    // The first is the one that was first repeated.
    let repeated_at = |ops: &[history::Op]| ops.get(1).map(|op| op.index);
    let first = result
        .duplicates
        .iter()
        .min_by_key(|it| repeated_at(&it.ops))?;
    let [one, two, ..] = &first.ops[..] else {
        return None;
    };
    let count = result.duplicates.len();
    let (node, at) = (scene.node(two.process), two.seconds());
    let headline = format!(
        "{} returned more than once; the first, {}, to {} at {:.3} s (op {}) and to {} at {at:.3} s (op \
         {}){}",
        plural(count, "id was", "ids were"),
        scene.short(&first.id.to_string()),
        scene.who(one.process),
        one.seconds(),
        one.index,
        scene.who(two.process),
        two.index,
        scene.meanwhile(node, at),
    );
    let of_one_node = |ops: &[history::Op]| {
        let nodes: BTreeSet<_> = ops.iter().map(|op| scene.node(op.process)).collect();
        nodes.len() == 1
    };
    let own = result
        .duplicates
        .iter()
        .filter(|it| of_one_node(&it.ops))
        .count();
    let reason = match (node, count - own) {
        (None, _) => None,
        (Some(node), 0) if count == 1 => Some(format!("{node} returned it twice")),
        (Some(_), 0) => Some("each was returned by one node alone, twice or more".to_owned()),
        (Some(_), _) if own == 0 => Some("each was returned by different nodes".to_owned()),
        (Some(_), others) => Some(format!(
            "{own} of them by one node alone, {others} by different nodes"
        )),
    };
    let killed = scene.episodes.iter().find(|it| {
        let is_between = one.seconds() <= it.to && it.from <= at;
        scene.node(one.process) == node && node.is_some_and(|node| it.kills(node)) && is_between
    });
    let reason = match (killed, node, reason) {
        (Some(killed), Some(node), Some(reason)) => Some(format!(
            "{node} was killed at {:.3} s, between the two; {reason}",
            killed.from
        )),
        (.., reason) => reason,
    };
    let meaning = "Each id may be returned once, by one node.";
    Some(Story {
        headline,
        reason,
        kinds: vec![AnomalyKind::new(count, DUPLICATE_IDS, meaning)],
    })
}
