//! The naive checker of lists.

use std::collections::BTreeSet;

use history::{History, Kind};
use serde_json::Value;

use super::graph::Graph;
use super::graph::Relation::{Process, Realtime, Rw, Wr, Ww};
use super::naive::{All, MicroOp, Transaction, Twin, micro_ops};

/// Transactions on lists.
pub struct Lists<'a>(All<'a>);

const NOTHING: &[Value] = &[];

/// The elements that were read; none for a missing list.
fn elements((_, _, read): &MicroOp) -> &[Value] {
    read.as_array().map_or(NOTHING, Vec::as_slice)
}

impl Transaction<'_> {
    /// Whether a read contradicts the transaction's own reads and appends.
    fn contradicts_itself(&self) -> bool {
        (0..self.micro_ops.len()).any(|at| self.is_contradiction(at))
    }

    fn is_contradiction(&self, at: usize) -> bool {
        let (action, key, read) = &self.micro_ops[at];
        if action != "r" {
            return false;
        }
        let earlier = self.micro_ops[..at].iter().filter(|(_, it, _)| it == key);
        let earlier: Vec<&MicroOp> = earlier.collect();
        let last_read = earlier.iter().rposition(|(action, _, _)| action == "r");
        let after = last_read.map_or(0, |at| at + 1);
        let appended = earlier[after..]
            .iter()
            .map(|(_, _, element)| element.clone());
        let appended: Vec<Value> = appended.collect();
        let seen = elements(&self.micro_ops[at]);
        let Some(last_read) = last_read.map(|at| earlier[at]) else {
            return !seen.ends_with(&appended);
        };
        if appended.is_empty() {
            return !last_read.2.is_null() && last_read.2 != *read;
        }
        seen != [elements(last_read), &appended].concat()
    }

    fn has_future_read(&self) -> bool {
        let reads = self.micro_ops.iter().enumerate();
        let mut reads = reads.filter(|(_, (action, _, _))| action == "r");
        reads.any(|(at, read)| {
            let mut later = self.micro_ops[at..].iter();
            later.any(|(action, key, element)| {
                action == "append" && *key == read.1 && elements(read).contains(element)
            })
        })
    }

    fn has_appended(&self, key: &Value, element: &Value) -> bool {
        self.writes_to(key).contains(&element)
    }
}

impl Twin for Lists<'_> {
    fn all(&self) -> &All<'_> {
        &self.0
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new([Ww, Wr, Rw, Realtime, Process]);
        for key in self.0.keys() {
            let order = self.order(key);
            for transaction in self.possible() {
                let index = transaction.index();
                let mut link = |from: usize, to: usize, relation| {
                    if from != to {
                        graph.link(from, to, relation);
                    }
                };
                for (_, _, read) in transaction.reads().filter(|(_, it, _)| it == key) {
                    let last = read.as_array().and_then(|list| list.last());
                    if let Some(writer) = last.and_then(|it| self.writer(key, it)) {
                        link(writer, index, Wr);
                    }
                }
                for element in transaction.writes_to(key) {
                    let position = order.iter().position(|it| it == element);
                    let position = position.unwrap_or(order.len());
                    let before = position.checked_sub(1).map(|at| &order[at]);
                    if let Some(writer) = before.and_then(|it| self.writer(key, it)) {
                        link(writer, index, Ww);
                    }
                    for reader in self.possible().filter(|it| it.found(key, before)) {
                        link(reader.index(), index, Rw);
                    }
                }
            }
        }
        graph
    }

    fn own(&self) -> Vec<(&'static str, bool)> {
        let ok = || self.0.ok();
        vec![
            ("internal", ok().any(Transaction::contradicts_itself)),
            ("future-read", ok().any(Transaction::has_future_read)),
            ("G1a", self.has_aborted_read()),
            ("G1b", self.has_intermediate_read()),
            ("dirty-update", self.has_dirty_update()),
            ("duplicate-elements", self.has_duplicates()),
            ("incompatible-order", self.has_incompatible_order()),
        ]
    }
}

impl Transaction<'_> {
    /// Whether it read the list that ends with this element, or no list. An indeterminate
    /// transaction did not perform a read that has no result.
    fn found(&self, key: &Value, last: Option<&Value>) -> bool {
        let mut reads = self.reads().filter(|(_, it, _)| it == key);
        reads.any(|read| {
            let counts = self.is(Kind::Ok) || !read.2.is_null();
            counts && elements(read).last() == last
        })
    }
}

impl<'a> Lists<'a> {
    /// The transactions of a history, if it can be judged.
    pub fn read(history: &'a History) -> Result<Self, ()> {
        let all = All::read(history, "append")?;
        let done = all.all.iter().flat_map(|it| &it.micro_ops);
        let mut seen = all.requested.iter().chain(done);
        let is_list = |value: &Value| value.is_null() || value.is_array();
        let is_unjudged = seen.any(|(action, _, value)| action == "r" && !is_list(value));
        let lists = Lists(all);
        let is_unjudged = is_unjudged || lists.is_requested_twice() || lists.has_invention();
        if is_unjudged { Err(()) } else { Ok(lists) }
    }

