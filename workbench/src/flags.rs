//! The flags of a test: Maelstrom's names and defaults.

mod faults;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use checkers::{Models, Target};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser};
use serde_json::Value;
use shared::NodeId;
use simulator::latency::Distribution;
use simulator::options::{Concurrency, Nodes, Options, PartialOptions, check_name};
use simulator::topology::Topology;
use simulator::workload::Name;

pub use faults::{FaultFlags, FaultList};

/// The flags of a test.
#[derive(Debug, Clone, Args)]
pub struct TestFlags {
    /// The operations that clients perform, and what is checked.
    #[arg(short, long, value_name = "NAME", default_value = "lin-kv",
          value_parser = one_of(Name::ALL, Name::name, Name::about))]
    pub workload: Name,

    /// How many nodes, called n0, n1, …. Without it there are n1 to n5, or those of --node and
    /// --nodes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub node_count: Option<u32>,

    /// The name of a node; may be repeated.
    #[arg(short, long, value_name = "NAME", value_parser = parse_node)]
    pub node: Vec<NodeId>,

    /// The names of several nodes, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_node)]
    pub nodes: Vec<NodeId>,

    /// A file with nodes' names, one per line.
    #[arg(long, value_name = "FILE")]
    pub nodes_file: Option<PathBuf>,

    /// How many workers perform operations: a number, or a multiple of the number of nodes such as
    /// "2n".
    #[arg(long, value_name = "N", default_value = "1n",
          value_parser = clap::value_parser!(Concurrency))]
    pub concurrency: Concurrency,

    /// Operations per second, of all workers together.
    #[arg(long, value_name = "RATE", default_value = "5", value_parser = parse_rate)]
    pub rate: f64,

    /// How long the main phase lasts, in whole seconds.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = parse_time_limit)]
    pub time_limit: u32,

    /// The mean latency of messages between nodes, and between nodes and services, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency: u32,

    /// The distribution of latencies around their mean.
    #[arg(long, value_name = "TYPE", default_value = "constant",
          value_parser = one_of(Distribution::ALL, Distribution::name, Distribution::about))]
    pub latency_dist: Distribution,

    /// The faults that happen, and their severity.
    #[command(flatten)]
    pub faults: FaultFlags,

    /// The maximum number of operations in the main phase.
    #[arg(long, value_name = "N")]
    pub max_operations: Option<u64>,

    /// The topology that the broadcast workload sends to nodes.
    #[arg(long, value_name = "NAME", default_value = "grid",
          value_parser = one_of(Topology::ALL, Topology::name, Topology::about))]
    pub topology: Topology,

    /// The fraction of operations that must succeed: "total", or a number from 0 to 1.
    #[arg(long, value_name = "X", value_parser = parse_availability)]
    pub availability: Option<Target>,

    /// The consistency models that transactions must satisfy, separated by commas.
    #[arg(long, value_name = "LIST", default_value = "strict-serializable")]
    pub consistency_models: Models,

    /// How many keys transactions use at a time.
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub key_count: u32,

    /// The maximum number of micro-operations in a transaction.
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_txn_length: u32,

    /// How often a key is written before a new key replaces it.
    #[arg(long, value_name = "N", default_value_t = 16,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub max_writes_per_key: u64,
}

impl TestFlags {
    /// Parses flags; if one is repeated, the last value counts.
    ///
    /// # Errors
    /// When a flag is unknown, or its value is invalid.
    pub fn read<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, clap::Error> {
        Line::try_parse_from(words).map(|line| line.flags)
    }

    /// All options, given or default.
    ///
    /// # Errors
    /// When the file of names cannot be read.
    pub fn options(&self) -> anyhow::Result<Options> {
        let faults = &self.faults;
        Ok(Options {
            nodes: self.named()?,
            concurrency: self.concurrency,
            rate: self.rate,
            time_limit: Duration::from_secs(self.time_limit.into()),
            latency: self.latency,
            latency_dist: self.latency_dist,
            nemesis: faults.nemesis.0.clone(),
            nemesis_interval: faults.nemesis_interval,
            partition_shapes: faults.partition_shapes.clone(),
            loss: faults.loss,
            duplicate: faults.duplicate,
            delay: Duration::from_millis(faults.delay),
            targets: faults.targets,
            skew: Duration::from_millis(faults.skew),
            drift: faults.drift,
            max_faults: faults.max_faults,
            loss_interval: faults.loss_interval,
            duplicate_interval: faults.duplicate_interval,
            delay_interval: faults.delay_interval,
            pause_interval: faults.pause_interval,
            kill_interval: faults.kill_interval,
            skew_interval: faults.skew_interval,
            max_operations: self.max_operations,
            topology: self.topology,
            availability: self.availability,
            consistency_models: self.consistency_models.clone(),
            key_count: self.key_count,
            max_txn_length: self.max_txn_length,
            max_writes_per_key: self.max_writes_per_key,
        })
    }

    /// The options that were given as flags.
    ///
    /// # Errors
    /// When the file of names cannot be read.
    pub fn given(&self, matches: &ArgMatches) -> anyhow::Result<PartialOptions> {
        let is_given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        Ok(PartialOptions::of(&self.options()?, |field| match field {
            "nodes" => NODE_FLAGS.into_iter().any(is_given),
            field => is_given(field),
        }))
    }

