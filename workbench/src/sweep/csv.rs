//! The samples of a sweep as CSV, a run a line.

use std::fmt::Write as _;

use super::{Sample, Sweep};

/// The columns after the one of what moves.
const COLUMNS: &str = "seed,valid,budgets-held,messages-per-op,median-latency-ms,max-latency-ms,\
                       latency,worst-lag-s,operations,ok,fail,info,messages";

/// The samples as a CSV file. Where there is nothing to be measured there is nothing.
pub fn file(sweep: &Sweep, samples: &[Sample]) -> String {
    let mut csv = format!("{},{COLUMNS}\n", sweep.vary.label);
    for sample in samples {
        let number = |it: Option<f64>| it.map_or_else(String::new, |it| it.to_string());
        let latency = sample.latency;
        let _ = writeln!(
            csv,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            sample.value,
            sample.seed,
            sample.validity(),
            sample.holds,
            number(sample.messages_per_op),
            number(latency.map(|it| it.median_ms)),
            number(latency.map(|it| it.max_ms)),
            latency.map_or("", |it| it.kind.name()),
            number(sample.worst_lag_s),
            sample.operations,
            sample.ok,
            sample.fail,
            sample.info,
            sample.messages,
        );
    }
    csv
}
