//! The samples of a sweep as CSV, one line per run.

use std::fmt::Write as _;

use super::{Sample, Sweep};

/// The columns after that of the flags that vary.
const COLUMNS: &str = "seed,valid,budgets-held,messages-per-op,median-latency-ms,max-latency-ms,\
                       latency,worst-lag-s,operations,ok,fail,info,messages,messages-per-value,\
                       messages-per-node-s,busiest-node-per-s,final-operations";

/// The samples as a CSV file. Missing numbers are empty fields.
pub fn file(sweep: &Sweep, samples: &[Sample]) -> String {
    let mut csv = format!("{},{COLUMNS}\n", sweep.vary.label);
    for sample in samples {
        let number = |it: Option<f64>| it.map_or_else(String::new, |it| it.to_string());
        let latency = sample.latency;
        let _ = writeln!(
            csv,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{:.2},{:.2},{}",
            sample.value,
            sample.seed,
            sample.validity(),
            sample.is_within_budgets,
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
            number(sample.messages_per_value),
            sample.node_per_s,
            sample.busiest_node_per_s,
            sample.final_operations,
        );
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::ALL;
    use crate::sweep::Vary;
    use simulator::options::PartialOptions;

    #[test]
    fn an_aborted_run_has_empty_fields() {
        let challenge = ALL.iter().find(|it| it.name == "broadcast-3d").unwrap();
        let sweep = Sweep {
            challenge,
            vary: Vary::parse("rate,fan-out=2.5", challenge, &[]).unwrap(),
            seeds: 7..8,
            pinned: PartialOptions::default(),
            node_flags: Vec::new(),
        };
        let aborted = Sample {
            value: 2.5,
            seed: 7,
            valid: None,
            is_within_budgets: false,
            messages_per_op: None,
            latency: None,
            worst_lag_s: None,
            operations: 3,
            ok: 1,
            fail: 0,
            info: 0,
            messages: 9,
            messages_per_value: None,
            node_per_s: 0.125,
            busiest_node_per_s: 1.5,
            final_operations: 0,
        };
        let csv = file(&sweep, &[aborted]);
        let (head, line) = csv.split_once('\n').unwrap();
        assert_eq!(line, "2.5,7,broken,false,,,,,,3,1,0,0,9,,0.12,1.50,0\n");
        assert!(head.starts_with("rate+fan-out,seed,valid,"), "{head}");
        assert_eq!(head.matches(',').count(), line.matches(',').count());
    }
}
