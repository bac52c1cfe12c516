//! The options of a run as one typed value: [`Options`] has all of them, [`PartialOptions`] some. A
//! storm draws options from a seed, a report prints them, and they convert to and from a command
//! line. As JSON both are an object in kebab case, such as `{"nodes": 5, "time-limit": 20}`, in the
//! units below.

mod form;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use checkers::{Models, Target};
use serde::{Deserialize, Serialize};
use shared::NodeId;

use crate::latency::{Distribution, Latency};
use crate::nemesis::{self, Fault, Faults};
use crate::network::NetLog;
use crate::run::{RECOVERY, Settings};
use crate::service::Services;
use crate::topology::Topology;
use crate::workload::Workload;
use crate::workload::transactions::TxnParams;

pub use form::{Concurrency, Nodes};

/// Declares the options once: as [`Options`] with defaults, and as [`PartialOptions`].
macro_rules! options {
    ($($(#[$attribute:meta])* $name:ident: $type:ty = $default:expr;)*) => {
        /// All options of a run. The defaults are Maelstrom's, where Maelstrom has the option.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
        pub struct Options {
            $($(#[$attribute])* pub $name: $type,)*
        }

        impl Default for Options {
            fn default() -> Self {
                Options { $($name: $default,)* }
            }
        }

        /// Some options of a run; those that are `None` are drawn from a seed, or have the
        /// defaults.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct PartialOptions {
            $(#[doc = concat!("See [`Options::", stringify!($name), "`].")]
            pub $name: Option<$type>,)*
        }

        impl PartialOptions {
            /// The options for whose field names `is_pinned` is true.
            pub fn of(options: &Options, is_pinned: impl Fn(&str) -> bool) -> PartialOptions {
                PartialOptions { $($name: is_pinned(stringify!($name)).then(|| options.$name.clone()),)* }
            }

            /// Merges two sets of options; `others` take precedence.
            #[must_use]
            pub fn and(&self, others: &PartialOptions) -> PartialOptions {
                PartialOptions { $($name: others.$name.clone().or_else(|| self.$name.clone()),)* }
            }
        }

        impl Options {
            /// The options that differ from `base`.
            pub fn changes_from(&self, base: &Options) -> PartialOptions {
                PartialOptions { $($name: (self.$name != base.$name).then(|| self.$name.clone()),)* }
            }

            /// These options, with the pinned ones replaced.
            #[must_use]
            pub fn with(&self, pins: &PartialOptions) -> Options {
                let kept = self.clone();
                Options { $($name: pins.$name.clone().unwrap_or(kept.$name),)* }
            }
        }

        impl Serialize for PartialOptions {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let all = Options::default().with(self);
                let mut all = serde_json::to_value(all).map_err(serde::ser::Error::custom)?;
                if let Some(all) = all.as_object_mut() {
                    $(if self.$name.is_none() {
                        all.remove(&stringify!($name).replace('_', "-"));
                    })*
                }
                all.serialize(serializer)
            }
        }
    };
}

options! {
    /// The nodes: how many, or their names.
    nodes: Nodes = Nodes::default();
    /// The number of workers that perform operations.
    concurrency: Concurrency = Concurrency::PerNode(1);
    /// Operations per second, all workers together.
    rate: f64 = 5.0;
    /// The duration of the main phase, in seconds.
    #[serde(with = "form::seconds")]
    time_limit: Duration = Duration::from_secs(60);
    /// The mean latency of messages among nodes and services, in whole milliseconds.
    latency: u32 = 0;
    /// The distribution of latencies around their mean.
    latency_dist: Distribution = Distribution::Constant;
    /// The faults that occur.
    nemesis: BTreeSet<Fault> = BTreeSet::new();
    /// The mean time, in seconds, from the start of a fault to its stop, and from its stop to the
    /// next start of the same kind.
    #[serde(with = "form::seconds")]
    nemesis_interval: Duration = Duration::from_secs(10);
    /// The shapes of partitions, one of which is drawn each time.
    partition_shapes: Vec<nemesis::PartitionShape> = nemesis::PartitionShape::MAELSTROMS.to_vec();
    /// Loss: the share of messages among nodes and services that are lost, 0 to 1.
    loss: f64 = 0.2;
    /// Duplicate: the share of messages among nodes and services that arrive twice, 0 to 1.
    duplicate: f64 = 0.2;
    /// Delay: the maximum, in milliseconds; half of the messages among nodes and services are
    /// delayed.
    #[serde(with = "form::milliseconds")]
    delay: Duration = Duration::from_secs(1);
    /// Pause, kill: the number of nodes that are paused or killed at a time.
    targets: u32 = 1;
    /// Skew: the maximum by which a clock jumps ahead, in milliseconds.
    #[serde(with = "form::milliseconds")]
    skew: Duration = Duration::from_secs(1);
    /// Skew: the maximum by which a clock runs too fast or too slow, as a share of true pace.
    drift: f64 = 0.1;
    /// The limit of faults of all kinds together.
    max_faults: Option<u64> = None;
    /// The interval of losses, in seconds, if it differs from `nemesis_interval`.
    #[serde(with = "form::maybe_seconds")]
    loss_interval: Option<Duration> = None;
    /// The interval of duplications, likewise.
    #[serde(with = "form::maybe_seconds")]
    duplicate_interval: Option<Duration> = None;
    /// The interval of delays, likewise.
    #[serde(with = "form::maybe_seconds")]
    delay_interval: Option<Duration> = None;
    /// The interval of pauses, likewise.
    #[serde(with = "form::maybe_seconds")]
    pause_interval: Option<Duration> = None;
    /// The interval of kills, likewise.
    #[serde(with = "form::maybe_seconds")]
    kill_interval: Option<Duration> = None;
    /// The interval of skews, likewise.
    #[serde(with = "form::maybe_seconds")]
    skew_interval: Option<Duration> = None;
    /// The limit of operations in the main phase.
    max_operations: Option<u64> = None;
    /// The neighbours that the broadcast workload suggests to its nodes.
    topology: Topology = Topology::Grid;
    /// The share of operations that must succeed.
    #[serde(with = "form::availability")]
    availability: Option<Target> = None;
    /// The consistency models that transactions must satisfy.
    #[serde(with = "form::text")]
    consistency_models: Models = Models::default();
    /// The number of keys that transactions and logs use at a time; at least 1.
    key_count: u32 = 10;
    /// The maximum number of micro-operations in a transaction; at least 1.
    max_txn_length: u32 = 4;
    /// The number of writes to a key before a new key replaces it; at least 1.
    max_writes_per_key: u64 = 16;
}

/// Options that contradict one another, or that do not fit the workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidOptions(String);

impl fmt::Display for InvalidOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidOptions {}

impl Options {
    /// The input of a run of this workload.
    ///
    /// # Errors
    /// When a node's name is invalid or repeated, or options contradict one another or do not fit
    /// the workload.
    pub fn settings(&self, workload: &dyn Workload, seed: u64) -> Result<Settings, InvalidOptions> {
        let nodes = self.nodes.names();
        check_names(&nodes)?;
        let concurrency = match self.concurrency {
            Concurrency::Fixed(count) => count as usize,
            Concurrency::PerNode(count) => count as usize * nodes.len(),
        };
        if self.latency == 0 && self.latency_dist != Distribution::Constant {
            let why =
                "a latency of 0 ms can only be constant: set --latency, or omit --latency-dist";
            return Err(InvalidOptions(why.to_owned()));
        }
        let fits = workload.check_workers(nodes.len(), concurrency);
        fits.map_err(InvalidOptions)?;
        Ok(Settings {
            nodes,
            concurrency,
            rate: self.rate,
            time_limit: self.time_limit,
            recovery: RECOVERY,
            latency: Latency {
                mean_ms: self.latency,
                distribution: self.latency_dist,
            },
            faults: self.faults(),
            max_operations: self.max_operations,
            keeps_trace: false,
            net_log: NetLog::default(),
            seed,
        })
    }

    /// The faults that the nemesis causes.
    pub fn faults(&self) -> Faults {
        let interval = |fault: &Fault| (*fault, self.interval(*fault));
        Faults {
            intervals: self.nemesis.iter().map(interval).collect(),
            partition_shapes: self.partition_shapes.clone(),
            loss: self.loss,
            duplicate: self.duplicate,
            delay: self.delay,
            victims: self.targets,
            skew: self.skew,
            drift: self.drift,
            max_count: self.max_faults,
        }
    }

    fn interval(&self, fault: Fault) -> Duration {
        let own = match fault {
            Fault::Partition => None,
            Fault::Loss => self.loss_interval,
            Fault::Duplicate => self.duplicate_interval,
            Fault::Delay => self.delay_interval,
            Fault::Pause => self.pause_interval,
            Fault::Kill => self.kill_interval,
            Fault::Skew => self.skew_interval,
        };
        own.unwrap_or(self.nemesis_interval)
    }

    /// The parameters of random transactions.
    pub fn txn_params(&self) -> TxnParams {
        TxnParams {
            key_count: self.key_count,
            max_txn_length: self.max_txn_length,
            max_writes_per_key: self.max_writes_per_key,
        }
    }

    /// These options, with the values of `base` for the options of faults that do not occur.
    #[must_use]
    pub fn without_unused(mut self, base: &Options) -> Options {
        let occurs = |fault| self.nemesis.contains(&fault);
        if !occurs(Fault::Partition) {
            self.partition_shapes.clone_from(&base.partition_shapes);
        }
        if !occurs(Fault::Loss) {
            self.loss = base.loss;
        }
        if !occurs(Fault::Duplicate) {
            self.duplicate = base.duplicate;
        }
        if !occurs(Fault::Delay) {
            self.delay = base.delay;
        }
        if !occurs(Fault::Skew) {
            (self.skew, self.drift) = (base.skew, base.drift);
        }
        if self.nemesis.is_empty() {
            self.nemesis_interval = base.nemesis_interval;
        }
        self
    }
}

/// # Errors
/// When a name is invalid or repeated.
fn check_names(names: &[NodeId]) -> Result<(), InvalidOptions> {
    for (index, name) in names.iter().enumerate() {
        check_name(name.as_str()).map_err(InvalidOptions)?;
        if names[..index].contains(name) {
            return Err(InvalidOptions(format!("two nodes are called {name}")));
        }
    }
    Ok(())
}

/// Checks the name of a node.
///
/// # Errors
/// Describes which names are valid.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(is_plain) || name.starts_with('.') {
        return Err("a node's name consists of letters, digits, '-', '_' and '.'".to_owned());
    }
    if name.starts_with('c') || Services::is_service(name) {
        return Err("names that begin with 'c', or of services, are not for nodes".to_owned());
    }
    Ok(())
}

