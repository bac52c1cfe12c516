//! The kinds of faults, and how strong and how frequent each of them is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::partition::PartitionShape;

/// A kind of fault. Each comes and goes on a schedule of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Nodes are cut off from one another.
    Partition,
    /// Messages are lost.
    Loss,
    /// Messages arrive twice.
    Duplicate,
    /// Messages are late, and overtake one another.
    Delay,
    /// Nodes stand still, and then go on as if nothing had been.
    Pause,
    /// Nodes are killed, and later start anew with nothing in their memory.
    Kill,
    /// Nodes' clocks jump ahead, and run too fast or too slow.
    Skew,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 7] = [
        Fault::Partition,
        Fault::Loss,
        Fault::Duplicate,
        Fault::Delay,
        Fault::Pause,
        Fault::Kill,
        Fault::Skew,
    ];

    /// The name on a command line and in a history.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Partition => "partition",
            Fault::Loss => "loss",
            Fault::Duplicate => "duplicate",
            Fault::Delay => "delay",
            Fault::Pause => "pause",
            Fault::Kill => "kill",
            Fault::Skew => "skew",
        }
    }

    /// The fault of this name.
    pub fn named(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// What the nemesis' operation that begins it is called in a history.
    pub fn start_f(self) -> &'static str {
        match self {
            Fault::Partition => "start-partition",
            Fault::Loss => "start-loss",
            Fault::Duplicate => "start-duplicate",
            Fault::Delay => "start-delay",
            Fault::Pause => "start-pause",
            Fault::Kill => "start-kill",
            Fault::Skew => "start-skew",
        }
    }

    /// … and the one that ends it.
    pub fn stop_f(self) -> &'static str {
        match self {
            Fault::Partition => "stop-partition",
            Fault::Loss => "stop-loss",
            Fault::Duplicate => "stop-duplicate",
            Fault::Delay => "stop-delay",
            Fault::Pause => "stop-pause",
            Fault::Kill => "stop-kill",
            Fault::Skew => "stop-skew",
        }
    }
}

/// What a nemesis does in a run: which faults, how often, and how bad they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// For each fault that happens at all, the mean time from its beginning to its end, and from
    /// there to the next; in the order of [`Fault::ALL`].
    pub intervals: Vec<(Fault, Duration)>,
    /// What partitions are aimed at.
    pub partition_shapes: Vec<PartitionShape>,
    /// The part of all messages that is lost, 0 to 1, while messages are lost.
    pub loss: f64,
    /// The part of all messages that arrives twice, 0 to 1.
    pub duplicate: f64,
    /// The longest delay; half of the messages get one, anything up to this.
    pub delay: Duration,
    /// How many nodes are paused at a time, or killed.
    pub victims: u32,
    /// The farthest that a clock jumps ahead.
    pub skew: Duration,
    /// How much too fast or too slow a clock runs at most, as a part of its pace.
    pub drift: f64,
    /// How many faults there are in all, whatever their kind; no limit otherwise.
    pub max_count: Option<u64>,
}

impl Default for Faults {
    /// No faults; those that are added to `intervals` are of the strengths that the flags have by
    /// default.
    fn default() -> Self {
        Faults {
            intervals: Vec::new(),
            partition_shapes: PartitionShape::MAELSTROMS.to_vec(),
            loss: 0.2,
            duplicate: 0.2,
            delay: Duration::from_secs(1),
            victims: 1,
            skew: Duration::from_secs(1),
            drift: 0.1,
            max_count: None,
        }
    }
}

impl Faults {
    /// Partitions alone, as Maelstrom has them.
    pub fn partitions(interval: Duration) -> Self {
        Faults {
            intervals: vec![(Fault::Partition, interval)],
            ..Faults::default()
        }
    }

    /// Which faults happen, in the order of [`Fault::ALL`].
    pub fn kinds(&self) -> impl Iterator<Item = Fault> + '_ {
        self.intervals.iter().map(|(fault, _)| *fault)
    }

    /// Whether there is anything that Maelstrom does not do.
    pub fn go_beyond_maelstrom(&self) -> bool {
        self.kinds().any(|fault| fault != Fault::Partition)
    }
}
