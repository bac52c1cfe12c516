//! Is there a cycle with a single anti-dependency? The answer, where no cycle goes without one.
//!
//! Some models forbid these cycles and have no subgraph of their own that would be cyclic exactly
//! then. Where writes and reads of writes alone are free of cycles, they can be put in an order;
//! one sweep along it carries what can be reached from the writers of 64 versions, a bit for each,
//! from the first of these writers to the last of those who read what they replaced. As a rule that
//! is not far; at worst it takes the product of operations and steps, divided by 64.

use super::component::Component;
use super::graph::{Relation, Relations};

/// Anti-dependencies with the same ends.
struct Bundle {
    readers: Vec<u32>,
    writers: Vec<u32>,
    /// Where the first writer and the last reader stand in the order.
    first: usize,
    last: usize,
}

/// A cycle of one anti-dependency and a shortest way back from its target to its source, by steps
/// of `ww` and `wr`; the anti-dependency is its first step. These steps must not make a cycle.
pub(super) fn single_anti_dependency(component: &Component) -> Option<Vec<u32>> {
    let order = in_order(component)?;
    let mut places = vec![0; component.len()];
    for (place, op) in order.iter().enumerate() {
        places[*op as usize] = place;
    }
    let mut bundles = bundles(component, &places);
    bundles.retain(|bundle| bundle.first < bundle.last);
    bundles.sort_by_key(|bundle| bundle.first);
    // By place: from which bundles' writers an operation is reached by one step or more. Who reads
    // and writes must be reached from another writer.
    let mut reached = vec![0_u64; component.len()];
    for batch in bundles.chunks(64) {
        let first = batch.iter().map(|bundle| bundle.first).min()?;
        let last = batch.iter().map(|bundle| bundle.last).max()?;
        reached[first..=last].fill(0);
        let mut is_writer_of = vec![0_u64; last + 1 - first];
        for (bit, bundle) in batch.iter().enumerate() {
            for writer in &bundle.writers {
                if let Some(bits) = is_writer_of.get_mut(places[*writer as usize] - first) {
                    *bits |= 1 << bit;
                }
            }
        }
        for place in first..=last {
            let here = reached[place] | is_writer_of[place - first];
            if here != 0 {
                let next = writes(component, order[place]).map(|to| places[to as usize]);
                next.filter(|to| *to <= last)
                    .for_each(|to| reached[to] |= here);
            }
        }
        for (bit, bundle) in batch.iter().enumerate() {
            let is_back = |reader: &&u32| {
                let place = places[**reader as usize];
                (first..=last).contains(&place) && reached[place] & (1 << bit) != 0
            };
            if let Some(reader) = bundle.readers.iter().find(is_back) {
                return way_back(component, bundle, *reader);
            }
        }
    }
    None
}

fn bundles(component: &Component, places: &[usize]) -> Vec<Bundle> {
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
        let place = |op: &u32| places[*op as usize];
        Bundle {
            first: writers.iter().map(place).min().unwrap_or(places.len()),
            last: readers.iter().map(place).max().unwrap_or(0),
            readers,
            writers,
        }
    });
    all.collect()
}

/// Where the steps of `ww` and `wr` lead.
fn writes(component: &Component, op: u32) -> impl Iterator<Item = u32> {
    let steps = component.steps[op as usize].iter();
    let steps = steps.filter(|step| Relations::WRITES.contains(step.relation));
    steps.map(|step| step.to)
}

/// All operations, each after those that lead to it; nothing if there is a cycle.
fn in_order(component: &Component) -> Option<Vec<u32>> {
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

/// The reader, then a shortest way to it from one of the other writers.
fn way_back(component: &Component, bundle: &Bundle, reader: u32) -> Option<Vec<u32>> {
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
