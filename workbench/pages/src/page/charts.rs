//! Plots of a run, each with its numbers as a table.

mod workloads;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Subject;
use super::table::Table;
use crate::faults::Episode;
use crate::plot::{Axis, Chart, Color, Series, SeriesStyle, Shade, WIDE};
use checkers::quantile;
use history::text::shortened;
use history::{Kind, Pair};

/// Minimum latency that is drawn, in milliseconds: simulated nodes may answer in zero time.
const MIN_LATENCY_MS: f64 = 0.01;

/// Number of intervals into which a run is divided.
const INTERVALS: f64 = 40.0;

/// Maximum number of message types with a line of their own.
const MAX_KINDS: usize = 7;

/// Maximum length of a message type, in characters.
const MAX_NAME_CHARS: usize = 60;

/// Height of a plot for [`MIN_DISTANCE`], in pixels.
const HEIGHT: u32 = 200;

/// Points that are closer than this, in pixels, are drawn once.
const MIN_DISTANCE: f64 = 2.0;

/// Quantiles that are shown.
const QUANTILES: [(&str, f64); 4] = [
    ("median", 0.5),
    ("95 %", 0.95),
    ("99 %", 0.99),
    ("max", 1.0),
];

/// Outcomes of an operation: the name, and how it is drawn.
const OUTCOMES: [(Kind, &str, SeriesStyle, Color); 3] = [
    (Kind::Ok, "ok", SeriesStyle::Dots, Color::Good),
    (Kind::Fail, "failed", SeriesStyle::Crosses, Color::Bad),
    (
        Kind::Info,
        "indeterminate",
        SeriesStyle::Triangles,
        Color::Doubt,
    ),
];

/// A plot with its explanation and its table.
pub(super) struct Panel {
    /// Name of the plot and of its file.
    pub(super) name: &'static str,
    /// Explanation, in a sentence.
    pub(super) note: String,
    pub(super) chart: Chart,
    pub(super) table: Table,
}

/// A completed operation.
struct CompletedOp<'a> {
    /// Time of the invocation, in seconds.
    invoked_s: f64,
    /// Time of the completion, in seconds.
    completed_s: f64,
    f: &'a str,
    outcome: Kind,
}

impl CompletedOp<'_> {
    fn latency_ms(&self) -> f64 {
        (self.completed_s - self.invoked_s) * 1e3
    }
}

/// Draws all plots that apply to a run.
pub(super) fn panels(
    subject: &Subject<'_>,
    pairs: &[Pair<'_>],
    episodes: &[Episode],
) -> Vec<Panel> {
    let ops: Vec<CompletedOp<'_>> = pairs.iter().filter_map(completed_op).collect();
    let plots = Plots {
        subject,
        ops: &ops,
        time: Axis::linear("time, s", 0.0..subject.seconds().max(0.1)),
        episodes,
    };
    let panels = [
        plots.latency(),
        plots.quantiles(),
        plots.throughput(),
        plots.messages(),
        plots.stable_latency(),
        plots.lag(),
        plots.value(pairs),
    ];
    panels.into_iter().flatten().collect()
}

fn completed_op<'a>(pair: &Pair<'a>) -> Option<CompletedOp<'a>> {
    let completion = pair.completion?;
    Some(CompletedOp {
        invoked_s: pair.invocation.seconds(),
        completed_s: completion.seconds(),
        f: &pair.invocation.f,
        outcome: completion.kind,
    })
}

struct Plots<'a> {
    subject: &'a Subject<'a>,
    ops: &'a [CompletedOp<'a>],
    time: Axis,
    episodes: &'a [Episode],
}

