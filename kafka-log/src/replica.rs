//! A replica: all logs and committed offsets on one node, and its links to all others.

use std::collections::BTreeMap;
use std::time::Duration;

use replication::{Links, Packet, Timing};
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
    logs: BTreeMap<String, Log>,
    committed: BTreeMap<String, u64>,
    links: Links<Item>,
}

impl Replica {
    /// Empty logs of the incarnation `boot`.
    pub(crate) fn new(cluster: &Cluster, boot: u64, timing: Timing) -> Self {
        Replica {
            cluster: cluster.clone(),
            logs: BTreeMap::new(),
            committed: BTreeMap::new(),
            links: Links::new(boot, cluster.others().map(|node| (node.clone(), timing))),
        }
    }

    /// The offset of a message that will be appended; none if no offsets are left. The message has
    /// no visible effect before it is [settled](Replica::settle).
    pub(crate) fn reserve(&mut self, key: &str) -> Option<u64> {
        self.log(key).reserve()
    }

    /// Appends the message for which the oldest pending offset of its key was reserved.
    pub(crate) fn settle(
        &mut self,
        now: Duration,
        key: String,
        offset: u64,
        message: Box<RawValue>,
    ) {
        let log = self.log(&key);
        let promises_more = log.settle(offset, message.clone());
        let promise = promises_more.then(|| Item::Promise(key.clone(), log.promised()));
        let item = Item::Message(key, offset, message);
        for item in [Some(item), promise].into_iter().flatten() {
            self.links.push_to_all_but(now, None, &item);
        }
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

    /// Commits an offset, unless a later one is committed, and sends it to all others.
    pub(crate) fn commit(&mut self, now: Duration, key: String, offset: u64) {
        if !self.is_committed(&key, offset) {
            let item = Item::Commit(key.clone(), offset);
            self.links.push_to_all_but(now, None, &item);
            self.committed.insert(key, offset);
        }
    }

    /// Applies an item of a node's journal. The round of a message is closed, since an earlier
    /// incarnation may have promised that; `push_own` sends the promise.
    pub(crate) fn recover(&mut self, owner: &NodeId, item: Item) {
        let Some(index) = self.index_of(owner) else {
            return;
        };
        match item {
            Item::Message(key, offset, message) => {
                let round = self.insert(index, &key, offset, message);
                self.log(&key).close(round);
            }
            // Journals hold no promises.
            Item::Promise(..) => {}
            Item::Commit(key, offset) => self.learn_commit(key, offset),
        }
    }

    /// Puts on all links what an earlier incarnation of this node may not have sent: its messages,
    /// its promises and the committed offsets.
    pub(crate) fn push_own(&mut self, now: Duration) {
        let me = self.cluster.index();
        for (key, log) in &self.logs {
            let own = log.all().filter(|(offset, _)| log.origin(*offset).0 == me);
            for (offset, message) in own {
                let item = Item::Message(key.clone(), offset, message.to_owned());
                self.links.push_to_all_but(now, None, &item);
            }
            let item = Item::Promise(key.clone(), log.promised());
            self.links.push_to_all_but(now, None, &item);
        }
        for (key, offset) in &self.committed {
            let item = Item::Commit(key.clone(), *offset);
            self.links.push_to_all_but(now, None, &item);
        }
    }

    fn index_of(&self, node: &NodeId) -> Option<usize> {
        self.cluster.nodes.iter().position(|it| it == node)
    }

    /// Handles a packet of another node's link.
    pub(crate) fn on_packet(&mut self, now: Duration, peer: &NodeId, packet: Packet<Item>) {
        let Some(index) = self.index_of(peer) else {
            return;
        };
        let received = self.links.receive(now, peer, packet);
        if received.restarted {
            self.push_everything(now, peer);
        }
        let mut rounds = BTreeMap::new();
        for item in received.items {
            match item {
                Item::Message(key, offset, message) => {
                    let round = self.insert(index, &key, offset, message);
                    let latest = rounds.entry(key).or_insert(round);
                    *latest = round.max(*latest);
                }
                Item::Promise(key, round) => self.log(&key).learn_promise(index, round),
                Item::Commit(key, offset) => self.learn_commit(key, offset),
            }
        }
        for (key, round) in rounds {
            self.close(now, key, round);
        }
    }

    /// Inserts a message that a node has sent, and returns the first round after it.
    fn insert(&mut self, sender: usize, key: &str, offset: u64, message: Box<RawValue>) -> u64 {
        let log = self.log(key);
        let (origin, round) = log.origin(offset);
        if round.saturating_sub(log.promised()) > MAX_ROUNDS_AHEAD {
            return 0;
        }
        log.insert(offset, message);
        // A forwarded message does not show that all earlier ones of its origin have arrived.
        if origin == sender {
            log.learn_promise(sender, round);
        }
        round
    }

    fn learn_commit(&mut self, key: String, offset: u64) {
        if !self.is_committed(&key, offset) {
            self.committed.insert(key, offset);
        }
    }

    /// Closes all rounds before this one, and sends the promise to all others.
    fn close(&mut self, now: Duration, key: String, round: u64) {
        let log = self.log(&key);
        if log.close(round) {
            let item = Item::Promise(key, log.promised());
            self.links.push_to_all_but(now, None, &item);
        }
    }

    /// Puts all state on the link to a peer that restarted. Messages come before the promise that
    /// covers them.
    fn push_everything(&mut self, now: Duration, peer: &NodeId) {
        for (key, log) in &self.logs {
            for (offset, message) in log.all() {
                let item = Item::Message(key.clone(), offset, message.to_owned());
                self.links.push(now, peer, item);
            }
            let item = Item::Promise(key.clone(), log.promised());
            self.links.push(now, peer, item);
        }
        for (key, offset) in &self.committed {
            self.links
                .push(now, peer, Item::Commit(key.clone(), *offset));
        }
    }

    fn log(&mut self, key: &str) -> &mut Log {
        if !self.logs.contains_key(key) {
            let log = Log::new(self.cluster.nodes.len(), self.cluster.index());
            self.logs.insert(key.to_owned(), log);
        }
        self.logs.get_mut(key).expect("it was just inserted")
    }

    /// Sends what is due; `tick` makes the event of the timer for the rest.
    pub(crate) fn flush<E>(&mut self, ctx: &mut Context<E>, tick: impl FnOnce() -> E) {
        self.links.flush(ctx, Outgoing::from, tick);
    }
}
