//! The naive checker of transactions, for all kinds of objects.

use std::collections::{BTreeMap, BTreeSet};

use history::{History, Kind, Op};
use serde_json::Value;

use super::graph::Relation::{self, Process, Realtime, Rw, Wr, Ww};
use super::graph::{Cycle, Graph};

/// The order and the anomalies of a model.
pub struct Forbidden {
    pub order: &'static str,
    pub anomalies: BTreeSet<String>,
}

/// The table of forbidden anomalies, worked out by hand.
pub fn forbidden() -> BTreeMap<&'static str, Forbidden> {
    let table = include_str!("../../../src/elle/models/forbidden.txt");
    let row = |line: &'static str| {
        let cells: Vec<_> = line.split(" | ").collect();
        let [model, order, others, cycles, exist] = cells[..] else {
            panic!("not a row: {line}")
        };
        let mut anomalies: BTreeSet<_> = others.split(", ").map(ToOwned::to_owned).collect();
        anomalies.extend(exist.split(", ").map(|it| format!("{it}-cycle-exists")));
        for family in cycles.split("; ") {
            let (order, names) = family.split_once(": ").unwrap();
            let suffix = format!("-{order}");
            let suffix = if order == "plain" { "" } else { &suffix };
            anomalies.extend(names.split(", ").map(|name| format!("{name}{suffix}")));
        }
        (model, Forbidden { order, anomalies })
    };
    table.lines().skip(1).map(row).collect()
}

/// `r` or the name of a write, a key, and a value.
pub type MicroOp = (String, Value, Value);

pub struct Transaction<'a> {
    pub invocation: &'a Op,
    pub completion: &'a Op,
    pub micro_ops: Vec<MicroOp>,
}

/// All transactions that completed.
pub struct All<'a> {
    pub all: Vec<Transaction<'a>>,
    /// All micro-operations of invocations.
    pub requested: Vec<MicroOp>,
}

/// Transactions on some kind of objects.
pub trait Twin {
    fn all(&self) -> &All<'_>;

    /// The graph of data dependencies.
    fn graph(&self) -> Graph;

    /// The anomalies that are no cycles and that only this kind of objects has.
    fn own(&self) -> Vec<(&'static str, bool)>;

    /// All anomalies, with the edges of this order in the graph.
    fn view(&self, order: &'static str) -> View {
        let mut graph = self.graph();
        match order {
            "process" => self.all().link_processes(&mut graph),
            "realtime" => self.all().link_realtime(&mut graph),
            _ => {}
        }
        let cycles = graph.simple_cycles().into_iter();
        let mut others = self.own();
        others.push(("lost-update", self.all().has_lost_update()));
        others.push(("empty-transaction-graph", !graph.has_links));
        let others = others.into_iter().filter(|(_, is_there)| *is_there);
        View {
            order,
            others: others.map(|(name, _)| name.to_owned()).collect(),
            cycles: cycles.filter_map(|it| Some((it.kind()?, it))).collect(),
            graph,
        }
    }
}

/// The anomalies of a history.
pub struct View {
    pub order: &'static str,
    pub graph: Graph,
    /// All simple cycles and their kinds.
    pub cycles: Vec<(String, Cycle)>,
    /// The anomalies that are no cycles.
    pub others: BTreeSet<String>,
}

impl Transaction<'_> {
    pub fn index(&self) -> usize {
        self.completion.index
    }

    pub fn is(&self, kind: Kind) -> bool {
        self.completion.kind == kind
    }

    pub fn reads(&self) -> impl Iterator<Item = &MicroOp> {
        self.micro_ops.iter().filter(|(action, _, _)| action == "r")
    }

    pub fn writes_to(&self, key: &Value) -> Vec<&Value> {
        let writes = self.micro_ops.iter();
        let writes = writes.filter(|(action, at, _)| action != "r" && at == key);
        writes.map(|(_, _, value)| value).collect()
    }

    /// The first version of the key that it read before it wrote one.
    pub fn updated(&self, key: &Value) -> Option<&Value> {
        let of_key = |(_, at, _): &&MicroOp| at == key;
        let mut micro_ops = self.micro_ops.iter().filter(of_key);
        let (_, _, read) = micro_ops.find(|(action, _, _)| action == "r")?;
        micro_ops
            .any(|(action, _, _)| action != "r")
            .then_some(read)
    }
}

