//! The plots of a run, each with the same numbers as a table.

mod workloads;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Subject;
use super::faults::Episode;
use super::table::Table;
use crate::plot::{Axis, Chart, Color, HEIGHT, Series, Shade, Shape, WIDTH};
use checkers::quantile;
use history::text::shortened;
use history::{Kind, Pair};

/// Less than this is drawn as this, in milliseconds: simulated nodes answer in no time at all.
const LEAST_LATENCY: f64 = 0.01;

/// Into how many stretches of time a run is divided.
const STRETCHES: f64 = 40.0;

/// How many kinds of messages have a line of their own.
const MOST_KINDS: usize = 7;

/// How many letters of a type are shown.
const NAME: usize = 60;

/// Dots closer than this, in pixels, are drawn once.
const GRAIN: f64 = 2.0;

/// The points of a distribution that are shown.
const QUANTILES: [(&str, f64); 4] = [
    ("median", 0.5),
    ("95 %", 0.95),
    ("99 %", 0.99),
    ("max", 1.0),
];

/// The outcomes of an operation, with their words, and how they are drawn.
const OUTCOMES: [(Kind, &str, Shape, Color); 3] = [
    (Kind::Ok, "ok", Shape::Dots, Color::Good),
    (Kind::Fail, "failed", Shape::Crosses, Color::Bad),
    (Kind::Info, "unknown", Shape::Triangles, Color::Doubt),
];

/// A plot with what belongs to it.
pub(super) struct Panel {
    /// Its name, as of a file.
    pub(super) name: &'static str,
    /// What is to be seen, in a sentence.
    pub(super) note: String,
    pub(super) chart: Chart,
    pub(super) table: Table,
}

/// An operation that ended.
struct Call<'a> {
    /// When it began, in seconds.
    begun: f64,
    /// When it ended, in seconds.
    ended: f64,
    f: &'a str,
    outcome: Kind,
}

impl Call<'_> {
    /// How long it took, in milliseconds.
    fn latency(&self) -> f64 {
        (self.ended - self.begun) * 1e3
    }
}

/// All plots that apply to a run.
pub(super) fn panels(
    subject: &Subject<'_>,
    pairs: &[Pair<'_>],
    episodes: &[Episode],
) -> Vec<Panel> {
    let calls: Vec<Call<'_>> = pairs.iter().filter_map(call).collect();
    let plots = Plots {
        subject,
        calls: &calls,
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

fn call<'a>(pair: &Pair<'a>) -> Option<Call<'a>> {
    let completion = pair.completion?;
    Some(Call {
        begun: pair.invocation.seconds(),
        ended: completion.seconds(),
        f: &pair.invocation.f,
        outcome: completion.kind,
    })
}

struct Plots<'a> {
    subject: &'a Subject<'a>,
    calls: &'a [Call<'a>],
    time: Axis,
    episodes: &'a [Episode],
}

