//! # Challenge 3: broadcast
//!
//! ## The problem
//!
//! A value that a client sends to any node must soon reach all nodes, however the network is
//! partitioned for a while. With 25 nodes, a hundred operations a second and 100 ms a hop, it must
//! take few messages (challenge 3d: under 30 an operation; 3e: under 20) and little time (under 400
//! ms for half of the values and 600 ms for all; 3e: one and two seconds).
//!
//! ## What was considered
//!
//! *Gossip*, each node sending to all neighbours in the given grid, repeats every value on every
//! edge: tens of messages an operation. *A tree* sends each value to each node once: 24 messages a
//! value, 12 an operation, as half of the operations are reads, and no tree needs fewer. *Batching*
//! needs fewer: if a message may carry many values, the cost is how often a node receives
//! something, not how much. *Periodic exchange of whole states* is simple and repairs itself, but
//! its messages grow with all values ever broadcast.
//!
//! ## The solution
//!
//! The nodes form a spanning tree, computed by each from the list of nodes ([`TreeFlags`]; the
//! topology that the bench suggests is acknowledged and ignored). Along every edge runs a
//! [`Link`](replication::Link): an acknowledged stream that batches, and resends what was lost. A
//! value that is new to a node goes to all edges except the one it came from. Clients are answered
//! at once.
//!
//! For 25 nodes the tree is a star: one hop to the hub, one to all others. If each node waited for
//! some time before it sends, a value would wait at its leaf and again at the hub. So all keep one
//! rhythm ([`TreeFlags::links`]): the hub sends once per period while there is anything to send, and
//! a leaf sends so that its values arrive just before. Then a value waits for one period at most, and
//! an edge carries at most one packet per period in each direction:
//!
//! ```text
//!   a leaf              the hub          the other leaves
//!     |<---- batch ---------|------ batch ------>|   100 ms a hop
//!     | 7, 8: wait          |               9    |
//!     | ...                 |                    |
//!     |----- 7, 8 --------->|<------- 9 ---------|   in time for the next batch
//!     |<------------- 9 ----|---- 7, 8 --------->|   a period after the one before
//! ```
//!
//! With v values a second and node, P for the period and n leaves, that is n · (1 + 1 − e^(−vP))
//! packets per period, as a leaf without values sends nothing. With the default of 420 ms that makes
//! 0.98 messages an operation in challenge 3d; with 1,600 ms, for 3e, 0.35. A hub that has not sent
//! for a period sends at once, and so does a leaf that sees no rhythm: a lone value needs two hops.
//!
//! ## Why it is correct
//!
//! A link delivers every item once, in order, if the network lets packets through often enough: its
//! own documentation argues that. A value is put on all other edges in the same step in which it is
//! learnt, before anything else happens; a tree has one path between any two nodes; so by induction
//! along that path every value that one node knows reaches every other. No value returns the way it
//! came, and a set ignores repetitions, so the flow ends.
//!
//! The rhythm decides only when a link's waiting items leave, and never later than a period and the
//! slack from now: it changes nothing about links, acknowledgements or resends. A rhythm that is
//! wrong (packets were lost or late, a node restarted or paused) costs a value one more period on an
//! edge at most; two batches of the hub restore it.
//!
//! A partition that cuts an edge stops what must cross it, both ways; the values wait in the link.
//! Within `resend` after the heal the link resends, and one packet carries everything: all nodes
//! know all values `resend` + 2L + hops · (period + slack + L) after it, with L for the latency of a
//! hop. That is 3.3 s for the star, and more for deep trees. While a neighbour does not answer, an
//! edge costs one packet per `resend` and no more.
//!
//! A node that is killed loses what it knew, and by default also values that it had acknowledged
//! but not yet sent: no value is lost as long as no node is killed. When the node restarts, its
//! neighbours notice the new boot number in its first packet and send it everything.
//!
//! ## Larger clusters
//!
//! Where a star would have more than 24 leaves, the tree gets another level ([`TreeFlags`]): no node
//! has more than 25 neighbours, and sends and receives more than 120 packets a second. A node passes
//! its parent's batch on at once, and sends what came from its children just before its parent
//! needs it: so one period serves all levels, and each level adds two hops and the slack to the
//! latency, nothing else.
//!
//! ## Durable mode
//!
//! With `--durable` no value that was acknowledged, or returned by any read, is ever lost,
//! whichever nodes are killed, even all at once. A node that was ready before, and restarts,
//! answers no request before it knows all values that had been acknowledged or returned anywhere at
//! the time of its restart. Until then requests wait.
//!
//! *Pooled writes.* A value becomes known only when the service lin-kv holds it in some node's
//! [journal](Durable). If each node wrote its own values, each would cost two messages. So a node
//! passes what a client sends to its parent at once, and keeps the client waiting; so does the
//! parent; the root writes all that came within a window together. Confirmed values are known to
//! the root and go down the tree: at once where a client waits, in the rhythm elsewhere. A node
//! learns what its parent sends, answers the clients that wait for it, and passes it on.
//!
//! ```text
//!   a client    a leaf           the root        lin-kv        another leaf
//!     |--- 7 ----->|                |               |               |
//!     |            |--- 7 --------->|               |               |
//!     |            |                | 80 ms: window |               |
//!     |            |                |--- 7, 8, 9 -->|               |
//!     |            |                |<------ ok ----| known         |
//!     |            |<-- 7, 8, 9 ----|               |               |
//!     |<--- ok ----| known          |--------------- 7, 8, 9 ------>| up to a period later
//! ```
//!
//! A value that the parent has not sent down within a second (`PARENT_TIMEOUT`) is written by the
//! node itself, then known, acknowledged, and passed to all neighbours; the parent has it stored
//! once more, which changes nothing, as values are a set. So a partition, or the death of the root,
//! delays an acknowledgement and refuses none.
//!
//! *Nothing is lost.* A node learns a value from its own journal, from one that it reads when it
//! starts, or from its parent, which knew it. So whatever is known anywhere, and only that is
//! returned or acknowledged, stands in some journal, and a node that restarts reads them all. If
//! the root is killed, or the node that a client sent a value to, or both, the value is in a
//! journal by then, or unknown everywhere and not acknowledged. That a link's items are
//! acknowledged says nothing about the journal, and nothing depends on it.
//!
//! *Everything spreads.* A value that a node knows and its parent does not was passed to the parent
//! after it was in a journal. If the parent is killed before it knows the value, its next
//! incarnation reads that journal, or receives the item again if it had not acknowledged it. If it
//! lives, it learns the value, from above or, after a second, from its own journal; so by induction
//! the root learns it. A node that learns a value puts it on the links to all children, and one
//! that restarts puts all that it has recovered on all its links, since an earlier incarnation may
//! have died before it forwarded a value. What is pending at a parent that dies is forgotten there;
//! its children send it to the next incarnation, or write it themselves. An incarnation that was
//! never ready may leave no trace, so that the next one takes itself for the first and reads
//! nothing; but it has acknowledged nothing to its neighbours either, whose links still hold
//! everything.
//!
//! Three limits remain: a value whose node is down may be known to no other node until some node
//! restarts; while the root cannot reach the service, values do not get from one of its subtrees to
//! another; and a node that cannot reach the service does not become ready, and acknowledges only
//! what its parent sends.
//!
//! In 3d that costs 1.4 messages an operation, and a client waits for 450 ms (median) and 580 ms at
//! most: up to 100 behind a message that is under way to its node, a hop, the window, the write, a
//! hop. (Writes take 200 ms, so the root has up to three in flight.) What goes down at once carries
//! along what waits, and latencies count from the acknowledgement. So the period may be longer, by
//! default 550 ms: half of the values are known everywhere 22 ms after it, all of them 420 ms (530
//! in the worst of twenty runs). A first start costs four messages, eight at the root; a restart at
//! most four per batch that was ever written, and for n batches in the longest journal about
//! log₂ n + n/64 round trips.
//!
//! ## What it costs
//!
//! A tree has no second path: while the hub is cut off, no value gets from one leaf to another.
//! That is the price of few messages, and the challenge allows it, since partitions end. Memory
//! holds every value twice, and once more for each neighbour that has not acknowledged it.

