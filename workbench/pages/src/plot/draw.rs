//! Draws charts.

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

use super::chart::{Chart, Series, SeriesStyle};
use super::palette::Color;
use super::scale::Scale;
use history::text::shortened;

/// Maximum length of a name, in characters.
const MAX_CHARS: usize = 32;

const TITLE_SIZE: u32 = 18;
const TEXT_SIZE: u32 = 14;
const MARGIN: u32 = 6;
const MARGIN_RIGHT: u32 = 16;
const X_LABELS: u32 = 44;
const Y_LABELS: u32 = 72;

type Canvas<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Scale, Scale>>;

/// The area between the axes of a chart, in pixels of the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Area {
    /// From left to right.
    pub(super) x: Range<i32>,
    /// From top to bottom.
    pub(super) y: Range<i32>,
}

impl Chart {
    /// Draws the chart and returns the area between its axes.
    pub(super) fn draw(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> anyhow::Result<Area> {
        let [ink, faint, line] = [Color::Ink, Color::Faint, Color::Line].map(Color::rgb);
        let mut canvas = ChartBuilder::on(area)
            .margin(MARGIN)
            .margin_right(MARGIN_RIGHT)
            .caption(
                &self.title,
                ("sans-serif", TITLE_SIZE).into_font().color(&ink),
            )
            .x_label_area_size(X_LABELS)
            .y_label_area_size(Y_LABELS)
            .build_cartesian_2d(Scale::of(&self.x), Scale::of(&self.y))
            .map_err(draw_error)?;
        self.draw_shades(&mut canvas)?;
        let text = || ("sans-serif", TEXT_SIZE).into_font().color(&faint);
        canvas
            .configure_mesh()
            .x_desc(&self.x.label)
            .y_desc(&self.y.label)
            .axis_desc_style(text())
            .label_style(text())
            .axis_style(faint)
            .bold_line_style(line)
            .light_line_style(line.mix(0.0))
            .max_light_lines(1)
            .x_labels(12)
            .y_labels(7)
            .draw()
            .map_err(draw_error)?;
        self.draw_bands(&mut canvas)?;
        for series in &self.series {
            self.draw_series(&mut canvas, series)?;
        }
        self.draw_reference_lines(&mut canvas)?;
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
                .label_font(("sans-serif", TEXT_SIZE).into_font().color(&ink))
                .draw()
                .map_err(draw_error)?;
        }
        let (x, y) = canvas.plotting_area().get_pixel_range();
        Ok(Area { x, y })
    }

