//! The virtual clock: a run with nodes in this very process, as fast as the machine can think.
//!
//! Time jumps from one deadline to the next. Nodes answer in no time; what crosses the network is
//! the same JSON text that processes would exchange. The same seed gives the same run, byte for
//! byte.

use std::time::Duration;

use shared::{Engine, Node, Outbox};

use crate::run::{Record, Run, Settings};
use crate::workload::Workload;

/// One who hosts a node: what an [`Engine`] can do, whatever the node's type.
pub trait Host: Send {
    /// Takes in one line of input.
    fn receive(&mut self, now: Duration, line: &str);
    /// Lets everything happen that is due by `now`.
    fn wake(&mut self, now: Duration);
    /// When it wants to be woken next.
    fn deadline(&self) -> Option<Duration>;
    /// Hands over what was said since the last time.
    fn drain(&mut self, outbox: &mut Outbox);
}

impl<N: Node> Host for Engine<N> {
    fn receive(&mut self, now: Duration, line: &str) {
        Engine::receive(self, now, line);
    }

    fn wake(&mut self, now: Duration) {
        Engine::wake(self, now);
    }

    fn deadline(&self) -> Option<Duration> {
        Engine::deadline(self)
    }

    fn drain(&mut self, outbox: &mut Outbox) {
        Engine::drain(self, outbox);
    }
}

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

/// Runs a test to its end. `host` makes the node at each place of the list.
pub fn simulate(
    settings: Settings,
    workload: Box<dyn Workload>,
    mut host: impl FnMut(usize) -> Box<dyn Host>,
) -> Simulated {
    let mut hosts: Vec<Box<dyn Host>> = (0..settings.nodes.len()).map(&mut host).collect();
    let mut logs = vec![Vec::new(); hosts.len()];
    let mut outbox = Outbox::default();
    let mut now = Duration::ZERO;
    let mut run = Run::new(now, settings, workload);
    let mut rounds = 0;
    while !run.is_over() {
        run.advance(now);
        for (place, host) in hosts.iter_mut().enumerate() {
            if host.deadline().is_some_and(|deadline| deadline <= now) {
                host.wake(now);
                listen(
                    &mut run,
                    now,
                    place,
                    host.as_mut(),
                    &mut outbox,
                    &mut logs[place],
                );
            }
        }
        while let Some((place, line)) = run.to_nodes() {
            let host = hosts[place].as_mut();
            host.receive(now, line.trim_end());
            listen(&mut run, now, place, host, &mut outbox, &mut logs[place]);
        }
        let next = hosts
            .iter()
            .filter_map(|host| host.deadline())
            .chain(run.deadline())
            .min();
        match next {
            Some(next) if next > now => (now, rounds) = (next, 0),
            // What became due while the nodes spoke is dealt with before time moves on.
            Some(_) if rounds < MOST_ROUNDS => rounds += 1,
            Some(_) => run.crash(format!(
                "time stands still at {now:?}: some node never rests"
            )),
            None if run.is_over() => {}
            None => run.crash("nothing is left to happen, and the run is not over".to_owned()),
        }
    }
    Simulated {
        record: run.into_record(),
        logs,
    }
}

fn listen(
    run: &mut Run,
    now: Duration,
    place: usize,
    host: &mut dyn Host,
    outbox: &mut Outbox,
    log: &mut Vec<String>,
) {
    host.drain(outbox);
    for line in String::from_utf8_lossy(&outbox.lines).lines() {
        run.from_node(now, place, line);
    }
    log.append(&mut outbox.log);
}
