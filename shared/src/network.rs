//! A small network on a virtual clock with a cluster of nodes in it and the service `lin-kv`, for
//! tests: messages among them are late, lost, doubled or cut off as the weather has it, and one
//! seed decides it all.
//!
//! [`Network::obey`] plays it by the commands of a transcript; a storm plays it from dice, among
//! them [`Weather::draw`] and [`Network::part`].

mod commands;
mod lin_kv;
mod promises;
mod storm;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::context::{Context, Outbox};
use crate::engine::Engine;
use crate::id::Cluster;
use crate::node::Node;
use crate::rng::Rng;

use lin_kv::LinKv;

pub use commands::{check_transcripts, check_transcripts_with};
pub use promises::Promises;
pub use storm::most_hops;

/// What the network does to messages between nodes, and to those of the service. Those of clients
/// arrive at once, and always.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// The shortest and the longest way, in milliseconds.
    pub latency: (u64, u64),
    /// How many of a hundred messages are lost.
    pub loss: u64,
    /// How many of a hundred arrive twice.
    pub doubled: u64,
}

impl Weather {
    /// Every message arrives once, after a time between these two, in milliseconds.
    pub fn calm(latency: (u64, u64)) -> Self {
        Weather {
            latency,
            loss: 0,
            doubled: 0,
        }
    }
}

/// What was said, when, and by whom to whom.
#[derive(Debug)]
pub struct Said {
    /// When.
    pub at: Duration,
    /// Who said it.
    pub src: String,
    /// To whom.
    pub dest: String,
    /// The message's body, as JSON text.
    pub body: String,
}

/// Makes a node, each time one starts.
type Boot<N> = Arc<dyn Fn(Cluster, &mut Context<<N as Node>::Event>) -> N + Send + Sync>;

/// The network, its nodes and its clock.
pub struct Network<N: Node> {
    /// The virtual time.
    pub now: Duration,
    /// What happens to messages sent from now on.
    pub weather: Weather,
    /// Who cannot be heard by whom: pairs of a sender and a receiver.
    pub cuts: BTreeSet<(String, String)>,
    /// The cluster that [`Network::of_nodes`] has made, in the order that all nodes were told.
    pub names: Vec<String>,
    /// All nodes by their names.
    pub nodes: BTreeMap<String, Engine<N>>,
    /// All that nodes said since this was last emptied.
    pub said: Vec<Said>,
    /// What nodes remarked since this was last emptied, each with the node's name.
    pub remarks: Vec<(String, String)>,
    /// How many messages that involve no client have been sent so far, lost ones included.
    pub messages: u64,
    rng: Rng,
    boot: Boot<N>,
    lin_kv: LinKv,
    /// Lines on their way: when they arrive, a number that keeps them apart, and at whom.
    wire: BTreeMap<(Duration, u64), (String, String)>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    src: &'a str,
    dest: &'a str,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl<N: Node> Network<N> {
    /// An empty network, whose nodes will be made by `boot`.
    pub fn new<F>(seed: u64, weather: Weather, boot: F) -> Self
    where
        F: Fn(Cluster, &mut Context<N::Event>) -> N + Send + Sync + 'static,
    {
        Network {
            now: Duration::ZERO,
            weather,
            cuts: BTreeSet::new(),
            names: Vec::new(),
            nodes: BTreeMap::new(),
            said: Vec::new(),
            remarks: Vec::new(),
            messages: 0,
            rng: Rng::new(seed),
            boot: Arc::new(boot),
            lin_kv: LinKv::default(),
            wire: BTreeMap::new(),
        }
    }

    /// A network of so many nodes, `n0`, `n1` and so on, all of them started.
    pub fn of_nodes<F>(count: usize, seed: u64, weather: Weather, boot: F) -> Self
    where
        F: Fn(Cluster, &mut Context<N::Event>) -> N + Send + Sync + 'static,
    {
        let mut network = Network::new(seed, weather, boot);
        network.names = (0..count).map(|i| format!("n{i}")).collect();
        for name in network.names.clone() {
            network.restart(&name);
        }
        network
    }

    /// Starts a node, or starts it anew; it waits for `init`.
    pub fn start(&mut self, name: &str) {
        let boot = Arc::clone(&self.boot);
        let engine = Engine::new(self.rng.next_u64(), move |cluster, ctx: &mut _| {
            boot(cluster, ctx)
        });
        self.nodes.insert(name.to_owned(), engine);
    }

