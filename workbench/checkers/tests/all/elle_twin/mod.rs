//! The checkers of transactions against naive twins on small random histories. A twin is written
//! for clarity only: it has no hubs, and lists all simple cycles.

mod graph;
mod histories;
mod lists;
mod naive;
mod registers;

use std::collections::BTreeSet;

use checkers::{
    Assumptions, CheckerResult as _, Models, TransactionsResult, Unjudged, Validity, list_append,
    rw_register,
};
use history::History;
use history::edn::{self, Edn, get};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};

use graph::{Cycle, Relation, implies};
use histories::{Objects, random_history};
use lists::Lists;
use naive::{Twin, View, forbidden};
use registers::Registers;

/// Models that forbid nothing.
const UNCHECKED: [&str; 3] = ["causal", "sequential", "linearizable"];

/// Anomalies that some histories show, for registers and for lists.
const COMMON: &str = "G-nonadjacent-item G-nonadjacent-item-process G-nonadjacent-item-realtime \
                      G-single-item G-single-item-process G-single-item-realtime G0 G0-process \
                      G0-realtime G1a G1b G1c G1c-process G1c-realtime G2-item G2-item-process \
                      G2-item-realtime empty-transaction-graph internal lost-update unknown";

type Judge<'a> = dyn Fn(&History, &Models) -> Result<TransactionsResult, Unjudged> + 'a;

type Read<'a> = dyn Fn(&History) -> Result<[View; 3], ()> + 'a;

/// A checker and its twin.
struct Pair<'a> {
    objects: Objects,
    judge: Box<Judge<'a>>,
    read: Box<Read<'a>>,
    /// The verdict if no transaction precedes another.
    if_unordered: Validity,
}

/// The view of the history in each order.
fn views(twin: &impl Twin) -> [View; 3] {
    ["none", "process", "realtime"].map(|order| twin.view(order))
}

/// One of the eight combinations of assumptions about registers.
fn assumptions(choice: u8) -> Assumptions {
    Assumptions {
        wfr_keys: choice & 1 != 0,
        sequential_keys: choice & 2 != 0,
        linearizable_keys: choice & 4 != 0,
    }
}

fn registers(assumptions: &Assumptions) -> Pair<'_> {
    Pair {
        objects: Objects::Registers,
        judge: Box::new(|history, models| rw_register(history, models, *assumptions)),
        read: Box::new(|history| Ok(views(&Registers::read(history, *assumptions)?))),
        if_unordered: Validity::Invalid,
    }
}

fn lists() -> Pair<'static> {
    Pair {
        objects: Objects::Lists,
        judge: Box::new(list_append),
        read: Box::new(|history| Ok(views(&Lists::read(history)?))),
        if_unordered: Validity::Unknown,
    }
}

#[test]
fn registers_have_the_verdict_of_their_naive_twin() {
    let seen = check(&registers(&Assumptions::default()), 5_000);
    assert_seen(&seen, COMMON);
    assert_seen(&seen, "cyclic-versions");
}

#[test]
fn registers_have_the_verdict_of_their_twin_with_all_assumptions() {
    // The default, wfr-keys alone, has a test of its own.
    for choice in [0, 2, 3, 4, 5, 6, 7] {
        let seen = check(&registers(&assumptions(choice)), 400);
        let is_cyclic = seen.contains("cyclic-versions");
        assert_eq!(is_cyclic, choice != 0, "{:?}", assumptions(choice));
    }
}

#[test]
fn lists_have_the_verdict_of_their_naive_twin() {
    let seen = check(&lists(), 5_000);
    assert_seen(&seen, COMMON);
    let own = "dirty-update duplicate-elements future-read incompatible-order";
    assert_seen(&seen, own);
}

/// Compares verdicts on many histories. Returns the anomalies that occurred.
fn check(pair: &Pair<'_>, seeds: u64) -> BTreeSet<String> {
    let rngs = (0..seeds).map(ChaCha8Rng::seed_from_u64);
    rngs.flat_map(|mut rng| pair.compare(&mut rng)).collect()
}

/// Asserts that a checker and its twin agree on a random history.
#[allow(dead_code, reason = "the fuzz target `twins` calls it")]
pub fn compare_random(rng: &mut dyn Rng) {
    match rng.random_range(0..9_u8) {
        8 => lists().compare(rng),
        choice => registers(&assumptions(choice)).compare(rng),
    };
}

