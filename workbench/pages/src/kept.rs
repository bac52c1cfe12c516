//! Reads the results of a saved run, as far as they are shown: `results.json`, its summary, or
//! Maelstrom's `results.edn`. A part that is missing, malformed or too long is skipped.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::budget::{Measurements, NEVER_OK};
use history::edn;

pub use checkers::Validity;

/// Maximum length of each part of the results, in bytes.
const MAX_PART_BYTES: usize = 64 << 10;

/// Quantiles of latencies in the results.
pub const QUANTILES: [f64; 5] = [0.0, 0.5, 0.95, 0.99, 1.0];

/// Results of a saved run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KeptResults {
    /// The verdict; `None` if it is missing or malformed.
    pub valid: Option<Validity>,
    /// Number of operations, by outcome.
    pub operations: Option<OpCounts>,
    /// Measurements of the run.
    pub measured: Measurements,
    /// Latencies until values were visible in every read: the quantile, and milliseconds.
    pub stable_latencies: Vec<(f64, f64)>,
    /// Budgets of the challenge.
    pub budgets: Vec<KeptBudget>,
    /// Number of incidents of nodes.
    pub incidents: usize,
    /// Duration up to the last entry of the history.
    pub seconds: Option<f64>,
}

/// Number of operations, by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct OpCounts {
    /// All completed operations.
    pub count: u64,
    /// Operations that took effect.
    #[serde(rename = "ok-count")]
    pub ok: u64,
    /// Operations that did not take effect.
    #[serde(rename = "fail-count")]
    pub fail: u64,
    /// Indeterminate operations.
    #[serde(rename = "info-count")]
    pub info: u64,
}

/// A budget with its measurement.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct KeptBudget {
    /// What was measured, with its unit.
    pub label: String,
    /// The measurement, if there is one.
    pub measured: Option<f64>,
    /// Bound of the challenge's page.
    pub official: Option<String>,
    /// Our own bound.
    pub ours: Option<String>,
    /// Whether the budget was met.
    pub holds: bool,
}

/// Parts of the results that are read.
#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow, rename = "valid?")]
    valid: Option<&'a RawValue>,
    #[serde(borrow)]
    stats: Option<&'a RawValue>,
    #[serde(borrow)]
    net: Option<&'a RawValue>,
    #[serde(borrow)]
    workload: Option<&'a RawValue>,
    #[serde(borrow)]
    budgets: Option<&'a RawValue>,
    #[serde(borrow)]
    incidents: Option<&'a RawValue>,
    #[serde(rename = "incident-count")]
    incident_count: Option<usize>,
    #[serde(borrow)]
    seconds: Option<&'a RawValue>,
}

/// Parts of the workload's results that are read.
#[derive(Default, Deserialize)]
struct WorkloadParts<'a> {
    #[serde(borrow, rename = "stable-latencies")]
    stable_latencies: Option<&'a RawValue>,
    #[serde(borrow, rename = "worst-realtime-lag")]
    worst_realtime_lag: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ByF {
    #[serde(rename = "by-f")]
    by_f: BTreeMap<String, Completed>,
}

#[derive(Deserialize)]
struct Completed {
    count: f64,
    #[serde(rename = "ok-count")]
    ok: f64,
}

#[derive(Deserialize)]
struct Net {
    servers: Servers,
}

#[derive(Deserialize)]
struct Servers {
    #[serde(rename = "msgs-per-op")]
    msgs_per_op: f64,
}

#[derive(Deserialize)]
struct WorstLag {
    lag: f64,
}

impl KeptResults {
    /// Parses results in JSON: all of them, or their summary.
    ///
    /// # Errors
    /// When the text is not a JSON object.
    pub fn from_json(text: &str) -> anyhow::Result<Self> {
        let parts: Parts<'_> = serde_json::from_str(text)?;
        let workload = parts.workload.map(|it| serde_json::from_str(it.get()));
        let workload: WorkloadParts<'_> = workload.and_then(Result::ok).unwrap_or_default();
        let incidents = parts.incidents.map(|it| serde_json::from_str(it.get()));
        // Only their number is needed, so they take no memory.
        let incidents: Vec<IgnoredAny> = incidents.and_then(Result::ok).unwrap_or_default();
        let latencies =
            part::<BTreeMap<String, f64>>(workload.stable_latencies).unwrap_or_default();
        let latency = |point: f64| {
            let mut all = latencies.iter();
            let (_, latency) = all.find(|(name, _)| name.parse() == Ok(point))?;
            Some(*latency)
        };
        let not_ok = part::<ByF>(parts.stats).map(|stats| {
            let by_f = stats.by_f.iter().filter(|(f, _)| *f != NEVER_OK);
            by_f.map(|(_, it)| it.count - it.ok).sum()
        });
        let measured = Measurements {
            messages_per_op: part::<Net>(parts.net).map(|it| it.servers.msgs_per_op),
            median_latency_ms: latency(0.5),
            max_latency_ms: latency(1.0),
            not_ok,
            realtime_lag_s: part::<WorstLag>(workload.worst_realtime_lag).map(|it| it.lag),
        };
        let points = QUANTILES.into_iter();
        Ok(KeptResults {
            valid: part::<Value>(parts.valid).and_then(|it| validity(&it)),
            operations: part(parts.stats),
            measured,
            stable_latencies: points
                .filter_map(|point| Some((point, latency(point)?)))
                .collect(),
            budgets: part(parts.budgets).unwrap_or_default(),
            incidents: parts.incident_count.unwrap_or(incidents.len()),
            seconds: part(parts.seconds),
        })
    }

