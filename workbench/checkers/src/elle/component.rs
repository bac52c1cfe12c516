//! Strongly connected components: where there are cycles, and nowhere else.
//!
//! A subgraph may ask for cycles whose *fenced* steps, anti-dependencies as a rule, never follow
//! one another. Such cycles are the plain cycles of a graph that has each operation twice, as
//! reached by a free step and as reached by a fenced one, where the second has only free steps to
//! go on with. This graph is twice as large; the textbook's, with an edge for each free step and
//! the fenced one after it, may be as large as its square.

use super::graph::{Graph, Reason, Relation, Relations, Vertex};
use super::scc::strongly_connected;

/// A step inside a component; operations are numbered anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    pub(super) to: u32,
    pub(super) relation: Relation,
    pub(super) reason: Reason,
}

/// What is left of a hub inside a component.
#[derive(Debug)]
pub(super) struct Junction {
    /// In order.
    pub(super) readers: Vec<u32>,
    /// In order.
    pub(super) writers: Vec<u32>,
    /// What puts readers before each writer.
    reasons: Vec<Reason>,
}

/// Two or more operations, each of which comes before each other one, cut out of their graph.
#[derive(Debug)]
pub(super) struct Component {
    /// The operations, in order; everything here speaks of their places in this list.
    pub(super) members: Vec<Vertex>,
    /// The steps from each of them, in order.
    pub(super) steps: Vec<Vec<Step>>,
    /// What is left of the hubs.
    pub(super) junctions: Vec<Junction>,
    /// The junctions that each of them is a reader of.
    pub(super) junctions_of: Vec<Vec<u32>>,
}

/// Which steps a cycle may be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subgraph {
    /// These, in any order.
    pub(super) free: Relations,
    /// And these, but never one after the other.
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

    // What lies between two operations of a component belongs to it, so a hub has but one.
    let split = |nodes: Vec<u32>| -> (Vec<Vertex>, Vec<u32>) {
        nodes.into_iter().partition(|node| (*node as usize) < size)
    };
    let mut groups: Vec<_> = all.into_iter().map(split).collect();
    groups.retain(|(members, _)| members.len() > 1);
    groups.sort_unstable_by_key(|(members, _)| (members.len(), members[0]));
    let mut places = vec![None; size];
    for (number, (members, _)) in groups.iter().enumerate() {
        for (place, member) in (0..).zip(members) {
            places[*member as usize] = Some((number, place));
        }
    }
    let (members, hubs): (Vec<_>, Vec<_>) = groups.into_iter().unzip();
    let mut components: Vec<_> = members.into_iter().map(Component::new).collect();
    for edge in graph.edges() {
        let ends = [edge.from, edge.to].map(|vertex| places[vertex as usize]);
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
                let (other, place) = places[vertex as usize]?;
                (other == number).then_some(place)
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

    /// Cuts a hub to what is inside.
    fn add_junction(&mut self, graph: &Graph, hub: usize, place: impl Fn(Vertex) -> Option<u32>) {
        let hub = &graph.hubs[hub];
        let number = self.junctions.len() as u32;
        let readers = hub.readers.iter().filter_map(|from| place(*from));
        let readers: Vec<u32> = readers.collect();
        for reader in &readers {
            self.junctions_of[*reader as usize].push(number);
        }
        let (key, before) = (hub.key, hub.before);
        let writers = hub.writers.iter().filter_map(|&(to, after)| {
            let reason = Reason { key, before, after };
            Some((place(to)?, reason))
        });
        let (writers, reasons) = writers.unzip();
        self.junctions.push(Junction {
            readers,
            writers,
            reasons,
        });
    }

    /// How many operations there are.
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

    /// The steps of a cycle, each by the first of its relations in a ranking of all.
    pub(super) fn told(&self, cycle: &[u32], ranking: &[Relation]) -> Vec<Step> {
        let rank = |step: &Step| ranking.iter().position(|it| *it == step.relation);
        let next = cycle.iter().cycle().skip(1);
        let pairs = cycle.iter().zip(next);
        let steps = pairs.filter_map(|(from, to)| {
            let steps = self.steps_between(*from, *to).into_iter();
            steps.min_by_key(rank)
        });
        steps.collect()
    }

    /// Where the cycles of a subgraph are: sets of operations, the smallest first, in each of which
    /// every operation lies on a cycle with every other one.
    ///
    /// The step through a hub from an operation to itself does no harm. In a plain subgraph it adds
    /// nothing to what can be reached. A fenced one follows a free step and is followed by a free
    /// step: a cycle with it is a cycle without it. Nor can it be a cycle alone.
    pub(super) fn knots(&self, subgraph: Subgraph) -> Vec<Vec<u32>> {
        let Subgraph { free, fenced } = subgraph;
        let size = self.len() as u32;
        // Operation v is node v, or node size + v once a fenced step has led there.
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
