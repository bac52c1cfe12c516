//! Lines and points. Those of two series differ in dashes or shape, too, not in colour alone.

use std::fmt::Write as _;

use super::chart::SeriesStyle;
use super::palette::Color;

/// What stands before a name in the legend.
#[derive(Debug, Clone, Copy)]
pub(super) enum Symbol {
    /// A line or a point in the style of a series.
    Series(SeriesStyle),
    /// A limit.
    Limit,
}

impl Symbol {
    /// Draws the symbol, 24 pixels wide, around this height.
    pub(super) fn draw(self, color: Color, x: f64, y: f64) -> String {
        let line = format!("M{x:.0} {y:.0}h24");
        match self {
            Symbol::Series(style) => match style {
                SeriesStyle::Line => {
                    let shape = style.draw_points(color, &[(x + 12.0, y)]);
                    style.draw_lines(color, &line) + &shape
                }
                SeriesStyle::Steps => style.draw_lines(color, &line),
                _ => style.draw_points(color, &[(x + 16.0, y)]),
            },
            Symbol::Limit => format!(
                "<path d=\"{line}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\" \
                 stroke-dasharray=\"10 6\"/>\n",
                color.hex()
            ),
        }
    }
}

impl SeriesStyle {
    /// Draws lines in the dashes of their colour; nothing if there are none.
    pub(super) fn draw_lines(self, color: Color, lines: &str) -> String {
        let (hex, dashes) = (color.hex(), color.dashes());
        match lines {
            "" => String::new(),
            _ => format!(
                "<path d=\"{lines}\" fill=\"none\" stroke=\"{hex}\" stroke-width=\"2\" \
                 stroke-linejoin=\"round\" stroke-dasharray=\"{dashes}\"/>\n"
            ),
        }
    }

    /// Draws points as one path; nothing if there are none.
    pub(super) fn draw_points(self, color: Color, points: &[(f64, f64)]) -> String {
        if points.is_empty() {
            return String::new();
        }
        // A line of no length with a cap is a disc or a square.
        let (shape, stroke) = match (self, color) {
            (SeriesStyle::Crosses, _) => ("m-3-3l6 6m-6 0l6-6", "stroke-width=\"1.2\""),
            (SeriesStyle::Triangles, _) => ("m-4 3h8l-4-7z", "stroke-width=\"1.2\""),
            (_, Color::Series(number)) if number % 4 == 1 => {
                ("h0", "stroke-width=\"4\" stroke-linecap=\"square\"")
            }
            (_, Color::Series(number)) if number % 4 == 2 => {
                ("m0-3l3 3l-3 3l-3-3z", "stroke-width=\"1\"")
            }
            (_, Color::Series(number)) if number % 4 == 3 => {
                ("m-3 0h6m-3-3v6", "stroke-width=\"1.2\"")
            }
            _ => ("h0", "stroke-width=\"4.5\" stroke-linecap=\"round\""),
        };
        let mut path = String::with_capacity(points.len() * 16);
        for (x, y) in points {
            let _ = write!(path, "M{x:.1} {y:.1}{shape}");
        }
        let hex = color.hex();
        format!("<path d=\"{path}\" fill=\"none\" stroke=\"{hex}\" {stroke} opacity=\"0.8\"/>\n")
    }
}

/// A path through these points.
pub(super) fn path(points: &[(f64, f64)]) -> String {
    let mut path = String::with_capacity(points.len() * 12);
    for (index, (x, y)) in points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{command}{x:.1} {y:.1}");
    }
    path
}

/// Corners of the horizontal lines from each point to the next.
pub(super) fn stepped(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut last_y = None;
    let mut steps = Vec::with_capacity(2 * points.len());
    for (x, y) in points.iter().copied() {
        steps.extend(last_y.replace(y).map(|last_y| (x, last_y)));
        steps.push((x, y));
    }
    steps
}
