//! A sweep as a picture: what each point costs and how long things take, with the budgets.

use std::ops::Range;

use super::{LatencyKind, Sample, Spread, Sweep, points};
use pages::budget::{Bar, Bound, Budget, Metric};
use pages::plot::{Axis, Band, Chart, Color, ReferenceLine, Series, SeriesStyle, stack};

/// From this factor on between its ends an axis has equal steps for equal factors.
const WIDE: f64 = 20.0;

/// How much higher an axis is than all that is drawn: the legend needs room.
const ROOM: f64 = 1.6;

/// A chart: some numbers that have an axis in common.
struct Panel<'a> {
    sweep: &'a Sweep,
    samples: &'a [Sample],
    /// What the axis measures.
    label: String,
    metrics: Vec<Metric>,
}

/// Draws the samples as an SVG file.
///
/// # Errors
/// When it cannot be drawn.
pub fn picture(sweep: &Sweep, samples: &[Sample]) -> anyhow::Result<String> {
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
    Ok(stack(&charts)?.file())
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
        for (place, metric) in self.metrics.iter().enumerate() {
            self.draw(&mut chart, *metric, Color::Series(place));
        }
        let beyond = self.metrics.iter().flat_map(|metric| self.beyond(*metric));
        let beyond: Vec<(f64, f64)> = beyond.collect();
        let broken = points(self.samples)
            .filter(|(_, samples)| samples.iter().any(|it| it.validity() != "true"))
            .map(|(value, _)| (value, bottom));
        for (name, style, points) in [
            ("beyond a budget", SeriesStyle::Crosses, beyond),
            ("not valid", SeriesStyle::Triangles, broken.collect()),
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
                .map(|(value, spread)| (*value, spread.least, spread.most))
                .collect(),
        });
        let medians = spreads
            .iter()
            .map(|(value, spread)| (*value, spread.median));
        let medians: Vec<(f64, f64)> = medians.collect();
        for (style, name) in [
            (SeriesStyle::Line, self.word(metric)),
            (SeriesStyle::Dots, ""),
        ] {
            chart.series.push(Series {
                name: name.to_owned(),
                color,
                style,
                points: medians.clone(),
            });
        }
        chart
            .reference_lines
            .extend(self.reference_lines(metric, color));
    }

    /// What a line is called beside others.
    fn word(&self, metric: Metric) -> &'static str {
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

    /// The medians that miss a budget.
    fn beyond(&self, metric: Metric) -> impl Iterator<Item = (f64, f64)> {
        let budget = self.sweep.budget(metric);
        let misses = move |median: f64| {
            budget.is_some_and(|it| !it.bounds(Bar::Ours).all(|bound| bound.holds(median)))
        };
        self.spreads(metric)
            .map(|(value, spread)| (value, spread.median))
            .filter(move |(_, median)| misses(*median))
    }

    /// The bounds of a metric; where the official one is ours, there is one line for both.
    fn reference_lines(&self, metric: Metric, color: Color) -> Vec<ReferenceLine> {
        let Some(Budget { official, ours, .. }) = self.sweep.budget(metric) else {
            return Vec::new();
        };
        let word = self.word(metric);
        let line = |bound: Bound, whose: &str| ReferenceLine {
            at: bound.limit(),
            label: format!("{word} {bound} ({whose})").trim_start().to_owned(),
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
        let numbers = spreads.flat_map(|(_, spread)| [spread.least, spread.most]);
        let numbers: Vec<f64> = numbers.chain(lines).collect();
        let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let most = numbers.iter().copied().fold(0.0, f64::max);
        if least > 0.0 && most > WIDE * least {
            axis(&self.label, least / 1.5..most * ROOM * 1.5)
        } else {
            Axis::linear(&self.label, 0.0..most * ROOM)
        }
    }
}

/// An axis between two numbers, with equal steps for equal factors if they are far apart.
fn axis(label: &str, range: Range<f64>) -> Axis {
    Axis {
        is_logarithmic: range.start > 0.0 && range.end > WIDE * range.start,
        ..Axis::linear(label, range)
    }
}
