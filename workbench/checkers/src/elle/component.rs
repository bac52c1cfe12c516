//! Strongly connected components, which contain all cycles.
//!
//! A subgraph may ask for cycles whose *fenced* steps, usually anti-dependencies, are never
//! adjacent. They are the cycles of a graph with two nodes for each operation, one reached by a
//! free step and one reached by a fenced step, where the second only has free steps out. This graph
//! is twice as large; the usual construction, with an edge for each free step and the fenced one
//! after it, may be quadratic.

use super::graph::{Graph, Reason, Relation, Relations, Vertex};
use super::scc::strongly_connected;

/// A step within a component; operations are renumbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    pub(super) to: u32,
    pub(super) relation: Relation,
    pub(super) reason: Reason,
}

/// The part of a hub within a component.
#[derive(Debug)]
pub(super) struct Junction {
    /// In order.
    pub(super) readers: Vec<u32>,
    /// In order.
    pub(super) writers: Vec<u32>,
    /// The reason why readers precede each writer.
    reasons: Vec<Reason>,
}

/// A strongly connected component of two or more operations.
#[derive(Debug)]
pub(super) struct Component {
    /// The operations, in order; all other fields refer to them by index.
    pub(super) members: Vec<Vertex>,
    /// The steps from each of them, in order.
    pub(super) steps: Vec<Vec<Step>>,
    /// The parts of the hubs.
    pub(super) junctions: Vec<Junction>,
    /// The junctions that each of them is a reader of.
    pub(super) junctions_of: Vec<Vec<u32>>,
}

/// The steps that a cycle may consist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subgraph {
    /// Steps allowed in any order.
    pub(super) free: Relations,
    /// Steps allowed if no two of them are adjacent.
    pub(super) fenced: Relations,
}

/// All components of two or more operations, the small ones first.
pub(super) fn components(graph: &Graph) -> Vec<Component> {
    let size = graph.vertices;
    let direct = graph.links();
    let hubs = (size as u32..).zip(&graph.hubs);
    let through_hubs = hubs.flat_map(|(node, hub)| {
        let into = hub.readers.iter().map(move |from| (*from, node));
        into.chain(hub.writers.iter().map(move |(to, _)| (node, *to)))
    });
    let all = strongly_connected(size + graph.hubs.len(), direct.chain(through_hubs));

    // A hub between two operations of a component belongs to it, and so to one component only.
    let split = |nodes: Vec<u32>| -> (Vec<Vertex>, Vec<u32>) {
        nodes.into_iter().partition(|node| (*node as usize) < size)
    };
    let mut groups: Vec<_> = all.into_iter().map(split).collect();
    groups.retain(|(members, _)| members.len() > 1);
    if groups.is_empty() {
        return Vec::new();
    }
    groups.sort_unstable_by_key(|(members, _)| (members.len(), members[0]));
    let mut positions = vec![None; size];
    for (number, (members, _)) in groups.iter().enumerate() {
        for (position, member) in (0..).zip(members) {
            positions[*member as usize] = Some((number, position));
        }
    }
    let (members, hubs): (Vec<_>, Vec<_>) = groups.into_iter().unzip();
    let mut components: Vec<_> = members.into_iter().map(Component::new).collect();
    for edge in graph.edges() {
        let ends = [edge.from, edge.to].map(|vertex| positions[vertex as usize]);
        if let [Some((number, from)), Some((other, to))] = ends
            && number == other
        {
            let (relation, reason) = (edge.relation, edge.reason);
            components[number].add_step(from, to, relation, reason);
        }
    }
    for (number, (component, hubs)) in components.iter_mut().zip(hubs).enumerate() {
        for hub in hubs {
            component.add_junction(graph, hub as usize - size, |vertex| {
                let (other, position) = positions[vertex as usize]?;
                (other == number).then_some(position)
            });
        }
        for steps in &mut component.steps {
            steps.sort_unstable();
            steps.dedup_by_key(|step| (step.to, step.relation));
        }
    }
    components
}

impl Subgraph {
    /// All steps of these relations.
    pub(super) const fn plain(free: Relations) -> Self {
        Subgraph {
            free,
            fenced: Relations::NONE,
        }
    }
}

impl Component {
    fn new(members: Vec<Vertex>) -> Self {
        Component {
            steps: vec![Vec::new(); members.len()],
            junctions_of: vec![Vec::new(); members.len()],
            members,
            junctions: Vec::new(),
        }
    }

    fn add_step(&mut self, from: u32, to: u32, relation: Relation, reason: Reason) {
        self.steps[from as usize].push(Step {
            to,
            relation,
            reason,
        });
    }

