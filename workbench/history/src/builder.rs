//! A history from its lines, one after the other, as long as they make one.

use std::borrow::Cow;
use std::collections::HashMap;

use anyhow::{bail, ensure};

use super::{History, Kind, Op, OpError, OpMeta, Process, Value};

/// An operation as a file has it: Jepsen does not always write an index or a time.
#[derive(Debug)]
pub(super) struct Draft {
    pub index: Option<usize>,
    pub time: Option<u64>,
    pub kind: Kind,
    pub process: Process,
    pub f: Cow<'static, str>,
    pub value: Value,
    pub error: Option<OpError>,
    pub meta: OpMeta,
}

/// The operations so far.
#[derive(Debug, Default)]
pub(super) struct Builder {
    ops: Vec<Op>,
    clients: HashMap<u64, Client>,
    has_invocations: bool,
    /// The first completion that nothing was invoked for, if no invocation came before it: there may be none
    /// at all.
    orphan: Option<String>,
}

/// What a process did last, at which index.
#[derive(Debug, Clone, Copy)]
enum Client {
    Invoked(usize),
    Completed(usize),
}

impl Builder {
    /// Adds an operation. Without an index it follows on the one before, without a time it is a nanosecond
    /// later.
    ///
    /// # Errors
    /// When it does not fit: an index that does not increase, an invocation of a process that has an open
    /// one, a completion without an invocation.
    pub(super) fn push(&mut self, line: u64, draft: Draft) -> anyhow::Result<()> {
        let last = self.ops.last();
        let due = last.map_or(0, |last| last.index + 1);
        let index = draft.index.unwrap_or(due);
        if let Some(last) = last {
            let Op { index: before, .. } = last;
            ensure!(
                index > *before,
                "index {index} after index {before}: indices must increase"
            );
        }
        let time = last.map_or(0, |last| last.time.saturating_add(1));
        if let Some(client) = draft.process.client() {
            self.pair(line, client, draft.kind, index)?;
        }
        self.ops.push(Op {
            index,
            time: draft.time.unwrap_or(time),
            kind: draft.kind,
            process: draft.process,
            f: draft.f,
            value: draft.value,
            error: draft.error.map(Box::new),
            meta: draft.meta,
        });
        Ok(())
    }

    /// Jepsen's rule: a process invokes, completes, invokes, …
    fn pair(&mut self, line: u64, client: u64, kind: Kind, index: usize) -> anyhow::Result<()> {
        let before = self.clients.get(&client).copied();
        if kind == Kind::Invoke {
            if let Some(Client::Invoked(open)) = before {
                bail!(
                    "process {client} invokes an operation (index {index}) before its last one \
                     (index {open}) has completed"
                );
            }
            self.has_invocations = true;
            self.clients.insert(client, Client::Invoked(index));
            return Ok(());
        }
        match before {
            Some(Client::Invoked(_)) => {}
            Some(Client::Completed(done)) => bail!(
                "process {client} completes an operation (index {index}) a second time, or without \
                 having invoked it: its last one had completed before (index {done})"
            ),
            None => {
                let why = format!(
                    "process {client} completes an operation (index {index}) that it never invoked"
                );
                ensure!(!self.has_invocations, why);
                self.orphan.get_or_insert(format!("line {line}: {why}"));
                return Ok(());
            }
        }
        self.clients.insert(client, Client::Completed(index));
        Ok(())
    }

    /// The history.
    ///
    /// # Errors
    /// When there are completions alone.
    pub(super) fn finish(self) -> anyhow::Result<History> {
        if let Some(orphan) = self.orphan {
            ensure!(
                self.has_invocations,
                "no invocations: these are results, not a history (every operation is there twice, \
                 with :type :invoke when it begins and with :ok, :fail or :info when it ends)"
            );
            bail!(orphan);
        }
        Ok(History { ops: self.ops })
    }
}
