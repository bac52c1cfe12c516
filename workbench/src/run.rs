//! One run of a test as a discrete-event machine: it never looks at a clock. Somebody calls
//! [`Run::advance`] with the time, carries [`Run::to_nodes`] to the nodes and [`Run::from_node`]
//! back, and asks [`Run::deadline`] when to come again. The live runner does so by the wall clock
//! with processes, the simulation by jumping from deadline to deadline; all else is here, once.

mod operations;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::NodeId;

use crate::clients::{Clients, Purpose, Reply};
use crate::dice::branch;
use crate::generator::{Pace, Turns};
use crate::history::{History, Kind, Op, OpError, Process, null};
use crate::incident::{Incident, abridged};
use crate::nemesis::{self, Act, Nemesis};
use crate::network::{Envelope, Latency, Network, Unroutable};
use crate::service::Services;
use crate::statistics::Statistics;
use crate::workload::{Question, Rpc, Workload};

use operations::Worker;

/// How long the network rests, healed, between the main phase and the final one in Maelstrom.
pub const RECOVERY: Duration = Duration::from_secs(10);

/// How long a node has for its answer to `init`.
const INIT_PATIENCE: Duration = Duration::from_secs(10);

/// The answer to it is judged by its type alone.
static INIT: Rpc = Rpc {
    request: "init",
    response: "init_ok",
    fields: &[],
};

/// What a run is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The nodes' names, in order.
    pub nodes: Vec<NodeId>,
    /// How many workers perform operations.
    pub concurrency: usize,
    /// Operations a second, all workers together.
    pub rate: f64,
    /// How long the main phase lasts.
    pub time_limit: Duration,
    /// How long the healed network rests before the final phase.
    pub recovery: Duration,
    /// How long messages take.
    pub latency: Latency,
    /// The mean time between the nemesis' acts, if there is a nemesis.
    pub partitions: Option<Duration>,
    /// What all dice of the run start from.
    pub seed: u64,
}

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
}

/// A run in progress.
pub struct Run {
    settings: Settings,
    workload: Box<dyn Workload>,
    network: Network,
    services: Services,
    clients: Clients,
    workers: Vec<Worker>,
    turns: Turns,
    dice: Dices,
    phase: Phase,
    /// When time zero was; set once all nodes are initialised.
    zero: Option<Duration>,
    history: History,
    progress: Progress,
    incidents: Vec<Incident>,
    /// Nodes that printed something wrong: nothing they print counts any more.
    silenced: BTreeSet<NodeId>,
    to_nodes: VecDeque<(usize, String)>,
}

/// Dice for each purpose, so that one does not disturb the other.
struct Dices {
    operations: crate::dice::Dice,
    order: crate::dice::Dice,
}

enum Phase {
    /// Nodes learn who they are.
    Starting { waiting: BTreeSet<usize> },
    /// Nodes are told what the workload wants them to know.
    SettingUp { waiting: BTreeSet<usize> },
    /// Operations at a pace, and perhaps partitions.
    Main {
        start: Duration,
        pace: Option<Box<Pace>>,
        nemesis: Option<Box<Nemesis>>,
    },
    /// No more operations begin; those that did are waited for.
    Draining { partitions: bool },
    /// Rest until then.
    Recovering { until: Duration },
    /// The last operations.
    Final,
    /// The end, and why it came early if it did.
    Over { crash: Option<String> },
}

impl Run {
    /// A run that begins at `now`: `init` is on its way to every node.
    pub fn new(now: Duration, settings: Settings, workload: Box<dyn Workload>) -> Self {
        let seed = settings.seed;
        let mut run = Run {
            network: Network::new(settings.latency, branch(seed, "network")),
            services: Services::new(branch(seed, "services")),
            clients: Clients::default(),
            workers: (0..settings.concurrency).map(Worker::new).collect(),
            turns: Turns::new(settings.concurrency),
            dice: Dices {
                operations: branch(seed, "operations"),
                order: branch(seed, "order"),
            },
            phase: Phase::Starting {
                waiting: (0..settings.nodes.len()).collect(),
            },
            zero: None,
            history: History::default(),
            progress: Progress::default(),
            incidents: Vec::new(),
            silenced: BTreeSet::new(),
            to_nodes: VecDeque::new(),
            workload,
            settings,
        };
        run.initialise(now);
        run
    }

