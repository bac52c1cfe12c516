//! A small graph that lists all its simple cycles.

use std::collections::{BTreeMap, BTreeSet};

/// The reason why one operation precedes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    Wr,
    Ww,
    Rw,
    Realtime,
    Process,
}

use Relation::{Process, Realtime, Rw, Wr, Ww};

/// Operations by their indices, and the relations between them.
pub struct Graph {
    /// Relations, the best reason first.
    ranking: [Relation; 5],
    pub edges: BTreeMap<(usize, usize), BTreeSet<Relation>>,
    /// Whether any edge was added, including those from an operation to itself.
    pub has_links: bool,
}

/// Operations in order, with the best reason why each precedes the next.
#[derive(Debug, Clone)]
pub struct Cycle {
    pub ops: Vec<usize>,
    pub relations: Vec<Relation>,
}

impl Relation {
    pub fn named(name: &str) -> Self {
        match name {
            "wr" => Wr,
            "ww" => Ww,
            "rw" => Rw,
            "process" => Process,
            "realtime" => Realtime,
            other => panic!("{other} is no relation"),
        }
    }
}

impl Cycle {
    /// The anomaly of the cycle. `None` if it is none.
    pub fn kind(&self) -> Option<String> {
        let count = |relation| self.relations.iter().filter(|it| **it == relation).count();
        let length = self.relations.len();
        let follows = |at: usize| self.relations[(at + 1) % length];
        let is_adjacent = (0..length).any(|at| self.relations[at] == Rw && follows(at) == Rw);
        let family = match (count(Rw), count(Wr), count(Ww)) {
            (0, 0, 0) => return None,
            (0, 0, _) => "G0",
            (0, _, _) => "G1c",
            (1, _, _) => "G-single-item",
            _ if is_adjacent => "G2-item",
            _ => "G-nonadjacent-item",
        };
        let order = match (count(Realtime), count(Process)) {
            (0, 0) => "",
            (0, _) => "-process",
            _ => "-realtime",
        };
        Some(format!("{family}{order}"))
    }
}

/// Whether a cycle of the first kind counts as a cycle of the second.
pub fn implies(special: &str, general: &str) -> bool {
    let split = |kind: &str| {
        for (rank, order) in ["-realtime", "-process"].into_iter().enumerate() {
            if let Some(family) = kind.strip_suffix(order) {
                return (family.to_owned(), 2 - rank);
            }
        }
        (kind.to_owned(), 0)
    };
    let ((family, order), (wanted, max_order)) = (split(special), split(general));
    let families = [
        &["G0", "G1c"][..],
        &["G-single-item", "G-nonadjacent-item", "G2-item"][..],
    ];
    let position_in = |list: &[&str], name: &str| list.iter().position(|it| *it == name);
    let is_case = families.iter().any(|list| {
        position_in(list, &family)
            .is_some_and(|at| position_in(list, &wanted).is_some_and(|to| at <= to))
    });
    is_case && order <= max_order
}

impl Graph {
    /// An empty graph with a ranking of reasons.
    pub fn new(ranking: [Relation; 5]) -> Self {
        Graph {
            ranking,
            edges: BTreeMap::new(),
            has_links: false,
        }
    }

    pub fn link(&mut self, from: usize, to: usize, relation: Relation) {
        self.has_links = true;
        if from != to {
            self.edges.entry((from, to)).or_default().insert(relation);
        }
    }

    fn ops(&self) -> BTreeSet<usize> {
        self.edges
            .keys()
            .flat_map(|(from, to)| [*from, *to])
            .collect()
    }

    /// The operations reachable by edges with some of these relations.
    fn reachable(&self, start: usize, relations: &[Relation]) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some(op) = open.pop() {
            for (&(from, to), why) in &self.edges {
                let is_there = relations.iter().any(|it| why.contains(it));
                if from == op && is_there && reached.insert(to) {
                    open.push(to);
                }
            }
        }
        reached
    }

    /// Whether there is a cycle of edges that have some of these relations.
    pub fn is_cyclic(&self, relations: &[Relation]) -> bool {
        let mut ops = self.ops().into_iter();
        ops.any(|op| self.reachable(op, relations).contains(&op))
    }

    /// The graph in which each anti-dependency only exists joined with any edge before it. A joint
    /// edge may lead back to its start, which is a cycle.
    pub fn extended(&self, relations: &[Relation]) -> Graph {
        let mut extended = Graph::new(self.ranking);
        for (&(from, middle), why) in &self.edges {
            if !relations.iter().any(|it| why.contains(it)) {
                continue;
            }
            let edges = &mut extended.edges;
            edges.entry((from, middle)).or_default().insert(Ww);
            for (&(also, to), why) in &self.edges {
                if also == middle && why.contains(&Rw) {
                    edges.entry((from, to)).or_default().insert(Ww);
                }
            }
        }
        extended
    }

    /// The operations that come both before and after an operation.
    pub fn component(&self, op: usize) -> BTreeSet<usize> {
        const ALL: [Relation; 5] = [Wr, Ww, Rw, Realtime, Process];
        let after = self.reachable(op, &ALL).into_iter();
        after
            .filter(|it| self.reachable(*it, &ALL).contains(&op))
            .collect()
    }

    /// The best reasons for the steps of a cycle, if it is one.
    pub fn best_reasons(&self, ops: &[usize]) -> Option<Vec<Relation>> {
        let ends = |at: usize| (ops[at], ops[(at + 1) % ops.len()]);
        let best = |at: usize| {
            let why = self.edges.get(&ends(at))?;
            self.ranking.into_iter().find(|it| why.contains(it))
        };
        (0..ops.len()).map(best).collect()
    }

    /// All cycles that contain no operation twice, each once, from its smallest operation.
    pub fn simple_cycles(&self) -> Vec<Cycle> {
        let mut cycles = Vec::new();
        for start in self.ops() {
            self.extend_path(&mut vec![start], &mut cycles);
        }
        cycles
    }

    fn extend_path(&self, path: &mut Vec<usize>, cycles: &mut Vec<Cycle>) {
        let (start, end) = (path[0], path[path.len() - 1]);
        let next = self.edges.range((end, 0)..(end + 1, 0));
        for to in next.map(|((_, to), _)| *to).collect::<Vec<_>>() {
            if to == start {
                cycles.push(Cycle {
                    ops: path.clone(),
                    relations: self.best_reasons(path).unwrap(),
                });
            } else if to > start && !path.contains(&to) {
                path.push(to);
                self.extend_path(path, cycles);
                path.pop();
            }
        }
    }
}