    fn draw_shades(&self, canvas: &mut Canvas<'_, '_>) -> anyhow::Result<()> {
        let (bottom, top) = (self.y.range.start, self.y.range.end);
        let color = Color::Nemesis.rgb();
        let mut labels: Vec<&str> = Vec::new();
        for shade in &self.shades {
            let start = shade.range.start.max(self.x.range.start);
            let end = shade.range.end.min(self.x.range.end);
            if start >= end {
                continue;
            }
            let body = Rectangle::new([(start, bottom), (end, top)], color.mix(0.12).filled());
            canvas.draw_series([body]).map_err(draw_error)?;
            if !labels.contains(&&*shade.label) {
                labels.push(&shade.label);
                let font = ("sans-serif", TEXT_SIZE).into_font().color(&color);
                let label = Text::new(cut(&shade.label), (start, top), font);
                canvas.draw_series([label]).map_err(draw_error)?;
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
            let outline: Vec<_> = outline.map(|point| self.clamp(point)).collect();
            let fill = band.color.rgb().mix(0.2).filled();
            let polygon = Polygon::new(outline, fill);
            canvas.draw_series([polygon]).map_err(draw_error)?;
        }
        Ok(())
    }

    fn draw_series(&self, canvas: &mut Canvas<'_, '_>, series: &Series) -> anyhow::Result<()> {
        let color = series.color.rgb();
        let points = || series.points.iter().map(|point| self.clamp(*point));
        let thin = ShapeStyle::from(color).stroke_width(1);
        let annotation = match series.style {
            SeriesStyle::Dots => {
                let dots = points().map(|point| Circle::new(point, 2, color.mix(0.7).filled()));
                canvas.draw_series(dots)
            }
            SeriesStyle::Crosses => canvas.draw_series(points().map(|it| Cross::new(it, 3, thin))),
            SeriesStyle::Triangles => {
                canvas.draw_series(points().map(|it| TriangleMarker::new(it, 4, thin)))
            }
            SeriesStyle::Line => {
                let segments = series.points.split(|(_, y)| y.is_nan());
                let lines = segments.clone().map(|segment| {
                    let points: Vec<_> = segment.iter().map(|it| self.clamp(*it)).collect();
                    PathElement::new(points, thin.stroke_width(2))
                });
                // A single point is drawn as a dot, as its line would be invisible.
                let dots = segments.filter_map(|segment| match segment {
                    [point] => Some(Circle::new(self.clamp(*point), 2, color.filled())),
                    _ => None,
                });
                canvas.draw_series(dots).map_err(draw_error)?;
                canvas.draw_series(lines)
            }
            SeriesStyle::Steps => {
                let steps = stepped(points().collect());
                canvas.draw_series(LineSeries::new(steps, thin.stroke_width(2)))
            }
        };
        let annotation = annotation.map_err(draw_error)?;
        if !series.name.is_empty() {
            let style = series.style;
            annotation.label(cut(&series.name)).legend(move |(x, y)| {
                // Each symbol is drawn in one stroke.
                let (stroke, line_style): (&[(i32, i32)], _) = match style {
                    SeriesStyle::Line | SeriesStyle::Steps => {
                        (&[(0, 0), (14, 0)], thin.stroke_width(2))
                    }
                    SeriesStyle::Dots => (&[(5, 0), (9, 0)], thin.stroke_width(4)),
                    SeriesStyle::Crosses => (&[(4, -3), (10, 3), (7, 0), (10, -3), (4, 3)], thin),
                    SeriesStyle::Triangles => (&[(3, 3), (7, -4), (11, 3), (3, 3)], thin),
                };
                let points = stroke.iter().map(|(right, down)| (x + right, y + down));
                PathElement::new(points.collect::<Vec<_>>(), line_style)
            });
        }
        Ok(())
    }

    fn draw_reference_lines(&self, canvas: &mut Canvas<'_, '_>) -> anyhow::Result<()> {
        for line in &self.reference_lines {
            let color = line.color.rgb();
            let ends = [self.x.range.start, line.until.unwrap_or(self.x.range.end)];
            let ends = ends.map(|x| self.clamp((x, line.at)));
            let dashes = DashedLineSeries::new(ends, 10, 6, color.into());
            canvas.draw_series(dashes).map_err(draw_error)?;
            let font = ("sans-serif", TEXT_SIZE).into_font().color(&color);
            let above = (4, -(TEXT_SIZE as i32) - 2);
            let label = EmptyElement::at(ends[0]) + Text::new(cut(&line.label), above, font);
            canvas.draw_series([label]).map_err(draw_error)?;
        }
        Ok(())
    }

    /// Moves a point to the nearest one within the axes.
    fn clamp(&self, (x, y): (f64, f64)) -> (f64, f64) {
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

/// Corners of the horizontal lines from each point to the next.
fn stepped(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut last_y = None;
    let mut steps = Vec::with_capacity(2 * points.len());
    for (x, y) in points {
        steps.extend(last_y.replace(y).map(|last_y| (x, last_y)));
        steps.push((x, y));
    }
    steps
}

/// Cuts a name, which a node may have chosen, to what fits the plot.
fn cut(name: &str) -> String {
    shortened(name, MAX_CHARS)
}

/// Converts an error of the drawing library.
pub(super) fn draw_error(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw a plot: {error}")
}
