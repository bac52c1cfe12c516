//! The answer, from a portfolio of searches that take turns.

use std::collections::HashMap;

use super::levels::Node;
use super::problem::Problem;
use super::search::{Progress, Rules, Search, Strategy};
use super::timeline::Event;
use super::{Attempt, Linearizability, Specification, TimedOp, Unfinished, Violation};

/// The number of orders that are reported before a violation.
const MAX_ATTEMPTS: usize = 10;

/// The limit of steps to find all states before a violation, beyond those that its proof needs.
const MAX_EVIDENCE_STEPS: u64 = 1 << 17;

/// The limits and the strategy of a search. They never change a definite answer, only whether there
/// is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// The memory limit in bytes, besides about a hundred bytes for each operation.
    pub max_bytes: usize,
    /// The choice of the configuration to expand next.
    pub strategy: Strategy,
    /// The number of steps without progress after which searches with relaxed rules take turns,
    /// too.
    pub first_turn: u64,
}

impl Default for Effort {
    /// 160 MiB, and the mixed strategy.
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

/// Searches for a linearization of operations on one object, with the default effort.
///
/// Before each step, which takes at most about a microsecond, `keep_going` is called; if it returns
/// `false`, the search ends unfinished. Count there to get the same answer for the same
/// operations every time. All other answers are exact.
///
/// The problem is NP-complete: the search is long if many *different* operations that can replace
/// one another are concurrent or have no end.
pub fn linearize<P: Specification>(
    specification: &P,
    ops: &[TimedOp<P::Operation>],
    keep_going: impl FnMut() -> bool,
) -> Linearizability<P::State> {
    linearize_with(Effort::default(), specification, ops, keep_going)
}

/// Like [`linearize`], with the given effort.
pub fn linearize_with<P: Specification>(
    effort: Effort,
    specification: &P,
    ops: &[TimedOp<P::Operation>],
    mut keep_going: impl FnMut() -> bool,
) -> Linearizability<P::State> {
    let problem = Problem::new(specification, ops);
    let mut portfolio = Portfolio {
        exact: Search::new(&problem, Rules::Exact, effort.strategy),
        relaxed: Vec::new(),
        bound: u32::MAX,
        steps: 0,
        bytes: 0,
    };
    let mut turn = effort.first_turn;
    loop {
        match portfolio.run(turn, effort.max_bytes, &mut keep_going) {
            Some(Answer::Linearizable { path }) => {
                let order = order(&problem, &portfolio.exact, path, problem.timeline.len());
                return Linearizability::Linearizable { order };
            }
            Some(Answer::Violated) => {
                return Linearizability::Violated(evidence(&problem, &portfolio.exact));
            }
            Some(Answer::Unfinished { is_out_of_memory }) => {
                let reached = portfolio.exact.reached;
                let ends = problem.timeline.ends.iter();
                return Linearizability::Unfinished(Unfinished {
                    op: op_ending_at(&problem, reached),
                    explained: ends.filter(|end| **end < reached).count(),
                    steps: portfolio.steps,
                    bytes: portfolio.bytes,
                    is_out_of_memory,
                });
            }
            None if turn == effort.first_turn => portfolio.add_relaxed(&problem, effort.strategy),
            None => {}
        }
        turn = (2 * turn).max(1);
    }
}

/// The outcome of a portfolio.
enum Answer {
    Linearizable { path: u32 },
    Violated,
    Unfinished { is_out_of_memory: bool },
}

/// Searches that take turns.
struct Portfolio<'p, 'a, P: Specification> {
    exact: Search<'p, 'a, P>,
    /// Searches with relaxed rules. If one of them finds no order, there is none.
    relaxed: Vec<Search<'p, 'a, P>>,
    /// The level that no order can pass.
    bound: u32,
    steps: u64,
    /// Peak memory in bytes.
    bytes: usize,
}

impl<'p, 'a, P: Specification> Portfolio<'p, 'a, P> {
    fn add_relaxed(&mut self, problem: &'p Problem<'a, P>, strategy: Strategy) {
        let mut add = |rules| self.relaxed.push(Search::new(problem, rules, strategy));
        add(Rules::AllChanges);
        add(Rules::OpenOpsAndOverwrites);
        if !problem.timeline.lanes.is_empty() {
            add(Rules::OpenOps);
        }
    }

