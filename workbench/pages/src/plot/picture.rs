//! Drawn charts, as an element of a page or as a file.

use plotters::drawing::IntoDrawingArea;
use plotters::prelude::SVGBackend;
use serde_json::{Value, json};

use super::chart::{Axis, Chart, HEIGHT, WIDTH};
use super::draw::{Area, draw_error};
use super::palette::{Color, dark_style};

/// Charts, drawn one below the other.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Content of the SVG element.
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
        root.present().map_err(draw_error)?;
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
    /// The SVG element, for a page that includes [`dark_style`].
    pub fn element(&self) -> String {
        self.svg("", "")
    }

    /// A complete SVG file.
    pub fn file(&self) -> String {
        let paper = Color::Paper.hex();
        let style = format!("<style>{}</style>\n", dark_style());
        let background = format!("<rect width=\"100%\" height=\"100%\" fill=\"{paper}\"/>\n");
        self.svg(
            " xmlns=\"http://www.w3.org/2000/svg\"",
            &(style + &background),
        )
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

    /// Positions of the axes and points of each chart, from which the page's script shows values at
    /// the pointer. `charts` must be those that were drawn.
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

/// Escapes text for XML, in attributes and elsewhere. Characters not allowed in XML are replaced.
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
