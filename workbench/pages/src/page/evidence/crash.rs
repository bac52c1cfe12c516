//! Evidence of nodes that ended by themselves: their last output.

use super::{Evidence, around};
use crate::story::{ENDED_NODES, Scene, crashes as all};
use history::text::quoted;

/// How many lines of output are shown.
const MAX_LINES: usize = 60;

/// Nodes that ended, with the last lines of their stderr.
pub(super) fn crashes(scene: &Scene<'_>) -> Vec<Evidence> {
    let evidence = all(scene).into_iter().map(|(incident, exit)| {
        let node = incident.node.as_str();
        let at = incident.at.as_micros() as i64;
        let left_out = exit.stderr.len().saturating_sub(MAX_LINES);
        let text = match exit.stderr.len() {
            0 => format!(
                "{} ({}); it wrote nothing to stderr.",
                incident.what, exit.status
            ),
            _ => format!("It ended with {}. The end of its stderr:", exit.status),
        };
        Evidence {
            output: exit.stderr[left_out..]
                .iter()
                .map(|line| quoted(line))
                .collect(),
            log_of: Some(node.to_owned()),
            window: around([at].into_iter()),
            ..Evidence::new(ENDED_NODES[1], node, text)
        }
    });
    evidence.collect()
}
