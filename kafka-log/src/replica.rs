//! A replica: all logs and committed offsets as one node has them, and its links to all others.

use std::collections::BTreeMap;
use std::time::Duration;

use replication::{Links, Packet, Timing};
use serde_json::value::RawValue;
use shared::{Cluster, Context, NodeId};

use crate::log::Log;
use crate::protocol::{Item, Outgoing};

/// So many rounds at once no honest cluster gets ahead of one of its nodes.
const FORGED: u64 = 1 << 40;

/// What a node knows, and what it has yet to tell.
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

    /// The offset of a message that will be appended; nothing if there are no more of them. Until
    /// it is [settled](Replica::settle), nobody sees a trace of it.
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

    /// The final messages of each key from an offset on, at most so many of each. A key without
    /// any is left out: the bench's checker stumbles over empty lists.
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

    /// Whether it is known that a key was read up to this offset.
    pub(crate) fn is_committed(&self, key: &str, offset: u64) -> bool {
        self.committed
            .get(key)
            .is_some_and(|known| *known >= offset)
    }

    /// A consumer has read a key up to this offset. The larger one of two counts, and all others
    /// are told of it.
    pub(crate) fn commit(&mut self, now: Duration, key: String, offset: u64) {
        if !self.is_committed(&key, offset) {
            let item = Item::Commit(key.clone(), offset);
            self.links.push_to_all_but(now, None, &item);
            self.committed.insert(key, offset);
        }
    }

    /// This stands in somebody's journal. Whatever round it shows to be used is closed for this
    /// node, since an earlier life of its own may have promised so; `tell_own` tells others.
    pub(crate) fn recover(&mut self, owner: &NodeId, item: Item) {
        let Some(place) = self.place_of(owner) else {
            return;
        };
        match item {
            Item::Message(key, offset, message) => {
                let round = self.take_in(place, &key, offset, message);
                self.log(&key).close(round);
            }
            // Journals hold none.
            Item::Promise(..) => {}
            Item::Commit(key, offset) => self.learn_commit(key, offset),
        }
    }

    /// Tells all others what an earlier life of this node may not have told everybody: its messages,
    /// its promises and what was committed.
    pub(crate) fn tell_own(&mut self, now: Duration) {
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

    fn place_of(&self, node: &NodeId) -> Option<usize> {
        self.cluster.nodes.iter().position(|it| it == node)
    }

    /// Another node's link speaks.
    pub(crate) fn hear(&mut self, now: Duration, peer: &NodeId, packet: Packet<Item>) {
        let Some(place) = self.place_of(peer) else {
            return;
        };
        let received = self.links.receive(now, peer, packet);
        if received.restarted {
            self.tell_everything(now, peer);
        }
        let mut heard = BTreeMap::new();
        for item in received.items {
            match item {
                Item::Message(key, offset, message) => {
                    let closed = self.take_in(place, &key, offset, message);
                    let latest = heard.entry(key).or_insert(closed);
                    *latest = closed.max(*latest);
                }
                Item::Promise(key, round) => self.log(&key).hear_promise(place, round),
                Item::Commit(key, offset) => self.learn_commit(key, offset),
            }
        }
        for (key, round) in heard {
            self.close(now, key, round);
        }
    }

    /// A message from the node at `place`; the first round that comes after it.
    fn take_in(&mut self, place: usize, key: &str, offset: u64, message: Box<RawValue>) -> u64 {
        let log = self.log(key);
        let (origin, round) = log.origin(offset);
        if round.saturating_sub(log.promised()) > FORGED {
            return 0;
        }
        log.insert(offset, message);
        // What is passed on says nothing of what its origin may have said before.
        if origin == place {
            log.hear_promise(place, round);
        }
        round
    }

    fn learn_commit(&mut self, key: String, offset: u64) {
        if !self.is_committed(&key, offset) {
            self.committed.insert(key, offset);
        }
    }

    /// This node appends in no round before this one any more, and says so to everybody.
    fn close(&mut self, now: Duration, key: String, round: u64) {
        let log = self.log(&key);
        if log.close(round) {
            let item = Item::Promise(key, log.promised());
            self.links.push_to_all_but(now, None, &item);
        }
    }

    /// Whoever has lost his memory is told all that is known here. Messages come before the promise
    /// that covers them.
    fn tell_everything(&mut self, now: Duration, peer: &NodeId) {
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
        self.logs.get_mut(key).expect("it was put there")
    }

    /// Sends what is due; `tick` makes the event of the timer for the rest.
    pub(crate) fn flush<E>(&mut self, ctx: &mut Context<E>, tick: impl FnOnce() -> E) {
        self.links
            .flush(ctx, |packet| Outgoing::Replicate { packet }, tick);
    }
}
