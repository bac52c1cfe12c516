//! The anomalies of transactions, with the operations and keys involved.

use std::collections::BTreeSet;

use super::codec;
use super::cycle_kind::CYCLE_KINDS;
use super::graph::Relation;
use super::models::{Anomaly, Models, model_of, strongest_except};
use super::sentences::describe_txn;
use crate::element::Element;
use crate::finding::{Finding, first_of};
use crate::{CheckerResult, OpRef, Validity};
use history::Op;
use history::edn::Edn;

/// The objects that transactions read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objects {
    /// Registers, whose values are replaced.
    Registers,
    /// Lists, which are appended to.
    Lists,
}

/// The anomalies of transactions, and the consistency models that they rule out.
#[derive(Debug, Clone)]
pub struct TransactionsResult {
    /// The answer.
    pub validity: Validity,
    /// The objects that transactions read and write.
    pub objects: Objects,
    /// The anomalies that the requested models forbid, and those that concern the check itself, in
    /// the order of their names.
    pub anomalies: Vec<Cases<TxnAnomaly>>,
    /// The weakest models that any anomaly rules out, requested or not.
    pub not: BTreeSet<&'static str>,
    /// All stronger models that are ruled out.
    pub also_not: BTreeSet<&'static str>,
    /// The requested models.
    pub requested: Models,
}

/// The cases of one anomaly.
#[derive(Debug, Clone)]
pub struct Cases<C> {
    /// The anomaly, such as `G-single` or `lost-write`.
    pub name: &'static str,
    /// The number of cases.
    pub count: usize,
    /// All cases, or some.
    pub cases: Vec<C>,
}

/// One case of an anomaly of transactions.
#[derive(Debug, Clone)]
pub enum TxnAnomaly {
    /// A transaction's read contradicts its own earlier reads and writes.
    Internal {
        /// The transaction.
        op: Op,
        /// What it read.
        read: TxnRead,
        /// What it should have read.
        expected: Expected,
    },
    /// A transaction read an element that it appended only later.
    FutureRead {
        /// The transaction.
        op: Op,
        /// What it read.
        read: TxnRead,
        /// The element that it appended later.
        element: Element,
    },
    /// A list that was read has an element more than once.
    Duplicates {
        /// The transaction.
        op: Op,
        /// What it read.
        read: TxnRead,
        /// The repeated elements, with their counts.
        repeated: Vec<(Element, usize)>,
    },
    /// Two lists were read, and the shorter one, which is first, is not a prefix of the other.
    IncompatibleOrder {
        /// Their key.
        key: Element,
        /// The lists.
        lists: [Content; 2],
    },
    /// A transaction appended to an element of a failed transaction.
    DirtyUpdate {
        /// The key.
        key: Element,
        /// The elements from that of the failed transaction to that of the other.
        elements: Vec<Element>,
        /// The transaction that failed.
        failed: Op,
        /// The transaction that did not fail.
        writer: Op,
    },
    /// The versions of a register form a cycle.
    CyclicVersions {
        /// The key.
        key: Element,
        /// The versions.
        values: Vec<Element>,
        /// The sources of their order.
        sources: Vec<&'static str>,
    },
    /// A transaction read what a failed one wrote (G1a), or what one wrote that wrote again to the
    /// same key (G1b).
    DirtyRead {
        /// The transaction.
        op: Op,
        /// What it read.
        read: TxnRead,
        /// The writer.
        writer: Op,
        /// The element that the writer wrote.
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
        /// The number of transactions.
        count: usize,
        /// All cases, or some.
        ops: Vec<Op>,
    },
    /// Operations each of which comes before the next, and the last before the first.
    Cycle(OpCycle),
    /// Cycles that a model forbids, without one of them to show.
    CycleExists(CycleExists),
    /// A search for a cycle that took too many steps.
    SearchTimeout(SearchTimeout),
    /// No transaction precedes another.
    NothingOrdered,
}

/// A read of a key by a transaction.
#[derive(Debug, Clone)]
pub struct TxnRead {
    /// The key.
    pub key: Element,
    /// The content that was read.
    pub content: Content,
}

/// The content of an object.
#[derive(Debug, Clone)]
pub enum Content {
    /// A missing list.
    Nothing,
    /// A register's value.
    Value(Element),
    /// A list.
    List(Vec<Element>),
}

/// The content that a transaction should have read.
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
    /// The anomaly of the cycle.
    pub anomaly: &'static str,
    /// The operations; the first one is also the last.
    pub ops: Vec<Op>,
    /// The reason why each precedes the next.
    pub steps: Vec<OpStep>,
}

/// The reason why an operation precedes another.
#[derive(Debug, Clone)]
pub struct OpStep {
    /// The relation of the two operations.
    pub relation: Relation,
    /// The evidence.
    pub reason: StepReason,
}

/// The evidence that an operation precedes another.
#[derive(Debug, Clone)]
pub enum StepReason {
    /// Both touched a key.
    Data {
        /// The key.
        key: Element,
        /// The version that the first one touched. `None` for the initial version of a list.
        before: Option<Element>,
        /// The version that the second one touched.
        after: Option<Element>,
        /// The indices of their micro-operations.
        micro_ops: [Option<usize>; 2],
    },
    /// Both are operations of one process.
    Process,
    /// The first one ended before the second one began.
    Realtime {
        /// The completion of the first one.
        ended: Op,
        /// The invocation of the second one.
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
    /// The relations that the cycles consist of.
    pub relations: Vec<&'static str>,
    /// Operations each of which is on a cycle with each other one.
    pub ops: Vec<OpRef>,
}

/// A search for a cycle that took too many steps.
#[derive(Debug, Clone)]
pub struct SearchTimeout {
    /// The anomaly that was searched for.
    pub sought: &'static str,
    /// The number of operations searched.
    pub ops: usize,
}

impl TransactionsResult {
    /// The strongest models that no anomaly rules out.
    pub fn possible(&self) -> Vec<&'static str> {
        strongest_except(&self.not.union(&self.also_not).copied().collect())
    }

    /// Describes a case.
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

    /// One case of each anomaly, cycles last, followed by the other cases.
    fn findings(&self) -> Vec<Finding<'_>> {
        let is_cycle = |anomaly: Anomaly| {
            model_of(anomaly).is_some() || CYCLE_KINDS.iter().any(|kind| kind.name == anomaly)
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
