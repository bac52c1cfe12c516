//! One run of a test as a discrete-event machine without a clock. A driver calls [`Run::advance`]
//! with the time, executes each [`Run::next_command`] on the nodes, passes what they print to
//! [`Run::on_line`], and calls again at [`Run::deadline`]. The live runner drives processes by the
//! wall clock, the simulation jumps from deadline to deadline; both share all other code.

mod deliver;
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

use crate::clients::{Clients, Mismatch};
use crate::generator::RoundRobin;
use crate::incident::{Exit, Incident, abridged};
use crate::message::Envelope;
use crate::names::ByName;
use crate::nemesis::Skew;
use crate::network::{Network, Trace};
use crate::rng::{SeededRng, substream};
use crate::service::Services;
use crate::statistics::Statistics;
use crate::workload::Workload;
use history::{History, Kind, Op, OpError, OpMeta, Process, Value};

use faults::NodeStatus;
use line::LineError;
pub use line::MAX_LINE_BYTES;
use operations::Worker;
use output::{Output, RepeatedIncident};
use phases::Phase;
pub use phases::{INIT, INIT_TIMEOUT, Stage};
pub use settings::{RECOVERY, Settings};

/// The limit of recorded incidents: a node that is wrong all the time would fill the memory.
const MAX_INCIDENTS: usize = 1000;

/// A hint for a wrong line that a node printed after another node's message, but before it had
/// answered `init`. It has a line of its own, since long lines are cut.
const RACE: &str = "\n    this may be a race in the node: another node's message reached it \
                    before it had answered init; the bench is quicker than Maelstrom, and \
                    --latency 1 mostly hides such a race";

/// The progress of a run, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// What the run is doing.
    pub stage: Stage,
    /// The time since time zero.
    pub elapsed: Duration,
    /// The planned time from time zero to the final phase, or else to the end.
    pub planned: Duration,
    /// Operations invoked.
    pub invoked: u64,
    /// Operations completed as `ok`.
    pub ok: u64,
    /// Operations completed as `fail`.
    pub failed: u64,
    /// Operations completed as `info`: their outcome is unknown.
    pub info: u64,
    /// Messages sent.
    pub messages: u64,
}

/// What a run leaves behind: all that is judged, stored and reported.
#[derive(Debug, Default)]
pub struct Record {
    /// Operations of clients and of the nemesis.
    pub history: History,
    /// Message counts.
    pub statistics: Statistics,
    /// Messages between servers, sent or to be received, of the node with the most.
    pub busiest_node: u64,
    /// Protocol errors of nodes.
    pub incidents: Vec<Incident>,
    /// Why the run was aborted, if it was.
    pub abort_reason: Option<String>,
    /// When the run was interrupted, if it was: the time since time zero.
    pub interrupted_at: Option<Duration>,
    /// Time zero: when all nodes were initialised; `None` if they never were.
    pub zero: Option<Duration>,
    /// The messages, if they were recorded.
    pub trace: Option<Trace>,
    /// The log lines of each simulated node, in the nodes' order, each after its virtual time; live
    /// nodes log to files.
    pub logs: Vec<Vec<String>>,
    /// What another simulation of the same seed may do otherwise, if anything.
    pub nondeterminism: Vec<String>,
}

impl Record {
    /// Why another simulation of the same seed may go another way, a sentence each.
    pub fn caveats(&self) -> impl Iterator<Item = String> {
        let reasons = self.nondeterminism.iter();
        reasons.map(|why| format!("this run may not repeat: {why}"))
    }
}

/// A command to the driver, for the node of this index.
#[derive(Debug, Clone)]
pub enum Command {
    /// Write this message, [as a line](Envelope::to_line), to the node's input.
    Line(usize, Envelope),
    /// Pause the node, whatever it is doing.
    Pause(usize),
    /// Resume the paused node.
    Resume(usize),
    /// Kill the node at once.
    Kill(usize),
    /// Start the killed node again.
    Start(usize),
    /// Change the node's clock.
    Skew(usize, Skew),
}

impl Command {
    /// The node that it is for.
    pub fn node(&self) -> usize {
        match self {
            Command::Line(node, _)
            | Command::Pause(node)
            | Command::Resume(node)
            | Command::Kill(node)
            | Command::Start(node)
            | Command::Skew(node, _) => *node,
        }
    }
}

/// A run in progress.
pub struct Run {
    settings: Settings,
    workload: Box<dyn Workload>,
    /// The indices of the nodes in the settings.
    node_indices: ByName<usize>,
    /// The list of the nodes, as every `init` has it.
    node_ids: Box<RawValue>,
    network: Network,
    services: Services,
    clients: Clients,
    workers: Vec<Worker>,
    turns: RoundRobin,
    rng: Rngs,
    phase: Phase,
    /// Time zero; set once all nodes are initialised.
    zero: Option<Duration>,
    interrupted_at: Option<Duration>,
    history: History,
    progress: Progress,
    incidents: Vec<Incident>,
    /// Nodes that have printed an invalid message. Until they restart, what they print is ignored.
    silenced: BTreeSet<NodeId>,
    /// Messages that clients ignored, by node and by what is wrong with them.
    strays: BTreeMap<(usize, Mismatch), RepeatedIncident>,
    outputs: Vec<Output>,
    node_statuses: Vec<NodeStatus>,
    commands: VecDeque<Command>,
}

/// A random generator per purpose, so that one does not change the numbers of the other.
struct Rngs {
    operations: SeededRng,
    order: SeededRng,
}

