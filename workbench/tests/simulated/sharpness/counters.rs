//! Wrong nodes for g-counter and pn-counter.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::{Call, Caller, Cluster, Context, Failure, Kv, LIN_KV, Node, NodeId, SEQ_KV};

use super::case::Case;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "changes the total in lin-kv with read and write instead of cas",
            "-w g-counter --node-count 3 --concurrency 2n --time-limit 10 --rate 50 --latency 5",
            Kind::LostUpdate,
            Counter::boot,
        ),
        Case::new(
            "gives a change of the total up, and acknowledges it, when two cas have failed",
            "-w g-counter --node-count 3 --concurrency 4n --time-limit 10 --rate 100 --latency 5",
            Kind::GiveUp,
            Counter::boot,
        ),
        Case::new(
            "reads the total from seq-kv without having written before",
            "-w g-counter --node-count 3 --time-limit 10 --rate 20",
            Kind::StaleRead,
            Counter::boot,
        )
        .missed(
            "final reads alone are checked, and on the other seeds all of them were up to date",
        ),
        Case::new(
            "sends a number again until it is acknowledged, and adds it each time; partitions",
            "-w g-counter --node-count 3 --time-limit 20 --rate 50 --latency 20 \
             --latency-dist exponential --nemesis partition --nemesis-interval 2",
            Kind::AddTwice,
            Counter::boot,
        ),
        Case::new(
            "merges the nodes' totals by their maximum",
            "-w pn-counter --node-count 3 --time-limit 10 --rate 20",
            Kind::Maximum,
            Counter::boot,
        ),
        Case::new(
            "keeps the total that came last, old or new; sent on change alone, messages overtake",
            "-w pn-counter --node-count 5 --time-limit 10 --rate 100 --latency 100 \
             --latency-dist exponential",
            Kind::LastWins,
            Counter::boot,
        ),
        Case::new(
            "acknowledges one number in 30 without adding it",
            "-w pn-counter --node-count 3 --time-limit 10 --rate 50",
            Kind::RareDrop,
            Counter::boot,
        ),
        Case::new(
            "sends a number again until it is acknowledged, and adds it each time; partitions",
            "-w pn-counter --node-count 3 --time-limit 20 --rate 50 --latency 20 \
             --latency-dist exponential --nemesis partition --nemesis-interval 2",
            Kind::AddTwice,
            Counter::boot,
        ),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    LostUpdate,
    GiveUp,
    StaleRead,
    AddTwice,
    Maximum,
    LastWins,
    RareDrop,
}

const RETRY: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Counter {
    kind: Kind,
    is_wrong: bool,
    cluster: Cluster,
    /// By node, the version of its total, and the total.
    totals: BTreeMap<NodeId, (u64, i64)>,
    /// The deltas added, by sender and number.
    added: BTreeMap<(NodeId, u64), i64>,
    sent: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Add { delta: i64 },
    Read,
    Merge { version: u64, total: i64 },
    AddOnce { number: u64, delta: i64 },
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    AddOk,
    ReadOk { value: i64 },
}

#[derive(Debug)]
enum Event {
    Gossip,
    /// The total was read in order to add a number, after this many earlier tries.
    ReadToAdd(Caller, i64, u32, Result<Option<i64>, Failure>),
    Added(Caller, i64, u32, Result<bool, Failure>),
    CaughtUp(Caller),
    Read(Caller, Result<Option<i64>, Failure>),
    /// A node has acknowledged a number, or the call has timed out.
    Sent(NodeId, u64, i64, Result<(), Failure>),
}

impl Counter {
    fn boot(kind: Kind, is_wrong: bool, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        ctx.after(RETRY, Event::Gossip);
        Counter {
            kind,
            is_wrong,
            cluster: cluster.clone(),
            totals: BTreeMap::new(),
            added: BTreeMap::new(),
            sent: 0,
        }
    }

    /// The service that keeps the total, if one does.
    fn service(&self) -> Option<Kv> {
        match self.kind {
            Kind::LostUpdate | Kind::GiveUp => Some(LIN_KV),
            Kind::StaleRead => Some(SEQ_KV),
            Kind::AddTwice | Kind::Maximum | Kind::LastWins | Kind::RareDrop => None,
        }
    }

    fn add_in(service: Kv, caller: Caller, delta: i64, tries: u32, ctx: &mut Context<Event>) {
        let read = service.read("total");
        ctx.call(read, move |it| Event::ReadToAdd(caller, delta, tries, it));
    }

    /// Adds a number to this node's own total.
    fn add(&mut self, delta: i64) {
        let own = self.totals.entry(self.cluster.me.clone()).or_default();
        *own = (own.0 + 1, own.1 + delta);
    }

