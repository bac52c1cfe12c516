//! What a run is made of, in values.

use std::time::Duration;

use shared::NodeId;

use crate::latency::Latency;
use crate::nemesis::Faults;
use crate::network::NetLog;

/// How long the network rests, healed, between the main phase and the final one in Maelstrom.
pub const RECOVERY: Duration = Duration::from_secs(10);

/// What a run is made of.
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
    /// How long the healed network rests before the final phase.
    pub recovery: Duration,
    /// How long messages take.
    pub latency: Latency,
    /// What the nemesis does.
    pub faults: Faults,
    /// How many operations begin in the main phase at most.
    pub max_operations: Option<u64>,
    /// Whether messages are written down.
    pub keeps_trace: bool,
    /// Which messages are told as they cross the network.
    pub net_log: NetLog,
    /// What all rng of the run start from.
    pub seed: u64,
}

impl Settings {
    /// The node that a process works on.
    pub fn node_of(&self, process: u64) -> &NodeId {
        let worker = process as usize % self.concurrency;
        &self.nodes[worker % self.nodes.len()]
    }
}