    fn possible(&self) -> impl Iterator<Item = &Transaction<'a>> {
        self.0.all.iter().filter(|it| !it.is(Kind::Fail))
    }

    fn is_requested_twice(&self) -> bool {
        let requested = self
            .0
            .requested
            .iter()
            .filter(|(action, _, _)| action == "append");
        let requested: Vec<_> = requested.collect();
        (0..requested.len()).any(|at| requested[..at].contains(&requested[at]))
    }

    /// Whether an element was read that was never appended, or the only requested append to a key
    /// is in no completion.
    fn has_invention(&self) -> bool {
        let all = || self.0.all.iter();
        let is_invented = |key: &&Value| {
            let order = self.order(key);
            let mut order = order.iter();
            order.any(|element| !all().any(|it| it.has_appended(key, element)))
        };
        let is_missing = |key: &&Value| {
            let to_key = |(action, it, _): &&MicroOp| action == "append" && it == *key;
            let requested: Vec<_> = self.0.requested.iter().filter(to_key).collect();
            let is_completed = || {
                let contains_it =
                    |it: &Transaction<'_>| micro_ops(it.invocation).unwrap().contains(requested[0]);
                all().any(contains_it)
            };
            self.order(key).is_empty()
                && all().all(|it| it.writes_to(key).is_empty())
                && requested.len() == 1
                && is_completed()
        };
        let requested = self.0.requested.iter().map(|(_, key, _)| key);
        let keys: Vec<&Value> = requested.chain(self.0.keys()).collect();
        keys.iter().any(is_invented) || keys.iter().any(is_missing)
    }

    /// All lists that were read from a key and are not empty.
    fn lists(&self, key: &Value) -> Vec<&[Value]> {
        let mut lists: Vec<&[Value]> = Vec::new();
        for read in self.possible().flat_map(Transaction::reads) {
            let list = elements(read);
            if read.1 == *key && !list.is_empty() && !lists.contains(&list) {
                lists.push(list);
            }
        }
        lists
    }

    fn order(&self, key: &Value) -> Vec<Value> {
        // Of several longest lists, the last counts.
        let lists = self.lists(key);
        let mut order: Vec<Value> = Vec::new();
        if let Some(longest) = lists.iter().max_by_key(|list| list.len()) {
            for element in *longest {
                if !order.contains(element) {
                    order.push(element.clone());
                }
            }
            return order;
        }
        let appended: Vec<&Value> = self.possible().flat_map(|it| it.writes_to(key)).collect();
        match appended[..] {
            [only] => vec![only.clone()],
            _ => Vec::new(),
        }
    }

    fn writer(&self, key: &Value, element: &Value) -> Option<usize> {
        let writers = self.possible().filter(|it| it.has_appended(key, element));
        writers.map(Transaction::index).max()
    }

    fn has_aborted_read(&self) -> bool {
        let failed = || self.0.all.iter().filter(|it| it.is(Kind::Fail));
        let mut reads = self.0.ok().flat_map(Transaction::reads);
        reads.any(|read| {
            let mut list = elements(read).iter();
            list.any(|element| failed().any(|it| it.has_appended(&read.1, element)))
        })
    }

    fn has_intermediate_read(&self) -> bool {
        self.0.ok().any(|reader| {
            reader.reads().any(|read| {
                let mut others = self.0.all.iter().filter(|it| it.index() != reader.index());
                others.any(|writer| {
                    let appended = writer.writes_to(&read.1);
                    let early = appended.split_last().map_or(&[][..], |(_, early)| early);
                    elements(read)
                        .last()
                        .is_some_and(|last| early.contains(&last))
                })
            })
        })
    }

    fn has_dirty_update(&self) -> bool {
        self.0.keys().into_iter().any(|key| {
            let ends = self.order(key).into_iter().filter_map(|element| {
                let writers = self
                    .0
                    .all
                    .iter()
                    .filter(|it| it.has_appended(key, &element));
                let last = writers.max_by_key(|it| it.index())?;
                Some(last.completion.kind)
            });
            let ends: Vec<Kind> = ends.collect();
            let failed = ends.iter().position(|kind| *kind == Kind::Fail);
            failed.is_some_and(|at| ends[at..].contains(&Kind::Ok))
        })
    }

    fn has_duplicates(&self) -> bool {
        let mut reads = self.possible().flat_map(Transaction::reads);
        reads.any(|read| {
            let list = elements(read);
            let different: BTreeSet<String> = list.iter().map(Value::to_string).collect();
            different.len() < list.len()
        })
    }

    fn has_incompatible_order(&self) -> bool {
        self.0.keys().into_iter().any(|key| {
            let lists = self.lists(key);
            let goes_on = |a: &[Value], b: &[Value]| a.starts_with(b) || b.starts_with(a);
            let mut all = lists.iter();
            all.any(|a| lists.iter().any(|b| !goes_on(a, b)))
        })
    }
}
