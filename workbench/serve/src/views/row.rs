//! A run as text, for a row of the list or a column of the comparison.

use crate::runs::{KeptRun, MEASURED, RunStatus};
use crate::url::href;
use pages::budget::Metric;
use pages::text::marked;

/// A run as text.
pub(super) struct Row {
    /// Encoded as in a URL.
    pub(super) path: String,
    pub(super) title: String,
    pub(super) start: String,
    pub(super) workload: String,
    pub(super) challenge: String,
    pub(super) status: &'static str,
    pub(super) class: &'static str,
    pub(super) stage: String,
    pub(super) seed: String,
    pub(super) operations: String,
    pub(super) figures: Vec<String>,
    pub(super) is_budget_missed: bool,
    pub(super) report: Option<String>,
    pub(super) files: String,
    pub(super) zip: String,
}

impl Row {
    pub(super) fn new(run: &KeptRun) -> Self {
        let option = |name| run.option(name).map_or_else(String::new, marked);
        let folder = href("/run/", &run.path);
        let show = |metric| Some(format_figure(metric, run.results.measured.get(metric)?));
        Row {
            path: href("", &run.path),
            title: format!("{} {}", marked(&run.workload), marked(&run.start)),
            start: marked(&run.start),
            workload: marked(&run.workload),
            challenge: option("challenge"),
            status: run.status.name(),
            class: match run.status {
                RunStatus::Valid => "valid",
                RunStatus::Unknown => "unknown",
                RunStatus::Invalid => "invalid",
                RunStatus::Unfinished | RunStatus::Unreadable => "broken",
            },
            stage: option("stage"),
            seed: option("seed"),
            operations: match run.results.operations {
                Some(operations) => operations.count.to_string(),
                None => String::new(),
            },
            figures: MEASURED.into_iter().filter_map(show).collect(),
            is_budget_missed: run.results.budgets.iter().any(|budget| !budget.holds),
            report: run.has_report.then(|| format!("{folder}/report.html")),
            files: format!("{folder}/"),
            zip: href("/zip/", &run.path),
        }
    }
}

/// Formats a figure with its name and unit.
fn format_figure(metric: Metric, number: f64) -> String {
    let (name, unit) = match metric.label().split_once(", ") {
        Some((name, unit)) => (name, format!(" {unit}")),
        None => (metric.label(), String::new()),
    };
    format!("{name} {}{unit}", metric.show(number))
}
