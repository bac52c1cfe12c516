//! The rules for registers, read aloud.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use workbench::history::{History, Kind, Op};

use super::graph::Relation::{self, Process, Realtime, Rw, Wr, Ww};
use super::graph::{Cycle, Graph};

/// What each model forbids.
pub struct Forbidden {
    pub order: &'static str,
    pub anomalies: BTreeSet<String>,
}

/// The table of what models forbid, worked out by hand.
pub fn forbidden() -> BTreeMap<&'static str, Forbidden> {
    let table = include_str!("../../src/checker/elle/models/forbidden.txt");
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

type MicroOp = (String, Value, Value);

struct Transaction<'a> {
    invocation: &'a Op,
    completion: &'a Op,
    micro_ops: Vec<MicroOp>,
}

/// All transactions that completed.
pub struct Register<'a> {
    all: Vec<Transaction<'a>>,
}

/// What is to be found.
pub struct View {
    pub order: &'static str,
    pub graph: Graph,
    /// All simple cycles and their kinds.
    pub cycles: Vec<(String, Cycle)>,
    /// The anomalies that are no cycles.
    pub others: BTreeSet<String>,
}

impl Transaction<'_> {
    fn index(&self) -> usize {
        self.completion.index
    }

    fn is(&self, kind: Kind) -> bool {
        self.completion.kind == kind
    }

    fn reads(&self) -> impl Iterator<Item = &MicroOp> {
        self.micro_ops.iter().filter(|(action, _, _)| action == "r")
    }

    fn writes_to(&self, key: &Value) -> Vec<&Value> {
        let writes = self.micro_ops.iter();
        let writes = writes.filter(|(action, at, _)| action == "w" && at == key);
        writes.map(|(_, _, value)| value).collect()
    }

    /// What was there before the transaction did anything to the key, if it looked.
    fn external_read(&self, key: &Value) -> Option<&Value> {
        let (action, _, value) = self.micro_ops.iter().find(|(_, at, _)| at == key)?;
        (action == "r").then_some(value)
    }

    fn external_write(&self, key: &Value) -> Option<&Value> {
        self.writes_to(key).last().copied()
    }

    fn has_contradiction(&self) -> bool {
        self.micro_ops
            .iter()
            .enumerate()
            .any(|(at, (action, key, value))| {
                let mut earlier = self.micro_ops[..at].iter().rev();
                let last = earlier.find(|(_, other, _)| other == key);
                action == "r" && last.is_some_and(|(_, _, last)| !last.is_null() && last != value)
            })
    }

    /// The first version of the key that it read before it wrote one.
    fn updated(&self, key: &Value) -> Option<&Value> {
        let of_key = |(_, at, _): &&MicroOp| at == key;
        let mut micro_ops = self.micro_ops.iter().filter(of_key);
        let (_, _, read) = micro_ops.find(|(action, _, _)| action == "r")?;
        micro_ops
            .any(|(action, _, _)| action == "w")
            .then_some(read)
    }
}

impl<'a> Register<'a> {
    /// The transactions of a history that can be judged.
    pub fn read(history: &'a History) -> Result<Self, ()> {
        let (mut all, mut seen) = (Vec::new(), Vec::new());
        for pair in history.pairs() {
            let parse = |op: &Op| -> Result<Vec<MicroOp>, ()> {
                let micro_ops: Option<Vec<MicroOp>> = op.parse().map_err(drop)?;
                let micro_ops = micro_ops.unwrap_or_default();
                let is_known = |action: &str| ["r", "w"].contains(&action);
                let is_good = micro_ops.iter().all(|(action, _, _)| is_known(action));
                is_good.then_some(micro_ops).ok_or(())
            };
            seen.extend(parse(pair.invocation)?);
            if let Some(completion) = pair.completion {
                let micro_ops = parse(completion)?;
                seen.extend(micro_ops.clone());
                all.push(Transaction {
                    invocation: pair.invocation,
                    completion,
                    micro_ops,
                });
            }
        }
        let string_keys = seen.iter().filter(|(_, key, _)| key.is_string()).count();
        let is_long = |value: &Value| value.is_number() && value.to_string().contains("e+");
        let longs = seen.iter().filter(|(_, _, value)| is_long(value)).count();
        let shorts = seen.iter().filter(|(_, _, value)| value.is_i64()).count();
        let register = Register { all };
        let is_mixed = string_keys != 0 && string_keys != seen.len();
        let is_bad = is_mixed || longs * shorts != 0 || register.has_double_write();
        if is_bad { Err(()) } else { Ok(register) }
    }

