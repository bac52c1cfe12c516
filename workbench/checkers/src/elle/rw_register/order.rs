//! The order of the versions of each key.

use super::Registers;
use super::assumptions::{Assumptions, Source};
use crate::elle::graph::{Graph, Vertex};
use crate::elle::scc::strongly_connected;
use crate::elle::transactions::{Action, NIL, Transactions, writes};
use crate::elle::versions::{Version, Versions};
use history::{Kind, Pair};

/// The versions that transactions read or wrote, and their order as far as it is known.
pub(super) struct VersionOrder {
    /// All versions, including the unset ones.
    pub(super) versions: Versions,
    /// Keys whose versions form a cycle.
    pub(super) cyclic: Vec<CyclicVersions>,
}

/// A cycle of versions of one key.
#[derive(Debug)]
pub(super) struct CyclicVersions {
    pub(super) key: u32,
    pub(super) values: Vec<u32>,
    /// The sources of this order.
    pub(super) sources: Vec<Source>,
}

/// One version of a key precedes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Before {
    key: u32,
    before: u32,
    after: u32,
}

/// The first read of a key by a transaction, if that came before its writes, and its last write.
#[derive(Debug, Clone, Copy)]
struct External {
    read: Option<u32>,
    write: Option<u32>,
}

impl VersionOrder {
    /// Infers the order of versions from `ok` transactions. Writes of others only take part in the
    /// order, since it is unknown whether they took effect.
    ///
    /// # Errors
    /// When two transactions wrote the same value to one key, and it was read.
    pub(super) fn of(
        transactions: &Transactions<'_, Registers>,
        assumptions: Assumptions,
    ) -> Result<Self, String> {
        let mut all = Versions::default();
        let mut follows = Vec::new();
        for transaction in transactions.completed_as(Kind::Ok) {
            let vertex = transaction as Vertex;
            for (key, External { read, write }) in externals(transactions, transaction) {
                if let Some(read) = read {
                    all.version(key, read).readers.push(vertex);
                }
                let Some(write) = write else { continue };
                all.version(key, write).writers.push(vertex);
                // A register that was unset again looks like one that was never set.
                if write == NIL {
                    continue;
                }
                if let Some(before) = read.filter(|read| *read != NIL) {
                    follows.push(Before {
                        key,
                        before,
                        after: write,
                    });
                }
            }
        }
        for version in all.all() {
            // A register that was unset again counts as read, since all are unset at first.
            let is_found = version.value == NIL || !version.readers.is_empty();
            if let [first, second, ..] = version.writers[..]
                && is_found
            {
                return Err(describe_double_write(
                    transactions,
                    [first, second],
                    version,
                ));
            }
        }
        let mut sources = Vec::new();
        if assumptions.wfr_keys {
            sources.push((Source::WfrKeys, follows));
        }
        if assumptions.sequential_keys {
            let order = key_order(transactions, Graph::link_processes);
            sources.push((Source::SequentialKeys, order));
        }
        if assumptions.linearizable_keys {
            let order = key_order(transactions, Graph::link_realtime);
            sources.push((Source::LinearizableKeys, order));
        }
        let cyclic = infer(&mut all, sources);
        Ok(VersionOrder {
            versions: all,
            cyclic,
        })
    }
}

/// The first read and the last write of each key by a transaction, by key.
fn externals(
    transactions: &Transactions<'_, Registers>,
    transaction: usize,
) -> Vec<(u32, External)> {
    let micro_ops = transactions.micro_ops(transaction);
    let mut keys: Vec<(u32, External)> = Vec::new();
    for micro_op in micro_ops {
        if let Err(at) = keys.binary_search_by_key(&micro_op.key, |(key, _)| *key) {
            let read = (micro_op.action == Action::Read).then_some(micro_op.value);
            keys.insert(at, (micro_op.key, External { read, write: None }));
        }
    }
    for write in writes(micro_ops) {
        if let Ok(at) = keys.binary_search_by_key(&write.key, |(key, _)| *key) {
            keys[at].1.write = Some(write.value);
        }
    }
    keys
}

