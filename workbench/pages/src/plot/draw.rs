//! Draws charts as SVG. The legend is above the plot, and each fault has a row of its own, so that
//! no text covers data or another text.

use std::fmt::Write as _;
use std::ops::Range;

use super::chart::{Axis, Chart, SeriesStyle, Shade};
use super::marks::{Symbol, path, stepped};
use super::palette::Color;
use super::picture::escaped;
use history::text::shortened;

/// Maximum length of a name, in characters.
const MAX_CHARS: usize = 32;

const TITLE_SIZE: u32 = 15;
const TEXT_SIZE: u32 = 12;
const MARGIN: u32 = 10;
const LEFT: u32 = 66;
const RIGHT: u32 = 20;
const TITLE: u32 = 28;
const LEGEND_ROW: u32 = 18;
const FAULT_ROW: u32 = 14;
const PLOT: u32 = 200;

/// Maximum number of rows above the plot: a plot file may have any number of labels.
const MAX_FAULT_ROWS: usize = 16;

/// Space between the plot and what is above it.
const GAP: u32 = 10;

const X_LABELS: u32 = 46;

/// Width of a legend's symbol with the space after it.
const SYMBOL: u32 = 30;

/// A line with more points has no shapes at them.
const MAX_SHAPES: usize = 60;

/// Distance of ticks on the x axis, so that their texts do not touch.
const TICK_DISTANCE: u32 = 62;

/// The area between the axes of a chart, in pixels of the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Area {
    /// From left to right.
    pub(super) x: Range<u32>,
    /// From top to bottom.
    pub(super) y: Range<u32>,
}

/// An entry of the legend.
struct Entry<'a> {
    symbol: Symbol,
    color: Color,
    name: &'a str,
}

/// A chart that is being drawn.
struct Drawing<'a> {
    chart: &'a Chart,
    area: Area,
    svg: String,
}

impl Chart {
    /// Draws the chart at this distance from the picture's top; returns the elements, the area
    /// between the axes and the position below the chart.
    pub(super) fn draw(&self, width: u32, top: u32) -> (String, Area, u32) {
        let entries = self.legend();
        let (positions, rows) = flow(&entries, width);
        let faults = self.faults();
        let plot = top + TITLE + rows * LEGEND_ROW + count(&faults) * FAULT_ROW + GAP;
        let area = Area {
            x: LEFT..width.saturating_sub(RIGHT).max(LEFT + 1),
            y: plot..plot + PLOT,
        };
        let bottom = area.y.end + X_LABELS;
        let mut drawing = Drawing {
            chart: self,
            area,
            svg: String::new(),
        };
        drawing.title(top);
        for (entry, (x, row)) in entries.iter().zip(positions) {
            drawing.entry(entry, x, top + TITLE + row * LEGEND_ROW);
        }
        drawing.shades(&faults);
        drawing.axes(width);
        drawing.bands();
        drawing.series();
        drawing.reference_lines();
        (drawing.svg, drawing.area, bottom)
    }

    fn legend(&self) -> Vec<Entry<'_>> {
        let series = self.series.iter().map(|series| Entry {
            symbol: Symbol::Series(series.style),
            color: series.color,
            name: &series.name,
        });
        let lines = self.reference_lines.iter().map(|line| Entry {
            symbol: Symbol::Limit,
            color: line.color,
            name: &line.label,
        });
        series
            .chain(lines)
            .filter(|it| !it.name.is_empty())
            .collect()
    }

    /// Names of the first faults that are within the x axis, in the order of their first start.
    fn faults(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for shade in &self.shades {
            let is_within =
                shade.range.start < self.x.range.end && shade.range.end > self.x.range.start;
            if is_within && !names.contains(&&*shade.label) {
                names.push(&shade.label);
            }
            if names.len() == MAX_FAULT_ROWS {
                break;
            }
        }
        names
    }
}