impl Plots<'_> {
    /// A chart over time with the faults behind it.
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
        let latencies = || self.calls.iter().map(Call::latency);
        let least = latencies().fold(f64::INFINITY, f64::min).max(LEAST_LATENCY);
        let most = latencies().fold(LEAST_LATENCY, f64::max);
        Axis::logarithmic("latency, ms", least.min(most), most)
    }

    fn functions(&self) -> BTreeSet<&str> {
        self.calls.iter().map(|call| call.f).collect()
    }

    /// Each operation as a dot.
    fn latency(&self) -> Option<Panel> {
        if self.calls.is_empty() {
            return None;
        }
        let title = "Latency of each operation that ended";
        let mut chart = self.over_time(title, self.latency_axis());
        let mut rows = Vec::new();
        for (place, f) in self.functions().into_iter().enumerate() {
            for (outcome, word, shape, _) in OUTCOMES {
                let of = |call: &&Call<'_>| call.f == f && call.outcome == outcome;
                let calls = || self.calls.iter().filter(of);
                if calls().next().is_none() {
                    continue;
                }
                let points = calls().map(|it| (it.begun, it.latency().max(LEAST_LATENCY)));
                chart.series.push(Series {
                    name: format!("{f}, {word}"),
                    color: Color::Series(place),
                    shape,
                    points: thinned(points, &chart.x, &chart.y),
                });
                let latencies = sorted(calls().map(Call::latency));
                let mut row = vec![format!("{f}, {word}"), latencies.len().to_string()];
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
            note: "Each operation that ended, by when it began and how long it took; less than \
                   0.01 ms is drawn as 0.01 ms."
                .to_owned(),
            chart,
            table: Table::new("Latency by operation and outcome", &head, rows),
        })
    }

    /// How latencies are distributed, stretch by stretch.
    fn quantiles(&self) -> Option<Panel> {
        let width = self.time.range.end / STRETCHES;
        let mut stretches: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for call in self.calls.iter().filter(|call| call.outcome == Kind::Ok) {
            let stretch = ((call.begun / width) as usize).min(STRETCHES as usize - 1);
            stretches.entry(stretch).or_default().push(call.latency());
        }
        if stretches.is_empty() {
            return None;
        }
        let title = "Latency quantiles of operations that were ok";
        let mut chart = self.over_time(title, self.latency_axis());
        let mut rows = Vec::new();
        for (stretch, latencies) in &mut stretches {
            latencies.sort_by(f64::total_cmp);
            let begin = *stretch as f64 * width;
            let mut row = vec![format!("{begin:.1}"), latencies.len().to_string()];
            row.extend(quantiles(latencies));
            rows.push(row);
        }
        for (place, (name, point)) in QUANTILES.into_iter().enumerate() {
            // A stretch in which nothing began breaks the line.
            let last = stretches.keys().next_back().copied().unwrap_or(0);
            let points = (0..=last).map(|stretch| {
                let latency = stretches.get(&stretch).and_then(|it| quantile(it, point));
                let middle = (stretch as f64 + 0.5) * width;
                (middle, latency.map_or(f64::NAN, |it| it.max(LEAST_LATENCY)))
            });
            chart.series.push(Series {
                name: name.to_owned(),
                color: Color::Series(place),
                shape: Shape::Line,
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
            note: format!("Of what began in each {width:.2} s."),
            chart,
            table: Table::new("Latency quantiles over time", &head, rows),
        })
    }

    /// How many operations end in a second, by outcome.
    fn throughput(&self) -> Option<Panel> {
        if self.calls.is_empty() {
            return None;
        }
        let width = self.stretch();
        let count = (self.time.range.end / width).ceil().max(1.0) as usize;
        let mut rates = vec![[0.0_f64; 3]; count];
        for call in self.calls {
            let place = OUTCOMES
                .iter()
                .position(|(outcome, ..)| *outcome == call.outcome);
            let stretch = ((call.ended / width) as usize).min(count - 1);
            if let Some(place) = place {
                rates[stretch][place] += 1.0 / width;
            }
        }
        let most = rates.iter().flatten().copied().fold(1.0, f64::max);
        let y = Axis::linear("operations a second", 0.0..most * 1.1);
        let mut chart = self.over_time("Throughput by outcome", y);
        for (place, (_, word, _, color)) in OUTCOMES.into_iter().enumerate() {
            if rates.iter().any(|rate| rate[place] > 0.0) {
                let at =
                    |(stretch, rate): (usize, &[f64; 3])| (stretch as f64 * width, rate[place]);
                let points = rates.iter().enumerate().map(at);
                chart
                    .series
                    .push(steps(word, color, points.collect(), self.time.range.end));
            }
        }
        let rows = rates.iter().enumerate().map(|(stretch, rate)| {
            let begin = format!("{:.1}", stretch as f64 * width);
            let rate = rate.map(|it| format!("{it:.1}"));
            [vec![begin], rate.to_vec()].concat()
        });
        let head = ["from, s", "ok/s", "failed/s", "unknown/s"];
        Some(Panel {
            name: "throughput",
            note: format!("What ended in each {width:.2} s."),
            chart,
            table: Table::new("Operations a second by outcome", &head, rows.collect()),
        })
    }

    /// Whole seconds, or longer if there were very many of them.
    fn stretch(&self) -> f64 {
        (self.time.range.end / 120.0).ceil().max(1.0)
    }

    /// How many messages are sent in a second, by type.
    fn messages(&self) -> Option<Panel> {
        let record = self.subject.record;
        let mut kinds: Vec<_> = record.statistics.by_type().iter().collect();
        kinds.sort_by_key(|(name, kind)| (std::cmp::Reverse(kind.sent), *name));
        if kinds.is_empty() {
            return None;
        }
        let total: u64 = kinds.iter().map(|(_, kind)| kind.sent).sum();
        let stretch = self.stretch();
        let mut rates: Vec<(String, BTreeMap<u64, f64>)> = Vec::new();
        let mut rows = Vec::new();
        for (place, (name, kind)) in kinds.iter().enumerate() {
            if place <= MOST_KINDS {
                // One that is alone keeps its name.
                let is_rest = place == MOST_KINDS && kinds.len() > MOST_KINDS + 1;
                let name = if is_rest { "all others" } else { name };
                rates.push((shortened(name, NAME), BTreeMap::new()));
            }
            let most = kind.by_second.iter().map(|(_, count)| *count).max();
            rows.push(vec![
                shortened(name, NAME),
                kind.sent.to_string(),
                format!("{:.1}", 100.0 * kind.sent as f64 / total.max(1) as f64),
                most.unwrap_or(0).to_string(),
            ]);
            if let Some((_, rate)) = rates.last_mut() {
                for (second, count) in &kind.by_second {
                    let bin = (*second as f64 / stretch) as u64;
                    *rate.entry(bin).or_default() += *count as f64 / stretch;
                }
            }
        }
        let all = || rates.iter().flat_map(|(_, rate)| rate.values());
        let y = Axis::linear(
            "messages a second",
            0.0..all().copied().fold(1.0, f64::max) * 1.1,
        );
        let mut chart = self.over_time("Messages a second by type", y);
        let last = (self.time.range.end / stretch) as u64;
        for (place, (name, rate)) in rates.iter().enumerate() {
            let at = |bin: u64| (bin as f64 * stretch, rate.get(&bin).copied().unwrap_or(0.0));
            let points = (0..=last).map(at).collect();
            let color = Color::Series(place);
            chart
                .series
                .push(steps(name, color, points, self.time.range.end));
        }
        let head = ["type", "messages", "% of all", "most in a second"];
        Some(Panel {
            name: "messages",
            note:
                "What was sent from time zero on, lost messages included; requests and answers of \
                   clients, too."
                    .to_owned(),
            chart,
            table: Table::new("Messages by type", &head, rows),
        })
    }
}