impl Plots<'_> {
    /// Makes a chart over time with the faults as shades.
    fn over_time(&self, title: &str, y: Axis) -> Chart {
        let shade = |episode: &Episode| Shade {
            range: episode.from..episode.to,
            label: episode.label.clone(),
        };
        Chart {
            shades: self.episodes.iter().map(shade).collect(),
            ..Chart::new(title, self.time.clone(), y)
        }
    }

    fn latency_axis(&self) -> Axis {
        let latencies = || self.ops.iter().map(CompletedOp::latency_ms);
        let min = latencies()
            .fold(f64::INFINITY, f64::min)
            .max(MIN_LATENCY_MS);
        let max = latencies().fold(MIN_LATENCY_MS, f64::max);
        Axis::logarithmic("latency, ms", min.min(max), max)
    }

    fn functions(&self) -> BTreeSet<&str> {
        self.ops.iter().map(|op| op.f).collect()
    }

    /// Latency of each operation, as a point.
    fn latency(&self) -> Option<Panel> {
        if self.ops.is_empty() {
            return None;
        }
        let title = "Latency of completed operations";
        let mut chart = self.over_time(title, self.latency_axis());
        let mut rows = Vec::new();
        for (series, f) in self.functions().into_iter().enumerate() {
            for (outcome, name, style, _) in OUTCOMES {
                let is_drawn = |op: &&CompletedOp<'_>| op.f == f && op.outcome == outcome;
                let ops = || self.ops.iter().filter(is_drawn);
                if ops().next().is_none() {
                    continue;
                }
                let points = ops().map(|it| (it.invoked_s, it.latency_ms().max(MIN_LATENCY_MS)));
                chart.series.push(Series {
                    name: format!("{f}, {name}"),
                    color: Color::Series(series),
                    style,
                    points: thinned(points, &chart.x, &chart.y),
                });
                let latencies = sorted(ops().map(CompletedOp::latency_ms));
                let mut row = vec![format!("{f}, {name}"), latencies.len().to_string()];
                row.extend(quantiles(&latencies));
                rows.push(row);
            }
        }
        let head = [
            "operation",
            "count",
            "median, ms",
            "95 %, ms",
            "99 %, ms",
            "max, ms",
        ];
        Some(Panel {
            name: "latency",
            note:
                "Each completed operation, by the time of its invocation. Latencies below 0.01 ms \
                   are drawn as 0.01 ms."
                    .to_owned(),
            chart,
            table: Table::new("Latency by operation and outcome", &head, rows),
        })
    }

    /// Latency quantiles in each interval.
    fn quantiles(&self) -> Option<Panel> {
        let width = self.time.range.end / INTERVALS;
        let mut intervals: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for op in self.ops.iter().filter(|op| op.outcome == Kind::Ok) {
            let interval = ((op.invoked_s / width) as usize).min(INTERVALS as usize - 1);
            intervals.entry(interval).or_default().push(op.latency_ms());
        }
        if intervals.is_empty() {
            return None;
        }
        let title = "Latency quantiles of ok operations";
        let mut chart = self.over_time(title, self.latency_axis());
        let mut rows = Vec::new();
        for (interval, latencies) in &mut intervals {
            latencies.sort_by(f64::total_cmp);
            let start = *interval as f64 * width;
            let mut row = vec![format!("{start:.1}"), latencies.len().to_string()];
            row.extend(quantiles(latencies));
            rows.push(row);
        }
        for (series, (name, point)) in QUANTILES.into_iter().enumerate() {
            // An interval without invocations breaks the line.
            let last = intervals.keys().next_back().copied().unwrap_or(0);
            let points = (0..=last).map(|interval| {
                let latency = intervals.get(&interval).and_then(|it| quantile(it, point));
                let middle = (interval as f64 + 0.5) * width;
                (
                    middle,
                    latency.map_or(f64::NAN, |it| it.max(MIN_LATENCY_MS)),
                )
            });
            chart.series.push(Series {
                name: name.to_owned(),
                color: Color::Series(series),
                style: SeriesStyle::Line,
                points: points.collect(),
            });
        }
        let head = [
            "from, s",
            "operations",
            "median, ms",
            "95 %, ms",
            "99 %, ms",
            "max, ms",
        ];
        Some(Panel {
            name: "quantiles",
            note: format!("Operations by invocation, in intervals of {width:.2} s."),
            chart,
            table: Table::new("Latency quantiles over time", &head, rows),
        })
    }

    /// How many operations end in a second, by outcome.
    fn throughput(&self) -> Option<Panel> {
        if self.ops.is_empty() {
            return None;
        }
        let width = self.interval_s();
        let count = (self.time.range.end / width).ceil().max(1.0) as usize;
        let mut rates = vec![[0.0_f64; 3]; count];
        for op in self.ops {
            let outcome = OUTCOMES
                .iter()
                .position(|(outcome, ..)| *outcome == op.outcome);
            let interval = ((op.completed_s / width) as usize).min(count - 1);
            if let Some(outcome) = outcome {
                rates[interval][outcome] += 1.0 / width;
            }
        }
        let max = rates.iter().flatten().copied().fold(1.0, f64::max);
        let y = Axis::linear("operations per second", 0.0..max * 1.1);
        let mut chart = self.over_time("Throughput by outcome", y);
        for (outcome, (_, name, _, color)) in OUTCOMES.into_iter().enumerate() {
            if rates.iter().any(|rate| rate[outcome] > 0.0) {
                let point =
                    |(interval, rate): (usize, &[f64; 3])| (interval as f64 * width, rate[outcome]);
                let points = rates.iter().enumerate().map(point);
                chart
                    .series
                    .push(steps(name, color, points.collect(), self.time.range.end));
            }
        }
        let rows = rates.iter().enumerate().map(|(interval, rate)| {
            let start = format!("{:.1}", interval as f64 * width);
            let rate = rate.map(|it| format!("{it:.1}"));
            [vec![start], rate.to_vec()].concat()
        });
        let head = ["from, s", "ok/s", "failed/s", "indeterminate/s"];
        Some(Panel {
            name: "throughput",
            note: format!("Operations by completion, in intervals of {width:.2} s."),
            chart,
            table: Table::new("Operations per second by outcome", &head, rows.collect()),
        })
    }

    /// Length of an interval in whole seconds: 1, or more in a long run.
    fn interval_s(&self) -> f64 {
        (self.time.range.end / 120.0).ceil().max(1.0)
    }

    /// Messages sent per second, by type.
    fn messages(&self) -> Option<Panel> {
        let record = self.subject.record;
        let mut kinds: Vec<_> = record.statistics.by_type().iter().collect();
        kinds.sort_by_key(|(name, kind)| (std::cmp::Reverse(kind.sent), *name));
        if kinds.is_empty() {
            return None;
        }
        let total: u64 = kinds.iter().map(|(_, kind)| kind.sent).sum();
        let interval_s = self.interval_s();
        let mut rates: Vec<(String, BTreeMap<u64, f64>)> = Vec::new();
        let mut rows = Vec::new();
        for (rank, (name, kind)) in kinds.iter().enumerate() {
            if rank <= MAX_KINDS {
                // The last line combines the other types, unless there is just one.
                let is_rest = rank == MAX_KINDS && kinds.len() > MAX_KINDS + 1;
                let name = if is_rest { "all others" } else { name };
                rates.push((shortened(name, MAX_NAME_CHARS), BTreeMap::new()));
            }
            let max = kind.by_second.iter().map(|(_, count)| *count).max();
            rows.push(vec![
                shortened(name, MAX_NAME_CHARS),
                kind.sent.to_string(),
                format!("{:.1}", 100.0 * kind.sent as f64 / total.max(1) as f64),
                max.unwrap_or(0).to_string(),
            ]);
            if let Some((_, rate)) = rates.last_mut() {
                for (second, count) in &kind.by_second {
                    let interval = (*second as f64 / interval_s) as u64;
                    *rate.entry(interval).or_default() += *count as f64 / interval_s;
                }
            }
        }
        let all = || rates.iter().flat_map(|(_, rate)| rate.values());
        let y = Axis::linear(
            "messages per second",
            0.0..all().copied().fold(1.0, f64::max) * 1.1,
        );
        let mut chart = self.over_time("Messages per second by type", y);
        let last = (self.time.range.end / interval_s) as u64;
        for (series, (name, rate)) in rates.iter().enumerate() {
            let point = |interval: u64| {
                let rate = rate.get(&interval).copied();
                (interval as f64 * interval_s, rate.unwrap_or(0.0))
            };
            let points = (0..=last).map(point).collect();
            let color = Color::Series(series);
            chart
                .series
                .push(steps(name, color, points, self.time.range.end));
        }
        let head = ["type", "messages", "% of all", "max per second"];
        Some(Panel {
            name: "messages",
            note:
                "Messages sent since time zero, including lost ones and those from and to clients."
                    .to_owned(),
            chart,
            table: Table::new("Messages by type", &head, rows),
        })
    }
}

