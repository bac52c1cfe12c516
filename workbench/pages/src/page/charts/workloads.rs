//! Plots that only some workloads have.

use super::{Panel, Plots, quantile, sorted, steps, thinned};
use crate::budget::Metric;
use crate::page::table::Table;
use crate::plot::{Axis, Band, Chart, Color, ReferenceLine, Series, SeriesStyle};
use crate::report::BudgetResult;
use checkers::WorkloadResult;
use history::{Kind, Op, Pair};

/// Quantiles in the tables.
const QUANTILES: [f64; 8] = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];

impl Plots<'_> {
    /// Reference lines for the budgets of these metrics, at the stricter limit that applies.
    fn reference_lines(&self, metrics: &[Metric]) -> Vec<ReferenceLine> {
        let budgets = self.subject.budgets.iter();
        let budgets = budgets.filter(|it| metrics.contains(&it.budget().metric));
        let line = |it: &BudgetResult| {
            let bound = it.limits().last()?;
            Some(ReferenceLine {
                at: bound.limit(),
                label: format!("{} {bound}", it.label()),
                color: Color::Bad,
                // The limit of the median applies to half of the values.
                until: (it.budget().metric == Metric::MedianLatency).then_some(50.0),
            })
        };
        budgets.filter_map(line).collect()
    }

    /// Sets: stable latencies, sorted.
    pub(super) fn stable_latency(&self) -> Option<Panel> {
        let WorkloadResult::Set(result) = &self.subject.verdict?.workload.result else {
            return None;
        };
        let latencies = sorted(result.stable.iter().map(|it| it.latency_ms as f64));
        let count = latencies.len() as f64;
        let max = *latencies.last()?;
        let lines = self.reference_lines(&[Metric::MedianLatency, Metric::MaxLatency]);
        let highest = lines.iter().map(|line| line.at).fold(max, f64::max);
        let mut chart = Chart {
            reference_lines: lines,
            ..Chart::new(
                "Stable latencies of all values",
                Axis::linear("share of values, %", 0.0..100.0),
                Axis::linear("latency, ms", 0.0..(highest * 1.15).max(1.0)),
            )
        };
        let point =
            |(index, latency): (usize, &f64)| ((index + 1) as f64 / count * 100.0, *latency);
        let points = latencies.iter().enumerate().map(point);
        let points = [(0.0, latencies[0])].into_iter().chain(points);
        chart.series.push(Series {
            name: String::new(),
            color: Color::Series(0),
            style: SeriesStyle::Steps,
            points: thinned(points, &chart.x, &chart.y),
        });
        let row = |point: f64| {
            let latency = quantile(&latencies, point).unwrap_or(f64::NAN);
            vec![format!("{:.0}", point * 100.0), format!("{latency:.0}")]
        };
        let head = ["% of values", "latency, ms"];
        Some(Panel {
            name: "stable-latency",
            note: format!(
                "Time from acknowledgement until visible in every read, for each stable value \
                 ({count} in total)."
            ),
            chart,
            table: Table::new("Stable latencies", &head, QUANTILES.map(row).to_vec()),
        })
    }

    /// Logs: realtime lag of polls.
    pub(super) fn lag(&self) -> Option<Panel> {
        let WorkloadResult::Logs(result) = &self.subject.verdict?.workload.result else {
            return None;
        };
        let lags = result.lags.iter();
        let lags: Vec<(f64, f64)> = lags
            .map(|it| (it.begun_ns as f64 / 1e9, it.lag_ns as f64 / 1e9))
            .collect();
        let sorted_lags = sorted(lags.iter().map(|(_, lag)| *lag));
        let max = *sorted_lags.last()?;
        let lines = self.reference_lines(&[Metric::RealtimeLag]);
        let highest = lines.iter().map(|line| line.at).fold(max, f64::max);
        let y = Axis::linear("lag, s", 0.0..(highest * 1.15).max(0.1));
        let mut chart = self.over_time("Realtime lag of polls", y);
        chart.series.push(Series {
            name: String::new(),
            color: Color::Series(0),
            style: SeriesStyle::Dots,
            points: thinned(lags.into_iter(), &chart.x, &chart.y),
        });
        chart.reference_lines = lines;
        let row = |point: f64| {
            let lag = quantile(&sorted_lags, point).unwrap_or(f64::NAN);
            vec![format!("{:.0}", point * 100.0), format!("{lag:.3}")]
        };
        let head = ["% of polls", "lag, s"];
        Some(Panel {
            name: "lag",
            note: "For each poll, how long a message had been in the log that the process had not \
                   yet reached, in the key with the largest lag."
                .to_owned(),
            chart,
            table: Table::new("Realtime lag", &head, QUANTILES.map(row).to_vec()),
        })
    }

    /// Counters: values of reads, with the range of sums that are possible at the time.
    pub(super) fn value(&self, pairs: &[Pair<'_>]) -> Option<Panel> {
        let WorkloadResult::Counter(_) = &self.subject.verdict?.workload.result else {
            return None;
        };
        let end = self.time.range.end;
        let range = possible_sums(&self.subject.record.history.ops, end);
        let number = |op: &Op| op.value.parse::<f64>().ok().filter(|it| it.is_finite());
        let read = |pair: &Pair<'_>| {
            let op = pair
                .completion
                .filter(|op| op.f == "read" && op.kind == Kind::Ok)?;
            Some((op.seconds(), number(op)?, op.meta.is_final))
        };
        let reads: Vec<_> = pairs.iter().filter_map(read).collect();
        let values = reads.iter().map(|(_, value, _)| *value);
        let ends = range.iter().flat_map(|(_, low, high)| [*low, *high]);
        let (low, high) = values
            .chain(ends)
            .fold((0.0_f64, 1.0_f64), |(low, high), it| {
                (low.min(it), high.max(it))
            });
        let margin = (high - low) * 0.05;
        let y = Axis::linear(
            "value",
            low - if low < 0.0 { margin } else { 0.0 }..high + margin,
        );
        let mut chart = self.over_time("Counter value in each read", y);
        let lower = range.iter().map(|(at, low, _)| (*at, *low)).collect();
        let upper = range.iter().map(|(at, _, high)| (*at, *high)).collect();
        chart
            .series
            .push(steps("minimum possible", Color::Series(2), lower, end));
        chart
            .series
            .push(steps("maximum possible", Color::Series(1), upper, end));
        chart.bands.push(Band {
            color: Color::Series(2),
            is_stepped: true,
            edges: range,
        });
        for (is_final, name, style, color) in [
            (false, "read", SeriesStyle::Dots, Color::Series(0)),
            (true, "final read", SeriesStyle::Triangles, Color::Ink),
        ] {
            let points = reads.iter().filter(|(.., it)| *it == is_final);
            let points = points.map(|(at, value, _)| (*at, *value));
            chart.series.push(Series {
                name: name.to_owned(),
                color,
                style,
                points: thinned(points, &chart.x, &chart.y),
            });
        }
        let row = |(at, value, is_final): &(f64, f64, bool)| {
            let kind = if *is_final { "final" } else { "" };
            vec![format!("{at:.3}"), value.to_string(), kind.to_owned()]
        };
        let finals = reads.iter().filter(|(.., is_final)| *is_final);
        let head = ["time, s", "value", ""];
        Some(Panel {
            name: "value",
            note: "A read may be stale. Final reads, after all faults, must return the sum of all \
                   acknowledged additions and any of the indeterminate ones."
                .to_owned(),
            chart,
            table: Table::new("Final reads", &head, finals.map(row).collect()),
        })
    }
}

/// Minimum and maximum possible sum at each time at which they change: all acknowledged operations,
/// with all subtractions, or all additions, that may have taken effect.
fn possible_sums(ops: &[Op], end: f64) -> Vec<(f64, f64, f64)> {
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    let mut sums = vec![(0.0, low, high)];
    let adds = ops
        .iter()
        .filter(|op| op.f == "add" && op.process.client().is_some());
    for op in adds {
        let Ok(delta) = op.value.parse::<f64>() else {
            continue;
        };
        let (increase, decrease) = (delta.max(0.0), delta.min(0.0));
        match op.kind {
            Kind::Invoke => (low, high) = (low + decrease, high + increase),
            Kind::Ok => (low, high) = (low + increase, high + decrease),
            Kind::Fail => (low, high) = (low - decrease, high - increase),
            Kind::Info => continue,
        }
        sums.push((op.seconds(), low, high));
    }
    sums.push((end, low, high));
    sums
}
