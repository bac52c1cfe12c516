//! How transactions and what is wrong with them are shown: as Elle prints it, and in words.

use super::common::Common;
use super::cycles::{Cycle, CycleCase, CycleStep, Exists, Unfinished};
use super::graph::{Relation, Vertex};
use super::transactions::{Action, MicroOp, Told, Transactions, Values, writes};
use history::edn::{self, Edn};

/// How many operations are named one by one.
const NAMED: usize = 5;

impl<V: Values> Transactions<'_, V> {
    /// A case as an entry of the result map.
    pub(super) fn common_to_edn(&self, case: &Common) -> Edn {
        match case {
            Common::Dirty {
                transaction,
                read,
                writer,
                ..
            } => edn::map([
                ("op", self.op(*transaction)),
                ("mop", self.micro_op(read)),
                ("writer", self.op(*writer)),
            ]),
            Common::LostUpdate {
                key,
                value,
                transactions,
            } => edn::map([
                ("key", self.key(*key)),
                ("value", self.values.to_edn(*value, &self.elements)),
                (
                    "txns",
                    vector(transactions.iter().take(V::SHOWN).map(|it| self.op(*it))),
                ),
            ]),
            Common::Cycle(CycleCase::Cycle(cycle)) => self.cycle(cycle),
            Common::Cycle(CycleCase::Exists(exists)) => self.existing(exists),
            Common::Cycle(CycleCase::Unfinished(unfinished)) => edn::map([
                ("type", edn::key(unfinished.sought)),
                ("scc-size", edn::count(unfinished.ops)),
            ]),
            Common::Empty => Edn::Bool(true),
        }
    }

    /// A case in words.
    pub(super) fn tell_common(&self, case: &Common) -> String {
        match case {
            Common::Dirty {
                transaction,
                read,
                writer,
                element,
            } => format!(
                "{} read {} from key {}, {} {} {} and then {}",
                self.name(*transaction),
                self.values.tell(read.value, &self.elements),
                self.keys.element(read.key),
                V::tell_version(*element, &self.elements),
                self.name(*writer),
                V::WROTE,
                self.fate(*writer, read.key, *element)
            ),
            Common::LostUpdate {
                key,
                value,
                transactions,
            } => format!(
                "{} transactions read {} from key {} and then {} to it: {}",
                transactions.len(),
                self.values.tell(*value, &self.elements),
                self.keys.element(*key),
                V::WROTE,
                self.names(transactions.iter().copied())
            ),
            Common::Cycle(CycleCase::Cycle(cycle)) => self.tell_cycle(cycle),
            Common::Cycle(CycleCase::Exists(exists)) => format!(
                "{} forbids cycles of {}, and there are some among {} transactions: {}",
                exists.model,
                exists.relations.join(", "),
                exists.ops.len(),
                self.names(exists.ops.iter().map(|op| *op as usize))
            ),
            Common::Cycle(CycleCase::Unfinished(Unfinished { sought, ops })) => {
                format!("the search for {sought} among {ops} transactions took too long")
            }
            Common::Empty => {
                "no transaction comes before another, so there is nothing to check".to_owned()
            }
        }
    }

    /// How an operation ended, whole.
    pub(super) fn op(&self, transaction: usize) -> Edn {
        self.completion(transaction).to_edn()
    }

    /// A key.
    pub(super) fn key(&self, key: u32) -> Edn {
        self.keys.element(key).to_edn()
    }

    /// An element that was written.
    pub(super) fn element(&self, element: u32) -> Edn {
        self.elements.element(element).to_edn()
    }

    /// `[:r 5 3]`.
    pub(super) fn micro_op(&self, micro_op: &MicroOp) -> Edn {
        let (action, value) = match micro_op.action {
            Action::Read => ("r", self.values.to_edn(micro_op.value, &self.elements)),
            Action::Write => (V::WRITE, self.element(micro_op.value)),
        };
        vector([edn::key(action), self.key(micro_op.key), value])
    }

    /// The operations, the first one once more at the end, and why each comes before the next.
    fn cycle(&self, cycle: &Cycle) -> Edn {
        let ends = cycle.steps.iter().map(|step| step.from);
        let ends = ends.chain(cycle.steps.last().map(|step| step.to));
        let steps = cycle.steps.iter().map(|step| self.step(step)).collect();
        edn::map([
            ("cycle", vector(ends.map(|op| self.op(op as usize)))),
            ("steps", Edn::List(steps)),
            ("type", edn::key(cycle.anomaly)),
        ])
    }

    fn step(&self, step: &CycleStep) -> Edn {
        let mut map = edn::map([("type", edn::key(step.relation.name()))]);
        let mut insert = |name, value| edn::insert(&mut map, name, value);
        let reason = &step.reason;
        let touched = |op: Vertex, action, version| {
            let mut micro_ops = self.micro_ops(op as usize).iter();
            let place = micro_ops.position(|it| {
                it.action == action && it.key == reason.key && self.version(it) == version
            });
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
        let version = |version| V::version_to_edn(version, &self.elements);
        insert("key", self.key(reason.key));
        insert("value", version(reason.before));
        if step.relation != Relation::Wr {
            insert("value'", version(reason.after));
        }
        insert("a-mop-index", touched(step.from, first, reason.before));
        insert("b-mop-index", touched(step.to, second, reason.after));
        map
    }

    /// The version that a micro-operation found or left behind.
    fn version(&self, micro_op: &MicroOp) -> u32 {
        match micro_op.action {
            Action::Read => self.values.version(micro_op.value),
            Action::Write => micro_op.value,
        }
    }

    fn existing(&self, exists: &Exists) -> Edn {
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
            told.push(match step.relation {
                Relation::Process => format!("{from} ended before {to} began on the same process"),
                Relation::Realtime => format!("{from} had ended before {to} began"),
                relation @ (Relation::Ww | Relation::Wr | Relation::Rw) => {
                    let step = Told {
                        from: &from,
                        to: &to,
                        relation,
                        key: self.keys.element(step.reason.key),
                        before: step.reason.before,
                        after: step.reason.after,
                    };
                    V::tell_step(&step, &self.elements)
                }
            });
        }
        told.join("; ")
    }

    /// What became of an element, in words.
    fn fate(&self, writer: usize, key: u32, element: u32) -> &'static str {
        let mut all = writes(self.micro_ops(writer)).rev();
        match all.find(|it| it.key == key) {
            Some(last) if last.value != element => V::HID,
            _ => "failed",
        }
    }

    /// `(op 14, process 2)`.
    fn place(&self, transaction: usize) -> String {
        let op = self.completion(transaction);
        format!("(op {}, process {})", op.index, op.process)
    }

    /// A transaction in words.
    pub(super) fn name(&self, transaction: usize) -> String {
        format!("the transaction {}", self.place(transaction))
    }

    /// Several.
    pub(super) fn names(&self, transactions: impl ExactSizeIterator<Item = usize>) -> String {
        self.listed(transactions.map(|it| self.place(it)))
    }

    /// The first few.
    pub(super) fn listed(&self, names: impl ExactSizeIterator<Item = String>) -> String {
        let more = if names.len() > NAMED { ", ..." } else { "" };
        let names: Vec<_> = names.take(NAMED).collect();
        names.join(", ") + more
    }
}

/// A vector of these.
pub(super) fn vector(items: impl IntoIterator<Item = Edn>) -> Edn {
    Edn::Vector(items.into_iter().collect())
}
