//! Which version of a key came before which, and what that says of transactions.

use std::collections::{BTreeMap, BTreeSet};

use super::Registers;
use crate::checker::elle::component::strongly_connected;
use crate::checker::elle::graph::Vertex;
use crate::checker::elle::transactions::{Action, NIL, Transactions, writes};
use crate::checker::elle::versions::{Version, Versions};
use crate::history::Kind;

/// The versions that transactions saw or left behind, in the order that they give away.
pub(super) struct Order {
    /// All versions, the unset ones among them.
    pub(super) versions: Versions,
    /// Keys with versions each of which would have replaced each other one.
    pub(super) cyclic: Vec<(u32, Vec<u32>)>,
}

impl Order {
    /// Gathers what transactions that are `ok` found and left behind. What others wrote counts for
    /// nothing: nobody knows whether it was ever there.
    ///
    /// # Errors
    /// When two transactions left the same value behind for one key, and somebody found it there.
    pub(super) fn of(transactions: &Transactions<'_, Registers>) -> Result<Self, String> {
        let mut all = Versions::default();
        // By key: who was last seen to touch it, and what they found if they read first; who was
        // last seen to write to it.
        let mut found = vec![(None, None); transactions.keys.len()];
        let mut written = vec![None; transactions.keys.len()];
        for transaction in transactions.that_are(Kind::Ok) {
            let vertex = transaction as Vertex;
            let micro_ops = transactions.micro_ops(transaction);
            for micro_op in micro_ops {
                let found = &mut found[micro_op.key as usize];
                if found.0 != Some(transaction) {
                    let read = micro_op.action == Action::Read;
                    *found = (Some(transaction), read.then_some(micro_op.value));
                    if read {
                        let version = all.version(micro_op.key, micro_op.value);
                        version.readers.push(vertex);
                    }
                }
            }
            for write in writes(micro_ops).rev() {
                let (key, value) = (write.key, write.value);
                if written[key as usize].replace(transaction) == Some(transaction) {
                    continue;
                }
                all.version(key, value).writers.push(vertex);
                // Nobody can tell a register that was unset again from one that always was.
                if value == NIL {
                    continue;
                }
                let before = found[key as usize].1.filter(|before| *before != NIL);
                for before in before.into_iter().chain([NIL]) {
                    all.version(key, before).updaters.push((vertex, value));
                }
            }
        }
        for version in all.all() {
            // A register that was unset again counts as found, since all are unset at first.
            let is_found = version.value == NIL || !version.readers.is_empty();
            if let [first, second, ..] = version.writers[..]
                && is_found
            {
                return Err(twice(transactions, [first, second], version));
            }
        }
        share_updates(&mut all);
        let cyclic = cut_circles(&mut all);
        Ok(Order {
            versions: all,
            cyclic,
        })
    }
}

/// Whoever wrote a value that replaced a version has replaced that version, whoever else did.
fn share_updates(versions: &mut Versions) {
    let several = versions.all().iter().filter(|it| it.writers.len() > 1);
    let several: BTreeMap<_, _> = several
        .map(|it| ((it.key, it.value), it.writers.clone()))
        .collect();
    if several.is_empty() {
        return;
    }
    for version in versions.all_mut() {
        let all = version.updaters.iter().flat_map(|&(updater, after)| {
            let others = several.get(&(version.key, after)).into_iter().flatten();
            let others = others.map(move |other| (*other, after));
            others.chain([(updater, after)])
        });
        let all: BTreeSet<_> = all.collect();
        version.updaters = all.into_iter().collect();
    }
}

/// Where versions go round in circles, only that a register is unset at first is believed. Returns
/// the circles.
fn cut_circles(versions: &mut Versions) -> Vec<(u32, Vec<u32>)> {
    let numbered = (0..).zip(versions.all());
    let edges = numbered.flat_map(|(at, version)| {
        let unset = versions.place(version.key, NIL);
        let unset = unset.filter(|_| version.value != NIL);
        let updates = version.updaters.iter();
        let updated = updates.filter_map(|(_, after)| versions.place(version.key, *after));
        let updated = updated.map(move |to| (at, to));
        updated.chain(unset.map(|unset| (unset, at)))
    });
    let edges: Vec<_> = edges.collect();
    let mut cyclic = Vec::new();
    for circle in strongly_connected(versions.all().len(), edges.into_iter()) {
        let circle = circle.iter().map(|at| &versions.all()[*at as usize]);
        let values = circle.clone().map(|version| version.value).collect();
        if let Some(version) = circle.clone().next() {
            cyclic.push((version.key, values));
        }
    }
    cyclic.sort_unstable();
    if !cyclic.is_empty() {
        let set = versions.all_mut().iter_mut().filter(|it| it.value != NIL);
        set.for_each(|version| version.updaters.clear());
    }
    cyclic
}

fn twice(
    transactions: &Transactions<'_, Registers>,
    writers: [Vertex; 2],
    version: &Version,
) -> String {
    let [first, second] = writers.map(|writer| {
        let op = transactions.completion(writer as usize);
        format!("process {} at {:.3} s", op.process, op.seconds())
    });
    let (key, value) = (
        transactions.keys.element(version.key),
        transactions.elements.element(version.value),
    );
    format!("{value} was written to key {key} twice, by {first} and by {second}")
}
