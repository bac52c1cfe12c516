//! How anomalies of registers are shown: as Elle prints them, and in words.

use clojure_reader::edn::Edn;

use super::Case;
use crate::checker::elle::anomalies::Show;
use crate::checker::elle::cycles::{Cycle, CycleCase, CycleStep, Exists, Unfinished};
use crate::checker::elle::graph::{Relation, Vertex};
use crate::checker::elle::transactions::{Action, MicroOp, Transactions};
use crate::edn;

/// How many operations are named one by one.
const NAMED: usize = 5;

impl Show<Case> for Transactions<'_> {
    fn to_edn(&self, case: &Case) -> Edn<'static> {
        match case {
            Case::Internal {
                transaction,
                read,
                expected,
            } => edn::map([
                ("op", self.op(*transaction)),
                ("mop", self.micro_op(read)),
                ("expected", self.value(*expected)),
            ]),
            Case::Dirty {
                transaction,
                read,
                writer,
            } => edn::map([
                ("op", self.op(*transaction)),
                ("mop", self.micro_op(read)),
                ("writer", self.op(*writer)),
            ]),
            Case::LostUpdate {
                key,
                value,
                transactions,
            } => edn::map([
                ("key", self.key(*key)),
                ("value", self.value(*value)),
                ("txns", vector(transactions.iter().map(|it| self.op(*it)))),
            ]),
            Case::CyclicVersions { key, values } => edn::map([
                ("key", self.key(*key)),
                (
                    "scc",
                    Edn::Set(values.iter().map(|it| self.value(*it)).collect()),
                ),
                (
                    "sources",
                    vector(["initial-state", "wfr-keys"].map(edn::key)),
                ),
            ]),
            Case::Cycle(CycleCase::Cycle(cycle)) => self.cycle(cycle),
            Case::Cycle(CycleCase::Exists(exists)) => self.existing(exists),
            Case::Cycle(CycleCase::Unfinished(unfinished)) => edn::map([
                ("type", edn::key(unfinished.sought)),
                ("scc-size", edn::count(unfinished.ops)),
            ]),
            Case::Empty => Edn::Bool(true),
        }
    }

    fn tell(&self, case: &Case) -> String {
        match case {
            Case::Internal {
                transaction,
                read,
                expected,
            } => format!(
                "{} read {} from key {} after it had itself read or written {}",
                self.name(*transaction),
                self.values.element(read.value),
                self.keys.element(read.key),
                self.values.element(*expected)
            ),
            Case::Dirty {
                transaction,
                read,
                writer,
            } => format!(
                "{} read {} from key {}, which {} wrote and then {}",
                self.name(*transaction),
                self.values.element(read.value),
                self.keys.element(read.key),
                self.name(*writer),
                self.fate(*writer, read)
            ),
            Case::LostUpdate {
                key,
                value,
                transactions,
            } => format!(
                "{} transactions read {} from key {} and then wrote to it: {}",
                transactions.len(),
                self.values.element(*value),
                self.keys.element(*key),
                self.names(transactions.iter().copied())
            ),
            Case::CyclicVersions { key, values } => format!(
                "the values {} of key {} were each written by somebody who had read another one, \
                 all around",
                self.listed(values.iter().map(|it| self.values.element(*it).to_string())),
                self.keys.element(*key)
            ),
            Case::Cycle(CycleCase::Cycle(cycle)) => self.tell_cycle(cycle),
            Case::Cycle(CycleCase::Exists(exists)) => format!(
                "{} forbids cycles of {}, and there are some among {} transactions: {}",
                exists.model,
                exists.relations.join(", "),
                exists.ops.len(),
                self.names(exists.ops.iter().map(|op| *op as usize))
            ),
            Case::Cycle(CycleCase::Unfinished(Unfinished { sought, ops })) => {
                format!("the search for {sought} among {ops} transactions took too long")
            }
            Case::Empty => {
                "no transaction comes before another, so there is nothing to check".to_owned()
            }
        }
    }
}

