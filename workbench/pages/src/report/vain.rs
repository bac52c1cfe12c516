//! What nodes left undone: for each of them the requests that got no answer, or none of use. A
//! history knows processes alone; here they get the names of the nodes that they work on.

use std::collections::BTreeMap;

use shared::NodeId;

use history::text::quoted;
use history::{History, Op, OpError};

/// One line for each node and way of failing. `node_of` tells whom a process works on.
pub fn requests_in_vain<'a>(history: &History, node_of: impl Fn(u64) -> &'a NodeId) -> Vec<String> {
    let mut seen: BTreeMap<(&NodeId, &str), (usize, &Op)> = BTreeMap::new();
    for op in history.ops.iter().filter(|op| op.is_completion()) {
        let (Some(process), Some(error)) = (op.process.client(), op.error.as_deref()) else {
            continue;
        };
        let way = match error {
            OpError::NetTimeout => "",
            OpError::Rpc { name, .. } => name,
            OpError::Malformed { .. } => "malformed",
            OpError::Thrown { class, .. } => class,
            OpError::Other { value } => value.json(),
        };
        let (count, _) = seen.entry((node_of(process), way)).or_insert((0, op));
        *count += 1;
    }
    let line = |((node, _), (count, first)): (_, (usize, &Op))| tell(node, count, first);
    seen.into_iter().map(line).collect()
}

fn tell(node: &NodeId, count: usize, first: &Op) -> String {
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
            format!("node {node} gave {count} {requests} a malformed answer")
        }
        Some(OpError::Thrown { class, text }) => format!(
            "node {node} left {count} {requests} in doubt ({class}); the first, {f}, at \
             {time:.3} s: {}",
            quoted(text)
        ),
        Some(OpError::Other { value }) => format!(
            "node {node} left {count} {requests} in doubt; the first, {f}, at {time:.3} s: {value}"
        ),
        Some(OpError::NetTimeout) | None => format!(
            "node {node} gave {count} {requests} no answer in time; the first, {f}, was given up \
             at {time:.3} s"
        ),
    }
}
