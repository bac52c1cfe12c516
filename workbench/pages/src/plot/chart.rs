//! Charts: the content of a plot, before it is drawn.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::palette::Color;

/// An axis of a chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

    /// The share of the axis at which a value is: 0 at its start, 1 at its end.
    pub(super) fn share(&self, value: f64) -> f64 {
        let scale = |it: f64| if self.is_logarithmic { it.log10() } else { it };
        let (start, end) = (scale(self.range.start), scale(self.range.end));
        let share = (scale(value) - start) / (end - start);
        if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        }
    }

    /// The axis that shows both ranges; `None` if they are of different kinds, or not ranges.
    fn joined(&self, other: &Axis) -> Option<Axis> {
        let (one, two) = (&self.range, &other.range);
        let range = one.start.min(two.start)..one.end.max(two.end);
        let is_range = |it: &Range<f64>| it.end > it.start && (it.end - it.start).is_finite();
        let is_positive = one.start.min(two.start) > 0.0;
        (self.is_logarithmic == other.is_logarithmic
            && self.label == other.label
            && is_range(one)
            && is_range(two)
            && (is_positive || !self.is_logarithmic))
            .then(|| Axis {
                range,
                ..self.clone()
            })
    }
}

/// Style of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeriesStyle {
    /// A dot for each point, whose shape depends on the colour.
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Series {
    /// Name in the legend; a series with an empty name is not listed.
    pub name: String,
    /// Colour of the points.
    pub color: Color,
    /// Style of the points.
    pub style: SeriesStyle,
    /// Points in the units of the axes.
    #[serde(with = "rounded")]
    pub points: Vec<(f64, f64)>,
}

/// A shaded part of the x axis, such as the period of a fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shade {
    /// Start and end on the x axis.
    pub range: Range<f64>,
    /// Label; shades with the same label share a row above the plot.
    pub label: String,
}

/// A horizontal line, such as the limit of a budget.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReferenceLine {
    /// Value on the y axis.
    pub at: f64,
    /// Label in the legend.
    pub label: String,
    /// Colour of the line and the label.
    pub color: Color,
    /// Where the line ends on the x axis; at the right edge if `None`.
    pub until: Option<f64>,
}

/// A filled area between two curves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Band {
    /// Colour, drawn translucently.
    pub color: Color,
    /// Whether both curves are steps.
    pub is_stepped: bool,
    /// `(x, lower, upper)`, in order of x.
    pub edges: Vec<(f64, f64, f64)>,
}

/// Content of a plot.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
        }
    }

    /// Gives both charts the same axes, if they have axes of the same kinds.
    pub fn equalize(&mut self, other: &mut Chart) {
        if let (Some(x), Some(y)) = (self.x.joined(&other.x), self.y.joined(&other.y)) {
            for chart in [self, other] {
                (chart.x, chart.y) = (x.clone(), y.clone());
            }
        }
    }
}

/// Points as JSON, with at most four decimals: `[x, y]`, or `[x, null]` where y is NaN.
mod rounded {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    type Points = Vec<(f64, f64)>;

    pub(super) fn serialize<S: Serializer>(points: &Points, to: S) -> Result<S::Ok, S::Error> {
        let rounded = |value: f64| value.is_finite().then(|| (value * 1e4).round() / 1e4);
        let points = points.iter().map(|(x, y)| (rounded(*x), rounded(*y)));
        points.collect::<Vec<_>>().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Points, D::Error> {
        let points = Vec::<(Option<f64>, Option<f64>)>::deserialize(from)?;
        let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
        Ok(points
            .into_iter()
            .map(|(x, y)| (number(x), number(y)))
            .collect())
    }
}
