//! What can come next at a moment.

use std::ops::Range;

use super::Specification;
use super::problem::{Problem, States};
use super::timeline::{Effect, NONE, Window};

/// Equal calls under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Those that are to end: a range of the window's changes.
    from: u32,
    to: u32,
    /// Those without an end.
    lane: u32,
    pub(super) effect: Effect,
    /// If they overwrite: the state after it, and whether that can matter to a call other than the
    /// reads under way.
    pub(super) after: u32,
    pub(super) is_live: bool,
}

impl Run {
    pub(super) fn pending(&self) -> Range<usize> {
        self.from as usize..self.to as usize
    }
}

/// What a state allows.
#[derive(Debug, Default)]
struct Landing {
    state: u32,
    /// The slots of the reads that fit.
    reads: Vec<u64>,
    /// Runs of calls other than overwrites that fit, and the state after each.
    moves: Vec<(u32, u32)>,
}

/// A call that may be next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub(super) call: u32,
    /// Its slot, or its lane.
    pub(super) place: usize,
    pub(super) is_open: bool,
}

/// Calls under way by equality, and what states allow, at the window's moment.
pub(super) struct Moves {
    pub(super) window: Window,
    pub(super) runs: Vec<Run>,
    landings: Vec<Landing>,
    known: usize,
    is_fresh: bool,
}

impl Moves {
    pub(super) fn new(window: Window) -> Self {
        Moves {
            window,
            runs: Vec::new(),
            landings: Vec::new(),
            known: 0,
            is_fresh: false,
        }
    }

    /// States have got other numbers.
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
        self.runs.clear();
        let lanes = &problem.timeline.lanes;
        let mut has_run = vec![false; lanes.len()];
        let mut from = 0;
        while let Some(first) = self.window.changes.get(from) {
            let class = first.class;
            let rest = self.window.changes[from..].iter();
            let to = from + rest.take_while(|it| it.class == class).count();
            let lane = problem.timeline.lane_of[class as usize];
            if lane != NONE {
                has_run[lane as usize] = true;
            }
            self.add_run(problem, states, first.call, from..to, lane);
            from = to;
        }
        for (lane, has_run) in has_run.into_iter().enumerate() {
            let is_useful = problem.useful_until[lane] as usize >= moment;
            if !has_run && is_useful && self.window.open[lane] > 0 {
                self.add_run(problem, states, lanes[lane][0], 0..0, lane as u32);
            }
        }
    }

    fn add_run<P: Specification>(
        &mut self,
        problem: &Problem<'_, P>,
        states: &mut States<P::State>,
        call: u32,
        pending: Range<usize>,
        lane: u32,
    ) {
        let effect = problem.effect(call);
        let (mut after, mut is_live) = (NONE, true);
        if effect == Effect::Overwrite {
            after = problem.overwrite(states, call);
            is_live = problem.is_live(states, after, self.window.moment);
        }
        self.runs.push(Run {
            from: pending.start as u32,
            to: pending.end as u32,
            lane,
            effect,
            after,
            is_live,
        });
    }

    /// The run of a call under way that is to end.
    pub(super) fn run_of<P: Specification>(
        &self,
        problem: &Problem<'_, P>,
        call: u32,
    ) -> Option<Run> {
        let class = problem.timeline.classes[call as usize];
        let is_its = |run: &&Run| {
            let first = self.window.changes[run.pending()].first();
            first.is_some_and(|first| first.class == class)
        };
        self.runs.iter().find(is_its).copied()
    }

    /// The call of a run that is next: the first to end of those unused. With `is_endless`, calls
    /// without an end can be used again and again.
    pub(super) fn choose<P: Specification>(
        &self,
        problem: &Problem<'_, P>,
        run: usize,
        key: &[u64],
        is_endless: bool,
    ) -> Option<Choice> {
        let run = self.runs[run];
        let mut pending = self.window.changes[run.pending()].iter();
        let is_unused = |slot: u32| problem.shape.is_unused(key, slot as usize);
        if let Some(pending) = pending.find(|it| is_unused(it.slot)) {
            return Some(Choice {
                call: pending.call,
                place: pending.slot as usize,
                is_open: false,
            });
        }
        let lane = run.lane as usize;
        let until = problem.useful_until.get(lane);
        if until.is_none_or(|until| (*until as usize) < self.window.moment) {
            return None;
        }
        let spent = problem.shape.spent(key, lane);
        let is_left = is_endless || spent < self.window.open[lane];
        (is_left && self.window.open[lane] > 0).then(|| Choice {
            call: problem.timeline.lanes[lane][spent as usize],
            place: lane,
            is_open: true,
        })
    }

    /// What a state allows: the number of a landing.
    pub(super) fn landing<P: Specification>(
        &mut self,
        problem: &Problem<'_, P>,
        states: &mut States<P::State>,
        state: u32,
    ) -> usize {
        let known = &self.landings[..self.known];
        if let Some(place) = known.iter().position(|landing| landing.state == state) {
            return place;
        }
        let place = self.known;
        self.known += 1;
        if place == self.landings.len() {
            self.landings.push(Landing::default());
        }
        let landing = &mut self.landings[place];
        landing.state = state;
        landing.reads.clear();
        landing.reads.resize(self.window.overwrites.len(), 0);
        landing.moves.clear();
        for read in &self.window.reads {
            if problem.fits(states, state, read.call) {
                landing.reads[read.slot as usize / 64] |= 1 << (read.slot % 64);
            }
        }
        for (number, run) in self.runs.iter().enumerate() {
            if run.effect == Effect::Overwrite {
                continue;
            }
            let call = match self.window.changes[run.pending()].first() {
                Some(pending) => pending.call,
                None => problem.timeline.lanes[run.lane as usize][0],
            };
            if let Some(after) = problem.step(states, state, call) {
                landing.moves.push((number as u32, after));
            }
        }
        place
    }

    /// The slots of the reads that fit.
    pub(super) fn reads(&self, landing: usize) -> &[u64] {
        &self.landings[landing].reads
    }

    /// Runs of calls other than overwrites that fit, and the state after each.
    pub(super) fn moves(&self, landing: usize) -> &[(u32, u32)] {
        &self.landings[landing].moves
    }
}
