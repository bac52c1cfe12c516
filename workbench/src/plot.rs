//! Plots as SVG, in the colours of the bench's pages and readable on light and dark paper.
//!
//! What is drawn are the light colours, so that any viewer shows a plot as it is meant; a style
//! sheet turns them over where the reader prefers dark ones.

mod palette;
mod scale;

use std::ops::Range;

use anyhow::anyhow;
use plotters::chart::{ChartBuilder, ChartContext, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{
    Circle, Cross, EmptyElement, PathElement, Rectangle, Text, TriangleMarker,
};
use plotters::prelude::SVGBackend;
use plotters::series::LineSeries;
use plotters::style::{Color as _, IntoFont, ShapeStyle};
use serde_json::{Value, json};

pub use palette::{Color, dark_style};
use scale::Scale;

/// How wide a plot is, in pixels.
pub const WIDTH: u32 = 900;

/// How high a plot is that is not told otherwise.
pub const HEIGHT: u32 = 300;

const TITLE: u32 = 18;
const TEXT: u32 = 14;
const MARGIN: u32 = 6;
const MARGIN_RIGHT: u32 = 16;
const X_LABELS: u32 = 44;
const Y_LABELS: u32 = 72;

/// What stands on an axis.
#[derive(Debug, Clone)]
pub struct Axis {
    /// What it measures, with its unit.
    pub label: String,
    /// From where to where; what lies outside is drawn at the edge.
    pub range: Range<f64>,
    /// Whether equal steps are equal factors; then the range is positive.
    pub is_logarithmic: bool,
}

impl Axis {
    /// An axis with equal steps, never empty.
    pub fn linear(label: &str, range: Range<f64>) -> Self {
        let is_sound = range.start.is_finite() && range.end.is_finite() && range.start < range.end;
        let start = if range.start.is_finite() {
            range.start
        } else {
            0.0
        };
        Axis {
            label: label.to_owned(),
            range: if is_sound { range } else { start..start + 1.0 },
            is_logarithmic: false,
        }
    }

    /// An axis from one power of ten to another that holds these numbers.
    pub fn logarithmic(label: &str, least: f64, most: f64) -> Self {
        let least = if least.is_finite() {
            least.max(1e-9)
        } else {
            1.0
        };
        let most = if most.is_finite() { most } else { least };
        let start = least.log10().floor();
        let end = most.max(least).log10().ceil().max(start + 1.0);
        Axis {
            label: label.to_owned(),
            range: 10_f64.powf(start)..10_f64.powf(end),
            is_logarithmic: true,
        }
    }
}

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A disc for each point.
    Dots,
    /// A cross for each point.
    Crosses,
    /// A triangle for each point.
    Triangles,
    /// A line from point to point, broken where y is not a number.
    Line,
    /// A line that stays level until the next point.
    Steps,
}

/// Points that belong together.
#[derive(Debug, Clone)]
pub struct Series {
    /// What the legend calls them; without a name they are not in it.
    pub name: String,
    /// Their colour.
    pub color: Color,
    /// How they are drawn.
    pub shape: Shape,
    /// Where they are, in the units of the axes.
    pub points: Vec<(f64, f64)>,
}

/// A stretch of the x axis in which something was different.
#[derive(Debug, Clone, PartialEq)]
pub struct Shade {
    /// From where to where.
    pub range: Range<f64>,
    /// What it was; told by the first of several of the same.
    pub label: String,
}

/// A level that something must stay below, or is compared with.
#[derive(Debug, Clone)]
pub struct Level {
    /// Where it is, in units of the y axis.
    pub at: f64,
    /// What it is.
    pub label: String,
    /// Its colour.
    pub color: Color,
}

/// The space between two curves.
#[derive(Debug, Clone)]
pub struct Band {
    /// Its colour, of which little is seen.
    pub color: Color,
    /// Lower and upper end at each x, in order of x.
    pub edges: Vec<(f64, f64, f64)>,
}

/// A plot.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What it shows, in a few words.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Behind everything.
    pub shades: Vec<Shade>,
    /// Behind the series.
    pub bands: Vec<Band>,
    /// What is shown.
    pub series: Vec<Series>,
    /// In front of everything.
    pub levels: Vec<Level>,
}

type Canvas<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Scale, Scale>>;

impl Chart {
    /// A chart with nothing in it yet.
    pub fn new(title: &str, x: Axis, y: Axis) -> Self {
        Chart {
            title: title.to_owned(),
            x,
            y,
            shades: Vec::new(),
            bands: Vec::new(),
            series: Vec::new(),
            levels: Vec::new(),
        }
    }

    /// Draws it.
    ///
    /// # Errors
    /// When it cannot be drawn.
    pub fn picture(&self) -> anyhow::Result<Picture> {
        stack(std::slice::from_ref(self))
    }

