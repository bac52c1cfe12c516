//! A process that outlives the bench by a moment, and kills the nodes that the bench has left
//! behind, however it ended.
//!
//! Nodes are in process groups of their own, so that what they start is killed, paused and resumed
//! with them, and so that a terminal's Ctrl-C reaches the bench alone. The price is that nothing
//! else ends them when the bench is killed. The keeper reads which groups there are from a pipe
//! whose other end only the bench has: at its end of file the bench has ended.

use std::io;
use std::process;

/// The argument that makes the bench a keeper. It is no command for users.
pub const ARGUMENT: &str = "keep-nodes";

/// The keeper's process, and the pipe to it.
#[derive(Debug)]
pub struct Keeper {
    #[cfg(unix)]
    process: process::Child,
    /// The standard library's pipes are closed on `exec`, so no node inherits this end.
    #[cfg(unix)]
    groups: std::sync::Mutex<Option<process::ChildStdin>>,
}

#[cfg(unix)]
impl Keeper {
    /// Starts this program as a keeper: only for the command line, as any other program that uses
    /// this package does not know the [argument](ARGUMENT).
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start() -> io::Result<Self> {
        use std::os::unix::process::CommandExt;
        use std::process::Stdio;
        let mut process = process::Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let groups = std::sync::Mutex::new(process.stdin.take());
        Ok(Keeper { process, groups })
    }

    /// The bench has started a node with this process id, which leads a process group.
    ///
    /// If the bench is killed between a node's start and this, some microseconds later, the node only
    /// finds its stdin at its end. Its id is not known before, so that cannot be avoided.
    pub fn add(&self, id: u32) {
        self.write('+', id);
    }

    /// The group has been killed, or is meant to survive the bench. Soon its id may be that of
    /// another process.
    pub fn remove(&self, id: u32) {
        self.write('-', id);
    }

    /// A pipe takes such a line in one piece, and takes it at once: the keeper always reads. If the
    /// keeper was killed, the bench still kills its nodes itself.
    fn write(&self, sign: char, id: u32) {
        use std::io::Write;
        let groups = self.groups.lock();
        let mut groups = groups.unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(pipe) = &mut *groups {
            let _ = pipe.write_all(format!("{sign}{id}\n").as_bytes());
        }
    }
}

#[cfg(unix)]
impl Drop for Keeper {
    fn drop(&mut self) {
        let groups = self.groups.get_mut();
        drop(groups.map(Option::take));
        let _ = self.process.wait();
    }
}

/// Reads groups from stdin until its end, and kills those that are left.
#[cfg(unix)]
pub fn keep() {
    use rustix::process::{Pid, Signal, kill_process_group};
    // What ends the bench, such as `pkill workbench`, must not end the keeper before it.
    crate::interrupt::ignore();
    let mut groups = std::collections::BTreeSet::new();
    for line in io::stdin().lines().map_while(Result::ok) {
        match line.split_at_checked(1) {
            Some(("+", id)) => groups.insert(id.to_owned()),
            Some(("-", id)) => groups.remove(id),
            _ => false,
        };
    }
    // Group 1 would be all processes.
    let groups = groups.iter().filter_map(|id| id.parse().ok());
    for group in groups.filter(|id| *id > 1).filter_map(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(unix))]
impl Keeper {
    /// Does nothing: there are no process groups.
    ///
    /// # Errors
    /// Never.
    pub fn start() -> io::Result<Self> {
        Ok(Keeper {})
    }

    /// Does nothing.
    pub fn add(&self, _id: u32) {}

    /// Does nothing.
    pub fn remove(&self, _id: u32) {}
}

/// Does nothing.
#[cfg(not(unix))]
pub fn keep() {}