/// A line of steps that goes on to the end.
fn steps(name: &str, color: Color, mut points: Vec<(f64, f64)>, end: f64) -> Series {
    if let Some((_, y)) = points.last().copied() {
        points.push((end, y));
    }
    Series {
        name: name.to_owned(),
        color,
        shape: Shape::Steps,
        points,
    }
}

fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

/// Median and so on, in milliseconds, as text.
fn quantiles(sorted: &[f64]) -> impl Iterator<Item = String> + '_ {
    QUANTILES.into_iter().map(|(_, point)| {
        quantile(sorted, point).map_or("–".to_owned(), |latency| format!("{latency:.3}"))
    })
}

/// Points without those that would be drawn over another one: a picture of a hundred thousand
/// operations has no more dots than it has room for.
fn thinned(points: impl Iterator<Item = (f64, f64)>, x: &Axis, y: &Axis) -> Vec<(f64, f64)> {
    let along = |axis: &Axis, value: f64, pixels: u32| {
        let on = |it: f64| if axis.is_logarithmic { it.log10() } else { it };
        let (from, to) = (on(axis.range.start), on(axis.range.end));
        ((on(value) - from) / (to - from) * f64::from(pixels) / GRAIN) as i64
    };
    let mut taken = HashSet::new();
    let mut is_new =
        |point: &(f64, f64)| taken.insert((along(x, point.0, WIDTH), along(y, point.1, HEIGHT)));
    points.filter(|point| is_new(point)).collect()
}
