//! The figures of a run that was kept, as far as its results have them.

use serde::Deserialize;

use history::edn::{self, Edn};
use pages::budget::Metric;

/// What is measured, where a run's results have it.
pub const MEASURED: [Metric; 4] = [
    Metric::MessagesPerOp,
    Metric::MedianLatency,
    Metric::MaxLatency,
    Metric::RealtimeLag,
];

/// The quantiles of latencies that results have.
pub const QUANTILES: [f64; 5] = [0.0, 0.5, 0.95, 0.99, 1.0];

/// What a run came to in numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KeptFigures {
    /// How its operations ended.
    pub operations: Option<Operations>,
    /// What can be measured of it.
    pub measured: Vec<(Metric, f64)>,
    /// How long values took until everybody had them: quantiles, and milliseconds.
    pub stable_latencies: Vec<(f64, f64)>,
    /// The budgets of its challenge.
    pub budgets: Vec<KeptBudget>,
    /// How often a node did something wrong.
    pub incidents: usize,
}

/// How many operations there were, and how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operations {
    /// All that were completed.
    pub count: u64,
    /// … well,
    pub ok: u64,
    /// … in vain,
    pub fail: u64,
    /// … or unknown how.
    pub info: u64,
}

/// A budget, and what was measured.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct KeptBudget {
    /// What was measured, with its unit.
    pub label: String,
    /// The number, if there is one.
    pub measured: Option<f64>,
    /// The challenge's own bound,
    pub official: Option<String>,
    /// … and ours.
    pub ours: Option<String>,
    /// Whether it was held.
    pub holds: bool,
}

impl KeptFigures {
    /// Those in a result map, all but the budgets.
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

    /// One that was measured.
    pub fn measured(&self, metric: Metric) -> Option<f64> {
        let mut all = self.measured.iter();
        all.find(|(it, _)| *it == metric).map(|(_, number)| *number)
    }

    /// One of the stable latencies.
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
