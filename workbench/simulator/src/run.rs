//! One run of a test as a discrete-event machine: it never looks at a clock. Somebody calls
//! [`Run::advance`] with the time, carries out [`Run::next_command`] on the nodes and brings
//! [`Run::on_line`] back, and asks [`Run::deadline`] when to come again. The live runner does so
//! by the wall clock with processes, the simulation by jumping from deadline to deadline; all else
//! is here, once.

mod faults;
mod line;
mod operations;
mod output;
mod phases;
mod settings;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde_json::value::RawValue;
use shared::NodeId;

use crate::clients::{Clients, Mismatch, Purpose, Received, Reply};
use crate::generator::RoundRobin;
use crate::incident::{Incident, abridged};
use crate::message::{Body, Envelope};
use crate::nemesis::Skew;
use crate::network::{Network, Trace};
use crate::rng::{SeededRng, substream};
use crate::service::Services;
use crate::statistics::Statistics;
use crate::workload::Workload;
use history::{History, Kind, Op, OpError, OpMeta, Process, Value};

use faults::ProcessState;
use line::LineError;
use operations::Worker;
use output::{Output, RepeatedIncident};
use phases::Phase;
pub use phases::{INIT, INIT_TIMEOUT};
pub use settings::{RECOVERY, Settings};

/// How much misbehaviour is kept: a node that is wrong all the time would fill the memory.
const MAX_INCIDENTS: usize = 1000;

/// Follows what a node printed wrongly when another node's message had come before its own `init`
/// was worked off: on a line of its own, since long lines are cut.
const RACE: &str = "\n    this may be a race in the node: another node's message reached it \
                    before it had answered init; the bench is quicker than Maelstrom, and \
                    --latency 1 mostly hides such a race";

/// How far a run has come, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Since time zero.
    pub elapsed: Duration,
    /// Operations begun.
    pub invoked: u64,
    /// … and ended well,
    pub ok: u64,
    /// … in vain,
    pub failed: u64,
    /// … or unknown how.
    pub info: u64,
    /// Messages sent.
    pub messages: u64,
}

/// What is left of a run once it is over.
#[derive(Debug)]
pub struct Record {
    /// What clients did and saw.
    pub history: History,
    /// What crossed the network.
    pub statistics: Statistics,
    /// What nodes did wrong.
    pub incidents: Vec<Incident>,
    /// Why the run broke off, if it did.
    pub crash: Option<String>,
    /// When time zero was; none if it never came to that.
    pub zero: Option<Duration>,
    /// The messages, if they were written down.
    pub trace: Option<Trace>,
}

/// What is to be done with the node at a node in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// It is to read this line.
    Line(usize, String),
    /// It is to stand still, whatever it is doing.
    Pause(usize),
    /// … and to go on.
    Resume(usize),
    /// It is to die, without a word.
    Kill(usize),
    /// It is to be started anew.
    Start(usize),
    /// Its clock is to go wrong like this.
    Skew(usize, Skew),
}

/// A run in progress.
pub struct Run {
    settings: Settings,
    workload: Box<dyn Workload>,
    network: Network,
    services: Services,
    clients: Clients,
    workers: Vec<Worker>,
    turns: RoundRobin,
    rng: Rngs,
    phase: Phase,
    /// When time zero was; set once all nodes are initialised.
    zero: Option<Duration>,
    history: History,
    progress: Progress,
    incidents: Vec<Incident>,
    /// Nodes that printed something wrong: nothing they print counts any more.
    silenced: BTreeSet<NodeId>,
    /// Messages that clients dropped, by node and by what is wrong with them.
    strays: BTreeMap<(usize, Mismatch), RepeatedIncident>,
    outputs: Vec<Output>,
    process_states: Vec<ProcessState>,
    commands: VecDeque<Command>,
}

/// SeededRng for each purpose, so that one does not disturb the other.
struct Rngs {
    operations: SeededRng,
    order: SeededRng,
}

impl Run {
    /// A run that begins at `now`: `init` is on its way to every node.
    pub fn new(now: Duration, settings: Settings, workload: Box<dyn Workload>) -> Self {
        let seed = settings.seed;
        let mut run = Run {
            network: Network::new(
                settings.latency,
                substream(seed, "network"),
                substream(seed, "weather"),
            ),
            services: Services::new(substream(seed, "services")),
            clients: Clients::default(),
            workers: (0..settings.concurrency).map(Worker::new).collect(),
            turns: RoundRobin::new(settings.concurrency),
            rng: Rngs {
                operations: substream(seed, "operations"),
                order: substream(seed, "order"),
            },
            phase: Phase::Starting {
                waiting: (0..settings.nodes.len()).collect(),
            },
            zero: None,
            history: History::default(),
            progress: Progress::default(),
            incidents: Vec::new(),
            silenced: BTreeSet::new(),
            strays: BTreeMap::new(),
            outputs: vec![Output::default(); settings.nodes.len()],
            process_states: vec![ProcessState::Running; settings.nodes.len()],
            commands: VecDeque::new(),
            workload,
            settings,
        };
        if run.settings.keeps_trace {
            run.network.keep_trace();
        }
        run.network.set_net_log(run.settings.net_log);
        run.initialise(now);
        run
    }

