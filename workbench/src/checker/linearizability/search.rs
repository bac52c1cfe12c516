//! The search for an order.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::configuration::Shape;
use super::levels::{DEAD, Level, Node};
use super::order::Paths;
use super::timeline::{Effect, Event, NONE, Timeline, Window};
use super::wants::Wants;
use super::{Attempt, Call, Linearizability, Precondition, Specification, Violation};

/// How many orders of what comes before a violation are reported.
const ATTEMPTS: usize = 10;

/// How many comparisons of configurations count as a step.
const COMPARISONS: usize = 16;

/// Up to so many configurations on the lowest level the search is breadth-first alone.
const NARROW: usize = 64;

/// How many configurations are expanded before the next strategy has its turn.
const TURN: usize = 64;

/// Looks for an order of calls to one object. Before each step of the search, which takes a
/// microsecond or less, `goes_on` is asked, and the search is over, unfinished, when that says no:
/// count there, or look at a clock. The answer is exact otherwise.
pub fn linearize<P: Specification>(
    specification: &P,
    calls: &[Call<P::Operation>],
    goes_on: impl FnMut() -> bool,
) -> Linearizability<P::State> {
    Search::new(specification, calls, goes_on).run()
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

/// States by number.
struct States<S> {
    numbers: HashMap<S, u32>,
    states: Vec<S>,
}

/// What a state allows at the window's moment.
#[derive(Debug, Default)]
struct Landing {
    state: u32,
    /// The slots of the reads that fit.
    reads: Vec<u64>,
    /// Runs of calls other than overwrites that fit, and the state after each.
    moves: Vec<(u32, u32)>,
}

/// Equal calls under way.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Those that are to end: a range of the window's changes.
    from: u32,
    to: u32,
    /// Those without an end.
    lane: u32,
    effect: Effect,
    /// If they overwrite: the state after it, and whether that can matter to a call other than the
    /// reads under way.
    after: u32,
    is_live: bool,
}

/// A call that may be next.
#[derive(Debug, Clone, Copy)]
struct Choice {
    call: u32,
    /// Its slot, or its lane.
    place: usize,
    is_open: bool,
}

/// Why a search ends.
enum End {
    Found { path: u32 },
    Stopped,
}

struct Search<'a, P: Specification, G> {
    specification: &'a P,
    calls: &'a [Call<P::Operation>],
    goes_on: G,
    timeline: Timeline,
    shape: Shape,
    window: Window,
    wants: Wants<'a, P::State>,
    /// The calls that the step at hand puts next.
    changes: Vec<u32>,
    runs: Vec<Run>,
    landings: Vec<Landing>,
    known_landings: usize,
    states: States<P::State>,
    paths: Paths,
    levels: BTreeMap<u32, Level>,
    /// Levels at which something waits.
    waiting: BTreeSet<u32>,
    /// The highest level so far.
    reached: u32,
    spare: Vec<Level>,
    turn: Turn,
    left_of_turn: usize,
    swept: u32,
}

impl<S: Clone + Eq + std::hash::Hash> States<S> {
    fn number(&mut self, state: S) -> u32 {
        if let Some(number) = self.numbers.get(&state) {
            return *number;
        }
        let number = self.states.len() as u32;
        self.states.push(state.clone());
        self.numbers.insert(state, number);
        number
    }
}

impl<'a, P: Specification, G: FnMut() -> bool> Search<'a, P, G> {
    fn new(specification: &'a P, calls: &'a [Call<P::Operation>], goes_on: G) -> Self {
        let timeline = Timeline::new(specification, calls);
        Search {
            specification,
            calls,
            goes_on,
            shape: Shape::new(timeline.slots, &timeline.lanes),
            window: Window::new(&timeline),
            wants: Wants::new(specification, calls, &timeline),
            changes: Vec::new(),
            timeline,
            runs: Vec::new(),
            landings: Vec::new(),
            known_landings: 0,
            states: States {
                numbers: HashMap::new(),
                states: Vec::new(),
            },
            paths: Paths::default(),
            levels: BTreeMap::new(),
            waiting: BTreeSet::new(),
            reached: 0,
            spare: Vec::new(),
            turn: Turn::Breadth,
            left_of_turn: TURN,
            swept: 0,
        }
    }