    fn send(node: NodeId, number: u64, delta: i64, ctx: &mut Context<Event>) {
        let request = Request::AddOnce { number, delta };
        let call = Call::new(node.clone(), request, |it| it.map(|_: Response| ())).timeout(RETRY);
        ctx.call(call, move |it| Event::Sent(node, number, delta, it));
    }

    fn gossip(&self, ctx: &mut Context<Event>) {
        let Some((version, total)) = self.totals.get(&self.cluster.me).copied() else {
            return;
        };
        for node in self.cluster.others() {
            ctx.send(node, Request::Merge { version, total });
        }
    }

    fn merge(&mut self, from: NodeId, version: u64, total: i64) {
        let known = self.totals.entry(from).or_default();
        let is_newer = match self.kind {
            Kind::Maximum if self.is_wrong => total > known.1,
            Kind::LastWins if self.is_wrong => true,
            _ => version > known.0,
        };
        if is_newer {
            *known = (version, total);
        }
    }
}

impl Node for Counter {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match (request, self.service()) {
            (Request::Add { delta: 0 }, Some(_)) => ctx.reply(caller, Response::AddOk),
            (Request::Add { delta }, Some(service)) => Self::add_in(service, caller, delta, 0, ctx),
            (Request::Read, Some(SEQ_KV)) if !self.is_wrong => {
                self.sent += 1;
                let write = SEQ_KV.write(&self.cluster.me, self.sent);
                ctx.call(write, |_| Event::CaughtUp(caller));
            }
            (Request::Read, Some(service)) => {
                ctx.call(service.read("total"), |it| Event::Read(caller, it));
            }
            (Request::Add { delta }, None) => {
                let is_rare = self.kind == Kind::RareDrop && ctx.rng().below(30) == 0;
                if !self.is_wrong || !is_rare {
                    self.add(delta);
                }
                if self.kind == Kind::AddTwice {
                    self.sent += 1;
                    for node in self.cluster.others() {
                        Self::send(node.clone(), self.sent, delta, ctx);
                    }
                }
                if self.kind == Kind::LastWins {
                    self.gossip(ctx);
                }
                ctx.reply(caller, Response::AddOk);
            }
            (Request::Read, None) => {
                let totals = self.totals.values().map(|it| it.1);
                let value = totals.chain(self.added.values().copied()).sum();
                ctx.reply(caller, Response::ReadOk { value });
            }
            (Request::Merge { version, total }, _) => {
                self.merge(caller.node().clone(), version, total);
            }
            (Request::AddOnce { number, delta }, _) => {
                let added = self
                    .added
                    .entry((caller.node().clone(), number))
                    .or_default();
                *added = if self.is_wrong { *added + delta } else { delta };
                ctx.reply(caller, Response::AddOk);
            }
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        let service = self.service().unwrap_or(LIN_KV);
        match event {
            Event::Gossip => {
                ctx.after(RETRY, Event::Gossip);
                if matches!(self.kind, Kind::Maximum | Kind::RareDrop) {
                    self.gossip(ctx);
                }
            }
            Event::ReadToAdd(caller, delta, tries, Ok(found)) => {
                let from = found.unwrap_or(0);
                let to = from + delta;
                if self.is_wrong && self.kind == Kind::LostUpdate {
                    ctx.call(service.write("total", to), move |it| {
                        Event::Added(caller, delta, tries, it.map(|()| true))
                    });
                } else {
                    ctx.call(service.cas_or_create("total", from, to), move |it| {
                        Event::Added(caller, delta, tries, it)
                    });
                }
            }
            Event::Added(caller, delta, tries, Ok(false))
                if !self.is_wrong || self.kind != Kind::GiveUp || tries == 0 =>
            {
                Self::add_in(service, caller, delta, tries + 1, ctx);
            }
            Event::Added(caller, _, _, Ok(_)) => ctx.reply(caller, Response::AddOk),
            Event::CaughtUp(caller) => {
                ctx.call(service.read("total"), |it| Event::Read(caller, it));
            }
            Event::Read(caller, Ok(found)) => {
                let value = found.unwrap_or(0);
                ctx.reply(caller, Response::ReadOk { value });
            }
            Event::Sent(node, number, delta, Err(_)) => Self::send(node, number, delta, ctx),
            // Services answer in time, so these errors do not happen.
            Event::Sent(_, _, _, Ok(()))
            | Event::ReadToAdd(_, _, _, Err(_))
            | Event::Added(_, _, _, Err(_))
            | Event::Read(_, Err(_)) => {}
        }
    }
}
