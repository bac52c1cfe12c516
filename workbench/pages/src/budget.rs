//! Budgets: bounds on what a run's results say, those of a challenge's page and our own.

use checkers::{NetResult, Stats, Verdict, WorkloadResult};

use crate::text::WIDE;

/// The operation that is never `ok`: a client of kafka's that crashes on purpose.
pub(crate) const NEVER_OK: &str = "crash";

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

/// Something that is measured.
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
}

/// What was measured of a run, as far as it could be.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measurements {
    /// [`Metric::MessagesPerOp`].
    pub messages_per_op: Option<f64>,
    /// [`Metric::MedianLatency`], in milliseconds.
    pub median_latency_ms: Option<f64>,
    /// [`Metric::MaxLatency`], in milliseconds.
    pub max_latency_ms: Option<f64>,
    /// [`Metric::NotOk`].
    pub not_ok: Option<f64>,
    /// [`Metric::RealtimeLag`], in seconds.
    pub realtime_lag_s: Option<f64>,
}

impl Measurements {
    /// What a verdict says.
    pub fn of(verdict: &Verdict) -> Self {
        let ratio = verdict.net.as_ref().and_then(NetResult::messages_per_op);
        let not_ok = |stats: &Stats| {
            let by_f = stats.by_f.iter().filter(|(f, _)| *f != NEVER_OK);
            let missed = by_f.map(|(_, counts)| counts.fail + counts.info);
            missed.sum::<usize>() as f64
        };
        let mut measured = Measurements {
            // With the digits that results have.
            messages_per_op: ratio.and_then(|it| it.to_string().parse().ok()),
            not_ok: verdict.stats.as_ref().map(not_ok),
            ..Measurements::default()
        };
        match &verdict.workload.result {
            WorkloadResult::Set(result) => {
                let latencies = result.stable.iter().map(|it| it.latency_ms);
                let mut latencies: Vec<u64> = latencies.collect();
                latencies.sort_unstable();
                let at = |point| Some(checkers::quantile(&latencies, point)? as f64);
                (measured.median_latency_ms, measured.max_latency_ms) = (at(0.5), at(1.0));
            }
            WorkloadResult::Logs(result) => {
                let lag_ns = result.worst_lag.as_ref().map_or(0, |it| it.poll.lag_ns);
                measured.realtime_lag_s = Some(lag_ns as f64 / 1e9);
            }
            _ => {}
        }
        measured
    }

    /// The number for a metric.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::MessagesPerOp => self.messages_per_op,
            Metric::MedianLatency => self.median_latency_ms,
            Metric::MaxLatency => self.max_latency_ms,
            Metric::NotOk => self.not_ok,
            Metric::RealtimeLag => self.realtime_lag_s,
        }
    }
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