    /// Lets everything happen that is due by `now`.
    pub fn advance(&mut self, now: Duration) {
        loop {
            if let Some(envelope) = self.network.poll(now) {
                self.deliver(now, envelope);
            } else if let Some(reply) = self.clients.expire_call(now, &mut self.network) {
                self.dispatch_reply(now, &reply);
            } else if !self.step(now) {
                break;
            }
        }
        if let Some(zero) = self.zero {
            self.progress.elapsed = now.saturating_sub(zero);
        }
    }

    /// When to advance next, if no node says anything before.
    pub fn deadline(&self) -> Option<Duration> {
        [
            self.phase_deadline(),
            self.network.deadline(),
            self.clients.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What is to be done with a node next.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// A node has printed a line.
    ///
    /// One that is no legal message is the last that counts: Maelstrom's reader stops there, and
    /// verdicts depend on it. Here the person is told.
    pub fn on_line(&mut self, now: Duration, node: usize, line: &str) {
        let name = self.settings.nodes[node].clone();
        self.set_printed_line(node);
        if self.silenced.contains(&name) || self.is_over() {
            return;
        }
        if let Err(error) = self.accept(now, line) {
            let hint = if self.may_be_race(node, &error, line) {
                RACE
            } else {
                ""
            };
            let what = error.what;
            let what = format!("{what}; whatever it prints from here on is ignored{hint}");
            self.report(now, node, what, Some(line));
            self.silenced.insert(name);
        }
    }

    /// Something is wrong with a node.
    pub fn report(&mut self, now: Duration, node: usize, mut what: String, line: Option<&str>) {
        match self.incidents.len() {
            MAX_INCIDENTS => return,
            last if last + 1 == MAX_INCIDENTS => {
                what.push_str(" (this list is full: what went wrong later is left out)");
            }
            _ => {}
        }
        self.incidents.push(Incident {
            at: self
                .zero
                .map_or(Duration::ZERO, |zero| now.saturating_sub(zero)),
            node: self.settings.nodes[node].clone(),
            what,
            line: line.map(abridged),
        });
    }

    /// Breaks the run off: nothing that happens from now on counts. One that has just ended is
    /// worth no more than any other; of several reasons the first one stays.
    pub fn abort(&mut self, why: String) {
        if !matches!(self.phase, Phase::Over { crash: Some(_) }) {
            self.phase = Phase::Over { crash: Some(why) };
        }
    }

    /// Whether nothing more will happen.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over { .. })
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        Progress {
            messages: self.network.statistics().all().sent,
            ..self.progress
        }
    }

    /// The lines of the network log since the last call, one per message.
    pub fn take_lines(&mut self) -> Vec<String> {
        self.network.take_lines()
    }

    /// The nodes, in order.
    pub fn nodes(&self) -> &[NodeId] {
        &self.settings.nodes
    }

    /// What nodes did wrong so far.
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// What is left of it.
    pub fn into_record(mut self) -> Record {
        self.count_strays();
        Record {
            zero: self.zero,
            trace: self.network.take_trace(),
            statistics: self.network.statistics().clone(),
            history: self.history,
            incidents: self.incidents,
            crash: match self.phase {
                Phase::Over { crash } => crash,
                Phase::Starting { .. }
                | Phase::SettingUp { .. }
                | Phase::Main { .. }
                | Phase::Draining
                | Phase::Recovering { .. }
                | Phase::Final { .. } => Some("the run was not over".to_owned()),
            },
        }
    }

    fn deliver(&mut self, now: Duration, envelope: Envelope) {
        let dest = &envelope.dest;
        if let Some(node) = self.settings.nodes.iter().position(|node| node == dest) {
            self.on_delivery(node, &envelope.src);
            let line = Command::Line(node, envelope.to_line());
            self.commands.push_back(line);
        } else if Services::is_service(dest.as_str()) {
            let answer =
                self.services
                    .handle(dest.as_str(), envelope.src.as_str(), envelope.body.json());
            match answer {
                // Who asks may be gone by now.
                Ok(answer) => {
                    let answer = Body::from(answer);
                    drop(self.network.send(now, dest, &envelope.src, answer));
                }
                Err(why) => {
                    let asker = self
                        .settings
                        .nodes
                        .iter()
                        .position(|it| *it == envelope.src);
                    let what = format!("its request to {dest} gets no answer: {why}");
                    self.report(now, asker.unwrap_or(0), what, Some(envelope.body.get()));
                }
            }
        } else {
            match self.clients.receive(&mut self.network, envelope) {
                Some(Received::Reply(reply)) => self.dispatch_reply(now, &reply),
                Some(Received::Stray(stray)) => self.on_stray(now, &stray),
                None => {}
            }
        }
    }

    fn dispatch_reply(&mut self, now: Duration, reply: &Reply) {
        match reply.purpose {
            Purpose::Init(node) => self.on_init_reply(now, node, reply),
            Purpose::SetUp(node) => self.on_set_up_reply(node, reply),
            Purpose::Work(worker) => self.on_reply(now, worker, reply),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of an operation, in their order"
    )]
    fn record(
        &mut self,
        now: Duration,
        process: Process,
        kind: Kind,
        f: &'static str,
        value: &RawValue,
        error: Option<OpError>,
        meta: OpMeta,
    ) {
        let since_zero = now.saturating_sub(self.zero.unwrap_or(now));
        self.history.ops.push(Op {
            index: self.history.ops.len(),
            time: u64::try_from(since_zero.as_nanos()).unwrap_or(u64::MAX),
            kind,
            process,
            f: f.into(),
            value: Value::from_wire(value),
            error: error.map(Box::new),
            meta,
        });
    }
}
