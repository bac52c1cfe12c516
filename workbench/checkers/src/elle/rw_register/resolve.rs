//! Resolves the anomalies of registers.

use super::{Case, CyclicVersions, Registers};
use crate::elle::anomalies::Resolve;
use crate::elle::result::{Expected, TxnAnomaly};
use crate::elle::transactions::{Transactions, Values};

impl Resolve<Case> for Transactions<'_, Registers> {
    const MAX_CASES: usize = Registers::MAX_CASES;

    fn resolve(&self, case: &Case) -> TxnAnomaly {
        match case {
            Case::Internal {
                transaction,
                read,
                expected,
            } => TxnAnomaly::Internal {
                op: self.op(*transaction),
                read: self.read_of(read),
                expected: Expected::Value(self.element(*expected)),
            },
            Case::CyclicVersions(CyclicVersions {
                key,
                values,
                sources,
            }) => TxnAnomaly::CyclicVersions {
                key: self.key(*key),
                values: values.iter().map(|it| self.element(*it)).collect(),
                sources: sources.iter().map(|it| it.name()).collect(),
            },
            Case::Common(case) => self.resolve_common(case),
        }
    }
}