    fn run(mut self) -> Linearizability<P::State> {
        let initial = self.states.number(self.specification.initial());
        let mut key = vec![0; self.shape.len()];
        let root = Node::new(initial, NONE, true, false);
        let mut end = self.advance(root, &mut key, 0).err();
        while end.is_none()
            && let Some(level) = self.pick()
        {
            end = self.expand(level, &mut key).err();
        }
        match end {
            Some(End::Found { path }) => {
                let until = self.timeline.len();
                let order = self.order(path, until);
                Linearizability::Holds { order }
            }
            Some(End::Stopped) => Linearizability::Unfinished {
                call: self.call_at(self.reached),
            },
            None => Linearizability::Violated(self.violation()),
        }
    }

    fn call_at(&self, level: u32) -> usize {
        match self.timeline.event(level as usize) {
            Event::End { call, .. } | Event::Begin { call, .. } => call as usize,
            Event::Open { .. } => unreachable!("a level is the end of a call"),
        }
    }

    fn order(&self, path: u32, until: usize) -> Vec<usize> {
        let (specification, calls) = (self.specification, self.calls);
        self.paths
            .order(specification, calls, &self.timeline, path, until)
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
            level.clear();
            self.spare.push(level);
        }
        if self.levels[&lowest].len() <= NARROW {
            return Some(lowest);
        }
        if self.left_of_turn == 0 {
            self.turn = match self.turn {
                Turn::Breadth => Turn::Depth,
                Turn::Depth => Turn::Sweep,
                Turn::Sweep => Turn::Breadth,
            };
            self.left_of_turn = TURN;
        }
        self.left_of_turn -= 1;
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

    fn work(&mut self, steps: usize) -> Result<(), End> {
        for _ in 0..steps {
            if !(self.goes_on)() {
                return Err(End::Stopped);
            }
        }
        Ok(())
    }

    /// Expands the best of a level.
    fn expand(&mut self, level: u32, key: &mut [u64]) -> Result<(), End> {
        let moment = level as usize;
        let Event::End { call, slot } = self.timeline.event(moment) else {
            unreachable!("a level is the end of a call")
        };
        let taken = self.levels.get_mut(&level).and_then(|it| {
            let node = it.take(key)?;
            Some((node, it.is_waiting()))
        });
        let Some((node, is_waiting)) = taken else {
            self.waiting.remove(&level);
            return Ok(());
        };
        if !is_waiting {
            self.waiting.remove(&level);
        }
        self.move_to(moment);
        let mut next = vec![0; key.len()];
        if node.is_entry && self.shape.is_free(key, slot) {
            next.copy_from_slice(key);
            self.shape.clear(&mut next, slot);
            self.changes.clear();
            self.advance(node, &mut next, moment + 1)?;
            if self.is_useless(call, key) {
                return Ok(());
            }
        }
        let here = self.landing(node.state);
        for at in 0..self.landings[here].moves.len() {
            let (run, to) = self.landings[here].moves[at];
            if let Some(choice) = self.choose(run as usize, key)
                && (!choice.is_open || to != node.state)
            {
                next.copy_from_slice(key);
                self.follow(node, choice, to, &mut next, (call, slot))?;
            }
        }
        if node.is_unseen {
            return self.work(1);
        }
        for run in 0..self.runs.len() {
            if self.runs[run].effect == Effect::Overwrite
                && let Some(choice) = self.choose(run, key)
            {
                next.copy_from_slice(key);
                let to = self.runs[run].after;
                self.follow(node, choice, to, &mut next, (call, slot))?;
            }
        }
        self.work(1)
    }

