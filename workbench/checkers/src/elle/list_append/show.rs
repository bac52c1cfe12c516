//! How anomalies of lists are shown.

use std::borrow::Cow;

use super::lists::{Lists, tell};
use super::single_reads::repeated;
use super::{Case, Expected};
use crate::elle::anomalies::Show;
use crate::elle::common::Common;
use crate::elle::show::vector;
use crate::elle::transactions::{Transactions, Values};
use history::edn::{self, Edn};

impl Show<Case> for Transactions<'_, Lists> {
    const SHOWN: usize = Lists::SHOWN;

    fn to_edn(&self, case: &Case) -> Edn {
        match case {
            Case::Internal {
                transaction,
                read,
                expected,
            } => edn::map([
                ("op", self.op(*transaction)),
                ("mop", self.micro_op(read)),
                ("expected", self.expected(expected)),
            ]),
            Case::FutureRead {
                transaction,
                read,
                element,
            } => edn::map([
                ("op", self.op(*transaction)),
                ("mop", self.micro_op(read)),
                ("element", self.element(*element)),
            ]),
            Case::Duplicates { transaction, read } => {
                let repeated = repeated(&self.values, read.value).into_iter();
                let counts = repeated.map(|(it, count)| (self.element(it), edn::count(count)));
                edn::map([
                    ("op", self.op(*transaction)),
                    ("mop", self.micro_op(read)),
                    ("duplicates", edn::map_of(counts.collect())),
                ])
            }
            Case::IncompatibleOrder { key, lists } => {
                let lists = lists.map(|list| self.values.to_edn(list, &self.elements));
                edn::map([("key", self.key(*key)), ("values", vector(lists))])
            }
            Case::DirtyUpdate {
                key,
                elements,
                failed,
                writer,
            } => {
                let elements = elements.iter().map(|element| self.element(*element));
                edn::map([
                    ("key", self.key(*key)),
                    ("values", vector(elements)),
                    ("txns", vector([self.op(*failed), dots(), self.op(*writer)])),
                ])
            }
            Case::Common(case) => {
                let mut told = self.common_to_edn(case);
                if let Common::Dirty { element, .. } = case {
                    edn::insert(&mut told, "element", self.element(*element));
                }
                told
            }
        }
    }

    fn tell(&self, case: &Case) -> String {
        let list = |read: u32| self.values.tell(read, &self.elements);
        match case {
            Case::Internal {
                transaction,
                read,
                expected,
            } => format!(
                "{} read {} from key {} where its own reads and appends promised {}",
                self.name(*transaction),
                list(read.value),
                self.keys.element(read.key),
                self.tell_expected(expected)
            ),
            Case::FutureRead {
                transaction,
                read,
                element,
            } => format!(
                "{} read {} from key {} before it appended {} itself",
                self.name(*transaction),
                list(read.value),
                self.keys.element(read.key),
                self.elements.element(*element)
            ),
            Case::Duplicates { transaction, read } => {
                let repeated = repeated(&self.values, read.value);
                let repeated = repeated.iter().map(|(element, count)| {
                    format!("{} {count} times", self.elements.element(*element))
                });
                format!(
                    "{} read {} from key {}, with {}",
                    self.name(*transaction),
                    list(read.value),
                    self.keys.element(read.key),
                    self.listed(repeated)
                )
            }
            Case::IncompatibleOrder { key, lists } => format!(
                "key {} was read as {} and as {}, and neither goes on from the other",
                self.keys.element(*key),
                list(lists[0]),
                list(lists[1])
            ),
            Case::DirtyUpdate {
                key,
                elements,
                failed,
                writer,
            } => format!(
                "{} failed, and {} appended to what it had left in key {}: {}",
                self.name(*failed),
                self.name(*writer),
                self.keys.element(*key),
                tell(elements, &self.elements)
            ),
            Case::Common(case) => self.tell_common(case),
        }
    }
}

impl Transactions<'_, Lists> {
    /// `[... 3 4]` or, where all is known, `[1 2 3 4]`.
    fn expected(&self, expected: &Expected) -> Edn {
        let start = expected.has_any_start().then(dots);
        let elements = expected.elements(&self.values).into_iter();
        let elements = elements.map(|element| self.element(element));
        vector(start.into_iter().chain(elements))
    }

    fn tell_expected(&self, expected: &Expected) -> String {
        let told = tell(&expected.elements(&self.values), &self.elements);
        if expected.has_any_start() {
            told.replacen('[', "[..., ", 1)
        } else {
            told
        }
    }
}

/// What stands for anything.
fn dots() -> Edn {
    Edn::Symbol(Cow::Borrowed("..."))
}
