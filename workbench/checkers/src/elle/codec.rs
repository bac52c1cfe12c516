//! Elle's result maps for transactions.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::anomalies::EMPTY_GRAPH;
use super::graph::Relation;
use super::result::{
    Cases, Content, CycleExists, Expected, Objects, OpCycle, OpStep, SearchTimeout, StepReason,
    TransactionsResult, TxnAnomaly, TxnRead,
};
use crate::Validity;
use crate::element::Element;
use history::Op;
use history::edn::{self, Edn};

/// Elle's name for the initial version of a list.
const INITIAL: &str = "elle.list-append/init";

/// The result map of transactions.
pub(super) fn transactions(result: &TransactionsResult) -> Edn {
    let valid = ("valid?", result.validity.to_edn());
    match (result.validity, result.objects) {
        (Validity::Valid, Objects::Lists) => return edn::map([valid]),
        (Validity::Valid, Objects::Registers) => {
            let types = ("anomaly-types", Edn::List(Vec::new()));
            return edn::map([types, ("anomalies", Edn::Nil), valid]);
        }
        (Validity::Unknown | Validity::Invalid, _) => {}
    }
    let types = result.anomalies.iter().map(|it| edn::key(it.name));
    let anomalies = result.anomalies.iter().map(|Cases { name, cases, .. }| {
        let cases = match *name {
            EMPTY_GRAPH => Edn::Bool(true),
            _ => vector(cases.iter().map(|case| anomaly(result.objects, case))),
        };
        (edn::key(name), cases)
    });
    let keys = |names: &BTreeSet<&'static str>| {
        Edn::Set(names.iter().map(|name| edn::key(name)).collect())
    };
    edn::map([
        ("anomaly-types", Edn::List(types.collect())),
        ("anomalies", edn::map_of(anomalies.collect())),
        ("not", keys(&result.not)),
        ("also-not", keys(&result.also_not)),
        valid,
    ])
}

fn anomaly(objects: Objects, case: &TxnAnomaly) -> Edn {
    match case {
        TxnAnomaly::Internal { op, read, expected } => edn::map([
            ("op", op.to_edn()),
            ("mop", micro_op(read)),
            ("expected", self::expected(expected)),
        ]),
        TxnAnomaly::FutureRead { op, read, element } => edn::map([
            ("op", op.to_edn()),
            ("mop", micro_op(read)),
            ("element", element.to_edn()),
        ]),
        TxnAnomaly::Duplicates { op, read, repeated } => {
            let counts = repeated.iter();
            let counts = counts.map(|(element, count)| (element.to_edn(), edn::count(*count)));
            edn::map([
                ("op", op.to_edn()),
                ("mop", micro_op(read)),
                ("duplicates", edn::map_of(counts.collect())),
            ])
        }
        TxnAnomaly::IncompatibleOrder { key, lists } => edn::map([
            ("key", key.to_edn()),
            ("values", vector(lists.iter().map(content))),
        ]),
        TxnAnomaly::DirtyUpdate {
            key,
            elements,
            failed,
            writer,
        } => edn::map([
            ("key", key.to_edn()),
            ("values", list(elements)),
            ("txns", vector([failed.to_edn(), dots(), writer.to_edn()])),
        ]),
        TxnAnomaly::CyclicVersions {
            key,
            values,
            sources,
        } => edn::map([
            ("key", key.to_edn()),
            (
                "scc",
                Edn::Set(values.iter().map(Element::to_edn).collect()),
            ),
            ("sources", vector(sources.iter().map(|it| edn::key(it)))),
        ]),
        TxnAnomaly::DirtyRead {
            op,
            read,
            writer,
            element,
            ..
        } => {
            let mut map = edn::map([
                ("op", op.to_edn()),
                ("mop", micro_op(read)),
                ("writer", writer.to_edn()),
            ]);
            if objects == Objects::Lists {
                edn::insert(&mut map, "element", element.to_edn());
            }
            map
        }
        TxnAnomaly::LostUpdate {
            key, value, ops, ..
        } => edn::map([
            ("key", key.to_edn()),
            ("value", content(value)),
            ("txns", vector(ops.iter().map(Op::to_edn))),
        ]),
        TxnAnomaly::Cycle(cycle) => self::cycle(cycle, |step| self::step(objects, step)),
        TxnAnomaly::CycleExists(exists) => cycle_exists(exists),
        TxnAnomaly::SearchTimeout(timeout) => search_timeout(timeout),
        TxnAnomaly::NothingOrdered => Edn::Bool(true),
    }
}