    /// Puts a call next; `key` is that before it, and is changed. `last` is the call that ends.
    fn follow(
        &mut self,
        node: Node,
        choice: Choice,
        to: u32,
        key: &mut [u64],
        last: (u32, usize),
    ) -> Result<(), End> {
        let moment = self.window.moment;
        let is_overwrite = self.timeline.effects[choice.call as usize] == Effect::Overwrite;
        self.take(choice, key);
        self.changes.clear();
        if is_overwrite {
            self.close(to, key);
            self.shape.excuse(key, &self.window.overwrites);
        }
        self.changes.push(choice.call);
        let landing = self.landing(to);
        let is_seen = self.see(landing, key);
        self.forget_dead(key);
        if self.shape.is_free(key, last.1) && !self.shape.is_unused(key, last.1) {
            self.shape.clear(key, last.1);
            let node = Node::new(to, node.path, true, false);
            return self.advance(node, key, moment + 1);
        }
        let is_unseen = is_overwrite && !is_seen;
        // Another overwrite can come next at best, and would have come here as well.
        let is_passed = is_unseen || self.is_dead(to);
        if is_overwrite && is_passed && !self.has_move(landing, key) {
            return self.work(1);
        }
        let node = Node::new(to, node.path, false, is_unseen);
        self.insert(moment, node, key, moment)
    }

    /// Puts calls before an overwrite that are seen by reads under way alone: it costs nothing.
    fn close(&mut self, to: u32, key: &mut [u64]) {
        for at in 0..self.runs.len() {
            let run = self.runs[at];
            if run.is_live || run.after == to {
                continue;
            }
            let landing = self.landing(run.after);
            if self.shape.is_owed(key, &self.landings[landing].reads)
                && let Some(choice) = self.choose(at, key)
            {
                self.take(choice, key);
                self.see(landing, key);
                self.changes.push(choice.call);
            }
        }
    }

    fn take(&self, choice: Choice, key: &mut [u64]) {
        if choice.is_open {
            self.shape.spend(key, choice.place);
        } else {
            self.shape.take(key, choice.place);
        }
    }

    /// Takes in the reads under way that fit: whether there are any.
    fn see(&self, landing: usize, key: &mut [u64]) -> bool {
        let mut is_seen = false;
        let free = self.shape.free(key);
        for (free, reads) in free.iter_mut().zip(&self.landings[landing].reads) {
            is_seen |= reads & !*free != 0;
            *free |= reads;
        }
        is_seen
    }

    /// Whether no call but the reads under way needs a state.
    fn is_dead(&self, state: u32) -> bool {
        let state = &self.states.states[state as usize];
        !self.wants.is_live(state, self.window.moment)
    }

    /// Whether a call overwrites with what is needed by none.
    fn is_useless(&mut self, call: u32, key: &[u64]) -> bool {
        let class = self.timeline.classes[call as usize];
        let run = self.runs.iter().find(|run| {
            let pending = self.window.changes.get(run.from as usize);
            run.from < run.to && pending.is_some_and(|it| it.class == class)
        });
        let Some(run) = run.filter(|run| !run.is_live) else {
            return false;
        };
        let landing = self.landing(run.after);
        !self.shape.is_owed(key, &self.landings[landing].reads)
    }

    /// Calls that may be left out are, if what they write is needed by none.
    fn forget_dead(&mut self, key: &mut [u64]) {
        for at in 0..self.runs.len() {
            let run = self.runs[at];
            if run.is_live || run.from == run.to {
                continue;
            }
            let landing = self.landing(run.after);
            if !self.shape.is_owed(key, &self.landings[landing].reads) {
                for pending in &self.window.changes[run.from as usize..run.to as usize] {
                    self.shape.forget(key, pending.slot as usize);
                }
            }
        }
    }

