//! Misbehaviour of nodes, told to a person: who, when, what, and which line shows it.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};
use shared::NodeId;

use history::text::shortened;

/// Something that a node did and should not have.
#[derive(Debug, Clone, Serialize)]
pub struct Incident {
    /// Since time zero; nothing before that.
    #[serde(serialize_with = "seconds", rename = "seconds")]
    pub at: Duration,
    /// Who.
    pub node: NodeId,
    /// What was wrong, and what follows from it.
    pub what: String,
    /// What it printed, shortened if it is long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
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
        } = self;
        write!(f, "node {node}, at {:.2} s: {what}", at.as_secs_f64())?;
        match line {
            Some(line) => write!(f, "\n    it printed: {line}"),
            None => Ok(()),
        }
    }
}

/// The beginning of a line that may be very long, its control characters made visible.
pub fn abridged(line: &str) -> String {
    const SHOWN: usize = 160;
    let shown = shortened(line, SHOWN);
    if line.chars().nth(SHOWN).is_some() {
        format!("{shown} ({} bytes)", line.len())
    } else if shown.trim().is_empty() {
        "(an empty line)".to_owned()
    } else {
        shown
    }
}
