//! Cycles: which kinds a graph has, with one example of each.
//!
//! For each component there are two questions. Does a model's subgraph have a cycle at all? This is
//! always answered, in time linear in the graph, and decides whether the model is violated. Which
//! cycle can be shown? The search for it has a limit. Only consistent view has no subgraph of its
//! own; if the search gives up, a sweep answers for it (see `single`), so no verdict depends on the
//! limit.

use std::collections::BTreeSet;

use super::component::{Component, Subgraph, components};
use super::cycle_kind::{CYCLE_KINDS, CycleKind, Family};
use super::graph::{Graph, Reason, Relation, Vertex};
use super::models::{Anomaly, and_stronger, cycle_exists, friendly};
use super::search::{Outcome, Search};
use super::single::single_anti_dependency;

/// The limits of the search for cycles to show; a step follows one edge.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Steps for one kind of cycle in one component.
    steps: u64,
    /// Steps for a whole graph.
    steps_of_all: u64,
}

/// At most about a second.
const LIMITS: Limits = Limits {
    steps: 1 << 22,
    steps_of_all: 1 << 26,
};

/// The anomaly name of a search that gave up.
pub(crate) const SEARCH_TIMEOUT: Anomaly = "cycle-search-timeout";

/// A finding in a graph.
#[derive(Debug, Clone)]
pub(crate) enum CycleCase {
    /// A shortest cycle of its kind.
    Cycle(Cycle),
    /// Cycles exist that a model forbids.
    Exists(Exists),
    /// It is unknown whether there is a cycle of some kind.
    Unfinished(Unfinished),
}

/// A cycle: each step ends where the next one begins.
#[derive(Debug, Clone)]
pub(crate) struct Cycle {
    /// The kind.
    pub(crate) anomaly: Anomaly,
    /// Two or more steps.
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
    /// The versions that it rests on.
    pub(crate) reason: Reason,
}

/// The existence of cycles that a model forbids, without an example.
#[derive(Debug, Clone)]
pub(crate) struct Exists {
    /// `<model>-cycle-exists`.
    pub(crate) anomaly: Anomaly,
    /// The printed name of the model.
    pub(crate) model: &'static str,
    /// The relations that the cycles consist of.
    pub(crate) relations: Vec<&'static str>,
    /// Operations each of which is on a cycle with each other one.
    pub(crate) ops: Vec<Vertex>,
}

/// A search that took too many steps.
#[derive(Debug, Clone)]
pub(crate) struct Unfinished {
    /// The kind of cycle.
    pub(crate) sought: Anomaly,
    /// The number of operations searched.
    pub(crate) ops: usize,
}

/// For each model with a subgraph of its own: the family of cycles that it forbids. A model comes
/// before those that it makes redundant.
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

/// Finds the cycles of a graph. A step with several relations counts as the first of them in
/// `ranking`, which thus decides the kind of a cycle.
///
/// The result does not depend on a model; the caller decides whether the graph has edges by process
/// or time.
pub(crate) fn cycles(graph: &Graph, ranking: &[Relation; 5]) -> Vec<CycleCase> {
    cycles_within(LIMITS, graph, ranking)
}

fn cycles_within(limits: Limits, graph: &Graph, ranking: &[Relation; 5]) -> Vec<CycleCase> {
    let components = components(graph);
    if components.is_empty() {
        return Vec::new();
    }
    let is_there = |order| graph.edges().any(|edge| edge.relation == order);
    let orders = [Relation::Process, Relation::Realtime].into_iter();
    let orders: Vec<_> = orders.filter(|order| is_there(*order)).collect();
    let mut limits = limits;
    let mut cases = Vec::new();
    for component in components {
        let mut search = ComponentSearch {
            component: &component,
            ranking,
            orders: &orders,
            knots: Vec::new(),
            cases: &mut cases,
        };
        let is_free_of_write_cycles = search.find_existing();
        search.find_cycles(is_free_of_write_cycles, &mut limits);
    }
    cases
}

