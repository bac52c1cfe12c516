//! # Challenge 4: a grow-only counter
//!
//! ## The problem
//!
//! Any node may be asked to add to a counter, and any node for its value. Every request must be
//! answered, however the network is partitioned, and soon after it is whole again all nodes must
//! return the exact sum of all that was added.
//!
//! ## What was considered
//!
//! *The sequential store* that the bench offers keeps the truth in one place, and nodes agree by
//! reading it. But its reads may be arbitrarily stale, so a node that only reads may never see the
//! right sum. What makes a read fresh is a write, and one that changes nothing does not; so each
//! node must invent changes, and then read the keys of all nodes: about six messages per node and
//! period, whether or not anything has changed.
//!
//! *Differences* sent from node to node must each arrive exactly once. A
//! [`Link`](replication::Link) does that, but its queue for an unreachable neighbour grows with
//! every addition, and all of it must be sent again until it is confirmed.
//!
//! *Requests and responses*, both with changes, cost two messages for both directions. So do two
//! messages, one each way, that each carry changes and confirm the other's; and these need no
//! agreement on which side asks, nor any rule for responses that are late or lost.
//!
//! ## The solution
//!
//! Each node keeps how much it has added itself, a total that only grows, and for every other node
//! the largest total that it has received. The value is the sum. Requests are answered at once from
//! that state: total availability.
//!
//! The nodes form a spanning tree, as for broadcast: with up to 25 nodes a star. Packets along an
//! edge are *level, not edge*: one with totals holds all that have changed since the neighbour's
//! last confirmation, whatever was sent before. Confirmations (`heard`) are version numbers of the
//! sender's totals, and ride on the packets that go the other way. Changes wait for a window, so
//! that they leave together; an answer waits for changes that can carry it, but not so long that the
//! other side resends. What stays unconfirmed is sent again after `resend`, with the latest totals;
//! a node with nothing new sends nothing.
//!
//! ```text
//!   a: 5, b: 2 known                             b: 2 known
//!     | version 2, a: 5 ---------x lost            |
//!     |  + 1, and a little later                   |  + 4
//!     |                         version 2, b: 6    |
//!     |<-------------------------------------------|   a window after the change
//!     | version 4, a: 6, heard 2                   |
//!     |------------------------------------------->|   both have 12
//!     |                                  heard 4   |
//!     |<-------------------------------------------|   and know that the other has it
//! ```
//!
//! ## Why it is correct
//!
//! To merge is to take the larger of two totals, so repeated, late and reordered packets do no
//! harm. Nothing is lost either. A packet of version v to a neighbour that has confirmed c holds
//! all changes after c up to v, except those that came from that neighbour; so when it arrives, the
//! neighbour knows all changes up to v, and may confirm v whatever was lost before. Until it has
//! done so the edge keeps sending. A change is sent to all other edges in the step in which it is
//! learnt; so by induction along the one path between any two nodes every total reaches all nodes.
//!
//! A node that restarts has forgotten its total. It is another *owner* then, its name with a fresh
//! boot number, and begins at zero: no owner's total ever decreases, and nothing is counted twice.
//! It greets its neighbours until they have answered. They do not know its boot number, so they
//! forget what was confirmed and sent before: the first packet to a new incarnation holds
//! everything. A late packet of the earlier incarnation may deceive them once more; but then that
//! one is sent everything, and a packet that is addressed to a dead incarnation is answered by the
//! living one at once.
//!
//! A partition delays what must cross it and refuses nothing. Let L be the latency of a hop. After
//! the heal each edge resends within `resend`, which takes changes over their first hop; the answer
//! comes within 2L and the wait for an answer, and then the changes made meanwhile are sent; each
//! further hop takes a window and L. In a star, with 100 ms a hop, all reads are exact 2.55 s after
//! the heal. During the partition an edge costs one packet per `resend` and direction, or two where
//! only one direction is cut (the packets that arrive are answered, but the answers are lost, and
//! changes are resent); their size depends on the number of nodes alone.
//!
//! ## What it costs
//!
//! In steady use one packet per edge, direction and window, however many operations there are: with
//! three nodes at most eight a second. Reads are stale by up to two windows and two hops. By
//! default a node that is killed loses what it had added in its last window, which it had sent to
//! no other node; acknowledged additions survive only on the nodes that have received them. So none
//! is lost as long as no node is killed. The state grows by a total with every restart of a node.
//!
//! ## Durable mode
//!
//! With `--durable` no addition that was acknowledged, or counted by any read, is ever lost or
//! counted twice, whichever nodes are killed, even all at once. A node that was ready before, and
//! restarts, answers no request before it counts all that had been acknowledged or read anywhere at
//! the time of its restart. Until then requests wait.
//!
//! The total that an addition makes is written into the node's [journal](Durable) first; only when
//! the service lin-kv holds it is it applied, sent to neighbours, and acknowledged. So a total that
//! is known anywhere stands in some journal, and a node that restarts reads them all. A journal
//! names the incarnation that wrote each total: the total is raised for that owner, not for the new
//! one, and raising it twice does no harm. Recovered totals are sent to the neighbours like all
//! changes. An incarnation that was never ready may leave no trace, so that the next one takes
//! itself for the first and reads nothing; but it has confirmed nothing to its neighbours either,
//! which send everything again.
//!
//! Two limits remain: an addition whose node is down may be counted by no other node until some
//! node restarts; and nothing is acknowledged, nor does any node become ready, while the service
//! cannot be reached.
//!
//! It costs a write and its answer for each addition, or for all that came during the one before,
//! and a client waits for that round trip: by the challenge's rules 0.60 messages per operation
//! instead of 0.06. An addition of nothing, which is one in five there, has no effect to lose, so
//! it is acknowledged without a write. A first start costs four messages; a restart at most four
//! per batch that was ever written.

