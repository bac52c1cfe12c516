//! Finds a cycle with a single anti-dependency, if every cycle has an anti-dependency.
//!
//! Some models forbid these cycles, but have no subgraph that is cyclic exactly then. If `ww` and
//! `wr` edges alone have no cycle, they have a topological order. One sweep along it propagates
//! what can be reached from the writers of 64 versions, one bit each, from the first of these
//! writers to the last reader of a version that they replaced. Usually that is not far; the worst
//! case is the product of operations and steps, divided by 64.

use super::component::Component;
use super::graph::{Relation, Relations};

/// Anti-dependencies with the same ends.
struct Bundle {
    readers: Vec<u32>,
    writers: Vec<u32>,
    /// The positions of the first writer and the last reader in the order.
    first: usize,
    last: usize,
}

/// A cycle of one anti-dependency, which is its first step, and a shortest path back by `ww` and
/// `wr`. These edges must not form a cycle.
pub(super) fn single_anti_dependency(component: &Component) -> Option<Vec<u32>> {
    let order = topological_order(component)?;
    let mut positions = vec![0; component.len()];
    for (position, op) in order.iter().enumerate() {
        positions[*op as usize] = position;
    }
    let mut bundles = bundles(component, &positions);
    bundles.retain(|bundle| bundle.first < bundle.last);
    bundles.sort_by_key(|bundle| bundle.first);
    // By position: the bundles whose writers lead to the operation by one step or more. An
    // operation that reads and writes must be reached from another writer.
    let mut reached = vec![0_u64; component.len()];
    for batch in bundles.chunks(64) {
        let first = batch.iter().map(|bundle| bundle.first).min()?;
        let last = batch.iter().map(|bundle| bundle.last).max()?;
        reached[first..=last].fill(0);
        let mut is_writer_of = vec![0_u64; last + 1 - first];
        for (bit, bundle) in batch.iter().enumerate() {
            for writer in &bundle.writers {
                if let Some(bits) = is_writer_of.get_mut(positions[*writer as usize] - first) {
                    *bits |= 1 << bit;
                }
            }
        }
        for position in first..=last {
            let here = reached[position] | is_writer_of[position - first];
            if here != 0 {
                let next = writes(component, order[position]).map(|to| positions[to as usize]);
                next.filter(|to| *to <= last)
                    .for_each(|to| reached[to] |= here);
            }
        }
        for (bit, bundle) in batch.iter().enumerate() {
            let is_back = |reader: &&u32| {
                let position = positions[**reader as usize];
                (first..=last).contains(&position) && reached[position] & (1 << bit) != 0
            };
            if let Some(reader) = bundle.readers.iter().find(is_back) {
                return shortest_way_back(component, bundle, *reader);
            }
        }
    }
    None
}

fn bundles(component: &Component, positions: &[usize]) -> Vec<Bundle> {
    let mut readers_by_writer: Vec<Vec<u32>> = vec![Vec::new(); component.len()];
    for (from, steps) in (0..).zip(&component.steps) {
        for step in steps.iter().filter(|step| step.relation == Relation::Rw) {
            readers_by_writer[step.to as usize].push(from);
        }
    }
    let direct = readers_by_writer.into_iter().zip(0..);
    let direct = direct.filter(|(readers, _)| !readers.is_empty());
    let direct = direct.map(|(readers, writer)| (readers, vec![writer]));
    let junctions = component.junctions.iter();
    let through_hubs = junctions.map(|it| (it.readers.clone(), it.writers.clone()));
    let all = direct.chain(through_hubs).map(|(readers, writers)| {
        let position = |op: &u32| positions[*op as usize];
        Bundle {
            first: writers
                .iter()
                .map(position)
                .min()
                .unwrap_or(positions.len()),
            last: readers.iter().map(position).max().unwrap_or(0),
            readers,
            writers,
        }
    });
    all.collect()
}

/// The targets of the `ww` and `wr` steps.
fn writes(component: &Component, op: u32) -> impl Iterator<Item = u32> {
    let steps = component.steps[op as usize].iter();
    let steps = steps.filter(|step| Relations::WRITES.contains(step.relation));
    steps.map(|step| step.to)
}

/// All operations, each after those that lead to it. `None` if there is a cycle.
fn topological_order(component: &Component) -> Option<Vec<u32>> {
    let mut before = vec![0_u32; component.len()];
    let all = 0..component.len() as u32;
    for to in all.clone().flat_map(|op| writes(component, op)) {
        before[to as usize] += 1;
    }
    let mut order: Vec<u32> = all.filter(|op| before[*op as usize] == 0).collect();
    let mut next = 0;
    while let Some(&op) = order.get(next) {
        next += 1;
        for to in writes(component, op) {
            before[to as usize] -= 1;
            if before[to as usize] == 0 {
                order.push(to);
            }
        }
    }
    (order.len() == component.len()).then_some(order)
}

/// The reader, and then a shortest path to it from one of the other writers.
fn shortest_way_back(component: &Component, bundle: &Bundle, reader: u32) -> Option<Vec<u32>> {
    let mut previous = vec![None; component.len()];
    let mut open: Vec<u32> = bundle.writers.clone();
    open.retain(|writer| *writer != reader);
    let mut is_reached = vec![false; component.len()];
    for writer in &open {
        is_reached[*writer as usize] = true;
    }
    let mut next = 0;
    while let Some(&op) = open.get(next) {
        next += 1;
        for to in writes(component, op) {
            if to == reader {
                let mut cycle = vec![reader, op];
                let mut here = op;
                while let Some(earlier) = previous[here as usize] {
                    cycle.push(earlier);
                    here = earlier;
                }
                cycle[1..].reverse();
                return Some(cycle);
            }
            if !is_reached[to as usize] {
                is_reached[to as usize] = true;
                previous[to as usize] = Some(op);
                open.push(to);
            }
        }
    }
    None
}
