//! What a simulation needs of a node, whatever runs it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shared::{Engine, Node, Outbox};

use crate::incident::Exit;

/// Runs one incarnation of a node: the [`Engine`] of a node in this process, or a program.
///
/// All times are those of the node's clock, which may be wrong.
pub trait Host {
    /// Receives one line of input.
    fn receive(&mut self, now: Duration, line: &str);
    /// Runs everything that is due by `now`.
    fn wake(&mut self, now: Duration);
    /// The time of the next wake.
    fn deadline(&self) -> Option<Duration>;
    /// Moves the output since the last call into `outbox`.
    fn drain(&mut self, outbox: &mut Outbox);

    /// Its state, for a person: what it holds, or what it waits for.
    fn describe(&self) -> String;

    /// Writes its state into files in a folder, with names that begin with the node's. Returns them.
    ///
    /// # Errors
    /// When a file cannot be written.
    fn dump(&self, folder: &Path, name: &str) -> io::Result<Vec<PathBuf>> {
        let path = folder.join(format!("{name}.txt"));
        fs::write(&path, self.describe())?;
        Ok(vec![path])
    }

    /// Lets debuggers attach to its processes, if it has any, and returns their ids. It cannot go on
    /// afterwards.
    ///
    /// # Errors
    /// When a process cannot be released.
    fn release(&self) -> io::Result<Vec<u32>> {
        Ok(Vec::new())
    }

    /// Whether the last output has begun a line that is not complete.
    fn has_partial_line(&self) -> bool {
        false
    }

    /// How and why the node has ended by itself, or cannot go on.
    fn failure(&mut self) -> Option<Exit> {
        None
    }

    /// Moves out what has happened since the last call that another run of the same seed may do
    /// otherwise.
    fn take_nondeterminism(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// An incarnation of a node that is to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incarnation {
    /// The node's index.
    pub node: usize,
    /// The number of earlier incarnations.
    pub number: u32,
    /// The seed of its random numbers, which no other incarnation of the run has.
    pub seed: u64,
}

/// Starts incarnations of nodes. It fails where a program cannot be started.
pub type Factory = Box<dyn Fn(Incarnation) -> anyhow::Result<Box<dyn Host>> + Send + Sync>;

/// A factory of nodes in this process: `engine` makes one from the seed of its random numbers.
pub fn in_process(engine: impl Fn(u64) -> Box<dyn Host> + Send + Sync + 'static) -> Factory {
    Box::new(move |incarnation| Ok(engine(incarnation.seed)))
}

impl<N: Node> Host for Engine<N> {
    fn receive(&mut self, now: Duration, line: &str) {
        Engine::receive(self, now, line);
    }

    fn wake(&mut self, now: Duration) {
        Engine::wake(self, now);
    }

    fn deadline(&self) -> Option<Duration> {
        Engine::deadline(self)
    }

    fn drain(&mut self, outbox: &mut Outbox) {
        Engine::drain(self, outbox);
    }

    fn describe(&self) -> String {
        let node = self.node().map(|node| format!("{node:#?}"));
        node.unwrap_or_else(|| "(not initialised)".to_owned())
    }
}
