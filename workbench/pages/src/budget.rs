//! Budgets: bounds on what a run's results say, those of a challenge's page and our own.

use history::edn::{self, Edn};

use crate::text::WIDE;

/// A bound on something that is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// What is measured.
    pub metric: Metric,
    /// What the challenge page allows, if it sets a number.
    pub official: Option<Bound>,
    /// What we ask of our own solution.
    pub ours: Option<Bound>,
}

/// Whose bounds count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// Those of the challenge's page: anybody's node.
    Official,
    /// Our own, which are the stricter ones.
    Ours,
}

impl Budget {
    /// The bounds that count, the official one first.
    pub fn bounds(&self, bar: Bar) -> impl DoubleEndedIterator<Item = Bound> {
        let ours = self.ours.filter(|_| bar == Bar::Ours);
        self.official.into_iter().chain(ours)
    }
}

/// Something that a result map tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Messages between servers and services for each operation.
    MessagesPerOp,
    /// How long half of the values take at most until everybody has them, in milliseconds.
    MedianLatency,
    /// How long the slowest value takes, in milliseconds.
    MaxLatency,
    /// How many operations did not end well, but for clients that crash on purpose.
    NotOk,
    /// How long a message was there at most before a consumer had got beyond the one before it, in
    /// seconds.
    RealtimeLag,
}

/// Where a number must stay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Less than this.
    Below(f64),
    /// This or less.
    AtMost(f64),
}

impl Bound {
    /// The number itself.
    pub fn limit(self) -> f64 {
        let (Bound::Below(limit) | Bound::AtMost(limit)) = self;
        limit
    }

    /// Whether a number stays within it.
    pub fn holds(self, measured: f64) -> bool {
        match self {
            Bound::Below(most) => measured < most,
            Bound::AtMost(most) => measured <= most,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Bound::Below(most) => write!(f, "< {most}"),
            Bound::AtMost(most) => write!(f, "≤ {most}"),
        }
    }
}

impl Metric {
    /// Its name in a table, with its unit.
    pub fn label(self) -> &'static str {
        match self {
            Metric::MessagesPerOp => "messages per operation",
            Metric::MedianLatency => "median latency, ms",
            Metric::MaxLatency => "max latency, ms",
            Metric::NotOk => "operations not ok",
            Metric::RealtimeLag => "worst realtime lag, s",
        }
    }

    /// A number as a table shows it.
    pub fn show(self, number: f64) -> String {
        match self {
            _ if number.abs() >= WIDE => format!("{number:.3e}"),
            Metric::MessagesPerOp => format!("{number:.3}"),
            Metric::RealtimeLag => format!("{number:.2}"),
            Metric::MedianLatency | Metric::MaxLatency | Metric::NotOk => format!("{number:.0}"),
        }
    }

    /// The number in a result map, ours or Maelstrom's, if it is there.
    pub fn measure(self, results: &Edn) -> Option<f64> {
        let found = match self {
            Metric::MessagesPerOp => edn::get(results, &["net", "servers", "msgs-per-op"]),
            Metric::MedianLatency => quantile(results, 0.5),
            Metric::MaxLatency => quantile(results, 1.0),
            Metric::NotOk => return not_ok(results),
            Metric::RealtimeLag => edn::get(results, &["workload", "worst-realtime-lag", "lag"]),
        };
        found.and_then(edn::number)
    }
}

/// Completions that are not ok, of all kinds of operations but the one that never is.
fn not_ok(results: &Edn) -> Option<f64> {
    let Edn::Map(by_f) = edn::get(results, &["stats", "by-f"])? else {
        return None;
    };
    let counts = by_f.iter().filter(|(f, _)| **f != edn::key("crash"));
    let missed = counts.map(|(_, counts)| {
        let count = |name| edn::get(counts, &[name]).and_then(edn::number);
        Some(count("count")? - count("ok-count")?)
    });
    missed.sum()
}

fn quantile(results: &Edn, point: f64) -> Option<&Edn> {
    edn::at(edn::get(results, &["workload", "stable-latencies"])?, point)
}

#[cfg(test)]
mod tests {
    use super::Bound;

    #[test]
    fn a_bound_is_strict_only_if_it_says_so() {
        assert!(Bound::AtMost(1.25).holds(1.25) && !Bound::Below(1.25).holds(1.25));
        assert!(!Bound::AtMost(1.25).holds(f64::NAN) && !Bound::Below(1.25).holds(f64::NAN));
    }
}
