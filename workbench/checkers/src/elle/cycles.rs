//! Anomalies that are cycles: which ones a graph has, and one of each kind to look at.
//!
//! In each component two questions are asked. Does a model's subgraph have a cycle at all? That is
//! always answered, in time linear in the graph, and settles whether the model holds. Which cycle
//! can be shown? That is searched for with a limit on the work. The one model without a subgraph of
//! its own, consistent view, has its answer swept for when the search gives up (see `single`), so
//! no verdict hangs on the limit.

use std::collections::BTreeSet;

use super::component::{Component, Subgraph, components};
use super::graph::{Graph, Reason, Relation, Vertex};
use super::models::{Anomaly, at_least, cycle_exists, friendly};
use super::search::{Outcome, Search};
use super::shape::{Family, SHAPES, Shape};
use super::single::single_anti_dependency;

/// How much work goes into the search for cycles that can be shown; a step is one look along an
/// edge.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// For one kind of cycle in one component.
    steps: u64,
    /// For a whole graph.
    steps_of_all: u64,
}

/// A second or so at most.
const LIMITS: Limits = Limits {
    steps: 1 << 22,
    steps_of_all: 1 << 26,
};

/// The name under which a search that gave up stands among the anomalies.
pub(crate) const SEARCH_TIMEOUT: Anomaly = "cycle-search-timeout";

/// What is found in a graph.
#[derive(Debug, Clone)]
pub(crate) enum CycleCase {
    /// A shortest cycle of its kind.
    Cycle(Cycle),
    /// There are cycles that a model forbids.
    Exists(Exists),
    /// Nobody knows whether there is a cycle of some kind.
    Unfinished(Unfinished),
}

/// A cycle: each step leads to where the next one begins.
#[derive(Debug, Clone)]
pub(crate) struct Cycle {
    /// The kind.
    pub(crate) anomaly: Anomaly,
    /// Two or more.
    pub(crate) steps: Vec<CycleStep>,
}

/// One step of a cycle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CycleStep {
    /// The operation that comes before.
    pub(crate) from: Vertex,
    /// The operation that comes after.
    pub(crate) to: Vertex,
    /// Why.
    pub(crate) relation: Relation,
    /// And for which versions.
    pub(crate) reason: Reason,
}

/// Cycles that a model forbids, without any of them told.
#[derive(Debug, Clone)]
pub(crate) struct Exists {
    /// `<model>-cycle-exists`.
    pub(crate) anomaly: Anomaly,
    /// The model, by the name that it is printed with.
    pub(crate) model: &'static str,
    /// What the cycles are made of.
    pub(crate) relations: Vec<&'static str>,
    /// Operations, each of which is on a cycle with each other one.
    pub(crate) ops: Vec<Vertex>,
}

/// A search that took too many steps.
#[derive(Debug, Clone)]
pub(crate) struct Unfinished {
    /// What was looked for.
    pub(crate) sought: Anomaly,
    /// Among how many operations.
    pub(crate) ops: usize,
}

/// For each model that has a subgraph of its own: the family of cycles that it forbids. What makes
/// others redundant goes before them.
const SUBGRAPHS: [(&str, Family, Option<Relation>); 13] = {
    use Family::{G0, G1c, G2, Nonadjacent};
    const PROCESS: Option<Relation> = Some(Relation::Process);
    const REALTIME: Option<Relation> = Some(Relation::Realtime);
    [
        ("PL-1", G0, None),
        ("PL-2", G1c, None),
        ("PL-SI", Nonadjacent, None),
        ("PL-2.99", G2, None),
        ("PL-3", G2, None),
        ("strong-session-PL-1", G0, PROCESS),
        ("strong-session-PL-2", G1c, PROCESS),
        ("strong-session-snapshot-isolation", Nonadjacent, PROCESS),
        ("strong-session-serializable", G2, PROCESS),
        ("strong-PL-1", G0, REALTIME),
        ("strong-PL-2", G1c, REALTIME),
        ("strong-snapshot-isolation", Nonadjacent, REALTIME),
        ("PL-SS", G2, REALTIME),
    ]
};

impl CycleCase {
    /// Its name among the anomalies.
    pub(crate) fn anomaly(&self) -> Anomaly {
        match self {
            CycleCase::Cycle(cycle) => cycle.anomaly,
            CycleCase::Exists(exists) => exists.anomaly,
            CycleCase::Unfinished(_) => SEARCH_TIMEOUT,
        }
    }
}

/// Finds what cycles there are. Where a step has several relations, it is told by the first one in
/// `ranking`, and so the kind of a cycle depends on that.
///
/// What is found does not depend on any model; whether there are edges of process or time in the
/// graph is up to whoever made it.
pub(crate) fn cycles(graph: &Graph, ranking: &[Relation; 5]) -> Vec<CycleCase> {
    cycles_within(LIMITS, graph, ranking)
}