/// The operations, with the first one again at the end, and why each precedes the next.
pub(crate) fn cycle(cycle: &OpCycle, step: impl Fn(&OpStep) -> Edn) -> Edn {
    edn::map([
        ("cycle", vector(cycle.ops.iter().map(Op::to_edn))),
        ("steps", Edn::List(cycle.steps.iter().map(step).collect())),
        ("type", edn::key(cycle.anomaly)),
    ])
}

pub(crate) fn cycle_exists(exists: &CycleExists) -> Edn {
    let indices = exists.ops.iter().map(|op| edn::count(op.index));
    edn::map([
        ("type", edn::key(exists.anomaly)),
        ("not", edn::key(exists.model)),
        (
            "subgraph",
            vector(exists.relations.iter().map(|it| edn::key(it))),
        ),
        ("scc-size", edn::count(exists.ops.len())),
        ("scc", Edn::Set(indices.collect())),
    ])
}

pub(crate) fn search_timeout(timeout: &SearchTimeout) -> Edn {
    edn::map([
        ("type", edn::key(timeout.sought)),
        ("scc-size", edn::count(timeout.ops)),
    ])
}

fn step(objects: Objects, step: &OpStep) -> Edn {
    let mut map = edn::map([("type", edn::key(step.relation.name()))]);
    let mut insert = |name, value| edn::insert(&mut map, name, value);
    match &step.reason {
        StepReason::Process => {}
        StepReason::Realtime { ended, begun } => {
            insert("a'", ended.to_edn());
            insert("b", begun.to_edn());
        }
        StepReason::Data {
            key,
            before,
            after,
            micro_ops,
        } => {
            let version = |version: &Option<Element>| match (version, objects) {
                (Some(element), _) => element.to_edn(),
                (None, Objects::Lists) => edn::key(INITIAL),
                (None, Objects::Registers) => Edn::Nil,
            };
            insert("key", key.to_edn());
            insert("value", version(before));
            if step.relation != Relation::Wr {
                insert("value'", version(after));
            }
            let [first, second] = micro_ops.map(|it| it.map_or(Edn::Nil, edn::count));
            insert("a-mop-index", first);
            insert("b-mop-index", second);
        }
    }
    map
}

/// `[:r 5 3]`.
fn micro_op(read: &TxnRead) -> Edn {
    vector([edn::key("r"), read.key.to_edn(), content(&read.content)])
}

fn content(content: &Content) -> Edn {
    match content {
        Content::Nothing => Edn::Nil,
        Content::Value(element) => element.to_edn(),
        Content::List(elements) => list(elements),
    }
}

/// `[... 3 4]` or, if the whole list is known, `[1 2 3 4]`.
fn expected(expected: &Expected) -> Edn {
    match expected {
        Expected::Value(element) => element.to_edn(),
        Expected::List(elements) => list(elements),
        Expected::EndOfList(elements) => {
            let elements = elements.iter().map(Element::to_edn);
            vector([dots()].into_iter().chain(elements))
        }
    }
}

fn list(elements: &[Element]) -> Edn {
    vector(elements.iter().map(Element::to_edn))
}

fn vector(items: impl IntoIterator<Item = Edn>) -> Edn {
    Edn::Vector(items.into_iter().collect())
}

/// The symbol that stands for any elements.
fn dots() -> Edn {
    Edn::Symbol(Cow::Borrowed("..."))
}
