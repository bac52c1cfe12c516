//! Resolves the anomalies of lists.

use super::lists::Lists;
use super::single_reads::repeated;
use super::{Case, Expected};
use crate::element::Element;
use crate::elle::anomalies::Resolve;
use crate::elle::result::{self, TxnAnomaly};
use crate::elle::transactions::{Transactions, Values};

impl Resolve<Case> for Transactions<'_, Lists> {
    const MAX_CASES: usize = Lists::MAX_CASES;

    fn resolve(&self, case: &Case) -> TxnAnomaly {
        match case {
            Case::Internal {
                transaction,
                read,
                expected,
            } => TxnAnomaly::Internal {
                op: self.op(*transaction),
                read: self.read_of(read),
                expected: self.expected(expected),
            },
            Case::FutureRead {
                transaction,
                read,
                element,
            } => TxnAnomaly::FutureRead {
                op: self.op(*transaction),
                read: self.read_of(read),
                element: self.element(*element),
            },
            Case::Duplicates { transaction, read } => {
                let repeated = repeated(&self.values, read.value).into_iter();
                TxnAnomaly::Duplicates {
                    op: self.op(*transaction),
                    read: self.read_of(read),
                    repeated: repeated
                        .map(|(element, count)| (self.element(element), count))
                        .collect(),
                }
            }
            Case::IncompatibleOrder { key, lists } => TxnAnomaly::IncompatibleOrder {
                key: self.key(*key),
                lists: lists.map(|list| self.values.content(list, &self.elements)),
            },
            Case::DirtyUpdate {
                key,
                elements,
                failed,
                writer,
            } => TxnAnomaly::DirtyUpdate {
                key: self.key(*key),
                elements: self.all(elements),
                failed: self.op(*failed),
                writer: self.op(*writer),
            },
            Case::Common(case) => self.resolve_common(case),
        }
    }
}

impl Transactions<'_, Lists> {
    fn all(&self, elements: &[u32]) -> Vec<Element> {
        elements.iter().map(|it| self.element(*it)).collect()
    }

    fn expected(&self, expected: &Expected) -> result::Expected {
        let elements = self.all(&expected.elements(&self.values));
        if expected.has_any_start() {
            result::Expected::EndOfList(elements)
        } else {
            result::Expected::List(elements)
        }
    }
}
