//! The anomalies of transactions, with the operations and keys that are involved.

use std::collections::BTreeSet;

use super::codec;
use super::graph::Relation;
use super::models::{Anomaly, model_of};
use super::sentences::describe_txn;
use super::shape::SHAPES;
use crate::element::Element;
use crate::finding::{Finding, first_of};
use crate::{CheckerResult, OpRef, Validity};
use history::Op;
use history::edn::Edn;

/// What transactions read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objects {
    /// Values that are replaced.
    Registers,
    /// Lists that are appended to.
    Lists,
}

/// The anomalies of transactions, and the consistency models that they rule out.
#[derive(Debug, Clone)]
pub struct TransactionsResult {
    /// The answer.
    pub validity: Validity,
    /// What transactions read and write.
    pub objects: Objects,
    /// The anomalies that the models in question forbid, and those that concern the check itself, in
    /// the order of their names.
    pub anomalies: Vec<Cases<TxnAnomaly>>,
    /// The weakest models that some anomaly rules out, whether it is in question or not.
    pub not: BTreeSet<&'static str>,
    /// All stronger models.
    pub also_not: BTreeSet<&'static str>,
}

/// The occurrences of one anomaly.
#[derive(Debug, Clone)]
pub struct Cases<C> {
    /// The anomaly, such as `G-single` or `lost-write`.
    pub name: &'static str,
    /// How many there are.
    pub count: usize,
    /// All of them, or some.
    pub cases: Vec<C>,
}

/// One occurrence of an anomaly of transactions.
#[derive(Debug, Clone)]
pub enum TxnAnomaly {
    /// A transaction read something else than its own reads and writes imply.
    Internal {
        /// The transaction.
        op: Op,
        /// What it read.
        read: TxnRead,
        /// What it should have read.
        expected: Expected,
    },
    /// A transaction read what it had not yet appended.
    FutureRead {
        /// The transaction.
        op: Op,
        /// What it read.
        read: TxnRead,
        /// What it appended later.
        element: Element,
    },
    /// A list was read that holds an element more than once.
    Duplicates {
        /// The transaction.
        op: Op,
        /// What it read.
        read: TxnRead,
        /// The elements, and how often each is there.
        repeated: Vec<(Element, usize)>,
    },
    /// Two lists were read, and the longer one does not begin with the shorter one, which is first.
    IncompatibleOrder {
        /// Their key.
        key: Element,
        /// The lists.
        lists: [Content; 2],
    },
    /// A transaction appended to what another one had appended that failed.
    DirtyUpdate {
        /// The key.
        key: Element,
        /// The elements from the first writer's to the last writer's.
        elements: Vec<Element>,
        /// The transaction that failed.
        failed: Op,
        /// The transaction that did not.
        writer: Op,
    },
    /// Each of these versions of a register came before each other one.
    CyclicVersions {
        /// The key.
        key: Element,
        /// The versions.
        values: Vec<Element>,
        /// What the order was inferred from.
        sources: Vec<&'static str>,
    },
    /// A transaction read what another one had written that failed (G1a), or that wrote again to the
    /// same key (G1b).
    DirtyRead {
        /// The transaction.
        op: Op,
        /// What it read.
        read: TxnRead,
        /// The writer.
        writer: Op,
        /// What the writer wrote.
        element: Element,
        /// Whether the writer wrote again to the key.
        is_overwritten: bool,
    },
    /// Several transactions read one value of a key and wrote to the key.
    LostUpdate {
        /// The key.
        key: Element,
        /// The value.
        value: Content,
        /// How many transactions.
        count: usize,
        /// All of them, or some.
        ops: Vec<Op>,
    },
    /// Operations each of which comes before the next, and the last before the first.
    Cycle(OpCycle),
    /// Cycles that a model forbids, without one of them to show.
    CycleExists(CycleExists),
    /// A search for a cycle that took too many steps.
    SearchTimeout(SearchTimeout),
    /// No transaction comes before another.
    NothingOrdered,
}

/// What a transaction read from a key.
#[derive(Debug, Clone)]
pub struct TxnRead {
    /// The key.
    pub key: Element,
    /// What was there.
    pub content: Content,
}

/// What an object holds.
#[derive(Debug, Clone)]
pub enum Content {
    /// No list yet.
    Nothing,
    /// A register's value.
    Value(Element),
    /// A list.
    List(Vec<Element>),
}

