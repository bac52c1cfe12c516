//! Sentences that describe anomalies of transactions.

use std::fmt::{self, Display, Formatter};

use super::graph::Relation;
use super::result::{
    Content, CycleExists, Expected, Objects, OpCycle, SearchTimeout, StepReason, TxnAnomaly,
};
use crate::element::Element;
use crate::finding::{counted, named};
use history::{Op, Process};

/// The number of elements at each end of a long list that are shown.
const MAX_SHOWN_AT_END: usize = 8;

/// A case that prints as a sentence.
pub(crate) struct Sentence<'a>(Objects, &'a TxnAnomaly);

/// Describes a case in a sentence.
pub(crate) fn describe_txn(objects: Objects, case: &TxnAnomaly) -> Sentence<'_> {
    Sentence(objects, case)
}

impl Display for Sentence<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Sentence(objects, case) = *self;
        let is_list = objects == Objects::Lists;
        let wrote = if is_list { "appended" } else { "wrote" };
        match case {
            TxnAnomaly::Internal { op, read, expected } if is_list => write!(
                f,
                "{} read {} from key {}, but its own reads and appends require {expected}",
                transaction(op),
                read.content,
                read.key,
            ),
            TxnAnomaly::Internal { op, read, expected } => write!(
                f,
                "{} read {} from key {} after it read or wrote {expected} itself",
                transaction(op),
                read.content,
                read.key,
            ),
            TxnAnomaly::FutureRead { op, read, element } => write!(
                f,
                "{} read {} from key {} before it appended {element} itself",
                transaction(op),
                read.content,
                read.key,
            ),
            TxnAnomaly::Duplicates { op, read, repeated } => {
                let repeated = repeated.iter();
                let repeated =
                    repeated.map(|(element, count)| format!("{element} ({count} times)"));
                write!(
                    f,
                    "{} read {} from key {}, with duplicates: {}",
                    transaction(op),
                    read.content,
                    read.key,
                    named(repeated.len(), repeated)
                )
            }
            TxnAnomaly::IncompatibleOrder {
                key,
                lists: [one, other],
            } => write!(
                f,
                "key {key} was read as {one} and as {other}, and neither is a prefix of the other"
            ),
            TxnAnomaly::DirtyUpdate {
                key,
                elements,
                failed,
                writer,
            } => write!(
                f,
                "{} failed, but {} appended after its element in key {key}: {}",
                transaction(failed),
                transaction(writer),
                list(elements)
            ),
            TxnAnomaly::CyclicVersions {
                key,
                values,
                sources,
            } => write!(
                f,
                "the values {} of key {key} form a cycle in the order inferred from {}",
                named(values.len(), values.iter().map(ToString::to_string)),
                sources.join(", ")
            ),
            TxnAnomaly::DirtyRead {
                op,
                read,
                writer,
                element,
                is_overwritten,
            } => {
                write!(
                    f,
                    "{} read {} from key {}, but {}, which {wrote} {element}, ",
                    transaction(op),
                    read.content,
                    read.key,
                    transaction(writer),
                )?;
                match is_overwritten {
                    false => f.write_str("failed"),
                    true => write!(f, "then {wrote} to the key again"),
                }
            }
            TxnAnomaly::LostUpdate {
                key,
                value,
                count,
                ops,
            } => {
                let ops = ops.iter().map(|op| op_and_process(op.index, op.process));
                let names = named(*count, ops);
                write!(
                    f,
                    "{count} transactions read {value} from key {key} and then {wrote} to it: {names}"
                )
            }
            TxnAnomaly::Cycle(cycle) => f.write_str(&steps(objects, cycle)),
            TxnAnomaly::CycleExists(exists) => f.write_str(&exists.sentence("transaction")),
            TxnAnomaly::SearchTimeout(timeout) => f.write_str(&timeout.sentence("transaction")),
            TxnAnomaly::NothingOrdered => {
                f.write_str("no transaction precedes another, so nothing could be checked")
            }
        }
    }
}

impl CycleExists {
    pub(crate) fn sentence(&self, noun: &str) -> String {
        let count = counted(self.ops.len(), noun);
        let relations = self.relations.join(", ");
        let ops = self.ops.iter();
        let ops = ops.map(|op| op_and_process(op.index, op.process));
        format!(
            "{count} are on cycles of {relations}, which {} forbids: {}",
            self.model,
            named(self.ops.len(), ops)
        )
    }
}

impl SearchTimeout {
    pub(crate) fn sentence(&self, noun: &str) -> String {
        let ops = counted(self.ops, noun);
        format!(
            "the search for {} among {ops} exceeded its limit",
            self.sought
        )
    }
}

