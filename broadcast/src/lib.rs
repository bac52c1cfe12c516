//! # Challenge 3: broadcast
//!
//! ## The problem
//!
//! A value that any node is told must soon be known to all, however the network is cut for a
//! while. With 25 nodes, a hundred operations a second and 100 ms a hop, it must take few messages
//! (challenge 3d: under 30 an operation; 3e: under 20) and little time (under 400 ms for half of
//! the values and 600 ms for all; 3e: one and two seconds).
//!
//! ## What was considered
//!
//! *Gossip*, each node telling all neighbours in the given grid, repeats every value on every edge:
//! tens of messages an operation. *A tree* tells everybody once: 24 messages a value, 12 an
//! operation, as half of the operations are reads, and no tree can do with less. *Batching* goes
//! below that: if a message may carry many values, what counts is how often a node is told
//! something, not how much. *Periodic exchange of whole states* is simple and heals by itself, but
//! its messages grow with all that was ever said.
//!
//! ## The solution
//!
//! The nodes form a spanning tree, computed by each from the list of nodes ([`Flags::fan_out`]; the
//! topology that the bench suggests is confirmed and ignored). Along every edge runs a
//! [`Link`](replication::Link): an acknowledged stream that batches, and repeats what was lost. A value
//! that is new to a node goes to all edges but the one it came from. Clients are answered at once.
//!
//! For 25 nodes the tree is a star: one hop to the hub, one to everybody else. Two windows make the
//! trade between latency and messages. A leaf's window delays each value once and saves little at
//! two values a second, so by default it is none; the hub's window is where everybody's values are
//! gathered, and each message that leaves it carries some twenty of them.
//!
//! ```text
//!   a leaf         the hub              the other leaves
//!     |--- 7 -------->| first of the window      |
//!     |               |<------------------- 8 ---|   100 ms a hop
//!     |               |<------- 9 ---------------|
//!     |<----- 8, 9 ---|--- 7, 9 ; 7, 8 --------->|   the window ends: one message to each
//! ```
//!
//! The worst case is a hop, the hub's whole window and a hop; half of the values are faster than a
//! hop, half a window and a hop.
//!
//! ## Why it holds
//!
//! A link delivers every item once, in order, as soon as the network lets any packet through often
//! enough: that is argued in its own documentation. A value is put on all other edges in the same
//! step in which it is learnt, before anything else happens; a tree has one path between any two
//! nodes; so by induction along that path every value that one node knows reaches every other. No
//! value returns the way it came, and a set forgets repetitions, so the flow ends.
//!
//! A partition that cuts an edge stops what must cross it, both ways; the values wait in the link.
//! Within `resend` after the heal the link tries again, and one packet brings everything: all nodes
//! know all values `resend` + 2L + hops · (window + L) after it, with L for the latency of a hop.
//! That is 3.1 s for the star, and more for deep trees. While a neighbour is silent, an edge costs
//! one packet per `resend` and no more.
//!
//! A node that is killed loses what it knew, and by default what it had confirmed and told nobody:
//! no value is lost as long as nobody is killed. When it comes back under its name, its neighbours
//! notice the new boot number at its first word and tell it everything.
//!
//! ## Durable mode
//!
//! With `--durable` no value that was confirmed, or shown by any read, is ever lost, whichever
//! nodes are killed, be it all at once; and a node that was ready before and has come back answers
//! nobody before it knows all values that had been confirmed anywhere, or shown, when it came back.
//! Until then requests wait.
//!
//! A value is written into the node's [journal](Durable) first; only when the service lin-kv holds it does
//! it become known, go to the edges and be confirmed. So whatever is known anywhere stands in some
//! journal, and one who comes back reads them all. It puts what it has recovered on all its edges,
//! since its former lives may have died before they passed it on; so the induction above holds
//! again, beginning at every node that comes back. A life that was never ready may leave no trace,
//! so that the next one takes itself for the first and reads nothing; but it has taken nothing from
//! its neighbours either, whose links still hold everything.
//!
//! What remains is that a value whose node is down may be known to nobody else until some node
//! comes back; and that nothing is confirmed, nor anybody ready, while the service cannot be
//! reached.
//!
//! It costs a write and its answer for each value, or for all that came during the one before:
//! about one message more per operation (3d: 2.1 instead of 1.1; its latencies, which count from
//! the confirmation, stay the same), and the round trip that a client waits. A start costs four
//! messages; coming back, at most four per batch that was ever written, and for n batches in the
//! longest journal about log₂ n + n/64 round trips.
//!
//! ## What it costs
//!
//! A tree has no second path: while the hub is cut off, leaves hear nothing from one another. That
//! is the price of few messages, and the challenge allows it, since partitions end. Memory holds
//! every value twice, and once more for each neighbour that has not acknowledged it.

