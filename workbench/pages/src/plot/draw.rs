//! A chart, drawn.

use std::ops::Range;

use anyhow::anyhow;
use plotters::chart::{ChartBuilder, ChartContext, SeriesLabelPosition};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::DrawingArea;
use plotters::element::{
    Circle, Cross, EmptyElement, PathElement, Polygon, Rectangle, Text, TriangleMarker,
};
use plotters::prelude::SVGBackend;
use plotters::series::{DashedLineSeries, LineSeries};
use plotters::style::{Color as _, IntoFont, ShapeStyle};

use super::chart::{Chart, Series, Shape};
use super::palette::Color;
use super::scale::Scale;
use history::text::shortened;

/// How many letters of a name are drawn.
const LETTERS: usize = 32;

const TITLE: u32 = 18;
const TEXT: u32 = 14;
const MARGIN: u32 = 6;
const MARGIN_RIGHT: u32 = 16;
const X_LABELS: u32 = 44;
const Y_LABELS: u32 = 72;

type Canvas<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Scale, Scale>>;

/// Where a chart's axes are on its picture, in pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Area {
    /// From left to right.
    pub(super) x: Range<i32>,
    /// From top to bottom.
    pub(super) y: Range<i32>,
}

impl Chart {
    /// Draws it here; where its axes are, in pixels of the whole picture.
    pub(super) fn draw(&self, on: &DrawingArea<SVGBackend<'_>, Shift>) -> anyhow::Result<Area> {
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
                .position(if self.legend_is_left {
                    SeriesLabelPosition::UpperLeft
                } else {
                    SeriesLabelPosition::UpperRight
                })
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
                let label = Text::new(named(&shade.label), (start, top), font);
                canvas.draw_series([label]).map_err(undrawn)?;
            }
        }
        Ok(())
    }

    fn draw_bands(&self, canvas: &mut Canvas<'_, '_>) -> anyhow::Result<()> {
        for band in &self.bands {
            let edges = |edge: fn(&(f64, f64, f64)) -> f64| {
                let points: Vec<_> = band.edges.iter().map(|it| (it.0, edge(it))).collect();
                if band.is_stepped {
                    stepped(points)
                } else {
                    points
                }
            };
            let (upper, lower) = (edges(|(_, _, upper)| *upper), edges(|(_, lower, _)| *lower));
            let outline = upper.into_iter().chain(lower.into_iter().rev());
            let outline: Vec<_> = outline.map(|point| self.within(point)).collect();
            let fill = band.color.rgb().mix(0.2).filled();
            let polygon = Polygon::new(outline, fill);
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
                let lines = stretches.clone().map(|stretch| {
                    let points: Vec<_> = stretch.iter().map(|it| self.within(*it)).collect();
                    PathElement::new(points, thin.stroke_width(2))
                });
                // A line of one point is none.
                let alone = stretches.filter_map(|stretch| match stretch {
                    [point] => Some(Circle::new(self.within(*point), 2, color.filled())),
                    _ => None,
                });
                canvas.draw_series(alone).map_err(undrawn)?;
                canvas.draw_series(lines)
            }
            Shape::Steps => {
                let steps = stepped(points().collect());
                canvas.draw_series(LineSeries::new(steps, thin.stroke_width(2)))
            }
        };
        let annotation = annotation.map_err(undrawn)?;
        if !series.name.is_empty() {
            let shape = series.shape;
            annotation.label(named(&series.name)).legend(move |(x, y)| {
                // Each mark as one stroke.
                let (stroke, style): (&[(i32, i32)], _) = match shape {
                    Shape::Line | Shape::Steps => (&[(0, 0), (14, 0)], thin.stroke_width(2)),
                    Shape::Dots => (&[(5, 0), (9, 0)], thin.stroke_width(4)),
                    Shape::Crosses => (&[(4, -3), (10, 3), (7, 0), (10, -3), (4, 3)], thin),
                    Shape::Triangles => (&[(3, 3), (7, -4), (11, 3), (3, 3)], thin),
                };
                let points = stroke.iter().map(|(right, down)| (x + right, y + down));
                PathElement::new(points.collect::<Vec<_>>(), style)
            });
        }
        Ok(())
    }

    fn draw_levels(&self, canvas: &mut Canvas<'_, '_>) -> anyhow::Result<()> {
        for level in &self.levels {
            let color = level.color.rgb();
            let ends = [self.x.range.start, level.until.unwrap_or(self.x.range.end)];
            let ends = ends.map(|x| self.within((x, level.at)));
            let line = DashedLineSeries::new(ends, 10, 6, color.into());
            canvas.draw_series(line).map_err(undrawn)?;
            let font = ("sans-serif", TEXT).into_font().color(&color);
            let above = (4, -(TEXT as i32) - 2);
            let label = EmptyElement::at(ends[0]) + Text::new(named(&level.label), above, font);
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

/// The corners of a line that stays level until the next point.
fn stepped(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut level = None;
    let mut steps = Vec::with_capacity(2 * points.len());
    for (x, y) in points {
        steps.extend(level.replace(y).map(|before| (x, before)));
        steps.push((x, y));
    }
    steps
}

/// A name that a node may have chosen, as far as a picture has room for it.
fn named(name: &str) -> String {
    shortened(name, LETTERS)
}

/// An error of the drawing library, in a form that can be told.
pub(super) fn undrawn(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw a plot: {error}")
}
