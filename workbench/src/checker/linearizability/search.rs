//! A search: configurations by level, and which of them is expanded next.

use std::collections::{BTreeMap, BTreeSet};

use super::Specification;
use super::levels::{DEAD, Level, Node};
use super::moves::{Choice, Moves};
use super::order::Paths;
use super::problem::{Problem, States};
use super::timeline::{Effect, Event, NONE, Window};

/// How many comparisons of configurations, or moments passed, count as a step.
const PER_STEP: usize = 16;

/// Up to so many changes on the paths nothing is tidied up.
const TIDY: usize = 1 << 16;

/// Which configuration is expanded next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Breadth first as long as at most `narrow` configurations lag behind all others; beyond that
    /// breadth first, depth first and through all levels by turns, each of `turn` configurations.
    Mixed {
        /// So many are expanded one after the other.
        narrow: usize,
        /// So many have a turn.
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
    problem: &'p Problem<'a, P>,
    rules: Rules,
    strategy: Strategy,
    states: States<P::State>,
    /// One for each kind of turn, as turns are at moments far apart.
    moves: [Moves; 3],
    in_use: usize,
    pub(super) paths: Paths,
    levels: BTreeMap<u32, Level>,
    /// Levels at which something waits.
    waiting: BTreeSet<u32>,
    /// The highest level so far.
    pub(super) reached: u32,
    found: Option<u32>,
    /// How many steps it has taken.
    pub(super) steps: u64,
    /// How many it had taken when its highest or its lowest level last rose.
    pub(super) rose: u64,
    lowest: u32,
    /// Configurations of all levels, dropped ones among them.
    nodes: usize,
    tidy_at: usize,
    spare: Vec<Level>,
    turn: Turn,
    left_of_turn: usize,
    swept: u32,
    /// The key of the configuration at hand, and of one that follows.
    key: Vec<u64>,
    /// The calls that the step at hand puts next.
    changes: Vec<u32>,
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
            lowest: 0,
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
            let levels = levels.values_mut();
            levels.for_each(|level| level.nodes_mut().for_each(&mut *visit));
        };
        let mut kept = Vec::new();
        nodes(&mut self.levels, &mut |node| {
            kept.push((node.path, node.state))
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
        if lowest > self.lowest {
            (self.lowest, self.rose) = (lowest, self.steps);
        }
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

    /// Expands the best of a level.
    fn expand(&mut self, level: u32) {
        let moment = level as usize;
        let Event::End { call, slot } = self.problem.timeline.event(moment) else {
            unreachable!("a level is the end of a call")
        };
        self.steps += 1;
        let mut key = std::mem::take(&mut self.key);
        let taken = self.levels.get_mut(&level).and_then(|it| {
            let node = it.take(&mut key)?;
            Some((node, it.is_waiting()))
        });
        if !taken.is_some_and(|(_, is_waiting)| is_waiting) {
            self.waiting.remove(&level);
        }
        if let Some((node, _)) = taken {
            self.moves[self.in_use].move_to(self.problem, &mut self.states, moment);
            self.follow_all(node, &key, (call, slot));
        }
        self.key = key;
    }

    /// Adds all that can follow a configuration. `last` is the call that ends.
    fn follow_all(&mut self, node: Node, key: &[u64], last: (u32, usize)) {
        let shape = &self.problem.shape;
        let mut next = vec![0; key.len()];
        if node.is_entry && shape.is_free(key, last.1) {
            next.copy_from_slice(key);
            shape.clear(&mut next, last.1);
            self.changes.clear();
            self.advance(node, &mut next, self.moves().window.moment + 1);
            if self.is_useless(last.0, key) {
                return;
            }
        }
        let here = self.landing(node.state);
        for at in 0..self.moves().moves(here).len() {
            let (run, to) = self.moves().moves(here)[at];
            if let Some(choice) = self.choose(run as usize, key)
                && (!choice.is_open || to != node.state)
            {
                next.copy_from_slice(key);
                self.follow(node, choice, to, &mut next, last);
            }
        }
        if node.is_unseen {
            return;
        }
        for run in 0..self.moves().runs.len() {
            if self.moves().runs[run].effect == Effect::Overwrite
                && let Some(choice) = self.choose(run, key)
            {
                next.copy_from_slice(key);
                let to = self.moves().runs[run].after;
                self.follow(node, choice, to, &mut next, last);
            }
        }
    }

    /// Puts a call next; `key` is that before it, and is changed. `last` is the call that ends.
    fn follow(&mut self, node: Node, choice: Choice, to: u32, key: &mut [u64], last: (u32, usize)) {
        let shape = &self.problem.shape;
        let moment = self.moves().window.moment;
        let is_overwrite = self.problem.effect(choice.call) == Effect::Overwrite;
        self.steps += 1;
        self.changes.clear();
        self.take(choice, key);
        if is_overwrite {
            self.close(to, key);
            shape.excuse(key, &self.moves().window.overwrites);
        }
        self.changes.push(choice.call);
        let landing = self.landing(to);
        let is_seen = shape.fulfil(key, self.moves().reads(landing));
        self.forget(key);
        let is_done = shape.is_free(key, last.1) && !shape.is_unused(key, last.1);
        if is_done || choice.call == last.0 {
            shape.clear(key, last.1);
            let node = Node::new(to, node.path, true, false);
            return self.advance(node, key, moment + 1);
        }
        let is_unseen = is_overwrite && !is_seen;
        // Another overwrite can come next at best, and could have come here as well.
        let is_passed = is_unseen || !self.problem.is_live(&self.states, to, moment);
        if is_overwrite && is_passed && !self.has_move(landing, key) {
            return;
        }
        let node = Node::new(to, node.path, false, is_unseen);
        self.insert(moment, node, key, moment);
    }

    /// Puts calls before an overwrite that are seen by reads under way alone: it costs nothing.
    fn close(&mut self, to: u32, key: &mut [u64]) {
        for at in 0..self.moves().runs.len() {
            let run = self.moves().runs[at];
            if run.is_live || run.after == to {
                continue;
            }
            let landing = self.landing(run.after);
            let reads = self.moves().reads(landing);
            if self.problem.shape.is_owed(key, reads)
                && let Some(choice) = self.choose(at, key)
            {
                self.problem.shape.fulfil(key, reads);
                self.take(choice, key);
                self.changes.push(choice.call);
            }
        }
    }

    /// Whether a call overwrites with what is needed by none.
    fn is_useless(&mut self, call: u32, key: &[u64]) -> bool {
        let run = self.moves().run_of(self.problem, call);
        run.is_some_and(|run| {
            let landing = (!run.is_live).then(|| self.landing(run.after));
            landing.is_some_and(|landing| {
                let reads = self.moves().reads(landing);
                !self.problem.shape.is_owed(key, reads)
            })
        })
    }

    /// Takes calls for used that may be left out, if what they write is needed by none.
    fn forget(&mut self, key: &mut [u64]) {
        for at in 0..self.moves().runs.len() {
            let run = self.moves().runs[at];
            if run.is_live || run.pending().is_empty() {
                continue;
            }
            let landing = self.landing(run.after);
            if !self.problem.shape.is_owed(key, self.moves().reads(landing)) {
                for pending in &self.moves().window.changes[run.pending()] {
                    self.problem.shape.forget(key, pending.slot as usize);
                }
            }
        }
    }

    /// Whether a call other than an overwrite may be next.
    fn has_move(&self, landing: usize, key: &[u64]) -> bool {
        let mut moves = self.moves().moves(landing).iter();
        moves.any(|(run, _)| self.choose(*run as usize, key).is_some())
    }

    fn moves(&self) -> &Moves {
        &self.moves[self.in_use]
    }

    fn landing(&mut self, state: u32) -> usize {
        self.moves[self.in_use].landing(self.problem, &mut self.states, state)
    }

    fn choose(&self, run: usize, key: &[u64]) -> Option<Choice> {
        let is_endless = self.rules != Rules::Exact;
        self.moves().choose(self.problem, run, key, is_endless)
    }

    fn take(&self, choice: Choice, key: &mut [u64]) {
        let shape = &self.problem.shape;
        if choice.is_open {
            if self.rules == Rules::Exact {
                shape.spend(key, choice.place);
            }
            return;
        }
        let is_overwrite = self.problem.effect(choice.call) == Effect::Overwrite;
        match self.rules {
            Rules::Exact | Rules::OpenCalls => shape.take(key, choice.place),
            Rules::OpenCallsAndOverwrites if !is_overwrite => shape.take(key, choice.place),
            Rules::OpenCallsAndOverwrites | Rules::AllChanges => shape.release(key, choice.place),
        }
    }

    /// Goes on from a moment to the next end of a call that has not taken effect.
    fn advance(&mut self, node: Node, key: &mut [u64], from: usize) {
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
    fn insert(&mut self, level: usize, node: Node, key: &[u64], changed: usize) {
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
