//! Final reads of a counter that no sum of the additions explains.

use std::collections::{BTreeMap, HashMap};

use checkers::CounterResult;
use history::{Kind, Op};

use super::{AnomalyKind, Scene, Story, WRONG_READS, grouped, plural};

/// The number of additions during a fault whose sum does not match by chance.
const MIN_ADDITIONS: usize = 3;

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
        kinds: vec![AnomalyKind::new(count, WRONG_READS, MEANING)],
    })
}

/// How much is missing from a read, or, negative, too much: the distance to the least or greatest
/// acceptable value. `None` if it is not a number, too large, or between acceptable values.
pub(crate) fn difference(read: &Op, result: &CounterResult) -> Option<i64> {
    let read = integer(read)?;
    let bounds = result.acceptable.bounds();
    let (least, greatest) = (bounds.first()?, bounds.last()?);
    match read {
        _ if read < *least => least.checked_sub(read),
        _ if read > *greatest => greatest.checked_sub(read),
        _ => None,
    }
}

/// Where the difference comes from, if the additions and the earlier reads show it.
fn explain(scene: &Scene<'_>, first: &Op, difference: i64) -> Option<String> {
    sum_of_node(scene, first, difference).or_else(|| match difference > 0 {
        true => last_complete(scene, first),
        false => first_excessive(scene),
    })
}

/// The sum and the number of the additions that a node acknowledged, all of them or those during a fault
/// that concerned it.
type Sums<'a> = BTreeMap<(Option<usize>, &'a str), (i128, usize)>;

fn sums<'a>(scene: &Scene<'a>) -> Sums<'a> {
    let mut sums = Sums::new();
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
            *sum += i128::from(delta);
            *count += 1;
        }
    }
    sums
}

/// Whether what was read, or the difference, is a sum that stands out: a node's, or that of several
/// additions during a fault. Of many small sums one would match by chance, so it must be the only one.
fn sum_of_node(scene: &Scene<'_>, first: &Op, difference: i64) -> Option<String> {
    let sums = sums(scene);
    let read = i128::from(integer(first)?);
    let is_read = |((fault, _), (sum, _)): &(&(Option<usize>, &str), &(i128, usize))| {
        fault.is_none() && *sum == read
    };
    if let Some(((_, node), _)) = sums.iter().find(is_read) {
        return Some(format!(
            "{read} is exactly the sum of what {node} acknowledged, without the others"
        ));
    }
    let difference = i128::from(difference).abs();
    let mut matching = sums.iter().filter(|((fault, _), (sum, count))| {
        sum.abs() == difference && (fault.is_none() || *count >= MIN_ADDITIONS)
    });
    let ((fault, node), (_, count)) = matching.next().filter(|_| matching.next().is_none())?;
    let additions = plural(*count, "addition", "additions");
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
    let sums = sums(scene)
        .into_iter()
        .filter(|((fault, _), _)| fault.is_none());
    let sums = sums.map(|((_, node), (sum, count))| {
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

/// The last read before the wrong one that returned at least all that had been acknowledged before it
/// began, if no addition is negative.
fn last_complete(scene: &Scene<'_>, first: &Op) -> Option<String> {
    let reads = reads_with_bounds(scene)?.into_iter();
    let mut earlier = reads.filter(|(read, _)| read.index < first.index);
    let (read, _) = earlier.rfind(|(read, [acknowledged, _])| {
        integer(read).is_some_and(|value| value >= *acknowledged && *acknowledged > 0)
    })?;
    let (who, at, index) = (scene.who(read.process), read.seconds(), read.index);
    Some(format!(
        "the last read that returned at least all that had been acknowledged was that of {who} at {at:.3} s \
         (op {index})"
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
