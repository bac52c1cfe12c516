//! Pictures of the way of a value: a lane for each node, with the faults that concern it, the messages
//! that carry the value, and the reads with and without it.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use crate::plot::escaped;
use crate::story::Scene;
use simulator::network::{Delivery, DeliveryStatus};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 16.0;
const ROW: f64 = 24.0;
const TOP: f64 = 38.0;

/// Height of the time axis and the legend below the lanes.
const BOTTOM: f64 = 46.0;

/// How many ticks the time axis has at most.
const MAX_TICKS: f64 = 8.0;

/// A read of a node, with the value or without it.
pub(super) struct Dot {
    pub(super) node: usize,
    /// In seconds.
    pub(super) at: f64,
    pub(super) has_value: bool,
    pub(super) title: String,
}

/// The way of a value.
pub(super) struct WayPicture<'a> {
    pub(super) title: String,
    /// Times in seconds, each with what happened then; at most two.
    pub(super) moments: Vec<(f64, String)>,
    pub(super) hops: &'a [(usize, &'a Delivery)],
    pub(super) dots: Vec<Dot>,
}

impl WayPicture<'_> {
    pub(super) fn draw(&self, scene: &Scene<'_>) -> String {
        let lanes = self.lanes(scene);
        let (from, to) = self.window(scene);
        let x = |at: f64| LEFT + (at - from) / (to - from) * (WIDTH - LEFT - RIGHT);
        let y = |lane: usize| TOP + (lane as f64 + 0.5) * ROW;
        let floor = TOP + lanes.len() as f64 * ROW;
        let height = floor + BOTTOM;
        let mut svg = format!(
            "<svg class=\"graph\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\">",
            escaped(&format!("{}: messages and reads by node", self.title))
        );
        for (name, lane) in &lanes {
            for episode in scene
                .episodes
                .iter()
                .filter(|it| it.to > from && it.from < to)
            {
                let on_messages = || episode.on_messages().map(str::to_owned);
                let Some(effect) = episode.on_node(name).or_else(on_messages) else {
                    continue;
                };
                let (start, end) = (x(episode.from.max(from)), x(episode.to.min(to)));
                let _ = write!(
                    svg,
                    "<rect class=\"shade\" x=\"{start:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{ROW}\">\
                     <title>{} {}</title></rect>",
                    TOP + *lane as f64 * ROW,
                    (end - start).max(1.0),
                    escaped(name),
                    escaped(&effect),
                );
            }
            let _ = write!(
                svg,
                "<text class=\"head\" x=\"8\" y=\"{:.1}\">{}</text>\
                 <line class=\"lane\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>",
                y(*lane) + 4.0,
                escaped(name),
                WIDTH - RIGHT,
                at = y(*lane),
            );
        }
        self.draw_moments(&mut svg, x, floor);
        for (_, hop) in self.hops {
            let ends = [&hop.src, &hop.dest].map(|name| lanes.get(name.as_str()).copied());
            if let [Some(src), Some(dest)] = ends {
                draw_hop(&mut svg, scene, hop, x, [y(src), y(dest)]);
            }
        }
        self.draw_dots(&mut svg, scene, &lanes, x);
        draw_axis(&mut svg, from, to, x, floor);
        self.draw_legend(&mut svg, height);
        svg + "</svg>"
    }

    /// The nodes and services that occur, each with its lane, in the order of the cluster.
    fn lanes<'b>(&'b self, scene: &'b Scene<'_>) -> BTreeMap<&'b str, usize> {
        let ends = self
            .hops
            .iter()
            .flat_map(|(_, hop)| [hop.src.as_str(), hop.dest.as_str()]);
        let used: HashSet<&str> = ends.collect();
        let nodes = || scene.settings.nodes.iter().map(shared::NodeId::as_str);
        let mut services: Vec<&str> = used
            .iter()
            .copied()
            .filter(|it| !nodes().any(|node| node == *it))
            .collect();
        services.sort_unstable();
        let read = |node: &str| {
            self.dots
                .iter()
                .any(|dot| scene.settings.nodes[dot.node].as_str() == node)
        };
        let lanes = nodes()
            .filter(|it| used.contains(it) || read(it))
            .chain(services);
        lanes.enumerate().map(|(lane, name)| (name, lane)).collect()
    }

    /// Start and end of the picture, in seconds.
    fn window(&self, scene: &Scene<'_>) -> (f64, f64) {
        let moments = self.moments.iter().map(|(at, _)| *at);
        let dots = self.dots.iter().map(|it| it.at);
        let hops = self.hops.iter().map(|(_, hop)| scene.sent(hop));
        let arrivals = self
            .hops
            .iter()
            .filter_map(|(_, hop)| scene.arrived_ns(hop));
        let arrivals = arrivals.map(|at| at as f64 / 1e9);
        let times: Vec<f64> = moments.chain(dots).chain(hops).chain(arrivals).collect();
        let from = times.iter().copied().fold(f64::INFINITY, f64::min);
        let to = times.iter().copied().fold(from, f64::max);
        (from, (to + (to - from) * 0.02).max(from + 0.01))
    }

    fn draw_moments(&self, svg: &mut String, x: impl Fn(f64) -> f64, floor: f64) {
        for (row, (seconds, event)) in self.moments.iter().enumerate() {
            let (at, y) = (x(*seconds), 12.0 + 13.0 * row as f64);
            // The label is on the side with more space.
            let (anchor, beside) = if at > WIDTH / 2.0 {
                ("end", -4.0)
            } else {
                ("start", 4.0)
            };
            let _ = write!(
                svg,
                "<line class=\"moment\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{y}\" y2=\"{floor}\"/>\
                 <text class=\"reason\" text-anchor=\"{anchor}\" x=\"{:.1}\" y=\"{y}\">{} at {seconds:.3} s</text>",
                at + beside,
                escaped(event),
            );
        }
    }

    fn draw_dots(
        &self,
        svg: &mut String,
        scene: &Scene<'_>,
        lanes: &BTreeMap<&str, usize>,
        x: impl Fn(f64) -> f64,
    ) {
        // Reads at the same position are drawn once.
        let mut drawn = HashSet::new();
        for Dot {
            node,
            at,
            has_value,
            title,
        } in &self.dots
        {
            let Some(lane) = lanes.get(scene.settings.nodes[*node].as_str()) else {
                continue;
            };
            let at = x(*at);
            if drawn.insert((*lane, at as i64, *has_value)) {
                let class = if *has_value { "holds" } else { "lacks" };
                let _ = write!(
                    svg,
                    "<circle class=\"{class}\" cx=\"{at:.1}\" cy=\"{:.1}\" r=\"4\"><title>{}</title></circle>",
                    TOP + (*lane as f64 + 0.5) * ROW,
                    escaped(title),
                );
            }
        }
    }

    fn draw_legend(&self, svg: &mut String, height: f64) {
        let mut parts = Vec::new();
        if !self.hops.is_empty() {
            parts.extend(["→ message with it", "× lost"]);
        }
        if !self.dots.is_empty() {
            parts.extend(["● read with it", "○ read without it"]);
        }
        parts.push("shaded: a fault");
        let _ = write!(
            svg,
            "<text class=\"reason\" x=\"{LEFT}\" y=\"{}\">{}</text>",
            height - 6.0,
            parts.join(" · ")
        );
    }
}

