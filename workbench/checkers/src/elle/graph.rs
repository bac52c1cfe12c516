//! A dependency graph: its vertices are operations, and its edges give reasons for their order.
//!
//! Each of many readers of a version precedes each of many writers that replaced it. Such a product
//! is kept as one *hub* with readers on one side and writers on the other, so that a graph is about
//! as large as its history. An operation may be on both sides; as nothing precedes itself, the path
//! through the hub from an operation to itself does not exist, and all code that walks the graph
//! must skip it.

use std::collections::HashMap;

use history::{Kind, Pair};

/// An operation, as an index into the list that the graph is made for.
pub(crate) type Vertex = u32;

/// The reason why one operation precedes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// It wrote the version that the other replaced.
    Ww,
    /// It wrote the version that the other read.
    Wr,
    /// It read the version that the other replaced (an anti-dependency).
    Rw,
    /// It is earlier on the same process.
    Process,
    /// It ended before the other began.
    Realtime,
}

/// A set of relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Relations(u8);

/// The versions that a relation rests on, as numbers of the graph's maker. Order by process or time
/// rests on none.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reason {
    /// The key that both touched.
    pub(crate) key: u32,
    /// The version that the first one touched.
    pub(crate) before: u32,
    /// The version that the second one touched.
    pub(crate) after: u32,
}

/// One operation comes before another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) from: Vertex,
    pub(super) to: Vertex,
    pub(super) relation: Relation,
    pub(super) reason: Reason,
}

/// A hub: each reader of a version precedes each writer that replaced it, except itself. A writer
/// is paired with the version that it wrote.
#[derive(Debug, Clone)]
pub(super) struct Hub {
    pub(super) key: u32,
    pub(super) before: u32,
    pub(super) readers: Vec<Vertex>,
    pub(super) writers: Vec<(Vertex, u32)>,
}

/// A dependency graph.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(super) vertices: usize,
    /// Edges with a reason.
    data: Vec<Edge>,
    /// Edges without a reason, by relation. There are many.
    plain: [Vec<(Vertex, Vertex)>; Relation::COUNT],
    /// The order by time, which has the most edges: the sources of edges, and for each target the
    /// end of its own.
    earlier: Vec<Vertex>,
    earlier_ends: Vec<u32>,
    pub(super) hubs: Vec<Hub>,
    /// Whether any edge was added, including those from an operation to itself.
    has_links: bool,
}

impl Relation {
    const COUNT: usize = 5;

    const ALL: [Relation; Relation::COUNT] = [
        Relation::Ww,
        Relation::Wr,
        Relation::Rw,
        Relation::Process,
        Relation::Realtime,
    ];

    /// The keyword in results.
    pub fn name(self) -> &'static str {
        match self {
            Relation::Ww => "ww",
            Relation::Wr => "wr",
            Relation::Rw => "rw",
            Relation::Process => "process",
            Relation::Realtime => "realtime",
        }
    }
}

impl Relations {
    /// The empty set.
    pub(super) const NONE: Relations = Relations(0);
    /// The relations of data without anti-dependencies.
    pub(super) const WRITES: Relations = Relations::of(&[Relation::Ww, Relation::Wr]);

    /// The set of these relations.
    pub(super) const fn of(relations: &[Relation]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < relations.len() {
            set |= 1 << relations[at] as u8;
            at += 1;
        }
        Relations(set)
    }

    /// The set with one more relation.
    pub(super) fn with(self, relation: Relation) -> Self {
        Relations(self.0 | 1 << relation as u8)
    }

    /// Whether a relation is in the set.
    pub(super) fn contains(self, relation: Relation) -> bool {
        self.0 & (1 << relation as u8) != 0
    }

    /// All relations of the set, in order.
    pub(super) fn iter(self) -> impl Iterator<Item = Relation> {
        Relation::ALL
            .into_iter()
            .filter(move |relation| self.contains(*relation))
    }
}