    fn named(&self) -> anyhow::Result<Nodes> {
        let mut names = Vec::new();
        if let Some(file) = &self.nodes_file {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the nodes' names from {}", file.display()))?;
            for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
                names.push(parse_node(line).map_err(anyhow::Error::msg)?);
            }
        }
        match self.node_count {
            Some(count) if names.is_empty() && self.node.is_empty() => {
                return Ok(Nodes::Count(count));
            }
            Some(count) => names.extend(Nodes::Count(count).names()),
            None => names.extend(self.nodes.iter().cloned()),
        }
        names.extend(self.node.iter().cloned());
        Ok(match names[..] {
            [] => Nodes::default(),
            _ => Nodes::Named(names),
        })
    }
}

/// Ids of the flags that name nodes.
const NODE_FLAGS: [&str; 4] = ["node_count", "node", "nodes", "nodes_file"];

/// Parses flags into the options that they set.
///
/// # Errors
/// When a flag is unknown, its value is invalid, or a file cannot be read.
pub fn pins<'a>(words: impl IntoIterator<Item = &'a str>) -> anyhow::Result<PartialOptions> {
    let matches = Line::command().try_get_matches_from(words)?;
    let line = Line::from_arg_matches(&matches)?;
    line.flags.given(&matches)
}

#[derive(Parser)]
#[command(no_binary_name = true, args_override_self = true)]
struct Line {
    #[command(flatten)]
    flags: TestFlags,
}

/// Options as flags, sorted by name: `--node-count 5 --rate 10`.
pub fn to_flags(pins: &PartialOptions) -> Vec<String> {
    let mut words = Vec::new();
    let Ok(Value::Object(options)) = serde_json::to_value(pins) else {
        return words;
    };
    for (name, value) in options {
        let name = match (&*name, &value) {
            ("nodes", Value::Number(_)) => "node-count",
            _ => &name,
        };
        if let Some(value) = to_word(&value) {
            words.extend(flag_words(&format!("--{name}"), value));
        }
    }
    words
}

/// A flag with a value, as it is typed: a value that begins with a dash would be read as a flag.
pub(crate) fn flag_words(flag: &str, value: String) -> Vec<String> {
    if value.starts_with('-') {
        vec![format!("{flag}={value}")]
    } else {
        vec![flag.to_owned(), value]
    }
}

/// An option's value as one word; `None` for `null`.
fn to_word(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Array(parts) if parts.is_empty() => "none".to_owned(),
        Value::Array(parts) => {
            let parts: Vec<String> = parts.iter().filter_map(to_word).collect();
            parts.join(",")
        }
        Value::String(text) => text.clone(),
        // Formats 5.0 as 5.
        Value::Number(number) => number
            .as_f64()
            .map_or(number.to_string(), |it| it.to_string()),
        other => other.to_string(),
    })
}

/// Accepts one of these values by its name; help and errors list them.
fn one_of<T, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
    about: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let values = all.map(|it| PossibleValue::new(name(it)).help(about(it)));
    PossibleValuesParser::new(values).try_map(move |chosen| {
        let named = all.into_iter().find(|it| name(*it) == chosen);
        named.ok_or_else(|| format!("there is no {chosen}"))
    })
}

fn parse_node(name: &str) -> Result<NodeId, String> {
    let name = name.trim();
    check_name(name).map(|()| NodeId::from(name))
}

fn parse_time_limit(text: &str) -> Result<u32, String> {
    let seconds = text.parse().ok().filter(|it| *it > 0);
    seconds.ok_or_else(|| "expected a whole number of seconds above 0".to_owned())
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate >= 0.0 && rate.is_finite() => Ok(rate),
        Ok(_) | Err(_) => Err("expected a number of operations per second".to_owned()),
    }
}

/// Parses the value of `--availability`.
///
/// # Errors
/// Says what is expected.
pub fn parse_availability(text: &str) -> Result<Target, String> {
    if text == "total" {
        return Ok(Target::Total);
    }
    match text.parse() {
        Ok(part) if (0.0..=1.0).contains(&part) => Ok(Target::AtLeast(part)),
        Ok(_) | Err(_) => Err("expected \"total\" or a number from 0 to 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> PartialOptions {
        pins(text.split(' ')).unwrap()
    }

    #[test]
    fn flags_and_options_have_the_same_defaults() {
        let none = TestFlags::read([]).unwrap();
        assert_eq!(none.options().unwrap(), Options::default());
    }

    #[test]
    fn options_survive_a_conversion_to_flags() {
        for text in [
            "--nemesis none --rate 0.5",
            "--concurrency 3n --nemesis partition,kill --kill-interval 1.5 --node-count 7",
            "--nodes a,b --availability total --consistency-models read-committed",
            "--nodes=-a",
            "--availability 0.9 --delay 20 --latency 10 --latency-dist uniform",
            "--partition-shapes one,bridge --time-limit 7 --max-faults 3 --topology tree4",
        ] {
            let pins = given(text);
            assert_eq!(given(&to_flags(&pins).join(" ")), pins, "{text}");
        }
        assert_eq!(
            to_flags(&given("-w echo --rate=7 --rate 8 -n x")).join(" "),
            "--nodes x --rate 8"
        );
    }

    #[test]
    fn invalid_flags_are_refused() {
        for words in [
            &["echo"][..],
            &["--rate"],
            &["--rte", "7"],
            &["--rate", "seven"],
        ] {
            assert!(TestFlags::read(words.iter().copied()).is_err(), "{words:?}");
        }
    }
}
