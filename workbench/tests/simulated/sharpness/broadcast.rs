//! Wrong nodes for broadcast: each sends its own values to all others, until they acknowledge them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::{Caller, Cluster, Context, Node, NodeId};

use super::case::Case;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "sends each value once; partitions",
            "-w broadcast --node-count 5 --time-limit 10 --rate 50 \
             --nemesis partition --nemesis-interval 2",
            Kind::SendOnce,
            Broadcast::boot,
        ),
        Case::new(
            "takes the acknowledgement of a value for that of all smaller ones; partitions",
            "-w broadcast --node-count 5 --time-limit 20 --rate 50 \
             --nemesis partition --nemesis-interval 2",
            Kind::Cumulative,
            Broadcast::boot,
        ),
        Case::new(
            "forgets the oldest of more than eight values that wait for a node; partitions",
            "-w broadcast --node-count 5 --time-limit 20 --rate 50 \
             --nemesis partition --nemesis-interval 5",
            Kind::Overflow,
            Broadcast::boot,
        ),
        Case::new(
            "does not send one value in 30 to a node",
            "-w broadcast --node-count 5 --time-limit 10 --rate 50",
            Kind::RareDrop,
            Broadcast::boot,
        ),
        Case::new(
            "reads show what was known up to a second ago",
            "-w broadcast --node-count 5 --time-limit 10 --rate 50",
            Kind::OldReads,
            Broadcast::boot,
        )
        .missed("a value may become visible at any time; it shows in the stable latencies alone"),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    SendOnce,
    Cumulative,
    Overflow,
    RareDrop,
    OldReads,
}

const RETRY: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Broadcast {
    kind: Kind,
    is_wrong: bool,
    /// Unacknowledged values by node.
    pending: BTreeMap<NodeId, BTreeSet<u64>>,
    known: BTreeSet<u64>,
    /// What old reads return, and since when.
    snapshot: (Duration, BTreeSet<u64>),
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Topology,
    Broadcast { message: u64 },
    Read,
    Learn { values: BTreeSet<u64> },
    Confirm { values: BTreeSet<u64> },
}

#[derive(Serialize)]
enum Response {
    #[serde(rename = "topology_ok")]
    Topology,
    #[serde(rename = "broadcast_ok")]
    Broadcast,
    #[serde(rename = "read_ok")]
    Read { messages: BTreeSet<u64> },
}

#[derive(Debug)]
struct Retry;

impl Broadcast {
    fn boot(kind: Kind, is_wrong: bool, cluster: &Cluster, ctx: &mut Context<Retry>) -> Self {
        ctx.after(RETRY, Retry);
        Broadcast {
            kind,
            is_wrong,
            pending: cluster
                .others()
                .map(|it| (it.clone(), BTreeSet::new()))
                .collect(),
            known: BTreeSet::new(),
            snapshot: (Duration::ZERO, BTreeSet::new()),
        }
    }

    fn spread(&mut self, value: u64, ctx: &mut Context<Retry>) {
        for (node, pending) in &mut self.pending {
            if self.is_wrong && self.kind == Kind::RareDrop && ctx.rng().below(30) == 0 {
                continue;
            }
            let values = BTreeSet::from([value]);
            ctx.send(node, Request::Learn { values });
            if !self.is_wrong || self.kind != Kind::SendOnce {
                pending.insert(value);
            }
            if self.is_wrong && self.kind == Kind::Overflow && pending.len() > 8 {
                pending.pop_first();
            }
        }
    }

    fn read(&mut self, now: Duration) -> BTreeSet<u64> {
        if !self.is_wrong || self.kind != Kind::OldReads {
            return self.known.clone();
        }
        if now > self.snapshot.0 + Duration::from_secs(1) {
            self.snapshot = (now, self.known.clone());
        }
        self.snapshot.1.clone()
    }
}

impl Node for Broadcast {
    type Request = Request;
    type Event = Retry;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Retry>) {
        match request {
            Request::Topology => ctx.reply(caller, Response::Topology),
            Request::Broadcast { message } => {
                self.known.insert(message);
                self.spread(message, ctx);
                ctx.reply(caller, Response::Broadcast);
            }
            Request::Read => {
                let messages = self.read(ctx.now());
                ctx.reply(caller, Response::Read { messages });
            }
            Request::Learn { values } => {
                self.known.extend(&values);
                ctx.send(caller.node(), Request::Confirm { values });
            }
            Request::Confirm { values } => {
                let pending = self.pending.get_mut(caller.node()).unwrap();
                pending.retain(|it| !values.contains(it));
                if self.is_wrong && self.kind == Kind::Cumulative {
                    pending.retain(|it| Some(it) > values.last());
                }
            }
        }
    }

    fn on_event(&mut self, _: Retry, ctx: &mut Context<Retry>) {
        ctx.after(RETRY, Retry);
        for (node, pending) in self
            .pending
            .iter()
            .filter(|(_, pending)| !pending.is_empty())
        {
            let values = pending.clone();
            ctx.send(node, Request::Learn { values });
        }
    }
}
