//! A replica: all logs and committed offsets on one node, and its links to its neighbours.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use replication::{Links, Packet};
use serde_json::value::RawValue;
use shared::{Cluster, Context, NodeId};

use crate::log::Log;
use crate::protocol::{Item, Outgoing};

/// A message more rounds ahead than this is forged: no honest cluster gets so far ahead of a node.
const MAX_ROUNDS_AHEAD: u64 = 1 << 40;

/// The state of a node, and the links that replicate it.
#[derive(Debug)]
pub(crate) struct Replica {
    cluster: Cluster,
    /// In the order of the promises in a [`Log`].
    neighbours: Vec<NodeId>,
    logs: BTreeMap<String, Log>,
    committed: BTreeMap<String, u64>,
    links: Links<Item>,
}

impl Replica {
    /// Empty logs on a node with these links.
    pub(crate) fn new(cluster: &Cluster, links: Links<Item>) -> Self {
        Replica {
            cluster: cluster.clone(),
            neighbours: links.neighbours().cloned().collect(),
            logs: BTreeMap::new(),
            committed: BTreeMap::new(),
            links,
        }
    }

    /// The offset of a message that will be appended; none if no offsets are left. The message has
    /// no visible effect before it is [settled](Replica::settle).
    pub(crate) fn reserve(&mut self, key: &str) -> Option<u64> {
        self.log(key).reserve()
    }

    /// Appends the message for which the oldest pending offset of its key was reserved.
    pub(crate) fn settle(&mut self, now: Duration, key: &str, offset: u64, message: Box<RawValue>) {
        self.log(key).settle(offset, message.clone());
        let item = Item::Message(key.to_owned(), offset, message);
        self.links.push_to_all_but(now, None, &item);
        self.push_promises(now, None, key);
    }

    /// The final messages of each key from an offset on, at most `limit` of each. A key without any
    /// is left out, since the bench's checker does not accept empty lists.
    pub(crate) fn poll<'a>(
        &'a self,
        offsets: &'a BTreeMap<String, u64>,
        limit: usize,
    ) -> BTreeMap<&'a str, Vec<(u64, &'a RawValue)>> {
        let messages = offsets.iter().filter_map(|(key, from)| {
            let messages = self.logs.get(key)?.read(*from).take(limit);
            Some((key.as_str(), messages.collect()))
        });
        messages
            .filter(|(_, messages): &(_, Vec<_>)| !messages.is_empty())
            .collect()
    }

    /// How far consumers have read these keys.
    pub(crate) fn committed(&self, keys: &[String]) -> BTreeMap<&str, u64> {
        let known = keys
            .iter()
            .filter_map(|key| self.committed.get_key_value(key));
        known.map(|(key, offset)| (key.as_str(), *offset)).collect()
    }

    /// Whether this offset of a key, or a later one, is known to be committed.
    pub(crate) fn is_committed(&self, key: &str, offset: u64) -> bool {
        self.committed
            .get(key)
            .is_some_and(|known| *known >= offset)
    }

    /// Commits an offset, unless a later one is committed, and passes it on to all neighbours but
    /// `src`, which sent it.
    pub(crate) fn commit(&mut self, now: Duration, src: Option<&NodeId>, key: String, offset: u64) {
        if !self.is_committed(&key, offset) {
            let item = Item::Commit(key.clone(), offset);
            self.links.push_to_all_but(now, src, &item);
            self.committed.insert(key, offset);
        }
    }

    /// Applies an item of a node's journal, without sending it.
    pub(crate) fn recover(&mut self, item: Item) {
        match item {
            Item::Message(key, offset, message) => {
                self.insert(&key, offset, &message);
            }
            // Journals hold no promises.
            Item::Promise(..) => {}
            Item::Commit(key, offset) => {
                if !self.is_committed(&key, offset) {
                    self.committed.insert(key, offset);
                }
            }
        }
    }

    /// Handles a packet of a neighbour's link.
    pub(crate) fn on_packet(&mut self, now: Duration, peer: &NodeId, packet: Packet<Item>) {
        let Ok(neighbour) = self.neighbours.binary_search(peer) else {
            return;
        };
        let received = self.links.receive(now, peer, packet);
        if received.restarted {
            self.push_everything_to(now, neighbour);
        }
        let mut changed = BTreeSet::new();
        for item in received.items {
            match item {
                Item::Message(key, offset, message) => {
                    if self.insert(&key, offset, &message) {
                        let item = Item::Message(key.clone(), offset, message);
                        self.links.push_to_all_but(now, Some(peer), &item);
                    }
                    changed.insert(key);
                }
                Item::Promise(key, round) => {
                    self.log(&key).learn_promise(neighbour, round);
                    changed.insert(key);
                }
                Item::Commit(key, offset) => self.commit(now, Some(peer), key, offset),
            }
        }
        for key in changed {
            self.push_promises(now, Some(peer), &key);
        }
    }

    /// Inserts a message of another node, and returns whether it is new.
    fn insert(&mut self, key: &str, offset: u64, message: &RawValue) -> bool {
        let log = self.log(key);
        let ahead = log.round_after(offset).saturating_sub(log.open());
        ahead <= MAX_ROUNDS_AHEAD && log.insert(offset, message)
    }

    /// Puts on the links what this node can promise now. All messages that it covers are there.
    fn push_promises(&mut self, now: Duration, src: Option<&NodeId>, key: &str) {
        for (neighbour, round) in self.log(key).give_promises() {
            let item = Item::Promise(key.to_owned(), round);
            self.links.push(now, src, &self.neighbours[neighbour], item);
        }
    }

    /// Puts all state on all links, as earlier incarnations may not have sent it.
    pub(crate) fn push_everything(&mut self, now: Duration) {
        for neighbour in 0..self.neighbours.len() {
            self.push_everything_to(now, neighbour);
        }
    }

    /// Puts all state on the link to a neighbour. Messages come before the promise that covers them.
    fn push_everything_to(&mut self, now: Duration, neighbour: usize) {
        let peer = &self.neighbours[neighbour];
        for (key, log) in &mut self.logs {
            for (offset, message) in log.all() {
                let item = Item::Message(key.clone(), offset, message.to_owned());
                self.links.push(now, None, peer, item);
            }
            let item = Item::Promise(key.clone(), log.promise_to(neighbour));
            self.links.push(now, None, peer, item);
        }
        for (key, offset) in &self.committed {
            let item = Item::Commit(key.clone(), *offset);
            self.links.push(now, None, peer, item);
        }
    }

    fn log(&mut self, key: &str) -> &mut Log {
        if !self.logs.contains_key(key) {
            let (nodes, me) = (self.cluster.nodes.len(), self.cluster.index());
            let log = Log::new(nodes, me, self.neighbours.len());
            self.logs.insert(key.to_owned(), log);
        }
        self.logs.get_mut(key).expect("it was just inserted")
    }

    /// Sends what is due; `tick` makes the event of the timer for the rest.
    pub(crate) fn flush<E>(&mut self, ctx: &mut Context<E>, tick: impl FnOnce() -> E) {
        self.links.flush(ctx, Outgoing::from, tick);
    }
}
