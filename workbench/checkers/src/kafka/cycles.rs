//! What comes before what: a send before the polls that returned its message, and an operation before
//! those that began after it had ended. A cycle means that a message was seen before it was sent.

use super::Analysis;
use super::cases::{Anomaly, Case, LISTED, Listed};
use super::reads::Read;
use crate::elle::Models;
use crate::elle::anomalies::{Anomalies, EMPTY_GRAPH};
use crate::elle::cycles::{Cycle, CycleCase, CycleStep, Exists, SEARCH_TIMEOUT, cycles};
use crate::elle::graph::{Graph, Relation, Vertex};
use history::edn::{self, Edn};
use history::{History, Kind, Op, Pair};

/// By which of its relations a step of a cycle is told.
const RANKING: [Relation; 5] = [
    Relation::Ww,
    Relation::Wr,
    Relation::Rw,
    Relation::Realtime,
    Relation::Process,
];

/// How many cycles of one kind are listed, the shortest ones.
const CYCLES_LISTED: Listed = Listed::Least(8);

/// How many operations of a cycle that is not told step by step are named.
const NAMED: usize = 5;

/// The errors of order, held to strict serializability.
pub(super) fn anomalies(analysis: &Analysis<'_>, history: &History) -> Vec<Anomaly> {
    let ops = history.pairs();
    let graph = graph(&ops, analysis);
    if graph.is_empty() {
        return vec![Anomaly {
            name: EMPTY_GRAPH,
            entry: Edn::Bool(true),
            findings: vec![format!(
                "{EMPTY_GRAPH}: no operation comes before another, so there is nothing to check"
            )],
        }];
    }
    let mut found = Anomalies::default();
    for case in cycles(&graph, &RANKING) {
        found.add(case.anomaly(), case);
    }
    // Whether there are cycles is known without the search for one that can be shown.
    found.remove(SEARCH_TIMEOUT);
    let around = Around { ops: &ops };
    let judgement = found.judge(&Models::default());
    let anomalies = judgement.reported().filter_map(|(name, cases)| {
        let cases: Vec<_> = cases.iter().map(|case| Told { case, around }).collect();
        let listed = match cases.first()?.case {
            CycleCase::Cycle(_) => CYCLES_LISTED,
            CycleCase::Exists(_) | CycleCase::Unfinished(_) => LISTED,
        };
        Anomaly::of(name, &cases, listed, analysis)
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
        // What failed had no part in any order; to have read of it is an error by itself.
        let has_part = |op: &&Op| op.kind != Kind::Fail;
        let ends = [read.writer, read.reader].map(|op| Some(op).filter(has_part));
        let ends = ends.map(|op| op.and_then(vertex));
        if let [Some(writer), Some(reader)] = ends {
            graph.follow(writer, reader, Relation::Wr);
        }
    }
    graph.link_realtime(ops);
    graph
}

/// What the numbers in a cycle mean.
#[derive(Clone, Copy)]
struct Around<'a> {
    ops: &'a [Pair<'a>],
}

impl<'a> Around<'a> {
    /// Only what has ended comes before or after anything.
    fn completion(&self, vertex: Vertex) -> &'a Op {
        let op = &self.ops[vertex as usize];
        op.completion.unwrap_or(op.invocation)
    }

    /// The first read that a step of data rests on.
    fn read<'b>(&self, analysis: &Analysis<'b>, step: &CycleStep) -> Option<Read<'b>> {
        if step.relation != Relation::Wr {
            return None;
        }
        let ends = [step.from, step.to].map(|vertex| self.completion(vertex).index);
        let is_it = |read: &Read<'_>| [read.writer.index, read.reader.index] == ends;
        analysis.reads().find(is_it)
    }

    fn step(&self, analysis: &Analysis<'_>, step: &CycleStep) -> Edn {
        let mut map = edn::map([("type", edn::key(step.relation.name()))]);
        if let Some(read) = self.read(analysis, step) {
            let (key, value) = analysis.what(&read);
            edn::insert(&mut map, "key", key.to_edn());
            edn::insert(&mut map, "value", value.to_edn());
        } else {
            let begun = self.ops[step.to as usize].invocation;
            edn::insert(&mut map, "a'", self.completion(step.from).to_edn());
            edn::insert(&mut map, "b", begun.to_edn());
        }
        map
    }

    fn tell_step(&self, analysis: &Analysis<'_>, step: &CycleStep) -> String {
        let name = |vertex| {
            let Op {
                f, process, index, ..
            } = self.completion(vertex);
            format!("the {f} of process {process} (op {index})")
        };
        let (from, to) = (name(step.from), name(step.to));
        if let Some(read) = self.read(analysis, step) {
            let (key, value) = analysis.what(&read);
            format!("{from} sent message {value} to key {key}, which {to} returned")
        } else {
            format!("{from} had ended before {to} began")
        }
    }
}

/// A case, and what its numbers mean.
struct Told<'a> {
    case: &'a CycleCase,
    around: Around<'a>,
}

impl Case for Told<'_> {
    fn weight(&self) -> i64 {
        match self.case {
            CycleCase::Cycle(cycle) => i64::try_from(cycle.steps.len()).unwrap_or(i64::MAX),
            CycleCase::Exists(_) | CycleCase::Unfinished(_) => 0,
        }
    }

    fn to_edn(&self, analysis: &Analysis<'_>) -> Edn {
        let op = |vertex: Vertex| self.around.completion(vertex);
        match self.case {
            CycleCase::Cycle(Cycle { anomaly, steps }) => {
                let ends = steps.iter().map(|step| step.from);
                let ends = ends.chain(steps.last().map(|step| step.to));
                let told = steps.iter().map(|step| self.around.step(analysis, step));
                edn::map([
                    (
                        "cycle",
                        Edn::Vector(ends.map(|it| op(it).to_edn()).collect()),
                    ),
                    ("steps", Edn::List(told.collect())),
                    ("type", edn::key(anomaly)),
                ])
            }
            CycleCase::Exists(Exists {
                anomaly,
                model,
                relations,
                ops,
            }) => edn::map([
                ("type", edn::key(anomaly)),
                ("not", edn::key(model)),
                (
                    "subgraph",
                    Edn::Vector(relations.iter().map(|it| edn::key(it)).collect()),
                ),
                ("scc-size", edn::count(ops.len())),
                (
                    "scc",
                    Edn::Set(ops.iter().map(|it| edn::count(op(*it).index)).collect()),
                ),
            ]),
            CycleCase::Unfinished(unfinished) => edn::map([
                ("type", edn::key(unfinished.sought)),
                ("scc-size", edn::count(unfinished.ops)),
            ]),
        }
    }

    fn tell(&self, analysis: &Analysis<'_>) -> String {
        match self.case {
            CycleCase::Cycle(cycle) => {
                let steps = cycle.steps.iter();
                let told: Vec<_> = steps
                    .map(|it| self.around.tell_step(analysis, it))
                    .collect();
                told.join("; ")
            }
            CycleCase::Exists(exists) => {
                let ops = exists.ops.iter().take(NAMED);
                let ops: Vec<_> = ops
                    .map(|it| self.around.completion(*it).index.to_string())
                    .collect();
                format!(
                    "{} operations come each before each other one: {}",
                    exists.ops.len(),
                    ops.join(", ")
                )
            }
            CycleCase::Unfinished(unfinished) => format!(
                "the search for {} among {} operations took too long",
                unfinished.sought, unfinished.ops
            ),
        }
    }
}