/// The search in one component.
struct ComponentSearch<'a> {
    component: &'a Component,
    ranking: &'a [Relation],
    orders: &'a [Relation],
    /// The knots of the subgraphs that were asked for.
    knots: Vec<(Subgraph, Vec<Vec<u32>>)>,
    cases: &'a mut Vec<CycleCase>,
}

impl ComponentSearch<'_> {
    /// Adds the models that forbid an existing cycle. Returns whether every cycle has an
    /// anti-dependency.
    fn find_existing(&mut self) -> bool {
        let mut ruled_out = BTreeSet::new();
        for (model, family, order) in SUBGRAPHS {
            if ruled_out.contains(model) || !self.has(order) {
                continue;
            }
            let subgraph = family.subgraph(order);
            let index = self.knots(subgraph);
            if let Some(knot) = self.knots[index].1.first()
                && let Some(anomaly) = cycle_exists(model)
            {
                let members = &self.component.members;
                self.cases.push(CycleCase::Exists(Exists {
                    anomaly,
                    model: friendly(model),
                    relations: names(subgraph),
                    ops: knot.iter().map(|op| members[*op as usize]).collect(),
                }));
                ruled_out.extend(and_stronger(model));
            }
        }
        !ruled_out.contains("PL-2")
    }

    /// Searches for a cycle of each kind. Elle omits kinds of which it has found a special case by
    /// then, so its list depends on the order of its search; this search omits none that it finds
    /// within its limits.
    fn find_cycles(&mut self, is_free_of_write_cycles: bool, limits: &mut Limits) {
        let mut search = Search::new(self.component, self.ranking);
        for kind in &CYCLE_KINDS {
            if !self.has(kind.order) {
                continue;
            }
            let index = self.knots(kind.family.subgraph(kind.order));
            let knots = &self.knots[index].1;
            if knots.is_empty() {
                continue;
            }
            let given = limits.steps.min(limits.steps_of_all);
            let mut left = given;
            let outcome = search.shortest(kind, knots, &mut left);
            limits.steps_of_all -= given - left;
            let is_consistent_view = kind.family == Family::Single && kind.order.is_none();
            let cycle = match outcome {
                Outcome::Found(cycle) => Some(cycle),
                Outcome::Nothing => None,
                Outcome::Unfinished if is_consistent_view && is_free_of_write_cycles => {
                    single_anti_dependency(self.component)
                }
                Outcome::Unfinished => {
                    self.cases.push(CycleCase::Unfinished(Unfinished {
                        sought: kind.name,
                        ops: self.component.len(),
                    }));
                    None
                }
            };
            if let Some(cycle) = cycle {
                self.report_cycle(kind, &cycle);
            }
        }
    }

    fn report_cycle(&mut self, kind: &CycleKind, cycle: &[u32]) {
        let component = self.component;
        let steps = component.best_steps(cycle, self.ranking);
        let vertex = |op: u32| component.members[op as usize];
        let steps = cycle.iter().zip(steps).map(|(from, step)| CycleStep {
            from: vertex(*from),
            to: vertex(step.to),
            relation: step.relation,
            reason: step.reason,
        });
        self.cases.push(CycleCase::Cycle(Cycle {
            anomaly: kind.name,
            steps: steps.collect(),
        }));
    }

    fn has(&self, order: Option<Relation>) -> bool {
        order.is_none_or(|order| self.orders.contains(&order))
    }

    /// The index of a subgraph's knots.
    fn knots(&mut self, subgraph: Subgraph) -> usize {
        let known = self.knots.iter().position(|(known, _)| *known == subgraph);
        known.unwrap_or_else(|| {
            let knots = self.component.knots(subgraph);
            self.knots.push((subgraph, knots));
            self.knots.len() - 1
        })
    }
}

/// The names of a subgraph's relations.
fn names(subgraph: Subgraph) -> Vec<&'static str> {
    let Subgraph { free, fenced } = subgraph;
    let all = free.iter().chain(fenced.iter());
    all.map(Relation::name).collect()
}

#[cfg(test)]
mod tests;
