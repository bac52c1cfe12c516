//! The virtual clock: a run as fast as the machine can compute, with nodes in this process, or with
//! programs that a [`Host`] keeps on that clock.
//!
//! Time jumps from one deadline to the next. Nodes answer at once; what crosses the network is the
//! same JSON text that processes would exchange. The same seed gives the same run, byte for byte,
//! restarts and wrong clocks included.

mod host;
mod inspector;
mod node_slot;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use shared::Outbox;

use crate::rng::substream;
use crate::run::{Command, Record, Run, Settings};
use crate::workload::Workload;

use node_slot::NodeSlot;
use rand::RngExt;

pub use host::{Factory, Host, Incarnation, in_process};
pub use inspector::{Inspector, Moment, NodeView};

/// The limit of rounds between nodes and network at one moment.
const MAX_ROUNDS: u32 = 100_000;

/// Runs a test to its end.
pub fn simulate(settings: &Settings, workload: Box<dyn Workload>, factory: &Factory) -> Record {
    simulate_inspected(settings, workload, factory, None)
}

/// Runs a test to its end, and shows each of its moments to an inspector.
pub fn simulate_inspected(
    settings: &Settings,
    workload: Box<dyn Workload>,
    factory: &Factory,
    mut inspector: Option<&mut dyn Inspector>,
) -> Record {
    let mut simulation = Simulation {
        run: Run::new(Duration::ZERO, settings.clone(), workload),
        slots: settings.nodes.iter().map(|_| NodeSlot::default()).collect(),
        wakes_at: vec![None; settings.nodes.len()],
        wakes: BTreeSet::new(),
        line: String::new(),
        outbox: Outbox::default(),
        factory,
        seed: settings.seed,
        keeps_input: inspector.as_ref().is_some_and(|it| it.shows_input()),
        nondeterminism: Vec::new(),
    };
    for node in 0..settings.nodes.len() {
        simulation.start(node, 0);
        simulation.schedule_wake(node);
    }
    let mut now = Duration::ZERO;
    let mut rounds = 0;
    while !simulation.run.is_over() {
        simulation.run.advance(now);
        simulation.wake_nodes(now);
        while let Some(command) = simulation.run.next_command() {
            simulation.execute(now, command);
        }
        if let Some(inspector) = &mut inspector {
            let moment = Moment {
                now,
                run: &simulation.run,
                slots: &simulation.slots,
            };
            if let ControlFlow::Break(why) = inspector.inspect(&moment) {
                simulation.run.abort(why);
                break;
            }
            if inspector.interrupts() {
                simulation.run.interrupt(now);
                break;
            }
        }
        match simulation.deadline() {
            Some(next) if next > now => (now, rounds) = (next, 0),
            // What the nodes have just sent may be due at this moment, too.
            Some(_) if rounds < MAX_ROUNDS => rounds += 1,
            Some(_) => simulation.run.abort(format!(
                "virtual time stands still at {now:?}: nodes exchange messages without end"
            )),
            None if simulation.run.is_over() => {}
            None => {
                let why = "no event is pending, and the run is not over";
                simulation.run.abort(why.to_owned());
            }
        }
    }
    Record {
        logs: simulation.slots.into_iter().map(|slot| slot.log).collect(),
        nondeterminism: simulation.nondeterminism,
        ..simulation.run.into_record()
    }
}

/// The run and its nodes.
struct Simulation<'a> {
    run: Run,
    slots: Vec<NodeSlot>,
    /// When each node wakes, as far as it is in `wakes`.
    wakes_at: Vec<Option<Duration>>,
    /// The next wakes of all nodes.
    wakes: BTreeSet<(Duration, usize)>,
    /// The last line of input, kept for its memory.
    line: String,
    outbox: Outbox,
    factory: &'a Factory,
    seed: u64,
    /// Whether the last lines of input are kept, for an inspector.
    keeps_input: bool,
    nondeterminism: Vec<String>,
}

