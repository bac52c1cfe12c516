//! A small graph, all of whose simple cycles can be listed.

use std::collections::{BTreeMap, BTreeSet};

/// Why one operation comes before another.
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
    /// The better reason first.
    ranking: [Relation; 5],
    pub edges: BTreeMap<(usize, usize), BTreeSet<Relation>>,
    /// Whether anything was put before anything, if only before itself.
    pub is_told: bool,
}

/// Operations in order, each with the best reason why it comes before the next.
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
    /// The anomaly that it is; none if it is none.
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

/// Whether a cycle of the one kind counts as a cycle of the other.
pub fn implies(special: &str, general: &str) -> bool {
    let split = |kind: &str| {
        for (rank, order) in ["-realtime", "-process"].into_iter().enumerate() {
            if let Some(family) = kind.strip_suffix(order) {
                return (family.to_owned(), 2 - rank);
            }
        }
        (kind.to_owned(), 0)
    };
    let ((family, order), (wanted, most)) = (split(special), split(general));
    let families = [
        &["G0", "G1c"][..],
        &["G-single-item", "G-nonadjacent-item", "G2-item"][..],
    ];
    let place = |list: &[&str], name: &str| list.iter().position(|it| *it == name);
    let is_case = families.iter().any(|list| {
        place(list, &family).is_some_and(|at| place(list, &wanted).is_some_and(|to| at <= to))
    });
    is_case && order <= most
}

impl Graph {
    /// A graph whose steps are told by the first of their relations in a ranking.
    pub fn new(ranking: [Relation; 5]) -> Self {
        Graph {
            ranking,
            edges: BTreeMap::new(),
            is_told: false,
        }
    }

    pub fn link(&mut self, from: usize, to: usize, relation: Relation) {
        self.is_told = true;
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

    /// Where one gets from an operation by edges with some of these relations.
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

    /// The graph in which each anti-dependency is joined with any edge before it, and stands
    /// nowhere else. The joint edges may lead back to where they begin, which is a cycle.
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

    /// Everything that comes both before and after an operation.
    pub fn component(&self, op: usize) -> BTreeSet<usize> {
        const ALL: [Relation; 5] = [Wr, Ww, Rw, Realtime, Process];
        let after = self.reachable(op, &ALL).into_iter();
        after
            .filter(|it| self.reachable(*it, &ALL).contains(&op))
            .collect()
    }

    /// The best reasons for the steps of a cycle, if it is one.
    pub fn told(&self, ops: &[usize]) -> Option<Vec<Relation>> {
        let ends = |at: usize| (ops[at], ops[(at + 1) % ops.len()]);
        let best = |at: usize| {
            let why = self.edges.get(&ends(at))?;
            self.ranking.into_iter().find(|it| why.contains(it))
        };
        (0..ops.len()).map(best).collect()
    }

    /// All cycles that pass no operation twice, each once, from its least operation.
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
                    relations: self.told(path).unwrap(),
                });
            } else if to > start && !path.contains(&to) {
                path.push(to);
                self.extend_path(path, cycles);
                path.pop();
            }
        }
    }
}
