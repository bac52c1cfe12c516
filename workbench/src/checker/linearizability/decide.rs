//! The answer, from searches by turns.

use std::collections::HashMap;

use super::levels::Node;
use super::problem::Problem;
use super::search::{Progress, Rules, Search};
use super::timeline::Event;
use super::{Attempt, Call, Linearizability, Specification, Unfinished, Violation};

/// How many orders of what comes before a violation are reported.
const ATTEMPTS: usize = 10;

/// How much memory a search may take, in bytes, if nothing else is said.
pub const MAX_BYTES: usize = 200 << 20;

/// How many steps the exact search takes before others have their turn.
const FIRST_TURN: u64 = 1 << 15;

/// How many steps are taken at most to find all states before a violation, not only those that
/// matter to its proof.
const EVIDENCE: u64 = 1 << 17;

/// Looks for an order of calls to one object, in [`MAX_BYTES`] of memory.
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
    linearize_within(specification, calls, MAX_BYTES, goes_on)
}

/// Does as [`linearize`], in so many bytes of memory besides a few for each call. It is over,
/// unfinished, when that is not enough.
pub fn linearize_within<P: Specification>(
    specification: &P,
    calls: &[Call<P::Operation>],
    max_bytes: usize,
    mut goes_on: impl FnMut() -> bool,
) -> Linearizability<P::State> {
    let problem = Problem::new(specification, calls);
    let mut exact = Search::new(&problem, Rules::Exact);
    let mut others: Vec<Search<'_, '_, P>> = Vec::new();
    // No order gets past this level.
    let mut bound = u32::MAX;
    let (mut steps, mut bytes) = (0, 0);
    let mut turn = FIRST_TURN;
    loop {
        let mut run = |search: &mut Search<'_, '_, P>, other_bytes: usize, bound: u32| {
            let until = search.steps + turn;
            while search.steps < until && search.reached < bound {
                let before = search.steps;
                let progress = search.go_on();
                if progress != Progress::Waiting {
                    return Ok(progress);
                }
                bytes = bytes.max(other_bytes + search.bytes());
                if bytes > max_bytes {
                    return Err(true);
                }
                for _ in before..search.steps {
                    if !goes_on() {
                        return Err(false);
                    }
                    steps += 1;
                }
            }
            Ok(Progress::Waiting)
        };
        let unfinished = |is_out_of_memory: bool, reached: u32, steps: u64, bytes: usize| {
            let is_explained = |end: &&u32| **end < reached;
            Linearizability::Unfinished(Unfinished {
                call: call_at(&problem, reached),
                explained: problem.timeline.ends.iter().filter(is_explained).count(),
                steps,
                bytes,
                is_out_of_memory,
            })
        };
        let other_bytes = others.iter().map(Search::bytes).sum();
        match run(&mut exact, other_bytes, bound) {
            Ok(Progress::Found { path }) => {
                let order = order(&problem, &exact, path, problem.timeline.len());
                return Linearizability::Holds { order };
            }
            Ok(Progress::Exhausted) => {
                return Linearizability::Violated(evidence(&problem, &exact));
            }
            Ok(Progress::Waiting) if exact.reached >= bound => {
                return Linearizability::Violated(evidence(&problem, &exact));
            }
            Ok(Progress::Waiting) => {}
            Err(is_out_of_memory) => {
                return unfinished(is_out_of_memory, exact.reached, steps, bytes);
            }
        }
        if turn == FIRST_TURN {
            others.push(Search::new(&problem, Rules::OpenCallsAndOverwrites));
            if !problem.timeline.lanes.is_empty() {
                others.push(Search::new(&problem, Rules::OpenCalls));
            }
        }
        let mut place = 0;
        while place < others.len() {
            let all_bytes: usize = others.iter().map(Search::bytes).sum();
            let other_bytes = exact.bytes() + all_bytes - others[place].bytes();
            let other = &mut others[place];
            match run(other, other_bytes, bound) {
                Ok(Progress::Waiting) if other.reached < bound => place += 1,
                Ok(Progress::Exhausted) => {
                    bound = bound.min(other.reached);
                    others.remove(place);
                }
                // It cannot say more than is known.
                Ok(_) => drop(others.remove(place)),
                Err(is_out_of_memory) => {
                    return unfinished(is_out_of_memory, exact.reached, steps, bytes);
                }
            }
        }
        turn *= 2;
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
    search.paths.order(*specification, calls, timeline, path, until)
}

/// That no order gets past the highest level of a search: with all orders that lead there if they
/// can be found soon, or else with those that the search has found.
fn evidence<P: Specification>(
    problem: &Problem<'_, P>,
    search: &Search<'_, '_, P>,
) -> Violation<P::State> {
    let thorough = Problem::new(problem.specification, problem.calls).without_wants();
    let mut all = Search::new(&thorough, Rules::Exact);
    while all.steps < EVIDENCE {
        if all.go_on() == Progress::Exhausted {
            return violation(&thorough, &all, true);
        }
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
            let next = problem.specification.step(&state, &problem.calls[*call].operation);
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
