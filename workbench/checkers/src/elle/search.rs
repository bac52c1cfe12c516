//! The search for a shortest cycle of a kind, to show as an example.
//!
//! Breadth first from each operation, over pairs of an operation and the progress of the kind's
//! automaton. The depth limit doubles, so that a short cycle anywhere is found before long paths
//! are walked. A large component has too many pairs of operations, so work is limited, in steps and
//! not by a clock: the same history always gives the same answer.

use super::component::{Component, Step};
use super::cycle_kind::{CycleKind, Progress};
use super::graph::{Relation, Relations};

/// The outcome of a search.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A shortest cycle: its operations in order. If the steps ran out, there may be a shorter one.
    Found(Vec<u32>),
    /// No cycle was found. (A walk that visits an operation twice is no cycle to show, and may hide
    /// a cycle of the same length. That takes two cycles with a common operation, at least one of
    /// which is of a kind that is searched for.)
    Nothing,
    /// The steps ran out.
    Unfinished,
}

/// A search in one component, for one kind of cycle after another.
pub(super) struct Search<'a> {
    component: &'a Component,
    /// By operation: its direct steps, at most one to each other operation. Of several reasons for
    /// a step, only the best counts.
    steps: Vec<Vec<(u32, Relation)>>,
    /// The relations that rank before an anti-dependency.
    better: Relations,
    /// By pair: the round in which it was reached, and the pair before it.
    reached: Vec<(u32, u32)>,
    /// By junction and progress: the round in which it was passed, and the writers that were not
    /// reached: the reader itself, if it is a writer, too, and those to which it has a better step.
    passed: Vec<(u32, Vec<u32>)>,
    round: u32,
    /// By operation: whether cycles of the kind may contain it.
    is_allowed: Vec<bool>,
    steps_left: u64,
}

/// A walk from one operation.
struct Walk<'a> {
    kind: &'a CycleKind,
    start: u32,
    /// The maximal number of steps of a cycle.
    limit: usize,
    /// The pairs that the current depth reached.
    ends: Vec<u32>,
    found: Option<Vec<u32>>,
}

const START: u32 = u32::MAX;

impl<'a> Search<'a> {
    /// A new search. `ranking` lists relations from the best reason for a step to the worst.
    pub(super) fn new(component: &'a Component, ranking: &[Relation]) -> Self {
        let better = ranking.iter().take_while(|it| **it != Relation::Rw);
        let better = better.fold(Relations::NONE, |set, it| set.with(*it));
        let best_steps = |from: u32| {
            let direct = component.steps[from as usize].chunk_by(|a, b| a.to == b.to);
            let best = direct.filter_map(|steps| {
                let rank = |step: &&Step| ranking.iter().position(|it| *it == step.relation);
                let step = steps.iter().min_by_key(rank)?;
                let is_best = step.relation == Relation::Rw
                    || better.contains(step.relation)
                    || !component.is_overwritten(from, step.to);
                is_best.then_some((step.to, step.relation))
            });
            best.collect()
        };
        Search {
            component,
            steps: (0..component.len() as u32).map(best_steps).collect(),
            better,
            reached: vec![(0, START); component.len() * Progress::COUNT],
            passed: vec![(0, Vec::new()); component.junctions.len() * Progress::COUNT],
            round: 0,
            is_allowed: Vec::new(),
            steps_left: 0,
        }
    }

    /// Searches for a shortest cycle of a kind in some knots, and takes its steps from `steps`.
    pub(super) fn shortest(
        &mut self,
        kind: &CycleKind,
        knots: &[Vec<u32>],
        steps: &mut u64,
    ) -> Outcome {
        self.is_allowed = vec![false; self.component.len()];
        for op in knots.iter().flatten() {
            self.is_allowed[*op as usize] = true;
        }
        self.steps_left = *steps;
        let outcome = self.deepen(kind);
        *steps = self.steps_left;
        outcome
    }

