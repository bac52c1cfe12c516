//! The answer, from searches by turns.

use std::collections::HashMap;

use super::levels::Node;
use super::problem::Problem;
use super::search::{Progress, Rules, Search, Strategy};
use super::timeline::Event;
use super::{Attempt, Call, Linearizability, Specification, Unfinished, Violation};

/// How many orders of what comes before a violation are reported.
const ATTEMPTS: usize = 10;

/// How many steps are taken at most to find all states before a violation, not only those that
/// matter to its proof.
const EVIDENCE: u64 = 1 << 17;

/// How a search is made. None of it changes a yes or no; all of it can decide whether there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// How much memory the search may take, in bytes, besides about a hundred for each call.
    pub max_bytes: usize,
    /// Which configuration is expanded next.
    pub strategy: Strategy,
    /// How many steps may bring no progress before searches with relaxed rules have their turns,
    /// too.
    pub first_turn: u64,
}

impl Default for Effort {
    /// 160 MiB, by turns.
    fn default() -> Self {
        Effort {
            max_bytes: 160 << 20,
            strategy: Strategy::Mixed {
                narrow: 64,
                turn: 8,
            },
            first_turn: 1 << 15,
        }
    }
}

/// Looks for an order of calls to one object, with the default effort.
///
/// Before each step, which takes a microsecond or less, `goes_on` is asked, and the search is over,
/// unfinished, when that says no: count there, and the same calls have the same answer every time.
/// The answer is exact otherwise.
///
/// The problem is NP-complete: many *different* calls under way at the same time, or without an
/// end, that can stand in for one another make the search long.
pub fn linearize<P: Specification>(
    specification: &P,
    calls: &[Call<P::Operation>],
    goes_on: impl FnMut() -> bool,
) -> Linearizability<P::State> {
    linearize_with(Effort::default(), specification, calls, goes_on)
}

/// Does as [`linearize`], with a certain effort.
pub fn linearize_with<P: Specification>(
    effort: Effort,
    specification: &P,
    calls: &[Call<P::Operation>],
    mut goes_on: impl FnMut() -> bool,
) -> Linearizability<P::State> {
    let problem = Problem::new(specification, calls);
    let mut race = Race {
        exact: Search::new(&problem, Rules::Exact, effort.strategy),
        relaxed: Vec::new(),
        bound: u32::MAX,
        steps: 0,
        bytes: 0,
    };
    let mut turn = effort.first_turn;
    loop {
        match race.run(turn, effort.max_bytes, &mut goes_on) {
            Some(Answer::Holds { path }) => {
                let order = order(&problem, &race.exact, path, problem.timeline.len());
                return Linearizability::Holds { order };
            }
            Some(Answer::Violated) => {
                return Linearizability::Violated(evidence(&problem, &race.exact));
            }
            Some(Answer::Unfinished { is_out_of_memory }) => {
                let reached = race.exact.reached;
                let ends = problem.timeline.ends.iter();
                return Linearizability::Unfinished(Unfinished {
                    call: call_at(&problem, reached),
                    explained: ends.filter(|end| **end < reached).count(),
                    steps: race.steps,
                    bytes: race.bytes,
                    is_out_of_memory,
                });
            }
            None if turn == effort.first_turn => race.add_relaxed(&problem, effort.strategy),
            None => {}
        }
        turn = (2 * turn).max(1);
    }
}

/// How a race ends.
enum Answer {
    Holds { path: u32 },
    Violated,
    Unfinished { is_out_of_memory: bool },
}

/// Searches that have turns.
struct Race<'p, 'a, P: Specification> {
    exact: Search<'p, 'a, P>,
    /// If one of these finds that there is no order, there is none.
    relaxed: Vec<Search<'p, 'a, P>>,
    /// No order gets past this level.
    bound: u32,
    steps: u64,
    /// The most memory that was taken.
    bytes: usize,
}

impl<'p, 'a, P: Specification> Race<'p, 'a, P> {
    fn add_relaxed(&mut self, problem: &'p Problem<'a, P>, strategy: Strategy) {
        let mut add = |rules| self.relaxed.push(Search::new(problem, rules, strategy));
        add(Rules::AllChanges);
        add(Rules::OpenCallsAndOverwrites);
        if !problem.timeline.lanes.is_empty() {
            add(Rules::OpenCalls);
        }
    }