    fn ok(&self) -> impl Iterator<Item = &Transaction<'a>> {
        self.all.iter().filter(|it| it.is(Kind::Ok))
    }

    fn keys(&self) -> Vec<&Value> {
        let mut keys: Vec<&Value> = Vec::new();
        for (_, key, _) in self.all.iter().flat_map(|it| &it.micro_ops) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    fn has_double_write(&self) -> bool {
        self.keys().into_iter().any(|key| {
            let written: Vec<_> = self.ok().filter_map(|it| it.external_write(key)).collect();
            let is_read = |value: &Value| self.ok().any(|it| it.external_read(key) == Some(value));
            let is_double = |at: usize| {
                let value = written[at];
                written[..at].contains(&value) && (value.is_null() || is_read(value))
            };
            (0..written.len()).any(is_double)
        })
    }

    /// Edges `(before, after)` between versions of a key: the unset one comes first; and who read
    /// one replaced it.
    fn version_edges(&self, key: &Value, with_updates: bool) -> Vec<(Value, Value)> {
        let mut edges = Vec::new();
        for transaction in &self.all {
            let is_ok = transaction.is(Kind::Ok);
            let read = transaction.external_read(key).filter(|_| is_ok);
            let written = transaction.external_write(key);
            let written = written.filter(|_| is_ok || transaction.is(Kind::Info));
            for value in [read, written]
                .into_iter()
                .flatten()
                .filter(|it| !it.is_null())
            {
                edges.push((Value::Null, value.clone()));
            }
            if let (Some(read), Some(written)) = (read, written)
                && with_updates
                && !read.is_null()
                && !written.is_null()
            {
                edges.push((read.clone(), written.clone()));
            }
        }
        edges
    }

    fn has_cyclic_versions(&self) -> bool {
        self.keys().into_iter().any(|key| {
            let edges = self.version_edges(key, true);
            let versions: Vec<_> = edges.iter().map(|(before, _)| before.clone()).collect();
            versions.iter().any(|version| {
                let mut reached: Vec<Value> = vec![version.clone()];
                let mut at = 0;
                while at < reached.len() {
                    let here = reached[at].clone();
                    for (before, after) in &edges {
                        if *before == here && before != after && !reached.contains(after) {
                            reached.push(after.clone());
                        }
                    }
                    at += 1;
                }
                let back = |(before, after): &(Value, Value)| {
                    before != after && after == version && reached.contains(before)
                };
                edges.iter().any(back)
            })
        })
    }

    /// Everything there is to know, with a graph that has the edges of this order, too.
    pub fn view(&self, order: &'static str) -> View {
        let mut graph = self.graph();
        match order {
            "process" => self.link_processes(&mut graph),
            "realtime" => self.link_realtime(&mut graph),
            _ => {}
        }
        let cycles = graph.simple_cycles().into_iter();
        View {
            order,
            others: self.others(&graph),
            cycles: cycles.filter_map(|it| Some((it.kind()?, it))).collect(),
            graph,
        }
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::default();
        let with_updates = !self.has_cyclic_versions();
        for key in self.keys() {
            for (before, after) in self.version_edges(key, with_updates) {
                for to in self
                    .ok()
                    .filter(|it| it.external_write(key) == Some(&after))
                {
                    for from in self.ok() {
                        if from.external_write(key) == Some(&before) {
                            graph.link(from.index(), to.index(), Ww);
                        }
                        if from.external_read(key) == Some(&before) {
                            graph.link(from.index(), to.index(), Rw);
                        }
                    }
                }
            }
            for from in self.ok().filter(|it| it.external_write(key).is_some()) {
                for to in self.ok() {
                    if to.external_read(key) == from.external_write(key) {
                        graph.link(from.index(), to.index(), Wr);
                    }
                }
            }
        }
        graph
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

    /// An edge where one had ended before the other began, and nobody ran in between.
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

    /// The anomalies that are no cycles.
    fn others(&self, graph: &Graph) -> BTreeSet<String> {
        let all = [
            ("internal", self.ok().any(Transaction::has_contradiction)),
            ("G1a", self.has_aborted_read()),
            ("G1b", self.has_intermediate_read()),
            ("lost-update", self.has_lost_update()),
            ("cyclic-versions", self.has_cyclic_versions()),
            ("empty-transaction-graph", !graph.is_told),
        ];
        let found = all.into_iter().filter(|(_, is_there)| *is_there);
        found.map(|(name, _)| name.to_owned()).collect()
    }

    fn has_aborted_read(&self) -> bool {
        let mut reads = self.ok().flat_map(Transaction::reads);
        reads.any(|(_, key, value)| {
            let mut failed = self.all.iter().filter(|it| it.is(Kind::Fail));
            failed.any(|it| it.writes_to(key).contains(&value))
        })
    }

    fn has_intermediate_read(&self) -> bool {
        self.ok().any(|reader| {
            reader.reads().any(|(_, key, value)| {
                let mut others = self.all.iter().filter(|it| it.index() != reader.index());
                others.any(|writer| {
                    let writes = writer.writes_to(key);
                    writes
                        .split_last()
                        .is_some_and(|(_, early)| early.contains(&value))
                })
            })
        })
    }

    fn has_lost_update(&self) -> bool {
        self.keys().into_iter().any(|key| {
            let updated: Vec<_> = self.ok().filter_map(|it| it.updated(key)).collect();
            (0..updated.len()).any(|at| updated[..at].contains(&updated[at]))
        })
    }
}

impl View {
    /// What matters to a model, of all that there is.
    pub fn reported(&self, model: Option<&Forbidden>) -> BTreeSet<String> {
        let matters = |name: &String| {
            name == "empty-transaction-graph" || model.is_some_and(|it| it.anomalies.contains(name))
        };
        let kinds = self.cycles.iter().map(|(kind, _)| kind.clone());
        let all = self.others.iter().cloned().chain(kinds);
        all.chain(existing(&self.graph)).filter(matters).collect()
    }
}

/// The models for whose forbidden cycles the graph has one.
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
