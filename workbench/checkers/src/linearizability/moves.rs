//! The operations that can come next at a moment.

use std::ops::Range;

use super::Specification;
use super::problem::{Problem, States};
use super::timeline::{Effect, NONE, Window};

/// Equal concurrent operations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// Those with an end: a range of the window's changes.
    from: u32,
    to: u32,
    /// The lane of those without an end.
    lane: u32,
    pub(super) effect: Effect,
    /// For overwrites: the state after them, and whether an operation other than concurrent reads
    /// needs it.
    pub(super) after: u32,
    pub(super) is_live: bool,
}

impl Group {
    pub(super) fn pending(&self) -> Range<usize> {
        self.from as usize..self.to as usize
    }
}

/// The operations that are possible in a state.
#[derive(Debug, Default)]
struct StateMoves {
    state: u32,
    /// The slots of the reads that fit.
    reads: Vec<u64>,
    /// Groups of operations other than overwrites that fit, and the state after each.
    moves: Vec<(u32, u32)>,
}

/// An operation that may come next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub(super) op: u32,
    /// Its slot, or its lane.
    pub(super) slot_or_lane: usize,
    pub(super) is_open: bool,
}

/// Concurrent operations grouped by equality, and what each state allows, at the window's moment.
pub(super) struct Moves {
    pub(super) window: Window,
    pub(super) groups: Vec<Group>,
    by_state: Vec<StateMoves>,
    known: usize,
    is_fresh: bool,
}

impl Moves {
    pub(super) fn new(window: Window) -> Self {
        Moves {
            window,
            groups: Vec::new(),
            by_state: Vec::new(),
            known: 0,
            is_fresh: false,
        }
    }

    /// Drops what is cached, after states were renumbered.
    pub(super) fn invalidate(&mut self) {
        self.is_fresh = false;
    }

    pub(super) fn move_to<P: Specification>(
        &mut self,
        problem: &Problem<'_, P>,
        states: &mut States<P::State>,
        moment: usize,
    ) {
        if self.is_fresh && moment == self.window.moment {
            return;
        }
        self.window.move_to(&problem.timeline, moment);
        self.is_fresh = true;
        self.known = 0;
        self.groups.clear();
        let lanes = &problem.timeline.lanes;
        let mut has_group = vec![false; lanes.len()];
        let mut from = 0;
        while let Some(first) = self.window.changes.get(from) {
            let class = first.class;
            let rest = self.window.changes[from..].iter();
            let to = from + rest.take_while(|it| it.class == class).count();
            let lane = problem.timeline.lane_of[class as usize];
            if lane != NONE {
                has_group[lane as usize] = true;
            }
            self.add_group(problem, states, first.op, from..to, lane);
            from = to;
        }
        for (lane, has_group) in has_group.into_iter().enumerate() {
            let is_useful = problem.useful_until[lane] as usize >= moment;
            if !has_group && is_useful && self.window.open[lane] > 0 {
                self.add_group(problem, states, lanes[lane][0], 0..0, lane as u32);
            }
        }
    }

    fn add_group<P: Specification>(
        &mut self,
        problem: &Problem<'_, P>,
        states: &mut States<P::State>,
        op: u32,
        pending: Range<usize>,
        lane: u32,
    ) {
        let effect = problem.effect(op);
        let (mut after, mut is_live) = (NONE, true);
        if effect == Effect::Overwrite {
            after = problem.overwrite(states, op);
            is_live = problem.is_live(states, after, self.window.moment);
        }
        self.groups.push(Group {
            from: pending.start as u32,
            to: pending.end as u32,
            lane,
            effect,
            after,
            is_live,
        });
    }

    /// The group of a concurrent operation with an end.
    pub(super) fn group_of<P: Specification>(
        &self,
        problem: &Problem<'_, P>,
        op: u32,
    ) -> Option<Group> {
        let class = problem.timeline.classes[op as usize];
        let is_its = |group: &&Group| {
            let first = self.window.changes[group.pending()].first();
            first.is_some_and(|first| first.class == class)
        };
        self.groups.iter().find(is_its).copied()
    }

    /// The next operation of a group: the first to end of those unused. With `is_unlimited`,
    /// operations without an end can be used repeatedly.
    pub(super) fn choose<P: Specification>(
        &self,
        problem: &Problem<'_, P>,
        group: usize,
        key: &[u64],
        is_unlimited: bool,
    ) -> Option<Choice> {
        let group = self.groups[group];
        let mut pending = self.window.changes[group.pending()].iter();
        let is_unused = |slot: u32| problem.layout.is_unused(key, slot as usize);
        if let Some(pending) = pending.find(|it| is_unused(it.slot)) {
            return Some(Choice {
                op: pending.op,
                slot_or_lane: pending.slot as usize,
                is_open: false,
            });
        }
        let lane = group.lane as usize;
        let until = problem.useful_until.get(lane);
        if until.is_none_or(|until| (*until as usize) < self.window.moment) {
            return None;
        }
        let spent = problem.layout.spent(key, lane);
        let is_left = is_unlimited || spent < self.window.open[lane];
        (is_left && self.window.open[lane] > 0).then(|| Choice {
            op: problem.timeline.lanes[lane][spent as usize],
            slot_or_lane: lane,
            is_open: true,
        })
    }

    /// The index of the operations that are possible in a state.
    pub(super) fn state_moves<P: Specification>(
        &mut self,
        problem: &Problem<'_, P>,
        states: &mut States<P::State>,
        state: u32,
    ) -> usize {
        let known = &self.by_state[..self.known];
        if let Some(index) = known
            .iter()
            .position(|state_moves| state_moves.state == state)
        {
            return index;
        }
        let index = self.known;
        self.known += 1;
        if index == self.by_state.len() {
            self.by_state.push(StateMoves::default());
        }
        let state_moves = &mut self.by_state[index];
        state_moves.state = state;
        state_moves.reads.clear();
        state_moves.reads.resize(self.window.overwrites.len(), 0);
        state_moves.moves.clear();
        for read in &self.window.reads {
            if problem.fits(states, state, read.op) {
                state_moves.reads[read.slot as usize / 64] |= 1 << (read.slot % 64);
            }
        }
        for (number, group) in self.groups.iter().enumerate() {
            if group.effect == Effect::Overwrite {
                continue;
            }
            let op = match self.window.changes[group.pending()].first() {
                Some(pending) => pending.op,
                None => problem.timeline.lanes[group.lane as usize][0],
            };
            if let Some(after) = problem.step(states, state, op) {
                state_moves.moves.push((number as u32, after));
            }
        }
        index
    }

    /// The slots of the reads that fit.
    pub(super) fn reads(&self, state_moves: usize) -> &[u64] {
        &self.by_state[state_moves].reads
    }

    /// Groups of operations other than overwrites that fit, and the state after each.
    pub(super) fn moves(&self, state_moves: usize) -> &[(u32, u32)] {
        &self.by_state[state_moves].moves
    }
}
