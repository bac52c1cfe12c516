//! The search for an order, from one end of a call to the next.
//!
//! Kept are *configurations*: a state, and which of the calls under way have led to it. When a call
//! ends, each configuration must have it; where it is missing, other calls under way are put before
//! it in all ways until it fits. Nothing is put in earlier than that, since what can happen early
//! can also happen as late as the next end. What keeps the number of configurations small:
//!
//! - Those with the same state and calls are one, whatever their order was.
//! - A read is put in as soon as it fits: it asks for nothing more then, and takes nothing away.
//! - Calls whose end is unknown need never happen. Of two configurations that differ in these alone,
//!   the one that has used up less can do all that the other can; the other is dropped. And equal
//!   ones are as good as one another, so it counts how many were used up, not which.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hash};

use super::bits::Bits;
use super::{Attempt, Call, Linearizability, Specification, Violation};

/// How many orders of what comes before a violation are told.
const ATTEMPTS: usize = 10;

/// How many comparisons of configurations count as a step.
const COMPARISONS: usize = 16;

/// Looks for an order of calls to one object. Before each step of the search, which takes a
/// microsecond or less, `goes_on` is asked, and the search is over, unfinished, when that says no:
/// count there, or look at a clock. The answer is exact otherwise.
///
/// Without calls whose end is unknown the steps are about as many as the calls, times what calls
/// under way at the same time can do in different orders. Many *different* calls without an end
/// that can stand in for one another make the search long, as they must: the problem is
/// NP-complete.
pub fn linearize<P: Specification>(
    specification: &P,
    calls: &[Call<P::Operation>],
    goes_on: impl FnMut() -> bool,
) -> Linearizability<P::State> {
    Search {
        specification,
        calls,
        goes_on,
        slots: Vec::new(),
        open: Vec::new(),
        classes: HashMap::new(),
        paths: Vec::new(),
    }
    .run()
}

/// One way in which things may stand.
#[derive(Debug, Clone)]
struct Configuration<S> {
    state: S,
    /// Slots of the calls under way that have taken effect.
    done: Bits,
    /// By class: how many open calls have taken effect.
    spent: Spent,
    /// The last call of the order: a place among the paths.
    path: Option<u32>,
}

/// How many of each class, without zeros at the end.
type Spent = Vec<u32>;

/// Configurations by state and calls, each the least that it can be in what it spent. The same ones
/// come out in the same order every time, as evidence depends on it.
type Least<S> = HashMap<(S, Bits), Vec<(Spent, Option<u32>)>, BuildHasherDefault<DefaultHasher>>;

struct Search<'a, P: Specification, G> {
    specification: &'a P,
    calls: &'a [Call<P::Operation>],
    goes_on: G,
    /// The calls under way that are to end.
    slots: Vec<Option<usize>>,
    /// Calls that have begun and whose end is not known, by class: equal ones are of one class.
    open: Vec<Vec<usize>>,
    classes: HashMap<&'a P::Operation, usize>,
    /// All orders, as a tree of calls: each with what comes before it.
    paths: Vec<(Option<u32>, usize)>,
}

/// What happens at a moment; a beginning comes before an end at the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Begin,
    End,
}

