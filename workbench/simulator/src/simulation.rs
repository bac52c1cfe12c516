//! The virtual clock: a run with nodes in this very process, as fast as the machine can think.
//!
//! Time jumps from one deadline to the next. Nodes answer in no time; what crosses the network is
//! the same JSON text that processes would exchange. The same seed gives the same run, byte for
//! byte, restarts and wrong clocks included.

mod host;
mod seat;

use std::time::Duration;

use shared::Outbox;

use crate::rng::substream;
use crate::run::{Command, Record, Run, Settings};
use crate::workload::Workload;

use rand::RngExt;
use seat::Seat;

pub use host::Host;

/// Makes nodes of one kind, each from the seed of its random numbers.
pub type Factory = Box<dyn Fn(u64) -> Box<dyn Host> + Send + Sync>;

/// How often nodes and network may go back and forth within one instant.
const MOST_ROUNDS: u32 = 1_000_000;

/// A simulated run's record, and what its nodes remarked on stderr, by node.
#[derive(Debug)]
pub struct Simulated {
    /// What is left of the run.
    pub record: Record,
    /// Each node's remarks, in the nodes' order.
    pub logs: Vec<Vec<String>>,
}

/// Runs a test to its end. `host` makes a node out of the seed of its rng, which is another one
/// each time that a node is started.
pub fn simulate(
    settings: &Settings,
    workload: Box<dyn Workload>,
    host: impl Fn(u64) -> Box<dyn Host>,
) -> Simulated {
    let birth = |place: usize, life: u32| {
        let name = settings.nodes[place].as_str();
        let purpose = match life {
            0 => name.to_owned(),
            life => format!("{name} life {life}"),
        };
        host(substream(settings.seed, &purpose).random())
    };
    let places = 0..settings.nodes.len();
    let seats = places.map(|place| Seat::new(birth(place, 0))).collect();
    let mut stage = Stage {
        run: Run::new(Duration::ZERO, settings.clone(), workload),
        seats,
        outbox: Outbox::default(),
    };
    let mut now = Duration::ZERO;
    let mut rounds = 0;
    while !stage.run.is_over() {
        stage.run.advance(now);
        stage.wake_nodes(now);
        while let Some(command) = stage.run.next_command() {
            stage.execute(now, command, birth);
        }
        match stage.deadline() {
            Some(next) if next > now => (now, rounds) = (next, 0),
            // What became due while the nodes spoke is dealt with before time moves on.
            Some(_) if rounds < MOST_ROUNDS => rounds += 1,
            Some(_) => stage.run.crash(format!(
                "time stands still at {now:?}: some node never rests"
            )),
            None if stage.run.is_over() => {}
            None => {
                let why = "nothing is left to happen, and the run is not over";
                stage.run.crash(why.to_owned());
            }
        }
    }
    Simulated {
        record: stage.run.into_record(),
        logs: stage.seats.into_iter().map(|seat| seat.log).collect(),
    }
}

/// The run, and the nodes that it is about.
struct Stage {
    run: Run,
    seats: Vec<Seat>,
    outbox: Outbox,
}

impl Stage {
    fn deadline(&self) -> Option<Duration> {
        let nodes = self.seats.iter().filter_map(Seat::deadline);
        nodes.chain(self.run.deadline()).min()
    }

    fn wake_nodes(&mut self, now: Duration) {
        for place in 0..self.seats.len() {
            let seat = &mut self.seats[place];
            if seat.deadline().is_some_and(|deadline| deadline <= now) {
                seat.wake(now);
                self.listen(now, place);
            }
        }
    }

    fn execute(
        &mut self,
        now: Duration,
        command: Command,
        birth: impl Fn(usize, u32) -> Box<dyn Host>,
    ) {
        match command {
            Command::Line(place, line) => {
                self.seats[place].receive(now, line.trim_end());
                self.listen(now, place);
            }
            Command::Pause(place) => self.seats[place].pause(),
            Command::Resume(place) => self.seats[place].resume(),
            Command::Kill(place) => self.seats[place].kill(),
            Command::Start(place) => self.seats[place].start(|life| birth(place, life)),
            Command::Skew(place, skew) => self.seats[place].skew(now, skew),
        }
    }

    fn listen(&mut self, now: Duration, place: usize) {
        self.seats[place].drain(&mut self.outbox);
        for line in String::from_utf8_lossy(&self.outbox.lines).lines() {
            self.run.from_node(now, place, line);
        }
    }
}