    /// A turn for each search; none if that is no answer.
    fn run(
        &mut self,
        turn: u64,
        max_bytes: usize,
        goes_on: &mut impl FnMut() -> bool,
    ) -> Option<Answer> {
        let mut others: usize = self.relaxed.iter().map(Search::bytes).sum();
        let mut place = None;
        loop {
            let search = match place {
                None => &mut self.exact,
                Some(place) => self.relaxed.get_mut(place)?,
            };
            if place.is_some() {
                others -= search.bytes();
            }
            let mut from = search.steps;
            let mut progress = Progress::Waiting;
            while progress == Progress::Waiting
                && search.steps < from + turn
                && search.reached < self.bound
            {
                let before = search.steps;
                progress = search.go_on();
                let bytes = others + search.bytes();
                self.bytes = self.bytes.max(bytes);
                for _ in before..search.steps {
                    if !goes_on() {
                        let is_out_of_memory = false;
                        return Some(Answer::Unfinished { is_out_of_memory });
                    }
                    self.steps += 1;
                }
                if bytes > max_bytes {
                    // The exact search has all the memory in the end.
                    let is_out_of_memory = true;
                    let is_over = self.relaxed.is_empty();
                    self.relaxed.clear();
                    return is_over.then_some(Answer::Unfinished { is_out_of_memory });
                }
                if place.is_none() {
                    // As long as it gets on, the exact search goes on.
                    from = from.max(search.rose);
                }
            }
            let is_past = search.reached >= self.bound;
            others += search.bytes();
            match (place, progress) {
                (None, Progress::Found { path }) => return Some(Answer::Holds { path }),
                (None, Progress::Exhausted) => return Some(Answer::Violated),
                (None, Progress::Waiting) if is_past => return Some(Answer::Violated),
                (None, Progress::Waiting) => place = Some(0),
                (Some(here), Progress::Waiting) if !is_past => place = Some(here + 1),
                // It says no more than that, or no more than is known.
                (Some(here), _) => {
                    if progress == Progress::Exhausted {
                        self.bound = self.bound.min(search.reached);
                    }
                    others -= search.bytes();
                    self.relaxed.remove(here);
                }
            }
        }
    }
}

/// The call whose end is a level.
fn call_at<P: Specification>(problem: &Problem<'_, P>, level: u32) -> usize {
    match problem.timeline.event(level as usize) {
        Event::End { call, .. } | Event::Begin { call, .. } | Event::Open { call, .. } => {
            call as usize
        }
    }
}

fn order<P: Specification>(
    problem: &Problem<'_, P>,
    search: &Search<'_, '_, P>,
    path: u32,
    until: usize,
) -> Vec<usize> {
    let Problem {
        specification,
        calls,
        timeline,
        ..
    } = problem;
    search
        .paths
        .order(*specification, calls, timeline, path, until)
}

/// That no order gets past the highest level of a search: with all orders that lead there if they
/// can be found soon, or else with those that the search has found.
fn evidence<P: Specification>(
    problem: &Problem<'_, P>,
    search: &Search<'_, '_, P>,
) -> Violation<P::State> {
    let thorough = Problem::new(problem.specification, problem.calls).without_wants();
    let mut all = Search::new(&thorough, Rules::Exact, Strategy::Breadth);
    let mut progress = Progress::Waiting;
    while progress == Progress::Waiting && all.steps < EVIDENCE {
        progress = all.go_on();
    }
    if progress == Progress::Exhausted {
        return violation(&thorough, &all, true);
    }
    violation(problem, search, false)
}

/// That no order gets past the highest level of a search.
fn violation<P: Specification>(
    problem: &Problem<'_, P>,
    search: &Search<'_, '_, P>,
    is_exhaustive: bool,
) -> Violation<P::State> {
    let until = search.reached as usize;
    let mut under_way = Vec::new();
    for moment in 0..until {
        match problem.timeline.event(moment) {
            Event::Begin { call, .. } => under_way.push(call),
            Event::End { call, .. } => under_way.retain(|other| *other != call),
            Event::Open { .. } => {}
        }
    }
    under_way.sort_unstable();
    let mut entries = search.entries();
    // As many states as possible.
    let mut seen = HashMap::new();
    entries.sort_by_cached_key(|node| {
        let count: &mut usize = seen.entry(node.state).or_default();
        *count += 1;
        *count
    });
    let attempt = |node: &Node| {
        let order = order(problem, search, node.path, until);
        let initial = problem.specification.initial();
        let state = order.iter().fold(initial, |state, call| {
            let next = problem
                .specification
                .step(&state, &problem.calls[*call].operation);
            next.expect("an order can be followed")
        });
        let mut is_left = vec![true; problem.calls.len()];
        order.iter().for_each(|call| is_left[*call] = false);
        let pending = under_way.iter().map(|call| *call as usize);
        Attempt {
            order,
            state,
            pending: pending.filter(|call| is_left[*call]).collect(),
        }
    };
    let is_exhaustive = is_exhaustive && seen.len() <= ATTEMPTS;
    let mut attempts: Vec<_> = entries.iter().take(ATTEMPTS).map(attempt).collect();
    // The same ones, in the same order, every time.
    attempts.sort_by(|a, b| a.order.cmp(&b.order));
    Violation {
        call: call_at(problem, search.reached),
        attempts,
        is_exhaustive,
    }
}
