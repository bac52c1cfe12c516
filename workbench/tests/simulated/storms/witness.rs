//! A node that logs what happens to it, and what a test can read from its runs.

use std::time::Duration;

use checkers::CheckerResult as _;
use history::Op;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{Caller, Cluster, Context, Node, NodeId};
use simulator::nemesis::Fault;
use simulator::network::{Delivery, DeliveryStatus};
use simulator::options::PartialOptions;
use simulator::storm::{Storm, StormRun};
use simulator::workload::Name;

/// The interval between a node's beats.
pub const TICK: Duration = Duration::from_millis(100);

/// Echoes, and sends a beat to all others every [`TICK`]. Its log:
///
/// ```text
/// boot B           it started with this boot number
/// tick N at NS     it sent its Nth beat, at this time of its own clock
/// received n1 B N  it received this beat of n1
/// ```
#[derive(Debug)]
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
                ctx.log(format!("received {} {boot} {number}", caller.node()));
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

/// Options from flags of the command line.
pub fn pins(flags: &str) -> PartialOptions {
    workbench::flags::pins(flags.split_whitespace()).unwrap()
}

/// A storm on three witnesses for a minute, with no faults but those of these flags.
pub fn storm(flags: &str) -> Storm {
    let boot = |cluster: Cluster, ctx: &mut Context<Event>| Witness::boot(&cluster, ctx);
    Storm::new(Name::Echo, boot)
        .fixed()
        .with(&pins("--node-count 3 --rate 20 --time-limit 60"))
        .with(&pins(flags))
}

/// A run of witnesses, with all its messages.
pub struct WitnessRun(StormRun);

/// When a fault was active, and on which nodes, if it is a fault of nodes.
#[derive(Debug)]
pub struct FaultInterval {
    pub from: Duration,
    pub to: Duration,
    pub nodes: Vec<String>,
}

impl FaultInterval {
    /// Whether a time is inside, not at an end.
    pub fn contains(&self, at: Duration) -> bool {
        self.from < at && at < self.to
    }
}

/// Runs witnesses for a minute with faults, and asserts that echo is valid.
pub fn run_witnesses(flags: &str) -> WitnessRun {
    let storm = storm(flags);
    let mut run = storm.run_with(1, &storm.options(1), true).unwrap();
    assert!(run.is_valid(), "{:?}", run.verdict.sentences());
    for line in run.record.logs.iter_mut().flatten() {
        let text = line.split_once(" s ").or(line.split_once("start "));
        *line = text.expect("a time and a text").1.to_owned();
    }
    WitnessRun(run)
}

impl WitnessRun {
    pub fn deliveries(&self) -> Vec<&Delivery> {
        let trace = self.0.record.trace.as_ref().unwrap();
        trace.deliveries().iter().collect()
    }

    /// A node's log, without the time of each line.
    pub fn log(&self, node: &str) -> &[String] {
        let nodes = &self.0.settings.nodes;
        let index = nodes.iter().position(|it| it.as_str() == node);
        &self.0.record.logs[index.unwrap()]
    }

    /// When a fault was active. There must be at least ten intervals.
    pub fn intervals(&self, fault: Fault) -> Vec<FaultInterval> {
        let record = &self.0.record;
        let ops = record.history.ops.iter();
        let ops: Vec<&Op> = ops.filter(|op| op.process.client().is_none()).collect();
        let at = |op: &Op| record.zero.unwrap() + Duration::from_nanos(op.time);
        let mut intervals: Vec<FaultInterval> = Vec::new();
        let mut is_active = false;
        // Each operation of the nemesis has an invocation and a completion.
        for pair in ops.chunks(2) {
            if pair[1].f == fault.start_f() {
                let (from, to) = (at(pair[1]), Duration::MAX);
                let nodes = affected_nodes(pair[1]);
                intervals.push(FaultInterval { from, to, nodes });
                is_active = true;
            } else if pair[1].f == fault.stop_f() && is_active {
                intervals.last_mut().unwrap().to = at(pair[1]);
                is_active = false;
            }
        }
        assert!(intervals.len() >= 10 && !is_active, "{intervals:?}");
        intervals
    }
}

/// The nodes in a completion's value such as `["paused", ["n1"]]`.
fn affected_nodes(op: &Op) -> Vec<String> {
    let value: Value = op.value.parse().unwrap();
    let names = value[1].as_array().map_or(&[][..], Vec::as_slice);
    names
        .iter()
        .map(|it| it.as_str().unwrap().to_owned())
        .collect()
}

/// Whether a message goes from one node to another.
pub fn is_between_nodes(delivery: &Delivery) -> bool {
    let ends = [&delivery.src, &delivery.dest];
    ends.iter().all(|end| !end.as_str().starts_with('c'))
}

/// When a message arrived, if it did.
pub fn arrival(delivery: &Delivery) -> Option<Duration> {
    match delivery.status {
        DeliveryStatus::Arrived(at) => Some(at),
        DeliveryStatus::Lost | DeliveryStatus::InFlight => None,
    }
}
