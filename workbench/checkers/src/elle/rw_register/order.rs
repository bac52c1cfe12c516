//! Which version of a key came before which, and what that says of transactions.

use super::Registers;
use super::assumptions::{Assumptions, Source};
use crate::elle::graph::{Graph, Vertex};
use crate::elle::scc::strongly_connected;
use crate::elle::transactions::{Action, NIL, Transactions, writes};
use crate::elle::versions::{Version, Versions};
use history::{Kind, Pair};

/// The versions that transactions read or left behind, and what is known of their order.
pub(super) struct Order {
    /// All versions, the unset ones among them.
    pub(super) versions: Versions,
    /// Keys with versions each of which would have replaced each other one.
    pub(super) cyclic: Vec<CyclicVersions>,
}

/// Versions of one key that come before one another, all around.
#[derive(Debug)]
pub(super) struct CyclicVersions {
    pub(super) key: u32,
    pub(super) values: Vec<u32>,
    /// What this order was inferred from.
    pub(super) sources: Vec<Source>,
}

/// One version of a key comes before another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Before {
    key: u32,
    before: u32,
    after: u32,
}

/// What a transaction read first from a key, and what it wrote last.
#[derive(Debug, Clone, Copy)]
struct External {
    read: Option<u32>,
    write: Option<u32>,
}

impl Order {
    /// Gathers what transactions that are `ok` found and left behind. What others wrote takes part in
    /// the order of versions at most: it is unknown whether it was ever there.
    ///
    /// # Errors
    /// When two transactions left the same value behind for one key, and it was read there.
    pub(super) fn of(
        transactions: &Transactions<'_, Registers>,
        assumptions: Assumptions,
    ) -> Result<Self, String> {
        let mut all = Versions::default();
        let mut follows = Vec::new();
        for transaction in transactions.that_are(Kind::Ok) {
            let vertex = transaction as Vertex;
            for (key, External { read, write }) in externals(transactions, transaction) {
                if let Some(read) = read {
                    all.version(key, read).readers.push(vertex);
                }
                let Some(write) = write else { continue };
                all.version(key, write).writers.push(vertex);
                // A register that was unset again cannot be told from one that always was.
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
                return Err(twice(transactions, [first, second], version));
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
        Ok(Order {
            versions: all,
            cyclic,
        })
    }
}

/// What a transaction did to each key, as far as others can tell; by key.
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

/// Each key's versions in the order of the transactions that touched it, which `link` knows: whatever
/// one left behind comes before what the next ones found. That holds if each key by itself is
/// sequentially consistent, or linearizable; it is Elle's rule.
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
    in_order(order)
}

/// Lets writers of a version replace those before it, source by source. A source whose order goes round
/// in circles with that of those before it is left out, but for the circles, which are returned. That
/// a register is unset at first is always believed.
fn infer(versions: &mut Versions, sources: Vec<(Source, Vec<Before>)>) -> Vec<CyclicVersions> {
    let mut known: Vec<Before> = Vec::new();
    let mut believed = vec![Source::InitialState];
    let mut cyclic = Vec::new();
    for (source, order) in sources {
        for Before { key, before, after } in &order {
            versions.version(*key, *before);
            versions.version(*key, *after);
        }
        let all = in_order([&known[..], &order].concat());
        let named = [&believed[..], &[source]].concat();
        let circles = circles(versions, &all);
        if circles.is_empty() {
            (known, believed) = (all, named);
        } else {
            cyclic.extend(circles.into_iter().map(|(key, values)| CyclicVersions {
                key,
                values,
                sources: named.clone(),
            }));
        }
    }
    replace(versions, known);
    cyclic
}

fn in_order(mut order: Vec<Before>) -> Vec<Before> {
    order.sort_unstable();
    order.dedup();
    order
}

/// Versions that come before one another, by key. Every version comes after the unset one.
fn circles(versions: &Versions, order: &[Before]) -> Vec<(u32, Vec<u32>)> {
    let place = |key, value| versions.place(key, value);
    let set = (0..).zip(versions.all()).filter(|(_, it)| it.value != NIL);
    let unset = set.filter_map(|(at, version)| Some((place(version.key, NIL)?, at)));
    let known = order
        .iter()
        .filter_map(|it| Some((place(it.key, it.before)?, place(it.key, it.after)?)));
    let edges: Vec<_> = unset.chain(known).collect();
    let mut circles = Vec::new();
    for circle in strongly_connected(versions.all().len(), edges.iter().copied()) {
        let circle = circle.iter().map(|at| &versions.all()[*at as usize]);
        let values = circle.clone().map(|version| version.value).collect();
        if let Some(version) = circle.clone().next() {
            circles.push((version.key, values));
        }
    }
    circles.sort_unstable();
    circles
}

/// The writers of a version replace every version that is known to come before it.
fn replace(versions: &mut Versions, mut order: Vec<Before>) {
    let written = versions.all().iter();
    let written = written.filter(|it| it.value != NIL && !it.writers.is_empty());
    let first = written.map(|it| Before {
        key: it.key,
        before: NIL,
        after: it.value,
    });
    order.extend(first);
    for Before { key, before, after } in in_order(order) {
        let writers = versions.version(key, after).writers.clone();
        let updaters = &mut versions.version(key, before).updaters;
        updaters.extend(writers.into_iter().map(|writer| (writer, after)));
    }
    for version in versions.all_mut() {
        version.updaters.sort_unstable();
    }
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
