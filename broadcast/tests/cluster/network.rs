//! A small network on a virtual clock, with a cluster of broadcast nodes in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use broadcast::{Broadcast, Flags};
use serde::Deserialize;
use serde_json::value::RawValue;
use shared::{Engine, Outbox, Rng};

/// What the network does to messages between nodes. Those of clients arrive at once, and always.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// The shortest and the longest way, in milliseconds.
    pub latency: (u64, u64),
    /// How many of a hundred messages are lost.
    pub loss: u64,
    /// How many of a hundred arrive twice.
    pub doubled: u64,
}

/// What was said, when, and by whom to whom.
pub struct Said {
    pub at: Duration,
    pub src: String,
    pub dest: String,
    pub body: String,
}

pub struct Network {
    pub now: Duration,
    pub rng: Rng,
    pub weather: Weather,
    /// Who cannot be heard by whom.
    pub cuts: BTreeSet<(String, String)>,
    pub nodes: BTreeMap<String, Engine<Broadcast>>,
    /// Lines on their way: when they arrive, a number that keeps them apart, and at whom.
    wire: BTreeMap<(Duration, u64), (String, String)>,
    /// All that nodes said since this was last emptied, and their remarks.
    pub said: Vec<Said>,
    pub remarks: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    src: &'a str,
    dest: &'a str,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl Network {
    pub fn new(seed: u64, weather: Weather) -> Self {
        Network {
            now: Duration::ZERO,
            rng: Rng::new(seed),
            weather,
            cuts: BTreeSet::new(),
            nodes: BTreeMap::new(),
            wire: BTreeMap::new(),
            said: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Starts a node, or starts it anew; it waits for `init`.
    pub fn start(&mut self, name: &str, flags: &Flags) {
        let flags = flags.clone();
        let boot = move |cluster, ctx: &mut _| Broadcast::boot(&flags, &cluster, ctx);
        let engine = Engine::new(self.rng.next_u64(), boot);
        self.nodes.insert(name.to_owned(), engine);
    }

    /// A client, or anybody, says something to a node.
    pub fn tell(&mut self, src: &str, dest: &str, body: &str) {
        let line = format!(r#"{{"src":"{src}","dest":"{dest}","body":{body}}}"#);
        self.arrive(dest, &line);
    }

    /// From now on nothing bad happens, and what is under way arrives in time, too.
    pub fn calm_down(&mut self, latency: (u64, u64)) {
        self.cuts.clear();
        self.weather = Weather {
            latency,
            loss: 0,
            doubled: 0,
        };
        for (dest, line) in std::mem::take(&mut self.wire).into_values() {
            self.put_on_wire(dest, line);
        }
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

    fn next_event(&self) -> Option<Duration> {
        let arrival = self.wire.first_key_value().map(|((at, _), _)| *at);
        let deadlines = self.nodes.values().map(Engine::deadline);
        deadlines.chain([arrival]).flatten().min()
    }

    fn arrive(&mut self, dest: &str, line: &str) {
        if let Some(node) = self.nodes.get_mut(dest) {
            node.receive(self.now, line);
            self.collect();
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
        if is_lost || !self.nodes.contains_key(&dest) || self.cuts.contains(&(src, dest.clone())) {
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
