//! Budgets: bounds on the measurements of a run, from the challenge's page and our own.

use checkers::{NetResult, Stats, Verdict, WorkloadResult};

use crate::text::{MIN_SCIENTIFIC, grouped};

/// The operation that never completes as `ok`: a kafka client that crashes on purpose.
pub(crate) const NEVER_OK: &str = "crash";

/// Bounds on a measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// What is measured.
    pub metric: Metric,
    /// Bound of the challenge's page, if it has one.
    pub official: Option<Bound>,
    /// Bound for our own solution.
    pub ours: Option<Bound>,
}

/// Which bounds a run must meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// The official bounds of the challenge's page.
    Official,
    /// Our own, stricter bounds, too.
    Ours,
}

impl Budget {
    /// The bounds to meet, the official one first.
    pub fn bounds(&self, bar: Bar) -> impl DoubleEndedIterator<Item = Bound> {
        let ours = self.ours.filter(|_| bar == Bar::Ours);
        self.official.into_iter().chain(ours)
    }
}

/// A quantity that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Messages between servers, including services, per operation.
    MessagesPerOp,
    /// Median latency until a value is visible in every read, in milliseconds.
    MedianLatency,
    /// Maximum latency until a value is visible in every read, in milliseconds.
    MaxLatency,
    /// Number of operations that did not complete as `ok`, except crashes on purpose.
    NotOk,
    /// Maximum time that a message was in a log before a consumer reached it, in seconds.
    RealtimeLag,
}

/// An upper bound.
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

    /// The bound for a person: `< 1,000`.
    pub fn label(self) -> String {
        let limit = match self.limit() {
            limit if limit.fract() == 0.0 && limit < MIN_SCIENTIFIC => grouped(limit as u64),
            limit => limit.to_string(),
        };
        match self {
            Bound::Below(_) => format!("< {limit}"),
            Bound::AtMost(_) => format!("≤ {limit}"),
        }
    }

    /// Whether a number is within the bound.
    pub fn holds(self, measured: f64) -> bool {
        match self {
            Bound::Below(limit) => measured < limit,
            Bound::AtMost(limit) => measured <= limit,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Bound::Below(limit) => write!(f, "< {limit}"),
            Bound::AtMost(limit) => write!(f, "≤ {limit}"),
        }
    }
}

impl Metric {
    /// Name in a table, with the unit.
    pub fn label(self) -> &'static str {
        match self {
            Metric::MessagesPerOp => "messages per operation",
            Metric::MedianLatency => "median latency, ms",
            Metric::MaxLatency => "max latency, ms",
            Metric::NotOk => "operations not ok",
            Metric::RealtimeLag => "worst realtime lag, s",
        }
    }

    /// Formats a measured number for a table.
    pub fn show(self, number: f64) -> String {
        match self {
            _ if number.abs() >= MIN_SCIENTIFIC => format!("{number:.3e}"),
            Metric::MessagesPerOp if number < 10.0 => format!("{number:.3}"),
            Metric::MessagesPerOp if number < 1000.0 => format!("{number:.2}"),
            Metric::RealtimeLag => format!("{number:.2}"),
            // Latencies in whole milliseconds, unless they are short.
            _ if number < 10.0 && number.fract() != 0.0 => format!("{number:.1}"),
            _ => grouped(number.round() as u64),
        }
    }
}

/// Measurements of a run; `None` where a quantity could not be measured.
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
    /// Takes the measurements from a verdict.
    pub fn of(verdict: &Verdict) -> Self {
        let ratio = verdict.net.as_ref().and_then(NetResult::messages_per_op);
        let not_ok = |stats: &Stats| {
            let by_f = stats.by_f.iter().filter(|(f, _)| *f != NEVER_OK);
            let not_ok = by_f.map(|(_, counts)| counts.fail + counts.info);
            not_ok.sum::<usize>() as f64
        };
        let mut measured = Measurements {
            // Rounded as in the results' files.
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

    /// The measurement of a metric.
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
    use super::{Bound, Metric};

    #[test]
    fn numbers_have_as_many_digits_as_matter() {
        let shown = [1.0664, 23.456, 1_234.5].map(|it| Metric::MessagesPerOp.show(it));
        assert_eq!(shown, ["1.066", "23.46", "1,235"]);
        let shown = [0.42, 7.0, 308.4, 1_499.0].map(|it| Metric::MedianLatency.show(it));
        assert_eq!(shown, ["0.4", "7", "308", "1,499"]);
        let bounds = [Bound::Below(1000.0), Bound::AtMost(1.25)].map(Bound::label);
        assert_eq!(bounds, ["< 1,000", "≤ 1.25"]);
    }

    #[test]
    fn below_excludes_its_limit_and_at_most_includes_it() {
        assert!(Bound::AtMost(1.25).holds(1.25) && !Bound::Below(1.25).holds(1.25));
        assert!(!Bound::AtMost(1.25).holds(f64::NAN) && !Bound::Below(1.25).holds(f64::NAN));
    }
}
