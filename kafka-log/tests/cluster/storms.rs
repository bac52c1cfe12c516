//! Storm, then calm: a seed draws the cluster, the faults, and the operations of producers and
//! consumers. At no time may a poll skip, repeat or go back; soon after the faults have ended every
//! node must show every message, and stop sending.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_log::{Flags, KafkaLog};
use replication::LinkFlags;
use serde::Deserialize;
use shared::{Rng, read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, TestCluster, for_each_seed, max_hops};

/// The maximum latency after the storm, in milliseconds.
const CALM_LATENCY: u64 = 100;

/// The latencies of a calm network: at most [`CALM_LATENCY`].
const QUIESCENCE: [Latency; 2] = [Latency::uniform(50), Latency::constant(100)];

/// The fan-outs of trees: from a chain to a star.
const FAN_OUTS: [u16; 3] = [1, 2, 24];

/// The number of keys.
const KEYS: u64 = 3;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Messages by offset.
type Messages = BTreeMap<u64, u64>;

/// A client that reads one node's logs, each from its next offset on.
struct Consumer {
    node: String,
    next: BTreeMap<String, u64>,
}

/// A cluster in a storm, and what its clients have sent and read.
struct Storm {
    cluster: TestCluster<KafkaLog>,
    flags: Flags,
    /// All acknowledged messages, by key.
    sent: BTreeMap<String, Messages>,
    /// The highest offset that any poll has shown.
    shown: BTreeMap<String, u64>,
    committed: BTreeMap<String, u64>,
    consumers: Vec<Consumer>,
    messages: u64,
}

#[derive(Deserialize)]
struct SendOk {
    offset: u64,
}

#[derive(Deserialize)]
struct PollOk {
    msgs: BTreeMap<String, Vec<(u64, u64)>>,
}

#[derive(Deserialize)]
struct Committed {
    offsets: BTreeMap<String, u64>,
}

impl Storm {
    fn draw(rng: &mut Rng) -> Self {
        let size = 1 + rng.below(7) as usize;
        let mut flags: Flags = read_flags("kafka-log", &[]).unwrap();
        flags.tree.fan_out = Some(FAN_OUTS[rng.below(3) as usize]);
        if rng.below(2) == 0 {
            flags.period = rng.below(500);
            flags.tree.slack = rng.below(100);
            let patience = &mut flags.tree.patience;
            patience.ack_delay = rng.below(1000);
            patience.resend = patience.ack_delay + 2 * CALM_LATENCY + 1 + rng.below(1000);
            flags.poll_limit = 1 + rng.below(5) as u32;
        }
        let boot = with_flags(flags.clone(), KafkaLog::boot);
        let cluster = TestCluster::of_nodes(size, rng.next_u64(), Conditions::draw(rng), boot);
        let consumer = |_| Consumer {
            node: cluster.random_node(rng),
            next: BTreeMap::new(),
        };
        Storm {
            consumers: (0..4).map(consumer).collect(),
            cluster,
            flags,
            sent: BTreeMap::new(),
            shown: BTreeMap::new(),
            committed: BTreeMap::new(),
            messages: 0,
        }
    }

