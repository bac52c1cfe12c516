//! A run as it stands in a list or beside another one.

use crate::runs::{KeptRun, MEASURED, RunStatus};
use crate::url::link;
use pages::budget::Metric;
use pages::text::marked;

/// A run, in words.
pub(super) struct Row {
    /// As in a URL.
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
    /// Whether a budget is.
    pub(super) missed: bool,
    pub(super) report: Option<String>,
    pub(super) files: String,
    pub(super) zip: String,
}

impl Row {
    pub(super) fn new(run: &KeptRun) -> Self {
        let option = |name| run.option(name).map_or_else(String::new, marked);
        let folder = link("/run/", &run.path);
        let show = |metric| Some(figure(metric, run.figures.measured(metric)?));
        Row {
            path: link("", &run.path),
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
            operations: match run.figures.operations {
                Some(operations) => operations.count.to_string(),
                None => String::new(),
            },
            figures: MEASURED.into_iter().filter_map(show).collect(),
            missed: run.figures.budgets.iter().any(|budget| !budget.holds),
            report: run.has_report.then(|| format!("{folder}/report.html")),
            files: format!("{folder}/"),
            zip: link("/zip/", &run.path),
        }
    }
}

/// A figure with what it measures.
fn figure(metric: Metric, number: f64) -> String {
    let (name, unit) = match metric.label().split_once(", ") {
        Some((name, unit)) => (name, format!(" {unit}")),
        None => (metric.label(), String::new()),
    };
    format!("{name} {}{unit}", metric.show(number))
}