/// The micro-operations of an operation; `[r k]` is `[r k nil]`.
pub fn micro_ops(op: &Op) -> Result<Vec<MicroOp>, ()> {
    let micro_ops: Option<Vec<Vec<Value>>> = op.value.parse().map_err(drop)?;
    let micro_op = |parts: Vec<Value>| match &parts[..] {
        [Value::String(action), key] => Ok((action.clone(), key.clone(), Value::Null)),
        [Value::String(action), key, value] => Ok((action.clone(), key.clone(), value.clone())),
        _ => Err(()),
    };
    micro_ops
        .unwrap_or_default()
        .into_iter()
        .map(micro_op)
        .collect()
}

impl<'a> All<'a> {
    /// The transactions of a history, if all are lists of reads and of writes of this name.
    pub fn read(history: &'a History, write: &str) -> Result<Self, ()> {
        let (mut all, mut requested) = (Vec::new(), Vec::new());
        for pair in history.pairs() {
            let parse = |op: &Op| -> Result<Vec<MicroOp>, ()> {
                let micro_ops = micro_ops(op)?;
                let is_known = |action: &str| ["r", write].contains(&action);
                let is_good = micro_ops.iter().all(|(action, _, _)| is_known(action));
                is_good.then_some(micro_ops).ok_or(())
            };
            requested.extend(parse(pair.invocation)?);
            if let Some(completion) = pair.completion {
                let micro_ops = parse(completion)?;
                all.push(Transaction {
                    invocation: pair.invocation,
                    completion,
                    micro_ops,
                });
            }
        }
        Ok(All { all, requested })
    }

    pub fn ok(&self) -> impl Iterator<Item = &Transaction<'a>> {
        self.all.iter().filter(|it| it.is(Kind::Ok))
    }

    pub fn keys(&self) -> Vec<&Value> {
        let mut keys: Vec<&Value> = Vec::new();
        for (_, key, _) in self.all.iter().flat_map(|it| &it.micro_ops) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    fn link_processes(&self, graph: &mut Graph) {
        for from in self.ok() {
            let same = self
                .ok()
                .filter(|it| it.completion.process == from.completion.process);
            let later = same.filter(|it| it.index() > from.index());
            if let Some(to) = later.min_by_key(|it| it.index()) {
                graph.link(from.index(), to.index(), Process);
            }
        }
    }

    /// Adds an edge if one ended before the other began, and none ran in between.
    fn link_realtime(&self, graph: &mut Graph) {
        let is_before = |a: &Transaction<'_>, b: &Transaction<'_>| a.index() < b.invocation.index;
        for from in self.ok() {
            for to in self.all.iter().filter(|to| is_before(from, to)) {
                if !self.ok().any(|it| is_before(from, it) && is_before(it, to)) {
                    graph.link(from.index(), to.index(), Realtime);
                }
            }
        }
    }

    fn has_lost_update(&self) -> bool {
        self.keys().into_iter().any(|key| {
            let updated: Vec<_> = self.ok().filter_map(|it| it.updated(key)).collect();
            (0..updated.len()).any(|at| updated[..at].contains(&updated[at]))
        })
    }
}

impl View {
    /// The anomalies that a model reports.
    pub fn reported(&self, model: Option<&Forbidden>) -> BTreeSet<String> {
        let matters = |name: &String| {
            name == "empty-transaction-graph" || model.is_some_and(|it| it.anomalies.contains(name))
        };
        let kinds = self.cycles.iter().map(|(kind, _)| kind.clone());
        let all = self.others.iter().cloned().chain(kinds);
        all.chain(existing(&self.graph)).filter(matters).collect()
    }
}

/// The anomalies `<model>-cycle-exists` of the graph.
fn existing(graph: &Graph) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let orders: [(&[Relation], [&str; 4]); 3] = [
        (&[], ["PL-1", "PL-2", "PL-SI", "PL-3"]),
        (
            &[Process],
            [
                "strong-session-PL-1",
                "strong-session-PL-2",
                "strong-session-snapshot-isolation",
                "strong-session-serializable",
            ],
        ),
        (
            &[Realtime],
            [
                "strong-PL-1",
                "strong-PL-2",
                "strong-snapshot-isolation",
                "PL-SS",
            ],
        ),
    ];
    for (order, models) in orders {
        let with = |more: &[Relation]| [more, order].concat();
        let is_cyclic = [
            graph.is_cyclic(&with(&[Ww])),
            graph.is_cyclic(&with(&[Ww, Wr])),
            graph.extended(&with(&[Ww, Wr])).is_cyclic(&[Ww]),
            graph.is_cyclic(&with(&[Ww, Wr, Rw])),
        ];
        for (model, _) in models.into_iter().zip(is_cyclic).filter(|(_, it)| *it) {
            found.insert(format!("{model}-cycle-exists"));
        }
    }
    if found.contains("PL-3-cycle-exists") {
        found.insert("PL-2.99-cycle-exists".to_owned());
    }
    found
}
