//! The kinds of faults, and the strength and frequency of each.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::partition::PartitionShape;

/// A kind of fault. Each starts and stops on a schedule of its own.
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
    /// Nodes are paused, and later resume with their memory.
    Pause,
    /// Nodes are killed, and later restart without their memory.
    Kill,
    /// Nodes' clocks jump ahead, and run too fast or too slow. Later they run at true pace again,
    /// but stay ahead.
    Skew,
}

impl Fault {
    /// All kinds.
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

    /// Finds the fault of this name.
    pub fn named(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// The `f` of the operation that starts it, in a history.
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

    /// The `f` of the operation that stops it, in a history.
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

/// The faults of a run: which kinds occur, how strong each is, and how often.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// For each kind that occurs, the mean time from its start to its stop, and from there to the
    /// next start; in the order of [`Fault::ALL`].
    pub intervals: Vec<(Fault, Duration)>,
    /// The shapes of partitions, one of which is drawn each time.
    pub partition_shapes: Vec<PartitionShape>,
    /// Loss: the share of messages that are lost, 0 to 1.
    pub loss: f64,
    /// Duplicate: the share of messages that arrive twice, 0 to 1.
    pub duplicate: f64,
    /// Delay: the maximum; half of the messages are delayed.
    pub delay: Duration,
    /// Pause, kill: the number of affected nodes at a time. The option is called `targets`: victims
    /// are the nodes that were drawn.
    pub victims: u32,
    /// Skew: the maximum by which a clock jumps ahead.
    pub skew: Duration,
    /// Skew: the maximum by which a clock runs too fast or too slow, as a share of true pace.
    pub drift: f64,
    /// The limit of faults of all kinds together, if any.
    pub max_count: Option<u64>,
}

impl Default for Faults {
    /// No faults; the strengths are the flags' defaults.
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
    /// Only partitions, as in Maelstrom.
    pub fn partitions(interval: Duration) -> Self {
        Faults {
            intervals: vec![(Fault::Partition, interval)],
            ..Faults::default()
        }
    }

    /// The kinds that occur, in the order of [`Fault::ALL`].
    pub fn kinds(&self) -> impl Iterator<Item = Fault> + '_ {
        self.intervals.iter().map(|(fault, _)| *fault)
    }

    /// Whether faults beyond partitions occur: Maelstrom has only partitions.
    pub fn go_beyond_maelstrom(&self) -> bool {
        self.kinds().any(|fault| fault != Fault::Partition)
    }
}

#[cfg(test)]
mod tests {
    use super::Fault;

    #[test]
    fn faults_are_found_by_their_names() {
        for fault in Fault::ALL {
            assert_eq!(Fault::named(fault.name()), Some(fault));
        }
        assert_eq!(Fault::named("flood"), None);
    }
}
