//! A run by the simulation, and the same run by the plainest loop that can drive one: same history, same
//! counts, same logs.

use std::time::Duration;

use rand::RngExt as _;
use shared::Outbox;
use simulator::nemesis::Fault;
use simulator::rng::substream;
use simulator::run::{Command, Record, Run};
use simulator::simulation::{Host, Incarnation, simulate};

use crate::bytes::Bytes;
use crate::cluster::{Cluster, factory};

/// The limit of turns of the loop.
const MAX_TURNS: u32 = 200_000;

/// All faults but wrong clocks, as here every node has the run's.
const FAULTS: [Fault; 6] = [
    Fault::Partition,
    Fault::Loss,
    Fault::Duplicate,
    Fault::Delay,
    Fault::Pause,
    Fault::Kill,
];

pub(crate) fn drive(input: &[u8]) {
    let cluster = Cluster::draw(&mut Bytes::new(input), &FAULTS);
    let factory = factory(cluster.name, cluster.is_durable);
    let record = simulate(&cluster.settings, cluster.workload(), &factory);
    let by_hand = Hand::run(&cluster);
    let history = |record: &Record| {
        let mut text = Vec::new();
        record
            .history
            .write_edn(&mut text)
            .expect("memory can be written");
        String::from_utf8(text).expect("a history is text")
    };
    assert_eq!(history(&record), history(&by_hand));
    assert_eq!(record.abort_reason, by_hand.abort_reason);
    let counts = |record: &Record| format!("{:?}", record.statistics);
    assert_eq!(counts(&record), counts(&by_hand));
    assert_eq!(record.incidents.len(), by_hand.incidents.len());
}

/// Drives a run without queues of its own: it asks everyone at each moment.
struct Hand<'a> {
    cluster: &'a Cluster,
    run: Run,
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    host: Option<Box<dyn Host>>,
    is_paused: bool,
    incarnations: u32,
}

impl Hand<'_> {
    fn run(cluster: &Cluster) -> Record {
        let mut hand = Hand {
            cluster,
            run: Run::new(Duration::ZERO, cluster.settings.clone(), cluster.workload()),
            nodes: cluster
                .settings
                .nodes
                .iter()
                .map(|_| Node::default())
                .collect(),
        };
        (0..hand.nodes.len()).for_each(|node| hand.start(node));
        let mut now = Duration::ZERO;
        for _ in 0..MAX_TURNS {
            hand.turn(now);
            if hand.run.is_over() {
                return hand.run.into_record();
            }
            let deadlines = hand.nodes.iter().filter_map(Node::deadline);
            let next = deadlines.chain(hand.run.deadline()).min();
            now = now.max(next.expect("a run that is not over has a deadline"));
        }
        panic!("the run is not over after {MAX_TURNS} turns")
    }

    fn turn(&mut self, now: Duration) {
        self.run.advance(now);
        for node in 0..self.nodes.len() {
            if self.nodes[node].deadline().is_some_and(|at| at <= now) {
                if let Some(host) = self.nodes[node].awake() {
                    host.wake(now);
                }
                self.pass_output(now, node);
            }
        }
        while let Some(command) = self.run.next_command() {
            let node = command.node();
            match command {
                Command::Line(_, message) => {
                    if let Some(host) = self.nodes[node].awake() {
                        host.receive(now, message.to_line().trim_end());
                    }
                    self.pass_output(now, node);
                }
                Command::Pause(_) => self.nodes[node].is_paused = true,
                Command::Resume(_) => self.nodes[node].is_paused = false,
                Command::Kill(_) => {
                    self.nodes[node].host = None;
                    self.nodes[node].is_paused = false;
                }
                Command::Start(_) => self.start(node),
                Command::Skew(..) => unreachable!("clocks are right"),
            }
        }
    }

    fn start(&mut self, node: usize) {
        let number = self.nodes[node].incarnations;
        let name = &self.run.nodes()[node];
        // The names of a simulation's substreams.
        let purpose = match number {
            0 => name.to_string(),
            later => format!("{name} life {later}"),
        };
        let incarnation = Incarnation {
            node,
            number,
            seed: substream(self.cluster.settings.seed, &purpose).random(),
        };
        let factory = factory(self.cluster.name, self.cluster.is_durable);
        self.nodes[node].host = Some(factory(incarnation).expect("our nodes start"));
        self.nodes[node].incarnations += 1;
    }

    fn pass_output(&mut self, now: Duration, node: usize) {
        let mut outbox = Outbox::default();
        if let Some(host) = &mut self.nodes[node].host {
            host.drain(&mut outbox);
        }
        let lines = String::from_utf8(outbox.lines).expect("our nodes print text");
        lines
            .lines()
            .for_each(|line| self.run.on_line(now, node, line));
    }
}

impl Node {
    fn awake(&mut self) -> Option<&mut Box<dyn Host>> {
        self.host.as_mut().filter(|_| !self.is_paused)
    }

    fn deadline(&self) -> Option<Duration> {
        let host = self.host.as_ref().filter(|_| !self.is_paused)?;
        host.deadline()
    }
}