    /// Lets everything happen that is due by `now`.
    pub fn advance(&mut self, now: Duration) {
        loop {
            if let Some(envelope) = self.network.poll(now) {
                self.deliver(now, envelope);
            } else if let Some(reply) = self.clients.give_up(now, &mut self.network) {
                self.hear(now, &reply);
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
        let phase = match &self.phase {
            Phase::Main {
                start,
                pace,
                nemesis,
            } => {
                let end = *start + self.settings.time_limit;
                let work = match pace {
                    Some(pace) if self.workers.iter().any(Worker::is_free) => Some(pace.next_at()),
                    Some(_) => None,
                    None => Some(end),
                };
                let act = nemesis.as_ref().map(|it| *start + it.next_at());
                // Whatever falls behind the end will not happen, but the end itself will.
                work.into_iter().chain(act).min().map(|at| at.min(end))
            }
            Phase::Recovering { until } => Some(*until),
            Phase::Starting { .. }
            | Phase::SettingUp { .. }
            | Phase::Draining { .. }
            | Phase::Final
            | Phase::Over { .. } => None,
        };
        [phase, self.network.deadline(), self.clients.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next line that a node is to read: its place in the list, and the text.
    pub fn to_nodes(&mut self) -> Option<(usize, String)> {
        self.to_nodes.pop_front()
    }

    /// A node has printed a line.
    ///
    /// One that is no legal message is the last that counts: Maelstrom's reader stops there, and
    /// verdicts depend on it. Here the person is told.
    pub fn from_node(&mut self, now: Duration, node: usize, line: &str) {
        let name = self.settings.nodes[node].clone();
        if self.silenced.contains(&name) {
            return;
        }
        if let Err(what) = self.accept(now, line) {
            let what = format!("{what}; whatever it prints from here on is ignored");
            self.note(now, node, what, Some(line));
            self.silenced.insert(name);
        }
    }

    /// Something is wrong with a node.
    pub fn note(&mut self, now: Duration, node: usize, what: String, line: Option<&str>) {
        self.incidents.push(Incident {
            at: self
                .zero
                .map_or(Duration::ZERO, |zero| now.saturating_sub(zero)),
            node: self.settings.nodes[node].clone(),
            what,
            line: line.map(abridged),
        });
    }

    /// Breaks the run off: nothing that happens from now on counts.
    pub fn crash(&mut self, why: String) {
        if !self.is_over() {
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

    /// The nodes, in order.
    pub fn nodes(&self) -> &[NodeId] {
        &self.settings.nodes
    }

    /// What nodes did wrong so far.
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// What is left of it.
    pub fn into_record(self) -> Record {
        Record {
            statistics: self.network.statistics().clone(),
            history: self.history,
            incidents: self.incidents,
            crash: match self.phase {
                Phase::Over { crash } => crash,
                Phase::Starting { .. }
                | Phase::SettingUp { .. }
                | Phase::Main { .. }
                | Phase::Draining { .. }
                | Phase::Recovering { .. }
                | Phase::Final => Some("the run was not over".to_owned()),
            },
        }
    }

    fn initialise(&mut self, now: Duration) {
        let names = self
            .settings
            .nodes
            .iter()
            .map(NodeId::clone)
            .chain(services());
        for name in names.collect::<Vec<_>>() {
            self.network.register(name.clone());
            self.network.listen(now, &name);
        }
        let nodes = self.settings.nodes.clone();
        let list = json(&nodes);
        for (place, node) in nodes.into_iter().enumerate() {
            let fields = vec![("node_id", json(&node)), ("node_ids", list.clone())];
            let question = Question {
                rpc: &INIT,
                fields,
                patience: INIT_PATIENCE,
            };
            let client = self
                .clients
                .open(&mut self.network, node, Purpose::Init(place));
            self.clients.ask(now, &mut self.network, &client, &question);
        }
    }

    fn deliver(&mut self, now: Duration, envelope: Envelope) {
        let dest = &envelope.dest;
        if let Some(place) = self.settings.nodes.iter().position(|node| node == dest) {
            self.to_nodes.push_back((place, envelope.to_line()));
        } else if Services::is_service(dest.as_str()) {
            let answer = self
                .services
                .handle(dest.as_str(), envelope.src.as_str(), &envelope.body);
            match answer {
                // Who asks may be gone by now.
                Ok(body) => drop(self.network.send(now, dest, &envelope.src, body)),
                Err(why) => {
                    let asker = self
                        .settings
                        .nodes
                        .iter()
                        .position(|it| *it == envelope.src);
                    let what = format!("its request to {dest} gets no answer: {why}");
                    self.note(now, asker.unwrap_or(0), what, Some(envelope.body.get()));
                }
            }
        } else if let Some(reply) =
            self.clients
                .hear(&mut self.network, &envelope.dest, envelope.body)
        {
            self.hear(now, &reply);
        }
    }

    fn hear(&mut self, now: Duration, reply: &Reply) {
        match reply.purpose {
            Purpose::Init(place) => self.hear_init(place, reply),
            Purpose::SetUp(place) => self.hear_set_up(place, reply),
            Purpose::Work(worker) => self.go_on(now, worker, reply),
        }
    }

    fn hear_init(&mut self, place: usize, reply: &Reply) {
        self.clients.close(&mut self.network, &reply.client);
        let node = &self.settings.nodes[place];
        match reply.kind().as_deref() {
            Some("init_ok") => {
                if let Phase::Starting { waiting } = &mut self.phase {
                    waiting.remove(&place);
                }
            }
            Some("error") => self.crash(format!("node {node} answered init with an error")),
            Some(kind) => {
                self.crash(format!(
                    "node {node} answered init with {kind:?}, not \"init_ok\""
                ));
            }
            None => {
                let patience = INIT_PATIENCE.as_secs();
                self.crash(format!(
                    "node {node} did not answer init within {patience} s"
                ));
            }
        }
    }

    fn hear_set_up(&mut self, place: usize, reply: &Reply) {
        let refusal = reply.answer().err();
        if let Phase::SettingUp { waiting } = &mut self.phase {
            waiting.remove(&place);
        }
        let node = &self.settings.nodes[place];
        match refusal.map(|it| it.error) {
            None => {}
            Some(OpError::NetTimeout) => {
                self.crash(format!(
                    "node {node} did not answer the set-up request in time"
                ));
            }
            Some(OpError::Rpc { name, text }) => {
                self.crash(format!(
                    "node {node} refused the set-up request: {name}: {text}"
                ));
            }
            Some(OpError::Malformed { text }) => self.crash(format!("node {node}: {text}")),
        }
    }

    /// Does what the phase asks for now; whether there was anything.
    fn step(&mut self, now: Duration) -> bool {
        match &self.phase {
            Phase::Starting { waiting } if waiting.is_empty() => self.begin_set_up(now),
            Phase::SettingUp { waiting } if waiting.is_empty() => self.begin_main(now),
            Phase::Main { .. } => return self.step_main(now),
            Phase::Draining { partitions } if self.workers.iter().all(Worker::is_free) => {
                self.end_main(now, *partitions);
            }
            Phase::Recovering { until } if *until <= now => self.phase = Phase::Final,
            Phase::Final => return self.step_final(now),
            Phase::Starting { .. }
            | Phase::SettingUp { .. }
            | Phase::Draining { .. }
            | Phase::Recovering { .. }
            | Phase::Over { .. } => return false,
        }
        true
    }

    fn begin_set_up(&mut self, now: Duration) {
        self.zero = Some(now);
        let nodes = self.settings.nodes.clone();
        let question = self.workload.set_up(&nodes);
        let waiting = (0..nodes.len()).filter(|_| question.is_some()).collect();
        self.phase = Phase::SettingUp { waiting };
        for (place, node) in nodes.into_iter().enumerate() {
            // As in Maelstrom, these clients stay to the end and use up a number each.
            let client = self
                .clients
                .open(&mut self.network, node, Purpose::SetUp(place));
            if let Some(question) = &question {
                self.clients.ask(now, &mut self.network, &client, question);
            }
        }
    }

    fn begin_main(&mut self, now: Duration) {
        let Settings {
            rate,
            partitions,
            seed,
            ..
        } = self.settings;
        let names: Vec<Arc<str>> = self
            .settings
            .nodes
            .iter()
            .map(|node| node.as_str().into())
            .collect();
        let nemesis = partitions
            .map(|interval| Box::new(Nemesis::new(names, interval, branch(seed, "nemesis"))));
        let pace = (rate > 0.0).then(|| Box::new(Pace::new(rate, now, branch(seed, "pace"))));
        self.phase = Phase::Main {
            start: now,
            pace,
            nemesis,
        };
    }

    /// The partitions end, and the final phase waits for the dust to settle.
    fn end_main(&mut self, now: Duration, partitions: bool) {
        if !self.workload.has_final_phase() {
            self.phase = Phase::Over { crash: None };
            return;
        }
        if partitions {
            self.record_nemesis(now, Act::Stop, nemesis::healed());
            self.network.heal();
        }
        self.phase = Phase::Recovering {
            until: now + RECOVERY,
        };
    }

    fn act(&mut self, now: Duration, act: Act, grudge: nemesis::Grudge) {
        match act {
            Act::Start(_) => {
                self.record_nemesis(now, act, nemesis::isolated(&grudge));
                let ids = |names: BTreeSet<Arc<str>>| names.into_iter().map(NodeId::from).collect();
                let cuts = grudge
                    .into_iter()
                    .map(|(node, drops)| (node.into(), ids(drops)));
                self.network
                    .cut(cuts.collect::<BTreeMap<NodeId, BTreeSet<NodeId>>>());
            }
            Act::Stop => {
                self.record_nemesis(now, act, nemesis::healed());
                self.network.heal();
            }
        }
    }

    fn record_nemesis(&mut self, now: Duration, act: Act, outcome: Box<RawValue>) {
        for value in [act.value(), outcome] {
            self.record(
                now,
                Process::NEMESIS,
                Kind::Info,
                act.f(),
                value,
                None,
                false,
            );
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
        value: Box<RawValue>,
        error: Option<OpError>,
        is_final: bool,
    ) {
        let since_zero = now.saturating_sub(self.zero.unwrap_or(now));
        self.history.ops.push(Op {
            index: self.history.ops.len(),
            time: u64::try_from(since_zero.as_nanos()).unwrap_or(u64::MAX),
            kind,
            process,
            f: f.into(),
            value,
            error,
            is_final,
        });
    }

    /// Takes a node's line onto the network.
    fn accept(&mut self, now: Duration, line: &str) -> Result<(), String> {
        let Line { src, dest, body } = parse_line(line)?;
        let sent = self
            .network
            .send(now, &NodeId::from(&*src), &NodeId::from(&*dest), body);
        sent.map_err(|unroutable| match unroutable {
            Unroutable::Receiver(name) if self.clients.is_gone(&name) => {
                format!("it answered client {name}, which had given up and gone")
            }
            Unroutable::Receiver(name) => {
                format!("it sent a message to {name:?}, and nobody has that name")
            }
            Unroutable::Sender(name) => {
                format!("it sent a message as {name:?}, and nobody has that name")
            }
        })
    }
}

/// What a node may print.
struct Line {
    src: String,
    dest: String,
    body: Box<RawValue>,
}

/// Reads a line as a message, as strictly and as loosely as Maelstrom does: no other fields may
/// stand beside these, but what follows the object on the same line is not looked at.
fn parse_line(line: &str) -> Result<Line, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Loose {
        src: String,
        dest: String,
        #[serde(default)]
        body: Option<Box<RawValue>>,
        #[serde(default, rename = "id")]
        _id: Option<i64>,
    }
    let mut values = serde_json::Deserializer::from_str(line).into_iter::<Loose>();
    let Loose {
        src, dest, body, ..
    } = match values.next() {
        Some(Ok(message)) => message,
        Some(Err(error)) if error.is_data() => {
            return Err(format!(
                "it printed a line that is no message of the protocol ({error})"
            ));
        }
        Some(Err(_)) | None => {
            return Err(
                "it printed a line that is not JSON (stdout is for messages, anything \
                        else belongs on stderr)"
                    .to_owned(),
            );
        }
    };
    let body =
        body.unwrap_or_else(|| RawValue::from_string("{}".into()).unwrap_or_else(|_| null()));
    if !body.get().starts_with('{') {
        return Err("it sent a message whose body is not an object".to_owned());
    }
    Ok(Line { src, dest, body })
}

fn services() -> impl Iterator<Item = NodeId> {
    Services::NAMES.iter().map(|name| NodeId::from(*name))
}

fn json(value: &impl serde::Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("names have a JSON form")
}