    /// Whether a call other than an overwrite may be next.
    fn has_move(&self, landing: usize, key: &[u64]) -> bool {
        let landing = &self.landings[landing];
        let mut moves = landing.moves.iter();
        moves.any(|(run, _)| self.choose(*run as usize, key).is_some())
    }

    /// Goes on from a moment to the next end of a call that has not taken effect.
    fn advance(
        &mut self,
        node: Node,
        key: &mut [u64],
        from: usize,
    ) -> Result<(), End> {
        for moment in from..self.timeline.len() {
            match self.timeline.event(moment) {
                Event::Open { .. } => {}
                Event::Begin { call, slot } => {
                    if self.timeline.effects[call as usize] != Effect::Read {
                        self.shape.begin_change(key, slot);
                    } else if self.fits(node.state, call) {
                        self.shape.take(key, slot);
                    }
                }
                Event::End { slot, .. } => {
                    if !self.shape.is_free(key, slot) || self.shape.is_unused(key, slot) {
                        self.work((moment - from) / COMPARISONS)?;
                        let is_live = node.state != DEAD && {
                            let state = &self.states.states[node.state as usize];
                            self.wants.is_live(state, moment)
                        };
                        let state = if is_live { node.state } else { DEAD };
                        let node = Node::new(state, node.path, true, false);
                        return self.insert(moment, node, key, from.saturating_sub(1));
                    }
                    self.shape.clear(key, slot);
                }
            }
        }
        let mut path = node.path;
        for call in &self.changes {
            path = self.paths.push(path, *call, from.saturating_sub(1));
        }
        Err(End::Found { path })
    }

    /// Adds a configuration to a level, after a change at a moment.
    fn insert(
        &mut self,
        level: usize,
        node: Node,
        key: &[u64],
        changed: usize,
    ) -> Result<(), End> {
        let number = level as u32;
        let level = self
            .levels
            .entry(number)
            .or_insert_with(|| self.spare.pop().unwrap_or_default());
        let (paths, changes) = (&mut self.paths, &self.changes);
        let path = || {
            let mut path = node.path;
            for call in changes {
                path = paths.push(path, *call, changed);
            }
            path
        };
        let (is_new, compared) = level.insert(&self.shape, node, key, path);
        if is_new {
            self.waiting.insert(number);
            self.reached = self.reached.max(number);
        }
        self.work(1 + compared / COMPARISONS)
    }

    fn fits(&self, state: u32, call: u32) -> bool {
        let operation = &self.calls[call as usize].operation;
        let Some(state) = self.states.states.get(state as usize) else {
            return self.specification.precondition(operation) == Precondition::None;
        };
        self.specification.step(state, operation).is_some()
    }

    fn move_to(&mut self, moment: usize) {
        if moment == self.window.moment && !self.runs.is_empty() {
            return;
        }
        self.window.move_to(&self.timeline, moment);
        self.known_landings = 0;
        self.runs.clear();
        let mut has_run = vec![false; self.timeline.lanes.len()];
        let mut from = 0;
        while let Some(first) = self.window.changes.get(from) {
            let class = first.class;
            let count = self.window.changes[from..].iter();
            let to = from + count.take_while(|it| it.class == class).count();
            let lane = self.timeline.lane_of[class as usize];
            if lane != NONE {
                has_run[lane as usize] = true;
            }
            self.add_run(first.call, from..to, lane);
            from = to;
        }
        for (lane, has_run) in has_run.into_iter().enumerate() {
            if !has_run && self.window.open[lane] > 0 {
                self.add_run(self.timeline.lanes[lane][0], 0..0, lane as u32);
            }
        }
    }