impl Drawing<'_> {
    fn x(&self, value: f64) -> f64 {
        let Range { start, end } = self.area.x;
        f64::from(start) + self.chart.x.share(value) * f64::from(end - start)
    }

    fn y(&self, value: f64) -> f64 {
        let Range { start, end } = self.area.y;
        f64::from(end) - self.chart.y.share(value) * f64::from(end - start)
    }

    fn point(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x(x), self.y(y))
    }

    fn text(&mut self, (x, y): (f64, f64), anchor: &str, color: Color, text: &str) {
        let (fill, text) = (color.hex(), escaped(text));
        let _ = writeln!(
            self.svg,
            "<text x=\"{x:.0}\" y=\"{y:.0}\" text-anchor=\"{anchor}\" font-size=\"{TEXT_SIZE}\" \
             fill=\"{fill}\">{text}</text>"
        );
    }

    fn title(&mut self, top: u32) {
        let (y, fill, title) = (top + 19, Color::Ink.hex(), escaped(&self.chart.title));
        let _ = writeln!(
            self.svg,
            "<text x=\"{MARGIN}\" y=\"{y}\" font-size=\"{TITLE_SIZE}\" font-weight=\"600\" \
             fill=\"{fill}\">{title}</text>"
        );
    }

    fn entry(&mut self, entry: &Entry<'_>, x: u32, top: u32) {
        let middle = f64::from(top) + f64::from(LEGEND_ROW) / 2.0;
        let symbol = entry.symbol.draw(entry.color, f64::from(x), middle);
        self.svg.push_str(&symbol);
        let at = (f64::from(x + SYMBOL), middle + 4.0);
        self.text(at, "start", Color::Ink, &cut(entry.name));
    }

    /// Shades the faults, with a row above the plot for each name.
    fn shades(&mut self, names: &[&str]) {
        let chart = self.chart;
        let Area { x, y } = self.area.clone();
        let first = y.start - GAP - count(names) * FAULT_ROW;
        for shade in &chart.shades {
            let Some(row) = names.iter().position(|it| *it == shade.label) else {
                continue;
            };
            let top = first + row as u32 * FAULT_ROW + 3;
            self.period(&shade.range, top, 6, 0.6);
        }
        for period in union(&chart.shades) {
            self.period(&period, y.start, PLOT, 0.12);
        }
        for (row, name) in names.iter().enumerate() {
            let baseline = f64::from(first + row as u32 * FAULT_ROW + 10);
            let name = shortened(name, 10);
            self.text(
                (f64::from(x.start) - 6.0, baseline),
                "end",
                Color::Nemesis,
                &name,
            );
        }
    }

    /// Draws a period of a fault.
    fn period(&mut self, period: &Range<f64>, top: u32, height: u32, opacity: f64) {
        let left = self.x(period.start);
        let width = (self.x(period.end) - left).max(1.0);
        let color = Color::Nemesis.hex();
        let _ = writeln!(
            self.svg,
            "<rect x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{height}\" \
             fill=\"{color}\" opacity=\"{opacity}\"/>"
        );
    }

    /// Draws the grid, the ticks and the names of both axes.
    fn axes(&mut self, width: u32) {
        let Area { x, y } = self.area.clone();
        let (line, faint) = (Color::Line.hex(), Color::Faint.hex());
        let mut grid = String::new();
        for (value, text) in self.chart.y.ticks(5) {
            let at = self.y(value);
            let _ = write!(grid, "M{} {at:.0}H{}", x.start, x.end);
            self.text(
                (f64::from(x.start) - 6.0, at + 4.0),
                "end",
                Color::Faint,
                &text,
            );
        }
        let ticks = ((x.end - x.start) / TICK_DISTANCE) as usize;
        for (value, text) in self.chart.x.ticks(ticks) {
            let at = self.x(value);
            let _ = write!(grid, "M{at:.0} {}V{}", y.start, y.end);
            self.text((at, f64::from(y.end) + 16.0), "middle", Color::Faint, &text);
        }
        let _ = writeln!(
            self.svg,
            "<path d=\"{grid}\" fill=\"none\" stroke=\"{line}\"/>\
             <path d=\"M{} {}V{}H{}\" fill=\"none\" stroke=\"{faint}\"/>",
            x.start, y.start, y.end, x.end,
        );
        let middle = f64::from(x.start + x.end) / 2.0;
        let below = f64::from(y.end) + 36.0;
        let Chart {
            x: x_axis,
            y: y_axis,
            ..
        } = self.chart;
        self.text(
            (middle, below),
            "middle",
            Color::Faint,
            &name(x_axis, width),
        );
        let (middle, text) = ((y.start + y.end) / 2, escaped(&name(y_axis, PLOT + 40)));
        let _ = writeln!(
            self.svg,
            "<text transform=\"translate(14 {middle}) rotate(-90)\" text-anchor=\"middle\" \
             font-size=\"{TEXT_SIZE}\" fill=\"{faint}\">{text}</text>"
        );
    }

    fn bands(&mut self) {
        let chart = self.chart;
        for band in &chart.bands {
            let edge = |edge: fn(&(f64, f64, f64)) -> f64| {
                let points = band.edges.iter().map(|it| self.point((it.0, edge(it))));
                let points: Vec<_> = points.collect();
                if band.is_stepped {
                    stepped(&points)
                } else {
                    points
                }
            };
            let (upper, lower) = (edge(|(_, _, upper)| *upper), edge(|(_, lower, _)| *lower));
            let outline: Vec<_> = upper.into_iter().chain(lower.into_iter().rev()).collect();
            let (path, color) = (path(&outline), band.color.hex());
            let _ = writeln!(
                self.svg,
                "<path d=\"{path}z\" fill=\"{color}\" opacity=\"0.2\"/>"
            );
        }
    }

    fn series(&mut self) {
        let chart = self.chart;
        for series in &chart.series {
            let segments = series.points.split(|(_, y)| y.is_nan());
            let mut lines = String::new();
            let mut points = Vec::new();
            for segment in segments {
                let segment: Vec<_> = segment.iter().map(|it| self.point(*it)).collect();
                match (series.style, &segment[..]) {
                    (SeriesStyle::Line, [_]) => points.extend(segment),
                    (SeriesStyle::Line, _) => {
                        lines += &path(&segment);
                        // Shapes at the points distinguish lines that cover each other.
                        if series.points.len() <= MAX_SHAPES {
                            points.extend(segment);
                        }
                    }
                    (SeriesStyle::Steps, _) => lines += &path(&stepped(&segment)),
                    _ => points.extend(segment),
                }
            }
            self.svg += &series.style.draw_lines(series.color, &lines);
            self.svg += &series.style.draw_points(series.color, &points);
        }
    }

    fn reference_lines(&mut self) {
        let chart = self.chart;
        for line in &chart.reference_lines {
            let end = line.until.map_or(f64::from(self.area.x.end), |x| self.x(x));
            let (start, y, color) = (self.area.x.start, self.y(line.at), line.color.hex());
            let _ = writeln!(
                self.svg,
                "<path d=\"M{start} {y:.1}H{end:.1}\" fill=\"none\" stroke=\"{color}\" \
                 stroke-width=\"1.5\" stroke-dasharray=\"10 6\"/>"
            );
        }
    }
}