impl<P: Specification, G: FnMut() -> bool> Search<'_, P, G> {
    fn run(mut self) -> Linearizability<P::State> {
        let mut configurations = vec![Configuration {
            state: self.specification.initial(),
            done: Bits::default(),
            spent: Spent::new(),
            path: None,
        }];
        for (_, event, call) in self.events() {
            match (event, self.calls[call].end) {
                (Event::Begin, None) => self.open(call),
                (Event::Begin, Some(_)) => {
                    let slot = self.begin(call);
                    for configuration in &mut configurations {
                        self.take_in(configuration, slot, call);
                    }
                }
                (Event::End, _) => {
                    let Some(slot) = self.slots.iter().position(|it| *it == Some(call)) else {
                        continue;
                    };
                    let Some(next) = self.end(&configurations, slot) else {
                        return Linearizability::Unfinished { call };
                    };
                    if next.is_empty() {
                        return Linearizability::Violated(self.violation(&configurations, call));
                    }
                    self.slots[slot] = None;
                    configurations = next;
                }
            }
        }
        let path = configurations.first().and_then(|it| it.path);
        Linearizability::Holds {
            order: self.order(path),
        }
    }

    fn events(&self) -> Vec<(u64, Event, usize)> {
        let mut events = Vec::with_capacity(2 * self.calls.len());
        for (place, call) in self.calls.iter().enumerate() {
            events.push((call.begin, Event::Begin, place));
            if let Some(end) = call.end {
                // One that ends before it begins does both at once.
                events.push((end.max(call.begin), Event::End, place));
            }
        }
        events.sort_unstable();
        events
    }

    fn open(&mut self, call: usize) {
        let fresh = self.open.len();
        let class = self.classes.entry(&self.calls[call].operation);
        let class = *class.or_insert(fresh);
        if class == fresh {
            self.open.push(Vec::new());
        }
        self.open[class].push(call);
    }

    fn begin(&mut self, call: usize) -> usize {
        let free = self.slots.iter().position(Option::is_none);
        let slot = free.unwrap_or(self.slots.len());
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[slot] = Some(call);
        slot
    }

    /// Puts a read into the order if it fits.
    fn take_in(&mut self, configuration: &mut Configuration<P::State>, slot: usize, call: usize) {
        let operation = &self.calls[call].operation;
        if self.specification.is_read(operation)
            && self
                .specification
                .step(&configuration.state, operation)
                .is_some()
        {
            configuration.done.insert(slot);
            configuration.path = self.path(configuration.path, call);
        }
    }

    /// The configurations after the end of a call; nothing if the search is to stop.
    fn end(
        &mut self,
        configurations: &[Configuration<P::State>],
        slot: usize,
    ) -> Option<Vec<Configuration<P::State>>> {
        let mut ended = Least::<P::State>::default();
        let mut seen = Least::<P::State>::default();
        let mut waiting = VecDeque::new();
        for configuration in configurations {
            if configuration.done.contains(slot) {
                insert(&mut ended, without(configuration.clone(), slot));
            } else if insert(&mut seen, configuration.clone()).0 {
                waiting.push_back(configuration.clone());
            }
        }
        while let Some(configuration) = waiting.pop_front() {
            let mut work = 1;
            for next in self.successors(&configuration) {
                work += 1;
                if next.done.contains(slot) {
                    work += insert(&mut ended, without(next, slot)).1 / COMPARISONS;
                } else {
                    let (is_new, comparisons) = insert(&mut seen, next.clone());
                    work += comparisons / COMPARISONS;
                    if is_new {
                        waiting.push_back(next);
                    }
                }
            }
            for _ in 0..work {
                if !(self.goes_on)() {
                    return None;
                }
            }
        }
        let ended = ended.into_iter().flat_map(|((state, done), least)| {
            least.into_iter().map(move |(spent, path)| Configuration {
                state: state.clone(),
                done: done.clone(),
                spent,
                path,
            })
        });
        Some(ended.collect())
    }

    /// What one more call can lead to.
    fn successors(
        &mut self,
        configuration: &Configuration<P::State>,
    ) -> Vec<Configuration<P::State>> {
        let mut next = Vec::new();
        for slot in 0..self.slots.len() {
            if let Some(call) = self.slots[slot]
                && !configuration.done.contains(slot)
                && let Some(mut after) = self.after(configuration, call)
            {
                after.done.insert(slot);
                next.push(after);
            }
        }
        for class in 0..self.open.len() {
            let spent = configuration.spent.get(class).copied().unwrap_or(0);
            if let Some(&call) = self.open[class].get(spent as usize)
                && let Some(mut after) = self.after(configuration, call)
                && after.state != configuration.state
            {
                let length = after.spent.len().max(class + 1);
                after.spent.resize(length, 0);
                after.spent[class] += 1;
                next.push(after);
            }
        }
        for configuration in &mut next {
            for slot in 0..self.slots.len() {
                if let Some(call) = self.slots[slot]
                    && !configuration.done.contains(slot)
                {
                    self.take_in(configuration, slot, call);
                }
            }
        }
        next
    }

    fn after(
        &mut self,
        configuration: &Configuration<P::State>,
        call: usize,
    ) -> Option<Configuration<P::State>> {
        let operation = &self.calls[call].operation;
        let state = self.specification.step(&configuration.state, operation)?;
        Some(Configuration {
            state,
            done: configuration.done.clone(),
            spent: configuration.spent.clone(),
            path: self.path(configuration.path, call),
        })
    }

    fn path(&mut self, before: Option<u32>, call: usize) -> Option<u32> {
        let place = u32::try_from(self.paths.len()).ok();
        self.paths.push((before, call));
        place
    }

    fn order(&self, path: Option<u32>) -> Vec<usize> {
        let mut order = Vec::new();
        let mut here = path;
        while let Some((before, call)) = here.and_then(|place| self.paths.get(place as usize)) {
            order.push(*call);
            here = *before;
        }
        order.reverse();
        order
    }

    fn violation(
        &self,
        configurations: &[Configuration<P::State>],
        call: usize,
    ) -> Violation<P::State> {
        let attempt = |configuration: &Configuration<P::State>| {
            let slots = self.slots.iter().enumerate();
            let mut pending: Vec<usize> = slots
                .filter(|(slot, _)| !configuration.done.contains(*slot))
                .filter_map(|(_, call)| *call)
                .collect();
            pending.sort_unstable();
            Attempt {
                order: self.order(configuration.path),
                state: configuration.state.clone(),
                pending,
            }
        };
        let mut attempts: Vec<_> = configurations.iter().map(attempt).collect();
        // The same ones, in the same order, every time.
        attempts.sort_by(|a, b| a.order.cmp(&b.order));
        attempts.truncate(ATTEMPTS);
        Violation { call, attempts }
    }
}

fn without<S>(mut configuration: Configuration<S>, slot: usize) -> Configuration<S> {
    configuration.done.remove(slot);
    configuration
}

/// Adds a configuration unless one is there that can do all that it can: whether it was added, and
/// with how many others it was compared.
fn insert<S: Eq + Hash>(least: &mut Least<S>, configuration: Configuration<S>) -> (bool, usize) {
    let Configuration {
        state,
        done,
        spent,
        path,
    } = configuration;
    let known = least.entry((state, done)).or_default();
    let comparisons = known.len();
    if known.iter().any(|(known, _)| is_within(known, &spent)) {
        return (false, comparisons);
    }
    known.retain(|(known, _)| !is_within(&spent, known));
    known.push((spent, path));
    (true, 2 * comparisons)
}

/// Whether nothing of `less` is more than in `more`.
fn is_within(less: &[u32], more: &[u32]) -> bool {
    less.len() <= more.len() && less.iter().zip(more).all(|(less, more)| less <= more)
}
