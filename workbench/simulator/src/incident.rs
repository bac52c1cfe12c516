//! Protocol errors of nodes, reported to the user: node, time, error, and the line that shows it.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};
use shared::NodeId;

use history::text::shortened;

/// A protocol error of a node.
#[derive(Debug, Clone, Serialize)]
pub struct Incident {
    /// The time since time zero; zero before that.
    #[serde(serialize_with = "seconds", rename = "seconds")]
    pub at: Duration,
    /// The node.
    pub node: NodeId,
    /// What is wrong, and what follows from it.
    pub what: String,
    /// The line that the node printed, shortened if it is long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// How the node's process ended, if that is what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
}

/// The end of a node's process that the bench did not cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exit {
    /// The exit status or the signal.
    pub status: String,
    /// Why, if the program itself shows it, such as a missing interpreter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The last lines of its stderr, at most [`MAX_STDERR`].
    pub stderr: Vec<String>,
}

/// How many lines of a dead node's stderr are kept: those of a long stack trace.
pub const MAX_STDERR: usize = 200;

/// The limit of each of them, in characters.
pub const MAX_STDERR_LINE: usize = 2_000;

/// How many of them are printed.
const PRINTED_STDERR: usize = 8;

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it ended before the test did ({})", self.status)?;
        if let Some(why) = &self.why {
            write!(f, ": {why}")?;
        }
        let left_out = self.stderr.len().saturating_sub(PRINTED_STDERR);
        for line in &self.stderr[left_out..] {
            write!(f, "\n    stderr: {line}")?;
        }
        Ok(())
    }
}

fn seconds<S: Serializer>(at: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(at.as_secs_f64())
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Incident {
            at,
            node,
            what,
            line,
            ..
        } = self;
        write!(f, "node {node}, at {:.2} s: {what}", at.as_secs_f64())?;
        match line {
            Some(line) => write!(f, "\n    it printed: {line}"),
            None => Ok(()),
        }
    }
}

/// Shortens a line that may be very long, and makes its control characters visible.
pub fn abridged(line: &str) -> String {
    const MAX_CHARS: usize = 160;
    let shown = shortened(line, MAX_CHARS);
    if line.chars().nth(MAX_CHARS).is_some() {
        format!("{shown} ({} bytes)", line.len())
    } else if shown.trim().is_empty() {
        "(an empty line)".to_owned()
    } else {
        shown
    }
}
