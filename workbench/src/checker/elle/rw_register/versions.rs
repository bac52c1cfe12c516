//! Which version of a key came before which, and what that says of transactions.

use std::collections::HashMap;

use crate::checker::elle::component::strongly_connected;
use crate::checker::elle::graph::{Graph, Reason, Relation, Vertex};
use crate::checker::elle::transactions::{Action, NIL, Transactions};
use crate::history::Kind;

/// All versions that transactions saw or left behind, the unset ones among them.
pub(super) struct Versions {
    versions: Vec<Version>,
    /// By key and value: the place of a version.
    places: HashMap<(u32, u32), u32>,
    /// Keys with versions each of which would have replaced each other one.
    pub(super) cyclic: Vec<(u32, Vec<u32>)>,
}

/// A value that a key had.
struct Version {
    key: u32,
    value: u32,
    /// Who left it behind: their last write to the key.
    writers: Vec<Vertex>,
    /// Who found it there: their first micro-operation on the key was a read.
    readers: Vec<Vertex>,
    /// Who found it there and left another version behind.
    updaters: Vec<(Vertex, u32)>,
}

impl Versions {
    /// Gathers what transactions that are `ok` found and left behind. What others wrote counts for
    /// nothing: nobody knows whether it was ever there.
    ///
    /// # Errors
    /// When two transactions left the same value behind for one key, and somebody found it there.
    pub(super) fn of(transactions: &Transactions<'_>) -> Result<Self, String> {
        let mut all = Versions {
            versions: Vec::new(),
            places: HashMap::new(),
            cyclic: Vec::new(),
        };
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
            let writes = micro_ops.iter().filter(|it| it.action == Action::Write);
            for write in writes.rev() {
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
        for version in &all.versions {
            // A register that was unset again counts as found, since all are unset at first.
            let is_found = version.value == NIL || !version.readers.is_empty();
            if let [first, second, ..] = version.writers[..]
                && is_found
            {
                return Err(twice(transactions, [first, second], version));
            }
        }
        all.find_cyclic();
        Ok(all)
    }

    fn version(&mut self, key: u32, value: u32) -> &mut Version {
        let next = self.versions.len() as u32;
        let place = *self.places.entry((key, value)).or_insert(next);
        if place == next {
            self.versions.push(Version {
                key,
                value,
                writers: Vec::new(),
                readers: Vec::new(),
                updaters: Vec::new(),
            });
        }
        &mut self.versions[place as usize]
    }

    /// Where versions go round in circles, only that a register is unset at first is believed.
    fn find_cyclic(&mut self) {
        let place = |key, value| self.places.get(&(key, value)).copied();
        let versions = (0..).zip(&self.versions);
        let edges = versions.flat_map(|(at, version)| {
            let unset = place(version.key, NIL).filter(|_| version.value != NIL);
            let updates = version.updaters.iter();
            let updated = updates.filter_map(move |(_, after)| place(version.key, *after));
            let updated = updated.map(move |to| (at, to));
            updated.chain(unset.map(|unset| (unset, at)))
        });
        let edges: Vec<_> = edges.collect();
        for circle in strongly_connected(self.versions.len(), edges.into_iter()) {
            let versions = circle.iter().map(|at| &self.versions[*at as usize]);
            let values = versions.clone().map(|version| version.value).collect();
            if let Some(version) = versions.clone().next() {
                self.cyclic.push((version.key, values));
            }
        }
        self.cyclic.sort_unstable();
        if !self.cyclic.is_empty() {
            let set = self.versions.iter_mut().filter(|it| it.value != NIL);
            set.for_each(|version| version.updaters.clear());
        }
    }

    /// Puts transactions in the order that follows.
    pub(super) fn link(&self, graph: &mut Graph) {
        for version in &self.versions {
            let (key, before) = (version.key, version.value);
            let reason = |after| Reason { key, before, after };
            for &writer in &version.writers {
                for &(updater, after) in &version.updaters {
                    graph.link(writer, updater, Relation::Ww, reason(after));
                }
                for &reader in &version.readers {
                    graph.link(writer, reader, Relation::Wr, reason(before));
                }
            }
            graph.overwrite(key, before, &version.readers, &version.updaters);
        }
    }
}

fn twice(transactions: &Transactions<'_>, writers: [Vertex; 2], version: &Version) -> String {
    let [first, second] = writers.map(|writer| {
        let op = transactions.completion(writer as usize);
        format!("process {} at {:.3} s", op.process, op.seconds())
    });
    let (key, value) = (
        transactions.keys.element(version.key),
        transactions.values.element(version.value),
    );
    format!("{value} was written to key {key} twice, by {first} and by {second}")
}
