//! How anomalies of registers are shown.

use super::{Case, CyclicVersions, Registers};
use crate::elle::anomalies::Show;
use crate::elle::show::vector;
use crate::elle::transactions::{Transactions, Values};
use history::edn::{self, Edn};

impl Show<Case> for Transactions<'_, Registers> {
    const SHOWN: usize = Registers::SHOWN;

    fn to_edn(&self, case: &Case) -> Edn {
        match case {
            Case::Internal {
                transaction,
                read,
                expected,
            } => edn::map([
                ("op", self.op(*transaction)),
                ("mop", self.micro_op(read)),
                ("expected", self.element(*expected)),
            ]),
            Case::CyclicVersions(CyclicVersions {
                key,
                values,
                sources,
            }) => edn::map([
                ("key", self.key(*key)),
                (
                    "scc",
                    Edn::Set(values.iter().map(|it| self.element(*it)).collect()),
                ),
                (
                    "sources",
                    vector(sources.iter().map(|it| edn::key(it.name()))),
                ),
            ]),
            Case::Common(case) => self.common_to_edn(case),
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
                self.elements.element(read.value),
                self.keys.element(read.key),
                self.elements.element(*expected)
            ),
            Case::CyclicVersions(CyclicVersions { key, values, .. }) => format!(
                "the values {} of key {} each came before each other one, if transactions are \
                 believed",
                self.listed(
                    values
                        .iter()
                        .map(|it| self.elements.element(*it).to_string())
                ),
                self.keys.element(*key)
            ),
            Case::Common(case) => self.tell_common(case),
        }
    }
}