/// The periods in which there is any fault, so that their shades do not add up.
fn union(shades: &[Shade]) -> Vec<Range<f64>> {
    let mut periods: Vec<Range<f64>> = Vec::new();
    for Shade { range, .. } in shades {
        match periods.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => periods.push(range.clone()),
        }
    }
    periods
}

/// Places the entries of a legend in rows; returns the left end and the row of each, and the number
/// of rows.
fn flow(entries: &[Entry<'_>], width: u32) -> (Vec<(u32, u32)>, u32) {
    let (mut x, mut row) = (MARGIN, 0);
    let mut positions = Vec::new();
    for entry in entries {
        let wide = SYMBOL + estimated_width(&cut(entry.name)) + 16;
        if x > MARGIN && x + wide > width {
            (x, row) = (MARGIN, row + 1);
        }
        positions.push((x, row));
        x += wide;
    }
    let rows = if entries.is_empty() { 0 } else { row + 1 };
    (positions, rows)
}

/// Estimates the width of a text, which depends on the reader's fonts.
fn estimated_width(text: &str) -> u32 {
    let wide = |c: char| if c.is_ascii() { 7 } else { 12 };
    text.chars().map(wide).sum()
}

/// The name of an axis, cut to what fits.
fn name(axis: &Axis, width: u32) -> String {
    shortened(&axis.label, (width / 7) as usize)
}

fn count(names: &[&str]) -> u32 {
    u32::try_from(names.len()).unwrap_or(0)
}

/// Cuts a name, which a node may have chosen, to what fits the plot.
fn cut(name: &str) -> String {
    shortened(name, MAX_CHARS)
}
