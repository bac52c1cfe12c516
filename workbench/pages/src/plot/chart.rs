//! What a plot shows, before it is drawn.

use std::ops::Range;

use super::palette::Color;

/// How wide a plot is, in pixels.
pub const WIDTH: u32 = 900;

/// How high a plot is, in pixels.
pub const HEIGHT: u32 = 300;

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
    /// Up to which x it counts; everywhere if there is none.
    pub until: Option<f64>,
}

/// The space between two curves.
#[derive(Debug, Clone)]
pub struct Band {
    /// Its colour, of which little is seen.
    pub color: Color,
    /// Whether both ends stay level until the next x.
    pub is_stepped: bool,
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
    /// Whether the legend stands on the left, since what counts is on the right.
    pub legend_is_left: bool,
}

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
            legend_is_left: false,
        }
    }
}
