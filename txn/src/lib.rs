//! # Challenge 6: totally available transactions
//!
//! ## The problem
//!
//! Clients send transactions: lists of reads and writes of keys, to any node. All must be answered,
//! however the network is cut, and nobody may see what was not committed or not meant to last:
//! first *read uncommitted* is asked for (6b), then *read committed* (6c), with the edges of
//! sessions and of real time.
//!
//! ## What was considered
//!
//! *Locks, or a store that orders all transactions*, give serializability and refuse whoever is on
//! the wrong side of a cut. *A store of the bench's* for the values alone brings one message or
//! more for each step, and a transaction is seen half done while its writes are under way. *Telling
//! others write by write* is available, and shows them half a transaction, too.
//!
//! ## The solution
//!
//! Each node holds a whole replica. A transaction is executed where it arrives, in one step, and
//! answered at once. What it has written, the last value for each key, is stamped with a Lamport
//! clock and becomes one *unit*. Units travel over [`Link`](shared::Link)s along a spanning tree
//! and are applied in one step on every node; per key the write with the highest stamp wins. A
//! transaction that only reads is nobody else's business.
//!
//! ```text
//!   n1                        n0, the hub                   n2
//!     | x = 1, y = 1             |                            | reads x, y: null, null
//!     |--- (1) x: 1, y: 1 ------>|                            |
//!     |                          |--- (1) x: 1, y: 1 -------->|
//!     |                          |                            | reads x, y: 1, 1
//!     |                          |<------------ (2) x: 2 -----| x = 2
//!     |<------------ (2) x: 2 ---|                            |
//! ```
//!
//! A node forwards a unit to all edges but the one it came from, unless all of it had been
//! overwritten before it came.
//!
//! ## Why it holds
//!
//! *A transaction is all or nothing.* It is checked before anything of it is executed, no other can
//! come in between on its node, and elsewhere its writes become visible in one step. So nobody
//! reads what was refused (G1a) or overwritten within its own transaction (G1b), and a transaction
//! sees its own writes. Who reads one of its keys finds the others to be its own or later: *read
//! atomic*. Keys that are always written together always agree.
//!
//! *What was seen comes first.* A tree of links that keep order gives causal order for nothing. If
//! a transaction could see a unit, then its node had put that unit on all other edges, or received
//! it over that edge, before it puts its own there; the link keeps them in this order, so the next
//! node applies and forwards them in this order; and so on, by induction over hops. The clock is
//! raised by every unit received, so what was seen also has the lower stamp. A unit that was not
//! forwarded is no gap: whatever overwrote it went ahead. On one node values never go back.
//!
//! *Read committed, strongly.* Take for the order of a key's versions the order in which the
//! writing transactions were executed, in real time. Then a transaction that reads or follows a
//! version was executed after the one that wrote it; so was, in a session, the next transaction,
//! since clients stay on their node; and so was one that began after another's end. All edges that
//! G0 and G1c are made of point forward in time, and cannot close a cycle. (That replicas keep the
//! write with the highest stamp, perhaps not the last one, concerns reads alone: they may be stale.)
//!
//! *Replicas agree.* Links deliver every unit in the end, and the highest of some stamps does not
//! depend on the order in which they come. Let L be the latency of a hop: after a partition all
//! replicas are equal within `resend` + 2L + hops · (window + L), by default 2.6 s for up to 25
//! nodes and 100 ms a hop.
//!
//! ## What cannot be had, and what it costs
//!
//! On both sides of a cut a transaction may read x = nil and write x. Whoever answers both has lost
//! an update: one write is, silently, overwritten by the one with the higher stamp. So every model
//! that forbids lost updates (cursor stability, update atomic, and all that imply one of them:
//! consistent view, snapshot isolation, repeatable read) is out of reach of a design that is always
//! available. So is what takes two anti-dependencies: write skew, and two readers who see two
//! concurrent writes in different orders. A cycle with only one does not occur but as a lost update:
//! it would lead from the overwriter by way of what was seen to the reader, who then had seen it.
//!
//! A node that dies takes with it what it had written in its last window, and more if it was cut
//! off. When it comes back it knows nothing until it or a neighbour has spoken; then it is told
//! everything. The promises above are made by nodes that live: a newcomer begins with low stamps
//! and shows old or no values for a while, and what it writes then may lose to what it has forgotten.
//! What it is told are the latest values, those of one transaction together, but in several steps if
//! there are more than 4,096 such units.
//!
//! In steady use a message per edge, direction and window: with two nodes twenty a second. What a
//! neighbour that is cut off has yet to be told is kept, transaction by transaction, since it must
//! learn of them in order; meanwhile the edge costs one message per `resend` and direction, or two
//! where only one direction is cut.

