//! The flags of a test: Maelstrom's names and defaults.

mod faults;
mod words;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use shared::NodeId;

use checkers::{Models, Target};
use simulator::latency::{Distribution, Latency};
use simulator::network::Overheard;
use simulator::run::{RECOVERY, Settings};
use simulator::topology::Topology;
use simulator::workload::{self, Name};

pub use faults::FaultFlags;
pub use words::Words;

/// What a test is and how it is run, as the command line says it.
#[derive(Debug, Clone, Args)]
pub struct TestFlags {
    /// Which operations clients perform, and what is checked.
    #[arg(short, long, value_name = "NAME", default_value = "lin-kv",
          value_parser = one_of(Name::ALL, Name::name, Name::about))]
    pub workload: Name,

    /// How many nodes: n0, n1, …. Without it there are n1 to n5, or those of --node and --nodes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub node_count: Option<u32>,

    /// A node's name; may be repeated.
    #[arg(short, long, value_name = "NAME", value_parser = parse_node)]
    pub node: Vec<NodeId>,

    /// Several nodes' names, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_node)]
    pub nodes: Vec<NodeId>,

    /// A file with nodes' names, one a line.
    #[arg(long, value_name = "FILE")]
    pub nodes_file: Option<PathBuf>,

    /// How many workers perform operations: a number, or as "2n" twice the number of nodes.
    #[arg(long, value_name = "N", default_value = "1n", value_parser = parse_concurrency)]
    pub concurrency: Concurrency,

    /// Operations a second, all workers together.
    #[arg(long, value_name = "RATE", default_value = "5", value_parser = parse_rate)]
    pub rate: f64,

    /// How long the main phase lasts, in seconds.
    #[arg(long, value_name = "S", default_value_t = 60,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub time_limit: u32,

    /// How long messages between nodes, and between nodes and services, take on average, in
    /// milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency: u32,

    /// How latencies spread around their mean.
    #[arg(long, value_name = "TYPE", default_value = "constant",
          value_parser = one_of(Distribution::ALL, Distribution::name, Distribution::about))]
    pub latency_dist: Distribution,

    /// Which faults happen, and how bad they are.
    #[command(flatten)]
    pub faults: FaultFlags,

    /// How many operations begin in the main phase at most.
    #[arg(long, value_name = "N", help_heading = "Storms")]
    pub max_operations: Option<u64>,

    /// The neighbours that nodes are told in the broadcast workload.
    #[arg(long, value_name = "NAME", default_value = "grid",
          value_parser = one_of(Topology::ALL, Topology::name, Topology::about))]
    pub topology: Topology,

    /// Which part of the operations must succeed: "total", or a number from 0 to 1.
    #[arg(long, value_name = "X", value_parser = parse_availability)]
    pub availability: Option<Target>,

    /// What transactions are held to: consistency models, separated by commas.
    #[arg(long, value_name = "LIST", default_value = "strict-serializable")]
    pub consistency_models: Models,

    /// How many keys transactions use at a time.
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub key_count: u32,

    /// How many micro-operations a transaction has at most.
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_txn_length: u32,

    /// How often a key is written before another takes its place.
    #[arg(long, value_name = "N", default_value_t = 16,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub max_writes_per_key: u64,
}

/// How many workers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    /// So many.
    Fixed(u32),
    /// So many for each node.
    PerNode(u32),
}

impl TestFlags {
    /// What the run is made of.
    ///
    /// # Errors
    /// When the file of names cannot be read, names repeat, or flags contradict one another.
    pub fn settings(&self, seed: u64) -> anyhow::Result<Settings> {
        let nodes = self.names()?;
        let concurrency = match self.concurrency {
            Concurrency::Fixed(count) => count as usize,
            Concurrency::PerNode(count) => count as usize * nodes.len(),
        };
        if self.latency == 0 && self.latency_dist != Distribution::Constant {
            bail!("a latency of 0 ms can only be constant: give --latency or no --latency-dist");
        }
        let workload = workload::workload(self.workload, &self.options());
        let fits = workload.check_workers(nodes.len(), concurrency);
        fits.map_err(anyhow::Error::msg)?;
        Ok(Settings {
            nodes,
            concurrency,
            rate: self.rate,
            time_limit: Duration::from_secs(self.time_limit.into()),
            recovery: RECOVERY,
            latency: Latency {
                mean_ms: self.latency,
                distribution: self.latency_dist,
            },
            faults: self.faults.faults(),
            most_operations: self.max_operations,
            keeps_trace: false,
            overheard: Overheard::default(),
            seed,
        })
    }

    /// What the workload is told.
    pub fn options(&self) -> workload::Options {
        workload::Options {
            topology: self.topology,
            latency_ms: self.latency,
            transactions: workload::transactions::Shape {
                key_count: self.key_count,
                max_txn_length: self.max_txn_length,
                max_writes_per_key: self.max_writes_per_key,
            },
            models: self.consistency_models.clone(),
        }
    }

    fn names(&self) -> anyhow::Result<Vec<NodeId>> {
        let mut names = Vec::new();
        if let Some(file) = &self.nodes_file {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the nodes' names from {}", file.display()))?;
            for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
                names.push(parse_node(line).map_err(anyhow::Error::msg)?);
            }
        }
        match self.node_count {
            Some(count) => names.extend((0..count).map(|i| NodeId::from(&*format!("n{i}")))),
            None => names.extend(self.nodes.iter().cloned()),
        }
        names.extend(self.node.iter().cloned());
        if names.is_empty() {
            names.extend(["n1", "n2", "n3", "n4", "n5"].map(NodeId::from));
        }
        for (place, name) in names.iter().enumerate() {
            if names[..place].contains(name) {
                bail!("two nodes are called {name}");
            }
        }
        Ok(names)
    }
}

/// Takes one of these values by its name; help and errors list them.
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
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(is_plain) || name.starts_with('.') {
        return Err("a node's name is made of letters, digits, '-', '_' and '.'".to_owned());
    }
    if name.starts_with('c') || simulator::service::Services::is_service(name) {
        return Err("names that begin with 'c' are clients', and services have theirs".to_owned());
    }
    Ok(NodeId::from(name))
}

fn parse_concurrency(text: &str) -> Result<Concurrency, String> {
    let (digits, make): (&str, fn(u32) -> Concurrency) = match text.strip_suffix('n') {
        Some(digits) => (digits, Concurrency::PerNode),
        None => (text, Concurrency::Fixed),
    };
    match digits.parse() {
        Ok(count @ 1..=100_000) => Ok(make(count)),
        Ok(_) | Err(_) => Err("expected a number of workers, or of workers a node as 2n".into()),
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate >= 0.0 && rate.is_finite() => Ok(rate),
        Ok(_) | Err(_) => Err("expected a number of operations a second".to_owned()),
    }
}

/// What `--availability` takes.
///
/// # Errors
/// Says what it takes.
pub fn parse_availability(text: &str) -> Result<Target, String> {
    if text == "total" {
        return Ok(Target::Total);
    }
    match text.parse() {
        Ok(part) if (0.0..=1.0).contains(&part) => Ok(Target::AtLeast(part)),
        Ok(_) | Err(_) => Err("expected \"total\" or a number from 0 to 1".to_owned()),
    }
}