impl Graph {
    /// A graph without edges.
    pub(crate) fn new(vertices: usize) -> Self {
        Graph {
            vertices,
            ..Graph::default()
        }
    }

    /// Whether no edge was ever added, not even one from an operation to itself.
    pub(crate) fn is_empty(&self) -> bool {
        !self.has_links
    }

    /// Whether no operation precedes another.
    pub(crate) fn is_flat(&self) -> bool {
        let is_plain = self.plain.iter().any(|edges| !edges.is_empty());
        self.data.is_empty() && !is_plain && self.earlier.is_empty() && self.hubs.is_empty()
    }

    /// Adds an edge with a reason, unless the operations are the same.
    pub(crate) fn link(&mut self, from: Vertex, to: Vertex, relation: Relation, reason: Reason) {
        self.has_links = true;
        if from != to {
            self.data.push(Edge {
                from,
                to,
                relation,
                reason,
            });
        }
    }

    /// Adds an edge without a reason, unless the operations are the same.
    pub(crate) fn link_plain(&mut self, from: Vertex, to: Vertex, relation: Relation) {
        self.has_links = true;
        if from != to {
            self.plain[relation as usize].push((from, to));
        }
    }

    /// All edges, except those of hubs.
    pub(super) fn edges(&self) -> impl Iterator<Item = Edge> + Clone {
        let bare = |from, to, relation| Edge {
            from,
            to,
            relation,
            reason: Reason::default(),
        };
        let plain = Relation::ALL.into_iter().zip(&self.plain);
        let plain = plain.flat_map(move |(relation, edges)| {
            edges
                .iter()
                .map(move |&(from, to)| bare(from, to, relation))
        });
        let starts = [0].into_iter().chain(self.earlier_ends.iter().copied());
        let timely = (0..).zip(starts.zip(&self.earlier_ends));
        let timely = timely.flat_map(move |(to, (start, end))| {
            let earlier = self.earlier[start as usize..*end as usize].iter();
            earlier.map(move |from| bare(*from, to, Relation::Realtime))
        });
        self.data.iter().copied().chain(plain).chain(timely)
    }

    /// The ends of all edges, except those of hubs.
    pub(crate) fn links(&self) -> impl Iterator<Item = (Vertex, Vertex)> + Clone {
        self.edges().map(|edge| (edge.from, edge.to))
    }

    /// Puts each reader of the version `before` of a key before each writer that replaced it, which
    /// is paired with the version that it wrote. No operation is twice on one side.
    pub(crate) fn overwrite(
        &mut self,
        key: u32,
        before: u32,
        readers: &[Vertex],
        writers: &[(Vertex, u32)],
    ) {
        // A product with a single reader or writer needs no hub.
        if readers.len().min(writers.len()) <= 1 {
            for &from in readers {
                for &(to, after) in writers {
                    self.link(from, to, Relation::Rw, Reason { key, before, after });
                }
            }
            return;
        }
        self.has_links = true;
        let (mut readers, mut writers) = (readers.to_vec(), writers.to_vec());
        readers.sort_unstable();
        writers.sort_unstable();
        self.hubs.push(Hub {
            key,
            before,
            readers,
            writers,
        });
    }