    fn deepen(&mut self, kind: &CycleKind) -> Outcome {
        let mut limit = 4;
        loop {
            let mut best: Option<Vec<u32>> = None;
            let mut was_cut = false;
            for start in 0..self.component.len() as u32 {
                let limit = best.as_ref().map_or(limit, |best| best.len() - 1);
                if limit < 2 {
                    break;
                }
                if !self.is_allowed[start as usize] {
                    continue;
                }
                let walk = self.walk(kind, start, limit);
                was_cut |= !walk.ends.is_empty();
                best = walk.found.or(best);
                if self.steps_left == 0 {
                    return best.map_or(Outcome::Unfinished, Outcome::Found);
                }
            }
            match best {
                Some(best) => return Outcome::Found(best),
                None if !was_cut => return Outcome::Nothing,
                None => limit *= 2,
            }
        }
    }

    /// Walks from an operation until it is reached again, or everything within the limit is
    /// reached.
    fn walk<'s>(&mut self, kind: &'s CycleKind, start: u32, limit: usize) -> Walk<'s> {
        self.round += 1;
        let mut walk = Walk {
            kind,
            start,
            limit,
            ends: Vec::new(),
            found: None,
        };
        self.extend_walk(&mut walk, START, start, |relation| {
            (relation == kind.opening()).then(|| kind.opened())
        });
        for _ in 1..walk.limit {
            for end in std::mem::take(&mut walk.ends) {
                let seen = Progress::numbered(end as usize % Progress::COUNT);
                let op = end / Progress::COUNT as u32;
                self.extend_walk(&mut walk, end, op, |relation| kind.read(seen, relation));
                if walk.found.is_some() || self.steps_left == 0 {
                    return walk;
                }
            }
        }
        walk
    }

    /// Takes all steps from the operation at the end of a walk. `read` returns the progress after a
    /// step.
    fn extend_walk(
        &mut self,
        walk: &mut Walk<'_>,
        end: u32,
        op: u32,
        read: impl Fn(Relation) -> Option<Progress>,
    ) {
        for index in 0..self.steps[op as usize].len() {
            let (to, relation) = self.steps[op as usize][index];
            if let Some(seen) = read(relation) {
                self.reach(walk, end, to, seen);
            }
        }
        let Some(seen) = read(Relation::Rw) else {
            return;
        };
        let component = self.component;
        for &number in &component.junctions_of[op as usize] {
            let writers = &component.junctions[number as usize].writers;
            let index = number as usize * Progress::COUNT + seen.number();
            let (round, left) = std::mem::take(&mut self.passed[index]);
            let mut still_left = Vec::new();
            let to_reach = if round == self.round { &left } else { writers };
            for &to in to_reach {
                if self.has_better_step(op, to) {
                    still_left.push(to);
                } else {
                    self.reach(walk, end, to, seen);
                }
            }
            // Another way back to the start may visit no operation twice.
            if round == self.round
                && writers.binary_search(&walk.start).is_ok()
                && !self.has_better_step(op, walk.start)
            {
                self.reach(walk, end, walk.start, seen);
            }
            self.passed[index] = (self.round, still_left);
        }
    }

    /// Whether the way through a junction does not count: because both are the same operation, or
    /// because there is a better reason for their order.
    fn has_better_step(&self, from: u32, to: u32) -> bool {
        let steps = &self.steps[from as usize];
        let direct = steps.binary_search_by_key(&to, |(to, _)| *to);
        from == to || direct.is_ok_and(|at| self.better.contains(steps[at].1))
    }

    /// Records that an operation was reached, if it is new.
    fn reach(&mut self, walk: &mut Walk<'_>, end: u32, op: u32, seen: Progress) {
        if walk.found.is_some() || self.steps_left == 0 {
            return;
        }
        self.steps_left -= 1;
        if op == walk.start {
            if walk.kind.is_complete(seen) {
                walk.found = self.close_cycle(walk, end);
            }
        } else if self.is_allowed[op as usize] {
            let pair = op as usize * Progress::COUNT + seen.number();
            if self.reached[pair].0 != self.round {
                self.reached[pair] = (self.round, end);
                walk.ends.push(pair as u32);
            }
        }
    }

    /// The cycle that the walk to this end closes, if it visits no operation twice.
    fn close_cycle(&self, walk: &Walk<'_>, mut end: u32) -> Option<Vec<u32>> {
        let mut cycle = vec![];
        while end != START {
            cycle.push(end / Progress::COUNT as u32);
            end = self.reached[end as usize].1;
        }
        cycle.push(walk.start);
        cycle.reverse();
        let mut ops = cycle.clone();
        ops.sort_unstable();
        ops.dedup();
        (ops.len() == cycle.len()).then_some(cycle)
    }
}