impl Simulation<'_> {
    /// Starts an incarnation of a node.
    fn start(&mut self, node: usize, number: u32) {
        let name = &self.run.nodes()[node];
        // The word "life" is part of what is hashed into the seed, so it stays.
        let purpose = match number {
            0 => name.to_string(),
            later => format!("{name} life {later}"),
        };
        let incarnation = Incarnation {
            node,
            number,
            seed: substream(self.seed, &purpose).random(),
        };
        match (self.factory)(incarnation) {
            Ok(host) => self.slots[node].start(host),
            Err(error) => self
                .run
                .abort(format!("node {name} cannot be started: {error:#}")),
        }
    }

    fn deadline(&self) -> Option<Duration> {
        let node = self.wakes.first().map(|(at, _)| *at);
        node.into_iter().chain(self.run.deadline()).min()
    }

    fn wake_nodes(&mut self, now: Duration) {
        if self.wakes.first().is_none_or(|(at, _)| *at > now) {
            return;
        }
        let due = self.wakes.range(..=(now, usize::MAX));
        let due: BTreeSet<usize> = due.map(|(_, node)| *node).collect();
        for node in due {
            self.slots[node].wake(now);
            self.collect_output(now, node);
            self.schedule_wake(node);
        }
    }

    /// Schedules the next wake of a node, after anything that may have changed it.
    fn schedule_wake(&mut self, node: usize) {
        let (at, before) = (self.slots[node].deadline(), self.wakes_at[node]);
        if at != before {
            if let Some(before) = before {
                self.wakes.remove(&(before, node));
            }
            self.wakes.extend(at.map(|at| (at, node)));
            self.wakes_at[node] = at;
        }
    }

    fn execute(&mut self, now: Duration, command: Command) {
        let node = command.node();
        match command {
            Command::Line(node, message) => {
                let mut line = std::mem::take(&mut self.line);
                line.clear();
                message.push_line(&mut line);
                if self.keeps_input {
                    let time = self.run.log_time(now);
                    self.slots[node].keep_input(format!("{time} {}", line.trim_end()));
                }
                self.slots[node].receive(now, line.trim_end());
                self.line = line;
                self.collect_output(now, node);
            }
            Command::Pause(node) => self.slots[node].pause(),
            Command::Resume(node) => self.slots[node].resume(),
            Command::Kill(node) => {
                self.slots[node].kill();
                let time = self.run.log_time(now);
                self.slots[node].log.push(format!("{time} (killed)"));
            }
            Command::Start(node) => self.start(node, self.slots[node].next_incarnation()),
            Command::Skew(node, skew) => self.slots[node].skew(now, skew),
        }
        self.schedule_wake(node);
    }

    fn collect_output(&mut self, now: Duration, node: usize) {
        let slot = &mut self.slots[node];
        let Some(host) = slot.drain(&mut self.outbox) else {
            return;
        };
        if host.has_partial_line() {
            self.run.on_partial_line(node);
        }
        let failure = host.failure();
        let name = &self.run.nodes()[node];
        let reasons = host.take_nondeterminism().into_iter();
        self.nondeterminism
            .extend(reasons.map(|why| format!("{name}: {why}")));
        if !self.outbox.log.is_empty() {
            let time = self.run.log_time(now);
            let lines = self.outbox.log.drain(..);
            slot.log.extend(lines.map(|line| format!("{time} {line}")));
        }
        // The check alone is several times as fast, and nearly always enough.
        let lines = match std::str::from_utf8(&self.outbox.lines) {
            Ok(lines) => Cow::Borrowed(lines),
            Err(_) => String::from_utf8_lossy(&self.outbox.lines),
        };
        for line in lines.lines() {
            self.run.on_line(now, node, line);
        }
        if let Some(exit) = failure {
            self.run.report_exit(now, node, exit);
        }
    }
}
