//! Cycles in random graphs, against a naive search that follows single edges.

use std::collections::BTreeSet;

use rand::RngExt;

use super::{CycleCase, LIMITS, Limits, cycles_within, names};
use crate::elle::component::{Subgraph, components};
use crate::elle::graph::{Graph, Reason, Relation, Relations, Vertex};
use crate::elle::single::single_anti_dependency;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use Relation::{Process, Realtime, Rw, Wr, Ww};

const RANKING: [Relation; 5] = [Wr, Ww, Rw, Realtime, Process];

/// A graph, and the set of its edges.
struct Sample {
    graph: Graph,
    edges: BTreeSet<(Vertex, Vertex, Relation)>,
}

fn sample(rng: &mut ChaCha8Rng) -> Sample {
    let size = rng.random_range(2..=9);
    let relations: &[Relation] = match rng.random_range(0..4_u32) {
        0 => &[Wr, Rw],
        1 => &[Ww, Wr],
        2 => &[Ww, Wr, Rw],
        _ => &[Ww, Wr, Rw, Realtime],
    };
    let mut graph = Graph::new(size as usize);
    let mut edges = BTreeSet::new();
    for _ in 0..rng.random_range(0..2 * size) {
        let (from, to) = (rng.random_range(0..size), rng.random_range(0..size));
        let relation = relations[rng.random_range(0..relations.len() as u32) as usize];
        graph.link(from, to, relation, Reason::default());
        edges.insert((from, to, relation));
    }
    for key in 0..rng.random_range(0..3) {
        let some = |rng: &mut ChaCha8Rng| (0..size).filter(|_| rng.random_ratio(1, 3)).collect();
        let (readers, writers): (Vec<_>, Vec<_>) = (some(rng), some(rng));
        let overwriting: Vec<_> = writers.iter().map(|writer| (*writer, 0)).collect();
        graph.overwrite(key, 0, &readers, &overwriting);
        let pairs = readers
            .iter()
            .flat_map(|from| writers.iter().map(|to| (*from, *to)));
        edges.extend(pairs.map(|(from, to)| (from, to, Rw)));
    }
    edges.retain(|(from, to, _)| from != to);
    Sample { graph, edges }
}

impl Sample {
    /// The operations that are reached by one or more of these steps.
    fn reached(steps: &BTreeSet<(Vertex, Vertex)>, start: Vertex) -> BTreeSet<Vertex> {
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some(op) = open.pop() {
            for (_, to) in steps.range((op, 0)..(op + 1, 0)) {
                if reached.insert(*to) {
                    open.push(*to);
                }
            }
        }
        reached
    }

    fn steps(&self, relations: Relations) -> BTreeSet<(Vertex, Vertex)> {
        let is_in = |edge: &&(Vertex, Vertex, Relation)| relations.contains(edge.2);
        let edges = self.edges.iter().filter(is_in);
        edges.map(|(from, to, _)| (*from, *to)).collect()
    }

    /// The steps of a subgraph, each fenced one joined with a free one before it.
    fn joined(&self, subgraph: Subgraph) -> BTreeSet<(Vertex, Vertex)> {
        let (free, fenced) = (self.steps(subgraph.free), self.steps(subgraph.fenced));
        let join = |(from, middle): &(Vertex, Vertex)| {
            let next = fenced.range((*middle, 0)..(*middle + 1, 0));
            next.map(|(_, to)| (*from, *to)).collect::<Vec<_>>()
        };
        let joint: Vec<_> = free.iter().flat_map(join).collect();
        free.into_iter().chain(joint).collect()
    }

    fn has_cycle(&self, subgraph: Subgraph) -> bool {
        let steps = self.joined(subgraph);
        let mut starts = steps.iter().map(|(from, _)| *from);
        starts.any(|op| Self::reached(&steps, op).contains(&op))
    }
}

fn subgraphs() -> [Subgraph; 6] {
    let with = |relations: &[Relation]| Relations::of(relations);
    let fenced = with(&[Rw]);
    [
        Subgraph::plain(with(&[Ww])),
        Subgraph::plain(with(&[Ww, Wr])),
        Subgraph::plain(with(&[Ww, Wr, Rw])),
        Subgraph::plain(with(&[Ww, Wr, Rw, Realtime])),
        Subgraph {
            free: with(&[Ww, Wr]),
            fenced,
        },
        Subgraph {
            free: with(&[Ww, Wr, Realtime]),
            fenced,
        },
    ]
}