/// What a transaction should have read.
#[derive(Debug, Clone)]
pub enum Expected {
    /// This value.
    Value(Element),
    /// This list.
    List(Vec<Element>),
    /// Any list that ends with these elements.
    EndOfList(Vec<Element>),
}

/// Operations each of which comes before the next, and the last before the first.
#[derive(Debug, Clone)]
pub struct OpCycle {
    /// The kind of cycle.
    pub anomaly: &'static str,
    /// The operations; the first one stands at the end once more.
    pub ops: Vec<Op>,
    /// Why each comes before the next.
    pub steps: Vec<OpStep>,
}

/// Why an operation comes before another one.
#[derive(Debug, Clone)]
pub struct OpStep {
    /// The kind of reason.
    pub relation: Relation,
    /// The reason.
    pub reason: StepReason,
}

/// The evidence that an operation comes before another one.
#[derive(Debug, Clone)]
pub enum StepReason {
    /// What both did to a key.
    Data {
        /// The key.
        key: Element,
        /// The version that the first one touched; nothing for the initial one of a list.
        before: Option<Element>,
        /// The version that the second one touched.
        after: Option<Element>,
        /// Which of their micro-operations did.
        micro_ops: [Option<usize>; 2],
    },
    /// Both are of one process.
    Process,
    /// The first one had ended before the second one began.
    Realtime {
        /// How the first one ended.
        ended: Op,
        /// How the second one began.
        begun: Op,
    },
}

/// Cycles that a model forbids, without one of them to show.
#[derive(Debug, Clone)]
pub struct CycleExists {
    /// `<model>-cycle-exists`.
    pub anomaly: &'static str,
    /// The model.
    pub model: &'static str,
    /// The relations that the cycles are made of.
    pub relations: Vec<&'static str>,
    /// Operations each of which is on a cycle with each other one.
    pub ops: Vec<OpRef>,
}

/// A search for a cycle that took too many steps.
#[derive(Debug, Clone)]
pub struct SearchTimeout {
    /// The anomaly that was looked for.
    pub sought: &'static str,
    /// How many operations were searched.
    pub ops: usize,
}

impl TransactionsResult {
    /// A case in words.
    pub fn describe(&self, case: &TxnAnomaly) -> String {
        describe_txn(self.objects, case).to_string()
    }
}

impl TxnAnomaly {
    /// The transactions that the case names.
    pub fn ops(&self) -> Vec<&Op> {
        match self {
            TxnAnomaly::Internal { op, .. }
            | TxnAnomaly::FutureRead { op, .. }
            | TxnAnomaly::Duplicates { op, .. } => vec![op],
            TxnAnomaly::DirtyUpdate { failed, writer, .. } => vec![failed, writer],
            TxnAnomaly::DirtyRead { op, writer, .. } => vec![writer, op],
            TxnAnomaly::LostUpdate { ops, .. } | TxnAnomaly::Cycle(OpCycle { ops, .. }) => {
                ops.iter().collect()
            }
            TxnAnomaly::IncompatibleOrder { .. }
            | TxnAnomaly::CyclicVersions { .. }
            | TxnAnomaly::CycleExists(_)
            | TxnAnomaly::SearchTimeout(_)
            | TxnAnomaly::NothingOrdered => Vec::new(),
        }
    }
}

impl CheckerResult for TransactionsResult {
    fn validity(&self) -> Validity {
        self.validity
    }

    /// One case of each anomaly, cycles last, and then the others.
    fn findings(&self) -> Vec<Finding<'_>> {
        let is_cycle = |anomaly: Anomaly| {
            model_of(anomaly).is_some() || SHAPES.iter().any(|shape| shape.name == anomaly)
        };
        let anomalies = self.anomalies.iter();
        let (cycles, simpler): (Vec<_>, Vec<_>) = anomalies.partition(|it| is_cycle(it.name));
        let (mut firsts, mut others) = (Vec::new(), Vec::new());
        for Cases { name, count, cases } in simpler.into_iter().chain(cycles) {
            let findings = cases.iter();
            let findings = findings.map(|it| Finding::Transaction(name, self.objects, it));
            let mut findings = first_of(Some(name), *count, findings).into_iter();
            firsts.extend(findings.next());
            others.extend(findings);
        }
        firsts.extend(others);
        firsts
    }

    fn to_edn(&self) -> Edn {
        codec::transactions(self)
    }
}