    fn add_run(&mut self, call: u32, pending: Range<usize>, lane: u32) {
        let effect = self.timeline.effects[call as usize];
        let (mut after, mut is_live) = (NONE, true);
        if effect == Effect::Overwrite {
            let operation = &self.calls[call as usize].operation;
            let state = self.specification.step(&self.states.states[0], operation);
            let state = state.expect("an overwrite is possible");
            is_live = self.wants.is_live(&state, self.window.moment);
            after = self.states.number(state);
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

    /// The call of a run that is next: the first to end of those unused.
    fn choose(&self, run: usize, key: &[u64]) -> Option<Choice> {
        let run = self.runs[run];
        let pending = &self.window.changes[run.from as usize..run.to as usize];
        let mut unused = pending.iter();
        if let Some(pending) = unused.find(|it| self.shape.is_unused(key, it.slot as usize)) {
            return Some(Choice {
                call: pending.call,
                place: pending.slot as usize,
                is_open: false,
            });
        }
        if run.lane == NONE {
            return None;
        }
        let lane = run.lane as usize;
        let spent = self.shape.spent(key, lane);
        (spent < self.window.open[lane]).then(|| Choice {
            call: self.timeline.lanes[lane][spent as usize],
            place: lane,
            is_open: true,
        })
    }

    /// What a state allows at this moment: a place among the landings.
    fn landing(&mut self, state: u32) -> usize {
        let known = &self.landings[..self.known_landings];
        if let Some(place) = known.iter().position(|landing| landing.state == state) {
            return place;
        }
        let place = self.known_landings;
        if place == self.landings.len() {
            self.landings.push(Landing::default());
        }
        let mut landing = std::mem::take(&mut self.landings[place]);
        landing.state = state;
        landing.reads.clear();
        landing.reads.resize(self.window.overwrites.len(), 0);
        landing.moves.clear();
        for read in &self.window.reads {
            if self.fits(state, read.call) {
                landing.reads[read.slot as usize / 64] |= 1 << (read.slot % 64);
            }
        }
        for (number, run) in self.runs.iter().enumerate() {
            if run.effect == Effect::Overwrite {
                continue;
            }
            let call = if run.from < run.to {
                self.window.changes[run.from as usize].call
            } else {
                self.timeline.lanes[run.lane as usize][0]
            };
            let operation = &self.calls[call as usize].operation;
            if let Some(before) = self.states.states.get(state as usize)
                && let Some(after) = self.specification.step(before, operation)
            {
                let after = self.states.number(after);
                landing.moves.push((number as u32, after));
            }
        }
        self.landings[place] = landing;
        self.known_landings += 1;
        place
    }

    fn violation(&mut self) -> Violation<P::State> {
        let until = self.reached as usize;
        self.move_to(until);
        let mut entries: Vec<_> = self.levels[&self.reached].entries().collect();
        // As many states as possible.
        let mut seen = HashMap::new();
        entries.sort_by_cached_key(|node| {
            let count: &mut u32 = seen.entry(node.state).or_default();
            *count += 1;
            *count
        });
        let attempt = |node: &&Node| {
            let order = self.order(node.path, until);
            let mut pending: Vec<_> = self.window.reads.iter().collect();
            pending.extend(&self.window.changes);
            let pending = pending.into_iter().map(|it| it.call as usize);
            let mut is_left: Vec<_> = vec![true; self.calls.len()];
            order.iter().for_each(|call| is_left[*call] = false);
            let mut pending: Vec<_> = pending.filter(|call| is_left[*call]).collect();
            pending.sort_unstable();
            let state = self.specification.initial();
            let state = order.iter().fold(state, |state, call| {
                let operation = &self.calls[*call].operation;
                let next = self.specification.step(&state, operation);
                next.expect("an order can be followed")
            });
            Attempt {
                order,
                state,
                pending,
            }
        };
        let mut attempts: Vec<_> = entries.iter().take(ATTEMPTS).map(attempt).collect();
        // The same ones, in the same order, every time.
        attempts.sort_by(|a, b| a.order.cmp(&b.order));
        Violation {
            call: self.call_at(self.reached),
            attempts,
        }
    }
}
