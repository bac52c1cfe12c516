//! The figures of a kept run, as far as its results contain them.

use serde::Deserialize;

use history::edn::{self, Edn};
use pages::budget::Metric;

/// The metrics that are read from results.
pub const MEASURED: [Metric; 4] = [
    Metric::MessagesPerOp,
    Metric::MedianLatency,
    Metric::MaxLatency,
    Metric::RealtimeLag,
];

/// The quantiles of latencies in results.
pub const QUANTILES: [f64; 5] = [0.0, 0.5, 0.95, 0.99, 1.0];

/// The figures of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KeptFigures {
    /// Counts of operations by outcome.
    pub operations: Option<Operations>,
    /// The metrics that its results contain.
    pub measured: Vec<(Metric, f64)>,
    /// Stable latencies: quantile and milliseconds.
    pub stable_latencies: Vec<(f64, f64)>,
    /// The budgets of its challenge.
    pub budgets: Vec<KeptBudget>,
    /// Number of incidents.
    pub incidents: usize,
}

/// Counts of operations by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operations {
    /// All completed operations.
    pub count: u64,
    /// Those that succeeded.
    pub ok: u64,
    /// Those that failed for certain.
    pub fail: u64,
    /// Those whose outcome is unknown.
    pub info: u64,
}

/// A budget and its measured value.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct KeptBudget {
    /// The metric and its unit.
    pub label: String,
    /// The measured value, if there is one.
    pub measured: Option<f64>,
    /// The challenge's limit.
    pub official: Option<String>,
    /// Our own, stricter limit.
    pub ours: Option<String>,
    /// Whether all limits are met.
    pub holds: bool,
}

impl KeptFigures {
    /// Reads a result map, without budgets.
    pub(super) fn of(results: &Edn) -> Self {
        let measured = MEASURED.into_iter();
        let incidents = edn::get(results, &["incident-count"]).and_then(edn::number);
        KeptFigures {
            operations: edn::get(results, &["stats"]).and_then(operations),
            measured: measured
                .filter_map(|metric| Some((metric, metric.measure(results)?)))
                .collect(),
            stable_latencies: edn::get(results, &["workload", "stable-latencies"])
                .map(quantiles)
                .unwrap_or_default(),
            budgets: Vec::new(),
            incidents: incidents.unwrap_or_default() as usize,
        }
    }

    /// The value of a metric.
    pub fn measured(&self, metric: Metric) -> Option<f64> {
        let mut all = self.measured.iter();
        all.find(|(it, _)| *it == metric).map(|(_, number)| *number)
    }

    /// The stable latency at a quantile.
    pub fn stable_latency(&self, point: f64) -> Option<f64> {
        let mut all = self.stable_latencies.iter();
        all.find(|(it, _)| *it == point).map(|(_, number)| *number)
    }
}

fn operations(stats: &Edn) -> Option<Operations> {
    let count = |name| match edn::get(stats, &[name])? {
        Edn::Int(count) => u64::try_from(*count).ok(),
        _ => None,
    };
    Some(Operations {
        count: count("count")?,
        ok: count("ok-count")?,
        fail: count("fail-count")?,
        info: count("info-count")?,
    })
}

fn quantiles(map: &Edn) -> Vec<(f64, f64)> {
    let points = QUANTILES.into_iter();
    let found = points.filter_map(|point| Some((point, edn::number(edn::at(map, point)?)?)));
    found.collect()
}
