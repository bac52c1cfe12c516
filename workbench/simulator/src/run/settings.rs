//! The input of a run.

use std::time::Duration;

use shared::NodeId;

use crate::latency::Latency;
use crate::nemesis::Faults;
use crate::network::NetLog;

/// The time without faults between the main and the final phase, as in Maelstrom.
pub const RECOVERY: Duration = Duration::from_secs(10);

/// The input of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The nodes' names, in order.
    pub nodes: Vec<NodeId>,
    /// How many workers perform operations.
    pub concurrency: usize,
    /// Operations a second, all workers together.
    pub rate: f64,
    /// How long the main phase lasts.
    pub time_limit: Duration,
    /// The time without faults before the final phase.
    pub recovery: Duration,
    /// How long messages take.
    pub latency: Latency,
    /// The faults that the nemesis causes.
    pub faults: Faults,
    /// The limit of operations in the main phase.
    pub max_operations: Option<u64>,
    /// Whether messages are recorded in a trace.
    pub keeps_trace: bool,
    /// Which messages are logged as they cross the network.
    pub net_log: NetLog,
    /// The seed of all random numbers of the run.
    pub seed: u64,
}

impl Settings {
    /// The node that a process works on.
    pub fn node_of(&self, process: u64) -> &NodeId {
        let worker = process as usize % self.concurrency;
        &self.nodes[worker % self.nodes.len()]
    }
}