mod pending;
mod values;

use std::time::Duration;

use clap::Args;
use replication::{Alarm, DurabilityFlags, Durable, JournalEvent, Links, Packet, Step, TreeFlags};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::{Caller, Cluster, Context, Node, NodeId, milliseconds};

use pending::{Pending, Requester};
use values::Values;

/// How long a durable node collects values for one write, unless a flag says otherwise; and how many
/// writes the root may have in flight. They take 200 ms in 3d, so one can always begin in time.
const JOURNAL_WINDOW_MS: u64 = 80;
const WRITES_IN_FLIGHT: usize = 3;

/// How long a durable node waits for its parent to store a value before it does that itself. In 3d
/// the parent needs 600 ms at most, and clients wait for five seconds.
const PARENT_TIMEOUT: Duration = Duration::from_secs(1);

/// How the node replicates values.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Flags {
    /// How often an edge of the tree carries values: once in this time, in either direction. By
    /// default 420, or 550 with `--durable`.
    #[arg(long, value_name = "MS", value_parser = milliseconds(0))]
    pub period: Option<u64>,

    /// Its place in the tree, and its links.
    #[command(flatten)]
    pub tree: TreeFlags,

    /// Whether acknowledged values survive the node.
    #[command(flatten)]
    pub durability: DurabilityFlags,
}