    /// Draws it here; where its axes are, in pixels of the whole picture.
    fn draw(&self, on: &DrawingArea<SVGBackend<'_>, Shift>) -> anyhow::Result<Area> {
        let [ink, faint, line] = [Color::Ink, Color::Faint, Color::Line].map(Color::rgb);
        let mut canvas = ChartBuilder::on(on)
            .margin(MARGIN)
            .margin_right(MARGIN_RIGHT)
            .caption(&self.title, ("sans-serif", TITLE).into_font().color(&ink))
            .x_label_area_size(X_LABELS)
            .y_label_area_size(Y_LABELS)
            .build_cartesian_2d(Scale::of(&self.x), Scale::of(&self.y))
            .map_err(undrawn)?;
        self.draw_shades(&mut canvas)?;
        let text = |size: u32| ("sans-serif", size).into_font().color(&faint);
        canvas
            .configure_mesh()
            .x_desc(&self.x.label)
            .y_desc(&self.y.label)
            .axis_desc_style(text(TEXT))
            .label_style(text(TEXT))
            .axis_style(faint)
            .bold_line_style(line)
            .light_line_style(line.mix(0.0))
            .max_light_lines(1)
            .x_labels(12)
            .y_labels(7)
            .draw()
            .map_err(undrawn)?;
        self.draw_bands(&mut canvas)?;
        for series in &self.series {
            self.draw_series(&mut canvas, series)?;
        }
        self.draw_levels(&mut canvas)?;
        if self.series.iter().any(|series| !series.name.is_empty()) {
            canvas
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .background_style(Color::Paper.rgb().mix(0.85))
                .border_style(line)
                .label_font(("sans-serif", TEXT).into_font().color(&ink))
                .draw()
                .map_err(undrawn)?;
        }
        let (x, y) = canvas.plotting_area().get_pixel_range();
        Ok(Area { x, y })
    }

    fn draw_shades(&self, canvas: &mut Canvas<'_, '_>) -> anyhow::Result<()> {
        let (bottom, top) = (self.y.range.start, self.y.range.end);
        let color = Color::Nemesis.rgb();
        let mut told: Vec<&str> = Vec::new();
        for shade in &self.shades {
            let start = shade.range.start.max(self.x.range.start);
            let end = shade.range.end.min(self.x.range.end);
            if start >= end {
                continue;
            }
            let body = Rectangle::new([(start, bottom), (end, top)], color.mix(0.12).filled());
            canvas.draw_series([body]).map_err(undrawn)?;
            if !told.contains(&&*shade.label) {
                told.push(&shade.label);
                let font = ("sans-serif", TEXT).into_font().color(&color);
                let label = Text::new(shade.label.clone(), (start, top), font);
                canvas.draw_series([label]).map_err(undrawn)?;
            }
        }
        Ok(())
    }

    fn draw_bands(&self, canvas: &mut Canvas<'_, '_>) -> anyhow::Result<()> {
        for band in &self.bands {
            let upper = band.edges.iter().map(|(x, _, upper)| (*x, *upper));
            let lower = band.edges.iter().rev().map(|(x, lower, _)| (*x, *lower));
            let outline: Vec<_> = upper.chain(lower).map(|point| self.within(point)).collect();
            let fill = band.color.rgb().mix(0.2).filled();
            let polygon = plotters::element::Polygon::new(outline, fill);
            canvas.draw_series([polygon]).map_err(undrawn)?;
        }
        Ok(())
    }

    fn draw_series(&self, canvas: &mut Canvas<'_, '_>, series: &Series) -> anyhow::Result<()> {
        let color = series.color.rgb();
        let points = || series.points.iter().map(|point| self.within(*point));
        let thin = ShapeStyle::from(color).stroke_width(1);
        let annotation = match series.shape {
            Shape::Dots => {
                let dots = points().map(|point| Circle::new(point, 2, color.mix(0.7).filled()));
                canvas.draw_series(dots)
            }
            Shape::Crosses => canvas.draw_series(points().map(|it| Cross::new(it, 3, thin))),
            Shape::Triangles => {
                canvas.draw_series(points().map(|it| TriangleMarker::new(it, 4, thin)))
            }
            Shape::Line => {
                let stretches = series.points.split(|(_, y)| y.is_nan());
                let lines = stretches.map(|stretch| {
                    let points: Vec<_> = stretch.iter().map(|it| self.within(*it)).collect();
                    PathElement::new(points, thin.stroke_width(2))
                });
                canvas.draw_series(lines)
            }
            Shape::Steps => {
                let mut level = None;
                let mut steps = Vec::with_capacity(2 * series.points.len());
                for (x, y) in points() {
                    steps.extend(level.replace(y).map(|before| (x, before)));
                    steps.push((x, y));
                }
                canvas.draw_series(LineSeries::new(steps, thin.stroke_width(2)))
            }
        };
        let annotation = annotation.map_err(undrawn)?;
        if !series.name.is_empty() {
            let shape = series.shape;
            annotation.label(&series.name).legend(move |(x, y)| {
                let (ends, style) = match shape {
                    Shape::Line | Shape::Steps => ([(x, y), (x + 14, y)], thin.stroke_width(2)),
                    Shape::Dots => ([(x + 5, y), (x + 9, y)], thin.stroke_width(4)),
                    Shape::Crosses => ([(x + 4, y - 3), (x + 10, y + 3)], thin),
                    Shape::Triangles => ([(x + 4, y + 3), (x + 7, y - 3)], thin),
                };
                PathElement::new(ends, style)
            });
        }
        Ok(())
    }

