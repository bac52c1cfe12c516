//! A run as a text sequence chart: a lane for each node, a line for each message.

use std::fmt::Write;
use std::time::Duration;

use shared::NodeId;

use super::cut_line;
use simulator::network::{Delivery, DeliveryStatus, Trace};
use simulator::run::Record;
use simulator::service::Services;

/// How wide a lane is.
const LANE: usize = 10;

/// The most lines that are drawn.
const MOST_LINES: usize = 500;

/// How much of a message's body is shown.
const BODY: usize = 100;

/// The name of the lane that all clients share.
const CLIENTS: &str = "clients";

/// Draws a run whose messages were written down; nothing if they were not.
///
/// ```text
///    time s   clients      n0        n1
///     0.012       │────────▶│         │      c4 → n0: {"type":"broadcast","message":3,"msg_id":1}
///     0.112       │         │────────▶│      n0 → n1: {"type":"gossip",…} (sent at 0.012)
///     0.150       │         │────✗    │      n0 → n1: {"type":"gossip",…} lost
/// ```
pub fn sequence(record: &Record, nodes: &[NodeId]) -> Option<String> {
    let trace = record.trace.as_ref()?;
    let chart = Chart::new(trace, nodes);
    let zero = record.zero.unwrap_or_default();
    let since_zero = |at: Duration| at.as_secs_f64() - zero.as_secs_f64();
    let messages = trace.deliveries().iter().map(|delivery| {
        let at = match delivery.status {
            DeliveryStatus::Arrived(at) => at,
            DeliveryStatus::Lost | DeliveryStatus::InFlight => delivery.sent,
        };
        (at, chart.message(delivery, since_zero))
    });
    let nemesis = record.history.ops.iter();
    let nemesis = nemesis.filter(|op| op.process.client().is_none());
    let nemesis = nemesis.map(|op| {
        let at = zero + Duration::from_nanos(op.time);
        (at, chart.remark(&format!("nemesis: {} {}", op.f, op.value)))
    });
    let mut lines: Vec<(Duration, String)> = messages.chain(nemesis).collect();
    lines.sort_by_key(|(at, _)| *at);
    let mut text = format!("{:>9}  {}\n", "time s", chart.head());
    for (at, line) in lines.iter().take(MOST_LINES) {
        let _ = writeln!(text, "{:9.3}  {line}", since_zero(*at));
    }
    if lines.len() > MOST_LINES {
        let _ = writeln!(text, "… and {} more lines", lines.len() - MOST_LINES);
    }
    Some(text)
}

/// Who has which lane.
struct Chart {
    lanes: Vec<String>,
}

impl Chart {
    /// Clients first, then nodes, then the services that are used.
    fn new(trace: &Trace, nodes: &[NodeId]) -> Self {
        let mut lanes = vec![CLIENTS.to_owned()];
        lanes.extend(nodes.iter().map(ToString::to_string));
        for service in Services::NAMES {
            let talks = |delivery: &Delivery| {
                let ends = [&delivery.src, &delivery.dest];
                ends.iter().any(|end| end.as_str() == service)
            };
            if trace.deliveries().iter().any(talks) {
                lanes.push(service.to_owned());
            }
        }
        Chart { lanes }
    }

    fn head(&self) -> String {
        let names = self.lanes.iter().map(|name| format!("{name:^LANE$}"));
        names.collect::<String>()
    }

    fn lane(&self, name: &NodeId) -> usize {
        let own = self.lanes.iter().position(|lane| lane == name.as_str());
        own.unwrap_or(0)
    }

    /// The lanes, with nothing happening.
    fn idle(&self) -> Vec<char> {
        let mut cells = vec![' '; LANE * self.lanes.len()];
        for lane in 0..self.lanes.len() {
            cells[middle(lane)] = '│';
        }
        cells
    }

    fn message(&self, delivery: &Delivery, since_zero: impl Fn(Duration) -> f64) -> String {
        let Delivery { src, dest, .. } = delivery;
        let (from, to) = (self.lane(src), self.lane(dest));
        let mut cells = self.idle();
        let (start, end) = (middle(from), middle(to));
        let is_lost = delivery.status == DeliveryStatus::Lost;
        let head = if end > start { '▶' } else { '◀' };
        let way = if end > start {
            start + 1..end
        } else {
            end + 1..start
        };
        let (middle, count) = (way.start + way.len() / 2, way.len());
        for (place, cell) in way.enumerate() {
            let is_behind_loss = is_lost && (place < count / 2) == (end < start);
            if !is_behind_loss {
                cells[cell] = '─';
            }
        }
        if is_lost {
            cells[middle] = '✗';
        } else if end > start {
            cells[end - 1] = head;
        } else if end < start {
            cells[end + 1] = head;
        }
        let drawn: String = cells.into_iter().collect();
        let body = cut_line(&delivery.body, BODY);
        let who = format!("{src} → {dest}");
        let status = match delivery.status {
            DeliveryStatus::Arrived(at) if at > delivery.sent => {
                format!(" (sent at {:.3})", since_zero(delivery.sent))
            }
            DeliveryStatus::Arrived(_) => String::new(),
            DeliveryStatus::Lost => " lost".to_owned(),
            DeliveryStatus::InFlight => " still under way at the end".to_owned(),
        };
        format!("{drawn}  {who}: {body}{status}")
    }

    fn remark(&self, remark: &str) -> String {
        let drawn: String = self.idle().into_iter().collect();
        format!("{drawn}  {remark}")
    }
}

/// Where the line of a lane is.
fn middle(lane: usize) -> usize {
    lane * LANE + LANE / 2
}
