//! The orders that lead to configurations, and the complete order of all operations for each.

use super::timeline::{Effect, Event, NONE, Timeline};
use super::{Specification, TimedOp};

/// An operation that took effect, and the moment at which it did: an operation's end.
#[derive(Debug, Clone, Copy)]
struct PathStep {
    before: u32,
    op: u32,
    moment: u32,
}

/// The changes that lead to all configurations, as a tree: each has an edge to the one before it.
#[derive(Debug, Default)]
pub(super) struct Paths {
    steps: Vec<PathStep>,
}

impl Paths {
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.steps)
    }

    pub(super) fn push(&mut self, before: u32, op: u32, moment: usize) -> u32 {
        let moment = moment as u32;
        self.steps.push(PathStep { before, op, moment });
        (self.steps.len() - 1) as u32
    }

    /// Removes the steps that lead to none of these paths, and updates the paths.
    pub(super) fn retain<'a>(&mut self, paths: impl Iterator<Item = &'a mut u32>) {
        let mut moved = vec![NONE; self.steps.len()];
        let paths: Vec<_> = paths.collect();
        for path in &paths {
            let mut here = **path;
            while here != NONE && moved[here as usize] == NONE {
                moved[here as usize] = 0;
                here = self.steps[here as usize].before;
            }
        }
        let to = |moved: &[u32], path: u32| {
            if path == NONE {
                NONE
            } else {
                moved[path as usize]
            }
        };
        let mut kept = 0;
        for index in 0..self.steps.len() {
            if moved[index] == 0 {
                let step = self.steps[index];
                // The step before has a smaller index and is moved already.
                let before = to(&moved, step.before);
                self.steps[kept] = PathStep { before, ..step };
                moved[index] = kept as u32;
                kept += 1;
            }
        }
        self.steps.truncate(kept);
        self.steps.shrink_to_fit();
        for path in paths {
            *path = to(&moved, *path);
        }
    }

    fn changes(&self, path: u32) -> Vec<(u32, u32)> {
        let mut changes = Vec::new();
        let mut here = path;
        while here != NONE {
            let step = self.steps[here as usize];
            changes.push((step.op, step.moment));
            here = step.before;
        }
        changes.reverse();
        changes
    }

    /// The complete order: the changes, each read as early as possible, and the overwrites that
    /// were left out, each before the next overwrite. It has all operations that ended before
    /// `until`.
    pub(super) fn order<P: Specification>(
        &self,
        specification: &P,
        ops: &[TimedOp<P::Operation>],
        timeline: &Timeline,
        path: u32,
        until: usize,
    ) -> Vec<usize> {
        let changes = self.changes(path);
        let mut states = Vec::with_capacity(changes.len() + 1);
        states.push(specification.initial());
        for (op, _) in &changes {
            let operation = &ops[*op as usize].operation;
            let next = specification.step(&states[states.len() - 1], operation);
            states.push(next.expect("a chosen operation is possible"));
        }
        let mut is_chosen = vec![false; ops.len()];
        for (op, _) in &changes {
            is_chosen[*op as usize] = true;
        }
        // Each with the number of changes before it; reads come first, then hidden overwrites.
        let mut others: Vec<(usize, Effect, u32, u32)> = Vec::new();
        let after = |moment: u32| changes.partition_point(|change| change.1 < moment);
        for moment in 0..until {
            let Event::Begin { op, .. } = timeline.event(moment) else {
                continue;
            };
            let (begin, end) = (moment as u32, timeline.ends[op as usize]);
            let effect = timeline.effects[op as usize];
            let operation = &ops[op as usize].operation;
            let mut gaps = after(begin)..=after(end + 1);
            let gap = match effect {
                Effect::Read => {
                    gaps.find(|gap| specification.step(&states[*gap], operation).is_some())
                }
                Effect::Overwrite if !is_chosen[op as usize] && (end as usize) < until => gaps
                    .find(|gap| {
                        let next = changes.get(*gap).filter(|next| next.1 <= end);
                        next.is_some_and(|next| {
                            timeline.effects[next.0 as usize] == Effect::Overwrite
                        })
                    }),
                _ => None,
            };
            if let Some(gap) = gap {
                let from = gap.checked_sub(1).map_or(0, |before| changes[before].1);
                others.push((gap, effect, from.max(begin), op));
            }
        }
        others.sort_unstable();
        let mut others = others.into_iter().peekable();
        let mut order = Vec::with_capacity(others.len() + changes.len());
        for gap in 0..=changes.len() {
            while let Some(other) = others.next_if(|other| other.0 == gap) {
                order.push(other.3 as usize);
            }
            order.extend(changes.get(gap).map(|change| change.0 as usize));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::{NONE, Paths};

    #[test]
    fn only_the_steps_that_lead_to_a_kept_path_take_memory() {
        let mut paths = Paths::default();
        assert_eq!(paths.bytes(), 0);
        let first = paths.push(NONE, 7, 1);
        let dropped = paths.push(first, 8, 2);
        let mut last = paths.push(first, 9, 3);
        let all = paths.bytes();
        assert!(all >= 3 * 12 && dropped != last);
        paths.retain([&mut last].into_iter());
        assert_eq!((paths.len(), last, paths.bytes()), (2, 1, all / 3 * 2));
    }
}
