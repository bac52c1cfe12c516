//! A sweep as a plot: the messages and latencies of each point, with the budgets.

use std::ops::Range;

use super::{LatencyKind, Sample, Spread, Sweep, points};
use pages::budget::{Bar, Bound, Budget, Metric};
use pages::plot::{Axis, Band, Chart, Color, ReferenceLine, Series, SeriesStyle, WIDE, stack};

/// An axis whose ends differ by more than this factor is logarithmic.
const MAX_LINEAR_RATIO: f64 = 20.0;

/// How much higher an axis is than the largest value.
const HEADROOM: f64 = 1.1;

/// A chart of metrics that share an axis.
struct Panel<'a> {
    sweep: &'a Sweep,
    samples: &'a [Sample],
    /// The label of the axis.
    label: String,
    metrics: Vec<Metric>,
}

/// Draws the samples as an SVG file.
pub fn plot(sweep: &Sweep, samples: &[Sample]) -> String {
    let is_stable = |it: &Sample| it.latency.is_some_and(|it| it.kind == LatencyKind::Stable);
    let latency = if samples.iter().any(is_stable) {
        "stable latency, ms"
    } else {
        "client latency, ms"
    };
    let panel = |label: &str, metrics: &[Metric]| Panel {
        sweep,
        samples,
        label: label.to_owned(),
        metrics: metrics.to_vec(),
    };
    let mut panels = vec![
        panel(Metric::MessagesPerOp.label(), &[Metric::MessagesPerOp]),
        panel(latency, &[Metric::MedianLatency, Metric::MaxLatency]),
    ];
    for metric in [Metric::RealtimeLag, Metric::NotOk] {
        if sweep.budget(metric).is_some() {
            panels.push(panel(metric.label(), &[metric]));
        }
    }
    let charts: Vec<Chart> = panels.iter().map(Panel::chart).collect();
    stack(&charts, WIDE).file(&charts)
}

impl Sweep {
    fn budget(&self, metric: Metric) -> Option<Budget> {
        let mut budgets = self.trial().budgets.iter();
        budgets.find(|it| it.metric == metric).copied()
    }
}

impl Panel<'_> {
    fn chart(&self) -> Chart {
        let name = self.sweep.challenge.name;
        let (x, y) = (self.x(), self.y());
        let title = match self.sweep.seeds.end - self.sweep.seeds.start {
            1 => format!("{name}: {}", self.label),
            seeds => format!(
                "{name}: {} (medians and extremes of {seeds} runs)",
                self.label
            ),
        };
        let bottom = y.range.start;
        let mut chart = Chart::new(&title, x, y);
        for (index, metric) in self.metrics.iter().enumerate() {
            self.draw(&mut chart, *metric, Color::Series(index));
        }
        let beyond = self.metrics.iter().flat_map(|metric| self.beyond(*metric));
        let beyond: Vec<(f64, f64)> = beyond.collect();
        let not_valid = points(self.samples)
            .filter(|(_, samples)| samples.iter().any(|it| it.validity() != "true"))
            .map(|(value, _)| (value, bottom));
        for (name, style, points) in [
            ("beyond a budget", SeriesStyle::Crosses, beyond),
            ("not valid", SeriesStyle::Triangles, not_valid.collect()),
        ] {
            if !points.is_empty() {
                chart.series.push(Series {
                    name: name.to_owned(),
                    color: Color::Bad,
                    style,
                    points,
                });
            }
        }
        chart
    }

    fn draw(&self, chart: &mut Chart, metric: Metric, color: Color) {
        let spreads: Vec<(f64, Spread)> = self.spreads(metric).collect();
        chart.bands.push(Band {
            color,
            is_stepped: false,
            edges: spreads
                .iter()
                .map(|(value, spread)| (*value, spread.min, spread.max))
                .collect(),
        });
        let medians = spreads
            .iter()
            .map(|(value, spread)| (*value, spread.median));
        let medians: Vec<(f64, f64)> = medians.collect();
        chart.series.push(Series {
            name: self.label(metric).to_owned(),
            color,
            style: SeriesStyle::Line,
            points: medians,
        });
        chart
            .reference_lines
            .extend(self.reference_lines(metric, color));
    }

    /// The label of a metric's line, if its chart has several.
    fn label(&self, metric: Metric) -> &'static str {
        match metric {
            Metric::MedianLatency => "median",
            Metric::MaxLatency => "max",
            Metric::MessagesPerOp | Metric::RealtimeLag | Metric::NotOk => "",
        }
    }

    fn spreads(&self, metric: Metric) -> impl Iterator<Item = (f64, Spread)> {
        points(self.samples).filter_map(move |(value, samples)| {
            Some((value, Spread::of(samples, |it| it.measured(metric))?))
        })
    }

    /// The medians beyond a budget.
    fn beyond(&self, metric: Metric) -> impl Iterator<Item = (f64, f64)> {
        let budget = self.sweep.budget(metric);
        let is_beyond = move |median: f64| {
            budget.is_some_and(|it| !it.bounds(Bar::Ours).all(|bound| bound.holds(median)))
        };
        self.spreads(metric)
            .map(|(value, spread)| (value, spread.median))
            .filter(move |(_, median)| is_beyond(*median))
    }

    /// The budgets of a metric; if both are the same, there is one line.
    fn reference_lines(&self, metric: Metric, color: Color) -> Vec<ReferenceLine> {
        let Some(Budget { official, ours, .. }) = self.sweep.budget(metric) else {
            return Vec::new();
        };
        let label = self.label(metric);
        let line = |bound: Bound, source: &str| ReferenceLine {
            at: bound.limit(),
            label: format!("{label} {bound} ({source})")
                .trim_start()
                .to_owned(),
            color,
            until: None,
        };
        match (official, ours) {
            (Some(official), Some(ours)) if official == ours => {
                vec![line(official, "official")]
            }
            (official, ours) => {
                let official = official.map(|it| line(it, "official"));
                let ours = ours.map(|it| line(it, "ours"));
                official.into_iter().chain(ours).collect()
            }
        }
    }

    fn x(&self) -> Axis {
        let values = &self.sweep.vary.values;
        let ends = values.first().copied().zip(values.last().copied());
        let (start, end) = ends.unwrap_or((0.0, 1.0));
        axis(&self.sweep.vary.label, start..end)
    }

    fn y(&self) -> Axis {
        let spreads = self.metrics.iter().flat_map(|it| self.spreads(*it));
        let lines = self.metrics.iter().flat_map(|it| {
            let lines = self.reference_lines(*it, Color::Ink);
            lines.into_iter().map(|line| line.at)
        });
        let numbers = spreads.flat_map(|(_, spread)| [spread.min, spread.max]);
        let numbers: Vec<f64> = numbers.chain(lines).collect();
        let min = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let max = numbers.iter().copied().fold(0.0, f64::max);
        if min > 0.0 && max > MAX_LINEAR_RATIO * min {
            axis(&self.label, min / 1.5..max * HEADROOM * 1.5)
        } else {
            Axis::linear(&self.label, 0.0..max * HEADROOM)
        }
    }
}

/// An axis between two numbers, logarithmic if they are far apart.
fn axis(label: &str, range: Range<f64>) -> Axis {
    Axis {
        is_logarithmic: range.start > 0.0 && range.end > MAX_LINEAR_RATIO * range.start,
        ..Axis::linear(label, range)
    }
}