/// The node: its values, its edges of the tree, and its durable part.
#[derive(Debug)]
pub struct Broadcast {
    values: Values,
    /// The next node on the way to the root.
    parent: Option<NodeId>,
    links: Links<Box<RawValue>>,
    is_durable: bool,
    durable: Durable<Box<RawValue>, Request, ()>,
    /// Values to be stored; none unless the node is durable.
    pending: Pending,
    alarm: Alarm,
}

/// Requests of clients and neighbours.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Acknowledge the bench's topology, which is ignored.
    Topology,
    /// Send this value to all nodes.
    Broadcast {
        /// The value, any JSON.
        message: Box<RawValue>,
    },
    /// Return all known values.
    Read,
    /// Receive a packet of a neighbour's link. One without values has a type of its own, so that it
    /// can be counted.
    #[serde(alias = "gossip_ack")]
    Gossip {
        /// The packet.
        packet: Packet<Box<RawValue>>,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    TopologyOk,
    BroadcastOk,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outgoing {
    Gossip { packet: Packet<Box<RawValue>> },
    GossipAck { packet: Packet<Box<RawValue>> },
}

impl From<Packet<Box<RawValue>>> for Outgoing {
    fn from(packet: Packet<Box<RawValue>>) -> Self {
        match packet.only_acknowledges() {
            true => Outgoing::GossipAck { packet },
            false => Outgoing::Gossip { packet },
        }
    }
}

/// Timers and journal events.
#[derive(Debug)]
pub enum Event {
    /// A link may have something to send.
    LinksDue,
    /// A value may have been pending for too long.
    PendingDue,
    /// An event of its journal.
    Journal(JournalEvent<Box<RawValue>>),
}

impl Flags {
    /// The period in milliseconds. A durable node's latencies leave room for a longer one.
    pub fn period(&self) -> u64 {
        let default = if self.durability.durable { 550 } else { 420 };
        self.period.unwrap_or(default)
    }
}

impl Broadcast {
    /// A node with no values.
    pub fn boot(flags: &Flags, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        let tree = flags.tree.tree(cluster);
        let boot = ctx.rng().boot_number();
        let parent = tree.parent.clone();
        let durability = flags.durability.or_window(JOURNAL_WINDOW_MS);
        let durable = Durable::open(&durability, "broadcast", cluster, boot);
        let mut broadcast = Broadcast {
            values: Values::new(),
            // A value that comes too late waits for a period, so none may wait before.
            links: flags.tree.links(boot, tree, flags.period(), 0),
            is_durable: durability.durable,
            // The others write only what their parent does not.
            durable: durable.with_depth(parent.as_ref().map_or(WRITES_IN_FLIGHT, |_| 1)),
            parent,
            pending: Pending::default(),
            alarm: Alarm::default(),
        };
        broadcast.proceed(ctx);
        broadcast
    }

    fn serve(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Topology => ctx.reply(caller, Response::TopologyOk),
            Request::Broadcast { message } => self.broadcast(message, caller, ctx),
            Request::Read => {
                ctx.reply_text(caller, "read_ok", "messages", self.values.as_json());
            }
            Request::Gossip { packet } => self.on_packet(caller.node(), packet, ctx),
        }
    }

    fn broadcast(&mut self, value: Box<RawValue>, caller: Caller, ctx: &mut Context<Event>) {
        if self.is_durable && !self.values.contains(&value) {
            return self.store(ctx.now(), value, Requester::Client(caller));
        }
        // If this node is durable, a value that it knows stands in some journal.
        self.learn(&value, None, ctx);
        ctx.reply(caller, Response::BroadcastOk);
    }

    /// Has an unknown value stored: by the parent or, at the root, by this node.
    fn store(&mut self, now: Duration, value: Box<RawValue>, requester: Requester) {
        if !self.pending.add(&value, requester) {
            return;
        }
        let Some(parent) = &self.parent else {
            return self.durable.submit(value, ());
        };
        self.links.push(now, None, parent, value.clone());
        self.links.hasten(now, parent);
        self.pending.wait_for_parent(now + PARENT_TIMEOUT, value);
    }

    /// Adds a value, which stands in some journal if this node is durable, and passes it to all
    /// neighbours except the one it came from.
    fn learn(&mut self, value: &RawValue, from: Option<&NodeId>, ctx: &mut Context<Event>) {
        if !self.values.learn(value) {
            return;
        }
        let now = ctx.now();
        self.links.push_to_all_but(now, from, &value.to_owned());
        for requester in self.pending.remove(value) {
            match requester {
                Requester::Client(caller) => ctx.reply(caller, Response::BroadcastOk),
                // Clients wait there.
                Requester::Child(child) => self.links.hasten(now, &child),
            }
        }
    }

    fn on_packet(
        &mut self,
        neighbour: &NodeId,
        packet: Packet<Box<RawValue>>,
        ctx: &mut Context<Event>,
    ) {
        let now = ctx.now();
        let is_parent = self.parent.as_ref() == Some(neighbour);
        let received = self.links.receive(now, neighbour, packet);
        if received.restarted {
            for value in self.values.iter() {
                self.links.push(now, None, neighbour, value);
            }
            for value in self.pending.at_parent().filter(|_| is_parent) {
                self.links.push(now, None, neighbour, value.to_owned());
                self.links.hasten(now, neighbour);
            }
        }
        for value in received.items {
            if !self.is_durable || is_parent {
                self.learn(&value, Some(neighbour), ctx);
            } else if !self.values.contains(&value) {
                self.store(now, value, Requester::Child(neighbour.clone()));
            }
        }
    }

    /// Executes pending steps, and sends what is due.
    fn proceed(&mut self, ctx: &mut Context<Event>) {
        while let Some(value) = self.pending.next_overdue(ctx.now()) {
            self.durable.submit(value, ());
        }
        while let Some(step) = self.durable.next_step() {
            match step {
                Step::Recover { entry, .. } => self.learn(&entry, None, ctx),
                // Recovered values are in the links already.
                Step::Ready => {}
                Step::Serve(request, caller) => self.serve(request, caller, ctx),
                Step::Apply(value, ()) => self.learn(&value, None, ctx),
            }
        }
        self.durable.flush(ctx, Event::Journal);
        self.links.flush(ctx, Outgoing::from, || Event::LinksDue);
        self.alarm
            .set(ctx, self.pending.deadline(), || Event::PendingDue);
    }
}

impl Node for Broadcast {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        self.durable.on_request(request, caller, ctx);
        self.proceed(ctx);
    }

    fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
        match event {
            Event::LinksDue | Event::PendingDue => {}
            Event::Journal(event) => self.durable.on_event(event),
        }
        self.proceed(ctx);
    }
}
