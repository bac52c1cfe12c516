//! A search: configurations by level, and which of them is expanded next.
//!
//! A level is the end of a call, and a configuration is at it if that call is the next that must
//! take effect or be left out. It consists of a state, what each call under way owes and can do,
//! and how many calls without an end were used. Levels only rise on the way to an order, so what
//! lies below the lowest level with a waiting configuration is dropped, and strategies share what
//! is known of a level. Breadth first keeps few levels; depth first finds one of many orders
//! straight away; a turn through all levels leaves the dead ends that depth first is stuck in.

use std::collections::{BTreeMap, BTreeSet};

use super::Specification;
use super::levels::{DEAD, Level, Node};
use super::moves::Moves;
use super::order::Paths;
use super::problem::{Problem, States};
use super::timeline::{Effect, Event, NONE, Window};

/// How many comparisons of configurations, moments passed or kinds of calls count as a step.
pub(super) const PER_STEP: usize = 16;

/// Up to so many changes on the paths nothing is tidied up.
const TIDY: usize = 1 << 16;

/// Which configuration is expanded next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Breadth first as long as the lowest level is narrow; beyond that breadth first, depth first
    /// and through all levels by turns.
    Mixed {
        /// How many configurations a narrow level has at most.
        narrow: usize,
        /// How many configurations are expanded in a turn.
        turn: usize,
    },
    /// One of those that lag behind most.
    Breadth,
    /// One of those that have got furthest.
    Depth,
}

/// Which level is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The lowest one at which anything waits.
    Breadth,
    /// The highest one.
    Depth,
    /// The next higher one; after the highest, the lowest.
    Sweep,
}

/// What may be used more often than it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// Nothing: the answer is exact.
    Exact,
    /// Calls without an end: if there is no order even so, there is none.
    OpenCalls,
    /// Those, and overwrites as long as they are under way.
    OpenCallsAndOverwrites,
    /// All calls that change the state, as long as they are under way; and none need take effect
    /// but overwrites.
    AllChanges,
}

/// How far a search has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Waiting,
    /// There is an order, which ends there.
    Found {
        path: u32,
    },
    /// There is none.
    Exhausted,
}