    /// Parses results in EDN, which have no budgets.
    ///
    /// # Errors
    /// When the text is not an EDN map.
    pub fn from_edn(text: &str) -> anyhow::Result<Self> {
        KeptResults::from_json(&edn::to_json(&edn::read(text)?).to_string())
    }

    /// A quantile of the stable latencies, in milliseconds.
    pub fn stable_latency(&self, point: f64) -> Option<f64> {
        let mut all = self.stable_latencies.iter();
        all.find(|(it, _)| *it == point).map(|(_, number)| *number)
    }
}

/// Extracts the parts of the results that a list of runs needs, as the results may take many
/// megabytes; `seconds` is the run's duration.
pub fn summary(results: &Value, incidents: usize, seconds: f64) -> Value {
    let workload = &results["workload"];
    json!({
        "valid?": results["valid?"],
        "stats": results["stats"],
        "net": results["net"],
        "workload": {
            "stable-latencies": workload["stable-latencies"],
            "worst-realtime-lag": workload["worst-realtime-lag"],
        },
        "budgets": results["budgets"],
        "incident-count": incidents,
        "seconds": seconds,
    })
}

fn validity(value: &Value) -> Option<Validity> {
    match value {
        Value::Bool(true) => Some(Validity::Valid),
        Value::Bool(false) => Some(Validity::Invalid),
        Value::String(word) if word == "unknown" => Some(Validity::Unknown),
        _ => None,
    }
}

/// Parses a part, unless it is malformed or too long.
fn part<T: DeserializeOwned>(raw: Option<&RawValue>) -> Option<T> {
    let raw = raw.filter(|raw| raw.get().len() <= MAX_PART_BYTES)?;
    serde_json::from_str(raw.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unread_parts_may_be_long_and_deep() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = format!(
            "{{\"valid?\": true, \"net\": {{\"servers\": {{\"msgs-per-op\": 0.5}}}}, \
             \"findings\": {deep}, \"stats\": {deep}, \"workload\": {{\"stable-latencies\": \
             {{\"0.5\": 7}}, \"other\": {deep}}}, \"incidents\": [1, {deep}]}}"
        );
        let kept = KeptResults::from_json(&text).unwrap();
        assert_eq!(kept.valid, Some(Validity::Valid));
        assert_eq!((kept.incidents, kept.operations), (2, None));
        assert_eq!(kept.stable_latency(0.5), Some(7.0));
        assert_eq!(kept.measured.median_latency_ms, Some(7.0));
        assert_eq!(kept.measured.messages_per_op, Some(0.5));
        assert_eq!(kept.measured.max_latency_ms, None);
    }

    #[test]
    fn a_summary_reads_like_the_results() {
        let results = json!({
            "valid?": "unknown",
            "stats": {"count": 7, "ok-count": 5, "fail-count": 1, "info-count": 1, "by-f": {}},
            "net": {"servers": {"msgs-per-op": 1.5}},
            "workload": {
                "stable-latencies": {"0": 0, "0.5": 308, "1": 498},
                "worst-realtime-lag": {"lag": 3.5},
                "results": {"0": {}},
            },
            "budgets": [{"label": "median latency, ms", "measured": 308.0, "official": "< 400",
                         "ours": null, "holds": true}],
            "incidents": ["one", "two"],
            "findings": ["long"],
        });
        let short = summary(&results, 2, 30.5).to_string();
        assert!(!short.contains("long") && !short.contains("results"));
        let kept = KeptResults::from_json(&short).unwrap();
        assert_eq!(kept.valid, Some(Validity::Unknown));
        assert_eq!(kept.measured.realtime_lag_s, Some(3.5));
        assert_eq!((kept.budgets.len(), kept.incidents), (1, 2));
        assert_eq!(kept.seconds, Some(30.5));
        let all = KeptResults::from_json(&results.to_string()).unwrap();
        assert_eq!(
            KeptResults {
                seconds: None,
                ..kept
            },
            all
        );
    }

    #[test]
    fn maelstroms_results_are_read_with_their_keywords_and_ratios() {
        let text = "{:valid? :unknown, :stats {:count 3, :ok-count 1, :fail-count 2, :info-count 0, \
                    :by-f {:crash {:count 1, :ok-count 0}, :send {:count 2, :ok-count 1}}}, \
                    :workload {:stable-latencies {0 1, 0.5 2, 1 3}}}";
        let kept = KeptResults::from_edn(text).unwrap();
        assert_eq!(kept.valid, Some(Validity::Unknown));
        assert_eq!(kept.measured.not_ok, Some(1.0));
        assert_eq!(kept.stable_latencies, [(0.0, 1.0), (0.5, 2.0), (1.0, 3.0)]);
        assert!(KeptResults::from_edn("[1 2]").is_err());
    }
}
