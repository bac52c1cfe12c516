//! Two runs side by side.

use std::collections::BTreeSet;

use askama::Template;
use serde_json::{Map, Value};

use super::row::Row;
use pages::kept::{KeptBudget, OpCounts, QUANTILES};
use pages::plot::{NARROW, dark_style, stack};

use crate::runs::{KeptRun, MEASURED, Store, StorePath, to_text};
use crate::url::href;
use pages::text::marked;

/// The order of the known plots; others follow.
const PLOTS: [&str; 7] = [
    "latency",
    "quantiles",
    "throughput",
    "messages",
    "stable-latency",
    "lag",
    "value",
];

#[derive(Template)]
#[template(path = "compare.html")]
pub(super) struct ComparePage {
    runs: [Row; 2],
    tables: Vec<Table>,
    plots: Vec<Plot>,
    plot_style: String,
}

struct Table {
    caption: &'static str,
    rows: Vec<Line>,
}

/// One property of both runs, and how it differs.
struct Line {
    what: String,
    a: String,
    b: String,
    difference: String,
}

struct Plot {
    name: String,
    sides: [Side; 2],
}

struct Side {
    title: String,
    link: Option<String>,
    /// The plot drawn again, with the axes of both; none if it cannot be.
    drawn: Option<String>,
}

/// Plots of two runs that are shown.
const MAX_PLOTS: usize = 100;

/// Bytes of all plots that are drawn again; drawn, they are ten times as long.
const MAX_DRAWN_BYTES: u64 = 8 << 20;

/// Width of a plot beside another one, in pixels.
const BESIDE: u32 = 640;

impl ComparePage {
    pub(super) fn new(store: &Store<'_>, a: &KeptRun, b: &KeptRun) -> Self {
        let tables = [
            ("Verdict and figures", figures(a, b)),
            ("Stable latencies, ms", stable_latencies(a, b)),
            ("Budgets", budgets(a, b)),
            ("Options that differ", options(store, a, b)),
        ];
        let tables = tables.into_iter().filter(|(_, rows)| !rows.is_empty());
        ComparePage {
            runs: [a, b].map(Row::new),
            tables: tables
                .map(|(caption, rows)| Table { caption, rows })
                .collect(),
            plots: plots(store, a, b),
            plot_style: dark_style(),
        }
    }
}

impl Line {
    fn words(what: impl Into<String>, a: String, b: String) -> Self {
        Line {
            what: what.into(),
            difference: if a == b { "" } else { "≠" }.to_owned(),
            a,
            b,
        }
    }

    fn numbers(what: impl Into<String>, a: Option<f64>, b: Option<f64>) -> Self {
        let show = |number: Option<f64>| number.map_or_else(|| "–".to_owned(), format_number);
        let difference = match (a, b) {
            (Some(a), Some(b)) if a == b => "=".to_owned(),
            (Some(a), Some(b)) => {
                let sign = if b > a { "+" } else { "−" };
                let part = (b - a).abs() / a.abs() * 100.0;
                let part = if part.is_finite() {
                    format!(" ({sign}{part:.0} %)")
                } else {
                    String::new()
                };
                format!("{sign}{}{part}", format_number((b - a).abs()))
            }
            _ => String::new(),
        };
        Line {
            what: what.into(),
            a: show(a),
            b: show(b),
            difference,
        }
    }
}

