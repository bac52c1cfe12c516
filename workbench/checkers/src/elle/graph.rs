//! What comes before what: a graph whose vertices are operations and whose edges say why.
//!
//! "Who read this version comes before who replaced it" holds for each of many readers and each of
//! many writers. Such a product is kept as one *hub* with readers on one side and writers on the
//! other, so that a graph takes about as much room as the history it comes from. An operation may
//! stand on both sides; as nothing comes before itself, the way through the hub from an operation
//! to itself does not exist, and everything that walks the graph minds that.

use std::collections::HashMap;

use history::{Kind, Pair};

/// An operation: its place in the list of operations that a graph is made for.
pub(crate) type Vertex = u32;

/// Why one operation comes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// It wrote the version that the other one replaced.
    Ww,
    /// It wrote the version that the other one read.
    Wr,
    /// It read the version that the other one replaced.
    Rw,
    /// It is earlier on the same process.
    Process,
    /// It had ended before the other one began.
    Realtime,
}

/// A set of relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Relations(u8);

/// What a relation between two operations rests on; the numbers are for whoever made the graph. An
/// order by process or time rests on nothing else.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reason {
    /// The object that both touched.
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

/// Each of those who read a version comes before each of those who replaced it, itself excepted. A
/// writer stands beside the version that it wrote.
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
    /// What follows from data.
    data: Vec<Edge>,
    /// What rests on no numbers, by relation. There is much of it.
    plain: [Vec<(Vertex, Vertex)>; Relation::COUNT],
    /// The order by time: the sources of edges, and for each target where its own end. There is most
    /// of this.
    earlier: Vec<Vertex>,
    earlier_ends: Vec<u32>,
    pub(super) hubs: Vec<Hub>,
    /// Whether anything was ever put before anything, itself included.
    is_told: bool,
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
    /// What data alone tells, as long as nothing is overwritten that was read.
    pub(super) const WRITES: Relations = Relations::of(&[Relation::Ww, Relation::Wr]);

    /// A set of some.
    pub(super) const fn of(relations: &[Relation]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < relations.len() {
            set |= 1 << relations[at] as u8;
            at += 1;
        }
        Relations(set)
    }

    /// The set with one more.
    pub(super) fn with(self, relation: Relation) -> Self {
        Relations(self.0 | 1 << relation as u8)
    }

    /// Whether one is in the set.
    pub(super) fn contains(self, relation: Relation) -> bool {
        self.0 & (1 << relation as u8) != 0
    }

    /// All of the set, in order.
    pub(super) fn iter(self) -> impl Iterator<Item = Relation> {
        Relation::ALL
            .into_iter()
            .filter(move |relation| self.contains(*relation))
    }
}

impl Graph {
    /// A graph of so many operations, none of which comes before another.
    pub(crate) fn new(vertices: usize) -> Self {
        Graph {
            vertices,
            ..Graph::default()
        }
    }

    /// Whether nothing is known of any order: no operation was said to come before any, not even
    /// one before itself.
    pub(crate) fn is_empty(&self) -> bool {
        !self.is_told
    }

    /// Whether no operation comes before another one.
    pub(crate) fn is_flat(&self) -> bool {
        let is_plain = self.plain.iter().any(|edges| !edges.is_empty());
        self.data.is_empty() && !is_plain && self.earlier.is_empty() && self.hubs.is_empty()
    }

    /// Puts one operation before another; no order follows if they are the same.
    pub(crate) fn link(&mut self, from: Vertex, to: Vertex, relation: Relation, reason: Reason) {
        self.is_told = true;
        if from != to {
            self.data.push(Edge {
                from,
                to,
                relation,
                reason,
            });
        }
    }

    /// Puts one operation before another, for a reason that needs no numbers.
    pub(crate) fn follow(&mut self, from: Vertex, to: Vertex, relation: Relation) {
        self.is_told = true;
        if from != to {
            self.plain[relation as usize].push((from, to));
        }
    }

    /// All edges, hubs apart.
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

    /// The ends of all edges, hubs apart.
    pub(crate) fn links(&self) -> impl Iterator<Item = (Vertex, Vertex)> + Clone {
        self.edges().map(|edge| (edge.from, edge.to))
    }

    /// Puts each of those who read the version `before` of a key before each of those who replaced
    /// it, who stand beside the version that they wrote. Nobody is listed twice on one side.
    pub(crate) fn overwrite(
        &mut self,
        key: u32,
        before: u32,
        readers: &[Vertex],
        writers: &[(Vertex, u32)],
    ) {
        // One to many needs no hub.
        if readers.len().min(writers.len()) <= 1 {
            for &from in readers {
                for &(to, after) in writers {
                    self.link(from, to, Relation::Rw, Reason { key, before, after });
                }
            }
            return;
        }
        self.is_told = true;
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
    /// graph, those of one process in their order.
    pub(crate) fn link_processes(&mut self, ops: &[Pair<'_>]) {
        let mut last = HashMap::new();
        for (vertex, op) in (0..).zip(ops) {
            if op.completion.is_some_and(|op| op.kind == Kind::Ok)
                && let Some(earlier) = last.insert(op.invocation.process, vertex)
            {
                self.follow(earlier, vertex, Relation::Process);
            }
        }
    }

    /// Puts each `ok` operation before those that began after it had ended, unless that follows
    /// from others: before an operation come the ones that had ended when it began, without those
    /// that had ended when one of these began. These are never more than ran at the same time.
    ///
    /// What is not `ok` may come after others, but nothing comes after it: nobody knows when, if
    /// ever, it took effect. `ops` are all operations of the graph.
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
        // The latest to have ended, and when.
        let mut latest: Vec<(Vertex, usize)> = Vec::new();
        for (moment, vertex, begun) in moments {
            if let Some(begun) = begun {
                latest.retain(|(_, ended)| *ended > begun);
                latest.push((vertex, moment));
            } else {
                // Operations are numbered in the order in which they began.
                self.is_told |= !latest.is_empty();
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

    /// Demands the edges, as pairs of the places in which operations began.
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
    fn what_ended_comes_before_what_begins() {
        let check = |ops, expected: &[(u32, u32)]| check(ops, Relation::Realtime, expected);
        check("0 invoke, 0 ok, 1 invoke, 1 ok", &[(0, 1)]);
        check("0 invoke, 1 invoke, 0 ok, 1 ok", &[]);
        // The first comes before the third by way of the second.
        check(
            "0 invoke, 0 ok, 1 invoke, 1 ok, 2 invoke, 2 ok",
            &[(0, 1), (1, 2)],
        );
        // 2 began before 1 had ended, so 0 must be put before it, too.
        check(
            "0 invoke, 0 ok, 1 invoke, 2 invoke, 1 ok, 2 ok, 3 invoke, 3 ok",
            &[(0, 1), (0, 2), (1, 3), (2, 3)],
        );
    }

    #[test]
    fn what_did_not_end_well_comes_before_nothing_in_real_time() {
        let check = |ops, expected: &[(u32, u32)]| check(ops, Relation::Realtime, expected);
        check(
            "0 invoke, 0 ok, 1 invoke, 1 info, 2 invoke, 2 fail, 3 invoke, 3 ok",
            &[(0, 1), (0, 2), (0, 3)],
        );
        check("0 invoke, 0 ok, 1 invoke", &[]);
    }

    #[test]
    fn a_process_does_one_thing_after_another() {
        check(
            "0 invoke, 1 invoke, 1 ok, 0 ok, 0 invoke, 0 fail, 0 invoke, 0 ok, 1 invoke, 1 info",
            Relation::Process,
            &[(0, 3)],
        );
    }
}
