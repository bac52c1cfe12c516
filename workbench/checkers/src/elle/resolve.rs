//! Resolves the numbers in anomalies to operations, keys and values.

use super::common::Common;
use super::cycles::{Cycle, CycleCase, CycleStep, Exists, Unfinished};
use super::graph::{Relation, Vertex};
use super::result::{CycleExists, OpCycle, OpStep, SearchTimeout, StepReason, TxnAnomaly, TxnRead};
use super::transactions::{Action, MicroOp, Transactions, Values, writes};
use crate::element::Element;
use history::Op;

impl Cycle {
    pub(crate) fn resolve<'a>(
        &self,
        completion: impl Fn(Vertex) -> &'a Op,
        step: impl Fn(&CycleStep) -> OpStep,
    ) -> OpCycle {
        let ends = self.steps.iter().map(|step| step.from);
        let ends = ends.chain(self.steps.last().map(|step| step.to));
        OpCycle {
            anomaly: self.anomaly,
            ops: ends.map(|vertex| completion(vertex).clone()).collect(),
            steps: self.steps.iter().map(step).collect(),
        }
    }
}

impl Exists {
    pub(crate) fn resolve<'a>(&self, completion: impl Fn(Vertex) -> &'a Op) -> CycleExists {
        let ops = self.ops.iter();
        CycleExists {
            anomaly: self.anomaly,
            model: self.model,
            relations: self.relations.clone(),
            ops: ops.map(|vertex| completion(*vertex).into()).collect(),
        }
    }
}

impl Unfinished {
    pub(crate) fn resolve(&self) -> SearchTimeout {
        SearchTimeout {
            sought: self.sought,
            ops: self.ops,
        }
    }
}

impl<V: Values> Transactions<'_, V> {
    /// Resolves a case that registers and lists have in common.
    pub(super) fn resolve_common(&self, case: &Common) -> TxnAnomaly {
        match case {
            Common::Dirty {
                transaction,
                read,
                writer,
                element,
            } => TxnAnomaly::DirtyRead {
                op: self.op(*transaction),
                read: self.read_of(read),
                writer: self.op(*writer),
                element: self.element(*element),
                is_overwritten: self.is_overwritten(*writer, read.key, *element),
            },
            Common::LostUpdate {
                key,
                value,
                transactions,
            } => TxnAnomaly::LostUpdate {
                key: self.key(*key),
                value: self.values.content(*value, &self.elements),
                count: transactions.len(),
                ops: transactions
                    .iter()
                    .take(V::MAX_CASES)
                    .map(|it| self.op(*it))
                    .collect(),
            },
            Common::Cycle(CycleCase::Cycle(cycle)) => TxnAnomaly::Cycle(cycle.resolve(
                |vertex| self.completion(vertex as usize),
                |step| self.step(step),
            )),
            Common::Cycle(CycleCase::Exists(exists)) => {
                TxnAnomaly::CycleExists(exists.resolve(|vertex| self.completion(vertex as usize)))
            }
            Common::Cycle(CycleCase::Unfinished(unfinished)) => {
                TxnAnomaly::SearchTimeout(unfinished.resolve())
            }
            Common::Empty => TxnAnomaly::NothingOrdered,
        }
    }

    /// The completion of a transaction.
    pub(super) fn op(&self, transaction: usize) -> Op {
        self.completion(transaction).clone()
    }

    pub(super) fn key(&self, key: u32) -> Element {
        self.keys.element(key).clone()
    }

    /// An element that was written.
    pub(super) fn element(&self, element: u32) -> Element {
        self.elements.element(element).clone()
    }

    /// The read of a micro-operation.
    pub(super) fn read_of(&self, read: &MicroOp) -> TxnRead {
        TxnRead {
            key: self.key(read.key),
            content: self.values.content(read.value, &self.elements),
        }
    }

    fn step(&self, step: &CycleStep) -> OpStep {
        let by_data = |first, second| {
            let reason = &step.reason;
            let touched = |op: Vertex, action, version| {
                let mut micro_ops = self.micro_ops(op as usize).iter();
                micro_ops.position(|it| {
                    it.action == action && it.key == reason.key && self.version(it) == version
                })
            };
            StepReason::Data {
                key: self.key(reason.key),
                before: V::version_element(reason.before, &self.elements),
                after: V::version_element(reason.after, &self.elements),
                micro_ops: [
                    touched(step.from, first, reason.before),
                    touched(step.to, second, reason.after),
                ],
            }
        };
        let reason = match step.relation {
            Relation::Ww => by_data(Action::Write, Action::Write),
            Relation::Wr => by_data(Action::Write, Action::Read),
            Relation::Rw => by_data(Action::Read, Action::Write),
            Relation::Process => StepReason::Process,
            Relation::Realtime => StepReason::Realtime {
                ended: self.op(step.from as usize),
                begun: self.ops[step.to as usize].invocation.clone(),
            },
        };
        OpStep {
            relation: step.relation,
            reason,
        }
    }

    /// The version that a micro-operation read or wrote.
    fn version(&self, micro_op: &MicroOp) -> u32 {
        match micro_op.action {
            Action::Read => self.values.version(micro_op.value),
            Action::Write => micro_op.value,
        }
    }

    /// Whether the writer of an element wrote again to its key.
    fn is_overwritten(&self, writer: usize, key: u32, element: u32) -> bool {
        let mut all = writes(self.micro_ops(writer)).rev();
        let last = all.find(|it| it.key == key);
        last.is_some_and(|last| last.value != element)
    }
}