/// Makes a series of steps that extends to the end.
fn steps(name: &str, color: Color, mut points: Vec<(f64, f64)>, end: f64) -> Series {
    if let Some((_, y)) = points.last().copied() {
        points.push((end, y));
    }
    Series {
        name: name.to_owned(),
        color,
        style: SeriesStyle::Steps,
        points,
    }
}

fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

/// Formats [`QUANTILES`] of latencies, in milliseconds.
fn quantiles(sorted: &[f64]) -> impl Iterator<Item = String> + '_ {
    QUANTILES.into_iter().map(|(_, point)| {
        quantile(sorted, point).map_or("–".to_owned(), |latency| format!("{latency:.3}"))
    })
}

/// Removes points that would be drawn over another one, to bound the size of the picture.
fn thinned(points: impl Iterator<Item = (f64, f64)>, x: &Axis, y: &Axis) -> Vec<(f64, f64)> {
    let cell = |axis: &Axis, value: f64, pixels: u32| {
        let scale = |it: f64| if axis.is_logarithmic { it.log10() } else { it };
        let (from, to) = (scale(axis.range.start), scale(axis.range.end));
        ((scale(value) - from) / (to - from) * f64::from(pixels) / MIN_DISTANCE) as i64
    };
    let mut drawn = HashSet::new();
    let mut is_new =
        |point: &(f64, f64)| drawn.insert((cell(x, point.0, WIDE), cell(y, point.1, HEIGHT)));
    points.filter(|point| is_new(point)).collect()
}
