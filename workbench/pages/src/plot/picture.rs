//! Drawn charts, as an element of a page or as a file.

use serde_json::{Value, json};

use super::chart::{Axis, Chart};
use super::draw::Area;
use super::palette::{Color, dark_style};

/// Width of a plot in a file or on a wide page, in pixels.
pub const WIDE: u32 = 900;

/// Width of a plot on a phone, in pixels.
pub const NARROW: u32 = 360;

/// Charts, drawn one below the other.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Content of the SVG element.
    body: String,
    width: u32,
    height: u32,
    title: String,
    areas: Vec<Area>,
}

/// Draws charts one below the other, at this width.
pub fn stack(charts: &[Chart], width: u32) -> Picture {
    let (mut body, mut areas, mut height) = (String::new(), Vec::new(), 0);
    for chart in charts {
        let (svg, area, bottom) = chart.draw(width, height);
        body += &svg;
        areas.push(area);
        height = bottom;
    }
    let titles = charts.iter().map(|chart| chart.title.as_str());
    Picture {
        body,
        width,
        height,
        title: titles.collect::<Vec<_>>().join("; "),
        areas,
    }
}

impl Picture {
    /// The SVG element with further classes, for a page that includes [`dark_style`].
    pub fn element(&self, classes: &str) -> String {
        self.svg("", &format!("plot {classes}"), "")
    }

    /// A complete SVG file. If it shows one chart, that is in it as data, too, so that it can be
    /// drawn again: see [`chart_in`].
    pub fn file(&self, charts: &[Chart]) -> String {
        let paper = Color::Paper.hex();
        let data = match charts {
            [chart] => serde_json::to_string(chart).unwrap_or_default(),
            _ => String::new(),
        };
        let metadata = match &*escaped(&data) {
            "" => String::new(),
            data => format!("{METADATA}{data}{METADATA_END}\n"),
        };
        let style = dark_style();
        let head = format!(
            "{metadata}<style>{style}</style>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"{paper}\"/>\n"
        );
        self.svg(" xmlns=\"http://www.w3.org/2000/svg\"", "plot", &head)
    }

    fn svg(&self, namespace: &str, classes: &str, head: &str) -> String {
        let Picture {
            body,
            width,
            height,
            ..
        } = self;
        let title = escaped(&self.title);
        format!(
            "<svg{namespace} class=\"{classes}\" role=\"img\" aria-label=\"{title}\" \
             viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"system-ui, sans-serif\">\n{head}{body}</svg>\n"
        )
    }

    /// Where the chart's axes are, for the page's script: `{"x": [left, right], "y": [bottom, top]}`.
    pub fn area(&self) -> Value {
        let area = self.areas.first();
        json!(area.map(|it| json!({ "x": [it.x.start, it.x.end], "y": [it.y.end, it.y.start] })))
    }
}

const METADATA: &str = "<metadata>";
const METADATA_END: &str = "</metadata>";

/// The chart in a file of [`Picture::file`]; `None` if there is none that can be read.
pub fn chart_in(file: &str) -> Option<Chart> {
    let (_, rest) = file.split_once(METADATA)?;
    let (data, _) = rest.split_once(METADATA_END)?;
    serde_json::from_str(&unescaped(data)).ok()
}

impl Chart {
    /// Axes and points, from which the page's script shows values at the pointer.
    pub fn numbers(&self) -> Value {
        let axis = |axis: &Axis| {
            json!({
                "from": axis.range.start,
                "to": axis.range.end,
                "log": axis.is_logarithmic,
                "label": axis.label,
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
            "x": axis(&self.x),
            "y": axis(&self.y),
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

/// The text that was escaped.
fn unescaped(text: &str) -> String {
    let parts = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    parts
        .iter()
        .fold(text.to_owned(), |text, (code, character)| {
            text.replace(code, character)
        })
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Chart, Color, Series, SeriesStyle, Shade};
    use super::{NARROW, WIDE, chart_in, stack};

    fn chart(end: f64, name: &str) -> Chart {
        let mut chart = Chart::new(
            "Latency <of> & \"all\"",
            Axis::linear("time, s", 0.0..end),
            Axis::logarithmic("latency, ms", 1.0, end * 10.0),
        );
        chart.shades.push(Shade {
            range: 1.0..2.0,
            label: "partition".to_owned(),
        });
        chart.series.push(Series {
            name: name.to_owned(),
            color: Color::Series(1),
            style: SeriesStyle::Line,
            points: vec![(0.5, 1.0), (1.0, f64::NAN), (2.0, 33.333_333)],
        });
        chart
    }

    #[test]
    fn a_file_contains_its_chart() {
        let chart = chart(10.0, "a </metadata> & 'b'");
        let file = stack(std::slice::from_ref(&chart), WIDE).file(std::slice::from_ref(&chart));
        let again = chart_in(&file).unwrap();
        assert_eq!((&again.title, &again.x), (&chart.title, &chart.x));
        assert_eq!(again.series[0].name, chart.series[0].name);
        assert!(again.series[0].points[1].1.is_nan());
        assert_eq!(again.series[0].points[2], (2.0, 33.3333));
        assert!(chart_in("<svg/>").is_none());
        assert!(chart_in("<svg><metadata>{\"title\":1}</metadata></svg>").is_none());
    }

    #[test]
    fn two_charts_get_equal_axes_unless_they_are_of_other_kinds() {
        let (mut one, mut two) = (chart(10.0, "a"), chart(30.0, "b"));
        one.equalize(&mut two);
        assert_eq!((one.x.range.end, one.y.range.end), (30.0, 1000.0));
        assert_eq!((&one.x, &one.y), (&two.x, &two.y));
        let mut other = chart(50.0, "c");
        other.y = Axis::linear("latency, ms", 0.0..1.0);
        one.equalize(&mut other);
        assert_eq!((one.x.range.end, other.x.range.end), (30.0, 50.0));
    }

    #[test]
    fn a_hostile_chart_is_drawn_all_the_same() {
        let mut chart = chart(1.0, &"<b>".repeat(100));
        chart.x.range = f64::NAN..f64::NEG_INFINITY;
        chart.y.range = -1.0..-1.0;
        for width in [0, NARROW, WIDE] {
            let svg = stack(std::slice::from_ref(&chart), width).element("");
            assert!(!svg.contains("<b>") && svg.ends_with("</svg>\n"), "{svg}");
        }
    }

    #[test]
    fn a_chart_of_many_faults_has_a_limited_height() {
        let mut chart = chart(10.0, "a");
        let drawn = |chart: &Chart| stack(std::slice::from_ref(chart), WIDE).element("");
        let shade = |label: u32| Shade {
            range: 1.0..2.0,
            label: label.to_string(),
        };
        chart.shades = (0..100).map(shade).collect();
        let some = drawn(&chart);
        chart.shades = (0..200_000).map(shade).collect();
        assert!(drawn(&chart) == some);
    }
}