mod edge;
mod totals;

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use clap::builder::UnknownArgumentValueParser;
use replication::{Alarm, DurabilityFlags, Durable, JournalEvent, Step, Tree};
use serde::{Deserialize, Serialize};
use shared::{Caller, Cluster, Context, ErrorCode, Node, NodeId, RpcError, milliseconds};

use edge::{Edge, Timing};
use totals::{Owner, Totals};

pub use edge::Packet;

/// How the node replicates additions.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Flags {
    /// How many children a node of the spanning tree has. 24 makes up to 25 nodes a star.
    #[arg(long, value_name = "N", default_value_t = 24,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub fan_out: u16,

    /// How long a node gathers changes before it sends them to a neighbour.
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = milliseconds(0))]
    pub window: u64,

    /// How long a node waits for an answer before it resends: more than `--window` and two round
    /// trips, or it resends needlessly.
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = milliseconds(1))]
    pub resend: u64,

    /// The former name of `--resend`: rejected with the present one.
    #[arg(long, hide = true, value_parser = UnknownArgumentValueParser::suggest_arg("--resend"))]
    retry: Option<String>,

    /// Whether acknowledged additions survive the node.
    #[command(flatten)]
    pub durability: DurabilityFlags,
}

/// The node: the totals of all owners, its edges of the tree, and its durable part.
#[derive(Debug)]
pub struct GCounter {
    me: Owner,
    totals: Totals,
    edges: BTreeMap<NodeId, Edge>,
    alarm: Alarm,
    /// An entry is this incarnation's total after an addition.
    durable: Durable<u64, Request>,
}