/// Formats a number with at most three decimals.
fn format_number(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn figures(a: &KeptRun, b: &KeptRun) -> Vec<Line> {
    let status = |run: &KeptRun| run.status.name().to_owned();
    let mut lines = vec![Line::words("verdict", status(a), status(b))];
    let seconds = [a, b].map(|run| run.results.seconds);
    if seconds.iter().any(Option::is_some) {
        lines.push(Line::numbers("duration, s", seconds[0], seconds[1]));
    }
    let operations = [a, b].map(|run| run.results.operations);
    if operations.iter().any(Option::is_some) {
        let [a, b] = operations;
        let mut count = |what: &str, number: fn(&OpCounts) -> u64| {
            let number = |it: Option<_>| it.as_ref().map(|it| number(it) as f64);
            lines.push(Line::numbers(what, number(a), number(b)));
        };
        count("operations", |it| it.count);
        count("operations: ok", |it| it.ok);
        count("operations: failed", |it| it.fail);
        count("operations: indeterminate", |it| it.info);
    }
    for metric in MEASURED {
        let [a, b] = [a, b].map(|run| run.results.measured.get(metric));
        if a.or(b).is_some() {
            lines.push(Line::numbers(metric.label(), a, b));
        }
    }
    let incidents = |run: &KeptRun| Some(run.results.incidents as f64);
    lines.push(Line::numbers("incidents", incidents(a), incidents(b)));
    lines
}

fn stable_latencies(a: &KeptRun, b: &KeptRun) -> Vec<Line> {
    let points = QUANTILES.into_iter();
    let lines = points.filter_map(|point| {
        let [a, b] = [a, b].map(|run| run.results.stable_latency(point));
        let line = || Line::numbers(format!("quantile {point}"), a, b);
        a.or(b).is_some().then(line)
    });
    lines.collect()
}

fn budgets(a: &KeptRun, b: &KeptRun) -> Vec<Line> {
    let of = |run: &KeptRun, label: &str| {
        let mut budgets = run.results.budgets.iter();
        budgets.find(|it| it.label == label).cloned()
    };
    let mut labels: Vec<&str> = Vec::new();
    for budget in [a, b].into_iter().flat_map(|run| &run.results.budgets) {
        if !labels.contains(&&*budget.label) {
            labels.push(&budget.label);
        }
    }
    let lines = labels.into_iter().map(|label| {
        let [a, b] = [of(a, label), of(b, label)];
        let number = |it: &Option<KeptBudget>| it.as_ref().and_then(|it| it.measured);
        let difference = Line::numbers("", number(&a), number(&b)).difference;
        Line {
            what: marked(label),
            a: format_budget(a.as_ref()),
            b: format_budget(b.as_ref()),
            difference,
        }
    });
    lines.collect()
}

fn format_budget(budget: Option<&KeptBudget>) -> String {
    let Some(budget) = budget else {
        return "–".to_owned();
    };
    let measured = budget
        .measured
        .map_or_else(|| "–".to_owned(), format_number);
    let bounds: Vec<&str> = [&budget.official, &budget.ours]
        .into_iter()
        .filter_map(|it| it.as_deref())
        .collect();
    let holds = if budget.holds {
        "✓ met"
    } else {
        "✗ missed"
    };
    marked(&format!("{measured} {holds} ({})", bounds.join(", ours ")))
}

/// The options that differ.
fn options(store: &Store<'_>, a: &KeptRun, b: &KeptRun) -> Vec<Line> {
    let [a, b] = [a, b].map(|run| store.read_test(&run.folder.path));
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let differ = names
        .into_iter()
        .filter(|name| a.get(*name) != b.get(*name));
    let lines = differ.map(|name| {
        let option = |test: &Map<String, Value>| {
            let word = test.get(name).and_then(to_text);
            word.map_or_else(|| "–".to_owned(), |it| marked(&it))
        };
        let number = |test: &Map<String, Value>| test.get(name).and_then(Value::as_f64);
        let line = Line::words(marked(name), option(&a), option(&b));
        match (number(&a), number(&b)) {
            // The difference of two seeds has no meaning.
            (Some(from), Some(to)) if name != "seed" => Line {
                difference: Line::numbers("", Some(from), Some(to)).difference,
                ..line
            },
            _ => line,
        }
    });
    lines.collect()
}

fn plots(store: &Store<'_>, a: &KeptRun, b: &KeptRun) -> Vec<Plot> {
    let folders = [a, b].map(|run| run.folder.path.join("plots"));
    let found = folders.map(|folder| folder.map(|it| (plot_names(store, &it), it)));
    let all = found.iter().flatten().flat_map(|(names, _)| names);
    let mut all: Vec<String> = all
        .cloned()
        .collect::<BTreeSet<String>>()
        .into_iter()
        .collect();
    let rank = |name: &String| {
        PLOTS
            .iter()
            .position(|it| it == name)
            .unwrap_or(PLOTS.len())
    };
    all.sort_by_key(rank);
    all.truncate(MAX_PLOTS);
    let mut remaining = MAX_DRAWN_BYTES;
    let titles = [a, b].map(|run| Row::new(run).title);
    let plot = |name: String| {
        let path = |index: usize| {
            let found: &Option<(BTreeSet<String>, StorePath)> = &found[index];
            let (_, folder) = found.as_ref().filter(|(names, _)| names.contains(&name))?;
            folder.join(&format!("{name}.svg"))
        };
        let paths = [path(0), path(1)];
        let mut drawn = equal_plots(store, &paths, &mut remaining);
        let side = |index: usize| Side {
            title: titles[index].clone(),
            link: paths[index].as_ref().map(|plot| href("/run/", plot)),
            drawn: drawn[index].take(),
        };
        Plot {
            sides: [0, 1].map(side),
            name: marked(&name),
        }
    };
    all.into_iter().map(plot).collect()
}

/// Draws two plots again with the same axes, if both can be read.
fn equal_plots(
    store: &Store<'_>,
    paths: &[Option<StorePath>; 2],
    remaining: &mut u64,
) -> [Option<String>; 2] {
    let mut chart = |path: &Option<StorePath>| store.read_chart(path.as_ref()?, remaining);
    let [Some(mut one), Some(mut two)] = [chart(&paths[0]), chart(&paths[1])] else {
        return [None, None];
    };
    one.equalize(&mut two);
    [one, two].map(|chart| {
        let charts = [chart];
        let [wide, narrow] = [BESIDE, NARROW].map(|width| stack(&charts, width));
        Some(wide.element("wide-only") + &narrow.element("narrow-only"))
    })
}

/// The names of the plots in a folder.
fn plot_names(store: &Store<'_>, folder: &StorePath) -> BTreeSet<String> {
    let path = folder.to_path();
    let entries = store.folder.entries(&path).ok().flatten();
    let names = entries.into_iter().flatten().filter_map(|entry| {
        let name = entry.name.to_str()?.strip_suffix(".svg")?.to_owned();
        // A link may lead out of the store.
        let found = store.folder.metadata(&path.join(&entry.name));
        found.ok().flatten().map(|_| name)
    });
    names.collect()
}