impl Run {
    /// A run that begins at `now`: `init` is on its way to every node.
    pub fn new(now: Duration, settings: Settings, workload: Box<dyn Workload>) -> Self {
        let seed = settings.seed;
        let mut run = Run {
            // The labels of substreams are part of the seed, so they stay: "weather" draws message
            // faults.
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
            node_indices: settings.nodes.iter().cloned().zip(0..).collect(),
            node_ids: history::json(&settings.nodes),
            zero: None,
            interrupted_at: None,
            history: History::default(),
            progress: Progress::default(),
            incidents: Vec::new(),
            silenced: BTreeSet::new(),
            strays: BTreeMap::new(),
            outputs: vec![Output::default(); settings.nodes.len()],
            node_statuses: vec![NodeStatus::Running; settings.nodes.len()],
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

    /// Runs everything that is due by `now`.
    pub fn advance(&mut self, now: Duration) {
        loop {
            if let Some(envelope) = self.network.poll(now) {
                self.deliver(now, envelope);
            } else if let Some(reply) = self.clients.expire_request(now, &mut self.network) {
                self.dispatch_reply(now, &reply);
            } else if !self.run_due(now) {
                break;
            }
        }
        if let Some(zero) = self.zero {
            self.progress.elapsed = now.saturating_sub(zero);
        }
    }

    /// When to advance next, unless a node prints something before.
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

    /// The next command to the driver.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// A node has printed a line.
    ///
    /// After an invalid message, which an incident reports, all further lines of the node are
    /// ignored: Maelstrom's reader stops there, and verdicts depend on it.
    pub fn on_line(&mut self, now: Duration, node: usize, line: &str) {
        let name = self.settings.nodes[node].clone();
        self.set_printed_line(node);
        if self.silenced.contains(&name) || self.is_over() {
            return;
        }
        if let Err(error) = self.send_printed_line(now, line) {
            let hint = if self.may_be_race(node, &error, line) {
                RACE
            } else {
                ""
            };
            let what = error.what;
            let what = format!("{what}; everything that it prints after this is ignored{hint}");
            self.report(now, node, what, Some(line));
            self.silenced.insert(name);
        }
    }

    /// Records an incident of a node.
    pub fn report(&mut self, now: Duration, node: usize, mut what: String, line: Option<&str>) {
        match self.incidents.len() {
            MAX_INCIDENTS => return,
            last if last + 1 == MAX_INCIDENTS => {
                what.push_str(" (this list is full: later incidents are left out)");
            }
            _ => {}
        }
        self.push_incident(now, node, what, line, None);
    }

    fn push_incident(
        &mut self,
        now: Duration,
        node: usize,
        what: String,
        line: Option<&str>,
        exit: Option<Exit>,
    ) {
        let zero = self.zero;
        self.incidents.push(Incident {
            at: zero.map_or(Duration::ZERO, |zero| now.saturating_sub(zero)),
            node: self.settings.nodes[node].clone(),
            what,
            line: line.map(abridged),
            exit,
        });
    }

    /// Records the end of a node's process, and aborts the run.
    pub fn report_exit(&mut self, now: Duration, node: usize, exit: Exit) {
        // It is recorded even if the list is full: it is the last one.
        self.push_incident(now, node, exit.to_string(), None, Some(exit));
        self.abort("a node ended before the test did".to_owned());
    }

    /// Aborts the run, even one that has just ended. Of several reasons the first one stays.
    pub fn abort(&mut self, why: String) {
        if !matches!(
            self.phase,
            Phase::Over {
                abort_reason: Some(_)
            }
        ) {
            self.phase = Phase::Over {
                abort_reason: Some(why),
            };
        }
    }

    /// Whether the run has ended or was aborted.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over { .. })
    }

    /// The progress so far.
    pub fn progress(&self) -> Progress {
        Progress {
            stage: self.stage(),
            planned: self.planned(),
            messages: self.network.statistics().all().sent,
            ..self.progress
        }
    }

    /// Takes the lines of the network log since the last call, one per message.
    pub fn take_net_log(&mut self) -> Vec<String> {
        self.network.take_net_log()
    }

    /// The time since time zero, if that has come.
    pub fn since_zero(&self, now: Duration) -> Option<Duration> {
        self.zero.map(|zero| now.saturating_sub(zero))
    }

    /// The time of a log line: since time zero, if that has come.
    pub fn log_time(&self, now: Duration) -> String {
        let since_zero = self.since_zero(now).map(|it| it.as_secs_f64());
        since_zero.map_or_else(|| "start".to_owned(), |seconds| format!("{seconds:.3} s"))
    }

    /// How many entries the history has.
    pub fn history_len(&self) -> usize {
        self.history.ops.len()
    }

    /// Why the run was aborted, if it was.
    pub fn abort_reason(&self) -> Option<&str> {
        match &self.phase {
            Phase::Over { abort_reason } => abort_reason.as_deref(),
            _ => None,
        }
    }

    /// The nodes, in order.
    pub fn nodes(&self) -> &[NodeId] {
        &self.settings.nodes
    }

    /// The protocol errors of nodes so far.
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// The results of the run.
    pub fn into_record(mut self) -> Record {
        self.count_strays();
        Record {
            logs: Vec::new(),
            nondeterminism: Vec::new(),
            interrupted_at: self.interrupted_at,
            zero: self.zero,
            trace: self.network.take_trace(),
            statistics: self.network.statistics().clone(),
            busiest_node: self.network.busiest_node(),
            history: self.history,
            incidents: self.incidents,
            abort_reason: match self.phase {
                Phase::Over { abort_reason } => abort_reason,
                Phase::Starting { .. }
                | Phase::SettingUp { .. }
                | Phase::Main { .. }
                | Phase::Draining
                | Phase::Recovering { .. }
                | Phase::Final { .. } => Some("the run was not over".to_owned()),
            },
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
        value: Value,
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
            value,
            error: error.map(Box::new),
            meta,
        });
    }
}