fn cycles_within(limits: Limits, graph: &Graph, ranking: &[Relation; 5]) -> Vec<CycleCase> {
    let is_there = |order| graph.edges().any(|edge| edge.relation == order);
    let orders = [Relation::Process, Relation::Realtime].into_iter();
    let orders: Vec<_> = orders.filter(|order| is_there(*order)).collect();
    let mut limits = limits;
    let mut cases = Vec::new();
    for component in components(graph) {
        let mut hunt = Hunt {
            component: &component,
            ranking,
            orders: &orders,
            knots: Vec::new(),
            cases: &mut cases,
        };
        let holds_writes = hunt.find_existing();
        hunt.find_cycles(holds_writes, &mut limits);
    }
    cases
}

/// The two questions, in one component.
struct Hunt<'a> {
    component: &'a Component,
    ranking: &'a [Relation],
    orders: &'a [Relation],
    /// Where the cycles of subgraphs are, as far as was asked.
    knots: Vec<(Subgraph, Vec<Vec<u32>>)>,
    cases: &'a mut Vec<CycleCase>,
}

impl Hunt<'_> {
    /// Asks for each model whether there is a cycle that it forbids. True if none goes without an
    /// anti-dependency.
    fn find_existing(&mut self) -> bool {
        let mut ruled_out = BTreeSet::new();
        for (model, family, order) in SUBGRAPHS {
            if ruled_out.contains(model) || !self.has(order) {
                continue;
            }
            let subgraph = family.subgraph(order);
            let place = self.knots(subgraph);
            if let Some(knot) = self.knots[place].1.first()
                && let Some(anomaly) = cycle_exists(model)
            {
                let members = &self.component.members;
                self.cases.push(CycleCase::Exists(Exists {
                    anomaly,
                    model: friendly(model),
                    relations: names(subgraph),
                    ops: knot.iter().map(|op| members[*op as usize]).collect(),
                }));
                ruled_out.extend(at_least(model));
            }
        }
        !ruled_out.contains("PL-2")
    }

    /// Looks for a cycle of each kind. Elle leaves out kinds of which it has found a special case
    /// by then, which makes its list depend on the order of its search; this one leaves out none
    /// that it finds within its limits.
    fn find_cycles(&mut self, holds_writes: bool, limits: &mut Limits) {
        let mut search = Search::new(self.component, self.ranking);
        for shape in &SHAPES {
            if !self.has(shape.order) {
                continue;
            }
            let place = self.knots(shape.family.subgraph(shape.order));
            let knots = &self.knots[place].1;
            if knots.is_empty() {
                continue;
            }
            let given = limits.steps.min(limits.steps_of_all);
            let mut left = given;
            let outcome = search.shortest(shape, knots, &mut left);
            limits.steps_of_all -= given - left;
            let is_consistent_view = shape.family == Family::Single && shape.order.is_none();
            let cycle = match outcome {
                Outcome::Found(cycle) => Some(cycle),
                Outcome::Nothing => None,
                Outcome::Unfinished if is_consistent_view && holds_writes => {
                    single_anti_dependency(self.component)
                }
                Outcome::Unfinished => {
                    self.cases.push(CycleCase::Unfinished(Unfinished {
                        sought: shape.name,
                        ops: self.component.len(),
                    }));
                    None
                }
            };
            if let Some(cycle) = cycle {
                self.tell(shape, &cycle);
            }
        }
    }

    fn tell(&mut self, shape: &Shape, cycle: &[u32]) {
        let component = self.component;
        let steps = component.told(cycle, self.ranking);
        let vertex = |op: u32| component.members[op as usize];
        let steps = cycle.iter().zip(steps).map(|(from, step)| CycleStep {
            from: vertex(*from),
            to: vertex(step.to),
            relation: step.relation,
            reason: step.reason,
        });
        self.cases.push(CycleCase::Cycle(Cycle {
            anomaly: shape.name,
            steps: steps.collect(),
        }));
    }

    fn has(&self, order: Option<Relation>) -> bool {
        order.is_none_or(|order| self.orders.contains(&order))
    }

    /// The place of a subgraph's knots.
    fn knots(&mut self, subgraph: Subgraph) -> usize {
        let known = self.knots.iter().position(|(known, _)| *known == subgraph);
        known.unwrap_or_else(|| {
            let knots = self.component.knots(subgraph);
            self.knots.push((subgraph, knots));
            self.knots.len() - 1
        })
    }
}

/// The relations of a subgraph, for results.
fn names(subgraph: Subgraph) -> Vec<&'static str> {
    let Subgraph { free, fenced } = subgraph;
    let all = free.iter().chain(fenced.iter());
    all.map(Relation::name).collect()
}

#[cfg(test)]
mod tests;