impl Transactions<'_> {
    fn op(&self, transaction: usize) -> Edn<'static> {
        self.completion(transaction).to_edn()
    }

    fn key(&self, key: u32) -> Edn<'static> {
        self.keys.element(key).to_edn()
    }

    fn value(&self, value: u32) -> Edn<'static> {
        self.values.element(value).to_edn()
    }

    fn micro_op(&self, micro_op: &MicroOp) -> Edn<'static> {
        let action = match micro_op.action {
            Action::Read => "r",
            Action::Write => "w",
        };
        let (key, value) = (self.key(micro_op.key), self.value(micro_op.value));
        vector([edn::key(action), key, value])
    }

    /// The operations, the first one once more at the end, and why each comes before the next.
    fn cycle(&self, cycle: &Cycle) -> Edn<'static> {
        let ends = cycle.steps.iter().map(|step| step.from);
        let ends = ends.chain(cycle.steps.last().map(|step| step.to));
        let steps = cycle.steps.iter().map(|step| self.step(step)).collect();
        edn::map([
            ("cycle", vector(ends.map(|op| self.op(op as usize)))),
            ("steps", Edn::List(steps)),
            ("type", edn::key(cycle.anomaly)),
        ])
    }

    fn step(&self, step: &CycleStep) -> Edn<'static> {
        let mut map = edn::map([("type", edn::key(step.relation.name()))]);
        let mut insert = |name, value| edn::insert(&mut map, name, value);
        let reason = &step.reason;
        let touched = |op: Vertex, action, value| {
            let mut micro_ops = self.micro_ops(op as usize).iter();
            let sought = MicroOp {
                action,
                key: reason.key,
                value,
            };
            let place = micro_ops.position(|it| *it == sought);
            place.map_or(Edn::Nil, edn::count)
        };
        let (first, second) = match step.relation {
            Relation::Ww => (Action::Write, Action::Write),
            Relation::Wr => (Action::Write, Action::Read),
            Relation::Rw => (Action::Read, Action::Write),
            Relation::Process => return map,
            Relation::Realtime => {
                insert("a'", self.op(step.from as usize));
                insert("b", self.ops[step.to as usize].invocation.to_edn());
                return map;
            }
        };
        insert("key", self.key(reason.key));
        insert("value", self.value(reason.before));
        if step.relation != Relation::Wr {
            insert("value'", self.value(reason.after));
        }
        insert("a-mop-index", touched(step.from, first, reason.before));
        insert("b-mop-index", touched(step.to, second, reason.after));
        map
    }

    fn existing(&self, exists: &Exists) -> Edn<'static> {
        let op = |op: &Vertex| edn::count(self.completion(*op as usize).index);
        edn::map([
            ("type", edn::key(exists.anomaly)),
            ("not", edn::key(exists.model)),
            (
                "subgraph",
                vector(exists.relations.iter().map(|it| edn::key(it))),
            ),
            ("scc-size", edn::count(exists.ops.len())),
            ("scc", Edn::Set(exists.ops.iter().map(op).collect())),
        ])
    }

    /// Each step in words; a transaction is introduced where it first occurs.
    fn tell_cycle(&self, cycle: &Cycle) -> String {
        let mut known: Vec<Vertex> = Vec::new();
        let mut name = |op: Vertex| match known.iter().position(|it| *it == op) {
            Some(place) => format!("T{}", place + 1),
            None => {
                known.push(op);
                format!("T{} {}", known.len(), self.place(op as usize))
            }
        };
        let mut told = Vec::new();
        for step in &cycle.steps {
            let (from, to) = (name(step.from), name(step.to));
            let before = self.values.element(step.reason.before);
            let after = self.values.element(step.reason.after);
            let data = |key: u32| self.keys.element(key);
            told.push(match step.relation {
                Relation::Ww => format!(
                    "{from} wrote {before} to key {}, which {to} replaced by {after}",
                    data(step.reason.key)
                ),
                Relation::Wr => format!(
                    "{from} wrote {before} to key {}, which {to} read",
                    data(step.reason.key)
                ),
                Relation::Rw => format!(
                    "{from} read {before} from key {}, which {to} replaced by {after}",
                    data(step.reason.key)
                ),
                Relation::Process => format!("{from} ended before {to} began on the same process"),
                Relation::Realtime => format!("{from} had ended before {to} began"),
            });
        }
        told.join("; ")
    }

    fn fate(&self, writer: usize, read: &MicroOp) -> &'static str {
        let mut writes = self.micro_ops(writer).iter().rev();
        let last = writes.find(|it| it.action == Action::Write && it.key == read.key);
        match last {
            Some(last) if last.value != read.value => "replaced",
            _ => "failed",
        }
    }

    /// `(op 14, process 2)`.
    fn place(&self, transaction: usize) -> String {
        let op = self.completion(transaction);
        format!("(op {}, process {})", op.index, op.process)
    }

    fn name(&self, transaction: usize) -> String {
        format!("the transaction {}", self.place(transaction))
    }

    fn names(&self, transactions: impl ExactSizeIterator<Item = usize>) -> String {
        self.listed(transactions.map(|it| self.place(it)))
    }

    /// The first few.
    fn listed(&self, names: impl ExactSizeIterator<Item = String>) -> String {
        let more = if names.len() > NAMED { ", ..." } else { "" };
        let names: Vec<_> = names.take(NAMED).collect();
        names.join(", ") + more
    }
}

fn vector(items: impl IntoIterator<Item = Edn<'static>>) -> Edn<'static> {
    Edn::Vector(items.into_iter().collect())
}