/// Requests of clients and neighbours.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Add to the counter.
    Add {
        /// How much. A fraction or a negative number is refused as malformed.
        delta: u64,
    },
    /// Return the counter's value.
    Read,
    /// Merge a neighbour's totals. A packet without any has a type of its own, so that it can be
    /// counted.
    #[serde(alias = "merge_ack")]
    Merge {
        /// The totals.
        packet: Packet,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    AddOk,
    ReadOk { value: u128 },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outgoing {
    Merge { packet: Packet },
    MergeAck { packet: Packet },
}

/// Timers and journal events.
#[derive(Debug)]
pub enum Event {
    /// An edge may have something to send.
    EdgesDue,
    /// An event of its journal.
    Journal(JournalEvent<u64>),
}

impl Flags {
    /// Changes usually carry the answers; an answer alone is sent late, but early enough to prevent
    /// a resend.
    fn timing(&self) -> Timing {
        Timing {
            window: Duration::from_millis(self.window),
            answer: Duration::from_millis(self.window.midpoint(self.resend)),
            resend: Duration::from_millis(self.resend),
        }
    }
}

impl GCounter {
    /// A node with no totals. It will greet its neighbours.
    pub fn boot(flags: &Flags, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        let (now, boot) = (ctx.now(), ctx.rng().boot_number());
        let timing = flags.timing();
        let neighbours = Tree::of(cluster, Some(flags.fan_out.into())).neighbours();
        let edge = |node: NodeId| (node.clone(), Edge::new(now, boot, node, timing));
        let mut counter = GCounter {
            me: Owner::new(&cluster.me, boot),
            totals: Totals::default(),
            edges: neighbours.map(edge).collect(),
            alarm: Alarm::default(),
            durable: Durable::open(&flags.durability, "g-counter", cluster, boot),
        };
        counter.proceed(ctx);
        counter
    }

    fn serve(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Add { delta } => self.add(delta, caller, ctx),
            Request::Read => {
                let value = self.totals.value();
                ctx.reply(caller, Response::ReadOk { value });
            }
            Request::Merge { packet } => self.merge(ctx.now(), caller.node(), packet),
        }
    }

    fn add(&mut self, delta: u64, caller: Caller, ctx: &mut Context<Event>) {
        if delta == 0 {
            // There is nothing to lose, so nothing is written.
            return ctx.reply(caller, Response::AddOk);
        }
        let last_pending = self.durable.last_pending().copied();
        let total = last_pending.unwrap_or_else(|| self.totals.of(&self.me));
        if let Some(total) = total.checked_add(delta) {
            self.durable.submit(total, caller);
        } else {
            // The request is well formed: only the present total prevents it.
            let text = "this node cannot add up that much";
            let error = RpcError::new(ErrorCode::PreconditionFailed, text);
            ctx.reject(caller, &error);
        }
    }

    fn raise(&mut self, now: Duration, owner: &Owner, total: u64, from: Option<&NodeId>) {
        if self.totals.raise(owner, total, from) {
            let others = self.edges.iter_mut().filter(|edge| Some(edge.0) != from);
            others.for_each(|(_, edge)| edge.learn(now));
        }
    }

    fn merge(&mut self, now: Duration, neighbour: &NodeId, packet: Packet) {
        let Some(edge) = self.edges.get_mut(neighbour) else {
            // Only neighbours exchange totals.
            return;
        };
        let received = edge.receive(now, packet, self.totals.version());
        if received.is_newcomer {
            self.totals.forget_sender(neighbour);
        }
        for (owner, total) in &received.totals {
            self.raise(now, owner, *total, Some(neighbour));
        }
    }

    /// Executes pending steps, sends what is due, and sets a timer for the rest.
    fn proceed(&mut self, ctx: &mut Context<Event>) {
        while let Some(step) = self.durable.next_step() {
            match step {
                Step::Recover { owner, boot, entry } => {
                    self.raise(ctx.now(), &Owner::new(&owner, boot), entry, None);
                }
                // Recovered totals are scheduled for the neighbours already.
                Step::Ready => {}
                Step::Serve(request, caller) => self.serve(request, caller, ctx),
                Step::Apply(total, caller) => {
                    self.raise(ctx.now(), &self.me.clone(), total, None);
                    ctx.reply(caller, Response::AddOk);
                }
            }
        }
        self.durable.flush(ctx, Event::Journal);
        let now = ctx.now();
        for (neighbour, edge) in &mut self.edges {
            if let Some(packet) = edge.poll(now, &self.totals) {
                let request = match packet.only_acknowledges() {
                    true => Outgoing::MergeAck { packet },
                    false => Outgoing::Merge { packet },
                };
                ctx.send(neighbour, request);
            }
        }
        let deadline = self.edges.values().filter_map(Edge::deadline).min();
        self.alarm.set(ctx, deadline, || Event::EdgesDue);
    }
}

impl Node for GCounter {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        self.durable.on_request(request, caller, ctx);
        self.proceed(ctx);
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        match event {
            Event::EdgesDue => {}
            Event::Journal(event) => self.durable.on_event(event),
        }
        self.proceed(ctx);
    }
}
