//! The flags of the nemesis: which faults happen, how often, and how severe they are.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use history::text::unknown_name;
use simulator::nemesis::{Fault, PartitionShape};

/// The faults that happen, and their severity. Maelstrom has only partitions of four shapes; the
/// others are additions of this bench.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct FaultFlags {
    /// The faults that happen, separated by commas: partition, loss, duplicate, delay, pause, kill,
    /// and in simulations skew; or none.
    #[arg(long, value_name = "LIST", default_value = "none")]
    pub nemesis: FaultList,

    /// The mean time from the start of a fault to its end, and from its end to the next fault of
    /// its kind, in seconds, such as 10, 0.5 or 1/2.
    #[arg(long, value_name = "S", default_value = "10", value_parser = parse_interval)]
    pub nemesis_interval: Duration,

    /// The shapes of partitions: one, majority, minority-third, majorities-ring, one-way, bridge.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_target,
          default_value = "one,majority,minority-third,majorities-ring")]
    pub partition_shapes: Vec<PartitionShape>,

    /// loss: the fraction of messages between servers that is lost, 0 to 1.
    #[arg(long, value_name = "P", default_value_t = 0.2, value_parser = parse_fraction)]
    pub loss: f64,

    /// duplicate: the fraction of messages between servers that is delivered twice, 0 to 1.
    #[arg(long, value_name = "P", default_value_t = 0.2, value_parser = parse_fraction)]
    pub duplicate: f64,

    /// delay: half of the messages between servers are delayed by up to this many milliseconds, and
    /// so reordered.
    #[arg(long, value_name = "MS", default_value_t = 1000,
          value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    pub delay: u64,

    /// pause, kill: how many nodes are paused or killed at a time.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub targets: u32,

    /// skew: the maximum jump of a clock, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1000,
          value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    pub skew: u64,

    /// skew: the maximum error of a clock's rate, too fast or too slow, 0 to 1.
    #[arg(long, value_name = "P", default_value_t = 0.1, value_parser = parse_fraction)]
    pub drift: f64,

    /// The maximum number of faults of all kinds together.
    #[arg(long, value_name = "N")]
    pub max_faults: Option<u64>,

    /// --nemesis-interval for loss only.
    #[arg(long, value_name = "S", value_parser = parse_interval)]
    pub loss_interval: Option<Duration>,

    /// --nemesis-interval for duplicate only.
    #[arg(long, value_name = "S", value_parser = parse_interval)]
    pub duplicate_interval: Option<Duration>,

    /// --nemesis-interval for delay only.
    #[arg(long, value_name = "S", value_parser = parse_interval)]
    pub delay_interval: Option<Duration>,

    /// --nemesis-interval for pause only.
    #[arg(long, value_name = "S", value_parser = parse_interval)]
    pub pause_interval: Option<Duration>,

    /// --nemesis-interval for kill only.
    #[arg(long, value_name = "S", value_parser = parse_interval)]
    pub kill_interval: Option<Duration>,

    /// --nemesis-interval for skew only.
    #[arg(long, value_name = "S", value_parser = parse_interval)]
    pub skew_interval: Option<Duration>,
}

/// Kinds of faults, separated by commas; `none` is an empty list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FaultList(pub BTreeSet<Fault>);

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

fn parse_fraction(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(fraction) if (0.0..=1.0).contains(&fraction) => Ok(fraction),
        Ok(_) | Err(_) => Err("expected a number from 0 to 1".to_owned()),
    }
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let seconds = match text.split_once('/') {
        Some((dividend, divisor)) => dividend.parse::<f64>().ok().zip(divisor.parse().ok()),
        None => text.parse().ok().map(|seconds: f64| (seconds, 1.0)),
    };
    let seconds = seconds
        .map(|(dividend, divisor)| dividend / divisor)
        .filter(|it| *it > 0.0);
    let interval = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    interval.ok_or_else(|| "expected a number of seconds above 0, such as 10, 0.5 or 1/2".into())
}
