//! The naive checker of registers.

use checkers::Assumptions;
use history::{History, Kind};
use serde_json::Value;

use super::graph::Graph;
use super::graph::Relation::{Process, Realtime, Rw, Wr, Ww};
use super::naive::{All, Transaction, Twin};

/// Transactions on registers, and the assumptions about keys.
pub struct Registers<'a> {
    all: All<'a>,
    assumptions: Assumptions,
}

/// Pairs of versions of a key, the first before the second.
type Edges = Vec<(Value, Value)>;

/// Whether a transaction is the next after another, given all others that touched the key.
type IsNext<'a> = dyn Fn(&Transaction<'_>, &Transaction<'_>, &[&Transaction<'_>]) -> bool + 'a;

impl Transaction<'_> {
    /// The value of the key before the transaction, if it read it first.
    fn external_read(&self, key: &Value) -> Option<&Value> {
        let (action, _, value) = self.micro_ops.iter().find(|(_, at, _)| at == key)?;
        (action == "r").then_some(value)
    }

    fn external_write(&self, key: &Value) -> Option<&Value> {
        self.writes_to(key).last().copied()
    }

    fn has_contradiction(&self) -> bool {
        self.micro_ops
            .iter()
            .enumerate()
            .any(|(at, (action, key, value))| {
                let mut earlier = self.micro_ops[..at].iter().rev();
                let last = earlier.find(|(_, other, _)| other == key);
                action == "r" && last.is_some_and(|(_, _, last)| !last.is_null() && last != value)
            })
    }
}

impl Twin for Registers<'_> {
    fn all(&self) -> &All<'_> {
        &self.all
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new([Wr, Ww, Rw, Realtime, Process]);
        for (key, edges) in self.versions().0 {
            for (before, after) in edges {
                for to in self
                    .all
                    .ok()
                    .filter(|it| it.external_write(key) == Some(&after))
                {
                    for from in self.all.ok() {
                        if from.external_write(key) == Some(&before) {
                            graph.link(from.index(), to.index(), Ww);
                        }
                        if from.external_read(key) == Some(&before) {
                            graph.link(from.index(), to.index(), Rw);
                        }
                    }
                }
            }
            for from in self.all.ok().filter(|it| it.external_write(key).is_some()) {
                for to in self.all.ok() {
                    if to.external_read(key) == from.external_write(key) {
                        graph.link(from.index(), to.index(), Wr);
                    }
                }
            }
        }
        graph
    }

    fn own(&self) -> Vec<(&'static str, bool)> {
        vec![
            (
                "internal",
                self.all.ok().any(Transaction::has_contradiction),
            ),
            ("G1a", self.has_aborted_read()),
            ("G1b", self.has_intermediate_read()),
            ("cyclic-versions", self.versions().1),
        ]
    }
}

impl<'a> Registers<'a> {
    /// The transactions of a history, if it can be judged.
    pub fn read(history: &'a History, assumptions: Assumptions) -> Result<Self, ()> {
        let all = All::read(history, "w")?;
        let done = all.all.iter().flat_map(|it| &it.micro_ops);
        let seen: Vec<_> = all.requested.iter().chain(done).collect();
        let string_keys = seen.iter().filter(|(_, key, _)| key.is_string()).count();
        let is_long = |value: &Value| value.is_number() && value.to_string().contains("e+");
        let longs = seen.iter().filter(|(_, _, value)| is_long(value)).count();
        let shorts = seen.iter().filter(|(_, _, value)| value.is_i64()).count();
        let is_mixed = string_keys != 0 && string_keys != seen.len();
        let registers = Registers { all, assumptions };
        let is_bad = is_mixed || longs * shorts != 0 || registers.has_double_write();
        if is_bad { Err(()) } else { Ok(registers) }
    }

    fn has_double_write(&self) -> bool {
        self.all.keys().into_iter().any(|key| {
            let written: Vec<_> = self
                .all
                .ok()
                .filter_map(|it| it.external_write(key))
                .collect();
            let is_read =
                |value: &Value| self.all.ok().any(|it| it.external_read(key) == Some(value));
            let is_double = |at: usize| {
                let value = written[at];
                written[..at].contains(&value) && (value.is_null() || is_read(value))
            };
            (0..written.len()).any(is_double)
        })
    }

    /// Edges `(before, after)` between versions of a key: the unset one comes first.
    fn first_versions(&self, key: &Value) -> Edges {
        let mut edges = Edges::new();
        for transaction in &self.all.all {
            let is_ok = transaction.is(Kind::Ok);
            let read = transaction.external_read(key).filter(|_| is_ok);
            let written = transaction.external_write(key);
            let written = written.filter(|_| is_ok || transaction.is(Kind::Info));
            let versions = [read, written].into_iter().flatten();
            let set = versions.filter(|it| !it.is_null());
            edges.extend(set.map(|it| (Value::Null, it.clone())));
        }
        edges
    }

