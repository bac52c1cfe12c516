//! The rules for registers, read aloud.

use serde_json::Value;
use workbench::history::{History, Kind};

use super::graph::Graph;
use super::graph::Relation::{Process, Realtime, Rw, Wr, Ww};
use super::naive::{All, Transaction, Twin};

/// Transactions on registers.
pub struct Registers<'a>(All<'a>);

impl Transaction<'_> {
    /// What was there before the transaction did anything to the key, if it looked.
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
        &self.0
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new([Wr, Ww, Rw, Realtime, Process]);
        let with_updates = !self.has_cyclic_versions();
        for key in self.0.keys() {
            for (before, after) in self.version_edges(key, with_updates) {
                for to in self
                    .0
                    .ok()
                    .filter(|it| it.external_write(key) == Some(&after))
                {
                    for from in self.0.ok() {
                        if from.external_write(key) == Some(&before) {
                            graph.link(from.index(), to.index(), Ww);
                        }
                        if from.external_read(key) == Some(&before) {
                            graph.link(from.index(), to.index(), Rw);
                        }
                    }
                }
            }
            for from in self.0.ok().filter(|it| it.external_write(key).is_some()) {
                for to in self.0.ok() {
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
            ("internal", self.0.ok().any(Transaction::has_contradiction)),
            ("G1a", self.has_aborted_read()),
            ("G1b", self.has_intermediate_read()),
            ("cyclic-versions", self.has_cyclic_versions()),
        ]
    }
}

impl<'a> Registers<'a> {
    /// The transactions of a history that can be judged.
    pub fn read(history: &'a History) -> Result<Self, ()> {
        let all = All::read(history, "w")?;
        let done = all.all.iter().flat_map(|it| &it.micro_ops);
        let seen: Vec<_> = all.asked.iter().chain(done).collect();
        let string_keys = seen.iter().filter(|(_, key, _)| key.is_string()).count();
        let is_long = |value: &Value| value.is_number() && value.to_string().contains("e+");
        let longs = seen.iter().filter(|(_, _, value)| is_long(value)).count();
        let shorts = seen.iter().filter(|(_, _, value)| value.is_i64()).count();
        let is_mixed = string_keys != 0 && string_keys != seen.len();
        let registers = Registers(all);
        let is_bad = is_mixed || longs * shorts != 0 || registers.has_double_write();
        if is_bad { Err(()) } else { Ok(registers) }
    }

    fn has_double_write(&self) -> bool {
        self.0.keys().into_iter().any(|key| {
            let written: Vec<_> = self
                .0
                .ok()
                .filter_map(|it| it.external_write(key))
                .collect();
            let is_read =
                |value: &Value| self.0.ok().any(|it| it.external_read(key) == Some(value));
            let is_double = |at: usize| {
                let value = written[at];
                written[..at].contains(&value) && (value.is_null() || is_read(value))
            };
            (0..written.len()).any(is_double)
        })
    }

    /// Edges `(before, after)` between versions of a key: the unset one comes first; and who read
    /// one replaced it.
    fn version_edges(&self, key: &Value, with_updates: bool) -> Vec<(Value, Value)> {
        let mut edges = Vec::new();
        for transaction in &self.0.all {
            let is_ok = transaction.is(Kind::Ok);
            let read = transaction.external_read(key).filter(|_| is_ok);
            let written = transaction.external_write(key);
            let written = written.filter(|_| is_ok || transaction.is(Kind::Info));
            for value in [read, written]
                .into_iter()
                .flatten()
                .filter(|it| !it.is_null())
            {
                edges.push((Value::Null, value.clone()));
            }
            if let (Some(read), Some(written)) = (read, written)
                && with_updates
                && !read.is_null()
                && !written.is_null()
            {
                edges.push((read.clone(), written.clone()));
            }
        }
        edges
    }

    fn has_cyclic_versions(&self) -> bool {
        self.0.keys().into_iter().any(|key| {
            let edges = self.version_edges(key, true);
            let versions: Vec<_> = edges.iter().map(|(before, _)| before.clone()).collect();
            versions.iter().any(|version| {
                let mut reached: Vec<Value> = vec![version.clone()];
                let mut at = 0;
                while at < reached.len() {
                    let here = reached[at].clone();
                    for (before, after) in &edges {
                        if *before == here && before != after && !reached.contains(after) {
                            reached.push(after.clone());
                        }
                    }
                    at += 1;
                }
                let back = |(before, after): &(Value, Value)| {
                    before != after && after == version && reached.contains(before)
                };
                edges.iter().any(back)
            })
        })
    }

    fn has_aborted_read(&self) -> bool {
        let mut reads = self.0.ok().flat_map(Transaction::reads);
        reads.any(|(_, key, value)| {
            let mut failed = self.0.all.iter().filter(|it| it.is(Kind::Fail));
            failed.any(|it| it.writes_to(key).contains(&value))
        })
    }

    fn has_intermediate_read(&self) -> bool {
        self.0.ok().any(|reader| {
            reader.reads().any(|(_, key, value)| {
                let mut others = self.0.all.iter().filter(|it| it.index() != reader.index());
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