    fn draw_levels(&self, canvas: &mut Canvas<'_, '_>) -> anyhow::Result<()> {
        for level in &self.levels {
            let color = level.color.rgb();
            let ends = [self.x.range.start, self.x.range.end];
            let ends = ends.map(|x| self.within((x, level.at)));
            let line = plotters::series::DashedLineSeries::new(ends, 10, 6, color.into());
            canvas.draw_series(line).map_err(undrawn)?;
            let font = ("sans-serif", TEXT).into_font().color(&color);
            let above = (4, -(TEXT as i32) - 2);
            let label = EmptyElement::at(ends[0]) + Text::new(level.label.clone(), above, font);
            canvas.draw_series([label]).map_err(undrawn)?;
        }
        Ok(())
    }

    /// The nearest point that is in the picture.
    fn within(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let clamp = |value: f64, range: &Range<f64>| {
            if value.is_nan() {
                range.start
            } else {
                value.clamp(range.start, range.end)
            }
        };
        (clamp(x, &self.x.range), clamp(y, &self.y.range))
    }
}

/// Where a chart's axes are on its picture, in pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Area {
    /// From left to right.
    x: Range<i32>,
    /// From top to bottom.
    y: Range<i32>,
}

/// Charts that have been drawn.
#[derive(Debug, Clone)]
pub struct Picture {
    /// What is between the tags of the SVG element.
    body: String,
    height: u32,
    title: String,
    areas: Vec<Area>,
}

/// Draws charts one below the other.
///
/// # Errors
/// When they cannot be drawn.
pub fn stack(charts: &[Chart]) -> anyhow::Result<Picture> {
    let count = u32::try_from(charts.len()).unwrap_or(u32::MAX).max(1);
    let height = HEIGHT.saturating_mul(count);
    let mut svg = String::new();
    let mut areas = Vec::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        for (chart, part) in charts
            .iter()
            .zip(root.split_evenly((charts.len().max(1), 1)))
        {
            areas.push(chart.draw(&part)?);
        }
        root.present().map_err(undrawn)?;
    }
    let body = svg.find('>').map_or("", |end| &svg[end + 1..]);
    let body = body.trim_end().trim_end_matches("</svg>").trim();
    let titles = charts.iter().map(|chart| chart.title.as_str());
    Ok(Picture {
        body: body.to_owned(),
        height,
        title: titles.collect::<Vec<_>>().join("; "),
        areas,
    })
}

impl Picture {
    /// The SVG element, to stand in a page that has [`dark_style`].
    pub fn element(&self) -> String {
        self.svg("", "")
    }

    /// A whole SVG file.
    pub fn file(&self) -> String {
        let paper = Color::Paper.hex();
        let style = format!("<style>{}</style>\n", dark_style());
        let sheet = format!("<rect width=\"100%\" height=\"100%\" fill=\"{paper}\"/>\n");
        self.svg(" xmlns=\"http://www.w3.org/2000/svg\"", &(style + &sheet))
    }

    fn svg(&self, namespace: &str, head: &str) -> String {
        let Picture { body, height, .. } = self;
        let title = escaped(&self.title);
        format!(
            "<svg{namespace} class=\"plot\" role=\"img\" aria-label=\"{title}\" \
             viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\">\n\
             {head}{body}\n</svg>\n"
        )
    }

    /// What a page needs to tell the numbers below the pointer, for charts that were drawn in this
    /// order: where the axes are, and the points.
    pub fn numbers(&self, charts: &[Chart]) -> Vec<Value> {
        let numbers = charts.iter().zip(&self.areas);
        numbers.map(|(chart, area)| chart.numbers(area)).collect()
    }
}

impl Chart {
    fn numbers(&self, area: &Area) -> Value {
        let axis = |axis: &Axis, pixels: [i32; 2]| {
            json!({
                "from": axis.range.start,
                "to": axis.range.end,
                "log": axis.is_logarithmic,
                "label": axis.label,
                "pixels": pixels,
            })
        };
        let rounded = |value: f64| (value * 1e4).round() / 1e4;
        let series = self.series.iter().map(|series| {
            let points = series.points.iter();
            let points = points.filter(|(_, y)| y.is_finite());
            let points: Vec<[f64; 2]> = points.map(|(x, y)| [rounded(*x), rounded(*y)]).collect();
            json!({ "name": series.name, "points": points })
        });
        json!({
            "x": axis(&self.x, [area.x.start, area.x.end]),
            "y": axis(&self.y, [area.y.end, area.y.start]),
            "series": series.collect::<Vec<_>>(),
        })
    }
}

/// Text as it may stand in XML, in an attribute or outside; what XML cannot hold is replaced.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// An error of the drawing library, in a form that can be told.
fn undrawn(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw a plot: {error}")
}