    /// The pairs of versions that a transaction read and wrote.
    fn replaced(&self, key: &Value) -> Edges {
        let both = |it: &Transaction<'_>| {
            Some((
                it.external_read(key)?.clone(),
                it.external_write(key)?.clone(),
            ))
        };
        let edges = self.all.ok().filter_map(both);
        edges
            .filter(|(read, written)| !read.is_null() && !written.is_null())
            .collect()
    }

    /// The version that a transaction leaves precedes the one that the next finds.
    fn in_order(&self, key: &Value, is_next: &IsNext<'_>) -> Edges {
        let touches =
            |it: &&Transaction<'_>| it.micro_ops.iter().any(|(_, touched, _)| touched == key);
        let mut edges = Edges::new();
        for from in self.all.ok().filter(touches) {
            let left = from.external_write(key).or(from.external_read(key));
            for to in self.all.all.iter().filter(touches) {
                let others: Vec<_> = self.all.ok().filter(touches).collect();
                if !is_next(from, to, &others) {
                    continue;
                }
                let (read, written) = (to.external_read(key), to.external_write(key));
                let found = match to.completion.kind {
                    Kind::Ok => read.filter(|it| !it.is_null()).or(written).or(read),
                    Kind::Info => written,
                    Kind::Fail | Kind::Invoke => None,
                };
                if let (Some(left), Some(found)) = (left, found)
                    && left != found
                {
                    edges.push((left.clone(), found.clone()));
                }
            }
        }
        edges
    }

    /// The edges of each assumption about a key.
    fn assumed(&self, key: &Value) -> Vec<Edges> {
        let mut all = Vec::new();
        if self.assumptions.wfr_keys {
            all.push(self.replaced(key));
        }
        if self.assumptions.sequential_keys {
            all.push(self.in_order(key, &|from, to, others| {
                let follows = |it: &Transaction<'_>| {
                    it.completion.process == from.completion.process && it.index() > from.index()
                };
                let mut between = others.iter().filter(|it| it.index() < to.index());
                to.is(Kind::Ok) && follows(to) && !between.any(|it| follows(it))
            }));
        }
        if self.assumptions.linearizable_keys {
            all.push(self.in_order(key, &|from, to, others| {
                let is_before =
                    |a: &Transaction<'_>, b: &Transaction<'_>| a.index() < b.invocation.index;
                let is_between = |it: &&Transaction<'_>| is_before(from, it) && is_before(it, to);
                is_before(from, to) && !others.iter().any(is_between)
            }));
        }
        all
    }

    /// The order of each key's versions, assumption by assumption, without those that make it
    /// cyclic, and whether there are any.
    fn versions(&self) -> (Vec<(&Value, Edges)>, bool) {
        let keys = self.all.keys().into_iter();
        let mut known: Vec<_> = keys.map(|key| (key, self.first_versions(key))).collect();
        let mut is_cyclic = false;
        let assumed: Vec<_> = known.iter().map(|(key, _)| self.assumed(key)).collect();
        for at in 0..assumed.first().map_or(0, Vec::len) {
            let mut more = known.clone();
            for ((_, edges), assumed) in more.iter_mut().zip(&assumed) {
                edges.extend(assumed[at].clone());
            }
            if more.iter().any(|(_, edges)| has_cycle(edges)) {
                is_cyclic = true;
            } else {
                known = more;
            }
        }
        (known, is_cyclic)
    }

    fn has_aborted_read(&self) -> bool {
        let mut reads = self.all.ok().flat_map(Transaction::reads);
        reads.any(|(_, key, value)| {
            let mut failed = self.all.all.iter().filter(|it| it.is(Kind::Fail));
            failed.any(|it| it.writes_to(key).contains(&value))
        })
    }

    fn has_intermediate_read(&self) -> bool {
        self.all.ok().any(|reader| {
            reader.reads().any(|(_, key, value)| {
                let mut others = self
                    .all
                    .all
                    .iter()
                    .filter(|it| it.index() != reader.index());
                others.any(|writer| {
                    let writes = writer.writes_to(key);
                    writes
                        .split_last()
                        .is_some_and(|(_, early)| early.contains(&value))
                })
            })
        })
    }
}

/// Whether a version precedes itself through others.
fn has_cycle(edges: &Edges) -> bool {
    edges.iter().any(|(start, _)| {
        let mut reached: Vec<&Value> = vec![start];
        let mut at = 0;
        while at < reached.len() {
            let here = reached[at];
            for (before, after) in edges {
                if before == here && before != after && !reached.contains(&after) {
                    reached.push(after);
                }
            }
            at += 1;
        }
        let mut edges = edges.iter();
        edges.any(|(before, after)| before != after && after == start && reached.contains(&before))
    })
}
