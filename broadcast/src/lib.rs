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
//! The nodes form a spanning tree, computed by each from the list of nodes ([`Flags::fan_out`]; the
//! topology that the bench suggests is acknowledged and ignored). Along every edge runs a
//! [`Link`](replication::Link): an acknowledged stream that batches, and resends what was lost. A
//! value that is new to a node goes to all edges except the one it came from. Clients are answered
//! at once.
//!
//! For 25 nodes the tree is a star: one hop to the hub, one to all others. If each node waited for
//! some time before it sends, a value would wait at its leaf and again at the hub. So all keep one
//! rhythm ([`Links::in_tree`]): the hub sends once per period while there is anything to send, and a
//! leaf sends so that its values arrive just before. Then a value waits for one period at most, and
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
//! Where a star would have more than 24 leaves, the tree gets another level ([`Tree::of`]): no node
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
//! A value is written into the node's [journal](Durable) first; only when the service lin-kv holds
//! it does it become known, go to the edges and be acknowledged. So whatever is known anywhere
//! stands in some journal, and a node that restarts reads them all. It puts what it has recovered
//! on all its edges, since an earlier incarnation may have died before it forwarded a value; so the
//! induction above holds again, beginning at every node that restarts. An incarnation that was
//! never ready may leave no trace, so that the next one takes itself for the first and reads
//! nothing; but it has acknowledged nothing to its neighbours either, whose links still hold
//! everything.
//!
//! Two limits remain: a value whose node is down may be known to no other node until some node
//! restarts; and nothing is acknowledged, nor does any node become ready, while the service cannot
//! be reached.
//!
//! It costs a write and its answer for each value, or for all that came during the one before:
//! about one message more per operation (3d: 2.0 instead of 1.0; its latencies, measured from the
//! acknowledgement, stay the same), and a client waits for that round trip. A first start costs
//! four messages; a restart at most four per batch that was ever written, and for n batches in the
//! longest journal about log₂ n + n/64 round trips.
//!
//! ## What it costs
//!
//! A tree has no second path: while the hub is cut off, no value gets from one leaf to another.
//! That is the price of few messages, and the challenge allows it, since partitions end. Memory
//! holds every value twice, and once more for each neighbour that has not acknowledged it.

mod values;

use std::time::Duration;

use clap::Args;
use replication::{DurabilityFlags, Durable, JournalEvent, LinkFlags, Links, Packet, Step, Tree};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::{Caller, Cluster, Context, Node, NodeId, milliseconds};

use values::Values;

/// How the node replicates values.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Flags {
    /// How many children a node of the spanning tree has. Fewer share the work at the price of more
    /// hops. By default the tree is as low as it can be with 24 children: 25 nodes are a star.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub fan_out: Option<u16>,

    /// How often an edge of the tree carries values: once in this time, in either direction.
    #[arg(long, value_name = "MS", default_value_t = 420, value_parser = milliseconds(0))]
    pub period: u64,

    /// How long before a node sends its values the values of its children arrive there.
    #[arg(long, value_name = "MS", default_value_t = 25, value_parser = milliseconds(0))]
    pub slack: u64,

    /// When its links acknowledge and resend.
    #[command(flatten)]
    pub patience: LinkFlags,

    /// Whether acknowledged values survive the node.
    #[command(flatten)]
    pub durability: DurabilityFlags,
}

/// The node: its values, its edges of the tree, and its durable part.
#[derive(Debug)]
pub struct Broadcast {
    values: Values,
    links: Links<Box<RawValue>>,
    durable: Durable<Box<RawValue>, Request>,
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
    /// An event of its journal.
    Journal(JournalEvent<Box<RawValue>>),
}

impl Flags {
    /// The delays of its links: those of `patience`, or longer ones where the period requires it.
    /// Values carry acknowledgements, and leave once a period.
    pub fn delays(&self) -> LinkFlags {
        let ack_delay = self.patience.ack_delay.max(2 * self.period);
        LinkFlags {
            ack_delay,
            resend: self.patience.resend.max(ack_delay + self.period),
        }
    }
}

impl Broadcast {
    /// A node with no values.
    pub fn boot(flags: &Flags, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        let tree = Tree::of(cluster, flags.fan_out.map(usize::from));
        let [period, slack] = [flags.period, flags.slack].map(Duration::from_millis);
        let boot = ctx.rng().boot_number();
        let links = Links::in_tree(boot, tree, flags.delays().timing(0), period, slack);
        let mut broadcast = Broadcast {
            values: Values::new(),
            links,
            durable: Durable::open(&flags.durability, "broadcast", cluster, boot),
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
            Request::Gossip { packet } => self.on_packet(ctx.now(), caller.node(), packet),
        }
    }

    fn broadcast(&mut self, value: Box<RawValue>, caller: Caller, ctx: &mut Context<Event>) {
        if self.values.contains(&value) {
            // If this node is durable, the value stands in some journal.
            ctx.reply(caller, Response::BroadcastOk);
        } else {
            self.durable.submit(value, caller);
        }
    }

    fn learn(&mut self, now: Duration, value: &RawValue, from: Option<&NodeId>) {
        if self.values.learn(value) {
            self.links.push_to_all_but(now, from, &value.to_owned());
        }
    }

    fn on_packet(&mut self, now: Duration, neighbour: &NodeId, packet: Packet<Box<RawValue>>) {
        let received = self.links.receive(now, neighbour, packet);
        if received.restarted {
            for value in self.values.iter() {
                self.links.push(now, neighbour, value);
            }
        }
        for value in &received.items {
            self.learn(now, value, Some(neighbour));
        }
    }

    /// Executes pending steps, and sends what is due.
    fn proceed(&mut self, ctx: &mut Context<Event>) {
        while let Some(step) = self.durable.next_step() {
            match step {
                Step::Recover { entry, .. } => self.learn(ctx.now(), &entry, None),
                // Recovered values are in the links already.
                Step::Ready => {}
                Step::Serve(request, caller) => self.serve(request, caller, ctx),
                Step::Apply(value, caller) => {
                    self.learn(ctx.now(), &value, None);
                    ctx.reply(caller, Response::BroadcastOk);
                }
            }
        }
        self.durable.flush(ctx, Event::Journal);
        self.links.flush(ctx, Outgoing::from, || Event::LinksDue);
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
            Event::LinksDue => {}
            Event::Journal(event) => self.durable.on_event(event),
        }
        self.proceed(ctx);
    }
}
