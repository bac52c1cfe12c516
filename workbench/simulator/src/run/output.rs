//! What each node has printed so far: it explains why a node seems not to answer, and which of its
//! messages clients ignored.

use std::time::Duration;

use shared::NodeId;

use super::phases::{INIT_TIMEOUT, Phase};
use super::{LineError, Run};
use crate::clients::{Mismatch, Reply, Stray};
use crate::incident::abridged;

/// The output of a node's process.
#[derive(Debug, Clone, Default)]
pub(super) struct Output {
    printed: Printed,
    /// Whether another node's message reached it before it had answered `init`.
    had_early_message: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Printed {
    #[default]
    Nothing,
    /// The beginning of a line.
    Part,
    /// Whole lines.
    Lines,
}

/// An incident that is reported once, at its first occurrence, and counted.
pub(super) struct RepeatedIncident {
    /// Its index in the list of incidents, unless that was full.
    index: usize,
    count: u64,
}

impl Run {
    /// A node has printed the beginning of a line, and nothing else yet.
    pub fn on_partial_line(&mut self, node: usize) {
        self.outputs[node].printed = Printed::Part;
    }

    /// A node has printed a line.
    pub(super) fn set_printed_line(&mut self, node: usize) {
        self.outputs[node].printed = Printed::Lines;
    }

    /// A message is delivered to a node.
    pub(super) fn on_delivery(&mut self, node: usize, src: &NodeId) {
        if self.is_awaiting_init(node) && self.node_index(src).is_some() {
            self.outputs[node].had_early_message = true;
        }
    }

    fn is_awaiting_init(&self, node: usize) -> bool {
        matches!(&self.phase, Phase::Starting { waiting } if waiting.contains(&node))
    }

    /// Whether a race in the node may be the cause of a wrong line: it handles another node's
    /// message before it knows its own name, which `init` brings.
    pub(super) fn may_be_race(&self, node: usize, error: &LineError, line: &str) -> bool {
        let is_object = line.trim_start().starts_with('{');
        let is_unready = self.is_awaiting_init(node) && is_object;
        self.outputs[node].had_early_message && (error.is_about_src || is_unready)
    }

    /// A client has ignored a node's message, since it does not answer the client's request.
    pub(super) fn on_stray(&mut self, now: Duration, stray: &Stray) {
        let Some(node) = self.node_index(&stray.message.src) else {
            return;
        };
        // With faults beyond partitions a node may answer requests of clients that have left.
        let is_lenient = self.settings.faults.go_beyond_maelstrom();
        if is_lenient && stray.mismatch == Mismatch::Unknown {
            return;
        }
        if let Some(repeated) = self.strays.get_mut(&(node, stray.mismatch)) {
            repeated.count += 1;
            return;
        }
        let index = self.incidents.len();
        let repeated = RepeatedIncident { index, count: 1 };
        self.strays.insert((node, stray.mismatch), repeated);
        let what = format!("it {stray}; the client ignores the message");
        self.report(now, node, what, Some(&stray.line()));
    }

    /// Appends the number of occurrences to each incident about ignored messages.
    pub(super) fn count_strays(&mut self) {
        for RepeatedIncident { index, count } in self.strays.values() {
            if let Some(incident) = self.incidents.get_mut(*index)
                && *count > 1
            {
                incident.what.push_str(&format!(" ({count} times in all)"));
            }
        }
    }

    /// Why the run is aborted when a node has not answered `init` in time.
    pub(super) fn init_failure(&self, node: usize, reply: &Reply) -> String {
        let name = &self.settings.nodes[node];
        if let Some(stray) = reply.stray() {
            return describe_stray(name.as_str(), stray);
        }
        let timeout = INIT_TIMEOUT.as_secs();
        let why = match self.outputs[node].printed {
            Printed::Nothing => {
                format!("; {name} printed nothing: is its output flushed after each line?")
            }
            Printed::Part => format!(
                "; {name} printed no whole line: does each message end with a newline, and is it \
                 flushed?"
            ),
            Printed::Lines => String::new(),
        };
        format!("node {name} did not answer init within {timeout} s{why}")
    }

    /// Why the run is aborted when a node has not answered the set-up request in time.
    pub(super) fn set_up_failure(&self, node: usize, reply: &Reply) -> String {
        let name = &self.settings.nodes[node];
        match reply.stray() {
            Some(stray) => describe_stray(name.as_str(), stray),
            None => format!("node {name} did not answer the set-up request in time"),
        }
    }
}

fn describe_stray(name: &str, stray: &Stray) -> String {
    format!("node {name} {stray}: {}", abridged(&stray.line()))
}
