//! Looks at a simulation between its steps.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shared::NodeId;

use super::node_slot::NodeSlot;
use crate::run::Run;

/// Looks at a simulation after everything that happens at a moment, while no virtual time passes.
pub trait Inspector {
    /// Looks at a moment, for as long as it likes. A simulation that breaks off is aborted with this
    /// reason.
    fn inspect(&mut self, moment: &Moment<'_>) -> ControlFlow<String>;

    /// Whether the run is to be [interrupted](Run::interrupt) at this moment.
    fn interrupts(&self) -> bool {
        false
    }

    /// Whether it shows the nodes' last input, which is kept for it then.
    fn shows_input(&self) -> bool {
        false
    }
}

/// A simulation between two of its steps.
pub struct Moment<'a> {
    pub(super) now: Duration,
    pub(super) run: &'a Run,
    pub(super) slots: &'a [NodeSlot],
}

/// A node at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView<'a> {
    /// Its name.
    pub name: &'a NodeId,
    /// Its state, or what its program waits for; `None` while it is dead.
    pub state: Option<String>,
    /// The last lines of its input, each after its virtual time.
    pub input: Vec<String>,
}

impl Moment<'_> {
    /// The run, without the nodes.
    pub fn run(&self) -> &Run {
        self.run
    }

    /// The time since time zero, if that has come.
    pub fn since_zero(&self) -> Option<Duration> {
        self.run.since_zero(self.now)
    }

    /// How many entries the history has.
    pub fn history_len(&self) -> usize {
        self.run.history_len()
    }

    /// What nodes have done wrong so far, and why the run was aborted, if it was.
    pub fn failures(&self) -> Vec<String> {
        let incidents = self.run.incidents().iter().map(ToString::to_string);
        let abort = self.run.abort_reason().map(str::to_owned);
        incidents.chain(abort).collect()
    }

    /// Writes the states of all nodes that are alive into files in a folder. Returns the files.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn dump(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let names = self.run.nodes().iter();
        let dump = |(name, slot): (&NodeId, &NodeSlot)| slot.dump(folder, name.as_str());
        let files: io::Result<Vec<Vec<PathBuf>>> = names.zip(self.slots).map(dump).collect();
        files.map(|it| it.concat())
    }

    /// Lets debuggers attach to the processes of all nodes that are alive. Returns their ids. The
    /// simulation must break off then.
    ///
    /// # Errors
    /// When a process cannot be released.
    pub fn release(&self) -> io::Result<Vec<u32>> {
        let processes: io::Result<Vec<Vec<u32>>> =
            self.slots.iter().map(NodeSlot::release).collect();
        processes.map(|it| it.concat())
    }

    /// The nodes.
    pub fn nodes(&self) -> Vec<NodeView<'_>> {
        let names = self.run.nodes().iter();
        let view = |(name, slot)| {
            let slot: &NodeSlot = slot;
            NodeView {
                name,
                state: slot.describe(),
                input: slot.recent_input().map(str::to_owned).collect(),
            }
        };
        names.zip(self.slots).map(view).collect()
    }
}
