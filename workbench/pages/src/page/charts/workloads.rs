//! Plots of what single workloads are about.

use super::{Panel, Plots, quantile, sorted, steps, thinned};
use crate::budget::Metric;
use crate::page::table::Table;
use crate::plot::{Axis, Band, Chart, Color, Level, Series, Shape};
use crate::report::BudgetResult;
use checkers::WorkloadResult;
use history::{Kind, Op, Pair};

/// At which parts of all values the table tells the latency.
const PARTS: [f64; 8] = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];

impl Plots<'_> {
    /// The stricter limit that counts, of something that is measured.
    fn levels(&self, metrics: &[Metric]) -> Vec<Level> {
        let budgets = self.subject.budgets.iter();
        let budgets = budgets.filter(|it| metrics.contains(&it.budget().metric));
        let level = |it: &BudgetResult| {
            let bound = it.limits().last()?;
            Some(Level {
                at: bound.limit(),
                label: format!("{} {bound}", it.label()),
                color: Color::Bad,
                // Half of all values are to be below the limit of the median.
                until: (it.budget().metric == Metric::MedianLatency).then_some(50.0),
            })
        };
        budgets.filter_map(level).collect()
    }

    /// Sets: which part of the values everybody had within how many milliseconds.
    pub(super) fn stable_latency(&self) -> Option<Panel> {
        let WorkloadResult::Set(result) = &self.subject.verdict?.workload.result else {
            return None;
        };
        let latencies = sorted(result.stable.iter().map(|it| it.latency_ms as f64));
        let count = latencies.len() as f64;
        let most = *latencies.last()?;
        let levels = self.levels(&[Metric::MedianLatency, Metric::MaxLatency]);
        let highest = levels.iter().map(|level| level.at).fold(most, f64::max);
        let mut chart = Chart {
            levels,
            ..Chart::new(
                "Stable latencies of all values",
                Axis::linear("part of all values, %", 0.0..100.0),
                Axis::linear("latency, ms", 0.0..(highest * 1.15).max(1.0)),
            )
        };
        let point =
            |(place, latency): (usize, &f64)| ((place + 1) as f64 / count * 100.0, *latency);
        let points = latencies.iter().enumerate().map(point);
        let points = [(0.0, latencies[0])].into_iter().chain(points);
        chart.series.push(Series {
            name: String::new(),
            color: Color::Series(0),
            shape: Shape::Steps,
            points: thinned(points, &chart.x, &chart.y),
        });
        let row = |part: f64| {
            let latency = quantile(&latencies, part).unwrap_or(f64::NAN);
            vec![format!("{:.0}", part * 100.0), format!("{latency:.0}")]
        };
        let head = ["% of all values", "latency, ms"];
        Some(Panel {
            name: "stable-latency",
            note: format!(
                "For how long after it was known each of the {count} values that last was still \
                 missing from some read."
            ),
            chart,
            table: Table::new("Stable latencies", &head, PARTS.map(row).to_vec()),
        })
    }

    /// Logs: how far behind polls are.
    pub(super) fn lag(&self) -> Option<Panel> {
        let WorkloadResult::Logs(result) = &self.subject.verdict?.workload.result else {
            return None;
        };
        let lags = result.lags.iter();
        let lags: Vec<(f64, f64)> = lags
            .map(|it| (it.begun_ns as f64 / 1e9, it.lag_ns as f64 / 1e9))
            .collect();
        let behind = sorted(lags.iter().map(|(_, lag)| *lag));
        let most = *behind.last()?;
        let levels = self.levels(&[Metric::RealtimeLag]);
        let highest = levels.iter().map(|level| level.at).fold(most, f64::max);
        let y = Axis::linear("lag, s", 0.0..(highest * 1.15).max(0.1));
        let mut chart = self.over_time("Realtime lag of polls", y);
        chart.series.push(Series {
            name: String::new(),
            color: Color::Series(0),
            shape: Shape::Dots,
            points: thinned(lags.into_iter(), &chart.x, &chart.y),
        });
        chart.levels = levels;
        let row = |part: f64| {
            let lag = quantile(&behind, part).unwrap_or(f64::NAN);
            vec![format!("{:.0}", part * 100.0), format!("{lag:.3}")]
        };
        let head = ["% of all polls", "lag, s"];
        Some(Panel {
            name: "lag",
            note: "For how long a message had been there that the process of a poll had not yet \
                   reached, in the key that it was most behind in."
                .to_owned(),
            chart,
            table: Table::new("Realtime lag", &head, PARTS.map(row).to_vec()),
        })
    }

    /// Counters: what reads show, against the sums that are possible at the time.
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
        let shown = reads.iter().map(|(_, value, _)| *value);
        let ends = range.iter().flat_map(|(_, low, high)| [*low, *high]);
        let (low, high) = shown
            .chain(ends)
            .fold((0.0_f64, 1.0_f64), |(low, high), it| {
                (low.min(it), high.max(it))
            });
        let room = (high - low) * 0.05;
        let y = Axis::linear(
            "value",
            low - if low < 0.0 { room } else { 0.0 }..high + room,
        );
        let mut chart = self.over_time("The counter's value, as reads show it", y);
        chart.legend_is_left = true;
        let lower = range.iter().map(|(at, low, _)| (*at, *low)).collect();
        let upper = range.iter().map(|(at, _, high)| (*at, *high)).collect();
        chart
            .series
            .push(steps("possible at least", Color::Series(2), lower, end));
        chart
            .series
            .push(steps("possible at most", Color::Series(1), upper, end));
        chart.bands.push(Band {
            color: Color::Series(2),
            is_stepped: true,
            edges: range,
        });
        for (is_final, name, shape, color) in [
            (false, "read", Shape::Dots, Color::Series(0)),
            (true, "final read", Shape::Triangles, Color::Ink),
        ] {
            let points = reads.iter().filter(|(.., it)| *it == is_final);
            let points = points.map(|(at, value, _)| (*at, *value));
            chart.series.push(Series {
                name: name.to_owned(),
                color,
                shape,
                points: thinned(points, &chart.x, &chart.y),
            });
        }
        let row = |(at, value, is_final): &(f64, f64, bool)| {
            let kind = if *is_final { "final" } else { "" };
            vec![format!("{at:.3}"), value.to_string(), kind.to_owned()]
        };
        let finals = reads.iter().filter(|(.., is_final)| *is_final);
        let head = ["at, s", "value", ""];
        Some(Panel {
            name: "value",
            note:
                "A read may be late; the final ones, after all faults, must be the sum of all that \
                   was confirmed and some of what is in doubt, which lies in the range."
                    .to_owned(),
            chart,
            table: Table::new("Final reads", &head, finals.map(row).collect()),
        })
    }
}

/// What a counter may hold at each time at which that changes: what is confirmed, with all
/// subtractions that may have happened, and with all additions that may have happened.
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
        let (grown, shrunk) = (delta.max(0.0), delta.min(0.0));
        match op.kind {
            Kind::Invoke => (low, high) = (low + shrunk, high + grown),
            Kind::Ok => (low, high) = (low + grown, high + shrunk),
            Kind::Fail => (low, high) = (low - shrunk, high - grown),
            Kind::Info => continue,
        }
        sums.push((op.seconds(), low, high));
    }
    sums.push((end, low, high));
    sums
}