#[test]
fn there_are_knots_exactly_where_there_are_cycles() {
    let (mut with, mut without) = (0, 0);
    for seed in 0..5_000 {
        let sample = sample(&mut ChaCha8Rng::seed_from_u64(seed));
        let components = components(&sample.graph);
        for subgraph in subgraphs() {
            let expected = sample.has_cycle(subgraph);
            let mut knots = components.iter().flat_map(|it| it.knots(subgraph));
            assert_eq!(
                knots.next().is_some(),
                expected,
                "seed {seed}, {subgraph:?}"
            );
            *(if expected { &mut with } else { &mut without }) += 1;
        }
    }
    assert!(with > 2_000 && without > 2_000, "{with} {without}");
}

#[test]
fn a_plain_knot_is_a_set_of_operations_that_reach_each_other() {
    for seed in 0..2_000 {
        let sample = sample(&mut ChaCha8Rng::seed_from_u64(seed));
        for subgraph in &subgraphs()[..4] {
            let steps = sample.steps(subgraph.free);
            let reached = |op| Sample::reached(&steps, op);
            let mut expected: BTreeSet<Vec<Vertex>> = BTreeSet::new();
            for op in 0..sample.graph.vertices as Vertex {
                let mut knot = reached(op);
                knot.retain(|other| reached(*other).contains(&op));
                if !knot.is_empty() {
                    expected.insert(knot.into_iter().collect());
                }
            }
            let mut found = BTreeSet::new();
            for component in components(&sample.graph) {
                for knot in component.knots(*subgraph) {
                    let members = knot.iter().map(|op| component.members[*op as usize]);
                    found.insert(members.collect::<Vec<_>>());
                }
            }
            assert_eq!(found, expected, "seed {seed}, {subgraph:?}");
        }
    }
}

/// A larger graph: two chains of writes, the even and the odd numbers, and anti-dependencies back
/// from one to the other. No cycle has a single anti-dependency, except perhaps through one that
/// goes back in its own chain.
fn two_chains(rng: &mut ChaCha8Rng) -> Sample {
    const SIZE: u32 = 300;
    let mut graph = Graph::new(SIZE as usize);
    let mut edges = BTreeSet::new();
    let mut link = |from, to, relation| {
        graph.link(from, to, relation, Reason::default());
        edges.insert((from, to, relation));
    };
    for from in 0..SIZE {
        let to = from + 2 * rng.random_range(1..10);
        if to < SIZE {
            link(from, to, if rng.random() { Ww } else { Wr });
        }
        let to = (from + 1).checked_sub(2 * rng.random_range(1..10));
        to.into_iter().for_each(|to| link(from, to, Rw));
    }
    let to = rng.random_range(0..SIZE - 40);
    link(to + 2 * rng.random_range(1..20), to, Rw);
    link(SIZE - 1, 0, Realtime);
    Sample { graph, edges }
}

#[test]
fn the_sweep_finds_every_cycle_with_a_single_anti_dependency() {
    let (mut with, mut without) = (0, 0);
    let small = (0..20_000).map(|seed| (seed, sample(&mut ChaCha8Rng::seed_from_u64(seed))));
    let large = (0..100).map(|seed| (seed, two_chains(&mut ChaCha8Rng::seed_from_u64(seed))));
    for (seed, sample) in small.chain(large) {
        if sample.has_cycle(Subgraph::plain(Relations::WRITES)) {
            continue;
        }
        let expected = has_single(&sample);
        let mut found = false;
        for component in components(&sample.graph) {
            if let Some(cycle) = single_anti_dependency(&component) {
                let members = cycle.iter().map(|op| component.members[*op as usize]);
                check_single(&sample, &members.collect::<Vec<_>>(), seed);
                found = true;
            }
        }
        assert_eq!(found, expected, "seed {seed}");
        *(if expected { &mut with } else { &mut without }) += 1;
    }
    assert!(with > 1_000 && without > 1_000, "{with} {without}");
}

