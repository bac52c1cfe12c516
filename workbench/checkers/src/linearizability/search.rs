//! A search: configurations by level, and the choice of the one to expand next.
//!
//! A level is the end of an operation. A configuration is at this level if that operation is the
//! next that must take effect or be left out. It consists of a state, the settled and usable
//! operations, and the number of used operations without an end. Levels only rise, so levels below
//! the lowest waiting one are dropped. Breadth first keeps few levels; depth first finds one of
//! many orders quickly; a sweep through all levels escapes from dead ends.

use std::collections::{BTreeMap, BTreeSet};

use super::Specification;
use super::levels::{DEAD, Level, Node};
use super::moves::Moves;
use super::paths::Paths;
use super::problem::{Problem, States};
use super::timeline::{Effect, Event, NONE, Window};

/// The number of comparisons of configurations, moments passed or groups of operations per step.
pub(super) const PER_STEP: usize = 16;

/// Below this size of paths, configurations and states no garbage is collected.
const MIN_GARBAGE: usize = 1 << 16;

/// The choice of the configuration to expand next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Breadth first while the lowest level is narrow; else breadth first, depth first and a sweep
    /// through all levels, by turns.
    Mixed {
        /// The maximal size of a narrow level.
        narrow: usize,
        /// The number of configurations expanded in a turn.
        turn: usize,
    },
    /// A configuration of the lowest level.
    Breadth,
    /// A configuration of the highest level.
    Depth,
}

/// The choice of the next level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The lowest waiting level.
    Breadth,
    /// The highest waiting level.
    Depth,
    /// The next higher waiting level; after the highest, the lowest.
    Sweep,
}

/// The rules of a search: relaxed ones allow operations to be used more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// No relaxation: the answer is exact.
    Exact,
    /// Operations without an end can be used repeatedly.
    OpenOps,
    /// Those and overwrites can be used repeatedly, the latter until their end.
    OpenOpsAndOverwrites,
    /// All operations that change the state can be used repeatedly until their end, and only
    /// overwrites must take effect.
    AllChanges,
}

/// The progress of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Waiting,
    /// There is an order, with this path.
    Found {
        path: u32,
    },
    /// There is no order.
    Exhausted,
}

pub(super) struct Search<'p, 'a, P: Specification> {
    pub(super) problem: &'p Problem<'a, P>,
    pub(super) rules: Rules,
    strategy: Strategy,
    pub(super) states: States<P::State>,
    /// One for each kind of turn, since turns work at distant moments.
    pub(super) moves: [Moves; 3],
    pub(super) in_use: usize,
    pub(super) paths: Paths,
    pub(super) levels: BTreeMap<u32, Level>,
    /// Levels with a waiting configuration.
    pub(super) waiting: BTreeSet<u32>,
    /// The highest level so far.
    pub(super) reached: u32,
    found: Option<u32>,
    /// Steps taken.
    pub(super) steps: u64,
    /// Steps taken when the highest level last rose.
    pub(super) progress_at: u64,
    /// Configurations of all levels, including dropped ones.
    nodes: usize,
    collect_at: usize,
    spare_levels: Vec<Level>,
    turn: Turn,
    turn_left: usize,
    last_swept: u32,
    /// The key of the current configuration.
    pub(super) key: Vec<u64>,
    /// The operations that the current step applies.
    pub(super) changes: Vec<u32>,
}

impl<'p, 'a, P: Specification> Search<'p, 'a, P> {
    pub(super) fn new(problem: &'p Problem<'a, P>, rules: Rules, strategy: Strategy) -> Self {
        let mut search = Search {
            problem,
            rules,
            strategy,
            states: States::new(),
            moves: [(); 3].map(|()| Moves::new(Window::new(&problem.timeline))),
            in_use: 0,
            paths: Paths::default(),
            levels: BTreeMap::new(),
            waiting: BTreeSet::new(),
            reached: 0,
            found: None,
            steps: 0,
            progress_at: 0,
            nodes: 0,
            collect_at: MIN_GARBAGE,
            spare_levels: Vec::new(),
            turn: Turn::Sweep,
            turn_left: 0,
            last_swept: 0,
            key: vec![0; problem.layout.len()],
            changes: Vec::new(),
        };
        let initial = search.states.number(problem.specification.initial());
        let root = Node::new(initial, NONE, true, false);
        search.advance(root, &mut vec![0; problem.layout.len()], 0);
        search
    }

    /// Expands one configuration.
    pub(super) fn expand_next(&mut self) -> Progress {
        if let Some(path) = self.found {
            return Progress::Found { path };
        }
        let Some(level) = self.pick() else {
            return Progress::Exhausted;
        };
        self.expand(level);
        if self.paths.len() + self.nodes + self.states.len() > self.collect_at {
            self.collect_garbage();
        }
        Progress::Waiting
    }

    /// The memory in use in bytes, approximately.
    pub(super) fn bytes(&self) -> usize {
        const NODE: usize = size_of::<Node>() + 16 + 4;
        let node = NODE + size_of_val(&*self.key);
        let state = 2 * (size_of::<P::State>() + 8);
        // Growing vectors have spare capacity of half their length on average.
        (self.nodes * node + self.paths.bytes() + self.states.len() * state) / 2 * 3
    }

    /// The entries of the highest level.
    pub(super) fn entries(&self) -> Vec<Node> {
        let level = self.levels.get(&self.reached);
        level.map_or(Vec::new(), |level| level.entries().copied().collect())
    }

