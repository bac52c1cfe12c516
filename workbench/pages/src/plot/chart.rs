//! Charts: the content of a plot, before it is drawn.

use std::ops::Range;

use super::palette::Color;

/// Width of a plot in pixels.
pub const WIDTH: u32 = 900;

/// Height of a plot in pixels.
pub const HEIGHT: u32 = 300;

/// An axis of a chart.
#[derive(Debug, Clone)]
pub struct Axis {
    /// Quantity, with its unit.
    pub label: String,
    /// Range of values; points outside are drawn at the edge.
    pub range: Range<f64>,
    /// Whether the scale is logarithmic; then the range is positive.
    pub is_logarithmic: bool,
}

impl Axis {
    /// Makes a linear axis; an empty or infinite range is replaced.
    pub fn linear(label: &str, range: Range<f64>) -> Self {
        let is_valid = range.start.is_finite() && range.end.is_finite() && range.start < range.end;
        let start = if range.start.is_finite() {
            range.start
        } else {
            0.0
        };
        Axis {
            label: label.to_owned(),
            range: if is_valid { range } else { start..start + 1.0 },
            is_logarithmic: false,
        }
    }

    /// Makes a logarithmic axis, extended to powers of ten on both ends.
    pub fn logarithmic(label: &str, min: f64, max: f64) -> Self {
        let min = if min.is_finite() { min.max(1e-9) } else { 1.0 };
        let max = if max.is_finite() { max } else { min };
        let start = min.log10().floor();
        let end = max.max(min).log10().ceil().max(start + 1.0);
        Axis {
            label: label.to_owned(),
            range: 10_f64.powf(start)..10_f64.powf(end),
            is_logarithmic: true,
        }
    }
}

/// Style of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesStyle {
    /// A disc for each point.
    Dots,
    /// A cross for each point.
    Crosses,
    /// A triangle for each point.
    Triangles,
    /// A line through all points, interrupted where y is NaN.
    Line,
    /// A horizontal line from each point to the next.
    Steps,
}

/// A series of points.
#[derive(Debug, Clone)]
pub struct Series {
    /// Name in the legend; a series with an empty name is not listed.
    pub name: String,
    /// Colour of the points.
    pub color: Color,
    /// Style of the points.
    pub style: SeriesStyle,
    /// Points in the units of the axes.
    pub points: Vec<(f64, f64)>,
}

/// A shaded part of the x axis, such as the period of a fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Shade {
    /// Start and end on the x axis.
    pub range: Range<f64>,
    /// Label, drawn at the first of several shades with the same label.
    pub label: String,
}

/// A horizontal line, such as the limit of a budget.
#[derive(Debug, Clone)]
pub struct ReferenceLine {
    /// Value on the y axis.
    pub at: f64,
    /// Label at the start of the line.
    pub label: String,
    /// Colour of the line and the label.
    pub color: Color,
    /// Where the line ends on the x axis; at the right edge if `None`.
    pub until: Option<f64>,
}

/// A filled area between two curves.
#[derive(Debug, Clone)]
pub struct Band {
    /// Colour, drawn translucently.
    pub color: Color,
    /// Whether both curves are steps.
    pub is_stepped: bool,
    /// `(x, lower, upper)`, in order of x.
    pub edges: Vec<(f64, f64, f64)>,
}

/// Content of a plot.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Title above the plot.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Shades in the background.
    pub shades: Vec<Shade>,
    /// Bands behind the series.
    pub bands: Vec<Band>,
    /// Series of points.
    pub series: Vec<Series>,
    /// Lines in the foreground.
    pub reference_lines: Vec<ReferenceLine>,
    /// Whether the legend is on the left, where it would hide less than on the right.
    pub legend_is_left: bool,
}

impl Chart {
    /// Makes an empty chart.
    pub fn new(title: &str, x: Axis, y: Axis) -> Self {
        Chart {
            title: title.to_owned(),
            x,
            y,
            shades: Vec::new(),
            bands: Vec::new(),
            series: Vec::new(),
            reference_lines: Vec::new(),
            legend_is_left: false,
        }
    }
}