    /// Adds the part of a hub within the component.
    fn add_junction(
        &mut self,
        graph: &Graph,
        hub: usize,
        position: impl Fn(Vertex) -> Option<u32>,
    ) {
        let hub = &graph.hubs[hub];
        let number = self.junctions.len() as u32;
        let readers = hub.readers.iter().filter_map(|from| position(*from));
        let readers: Vec<u32> = readers.collect();
        for reader in &readers {
            self.junctions_of[*reader as usize].push(number);
        }
        let (key, before) = (hub.key, hub.before);
        let writers = hub.writers.iter().filter_map(|&(to, after)| {
            let reason = Reason { key, before, after };
            Some((position(to)?, reason))
        });
        let (writers, reasons) = writers.unzip();
        self.junctions.push(Junction {
            readers,
            writers,
            reasons,
        });
    }

    /// The number of operations.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether a hub leads from one operation to another.
    pub(super) fn is_overwritten(&self, from: u32, to: u32) -> bool {
        let mut junctions = self.junctions_of[from as usize].iter();
        let leads = |at: &u32| self.junctions[*at as usize].writers.binary_search(&to);
        from != to && junctions.any(|at| leads(at).is_ok())
    }

    /// All steps from one operation to another, those through hubs included.
    pub(super) fn steps_between(&self, from: u32, to: u32) -> Vec<Step> {
        let steps = &self.steps[from as usize];
        let first = steps.partition_point(|step| step.to < to);
        let direct = steps[first..].iter().take_while(|step| step.to == to);
        let junctions = self.junctions_of[from as usize].iter();
        let through_hubs = junctions.filter_map(|junction| {
            let junction = &self.junctions[*junction as usize];
            let at = junction.writers.binary_search(&to).ok()?;
            (from != to).then_some(Step {
                to,
                relation: Relation::Rw,
                reason: junction.reasons[at],
            })
        });
        direct.copied().chain(through_hubs).collect()
    }

    /// The steps of a cycle, each with the relation that comes first in `ranking`.
    pub(super) fn best_steps(&self, cycle: &[u32], ranking: &[Relation]) -> Vec<Step> {
        let rank = |step: &Step| ranking.iter().position(|it| *it == step.relation);
        let next = cycle.iter().cycle().skip(1);
        let pairs = cycle.iter().zip(next);
        let steps = pairs.filter_map(|(from, to)| {
            let steps = self.steps_between(*from, *to).into_iter();
            steps.min_by_key(rank)
        });
        steps.collect()
    }

    /// The strongly connected components of a subgraph, the smallest first: each operation of one
    /// is on a cycle with each other one.
    ///
    /// The step through a hub from an operation to itself does no harm. In a plain subgraph it adds
    /// nothing that can be reached. A fenced one follows a free step and is followed by a free
    /// step: a cycle with it is a cycle without it. Nor can it be a cycle alone.
    pub(super) fn knots(&self, subgraph: Subgraph) -> Vec<Vec<u32>> {
        let Subgraph { free, fenced } = subgraph;
        let size = self.len() as u32;
        // Operation v is node v, or node size + v if a fenced step led there.
        let is_doubled = fenced != Relations::NONE;
        let reached = |op: u32, by| if free.contains(by) { op } else { size + op };
        let left = |op: u32, by| {
            let second = is_doubled && free.contains(by);
            [Some(op), second.then_some(size + op)]
                .into_iter()
                .flatten()
        };
        let mut edges = Vec::new();
        let is_in = |relation| free.contains(relation) || fenced.contains(relation);
        for (from, steps) in (0..).zip(&self.steps) {
            for step in steps.iter().filter(|step| is_in(step.relation)) {
                let to = reached(step.to, step.relation);
                edges.extend(left(from, step.relation).map(|from| (from, to)));
            }
        }
        let by = Relation::Rw;
        let junctions = (2 * size..).zip(&self.junctions);
        for (node, junction) in junctions.filter(|_| is_in(by)) {
            let readers = junction.readers.iter().flat_map(|from| left(*from, by));
            edges.extend(readers.map(|from| (from, node)));
            let writers = junction.writers.iter();
            edges.extend(writers.map(|to| (node, reached(*to, by))));
        }
        let nodes = 2 * self.len() + self.junctions.len();
        let knots = strongly_connected(nodes, edges.iter().copied()).into_iter();
        let knots = knots.map(|nodes| {
            let ops = nodes.into_iter().filter(|node| *node < 2 * size);
            let mut ops: Vec<u32> = ops.map(|node| node % size).collect();
            ops.sort_unstable();
            ops.dedup();
            ops
        });
        let mut knots: Vec<_> = knots.filter(|ops| ops.len() > 1).collect();
        knots.sort_unstable_by_key(|ops| (ops.len(), ops[0]));
        knots
    }
}