/// As JSON.
impl fmt::Display for PartialOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{Name, workload};

    #[test]
    fn options_survive_a_round_trip_through_json() {
        let pins = PartialOptions {
            nodes: Some(Nodes::Count(7)),
            concurrency: Some(Concurrency::PerNode(2)),
            nemesis: Some(BTreeSet::from([Fault::Loss, Fault::Kill])),
            loss_interval: Some(Some(Duration::from_millis(1500))),
            availability: Some(Some(Target::Total)),
            ..PartialOptions::default()
        };
        let json = r#"{"availability":"total","concurrency":"2n","loss-interval":1.5,"#.to_owned()
            + r#""nemesis":["loss","kill"],"nodes":7}"#;
        assert_eq!(pins.to_string(), json);
        let options = Options::default().with(&pins);
        assert_eq!(serde_json::from_str::<Options>(&json).unwrap(), options);
        assert_eq!(options.changes_from(&Options::default()), pins);
        assert!(serde_json::from_str::<Options>(r#"{"rte": 7}"#).is_err());
    }

    #[test]
    fn options_that_contradict_one_another_are_rejected() {
        let check = |pins: PartialOptions, why: &str| {
            let echo = workload(Name::Echo, &Options::default());
            let options = Options::default().with(&pins);
            let error = options.settings(&*echo, 1).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        let named = |names: &[&str]| PartialOptions {
            nodes: Some(Nodes::Named(
                names.iter().copied().map(NodeId::from).collect(),
            )),
            ..PartialOptions::default()
        };
        check(named(&["a", "b", "a"]), "two nodes are called a");
        check(named(&["c1"]), "not for nodes");
        check(named(&["a b"]), "letters, digits");
        let spread = PartialOptions {
            latency_dist: Some(Distribution::Uniform),
            ..PartialOptions::default()
        };
        check(spread, "can only be constant");
    }

    #[test]
    fn later_pins_take_precedence() {
        let of = |rate, latency| PartialOptions {
            rate,
            latency,
            ..PartialOptions::default()
        };
        let both = of(Some(7.0), Some(3)).and(&of(Some(8.0), None));
        assert_eq!(both, of(Some(8.0), Some(3)));
        let options = Options::default().with(&both);
        assert_eq!((options.rate, options.latency), (8.0, 3));
        assert_eq!(
            PartialOptions::of(&options, |name| name == "rate"),
            of(Some(8.0), None)
        );
    }
}
