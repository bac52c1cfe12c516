//! The order of operations: a send precedes the polls that returned its message, and an operation
//! precedes those that began after it ended. A cycle means that a message was polled before it was
//! sent.

use super::Analysis;
use super::cases::{Case, DEFAULT_KEEP, Keep, cases};
use super::reads::Read;
use super::result::LogAnomaly;
use crate::elle::anomalies::{Anomalies, EMPTY_GRAPH};
use crate::elle::cycles::{CycleCase, CycleStep, SEARCH_TIMEOUT, cycles};
use crate::elle::graph::{Graph, Relation, Vertex};
use crate::elle::{Cases, Models, OpStep, StepReason};
use history::{History, Kind, Op, Pair};

/// The relations of a step, the one to report first.
const RANKING: [Relation; 5] = [
    Relation::Ww,
    Relation::Wr,
    Relation::Rw,
    Relation::Realtime,
    Relation::Process,
];

/// The number of cycles of one kind that are kept, the shortest ones.
const KEEP_CYCLES: Keep = Keep::Lightest(8);

/// The cycles that strict serializability forbids.
pub(super) fn anomalies(analysis: &Analysis<'_>, history: &History) -> Vec<Cases<LogAnomaly>> {
    let ops = history.pairs();
    let graph = graph(&ops, analysis);
    if graph.is_empty() {
        return vec![Cases {
            name: EMPTY_GRAPH,
            count: 1,
            cases: vec![LogAnomaly::NothingOrdered],
        }];
    }
    let mut found = Anomalies::default();
    for case in cycles(&graph, &RANKING) {
        found.add(case.anomaly(), case);
    }
    // Whether cycles exist is known even if the search for an example gave up.
    found.remove(SEARCH_TIMEOUT);
    let judgement = found.judge(&Models::default());
    let anomalies = judgement.reported().filter_map(|(name, found)| {
        let kept = match found.first()? {
            CycleCase::Cycle(_) => KEEP_CYCLES,
            CycleCase::Exists(_) | CycleCase::Unfinished(_) => DEFAULT_KEEP,
        };
        let numbered = found.iter().map(|case| Numbered { case, ops: &ops });
        cases(name, &numbered.collect::<Vec<_>>(), kept, analysis)
    });
    anomalies.collect()
}

fn graph(ops: &[Pair<'_>], analysis: &Analysis<'_>) -> Graph {
    let mut vertices: Vec<(usize, Vertex)> = Vec::with_capacity(ops.len());
    for (vertex, op) in (0..).zip(ops) {
        if let Some(completion) = op.completion {
            vertices.push((completion.index, vertex));
        }
    }
    vertices.sort_unstable();
    let vertex = |op: &Op| {
        let at = vertices.binary_search_by_key(&op.index, |(index, _)| *index);
        Some(vertices[at.ok()?].1)
    };
    let mut graph = Graph::new(ops.len());
    for read in analysis.reads() {
        // Failed operations are not ordered; a read of a failed send is an anomaly by itself.
        let has_part = |op: &&Op| op.kind != Kind::Fail;
        let ends = [read.writer, read.reader].map(|op| Some(op).filter(has_part));
        let ends = ends.map(|op| op.and_then(vertex));
        if let [Some(writer), Some(reader)] = ends {
            graph.link_plain(writer, reader, Relation::Wr);
        }
    }
    graph.link_realtime(ops);
    graph
}

/// A case, and the operations that its numbers refer to.
struct Numbered<'a> {
    case: &'a CycleCase,
    ops: &'a [Pair<'a>],
}

impl<'a> Numbered<'a> {
    /// Only completed operations are ordered.
    fn completion(&self, vertex: Vertex) -> &'a Op {
        let op = &self.ops[vertex as usize];
        op.completion.unwrap_or(op.invocation)
    }

    /// The first read that a `wr` step rests on.
    fn read<'b>(&self, analysis: &Analysis<'b>, step: &CycleStep) -> Option<Read<'b>> {
        if step.relation != Relation::Wr {
            return None;
        }
        let ends = [step.from, step.to].map(|vertex| self.completion(vertex).index);
        let is_it = |read: &Read<'_>| [read.writer.index, read.reader.index] == ends;
        analysis.reads().find(is_it)
    }

    fn step(&self, analysis: &Analysis<'_>, step: &CycleStep) -> OpStep {
        let reason = match self.read(analysis, step) {
            Some(read) => {
                let (key, value) = analysis.what(&read);
                StepReason::Data {
                    key: key.to_element(),
                    before: Some(value.clone()),
                    after: None,
                    micro_ops: [None; 2],
                }
            }
            None => StepReason::Realtime {
                ended: self.completion(step.from).clone(),
                begun: self.ops[step.to as usize].invocation.clone(),
            },
        };
        OpStep {
            relation: step.relation,
            reason,
        }
    }
}

impl Case for Numbered<'_> {
    fn weight(&self) -> i64 {
        match self.case {
            CycleCase::Cycle(cycle) => i64::try_from(cycle.steps.len()).unwrap_or(i64::MAX),
            CycleCase::Exists(_) | CycleCase::Unfinished(_) => 0,
        }
    }

    fn resolve(&self, analysis: &Analysis<'_>) -> LogAnomaly {
        match self.case {
            CycleCase::Cycle(cycle) => LogAnomaly::Cycle(cycle.resolve(
                |vertex| self.completion(vertex),
                |step| self.step(analysis, step),
            )),
            CycleCase::Exists(exists) => {
                LogAnomaly::CycleExists(exists.resolve(|vertex| self.completion(vertex)))
            }
            CycleCase::Unfinished(unfinished) => LogAnomaly::SearchTimeout(unfinished.resolve()),
        }
    }
}
