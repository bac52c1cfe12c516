//! A node that writes down what it sees, and what can be read from a run of it.

use std::time::Duration;

use history::Op;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{Caller, Cluster, Context, Node, NodeId};
use simulator::nemesis::Fault;
use simulator::network::{Delivery, DeliveryStatus};
use simulator::options::Pins;
use simulator::storm::{Aftermath, Storm};
use simulator::workload::Name;

/// How often a node is heard of.
pub const TICK: Duration = Duration::from_millis(100);

/// Echoes, and tells all others every [`TICK`] that it is there. Its log says:
///
/// ```text
/// boot B           it began, and drew this number
/// tick N at NS     it told the others for the Nth time, at this time by its own clock
/// heard n1 B N     it was told so by n1
/// ```
pub struct Witness {
    others: Vec<NodeId>,
    boot: u64,
    ticks: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Echo { echo: Value },
    Beat { boot: u64, number: u64 },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    EchoOk { echo: Value },
    Beat { boot: u64, number: u64 },
}

#[derive(Debug)]
pub enum Event {
    Tick,
}

impl Witness {
    fn boot(cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        let boot = ctx.rng().boot_number();
        ctx.log(format!("boot {boot}"));
        ctx.after(TICK, Event::Tick);
        Witness {
            others: cluster.others().cloned().collect(),
            boot,
            ticks: 0,
        }
    }
}

impl Node for Witness {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Echo { echo } => ctx.reply(caller, Message::EchoOk { echo }),
            Request::Beat { boot, number } => {
                ctx.log(format!("heard {} {boot} {number}", caller.node()));
            }
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        match event {
            Event::Tick => {
                self.ticks += 1;
                ctx.log(format!("tick {} at {}", self.ticks, ctx.now().as_nanos()));
                let (boot, number) = (self.boot, self.ticks);
                for node in &self.others {
                    ctx.send(node, Message::Beat { boot, number });
                }
                ctx.after(TICK, Event::Tick);
            }
        }
    }
}

/// Options in the words of a command line.
pub fn pins(words: &str) -> Pins {
    workbench::flags::pins(words.split_whitespace()).unwrap()
}

/// Storms over witnesses: three of them, for a minute, with nothing in the way but for these words.
pub fn storm(words: &str) -> Storm {
    let boot = |cluster: Cluster, ctx: &mut Context<Event>| Witness::boot(&cluster, ctx);
    Storm::new(Name::Echo, boot)
        .without_drawing()
        .with(&pins("--node-count 3 --rate 20 --time-limit 60"))
        .with(&pins(words))
}

/// A run with all its messages.
pub struct Scene {
    pub run: Aftermath,
}

/// From when to when a fault was there, and which nodes it hit, if it hits nodes.
#[derive(Debug)]
pub struct Span {
    pub from: Duration,
    pub to: Duration,
    pub whom: Vec<String>,
}

impl Span {
    /// Whether something falls into it, and not just on its edge.
    pub fn holds(&self, at: Duration) -> bool {
        self.from < at && at < self.to
    }
}

/// A minute of witnesses under some faults; whatever these are, echo is valid.
pub fn scene(words: &str) -> Scene {
    let storm = storm(words);
    let run = storm.run_with(1, &storm.options(1), true).unwrap();
    assert!(run.is_valid(), "{:?}", run.verdict.findings);
    Scene { run }
}

impl Scene {
    pub fn deliveries(&self) -> Vec<&Delivery> {
        self.run
            .record
            .trace
            .as_ref()
            .unwrap()
            .deliveries()
            .iter()
            .collect()
    }

    /// What one node wrote down.
    pub fn log(&self, node: &str) -> &[String] {
        let nodes = &self.run.settings.nodes;
        let place = nodes.iter().position(|it| it.as_str() == node);
        &self.run.logs[place.unwrap()]
    }

    /// When a fault was there. There are some such times, at least ten.
    pub fn spans(&self, fault: Fault) -> Vec<Span> {
        let record = &self.run.record;
        let ops = record.history.ops.iter();
        let ops: Vec<&Op> = ops.filter(|op| op.process.client().is_none()).collect();
        let at = |op: &Op| record.zero.unwrap() + Duration::from_nanos(op.time);
        let mut spans: Vec<Span> = Vec::new();
        let mut rages = false;
        // Each act stands there twice: as it was meant, and as it was done.
        for pair in ops.chunks(2) {
            if pair[1].f == fault.start_f() {
                let (from, to) = (at(pair[1]), Duration::MAX);
                let whom = whom(pair[1]);
                spans.push(Span { from, to, whom });
                rages = true;
            } else if pair[1].f == fault.stop_f() && rages {
                spans.last_mut().unwrap().to = at(pair[1]);
                rages = false;
            }
        }
        assert!(spans.len() >= 10 && !rages, "{spans:?}");
        spans
    }
}

/// The nodes in an outcome such as `["paused", ["n1"]]`.
fn whom(op: &Op) -> Vec<String> {
    let value: Value = op.value.parse().unwrap();
    let names = value[1].as_array().map_or(&[][..], Vec::as_slice);
    names
        .iter()
        .map(|it| it.as_str().unwrap().to_owned())
        .collect()
}

/// Whether a message goes from one server to another.
pub fn is_among_servers(delivery: &Delivery) -> bool {
    let ends = [&delivery.src, &delivery.dest];
    ends.iter().all(|end| !end.as_str().starts_with('c'))
}

/// When it arrived, if it did.
pub fn arrival(delivery: &Delivery) -> Option<Duration> {
    match delivery.status {
        DeliveryStatus::Arrived(at) => Some(at),
        DeliveryStatus::Lost | DeliveryStatus::InFlight => None,
    }
}