/// Describes each step; a transaction is identified where it first occurs.
fn steps(objects: Objects, cycle: &OpCycle) -> String {
    let mut known: Vec<usize> = Vec::new();
    let mut transaction = |op: &Op| match known.iter().position(|index| *index == op.index) {
        Some(position) => format!("T{}", position + 1),
        None => {
            known.push(op.index);
            format!("T{} (op {}, process {})", known.len(), op.index, op.process)
        }
    };
    let ends = cycle.ops.windows(2);
    let steps = ends.zip(&cycle.steps).map(|(ends, step)| {
        let (from, to) = (transaction(&ends[0]), transaction(&ends[1]));
        match &step.reason {
            StepReason::Process => format!("{from} ended before {to} began on the same process"),
            StepReason::Realtime { .. } => format!("{from} ended before {to} began"),
            StepReason::Data {
                key, before, after, ..
            } => {
                let [before, after] = [before, after].map(Option::as_ref);
                data_step(objects, step.relation, &from, &to, key, [before, after])
            }
        }
    });
    steps.collect::<Vec<_>>().join("; ")
}

/// Describes the data dependency that puts `from` before `to`, and the versions that each touched.
fn data_step(
    objects: Objects,
    relation: Relation,
    from: &str,
    to: &str,
    key: &Element,
    versions: [Option<&Element>; 2],
) -> String {
    let [before, after] =
        versions.map(|version| version.map_or("nothing".to_owned(), ToString::to_string));
    match (objects, relation) {
        (Objects::Registers, Relation::Ww) => {
            format!("{from} wrote {before} to key {key}, which {to} replaced by {after}")
        }
        (Objects::Registers, Relation::Wr) => {
            format!("{from} wrote {before} to key {key}, which {to} read")
        }
        (Objects::Registers, _) => {
            format!("{from} read {before} from key {key}, which {to} replaced by {after}")
        }
        (Objects::Lists, Relation::Ww) => {
            format!("{from} appended {before} to key {key}, and {to} appended {after} after it")
        }
        (Objects::Lists, Relation::Wr) => {
            format!("{from} appended {before} to key {key}, which {to} read")
        }
        (Objects::Lists, _) if versions[0].is_none() => {
            format!("{from} read key {key} unset, without {after}, which {to} appended")
        }
        (Objects::Lists, _) => {
            format!("{from} read key {key} up to {before}, without {after}, which {to} appended")
        }
    }
}

impl Display for Content {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Content::Nothing => f.write_str("null"),
            Content::Value(element) => element.fmt(f),
            Content::List(elements) => f.write_str(&list(elements)),
        }
    }
}

impl Display for Expected {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Value(element) => element.fmt(f),
            Expected::List(elements) => f.write_str(&list(elements)),
            Expected::EndOfList(elements) => {
                f.write_str(&list(elements).replacen('[', "[..., ", 1))
            }
        }
    }
}

/// `[1, 2, 3]`; of a long list only both ends.
fn list(elements: &[Element]) -> String {
    let mut shown: Vec<String> = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        if index < MAX_SHOWN_AT_END || index + MAX_SHOWN_AT_END >= elements.len() {
            shown.push(element.to_string());
        } else if index == MAX_SHOWN_AT_END {
            shown.push("...".to_owned());
        }
    }
    format!("[{}]", shown.join(", "))
}

/// `process 2 (op 14)`.
fn transaction(op: &Op) -> String {
    op_and_process(op.index, op.process)
}

fn op_and_process(index: usize, process: Process) -> String {
    format!("process {process} (op {index})")
}

#[cfg(test)]
mod tests {
    use super::{SearchTimeout, list};
    use crate::element::Element;

    #[test]
    fn of_a_long_list_both_ends_are_shown() {
        let shown = |count: i64| list(&(1..=count).map(Element::Int).collect::<Vec<_>>());
        assert_eq!(shown(0), "[]");
        assert_eq!(shown(2), "[1, 2]");
        assert!(!shown(16).contains("..."));
        let ends = "[1, 2, 3, 4, 5, 6, 7, 8, ..., 10, 11, 12, 13, 14, 15, 16, 17]";
        assert_eq!(shown(17), ends);
        assert_eq!(
            shown(90),
            ends.replace(
                "10, 11, 12, 13, 14, 15, 16, 17",
                "83, 84, 85, 86, 87, 88, 89, 90"
            )
        );
    }

    #[test]
    fn a_search_that_gave_up_says_what_it_sought_and_where() {
        let timeout = SearchTimeout {
            sought: "G2-item",
            ops: 1,
        };
        let sentence = "the search for G2-item among 1 transaction exceeded its limit";
        assert_eq!(timeout.sentence("transaction"), sentence);
    }
}