pub(super) struct Search<'p, 'a, P: Specification> {
    pub(super) problem: &'p Problem<'a, P>,
    pub(super) rules: Rules,
    strategy: Strategy,
    pub(super) states: States<P::State>,
    /// One for each kind of turn, as turns are at moments far apart.
    pub(super) moves: [Moves; 3],
    pub(super) in_use: usize,
    pub(super) paths: Paths,
    pub(super) levels: BTreeMap<u32, Level>,
    /// Levels at which something waits.
    pub(super) waiting: BTreeSet<u32>,
    /// The highest level so far.
    pub(super) reached: u32,
    found: Option<u32>,
    /// How many steps it has taken.
    pub(super) steps: u64,
    /// How many it had taken when its highest level last rose.
    pub(super) rose: u64,
    /// Configurations of all levels, dropped ones among them.
    nodes: usize,
    tidy_at: usize,
    spare: Vec<Level>,
    turn: Turn,
    left_of_turn: usize,
    swept: u32,
    /// The key of the configuration at hand, and of one that follows.
    pub(super) key: Vec<u64>,
    /// The calls that the step at hand puts next.
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
            rose: 0,
            nodes: 0,
            tidy_at: TIDY,
            spare: Vec::new(),
            turn: Turn::Sweep,
            left_of_turn: 0,
            swept: 0,
            key: vec![0; problem.shape.len()],
            changes: Vec::new(),
        };
        let initial = search.states.number(problem.specification.initial());
        let root = Node::new(initial, NONE, true, false);
        search.advance(root, &mut vec![0; problem.shape.len()], 0);
        search
    }

    /// Expands one configuration.
    pub(super) fn go_on(&mut self) -> Progress {
        if let Some(path) = self.found {
            return Progress::Found { path };
        }
        let Some(level) = self.pick() else {
            return Progress::Exhausted;
        };
        self.expand(level);
        if self.paths.len() + self.nodes + self.states.len() > self.tidy_at {
            self.tidy();
        }
        Progress::Waiting
    }

    /// How much memory it takes, in bytes, about.
    pub(super) fn bytes(&self) -> usize {
        const NODE: usize = size_of::<Node>() + 16 + 4;
        let node = NODE + size_of_val(&*self.key);
        let state = 2 * (size_of::<P::State>() + 8);
        // Lists that grow have room for half as much again.
        (self.nodes * node + self.paths.bytes() + self.states.len() * state) / 2 * 3
    }

    /// Configurations at the highest level that stand as after the last end.
    pub(super) fn entries(&self) -> Vec<Node> {
        let level = self.levels.get(&self.reached);
        level.map_or(Vec::new(), |level| level.entries().copied().collect())
    }

    /// Removes what nothing depends on any more.
    fn tidy(&mut self) {
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
        let shape = &self.problem.shape;
        for level in self.levels.values_mut() {
            level.compact(shape);
        }
        self.nodes = self.levels.values().map(Level::len).sum();
        self.moves.iter_mut().for_each(Moves::invalidate);
        self.spare.clear();
        self.tidy_at = TIDY.max(2 * (self.paths.len() + self.nodes + self.states.len()));
    }

    /// The level to expand next; none if nothing waits.
    fn pick(&mut self) -> Option<u32> {
        let lowest = *self.waiting.first()?;
        // What is below the lowest is settled.
        while let Some(entry) = self.levels.first_entry() {
            if *entry.key() >= lowest || *entry.key() == self.reached {
                break;
            }
            let mut level = entry.remove();
            self.nodes -= level.len();
            level.clear();
            self.spare.push(level);
        }
        let turn = match self.strategy {
            Strategy::Mixed { narrow, turn } if self.levels[&lowest].len() > narrow => turn,
            Strategy::Mixed { .. } | Strategy::Breadth => {
                self.in_use = Turn::Breadth as usize;
                return Some(lowest);
            }
            Strategy::Depth => return self.waiting.last().copied(),
        };
        if self.left_of_turn == 0 {
            self.turn = match self.turn {
                Turn::Breadth => Turn::Depth,
                Turn::Depth => Turn::Sweep,
                Turn::Sweep => Turn::Breadth,
            };
            self.left_of_turn = turn.max(1);
        }
        self.left_of_turn -= 1;
        self.in_use = self.turn as usize;
        match self.turn {
            Turn::Breadth => Some(lowest),
            Turn::Depth => self.waiting.last().copied(),
            Turn::Sweep => {
                let next = self.waiting.range(self.swept + 1..).next();
                self.swept = *next.unwrap_or(&lowest);
                Some(self.swept)
            }
        }
    }

    /// Goes on from a moment to the next end of a call that has not taken effect.
    pub(super) fn advance(&mut self, node: Node, key: &mut [u64], from: usize) {
        let (problem, shape) = (self.problem, &self.problem.shape);
        for moment in from..problem.timeline.len() {
            match problem.timeline.event(moment) {
                Event::Open { .. } => {}
                Event::Begin { call, slot } => {
                    if problem.effect(call) != Effect::Read {
                        shape.begin_change(key, slot);
                        let is_other = problem.effect(call) == Effect::Other;
                        if is_other && self.rules == Rules::AllChanges {
                            shape.release(key, slot);
                        }
                    } else if problem.fits(&self.states, node.state, call) {
                        shape.take(key, slot);
                    }
                }
                Event::End { slot, .. } => {
                    if !shape.is_free(key, slot) || shape.is_unused(key, slot) {
                        self.steps += ((moment - from) / PER_STEP) as u64;
                        shape.reset_lanes(key, &problem.useful_until, moment);
                        let is_live = problem.is_live(&self.states, node.state, moment);
                        let state = if is_live { node.state } else { DEAD };
                        let node = Node::new(state, node.path, true, false);
                        return self.insert(moment, node, key, from.saturating_sub(1));
                    }
                    shape.clear(key, slot);
                }
            }
        }
        let mut path = node.path;
        for call in &self.changes {
            path = self.paths.push(path, *call, from.saturating_sub(1));
        }
        self.found = Some(path);
    }

    /// Adds a configuration to a level, after changes at a moment.
    pub(super) fn insert(&mut self, level: usize, node: Node, key: &[u64], changed: usize) {
        let number = level as u32;
        let spare = &mut self.spare;
        let level = self
            .levels
            .entry(number)
            .or_insert_with(|| spare.pop().unwrap_or_default());
        let (paths, changes) = (&mut self.paths, &self.changes);
        let path = || {
            let changes = changes.iter();
            changes.fold(node.path, |path, call| paths.push(path, *call, changed))
        };
        let (is_new, compared) = level.insert(&self.problem.shape, node, key, path);
        self.steps += (compared / PER_STEP) as u64;
        if is_new {
            self.nodes += 1;
            self.waiting.insert(number);
            if number > self.reached {
                (self.reached, self.rose) = (number, self.steps);
            }
        }
    }
}