    /// Removes paths, states and configurations that are no longer referenced.
    fn collect_garbage(&mut self) {
        let nodes = |levels: &mut BTreeMap<u32, Level>, visit: &mut dyn FnMut(&mut Node)| {
            for level in levels.values_mut() {
                level.nodes_mut().for_each(&mut *visit);
            }
        };
        let mut kept = Vec::new();
        nodes(&mut self.levels, &mut |node| {
            kept.push((node.path, node.state));
        });
        self.paths.retain(kept.iter_mut().map(|it| &mut it.0));
        self.states.retain(kept.iter_mut().map(|it| &mut it.1));
        let mut kept = kept.into_iter();
        nodes(&mut self.levels, &mut |node| {
            (node.path, node.state) = kept.next().unwrap_or((node.path, node.state));
        });
        let layout = &self.problem.layout;
        for level in self.levels.values_mut() {
            level.compact(layout);
        }
        self.nodes = self.levels.values().map(Level::len).sum();
        self.moves.iter_mut().for_each(Moves::invalidate);
        self.spare_levels.clear();
        self.collect_at = MIN_GARBAGE.max(2 * (self.paths.len() + self.nodes + self.states.len()));
    }

    /// The level to expand next. `None` if no configuration waits.
    fn pick(&mut self) -> Option<u32> {
        let lowest = *self.waiting.first()?;
        // Levels below the lowest waiting one are done.
        while let Some(entry) = self.levels.first_entry() {
            if *entry.key() >= lowest || *entry.key() == self.reached {
                break;
            }
            let mut level = entry.remove();
            self.nodes -= level.len();
            level.clear();
            self.spare_levels.push(level);
        }
        let turn = match self.strategy {
            Strategy::Mixed { narrow, turn } if self.levels[&lowest].len() > narrow => turn,
            Strategy::Mixed { .. } | Strategy::Breadth => {
                self.in_use = Turn::Breadth as usize;
                return Some(lowest);
            }
            Strategy::Depth => return self.waiting.last().copied(),
        };
        if self.turn_left == 0 {
            self.turn = match self.turn {
                Turn::Breadth => Turn::Depth,
                Turn::Depth => Turn::Sweep,
                Turn::Sweep => Turn::Breadth,
            };
            self.turn_left = turn.max(1);
        }
        self.turn_left -= 1;
        self.in_use = self.turn as usize;
        match self.turn {
            Turn::Breadth => Some(lowest),
            Turn::Depth => self.waiting.last().copied(),
            Turn::Sweep => {
                let next = self.waiting.range(self.last_swept + 1..).next();
                self.last_swept = *next.unwrap_or(&lowest);
                Some(self.last_swept)
            }
        }
    }

    /// Advances from a moment to the next end of an operation that has not taken effect.
    pub(super) fn advance(&mut self, node: Node, key: &mut [u64], from: usize) {
        let (problem, layout) = (self.problem, &self.problem.layout);
        for moment in from..problem.timeline.len() {
            match problem.timeline.event(moment) {
                Event::Open { .. } => {}
                Event::Begin { op, slot } => {
                    if problem.effect(op) != Effect::Read {
                        layout.begin_change(key, slot);
                        let is_other = problem.effect(op) == Effect::Other;
                        if is_other && self.rules == Rules::AllChanges {
                            layout.settle(key, slot);
                        }
                    } else if problem.fits(&self.states, node.state, op) {
                        layout.apply(key, slot);
                    }
                }
                Event::End { slot, .. } => {
                    if !layout.is_settled(key, slot) || layout.is_unused(key, slot) {
                        self.steps += ((moment - from) / PER_STEP) as u64;
                        layout.reset_lanes(key, &problem.useful_until, moment);
                        let is_live = problem.is_live(&self.states, node.state, moment);
                        let state = if is_live { node.state } else { DEAD };
                        let node = Node::new(state, node.path, true, false);
                        return self.insert(moment, node, key, from.saturating_sub(1));
                    }
                    layout.clear(key, slot);
                }
            }
        }
        let mut path = node.path;
        for op in &self.changes {
            path = self.paths.push(path, *op, from.saturating_sub(1));
        }
        self.found = Some(path);
    }

    /// Adds a configuration to a level, after the current changes at a moment.
    pub(super) fn insert(&mut self, level: usize, node: Node, key: &[u64], changed: usize) {
        let number = level as u32;
        let spare_levels = &mut self.spare_levels;
        let level = self
            .levels
            .entry(number)
            .or_insert_with(|| spare_levels.pop().unwrap_or_default());
        let (paths, changes) = (&mut self.paths, &self.changes);
        let path = || {
            let changes = changes.iter();
            changes.fold(node.path, |path, op| paths.push(path, *op, changed))
        };
        let (is_new, compared) = level.insert(&self.problem.layout, node, key, path);
        self.steps += (compared / PER_STEP) as u64;
        if is_new {
            self.nodes += 1;
            self.waiting.insert(number);
            if number > self.reached {
                (self.reached, self.progress_at) = (number, self.steps);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linearizability::{CasRegister, RegisterOp, TimedOp};

    #[test]
    fn every_state_counts_as_memory() {
        let write = |index: u64| TimedOp {
            operation: RegisterOp::Write(Some(index)),
            begin: 2 * index,
            end: Some(2 * index + 1),
        };
        let ops: Vec<_> = (0..200).map(write).collect();
        let register = CasRegister::default();
        let problem = Problem::new(&register, &ops).without_wants();
        let mut search = Search::new(&problem, Rules::Exact, Strategy::Breadth);
        while search.expand_next() == Progress::Waiting {}
        let states = search.states.len();
        assert!(states >= 200);
        assert!(search.bytes() >= states * 2 * size_of::<Option<u64>>());
    }
}