    /// Gives each search a turn. `None` if there is no answer yet.
    fn run(
        &mut self,
        turn: u64,
        max_bytes: usize,
        keep_going: &mut impl FnMut() -> bool,
    ) -> Option<Answer> {
        let mut other_bytes: usize = self.relaxed.iter().map(Search::bytes).sum();
        let mut index = None;
        loop {
            let search = match index {
                None => &mut self.exact,
                Some(index) => self.relaxed.get_mut(index)?,
            };
            if index.is_some() {
                other_bytes -= search.bytes();
            }
            let mut from = search.steps;
            let mut progress = Progress::Waiting;
            while progress == Progress::Waiting
                && search.steps < from + turn
                && search.reached < self.bound
            {
                let before = search.steps;
                progress = search.expand_next();
                let bytes = other_bytes + search.bytes();
                self.bytes = self.bytes.max(bytes);
                for _ in before..search.steps {
                    if !keep_going() {
                        let is_out_of_memory = false;
                        return Some(Answer::Unfinished { is_out_of_memory });
                    }
                    self.steps += 1;
                }
                if bytes > max_bytes {
                    // The exact search gets all the memory in the end.
                    let is_out_of_memory = true;
                    let is_over = self.relaxed.is_empty();
                    self.relaxed.clear();
                    return is_over.then_some(Answer::Unfinished { is_out_of_memory });
                }
                if index.is_none() {
                    // The exact search continues as long as it makes progress.
                    from = from.max(search.progress_at);
                }
            }
            let is_past = search.reached >= self.bound;
            other_bytes += search.bytes();
            match (index, progress) {
                (None, Progress::Found { path }) => return Some(Answer::Linearizable { path }),
                (None, Progress::Exhausted) => return Some(Answer::Violated),
                (None, Progress::Waiting) if is_past => return Some(Answer::Violated),
                (None, Progress::Waiting) => index = Some(0),
                (Some(here), Progress::Waiting) if !is_past => index = Some(here + 1),
                // Its result is final, or adds nothing to what is known.
                (Some(here), _) => {
                    if progress == Progress::Exhausted {
                        self.bound = self.bound.min(search.reached);
                    }
                    other_bytes -= search.bytes();
                    self.relaxed.remove(here);
                }
            }
        }
    }
}

/// The operation whose end is this level.
fn op_ending_at<P: Specification>(problem: &Problem<'_, P>, level: u32) -> usize {
    match problem.timeline.event(level as usize) {
        Event::End { op, .. } | Event::Begin { op, .. } | Event::Open { op, .. } => op as usize,
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
        ops,
        timeline,
        ..
    } = problem;
    search
        .paths
        .order(*specification, ops, timeline, path, until)
}

/// The evidence that no order passes the highest level of a search: all orders that lead there if
/// they can be found within a limit, else those that the search has found.
fn evidence<P: Specification>(
    problem: &Problem<'_, P>,
    search: &Search<'_, '_, P>,
) -> Violation<P::State> {
    let thorough = Problem::new(problem.specification, problem.ops).without_wants();
    let mut all = Search::new(&thorough, Rules::Exact, Strategy::Breadth);
    let mut progress = Progress::Waiting;
    while progress == Progress::Waiting && all.steps < MAX_EVIDENCE_STEPS {
        progress = all.expand_next();
    }
    if progress == Progress::Exhausted {
        return violation(&thorough, &all, true);
    }
    violation(problem, search, false)
}

/// The violation at the highest level of a search.
fn violation<P: Specification>(
    problem: &Problem<'_, P>,
    search: &Search<'_, '_, P>,
    is_exhaustive: bool,
) -> Violation<P::State> {
    let until = search.reached as usize;
    let mut under_way = Vec::new();
    for moment in 0..until {
        match problem.timeline.event(moment) {
            Event::Begin { op, .. } => under_way.push(op),
            Event::End { op, .. } => under_way.retain(|other| *other != op),
            Event::Open { .. } => {}
        }
    }
    under_way.sort_unstable();
    let mut entries = search.entries();
    // Nodes with different states come first.
    let mut seen = HashMap::new();
    entries.sort_by_cached_key(|node| {
        let count: &mut usize = seen.entry(node.state).or_default();
        *count += 1;
        *count
    });
    let attempt = |node: &Node| {
        let order = order(problem, search, node.path, until);
        let initial = problem.specification.initial();
        let state = order.iter().fold(initial, |state, op| {
            let next = problem
                .specification
                .step(&state, &problem.ops[*op].operation);
            next.expect("an order can be followed")
        });
        let mut is_left = vec![true; problem.ops.len()];
        order.iter().for_each(|op| is_left[*op] = false);
        let pending = under_way.iter().map(|op| *op as usize);
        Attempt {
            order,
            state,
            pending: pending.filter(|op| is_left[*op]).collect(),
        }
    };
    let is_exhaustive = is_exhaustive && seen.len() <= MAX_ATTEMPTS;
    let mut attempts: Vec<_> = entries.iter().take(MAX_ATTEMPTS).map(attempt).collect();
    // Sorted, so that the result is deterministic.
    attempts.sort_by(|a, b| a.order.cmp(&b.order));
    Violation {
        op: op_ending_at(problem, search.reached),
        attempts,
        is_exhaustive,
    }
}
