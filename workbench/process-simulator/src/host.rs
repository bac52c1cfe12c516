//! The host of a program in a simulation.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use simulator::history::text::shortened;
use simulator::incident::{Exit, MAX_STDERR, MAX_STDERR_LINE};
use simulator::shared::Outbox;
use simulator::simulation::{Factory, Host};

use crate::linux::Node;
use crate::{Program, Threads, refusal};

/// Starts a program and ends it, to see whether this system allows what is needed.
///
/// # Errors
/// Why programs cannot be simulated here, and what to do.
pub fn check() -> anyhow::Result<()> {
    let program = Program {
        path: PathBuf::from("/bin/sh"),
        arguments: vec!["-c".into(), ":".into()],
        folder: PathBuf::from("/"),
    };
    let mut node = Node::start(&program, Threads::InOrder, 0)
        .map_err(|error| refusal(format!("{error:#}")))?;
    if !node.shows_files() {
        return Err(refusal("pidfd_getfd() is not allowed"));
    }
    node.run(0);
    match node.end() {
        Some("exit status: 0") => Ok(()),
        Some(end) => Err(refusal(format!("a shell did not run under ptrace ({end})"))),
        None => Err(refusal(format!(
            "a shell did not end:\n{}",
            node.describe()
        ))),
    }
}

/// Starts a program as every node.
pub fn factory(program: Program, threads: Threads) -> Factory {
    Box::new(move |incarnation| {
        let node = Node::start(&program, threads, incarnation.seed)?;
        let host: Box<dyn Host> = Box::new(ProgramHost {
            node,
            has_partial_line: false,
            tail: Vec::new(),
            has_ended: false,
        });
        Ok(host)
    })
}

struct ProgramHost {
    node: Node,
    has_partial_line: bool,
    /// The last lines of its stderr.
    tail: Vec<String>,
    /// Its end has been reported.
    has_ended: bool,
}

impl Host for ProgramHost {
    fn receive(&mut self, now: Duration, line: &str) {
        self.node.pipes().send(line);
        self.wake(now);
    }

    fn wake(&mut self, now: Duration) {
        self.node
            .run(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
    }

    fn deadline(&self) -> Option<Duration> {
        if self.has_ended {
            return None;
        }
        self.node.deadline().map(Duration::from_nanos)
    }

    fn drain(&mut self, outbox: &mut Outbox) {
        let has_ended = self.node.end().is_some();
        let pipes = self.node.pipes();
        self.has_partial_line = pipes.take_stdout(&mut outbox.lines);
        outbox.log = pipes.take_stderr(has_ended);
        let lines = outbox
            .log
            .iter()
            .map(|line| shortened(line, MAX_STDERR_LINE));
        self.tail.extend(lines);
        let extra = self.tail.len().saturating_sub(MAX_STDERR);
        self.tail.drain(..extra);
    }

    fn describe(&self) -> String {
        self.node.describe()
    }

    fn dump(&self, folder: &Path, name: &str) -> io::Result<Vec<PathBuf>> {
        self.node.dump(folder, name)
    }

    fn release(&self) -> io::Result<Vec<u32>> {
        let processes = self.node.release()?;
        Ok(processes
            .iter()
            .map(|it| it.as_raw().unsigned_abs())
            .collect())
    }

    fn has_partial_line(&self) -> bool {
        self.has_partial_line
    }

    fn failure(&mut self) -> Option<Exit> {
        let end = self.node.end().filter(|_| !self.has_ended)?;
        self.has_ended = true;
        Some(Exit {
            status: end.to_string(),
            why: None,
            stderr: std::mem::take(&mut self.tail),
        })
    }

    fn take_nondeterminism(&mut self) -> Vec<String> {
        self.node.take_notes()
    }
}
