//! The JSON form of options.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use shared::NodeId;

/// The nodes of a cluster. In JSON a number, or a list of names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Nodes {
    /// This many: n0, n1, ….
    Count(u32),
    /// Nodes of these names.
    Named(Vec<NodeId>),
}

/// Maelstrom's: n1 to n5.
impl Default for Nodes {
    fn default() -> Self {
        Nodes::Named(["n1", "n2", "n3", "n4", "n5"].map(NodeId::from).to_vec())
    }
}

impl Nodes {
    /// The names, in order.
    pub fn names(&self) -> Vec<NodeId> {
        match self {
            Nodes::Count(count) => (0..*count)
                .map(|i| NodeId::from(&*format!("n{i}")))
                .collect(),
            Nodes::Named(names) => names.clone(),
        }
    }
}

/// The number of workers. In JSON a string, `10` or `2n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    /// This many.
    Fixed(u32),
    /// This many per node.
    PerNode(u32),
}

/// The limit of workers, per node or in total.
const MAX_WORKERS: u32 = 100_000;

impl FromStr for Concurrency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, make): (&str, fn(u32) -> Concurrency) = match text.strip_suffix('n') {
            Some(digits) => (digits, Concurrency::PerNode),
            None => (text, Concurrency::Fixed),
        };
        match digits.parse() {
            Ok(count @ 1..=MAX_WORKERS) => Ok(make(count)),
            Ok(_) | Err(_) => {
                Err("expected a number of workers, such as 10, or 2n for 2 per node".to_owned())
            }
        }
    }
}

impl fmt::Display for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Concurrency::Fixed(count) => write!(f, "{count}"),
            Concurrency::PerNode(count) => write!(f, "{count}n"),
        }
    }
}

impl Serialize for Concurrency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        text::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Concurrency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer)
    }
}

/// Values in their text form, of `Display` and `FromStr`.
pub(super) mod text {
    use std::fmt;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<T: fmt::Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: fmt::Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Durations as numbers of seconds.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        match time.subsec_nanos() {
            0 => to.serialize_u64(time.as_secs()),
            _ => to.serialize_f64(time.as_secs_f64()),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(from)?;
        Duration::try_from_secs_f64(seconds).map_err(D::Error::custom)
    }
}

/// Durations as whole numbers of milliseconds.
pub(super) mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Ok(Duration::from_millis(u64::deserialize(from)?))
    }
}

/// Durations that may be absent, as numbers of seconds or `null`.
pub(super) mod maybe_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Seconds(#[serde(with = "super::seconds")] Duration);

    pub(crate) fn serialize<S: Serializer>(
        time: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(Seconds).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        let seconds = Option::<Seconds>::deserialize(from)?;
        Ok(seconds.map(|Seconds(time)| time))
    }
}

/// Availability: `"total"`, a number from 0 to 1, or `null`.
pub(super) mod availability {
    use checkers::Target;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Form {
        Part(f64),
        Name(String),
    }

    pub(crate) fn serialize<S: Serializer>(
        target: &Option<Target>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let form = target.map(|target| match target {
            Target::Total => Form::Name("total".to_owned()),
            Target::AtLeast(part) => Form::Part(part),
        });
        form.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Target>, D::Error> {
        Ok(match Option::<Form>::deserialize(from)? {
            None => None,
            Some(Form::Part(part)) if (0.0..=1.0).contains(&part) => Some(Target::AtLeast(part)),
            Some(Form::Name(name)) if name == "total" => Some(Target::Total),
            Some(Form::Part(_) | Form::Name(_)) => {
                return Err(D::Error::custom(
                    "expected \"total\" or a number from 0 to 1",
                ));
            }
        })
    }
}