    /// Puts each `ok` operation before the next one of its process. `ops` are all operations of the
    /// graph, in order of time.
    pub(crate) fn link_processes(&mut self, ops: &[Pair<'_>]) {
        let mut last = HashMap::new();
        for (vertex, op) in (0..).zip(ops) {
            if op.completion.is_some_and(|op| op.kind == Kind::Ok)
                && let Some(earlier) = last.insert(op.invocation.process, vertex)
            {
                self.link_plain(earlier, vertex, Relation::Process);
            }
        }
    }

    /// Puts each `ok` operation before those that began after it ended, unless that follows from
    /// other edges: an operation is preceded by those that ended before it began, except those that
    /// ended before one of these began. They are never more than ran concurrently.
    ///
    /// Operations that are not `ok` can come after others, but nothing comes after them, since it
    /// is unknown when they took effect, if ever. `ops` are all operations of the graph.
    pub(crate) fn link_realtime(&mut self, ops: &[Pair<'_>]) {
        let mut moments = Vec::with_capacity(2 * ops.len());
        for (vertex, op) in (0..).zip(ops) {
            if let Some(completion) = op.completion {
                moments.push((op.invocation.index, vertex, None));
                if completion.kind == Kind::Ok {
                    moments.push((completion.index, vertex, Some(op.invocation.index)));
                }
            }
        }
        moments.sort_unstable();
        // The operations that ended last, and when.
        let mut latest: Vec<(Vertex, usize)> = Vec::new();
        for (moment, vertex, begun) in moments {
            if let Some(begun) = begun {
                latest.retain(|(_, ended)| *ended > begun);
                latest.push((vertex, moment));
            } else {
                // Operations are numbered in the order of their invocations.
                self.has_links |= !latest.is_empty();
                self.earlier_ends
                    .resize(vertex as usize, self.earlier.len() as u32);
                self.earlier
                    .extend(latest.iter().map(|(earlier, _)| *earlier));
                self.earlier_ends.push(self.earlier.len() as u32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Graph, Relation};
    use history::History;

    /// A history of `process kind` entries, all `txn`.
    fn history(ops: &str) -> History {
        let line = |(index, op): (usize, &str)| {
            let (process, kind) = op.split_once(' ').unwrap();
            format!(
                r#"{{"index":{index},"time":{index},"type":"{kind}","process":{process},"f":"txn","value":[]}}"#
            )
        };
        let lines: Vec<_> = ops.split(", ").enumerate().map(line).collect();
        History::read_json(lines.join("\n").as_bytes()).unwrap()
    }

    /// Asserts the edges, as pairs of operations numbered by invocation.
    fn check(ops: &str, relation: Relation, expected: &[(u32, u32)]) {
        let history = history(ops);
        let pairs = history.pairs();
        let mut graph = Graph::new(pairs.len());
        match relation {
            Relation::Process => graph.link_processes(&pairs),
            _ => graph.link_realtime(&pairs),
        }
        let mut edges: Vec<_> = graph.links().collect();
        edges.sort_unstable();
        assert_eq!(edges, expected, "{ops}");
        assert!(graph.edges().all(|edge| edge.relation == relation));
    }

    #[test]
    fn an_operation_precedes_those_that_begin_after_it_ended() {
        let check = |ops, expected: &[(u32, u32)]| check(ops, Relation::Realtime, expected);
        check("0 invoke, 0 ok, 1 invoke, 1 ok", &[(0, 1)]);
        check("0 invoke, 1 invoke, 0 ok, 1 ok", &[]);
        // The first precedes the third through the second.
        check(
            "0 invoke, 0 ok, 1 invoke, 1 ok, 2 invoke, 2 ok",
            &[(0, 1), (1, 2)],
        );
        // 2 began before 1 ended, so 0 must be put before it, too.
        check(
            "0 invoke, 0 ok, 1 invoke, 2 invoke, 1 ok, 2 ok, 3 invoke, 3 ok",
            &[(0, 1), (0, 2), (1, 3), (2, 3)],
        );
    }

    #[test]
    fn an_operation_that_is_not_ok_precedes_none_in_real_time() {
        let check = |ops, expected: &[(u32, u32)]| check(ops, Relation::Realtime, expected);
        check(
            "0 invoke, 0 ok, 1 invoke, 1 info, 2 invoke, 2 fail, 3 invoke, 3 ok",
            &[(0, 1), (0, 2), (0, 3)],
        );
        check("0 invoke, 0 ok, 1 invoke", &[]);
    }

    #[test]
    fn operations_of_a_process_are_in_order() {
        check(
            "0 invoke, 1 invoke, 1 ok, 0 ok, 0 invoke, 0 fail, 0 invoke, 0 ok, 1 invoke, 1 info",
            Relation::Process,
            &[(0, 3)],
        );
    }
}