mod key;
mod store;

use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::{Caller, Cluster, Context, Links, Node, NodeId, Packet, Patience, milliseconds};

use key::Key;
use store::{Step, Store};

pub use store::Unit;

/// How the node tells others what was written.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Flags {
    /// How many children a node of the spanning tree has. 24 makes up to 25 nodes a star.
    #[arg(long, value_name = "N", default_value_t = 24,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub fan_out: u16,

    /// How long a node gathers transactions before it passes them on.
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = milliseconds(0))]
    pub window: u64,

    /// How patient its links are.
    #[command(flatten)]
    pub patience: Patience,
}

/// The node: its replica, and its edges of the tree.
#[derive(Debug)]
pub struct Txn {
    store: Store,
    links: Links<Unit>,
}

/// What it may be asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Execute this. If any part of it is malformed, so is the request, and nothing is executed.
    Txn {
        /// What to read and write, in order.
        txn: Vec<MicroOp>,
    },
    /// A neighbour's link speaks.
    Gossip {
        /// What it says.
        packet: Packet<Unit>,
    },
}

/// One read or write: `["r", key, null]` or `["w", key, value]`. Keys and values are any JSON.
#[derive(Debug, Deserialize)]
#[serde(try_from = "(String, Box<RawValue>, Box<RawValue>)")]
pub struct MicroOp {
    key: Key,
    /// The key as the client wrote it.
    key_text: Box<RawValue>,
    step: Step,
}

impl TryFrom<(String, Box<RawValue>, Box<RawValue>)> for MicroOp {
    type Error = String;

    fn try_from(op: (String, Box<RawValue>, Box<RawValue>)) -> Result<Self, Self::Error> {
        let (name, key_text, value) = op;
        let step = match &*name {
            "r" => Step::Read,
            "w" => Step::Write(value),
            _ => return Err(format!("no such operation: {name:?}")),
        };
        Ok(MicroOp {
            key: Key::new(&key_text).map_err(|error| error.to_string())?,
            key_text,
            step,
        })
    }
}

/// One read or write with its outcome; null stands for an absent key.
type Done = (&'static str, Box<RawValue>, Option<Box<RawValue>>);

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    TxnOk { txn: Vec<Done> },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outgoing {
    Gossip { packet: Packet<Unit> },
}

/// What it tells itself.
#[derive(Debug)]
pub enum Event {
    /// Some link may have something to send.
    LinksDue,
}

impl Txn {
    /// A node whose replica is empty.
    pub fn boot(flags: &Flags, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        let boot = ctx.rng().boot_number();
        let timing = flags.patience.timing(flags.window);
        let neighbours = cluster.tree_neighbours(flags.fan_out.into()).into_iter();
        Txn {
            store: Store::new(boot),
            links: Links::new(boot, neighbours.map(|node| (node, timing))),
        }
    }

    fn execute(&mut self, now: Duration, ops: Vec<MicroOp>) -> Vec<Done> {
        let steps = ops.iter().map(|op| (&op.key, &op.step));
        let (values, unit) = self.store.execute(steps);
        if let Some(unit) = unit {
            self.links.push_to_all_but(now, None, &unit);
        }
        let done = ops.into_iter().zip(values);
        done.map(|(op, value)| (op.step.name(), op.key_text, value))
            .collect()
    }

    fn hear(&mut self, now: Duration, neighbour: &NodeId, packet: Packet<Unit>) {
        let received = self.links.receive(now, neighbour, packet);
        if received.restarted {
            for unit in self.store.units() {
                self.links.push(now, neighbour, unit);
            }
        }
        for unit in &received.items {
            if self.store.apply(unit) {
                self.links.push_to_all_but(now, Some(neighbour), unit);
            }
        }
    }

    fn flush(&mut self, ctx: &mut Context<Event>) {
        self.links.flush(
            ctx,
            |packet| Outgoing::Gossip { packet },
            || Event::LinksDue,
        );
    }
}

impl Node for Txn {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Txn { txn } => {
                let txn = self.execute(ctx.now(), txn);
                ctx.reply(caller, Response::TxnOk { txn });
            }
            Request::Gossip { packet } => self.hear(ctx.now(), caller.node(), packet),
        }
        self.flush(ctx);
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        match event {
            Event::LinksDue => self.flush(ctx),
        }
    }
}