fn has_single(sample: &Sample) -> bool {
    let writes = sample.steps(Relations::WRITES);
    let overwrites = sample.steps(Relations::of(&[Rw]));
    let is_back = |(from, to): &(Vertex, Vertex)| Sample::reached(&writes, *to).contains(from);
    overwrites.iter().any(is_back)
}

/// Asserts that the first step of a cycle is an anti-dependency and no other one is.
fn check_single(sample: &Sample, cycle: &[Vertex], seed: u64) {
    let writes = sample.steps(Relations::WRITES);
    let overwrites = sample.steps(Relations::of(&[Rw]));
    assert!(overwrites.contains(&(cycle[0], cycle[1])), "seed {seed}");
    let next = cycle[2..].iter().chain(&cycle[..1]);
    let mut steps = cycle[1..].iter().zip(next).map(|(from, to)| (*from, *to));
    assert!(steps.all(|step| writes.contains(&step)), "seed {seed}");
}

#[test]
fn the_large_samples_are_of_both_kinds() {
    let large = (0..100).map(|seed| two_chains(&mut ChaCha8Rng::seed_from_u64(seed)));
    let with = large.filter(has_single).count();
    assert!((10..90).contains(&with), "{with} of 100");
}

#[test]
fn a_search_that_gives_up_hides_no_violation() {
    let mut given_up = 0;
    for seed in 0..3_000 {
        let sample = sample(&mut ChaCha8Rng::seed_from_u64(seed));
        let full = cycles_within(LIMITS, &sample.graph, &RANKING);
        for steps in [0, 1, 3, 10] {
            let limits = Limits {
                steps,
                steps_of_all: 2 * steps,
            };
            let cut = cycles_within(limits, &sample.graph, &RANKING);
            let exist = |cases: &[CycleCase]| -> Vec<_> {
                let exist = cases.iter().filter(|it| matches!(it, CycleCase::Exists(_)));
                exist.map(CycleCase::anomaly).collect()
            };
            assert_eq!(exist(&cut), exist(&full), "seed {seed}");
            given_up += cut
                .iter()
                .filter(|it| matches!(it, CycleCase::Unfinished(_)))
                .count();
            // If writes alone make no cycle, consistent view has an answer.
            let has = |cases: &[CycleCase], name| cases.iter().any(|it| it.anomaly() == name);
            if !has(&full, "PL-1-cycle-exists") && !has(&full, "PL-2-cycle-exists") {
                let single = "G-single-item";
                assert_eq!(has(&cut, single), has(&full, single), "seed {seed}");
            }
        }
    }
    assert!(given_up > 1_000, "{given_up}");
}

#[test]
fn a_subgraph_is_named_by_its_relations() {
    let subgraph = Subgraph {
        free: Relations::of(&[Ww, Realtime]),
        fenced: Relations::of(&[Rw]),
    };
    assert_eq!(names(subgraph), ["ww", "realtime", "rw"]);
}

#[test]
fn the_steps_of_a_cycle_fit_its_name() {
    let mut seen = BTreeSet::new();
    for seed in 0..3_000 {
        let sample = sample(&mut ChaCha8Rng::seed_from_u64(seed));
        for case in cycles_within(LIMITS, &sample.graph, &RANKING) {
            let CycleCase::Cycle(cycle) = case else {
                continue;
            };
            let count = |it| {
                cycle
                    .steps
                    .iter()
                    .filter(|step| step.relation == it)
                    .count()
            };
            let [rw, wr, time] = [Rw, Wr, Realtime].map(count);
            let (kind, has_time) = match cycle.anomaly.strip_suffix("-realtime") {
                Some(kind) => (kind, true),
                None => (cycle.anomaly, false),
            };
            let fits = match kind {
                "G0" => rw == 0 && wr == 0,
                "G1c" => rw == 0 && (wr > 0 || has_time),
                "G-single-item" => rw == 1,
                "G-nonadjacent-item" | "G2-item" => rw > 1,
                other => panic!("{other}"),
            };
            assert!(fits && (time > 0) == has_time, "seed {seed}: {cycle:?}");
            seen.insert(cycle.anomaly);
        }
    }
    assert!(seen.len() > 7, "{seen:?}");
}
