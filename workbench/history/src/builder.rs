//! Builds a history from its entries and checks that it is well formed.

use std::borrow::Cow;
use std::collections::HashMap;

use anyhow::{bail, ensure};

use super::{History, Kind, Op, OpError, OpMeta, Process, Value};

/// An entry as read from a file. Jepsen does not always write an index or a time.
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

/// Entries so far, and the state of each process.
#[derive(Debug, Default)]
pub(super) struct Builder {
    ops: Vec<Op>,
    clients: HashMap<u64, ClientState>,
    has_invocations: bool,
    /// Error about the first completion without an invocation, if no invocation came before it. It
    /// is reported at the end, when it is known whether there are invocations at all.
    orphan: Option<String>,
}

/// Last entry of a process, with its index.
#[derive(Debug, Clone, Copy)]
enum ClientState {
    Invoked(usize),
    Completed(usize),
}

impl Builder {
    /// Adds an entry. A missing index is one more than the last, a missing time one nanosecond
    /// later.
    ///
    /// # Errors
    /// When the index does not increase, when a process invokes an operation before its last one
    /// has completed, or when a completion has no invocation.
    pub(super) fn push(&mut self, line: u64, draft: Draft) -> anyhow::Result<()> {
        let last = self.ops.last();
        let next_index = last.map_or(0, |last| last.index + 1);
        let index = draft.index.unwrap_or(next_index);
        ensure!(
            index >= next_index,
            "expected an index of at least {next_index}, as indices must increase, found {index}"
        );
        let time = last.map_or(0, |last| last.time.saturating_add(1));
        if let Some(client) = draft.process.client() {
            self.check_order(line, client, draft.kind, index)?;
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

    /// Checks Jepsen's rule: invocations and completions of a process alternate.
    fn check_order(
        &mut self,
        line: u64,
        client: u64,
        kind: Kind,
        index: usize,
    ) -> anyhow::Result<()> {
        let last = self.clients.get(&client).copied();
        if kind == Kind::Invoke {
            if let Some(ClientState::Invoked(open)) = last {
                bail!(
                    "process {client} invokes an operation (index {index}) before its last one \
                     (index {open}) has completed"
                );
            }
            self.has_invocations = true;
            self.clients.insert(client, ClientState::Invoked(index));
            return Ok(());
        }
        match last {
            Some(ClientState::Invoked(_)) => {}
            Some(ClientState::Completed(done)) => bail!(
                "process {client} completes an operation (index {index}) that it has not invoked: \
                 its last one has already completed (index {done})"
            ),
            None => {
                let problem = format!(
                    "process {client} completes an operation (index {index}) that it never invoked"
                );
                ensure!(!self.has_invocations, problem);
                self.orphan.get_or_insert(format!("line {line}: {problem}"));
                return Ok(());
            }
        }
        self.clients.insert(client, ClientState::Completed(index));
        Ok(())
    }

    /// Returns the history.
    ///
    /// # Errors
    /// When there are completions but no invocations.
    pub(super) fn finish(self) -> anyhow::Result<History> {
        if let Some(orphan) = self.orphan {
            ensure!(
                self.has_invocations,
                "no invocations: these are results, not a history (a history has two entries for \
                 each operation, the first with :type :invoke, the second with :ok, :fail or :info)"
            );
            bail!(orphan);
        }
        Ok(History { ops: self.ops })
    }
}