impl Pair<'_> {
    /// Compares verdicts on a random history. Returns the anomalies that occurred.
    fn compare(&self, rng: &mut dyn Rng) -> BTreeSet<String> {
        let table = forbidden();
        let mut seen = BTreeSet::new();
        let history = random_history(self.objects, rng);
        let views = (self.read)(&history);
        for model in table.keys().copied().chain(UNCHECKED) {
            let verdict = (self.judge)(&history, &model.parse().unwrap());
            let context = || describe(model, &history, &verdict);
            let Ok(views) = &views else {
                assert_eq!(verdict.validity(), Validity::Unknown, "{}", context());
                seen.insert("unknown".to_owned());
                continue;
            };
            let order = table.get(model).map_or("none", |it| it.order);
            let view = views.iter().find(|view| view.order == order).unwrap();
            let expected = view.reported(table.get(model));
            let valid = if expected.iter().eq(["empty-transaction-graph"]) {
                self.if_unordered
            } else {
                Validity::of(expected.is_empty())
            };
            assert_eq!(verdict.validity(), valid, "{expected:?}\n{}", context());
            let types = words(&verdict, "anomaly-types");
            let others = |types: &BTreeSet<String>| -> BTreeSet<String> {
                let is_other = |it: &&String| view.others.contains(*it);
                types.iter().filter(is_other).cloned().collect()
            };
            assert_eq!(others(&types), others(&expected), "{}", context());
            assert!(types.is_subset(&expected), "{expected:?}\n{}", context());
            check_cycles(&verdict, view, &context);
            seen.extend(types);
        }
        seen
    }
}

/// Asserts that these anomalies occurred, since others are not tested.
fn assert_seen(seen: &BTreeSet<String>, anomalies: &str) {
    let all = anomalies.split_whitespace();
    let missed: Vec<_> = all.filter(|it| !seen.contains(*it)).collect();
    assert!(missed.is_empty(), "no history shows {missed:?}");
}

/// Asserts that each cycle exists and is of its kind, that there is no shorter one unless a special
/// case of it was reported, whose cycles can hide it, and that no kind is missing.
fn check_cycles(
    verdict: &Result<TransactionsResult, Unjudged>,
    view: &View,
    context: &dyn Fn() -> String,
) {
    let View { graph, cycles, .. } = view;
    let mut reported: Vec<(String, BTreeSet<usize>)> = Vec::new();
    let all = reported_cycles(verdict);
    for (name, cycle) in &all {
        let component = graph.component(cycle.ops[0]);
        let relations = graph.best_reasons(&cycle.ops);
        assert_eq!(
            relations.as_ref(),
            Some(&cycle.relations),
            "{cycle:?}\n{}",
            context()
        );
        assert_eq!(
            cycle.kind().as_ref(),
            Some(name),
            "{cycle:?}\n{}",
            context()
        );
        let same = cycles.iter().filter(|(kind, _)| kind == name);
        let same = same.filter(|(_, it)| component.contains(&it.ops[0]));
        let shortest = same.map(|(_, it)| it.ops.len()).min();
        let is_special = |(kind, other): &(String, Cycle)| {
            kind != name && implies(kind, name) && component.contains(&other.ops[0])
        };
        let is_shortest = Some(cycle.ops.len()) == shortest;
        assert!(
            is_shortest || all.iter().any(is_special),
            "{cycle:?}\n{}",
            context()
        );
        reported.push((name.clone(), component));
    }
    let types = words(verdict, "anomaly-types");
    for (kind, cycle) in cycles.iter().filter(|(kind, _)| types.contains(kind)) {
        let mut there = reported.iter().filter(|(_, it)| it.contains(&cycle.ops[0]));
        assert!(
            there.any(|(it, _)| implies(it, kind)),
            "{cycle:?}\n{}",
            context()
        );
    }
}

/// All cycles of the results, with their names.
fn reported_cycles(verdict: &Result<TransactionsResult, Unjudged>) -> Vec<(String, Cycle)> {
    let results = verdict.to_edn();
    let Some(Edn::Map(anomalies)) = get(&results, &["anomalies"]) else {
        return Vec::new();
    };
    let mut cycles = Vec::new();
    for (name, cases) in anomalies {
        let (Edn::Key(name), Edn::Vector(cases)) = (name, cases) else {
            continue;
        };
        for case in cases {
            let Some(Edn::Vector(ops)) = get(case, &["cycle"]) else {
                continue;
            };
            let Some(Edn::List(steps)) = get(case, &["steps"]) else {
                panic!("no steps")
            };
            let index = |op| get(op, &["index"]).and_then(edn::number).unwrap() as usize;
            let mut ops: Vec<usize> = ops.iter().map(index).collect();
            assert_eq!(ops.pop(), ops.first().copied(), "it comes back");
            let relation = |step| match get(step, &["type"]) {
                Some(Edn::Key(name)) => Relation::named(name),
                other => panic!("{other:?}"),
            };
            let relations = steps.iter().map(relation).collect();
            cycles.push((name.to_string(), Cycle { ops, relations }));
        }
    }
    cycles
}

/// The keywords in a list of the results.
fn words(verdict: &Result<TransactionsResult, Unjudged>, name: &'static str) -> BTreeSet<String> {
    let word = |edn: &Edn| match edn {
        Edn::Key(name) => name.to_string(),
        other => panic!("{other:?} is no keyword"),
    };
    match get(&verdict.to_edn(), &[name]) {
        Some(Edn::List(words)) => words.iter().map(word).collect(),
        None => BTreeSet::new(),
        other => panic!(":{name} is {other:?}"),
    }
}

fn describe(
    model: &str,
    history: &History,
    verdict: &Result<TransactionsResult, Unjudged>,
) -> String {
    let mut text = Vec::new();
    history.write_edn(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    format!("{model}: {:?}\n{text}", verdict.sentences())
}
