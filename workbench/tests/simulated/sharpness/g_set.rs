//! Wrong nodes for g-set: each sends its whole set to all others, or keeps it in lin-kv.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::{Caller, Cluster, Context, Failure, LIN_KV, Node, NodeId};

use super::case::Case;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "takes over the larger set instead of the union",
            "-w g-set --node-count 3 --time-limit 5 --rate 50",
            Kind::LargerWins,
            GSet::boot,
        ),
        Case::new(
            "acknowledges one element in 50 without keeping it",
            "-w g-set --node-count 3 --time-limit 10 --rate 50",
            Kind::RareDrop,
            GSet::boot,
        ),
        Case::new(
            "takes over the set of a node that was silent for half a second; partitions",
            "-w g-set --node-count 3 --time-limit 20 --rate 50 \
             --nemesis partition --nemesis-interval 2",
            Kind::Rejoin,
            GSet::boot,
        )
        .missed("on the other seeds no element was lost; with --time-limit 60 it is 20 of 20"),
        Case::new(
            "changes the set in lin-kv with read and write instead of cas",
            "-w g-set --node-count 3 --concurrency 2n --time-limit 10 --rate 50 --latency 5",
            Kind::LostUpdate,
            GSet::boot,
        ),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    LargerWins,
    RareDrop,
    Rejoin,
    LostUpdate,
}

type Set = BTreeSet<u64>;

const GOSSIP: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct GSet {
    kind: Kind,
    is_wrong: bool,
    cluster: Cluster,
    known: Set,
    /// When each node's last message arrived.
    last_messages: BTreeMap<NodeId, Duration>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Add { element: u64 },
    Read,
    Merge { set: Set },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    AddOk,
    ReadOk { value: Set },
}

type Found = Result<Option<Set>, Failure>;

#[derive(Debug)]
enum Event {
    Gossip,
    /// The set was read in order to add an element.
    ReadToAdd(Caller, u64, Found),
    Added(Caller, u64, Result<bool, Failure>),
    Read(Caller, Found),
}

impl GSet {
    fn boot(kind: Kind, is_wrong: bool, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        ctx.after(GOSSIP, Event::Gossip);
        GSet {
            kind,
            is_wrong,
            cluster: cluster.clone(),
            known: Set::new(),
            last_messages: BTreeMap::new(),
        }
    }

    fn merge(&mut self, from: &NodeId, set: Set, now: Duration) {
        let last = self.last_messages.insert(from.clone(), now);
        let was_silent = last.is_some_and(|last| now > last + 5 * GOSSIP);
        match self.kind {
            Kind::LargerWins if self.is_wrong && set.len() <= self.known.len() => {}
            Kind::LargerWins if self.is_wrong => self.known = set,
            Kind::Rejoin if self.is_wrong && was_silent => self.known = set,
            Kind::LargerWins | Kind::Rejoin | Kind::RareDrop | Kind::LostUpdate => {
                self.known.extend(set);
            }
        }
    }
}

impl Node for GSet {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Add { element } if self.kind == Kind::LostUpdate => {
                ctx.call(LIN_KV.read("set"), move |it| {
                    Event::ReadToAdd(caller, element, it)
                });
            }
            Request::Read if self.kind == Kind::LostUpdate => {
                ctx.call(LIN_KV.read("set"), |it| Event::Read(caller, it));
            }
            Request::Add { element } => {
                let is_rare = self.kind == Kind::RareDrop && ctx.rng().below(50) == 0;
                if !self.is_wrong || !is_rare {
                    self.known.insert(element);
                }
                ctx.reply(caller, Response::AddOk);
            }
            Request::Read => {
                let value = self.known.clone();
                ctx.reply(caller, Response::ReadOk { value });
            }
            Request::Merge { set } => self.merge(caller.node(), set, ctx.now()),
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        match event {
            Event::Gossip => {
                ctx.after(GOSSIP, Event::Gossip);
                for node in self.cluster.others() {
                    let set = self.known.clone();
                    ctx.send(node, Request::Merge { set });
                }
            }
            Event::ReadToAdd(caller, element, Ok(found)) => {
                let from = found.unwrap_or_default();
                let mut to = from.clone();
                to.insert(element);
                if self.is_wrong {
                    ctx.call(LIN_KV.write("set", to), move |it| {
                        Event::Added(caller, element, it.map(|()| true))
                    });
                } else {
                    ctx.call(LIN_KV.cas_or_create("set", from, to), move |it| {
                        Event::Added(caller, element, it)
                    });
                }
            }
            Event::Added(caller, _, Ok(true)) => ctx.reply(caller, Response::AddOk),
            Event::Added(caller, element, Ok(false)) => {
                ctx.call(LIN_KV.read("set"), move |it| {
                    Event::ReadToAdd(caller, element, it)
                });
            }
            Event::Read(caller, Ok(found)) => {
                let value = found.unwrap_or_default();
                ctx.reply(caller, Response::ReadOk { value });
            }
            // Services answer in time, so these errors do not happen.
            Event::ReadToAdd(_, _, Err(_))
            | Event::Added(_, _, Err(_))
            | Event::Read(_, Err(_)) => {}
        }
    }
}
