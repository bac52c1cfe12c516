//! A cluster under test: engines, the simulated network and its services, on a clock that only the
//! test advances.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use shared::{Cluster, Context, Engine, Node, NodeId, Outbox};

use super::Conditions;
use crate::latency::Latency;
use crate::network::Network;
use crate::rng::{SeededRng, substream};
use crate::service::Services;

/// A message that a node or a service has sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// When it was sent.
    pub at: Duration,
    /// The sender.
    pub src: String,
    /// The receiver: a node, a service, or a client of any other name.
    pub dest: String,
    /// The body, as JSON text.
    pub body: String,
}

/// Makes a node, each time one starts.
type Boot<N> = Arc<dyn Fn(Cluster, &mut Context<<N as Node>::Event>) -> N + Send + Sync>;

/// The limit of rounds of wakes and deliveries at one moment.
const MAX_ROUNDS: u32 = 1_000_000;

/// Nodes of one type on a virtual clock, over the simulated [`Network`] and its [`Services`].
///
/// Messages among nodes and services cross the network, with its latency, message faults and cuts.
/// The test acts as all clients: messages that it [delivers](TestCluster::deliver) arrive at once,
/// and messages to other names only appear in [`sent`](TestCluster::sent). The same seed and the
/// same calls give the same run.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use shared::{Caller, Cluster, Context, Node};
/// use simulator::latency::Latency;
/// use simulator::testing::{Conditions, TestCluster};
/// use std::time::Duration;
///
/// /// Stores the last value, and forwards each new one to all other nodes.
/// #[derive(Debug)]
/// struct Last {
///     cluster: Cluster,
///     value: u64,
/// }
///
/// #[derive(Clone, Serialize, Deserialize)]
/// #[serde(rename_all = "snake_case")]
/// enum Request {
///     Put { value: u64 },
///     Get,
/// }
///
/// #[derive(Serialize)]
/// #[serde(rename_all = "snake_case")]
/// enum Response {
///     GetOk { value: u64 },
/// }
///
/// #[derive(Debug)]
/// enum Event {}
///
/// impl Node for Last {
///     type Request = Request;
///     type Event = Event;
///
///     fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
///         match request {
///             Request::Put { value } if value == self.value => {}
///             Request::Put { value } => {
///                 self.value = value;
///                 for node in self.cluster.others() {
///                     ctx.send(node, &request);
///                 }
///             }
///             Request::Get => ctx.reply(caller, Response::GetOk { value: self.value }),
///         }
///     }
///
///     fn on_event(&mut self, event: Event, _: &mut Context<Event>) {
///         match event {}
///     }
/// }
///
/// let reliable = Conditions::reliable(Latency::constant(100));
/// let boot = |cluster, _: &mut _| Last { cluster, value: 0 };
/// let mut cluster = TestCluster::of_nodes(2, 1, reliable, boot);
/// cluster.deliver("c1", "n0", r#"{"type": "put", "value": 7}"#);
///
/// let mut value = |after_ms: u64| {
///     cluster.advance(Duration::from_millis(after_ms));
///     cluster.ask("n1", r#"{"type": "get", "msg_id": 1}"#)
/// };
/// assert_eq!(value(99), r#"{"type":"get_ok","in_reply_to":1,"value":0}"#);
/// assert_eq!(value(1), r#"{"type":"get_ok","in_reply_to":1,"value":7}"#);
/// ```
pub struct TestCluster<N: Node> {
    /// The virtual time.
    pub now: Duration,
    /// The nodes that [`TestCluster::of_nodes`] made, in the order of every `init`.
    pub names: Vec<String>,
    /// All messages of nodes and services since the test last cleared this.
    pub sent: Vec<Sent>,
    /// Log lines since the test last cleared this, each with the node's name; and why a service did
    /// not answer a request, with the service's name.
    pub logs: Vec<(String, String)>,
    network: Network,
    nodes: BTreeMap<String, Engine<N>>,
    services: Services,
    boot: Boot<N>,
    /// Seeds of the nodes' random numbers.
    boots: SeededRng,
}

#[derive(Deserialize)]
struct Line {
    src: NodeId,
    dest: NodeId,
    body: Box<RawValue>,
}

