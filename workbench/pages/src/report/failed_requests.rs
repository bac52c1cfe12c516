//! Requests that failed, by node and kind of failure. A history has processes alone; here they get
//! the names of their nodes.

use std::collections::BTreeMap;

use shared::NodeId;

use history::text::quoted;
use history::{History, Op, OpError};

/// Errors that say what happened to an operation, and not that something went wrong: a compare-and-set
/// that does not match, a key that is not there, a transaction in conflict with another.
const ANSWERS: [&str; 3] = ["precondition-failed", "key-does-not-exist", "txn-conflict"];

/// One line for each node and kind of failure. `node_of` is the node of a process.
pub fn failed_requests<'a>(history: &History, node_of: impl Fn(u64) -> &'a NodeId) -> Vec<String> {
    let interrupted = OpError::interrupted();
    let mut seen: BTreeMap<(&NodeId, &str), (usize, &Op)> = BTreeMap::new();
    for op in history.ops.iter().filter(|op| op.is_completion()) {
        let (Some(process), Some(error)) = (op.process.client(), op.error.as_deref()) else {
            continue;
        };
        // Operations in progress are no failures.
        if *error == interrupted {
            continue;
        }
        let kind = match error {
            OpError::NetTimeout => "",
            OpError::Rpc { name, .. } if ANSWERS.contains(&&**name) => continue,
            OpError::Rpc { name, .. } => name,
            OpError::Malformed { .. } => "malformed",
            OpError::Thrown { class, .. } => class,
            OpError::Other { value } => value.json(),
        };
        let (count, _) = seen.entry((node_of(process), kind)).or_insert((0, op));
        *count += 1;
    }
    let line = |((node, _), (count, first)): (_, (usize, &Op))| describe(node, count, first);
    seen.into_iter().map(line).collect()
}

fn describe(node: &NodeId, count: usize, first: &Op) -> String {
    let Op { f, error, .. } = first;
    let time = first.seconds();
    let requests = if count == 1 { "request" } else { "requests" };
    match error.as_deref() {
        Some(OpError::Rpc { name, text }) => format!(
            "node {node} answered {count} {requests} with the error {name}; the first, {f}, at \
             {time:.3} s: {}",
            quoted(text)
        ),
        Some(OpError::Malformed { .. }) => {
            format!("node {node} gave malformed replies to {count} {requests}")
        }
        Some(OpError::Thrown { class, text }) => format!(
            "{count} {requests} to node {node} are indeterminate ({class}); the first, {f}, at \
             {time:.3} s: {}",
            quoted(text)
        ),
        Some(OpError::Other { value }) => format!(
            "{count} {requests} to node {node} are indeterminate; the first, {f}, at {time:.3} s: {value}"
        ),
        Some(OpError::NetTimeout) | None => format!(
            "node {node} did not answer {count} {requests} in time; the first, {f}, timed out at \
             {time:.3} s"
        ),
    }
}
