//! Parses the needed parts of a run's results and of its `test.json`, and skips the rest: either
//! may be long, and the list reads those of all runs.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::figures::KeptFigures;
use super::status::RunStatus;
use history::edn::{self, Edn, Keys};

/// Longer parts of the results are treated as missing.
const MAX_PART_BYTES: usize = 64 << 10;

/// Longer values of options are treated as missing.
const MAX_OPTION_BYTES: usize = 4 << 10;

/// The options that are shown for every run.
const OPTIONS: [&str; 5] = ["workload", "challenge", "stage", "seed", "command"];

/// The parts of results that a run's status and figures need.
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
    incident_count: Option<u64>,
}

/// The parts of the workload's results that figures need.
#[derive(Default, Deserialize)]
struct Work<'a> {
    #[serde(borrow, rename = "stable-latencies")]
    stable_latencies: Option<&'a RawValue>,
    #[serde(borrow, rename = "worst-realtime-lag")]
    worst_realtime_lag: Option<&'a RawValue>,
}

/// Reads results as JSON: whole ones or their summary.
pub(super) fn of_json(text: &str) -> anyhow::Result<(RunStatus, KeptFigures)> {
    let parts: Parts<'_> = serde_json::from_str(text)?;
    let work = parts.workload.map(|it| serde_json::from_str(it.get()));
    let work: Work<'_> = work.and_then(Result::ok).unwrap_or_default();
    let incidents = parts.incidents.map(|it| serde_json::from_str(it.get()));
    // A vector of zero-sized values, to count them.
    let incidents: Vec<IgnoredAny> = incidents.and_then(Result::ok).unwrap_or_default();
    let results = json!({
        "valid?": part(parts.valid),
        "stats": part(parts.stats),
        "net": part(parts.net),
        "workload": {
            "stable-latencies": part(work.stable_latencies),
            "worst-realtime-lag": part(work.worst_realtime_lag),
        },
        "incident-count": parts.incident_count.unwrap_or(incidents.len() as u64),
    });
    let results = edn::from_json(&results, Keys::Keywords);
    let mut figures = KeptFigures::of(&results);
    let budgets = Vec::deserialize(part(parts.budgets));
    figures.budgets = budgets.unwrap_or_default();
    Ok((RunStatus::of(&results), figures))
}

/// Reads results as EDN, which has no budgets.
pub(super) fn of_edn(text: &str) -> anyhow::Result<(RunStatus, KeptFigures)> {
    let results = edn::read(text)?;
    Ok((RunStatus::of(&results), KeptFigures::of(&results)))
}

/// Parses a part; null if it is missing or too long.
fn part(raw: Option<&RawValue>) -> Value {
    let raw = raw.filter(|raw| raw.get().len() <= MAX_PART_BYTES);
    let value = raw.and_then(|raw| serde_json::from_str(raw.get()).ok());
    value.unwrap_or_default()
}

/// Reads the options that are shown for every run from a `test.json`.
pub(super) fn options(text: &str) -> anyhow::Result<BTreeMap<&'static str, String>> {
    let all: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).context("this is not a test.json")?;
    let options = OPTIONS.into_iter().filter_map(|name| {
        let raw = all
            .get(name)
            .filter(|raw| raw.get().len() <= MAX_OPTION_BYTES)?;
        let value: Value = serde_json::from_str(raw.get()).ok()?;
        Some((name, to_text(&value)?))
    });
    Ok(options.collect())
}

/// A value as text; none for null.
pub fn to_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

impl RunStatus {
    fn of(results: &Edn) -> Self {
        match edn::get(results, &["valid?"]) {
            Some(Edn::Bool(true)) => RunStatus::Valid,
            Some(Edn::Bool(false)) => RunStatus::Invalid,
            Some(Edn::Key(word) | Edn::Str(word)) if word == "unknown" => RunStatus::Unknown,
            _ => RunStatus::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_parts_of_results_may_be_long_and_deep() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = format!(
            "{{\"valid?\": true, \"net\": {{\"servers\": {{\"msgs-per-op\": 0.5}}}}, \
             \"findings\": {deep}, \"stats\": {deep}, \"workload\": {{\"stable-latencies\": \
             {{\"0.5\": 7}}, \"other\": {deep}}}, \"incidents\": [1, {deep}]}}"
        );
        let (status, figures) = of_json(&text).unwrap();
        assert_eq!(status, RunStatus::Valid);
        assert_eq!((figures.incidents, figures.operations), (2, None));
        assert_eq!(figures.stable_latency(0.5), Some(7.0));
        assert_eq!(figures.measured.len(), 2);
    }

    #[test]
    fn a_summary_gives_the_same_figures_as_the_results() {
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
        let summary = pages::report::kept_summary(&results, 2).to_string();
        assert!(!summary.contains("long") && !summary.contains("results"));
        let (status, figures) = of_json(&summary).unwrap();
        assert_eq!((status, figures.measured.len()), (RunStatus::Unknown, 4));
        assert_eq!((figures.budgets.len(), figures.incidents), (1, 2));
        assert_eq!((status, figures), of_json(&results.to_string()).unwrap());
    }

    #[test]
    fn options_that_are_null_or_too_long_are_missing() {
        let long = "x".repeat(MAX_OPTION_BYTES);
        let text = format!("{{\"seed\": 7, \"stage\": null, \"command\": \"{long}\", \"z\": 1}}");
        let options = options(&text).unwrap();
        assert_eq!(options, BTreeMap::from([("seed", "7".to_owned())]));
    }
}