mod values;

use std::time::Duration;

use clap::Args;
use replication::{
    Durability, Durable, JournalEvent, LinkFlags, Links, Packet, Step, Timing, tree_neighbours,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::{Caller, Cluster, Context, Node, NodeId, milliseconds};

use values::Values;

/// How the node spreads values.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Flags {
    /// How many children a node of the spanning tree has. 24 makes 25 nodes a star; less shares the
    /// work at the price of more hops, each with its window.
    #[arg(long, value_name = "N", default_value_t = 24,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub fan_out: u16,

    /// How long a node with several neighbours gathers values before it passes them on.
    #[arg(long, value_name = "MS", default_value_t = 400, value_parser = milliseconds(0))]
    pub hub_window: u64,

    /// How long a node with one neighbour gathers values before it passes them on.
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = milliseconds(0))]
    pub leaf_window: u64,

    /// How patient its links are.
    #[command(flatten)]
    pub patience: LinkFlags,

    /// Whether what it confirms outlives it.
    #[command(flatten)]
    pub durability: Durability,
}

/// The node: what it knows, its edges of the tree, and its durable part.
#[derive(Debug)]
pub struct Broadcast {
    values: Values,
    links: Links<Box<RawValue>>,
    durable: Durable<Box<RawValue>, Request>,
}

/// What it may be asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Whom the bench would have us talk to. We know better.
    Topology,
    /// Let everybody know this value, any JSON.
    Broadcast {
        /// The value.
        message: Box<RawValue>,
    },
    /// Which values are known here?
    Read,
    /// A neighbour's link speaks.
    Gossip {
        /// What it says.
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
}

/// What it tells itself.
#[derive(Debug)]
pub enum Event {
    /// Some link may have something to send.
    LinksDue,
    /// An event of its journal.
    Journal(JournalEvent<Box<RawValue>>),
}

impl Flags {
    fn timing(&self, neighbours: usize) -> Timing {
        let window = if neighbours > 1 {
            self.hub_window
        } else {
            self.leaf_window
        };
        self.patience.timing(window)
    }
}

impl Broadcast {
    /// A node that knows nothing yet.
    pub fn boot(flags: &Flags, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        let neighbours = tree_neighbours(cluster, flags.fan_out.into());
        let timing = flags.timing(neighbours.len());
        let boot = ctx.rng().boot_number();
        let links = Links::new(boot, neighbours.into_iter().map(|node| (node, timing)));
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
            Request::Gossip { packet } => self.hear(ctx.now(), caller.node(), packet),
        }
    }

    fn broadcast(&mut self, value: Box<RawValue>, caller: Caller, ctx: &mut Context<Event>) {
        if self.values.know(&value) {
            // If this node is durable, the value stands in some journal.
            ctx.reply(caller, Response::BroadcastOk);
        } else {
            self.durable.persist(value, caller);
        }
    }

    fn learn(&mut self, now: Duration, value: &RawValue, from: Option<&NodeId>) {
        if self.values.learn(value) {
            self.links.push_to_all_but(now, from, &value.to_owned());
        }
    }

    fn hear(&mut self, now: Duration, neighbour: &NodeId, packet: Packet<Box<RawValue>>) {
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

    /// Does all there is to do, and sends what is due.
    fn proceed(&mut self, ctx: &mut Context<Event>) {
        while let Some(step) = self.durable.next_step() {
            match step {
                Step::Recover { entry, .. } => self.learn(ctx.now(), &entry, None),
                // What was recovered is on its way to the neighbours already.
                Step::Ready => {}
                Step::Serve(request, caller) => self.serve(request, caller, ctx),
                Step::Apply(value, caller) => {
                    self.learn(ctx.now(), &value, None);
                    ctx.reply(caller, Response::BroadcastOk);
                }
            }
        }
        self.durable.flush(ctx, Event::Journal);
        self.links.flush(
            ctx,
            |packet| Outgoing::Gossip { packet },
            || Event::LinksDue,
        );
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