/// An arrow from the sender to the receiver; a lost message ends half way in a cross.
fn draw_hop(
    svg: &mut String,
    scene: &Scene<'_>,
    hop: &Delivery,
    x: impl Fn(f64) -> f64,
    [y1, y2]: [f64; 2],
) {
    let zero = scene.record.zero.unwrap_or_default().as_secs_f64();
    let sent = scene.sent(hop);
    let (status, x2, end) = match hop.status {
        DeliveryStatus::Arrived(at) => ("arrived", x(at.as_secs_f64() - zero), y2),
        DeliveryStatus::Lost => ("lost", x(sent), y1 + (y2 - y1) * 0.6),
        DeliveryStatus::InFlight => ("still on its way at the end", WIDTH - RIGHT, y2),
    };
    let is_lost = hop.status == DeliveryStatus::Lost;
    let class = if is_lost { "hop lost" } else { "hop" };
    let arrow = if is_lost {
        ""
    } else {
        " marker-end=\"url(#tip)\""
    };
    let _ = write!(
        svg,
        "<g class=\"{class}\"><line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{end:.1}\"{arrow}/>",
        x1 = x(sent),
    );
    if is_lost {
        let _ = write!(
            svg,
            "<path d=\"M{:.1},{:.1}l7,7m0,-7l-7,7\"/>",
            x2 - 3.5,
            end - 3.5
        );
    }
    let title = format!(
        "{} → {} at {sent:.3} s, {status}: {}",
        hop.src,
        hop.dest,
        scene.short(&hop.body)
    );
    let _ = write!(svg, "<title>{}</title></g>", escaped(&title));
}

fn draw_axis(svg: &mut String, from: f64, to: f64, x: impl Fn(f64) -> f64, floor: f64) {
    let power = 10f64.powf(((to - from) / MAX_TICKS).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|it| it * power);
    let step = steps
        .into_iter()
        .find(|step| (to - from) / step <= MAX_TICKS)
        .unwrap_or(power * 10.0);
    let digits = (-step.log10().floor()).max(0.0) as usize;
    let mut tick = (from / step).ceil() * step;
    while tick <= to {
        let at = x(tick);
        let _ = write!(
            svg,
            "<line class=\"lane\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{floor}\" y2=\"{}\"/>\
             <text class=\"reason\" text-anchor=\"middle\" x=\"{at:.1}\" y=\"{}\">{tick:.digits$} s</text>",
            floor + 4.0,
            floor + 17.0,
        );
        tick += step;
    }
}