impl<N: Node> TestCluster<N> {
    /// A network without nodes. `boot` makes each node that is started later.
    pub fn new<F>(seed: u64, conditions: Conditions, boot: F) -> Self
    where
        F: Fn(Cluster, &mut Context<N::Event>) -> N + Send + Sync + 'static,
    {
        let Conditions { latency, faults } = conditions;
        let rng = |purpose| substream(seed, purpose);
        let mut network = Network::new(latency, rng("network"), rng("weather"));
        *network.faults_mut() = faults;
        for name in Services::NAMES.map(NodeId::from) {
            network.register(name.clone());
            network.listen(Duration::ZERO, &name);
        }
        TestCluster {
            now: Duration::ZERO,
            names: Vec::new(),
            sent: Vec::new(),
            logs: Vec::new(),
            network,
            nodes: BTreeMap::new(),
            services: Services::new(rng("services")),
            boot: Arc::new(boot),
            boots: rng("boots"),
        }
    }

    /// A cluster of `count` nodes, `n0`, `n1` and so on, all started.
    pub fn of_nodes<F>(count: usize, seed: u64, conditions: Conditions, boot: F) -> Self
    where
        F: Fn(Cluster, &mut Context<N::Event>) -> N + Send + Sync + 'static,
    {
        let mut cluster = TestCluster::new(seed, conditions, boot);
        cluster.names = (0..count).map(|i| format!("n{i}")).collect();
        for name in cluster.names.clone() {
            cluster.restart(&name);
        }
        cluster
    }

    /// Starts a node, which then waits for `init`; a running node of this name is replaced.
    pub fn start(&mut self, name: &str) {
        let boot = Arc::clone(&self.boot);
        let engine = Engine::new(self.boots.next_u64(), move |cluster, ctx: &mut _| {
            boot(cluster, ctx)
        });
        self.nodes.insert(name.to_owned(), engine);
        let name = NodeId::from(name);
        self.network.register(name.clone());
        self.network.admit_all(self.now, &name);
    }

