//! The flags of the nemesis: which faults, how often, and how bad.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use history::text::unknown_name;
use simulator::nemesis::{Fault, PartitionShape};

/// Which faults happen, and how bad they are. Partitions alone, of Maelstrom's four shapes, are
/// what Maelstrom has; all else is this bench's.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct FaultFlags {
    /// Which faults happen: partition, loss, duplicate, delay, pause, kill, and in simulations
    /// skew; several are separated by commas; or none.
    #[arg(
        long,
        value_name = "LIST",
        default_value = "none",
        hide_default_value = true
    )]
    pub nemesis: FaultList,

    /// The mean time from the beginning of a fault to its end, and from there to the next of its
    /// kind, in seconds.
    #[arg(long, value_name = "S", default_value = "10", value_parser = parse_interval)]
    pub nemesis_interval: Duration,

    /// The shapes of partitions: one, majority, minority-third, majorities-ring, one-way, bridge.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_target,
          default_value = "one,majority,minority-third,majorities-ring", help_heading = "Storms")]
    pub partition_shapes: Vec<PartitionShape>,

    /// loss: the part of the messages among servers that is lost, 0 to 1.
    #[arg(long, value_name = "P", default_value_t = 0.2, value_parser = parse_part,
          help_heading = "Storms")]
    pub loss: f64,

    /// duplicate: the part of the messages among servers that arrives twice, 0 to 1.
    #[arg(long, value_name = "P", default_value_t = 0.2, value_parser = parse_part,
          help_heading = "Storms")]
    pub duplicate: f64,

    /// delay: half of the messages among servers are late by up to so many milliseconds, and are
    /// overtaken by others.
    #[arg(long, value_name = "MS", default_value_t = 1000,
          value_parser = clap::value_parser!(u64).range(..=3_600_000), help_heading = "Storms")]
    pub delay: u64,

    /// pause, kill: how many nodes stand still, or are dead, at a time.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..), help_heading = "Storms")]
    pub victims: u32,

    /// skew: how many milliseconds a clock jumps ahead at most.
    #[arg(long, value_name = "MS", default_value_t = 1000,
          value_parser = clap::value_parser!(u64).range(..=3_600_000), help_heading = "Storms")]
    pub skew: u64,

    /// skew: how much too fast or too slow a clock runs at most, as a part of its pace.
    #[arg(long, value_name = "P", default_value_t = 0.1, value_parser = parse_part,
          help_heading = "Storms")]
    pub drift: f64,

    /// How many faults there are in all, whatever their kind.
    #[arg(long, value_name = "N", help_heading = "Storms")]
    pub max_faults: Option<u64>,

    /// --nemesis-interval for losses alone.
    #[arg(long, value_name = "S", value_parser = parse_interval, help_heading = "Storms")]
    pub loss_interval: Option<Duration>,

    /// --nemesis-interval for duplications alone.
    #[arg(long, value_name = "S", value_parser = parse_interval, help_heading = "Storms")]
    pub duplicate_interval: Option<Duration>,

    /// --nemesis-interval for delays alone.
    #[arg(long, value_name = "S", value_parser = parse_interval, help_heading = "Storms")]
    pub delay_interval: Option<Duration>,

    /// --nemesis-interval for pauses alone.
    #[arg(long, value_name = "S", value_parser = parse_interval, help_heading = "Storms")]
    pub pause_interval: Option<Duration>,

    /// --nemesis-interval for kills alone.
    #[arg(long, value_name = "S", value_parser = parse_interval, help_heading = "Storms")]
    pub kill_interval: Option<Duration>,

    /// --nemesis-interval for wrong clocks alone.
    #[arg(long, value_name = "S", value_parser = parse_interval, help_heading = "Storms")]
    pub skew_interval: Option<Duration>,
}

/// Kinds of faults, as a list with commas; `none` is an empty one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FaultList(pub(super) BTreeSet<Fault>);

impl FromStr for FaultList {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        let names = list.split(',').map(str::trim);
        let names = names.filter(|name| !matches!(*name, "" | "none"));
        names
            .map(parse_fault)
            .collect::<Result<_, _>>()
            .map(FaultList)
    }
}

fn parse_fault(name: &str) -> Result<Fault, String> {
    let unknown = || unknown_name("fault", name, &Fault::ALL.map(Fault::name));
    Fault::named(name.trim()).ok_or_else(unknown)
}

fn parse_target(name: &str) -> Result<PartitionShape, String> {
    let unknown = || {
        unknown_name(
            "shape",
            name,
            &PartitionShape::ALL.map(PartitionShape::name),
        )
    };
    PartitionShape::named(name.trim()).ok_or_else(unknown)
}

fn parse_part(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(part) if (0.0..=1.0).contains(&part) => Ok(part),
        Ok(_) | Err(_) => Err("expected a number from 0 to 1".to_owned()),
    }
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let seconds = match text.split_once('/') {
        Some((above, below)) => above.parse::<f64>().ok().zip(below.parse::<f64>().ok()),
        None => text.parse().ok().map(|seconds: f64| (seconds, 1.0)),
    };
    let seconds = seconds
        .map(|(above, below)| above / below)
        .filter(|it| *it > 0.0);
    let interval = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    interval.ok_or_else(|| "expected a number of seconds above 0, such as 10, 0.5 or 1/2".into())
}
