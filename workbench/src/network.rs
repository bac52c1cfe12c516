//! The simulated network: who may talk, how long a message takes, what a partition swallows, and
//! the count of it all. Pure: `now` comes in, deliveries come out.
//!
//! The timing is Maelstrom's, quirks included, since message counts and latencies are the rules of
//! the game. Every participant has one consumer, which takes the waiting message that is due
//! first, judges it against the partitions *at that moment*, sleeps until it is due, and hands it
//! over; while it sleeps, nothing else gets past. Messages from and to clients take no time.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::NodeId;

use crate::dice::Dice;
use crate::latency::Latency;
use crate::statistics::Statistics;

/// A message on its way.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Its number in the whole run.
    pub id: u64,
    /// Who sent it.
    pub src: NodeId,
    /// For whom it is.
    pub dest: NodeId,
    /// What it says.
    pub body: Box<RawValue>,
}

impl Envelope {
    /// The message as a node reads it: one line of JSON, its newline included.
    pub fn to_line(&self) -> String {
        let Envelope {
            id,
            src,
            dest,
            body,
        } = self;
        let (src, dest) = (quoted(src.as_str()), quoted(dest.as_str()));
        format!("{{\"id\":{id},\"src\":{src},\"dest\":{dest},\"body\":{body}}}\n")
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unroutable {
    /// Nobody of the sender's name takes part.
    Sender(String),
    /// Nobody of the receiver's name takes part.
    Receiver(String),
}

/// The network and everybody on it.
pub struct Network {
    latency: Latency,
    dice: Dice,
    inboxes: HashMap<NodeId, Inbox>,
    /// Whose messages a node does not get, for the time being.
    cuts: BTreeMap<NodeId, BTreeSet<NodeId>>,
    /// When which consumer has slept enough. Entries of consumers that were told to stop are stale.
    agenda: BinaryHeap<Reverse<(Duration, u64, NodeId)>>,
    next_id: u64,
    statistics: Statistics,
}

#[derive(Default)]
struct Inbox {
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// What the consumer sleeps on, and the number of its entry in the agenda.
    held: Option<(u64, Waiting)>,
    listening: bool,
}

/// Ordered by the time at which it is due, then by age.
struct Waiting {
    due: Duration,
    envelope: Envelope,
}

impl Network {
    /// An empty network.
    pub fn new(latency: Latency, dice: Dice) -> Self {
        Network {
            latency,
            dice,
            inboxes: HashMap::new(),
            cuts: BTreeMap::new(),
            agenda: BinaryHeap::new(),
            next_id: 0,
            statistics: Statistics::default(),
        }
    }

    /// Lets somebody take part. Messages wait until the newcomer listens.
    pub fn register(&mut self, name: NodeId) {
        self.inboxes.entry(name).or_default();
    }

    /// Takes somebody out, with everything that waits for them.
    pub fn remove(&mut self, name: &NodeId) {
        self.inboxes.remove(name);
    }

    /// Whether somebody takes part under this name.
    pub fn knows(&self, name: &str) -> bool {
        self.inboxes.contains_key(name)
    }

    /// Starts to deliver to a participant.
    pub fn listen(&mut self, now: Duration, name: &NodeId) {
        if let Some(inbox) = self.inboxes.get_mut(name) {
            inbox.listening = true;
            self.take_next(now, name);
        }
    }

    /// Stops delivering to a participant; what comes meanwhile waits.
    pub fn stop_listening(&mut self, name: &NodeId) {
        if let Some(inbox) = self.inboxes.get_mut(name) {
            inbox.listening = false;
            inbox
                .waiting
                .extend(inbox.held.take().map(|(_, held)| Reverse(held)));
        }
    }

    /// From now on each of these receivers drops what comes from its set of sources.
    pub fn cut(&mut self, grudge: BTreeMap<NodeId, BTreeSet<NodeId>>) {
        for (receiver, sources) in grudge {
            self.cuts.entry(receiver).or_default().extend(sources);
        }
    }

    /// Ends all partitions.
    pub fn heal(&mut self) {
        self.cuts.clear();
    }

    /// Puts a message on its way.
    ///
    /// # Errors
    /// When the sender or the receiver takes no part. The message's number is used up all the same.
    pub fn send(
        &mut self,
        now: Duration,
        src: &NodeId,
        dest: &NodeId,
        body: Box<RawValue>,
    ) -> Result<(), Unroutable> {
        let id = self.next_id;
        self.next_id += 1;
        if !self.knows(src.as_str()) {
            return Err(Unroutable::Sender(src.to_string()));
        }
        let Some(inbox) = self.inboxes.get_mut(dest) else {
            return Err(Unroutable::Receiver(dest.to_string()));
        };
        let client = involves_client(src, dest);
        let latency = if client {
            Duration::ZERO
        } else {
            self.latency.draw(&mut self.dice)
        };
        self.statistics.sent(client, kind(&body));
        let envelope = Envelope {
            id,
            src: src.clone(),
            dest: dest.clone(),
            body,
        };
        inbox.waiting.push(Reverse(Waiting {
            due: now + latency,
            envelope,
        }));
        self.take_next(now, dest);
        Ok(())
    }

    /// When the next message is to be delivered.
    pub fn deadline(&self) -> Option<Duration> {
        self.agenda.peek().map(|Reverse((at, _, _))| *at)
    }

    /// The next message that is delivered by `now`.
    pub fn poll(&mut self, now: Duration) -> Option<Envelope> {
        while self.deadline()? <= now {
            let Reverse((_, number, name)) = self.agenda.pop()?;
            let Some(inbox) = self.inboxes.get_mut(&name) else {
                continue;
            };
            if inbox.held.as_ref().is_none_or(|(held, _)| *held != number) {
                continue;
            }
            let Some((_, Waiting { envelope, .. })) = inbox.held.take() else {
                continue;
            };
            self.statistics
                .received(involves_client(&envelope.src, &envelope.dest));
            self.take_next(now, &name);
            return Some(envelope);
        }
        None
    }

    /// What was counted so far.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// An idle consumer takes what is due first; what a partition forbids is dropped here.
    fn take_next(&mut self, now: Duration, name: &NodeId) {
        let Some(inbox) = self.inboxes.get_mut(name) else {
            return;
        };
        let cut = self.cuts.get(name);
        while inbox.listening && inbox.held.is_none() {
            let Some(Reverse(next)) = inbox.waiting.pop() else {
                return;
            };
            if cut.is_some_and(|sources| sources.contains(&next.envelope.src)) {
                continue;
            }
            let pause = next.due.saturating_sub(now).as_millis() as u64;
            let number = next.envelope.id;
            inbox.held = Some((number, next));
            let at = now + Duration::from_millis(pause);
            self.agenda.push(Reverse((at, number, name.clone())));
        }
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.envelope.id).cmp(&(other.due, other.envelope.id))
    }
}

/// Clients are known by their first letter alone, as in Maelstrom.
fn involves_client(src: &NodeId, dest: &NodeId) -> bool {
    src.as_str().starts_with('c') || dest.as_str().starts_with('c')
}

/// The `type` of a body, for the count by kind.
fn kind(body: &RawValue) -> String {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    serde_json::from_str(body.get()).map_or_else(|_| "?".to_owned(), |Kind { kind }| kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::dice;
    use crate::latency::Distribution;

    fn network(mean_ms: u32, distribution: Distribution) -> Network {
        let mut network = Network::new(
            Latency {
                mean_ms,
                distribution,
            },
            dice(1),
        );
        for name in ["n0", "n1", "c0", "seq-kv"] {
            network.register(name.into());
            network.listen(Duration::ZERO, &name.into());
        }
        network
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn send(network: &mut Network, at: u64, src: &str, dest: &str, text: &str) {
        let body = RawValue::from_string(format!("{{\"type\":\"{text}\"}}")).unwrap();
        network
            .send(ms(at), &src.into(), &dest.into(), body)
            .unwrap();
    }

    /// Everything that is delivered, in milliseconds, up to the end.
    fn deliveries(network: &mut Network) -> Vec<(u64, String)> {
        let mut seen = Vec::new();
        while let Some(at) = network.deadline() {
            while let Some(envelope) = network.poll(at) {
                seen.push((at.as_millis() as u64, kind(&envelope.body)));
            }
        }
        seen
    }

    #[test]
    fn clients_wait_for_nothing_and_servers_for_the_latency() {
        let mut network = network(100, Distribution::Constant);
        send(&mut network, 0, "n0", "n1", "server");
        send(&mut network, 0, "c0", "n0", "client");
        send(&mut network, 5, "n0", "seq-kv", "service");
        let seen = deliveries(&mut network);
        let at = |name: &str| {
            seen.iter()
                .find(|(_, kind)| kind == name)
                .map(|(at, _)| *at)
        };
        assert_eq!(
            (at("client"), at("server"), at("service")),
            (Some(0), Some(100), Some(105))
        );
    }

    #[test]
    fn a_message_that_is_slept_on_holds_up_everything_behind_it() {
        let mut network = network(100, Distribution::Constant);
        send(&mut network, 0, "n0", "n1", "slow");
        send(&mut network, 20, "c0", "n1", "client");
        assert_eq!(
            deliveries(&mut network),
            [(100, "slow".into()), (100, "client".into())]
        );
    }

    #[test]
    fn a_partition_judges_a_message_when_its_consumer_takes_it() {
        let mut network = network(100, Distribution::Constant);
        let cut = |network: &mut Network| {
            network.cut(BTreeMap::from([(
                "n1".into(),
                BTreeSet::from(["n0".into()]),
            )]));
        };
        send(&mut network, 0, "n0", "n1", "taken before the cut");
        cut(&mut network);
        send(&mut network, 10, "n0", "n1", "taken during it");
        send(&mut network, 10, "n1", "n0", "the other way");
        send(&mut network, 20, "c0", "n1", "client");
        let seen: Vec<String> = deliveries(&mut network)
            .into_iter()
            .map(|(_, kind)| kind)
            .collect();
        assert_eq!(seen, ["taken before the cut", "client", "the other way"]);
        network.heal();
        send(&mut network, 200, "n0", "n1", "after the heal");
        assert_eq!(deliveries(&mut network), [(300, "after the heal".into())]);
    }

    #[test]
    fn strangers_can_neither_send_nor_receive() {
        let mut network = network(0, Distribution::Constant);
        let body = || RawValue::from_string("{}".into()).unwrap();
        let sent = network.send(ms(0), &"n9".into(), &"n0".into(), body());
        assert_eq!(sent, Err(Unroutable::Sender("n9".into())));
        let sent = network.send(ms(0), &"n0".into(), &"c9".into(), body());
        assert_eq!(sent, Err(Unroutable::Receiver("c9".into())));
        assert_eq!(network.statistics().all().sent, 0);
    }

    #[test]
    fn who_does_not_listen_finds_everything_later() {
        let mut network = network(0, Distribution::Constant);
        network.stop_listening(&"c0".into());
        send(&mut network, 0, "n0", "c0", "first");
        send(&mut network, 1, "n0", "c0", "second");
        assert_eq!(deliveries(&mut network), []);
        network.listen(ms(7), &"c0".into());
        assert_eq!(
            network.poll(ms(7)).map(|it| kind(&it.body)),
            Some("first".into())
        );
        network.stop_listening(&"c0".into());
        assert!(network.poll(ms(8)).is_none());
        network.listen(ms(9), &"c0".into());
        assert_eq!(
            network.poll(ms(9)).map(|it| kind(&it.body)),
            Some("second".into())
        );
    }

    #[test]
    fn counts_tell_clients_from_servers_and_name_the_kinds() {
        let mut network = network(0, Distribution::Constant);
        send(&mut network, 0, "c0", "n0", "read");
        send(&mut network, 0, "n0", "n1", "gossip");
        send(&mut network, 0, "n1", "seq-kv", "read");
        network.cut(BTreeMap::from([(
            "n1".into(),
            BTreeSet::from(["n0".into()]),
        )]));
        deliveries(&mut network);
        send(&mut network, 1, "n0", "n1", "gossip");
        deliveries(&mut network);
        let statistics = network.statistics();
        assert_eq!(
            (statistics.clients().sent, statistics.clients().received),
            (1, 1)
        );
        assert_eq!(
            (statistics.servers().sent, statistics.servers().received),
            (3, 2)
        );
        assert_eq!(statistics.kinds().get("gossip"), Some(&2));
    }
}