    /// Starts a node, as [`TestCluster::start`] does, and delivers `init` with these node ids.
    pub fn start_among(&mut self, name: &str, cluster: &[String]) {
        self.start(name);
        let cluster = serde_json::to_string(cluster).expect("names are JSON");
        let ids = format!(r#""node_id":"{name}","node_ids":{cluster}"#);
        let init = format!(r#"{{"type":"init","msg_id":1,{ids}}}"#);
        self.deliver("c0", name, &init);
    }

    /// Restarts one of [`names`](TestCluster::names), without its memory.
    pub fn restart(&mut self, name: &str) {
        let cluster = self.names.clone();
        self.start_among(name, &cluster);
    }

    /// Kills a node. Messages that it has sent still arrive. Messages that arrive at it are lost,
    /// but not those that are still under way when it starts again.
    pub fn kill(&mut self, name: &str) {
        if self.nodes.remove(name).is_some() {
            self.network.block(self.now, &NodeId::from(name));
        }
    }

    /// Whether this node is running.
    pub fn is_up(&self, name: &str) -> bool {
        self.nodes.contains_key(name)
    }

    /// Delivers a message from any sender to a node or a service, at once and without faults; to a
    /// dead node it is lost. A node receives `body` as it is, JSON or not.
    ///
    /// # Panics
    /// When the receiver is a service and `body` is not JSON.
    pub fn deliver(&mut self, src: &str, dest: &str, body: &str) {
        if Services::is_service(dest) {
            self.serve(&NodeId::from(src), dest, body);
        } else {
            let line = format!(r#"{{"src":"{src}","dest":"{dest}","body":{body}}}"#);
            self.receive(dest, &line);
        }
    }

    /// Delivers a client's request and returns the body of the answer, which must come at once.
    /// Clears [`sent`](TestCluster::sent) first.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn ask(&mut self, node: &str, body: &str) -> String {
        self.sent.clear();
        self.deliver("c1", node, body);
        let answer = self.sent.iter().find(|sent| sent.dest == "c1");
        answer
            .expect("the request is answered at once")
            .body
            .clone()
    }

    /// Changes the conditions for messages that are sent from now on.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.network.set_latency(conditions.latency);
        *self.network.faults_mut() = conditions.faults;
    }

    /// Drops messages from `src` to `dest`, one way, until [`TestCluster::heal`].
    pub fn cut_one_way(&mut self, src: &str, dest: &str) {
        let sources = BTreeSet::from([NodeId::from(src)]);
        let cut = BTreeMap::from([(NodeId::from(dest), sources)]);
        self.network.cut(cut);
    }

    /// Ends all cuts.
    pub fn heal(&mut self) {
        self.network.heal();
    }

    /// Ends all cuts and message faults. Messages under way arrive within this latency, too.
    pub fn end_faults(&mut self, latency: Latency) {
        self.heal();
        self.set_conditions(Conditions::reliable(latency));
        self.network.reschedule(self.now);
    }

    /// The number of messages sent among nodes and services so far, including lost ones and
    /// excluding duplicates.
    pub fn messages(&self) -> u64 {
        self.network.statistics().servers().sent
    }

    /// Advances the clock by `time`, as [`TestCluster::run_until`] does.
    pub fn advance(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Advances the clock to `end`, with all timers and deliveries due by then.
    ///
    /// # Panics
    /// When nodes exchange messages at one moment without end.
    pub fn run_until(&mut self, end: Duration) {
        let mut rounds = 0;
        while let Some(next) = self.deadline().filter(|at| *at <= end) {
            rounds = if next > self.now { 0 } else { rounds + 1 };
            assert!(
                rounds < MAX_ROUNDS,
                "messages without end at {:?}",
                self.now
            );
            self.now = self.now.max(next);
            self.wake_nodes();
            while let Some(envelope) = self.network.poll(self.now) {
                match envelope.dest.as_str() {
                    service if Services::is_service(service) => {
                        self.serve(&envelope.src, service, envelope.body.get());
                    }
                    node => self.receive(node, envelope.to_line().trim_end()),
                }
            }
        }
        self.now = self.now.max(end);
    }

    /// Whether no message is under way and no timer is pending.
    pub fn is_idle(&self) -> bool {
        self.deadline().is_none()
    }

    /// Advances the clock by `timeout`. Returns whether no message was sent meanwhile and the
    /// cluster [is idle](TestCluster::is_idle) then. Timers may be pending from earlier: they must
    /// expire within `timeout`.
    pub fn becomes_idle(&mut self, timeout: Duration) -> bool {
        let before = self.messages();
        self.advance(timeout);
        self.messages() == before && self.is_idle()
    }

    fn deadline(&self) -> Option<Duration> {
        let nodes = self.nodes.values().filter_map(Engine::deadline);
        nodes.chain(self.network.deadline()).min()
    }

    fn wake_nodes(&mut self) {
        let now = self.now;
        let is_due = |node: &Engine<N>| node.deadline().is_some_and(|at| at <= now);
        let due = self.nodes.iter().filter(|(_, node)| is_due(node));
        let due: Vec<String> = due.map(|(name, _)| name.clone()).collect();
        for name in due {
            if let Some(node) = self.nodes.get_mut(&name) {
                node.wake(now);
            }
            self.collect(&name);
        }
    }

    /// Passes a line to a node, which answers at the same moment.
    fn receive(&mut self, name: &str, line: &str) {
        if let Some(node) = self.nodes.get_mut(name) {
            node.receive(self.now, line);
            self.collect(name);
        }
    }

    /// Passes a request to a service, which answers at the same moment.
    fn serve(&mut self, src: &NodeId, service: &str, body: &str) {
        match self.services.handle(service, src.as_str(), body) {
            Ok(answer) => self.send(&NodeId::from(service), src, answer),
            Err(unanswered) => {
                let line = (service.to_owned(), unanswered.to_string());
                self.logs.push(line);
            }
        }
    }

    /// Collects what a node has sent and logged.
    fn collect(&mut self, name: &str) {
        let mut outbox = Outbox::default();
        if let Some(node) = self.nodes.get_mut(name) {
            node.drain(&mut outbox);
        }
        let lines = outbox.log.drain(..);
        self.logs.extend(lines.map(|line| (name.to_owned(), line)));
        let lines = std::str::from_utf8(&outbox.lines).expect("JSON is text");
        for line in lines.lines() {
            let line = serde_json::from_str(line).expect("an engine's lines are messages");
            let Line { src, dest, body } = line;
            self.send(&src, &dest, body);
        }
    }

    fn send(&mut self, src: &NodeId, dest: &NodeId, body: Box<RawValue>) {
        self.sent.push(Sent {
            at: self.now,
            src: src.to_string(),
            dest: dest.to_string(),
            body: body.get().to_owned(),
        });
        // Only nodes and services are on the network: a message to a client is not delivered.
        let network = &mut self.network;
        let _ = network.send(self.now, src.as_str(), dest.as_str(), body.into());
    }
}
