//! The virtual clock: a run with nodes in this process, as fast as the machine can compute.
//!
//! Time jumps from one deadline to the next. Nodes answer at once; what crosses the network is the
//! same JSON text that processes would exchange. The same seed gives the same run, byte for byte,
//! restarts and wrong clocks included.

mod dyn_engine;
mod node_slot;

use std::time::Duration;

use shared::Outbox;

use crate::rng::substream;
use crate::run::{Command, Record, Run, Settings};
use crate::workload::Workload;

use node_slot::NodeSlot;
use rand::RngExt;

pub use dyn_engine::DynEngine;

/// Makes the engines of nodes of one type, each from the seed of its random numbers.
pub type Factory = Box<dyn Fn(u64) -> Box<dyn DynEngine> + Send + Sync>;

/// The limit of rounds between nodes and network at one moment.
const MAX_ROUNDS: u32 = 1_000_000;

/// Runs a test to its end. `engine` makes a node from the seed of its random numbers, which differs
/// for each node and each incarnation.
pub fn simulate(
    settings: &Settings,
    workload: Box<dyn Workload>,
    engine: impl Fn(u64) -> Box<dyn DynEngine>,
) -> Record {
    // The word "life" is part of what is hashed into the seed, so it stays.
    let make_engine = |node: usize, incarnation: u32| {
        let name = settings.nodes[node].as_str();
        let purpose = match incarnation {
            0 => name.to_owned(),
            later => format!("{name} life {later}"),
        };
        engine(substream(settings.seed, &purpose).random())
    };
    let nodes = 0..settings.nodes.len();
    let slots = nodes
        .map(|node| NodeSlot::new(make_engine(node, 0)))
        .collect();
    let mut simulation = Simulation {
        run: Run::new(Duration::ZERO, settings.clone(), workload),
        slots,
        outbox: Outbox::default(),
    };
    let mut now = Duration::ZERO;
    let mut rounds = 0;
    while !simulation.run.is_over() {
        simulation.run.advance(now);
        simulation.wake_nodes(now);
        while let Some(command) = simulation.run.next_command() {
            simulation.execute(now, command, make_engine);
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
        ..simulation.run.into_record()
    }
}

/// The run and its nodes.
struct Simulation {
    run: Run,
    slots: Vec<NodeSlot>,
    outbox: Outbox,
}

impl Simulation {
    fn deadline(&self) -> Option<Duration> {
        let nodes = self.slots.iter().filter_map(NodeSlot::deadline);
        nodes.chain(self.run.deadline()).min()
    }

    fn wake_nodes(&mut self, now: Duration) {
        for node in 0..self.slots.len() {
            let slot = &mut self.slots[node];
            if slot.deadline().is_some_and(|deadline| deadline <= now) {
                slot.wake(now);
                self.collect_output(now, node);
            }
        }
    }

    fn execute(
        &mut self,
        now: Duration,
        command: Command,
        make_engine: impl Fn(usize, u32) -> Box<dyn DynEngine>,
    ) {
        match command {
            Command::Line(node, line) => {
                self.slots[node].receive(now, line.trim_end());
                self.collect_output(now, node);
            }
            Command::Pause(node) => self.slots[node].pause(),
            Command::Resume(node) => self.slots[node].resume(),
            Command::Kill(node) => self.slots[node].kill(),
            Command::Start(node) => {
                self.slots[node].start(|incarnation| make_engine(node, incarnation));
            }
            Command::Skew(node, skew) => self.slots[node].skew(now, skew),
        }
    }

    fn collect_output(&mut self, now: Duration, node: usize) {
        self.slots[node].drain(&mut self.outbox);
        for line in String::from_utf8_lossy(&self.outbox.lines).lines() {
            self.run.on_line(now, node, line);
        }
    }
}
