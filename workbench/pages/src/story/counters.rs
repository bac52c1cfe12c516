//! Final reads of a counter that no sum of the additions explains.

use std::collections::{BTreeMap, HashMap};

use checkers::CounterResult;
use history::{Kind, Op};

use super::{AnomalyKind, Scene, Story, grouped, plural};

const MEANING: &str = "A final read must return the sum of all acknowledged additions; indeterminate ones may \
                       be missing.";

pub(super) fn tell(scene: &Scene<'_>, result: &CounterResult) -> Option<Story> {
    let first = result.wrong.first()?;
    let (count, all) = (result.wrong.len(), result.final_reads.len());
    let at = first.seconds();
    let read = scene.short(&first.value.plain());
    let difference = difference(first, result);
    let headline = format!(
        "{} of {} {} wrong; the first, of {} at {at:.3} s (op {}), returned {read}, expected {}{}{}",
        grouped(count),
        plural(all, "final read", "final reads"),
        if count == 1 { "is" } else { "are" },
        scene.who(first.process),
        first.index,
        result.acceptable,
        match difference {
            Some(missing @ 1..) => format!(": {missing} too little"),
            Some(surplus) => format!(": {} too much", surplus.unsigned_abs()),
            None => String::new(),
        },
        scene.meanwhile(scene.node(first.process), at),
    );
    Some(Story {
        headline,
        reason: difference.and_then(|it| explain(scene, first, it)),
        kinds: vec![AnomalyKind::new(
            count,
            ["wrong final read", "wrong final reads"],
            MEANING,
        )],
    })
}

/// How much is missing from a read, or, negative, too much: the distance to the nearest acceptable
/// value. `None` if it is not a number, or too large.
pub(crate) fn difference(read: &Op, result: &CounterResult) -> Option<i64> {
    let read = integer(read)?;
    let bounds = result.acceptable.bounds().into_iter();
    let distances = bounds.filter_map(|bound| bound.checked_sub(read));
    distances.min_by_key(|it| it.unsigned_abs())
}

/// Where the difference comes from, if the additions and the earlier reads show it.
fn explain(scene: &Scene<'_>, first: &Op, difference: i64) -> Option<String> {
    sum_of_node(scene, first, difference).or_else(|| match difference > 0 {
        true => last_complete(scene),
        false => first_excessive(scene),
    })
}

/// Whether the difference, or what was read, is the sum of what one node acknowledged: all of it, or
/// that during a fault that concerned the node. Smaller sets would match by chance.
fn sum_of_node(scene: &Scene<'_>, first: &Op, difference: i64) -> Option<String> {
    let mut sums: BTreeMap<(Option<usize>, &str), (i64, usize)> = BTreeMap::new();
    let acknowledged = scene.record.history.ops.iter();
    for op in acknowledged.filter(|op| op.kind == Kind::Ok && op.f == "add") {
        let (Some(node), Some(delta)) = (scene.node(op.process), integer(op)) else {
            continue;
        };
        let at = op.seconds();
        let during = scene.episodes.iter().enumerate();
        let during = during.filter(|(_, it)| it.is_on(at) && it.on_node(node).is_some());
        for fault in during.map(|(index, _)| Some(index)).chain([None]) {
            let (sum, count) = sums.entry((fault, node)).or_default();
            *sum = sum.saturating_add(delta);
            *count += 1;
        }
    }
    let read = integer(first);
    let own = sums
        .iter()
        .find(|((fault, _), (sum, _))| fault.is_none() && Some(*sum) == read);
    if let Some(((_, node), _)) = own {
        return Some(format!(
            "{} is exactly the sum of what {node} acknowledged, without the others",
            read?
        ));
    }
    let is_sum = |sum: i64| sum.unsigned_abs() == difference.unsigned_abs();
    let ((fault, node), (_, count)) = sums.into_iter().find(|(_, (sum, _))| is_sum(*sum))?;
    let additions = plural(count, "addition", "additions");
    let during = fault.map(|it| &scene.episodes[it]);
    let during = during.map_or_else(String::new, |it| {
        let effect = it.on_node(node).unwrap_or_default();
        format!(
            " from {:.3} s to {:.3} s, while {node} {effect}",
            it.from, it.to
        )
    });
    Some(format!(
        "the difference is exactly the sum of the {additions} that {node} acknowledged{during}"
    ))
}

/// The additions that each node acknowledged, in a sentence.
pub(crate) fn additions(scene: &Scene<'_>) -> String {
    let mut sums: BTreeMap<&str, (i64, usize)> = BTreeMap::new();
    let acknowledged = scene.record.history.ops.iter();
    for op in acknowledged.filter(|op| op.kind == Kind::Ok && op.f == "add") {
        if let (Some(node), Some(delta)) = (scene.node(op.process), integer(op)) {
            let (sum, count) = sums.entry(node).or_default();
            *sum = sum.saturating_add(delta);
            *count += 1;
        }
    }
    let sums = sums.into_iter().map(|(node, (sum, count))| {
        format!(
            "{node} {} with the sum {sum}",
            plural(count, "addition", "additions")
        )
    });
    match sums.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => none,
        sums => format!("Acknowledged were: {sums}."),
    }
}

/// The last read from which nothing was missing, if no addition is negative: it returned at least all
/// that was acknowledged before it began.
fn last_complete(scene: &Scene<'_>) -> Option<String> {
    let (read, _) = reads_with_bounds(scene)?
        .into_iter()
        .rfind(|(read, [acknowledged, _])| {
            integer(read).is_some_and(|value| value >= *acknowledged && *acknowledged > 0)
        })?;
    let (who, at, index) = (scene.who(read.process), read.seconds(), read.index);
    Some(format!(
        "nothing was missing yet from the read of {who} at {at:.3} s (op {index})"
    ))
}

/// The first read that returned more than all additions that had begun, if none is negative.
fn first_excessive(scene: &Scene<'_>) -> Option<String> {
    let (read, [_, begun]) = reads_with_bounds(scene)?
        .into_iter()
        .find(|(read, [_, begun])| integer(read).is_some_and(|value| value > *begun))?;
    let (who, at, index) = (scene.who(read.process), read.seconds(), read.index);
    let value = &read.value;
    Some(format!(
        "already at {at:.3} s {who} read {value} (op {index}), when all additions so far made {begun}"
    ))
}

/// The completed reads, each with two sums: of the additions acknowledged before it began, and of those
/// that had begun when it completed. `None` if an addition is negative, and the sums bound nothing.
fn reads_with_bounds<'a>(scene: &Scene<'a>) -> Option<Vec<(&'a Op, [i64; 2])>> {
    let mut begun = 0i64;
    let mut acknowledged = 0i64;
    let mut open: HashMap<u64, i64> = HashMap::new();
    let mut reads = Vec::new();
    for op in &scene.record.history.ops {
        let Some(client) = op.process.client() else {
            continue;
        };
        match (&*op.f, op.kind) {
            ("add", Kind::Invoke) => {
                begun = begun.checked_add(integer(op).filter(|it| *it >= 0)?)?;
            }
            ("add", Kind::Ok) => acknowledged = acknowledged.checked_add(integer(op)?)?,
            ("read", Kind::Invoke) => drop(open.insert(client, acknowledged)),
            ("read", Kind::Ok) => {
                let before = open.remove(&client).unwrap_or_default();
                reads.push((op, [before, begun]));
            }
            _ => {}
        }
    }
    Some(reads)
}

fn integer(op: &Op) -> Option<i64> {
    op.value.json().parse().ok()
}