/// The versions of each key in the order of transactions that `link` adds: the version that one
/// leaves precedes those that the next ones find. This is right if each key is sequentially
/// consistent, or linearizable; it is Elle's rule.
fn key_order(
    transactions: &Transactions<'_, Registers>,
    link: fn(&mut Graph, &[Pair<'_>]),
) -> Vec<Before> {
    let mut of_keys = vec![Vec::new(); transactions.keys.len()];
    for transaction in 0..transactions.ops.len() {
        for (key, external) in externals(transactions, transaction) {
            of_keys[key as usize].push((transaction, external));
        }
    }
    let mut order = Vec::new();
    for (key, touched) in (0..).zip(of_keys) {
        let ops: Vec<Pair<'_>> = touched
            .iter()
            .map(|(it, _)| transactions.ops[*it])
            .collect();
        let mut graph = Graph::new(ops.len());
        link(&mut graph, &ops);
        for (from, to) in graph.links() {
            let [from, to] = [from, to].map(|at| &touched[at as usize]);
            let kind = |(transaction, _): &(usize, _)| transactions.completion(*transaction).kind;
            let before = match kind(from) {
                Kind::Ok => from.1.write.or(from.1.read),
                _ => from.1.write,
            };
            let after = match kind(to) {
                Kind::Ok => {
                    to.1.read
                        .filter(|read| *read != NIL)
                        .or(to.1.write)
                        .or(to.1.read)
                }
                Kind::Info => to.1.write,
                Kind::Invoke | Kind::Fail => None,
            };
            if let (Some(before), Some(after)) = (before, after)
                && before != after
            {
                order.push(Before { key, before, after });
            }
        }
    }
    sorted(order)
}

/// Sets the updaters of versions, source by source. A source that makes the order cyclic is left
/// out, and its cycles are returned. That a register is unset at first is always accepted.
fn infer(versions: &mut Versions, sources: Vec<(Source, Vec<Before>)>) -> Vec<CyclicVersions> {
    let mut known: Vec<Before> = Vec::new();
    let mut accepted = vec![Source::InitialState];
    let mut cyclic = Vec::new();
    for (source, order) in sources {
        for Before { key, before, after } in &order {
            versions.version(*key, *before);
            versions.version(*key, *after);
        }
        let all = sorted([&known[..], &order].concat());
        let named = [&accepted[..], &[source]].concat();
        let cycles = cycles(versions, &all);
        if cycles.is_empty() {
            (known, accepted) = (all, named);
        } else {
            cyclic.extend(cycles.into_iter().map(|(key, values)| CyclicVersions {
                key,
                values,
                sources: named.clone(),
            }));
        }
    }
    set_updaters(versions, known);
    cyclic
}

fn sorted(mut order: Vec<Before>) -> Vec<Before> {
    order.sort_unstable();
    order.dedup();
    order
}

/// The cycles of versions, by key. Every version comes after the unset one.
fn cycles(versions: &Versions, order: &[Before]) -> Vec<(u32, Vec<u32>)> {
    let index = |key, value| versions.index(key, value);
    let set = (0..).zip(versions.all()).filter(|(_, it)| it.value != NIL);
    let unset = set.filter_map(|(at, version)| Some((index(version.key, NIL)?, at)));
    let known = order
        .iter()
        .filter_map(|it| Some((index(it.key, it.before)?, index(it.key, it.after)?)));
    let edges: Vec<_> = unset.chain(known).collect();
    let mut cycles = Vec::new();
    for cycle in strongly_connected(versions.all().len(), edges.iter().copied()) {
        let cycle = cycle.iter().map(|at| &versions.all()[*at as usize]);
        let values = cycle.clone().map(|version| version.value).collect();
        if let Some(version) = cycle.clone().next() {
            cycles.push((version.key, values));
        }
    }
    cycles.sort_unstable();
    cycles
}

/// Makes the writers of each version updaters of all versions known to precede it.
fn set_updaters(versions: &mut Versions, mut order: Vec<Before>) {
    let written = versions.all().iter();
    let written = written.filter(|it| it.value != NIL && !it.writers.is_empty());
    let first = written.map(|it| Before {
        key: it.key,
        before: NIL,
        after: it.value,
    });
    order.extend(first);
    for Before { key, before, after } in sorted(order) {
        let writers = versions.version(key, after).writers.clone();
        let updaters = &mut versions.version(key, before).updaters;
        updaters.extend(writers.into_iter().map(|writer| (writer, after)));
    }
    for version in versions.all_mut() {
        version.updaters.sort_unstable();
    }
}

fn describe_double_write(
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