    fn send(&mut self, node: &str, key: String) {
        self.messages += 1;
        let message = self.messages;
        let body = format!(r#"{{"type":"send","msg_id":1,"key":"{key}","msg":{message}}}"#);
        let answer: SendOk = serde_json::from_str(&self.cluster.ask(node, &body)).unwrap();
        let shown = self.shown.get(&key);
        assert!(
            shown.is_none_or(|shown| *shown < answer.offset),
            "{key}: offset {} was issued after a poll had shown {shown:?}",
            answer.offset
        );
        let log = self.sent.entry(key).or_default();
        let before = log.insert(answer.offset, message);
        assert_eq!(before, None, "offset {} is issued twice", answer.offset);
        let bound = (self.cluster.names.len() * log.len()) as u64;
        assert!(answer.offset < bound, "offsets stay below {bound}");
    }

    /// The messages that a node shows from these offsets on, which must be without gaps.
    fn poll(&mut self, node: &str, from: &BTreeMap<String, u64>) -> BTreeMap<String, Messages> {
        let offsets = serde_json::to_string(from).unwrap();
        let body = format!(r#"{{"type":"poll","msg_id":1,"offsets":{offsets}}}"#);
        let answer: PollOk = serde_json::from_str(&self.cluster.ask(node, &body)).unwrap();
        for (key, messages) in &answer.msgs {
            assert!(messages.len() <= self.flags.poll_limit as usize);
            let (last, _) = messages.last().expect("no empty list");
            let expected = self.sent[key].range(from[key]..=*last);
            let expected: Vec<(u64, u64)> = expected
                .map(|(offset, message)| (*offset, *message))
                .collect();
            assert_eq!(
                *messages, expected,
                "{node} shows {key} from {} on",
                from[key]
            );
            let shown = self.shown.entry(key.clone()).or_default();
            *shown = (*last).max(*shown);
        }
        let messages = answer.msgs.into_iter();
        messages
            .map(|(key, messages)| (key, messages.into_iter().collect()))
            .collect()
    }

    /// A consumer adds a key, polls all of its keys, and may commit what it has read.
    fn consume(&mut self, rng: &mut Rng) {
        let index = rng.below(self.consumers.len() as u64) as usize;
        let Consumer { node, mut next } = self.consumers.swap_remove(index);
        next.entry(any_key(rng)).or_insert(0);
        let shown = self.poll(&node, &next);
        let last = |messages: &Messages| *messages.last_key_value().unwrap().0;
        let highest: BTreeMap<String, u64> = shown
            .iter()
            .map(|(key, messages)| (key.clone(), last(messages)))
            .collect();
        if rng.below(2) == 0 && !highest.is_empty() {
            let offsets = serde_json::to_string(&highest).unwrap();
            let body = format!(r#"{{"type":"commit_offsets","msg_id":1,"offsets":{offsets}}}"#);
            let answer = self.cluster.ask(&node, &body);
            assert_eq!(answer, r#"{"type":"commit_offsets_ok","in_reply_to":1}"#);
            for (key, offset) in &highest {
                let committed = self.committed.entry(key.clone()).or_default();
                *committed = (*offset).max(*committed);
            }
        }
        for (key, offset) in highest {
            next.insert(key, offset + 1);
        }
        self.consumers.push(Consumer { node, next });
    }

    fn run_steps(&mut self, rng: &mut Rng) {
        for _ in 0..rng.below(80) {
            let node = self.cluster.random_node(rng);
            match rng.below(10) {
                0 => self.cluster.partition(rng),
                1 => self.cluster.set_conditions(Conditions::draw(rng)),
                2 => self.cluster.advance(ms(rng.below(2000))),
                3..=5 => self.consume(rng),
                _ => {
                    self.send(&node, any_key(rng));
                    self.cluster.advance(ms(rng.below(100)));
                }
            }
        }
    }

    fn end_faults(&mut self, rng: &mut Rng) -> Duration {
        self.cluster.end_faults(QUIESCENCE[rng.below(2) as usize]);
        self.cluster.now
    }

    fn delays(&self) -> LinkFlags {
        self.flags.tree.delays(self.flags.period)
    }

    /// From the end of the faults until all nodes show everything: each link resends within
    /// `resend` and is answered; then messages travel to all nodes, and promises back.
    fn arrival_bound(&self) -> Duration {
        let hop = ms(self.flags.period + self.flags.tree.slack + CALM_LATENCY);
        let fan_out = self.flags.tree.fan_out.expect("it was drawn");
        let hops = max_hops(self.cluster.names.len(), fan_out.into());
        ms(self.delays().resend + 2 * CALM_LATENCY) + hop * (2 * hops)
    }

    /// All messages that a node shows, poll by poll.
    fn read_all(&mut self, node: &str) -> BTreeMap<String, Messages> {
        let mut next: BTreeMap<String, u64> =
            self.sent.keys().map(|key| (key.clone(), 0)).collect();
        let mut all: BTreeMap<String, Messages> = BTreeMap::new();
        loop {
            let shown = self.poll(node, &next);
            if shown.is_empty() {
                return all;
            }
            for (key, messages) in shown {
                next.insert(key.clone(), messages.last_key_value().unwrap().0 + 1);
                all.entry(key).or_default().extend(messages);
            }
        }
    }

    fn committed(&mut self, node: &str) -> BTreeMap<String, u64> {
        let keys: Vec<String> = (0..KEYS).map(|key| key.to_string()).collect();
        let keys = serde_json::to_string(&keys).unwrap();
        let body = format!(r#"{{"type":"list_committed_offsets","msg_id":1,"keys":{keys}}}"#);
        let answer: Committed = serde_json::from_str(&self.cluster.ask(node, &body)).unwrap();
        answer.offsets
    }
}

fn any_key(rng: &mut Rng) -> String {
    rng.below(KEYS).to_string()
}

#[test]
fn no_poll_skips_in_the_storm_and_every_node_shows_everything_soon_after() {
    for_each_seed(0..2_000, |rng| {
        let mut storm = Storm::draw(rng);
        storm.run_steps(rng);
        let calm = storm.end_faults(rng);
        storm.cluster.run_until(calm + storm.arrival_bound());
        for node in storm.cluster.names.clone() {
            assert_eq!(
                storm.read_all(&node),
                storm.sent,
                "{node}, {:?}",
                storm.flags
            );
            assert_eq!(storm.committed(&node), storm.committed, "{node}");
        }
        let last_acks = ms(storm.delays().ack_delay + 3 * CALM_LATENCY);
        storm.cluster.advance(last_acks);
        let max_wait = ms(storm.delays().resend);
        assert!(storm.cluster.becomes_idle(max_wait), "{:?}", storm.flags);
    });
}

/// A restarted node receives what any living node knows, and then works like all others.
#[test]
fn a_node_that_restarts_with_nothing_receives_what_the_others_know() {
    for_each_seed(0..300, |rng| {
        let mut storm = Storm::draw(rng);
        if storm.cluster.names.len() == 1 {
            return;
        }
        storm.run_steps(rng);
        let calm = storm.end_faults(rng);
        storm.cluster.run_until(calm + storm.arrival_bound());
        let node = storm.cluster.random_node(rng);
        storm.cluster.restart(&node);
        // The others notice the restart at the node's first packet, its answer to this message.
        let other = storm
            .cluster
            .names
            .iter()
            .find(|name| **name != node)
            .unwrap()
            .clone();
        storm.send(&other, "0".to_owned());
        storm.cluster.advance(3 * storm.arrival_bound());
        for node in storm.cluster.names.clone() {
            assert_eq!(
                storm.read_all(&node),
                storm.sent,
                "{node}, {:?}",
                storm.flags
            );
        }
        storm.send(&node, "0".to_owned());
        storm.cluster.advance(3 * storm.arrival_bound());
        assert_eq!(storm.read_all(&node), storm.sent);
    });
}