    /// Starts a node, or starts it anew, as one of a cluster.
    pub fn start_among(&mut self, name: &str, cluster: &[String]) {
        self.start(name);
        let cluster = serde_json::to_string(cluster).expect("names are JSON");
        let ids = format!(r#""node_id":"{name}","node_ids":{cluster}"#);
        let init = format!(r#"{{"type":"init","msg_id":1,{ids}}}"#);
        self.tell("c0", name, &init);
    }

    /// Starts one of the cluster anew, with nothing in its memory.
    pub fn restart(&mut self, name: &str) {
        let cluster = self.names.clone();
        self.start_among(name, &cluster);
    }

    /// Takes a node away, with all it knew. What is sent to it is lost; what it has said arrives.
    pub fn kill(&mut self, name: &str) {
        self.nodes.remove(name);
    }

    /// A client, or anybody, says something to a node.
    pub fn tell(&mut self, src: &str, dest: &str, body: &str) {
        let line = format!(r#"{{"src":"{src}","dest":"{dest}","body":{body}}}"#);
        self.arrive(dest, &line);
    }

    /// What a client is answered; it must be at once. Everything said before is forgotten.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn ask(&mut self, node: &str, body: &str) -> String {
        self.said.clear();
        self.tell("c1", node, body);
        let answer = self.said.iter().find(|said| said.dest == "c1");
        answer.expect("clients are answered at once").body.clone()
    }

    /// From now on nothing bad happens, and what is under way arrives in time, too.
    pub fn calm_down(&mut self, latency: (u64, u64)) {
        self.cuts.clear();
        self.weather = Weather::calm(latency);
        for (dest, line) in std::mem::take(&mut self.wire).into_values() {
            self.put_on_wire(dest, line);
        }
    }

    /// Lets so much time pass.
    pub fn pass(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Lets time pass, with all that happens meanwhile.
    pub fn run_until(&mut self, end: Duration) {
        while let Some(next) = self.next_event().filter(|at| *at <= end) {
            self.now = self.now.max(next);
            let due = |node: &&mut Engine<_>| node.deadline().is_some_and(|at| at <= next);
            for node in self.nodes.values_mut().filter(due) {
                node.wake(next);
            }
            self.collect();
            while let Some(entry) = self.wire.first_entry().filter(|it| it.key().0 <= next) {
                let (dest, line) = entry.remove();
                self.arrive(&dest, &line);
            }
        }
        self.now = end;
    }

    /// Whether nothing will ever happen again by itself.
    pub fn is_silent(&self) -> bool {
        self.next_event().is_none()
    }

    /// Whether nothing is said any more, and never will be. A timer may be left over from what has
    /// been settled since; it is given this long to run out.
    pub fn falls_silent(&mut self, patience: Duration) -> bool {
        let before = self.messages;
        self.pass(patience);
        self.messages == before && self.is_silent()
    }

    fn next_event(&self) -> Option<Duration> {
        let arrival = self.wire.first_key_value().map(|((at, _), _)| *at);
        let deadlines = self.nodes.values().map(Engine::deadline);
        deadlines.chain([arrival]).flatten().min()
    }

    fn arrive(&mut self, dest: &str, line: &str) {
        if let Some(node) = self.nodes.get_mut(dest) {
            node.receive(self.now, line);
            self.collect();
        } else if dest == lin_kv::NAME {
            let answer = self.lin_kv.answer(line);
            self.send(&answer);
        }
    }

    /// Takes what the nodes have to say and puts it on its way.
    fn collect(&mut self) {
        let mut lines = Vec::new();
        let mut outbox = Outbox::default();
        for (name, node) in &mut self.nodes {
            node.drain(&mut outbox);
            let text = std::str::from_utf8(&outbox.lines).expect("JSON is text");
            lines.extend(text.lines().map(str::to_owned));
            let remarks = outbox.log.drain(..);
            self.remarks
                .extend(remarks.map(|remark| (name.clone(), remark)));
        }
        for line in lines {
            self.send(&line);
        }
    }

    fn send(&mut self, line: &str) {
        let envelope: Envelope<'_> = serde_json::from_str(line).expect("nodes speak JSON");
        let (src, dest) = (envelope.src.to_owned(), envelope.dest.to_owned());
        self.said.push(Said {
            at: self.now,
            src: src.clone(),
            dest: dest.clone(),
            body: envelope.body.get().to_owned(),
        });
        let is_lost = self.rng.below(100) < self.weather.loss;
        let is_for_a_server = self.nodes.contains_key(&dest) || dest == lin_kv::NAME;
        self.messages += u64::from(is_for_a_server);
        if is_lost || !is_for_a_server || self.cuts.contains(&(src, dest.clone())) {
            return;
        }
        if self.rng.below(100) < self.weather.doubled {
            self.put_on_wire(dest.clone(), line.to_owned());
        }
        self.put_on_wire(dest, line.to_owned());
    }

    fn put_on_wire(&mut self, dest: String, line: String) {
        let (shortest, longest) = self.weather.latency;
        let latency = shortest + self.rng.below(longest - shortest + 1);
        let at = self.now + Duration::from_millis(latency);
        self.wire.insert((at, self.rng.next_u64()), (dest, line));
    }
}
