//! # Challenge 4: a grow-only counter
//!
//! ## The problem
//!
//! Any node may be asked to add something to a counter, and any node what it is worth. Every
//! request must be answered, however the network is cut, and once it is whole again all nodes must
//! soon give the exact sum of all that was added.
//!
//! ## What was considered
//!
//! *The sequential store* that the bench offers keeps the truth in one place, and nodes bring it
//! together from there. But its reads may be as stale as it likes, so a node that only reads may
//! wait for ever for the sum to be right. What makes a read fresh is a write, and one that changes
//! nothing buys no freshness; so each node must invent changes, and then read everybody's key:
//! about six messages per node and period, be there news or not.
//!
//! *Differences* sent from node to node must each arrive exactly once. A [`Link`](replication::Link)
//! sees to that, but what it holds for a neighbour that is cut off grows with every addition, and
//! all of it must be sent again until it is confirmed.
//!
//! *Questions and answers*, both of them with news, cost two messages for both directions. So do
//! two messages, one each way, that each carry news and confirm the other's; and these need not
//! agree on who asks, nor sort out answers that come too late or not at all.
//!
//! ## The solution
//!
//! Each node keeps how much it has added itself, a total that only grows, and the largest total it
//! has heard of for every other node. The value is the sum. Requests are answered at once from that
//! state: total availability.
//!
//! The nodes form a spanning tree, as for broadcast: with up to 25 nodes a star. Along an edge
//! travels *level, not edge*: a packet that tells totals tells all that have changed since the
//! neighbour last confirmed any, whatever was sent before. Confirmations are version numbers of the sender's
//! totals, and ride on the packets that go the other way. News wait for a window, so as to leave
//! together; an answer waits for news to carry it, but not so long that the other would ask again.
//! What stays unconfirmed is said again, brought up to date, after `retry`; when there is nothing
//! to say, nothing is said.
//!
//! ```text
//!   a: 5, b: 2 known                             b: 2 known
//!     | version 2, a: 5 ---------x lost            |
//!     |  + 1, and a little later                   |  + 4
//!     |                         version 2, b: 6    |
//!     |<-------------------------------------------|   a window after the news
//!     | version 4, a: 6, heard 2                   |
//!     |------------------------------------------->|   both know: 12
//!     |                                  heard 4   |
//!     |<-------------------------------------------|   and know that the other knows
//! ```
//!
//! ## Why it holds
//!
//! To merge is to take the larger of two totals, so repeated, late and reordered packets do no harm.
//! Nothing is lost either. A packet of version v addressed to a neighbour that has confirmed c holds
//! all changes after c up to v, but for those that it told us itself; so when it arrives, the
//! neighbour knows all changes up to v, and may say so whatever was lost before. Until it has said
//! so an edge does not rest. A change is news to all other edges in the step in which it is learnt;
//! so by induction along the one path between any two nodes every total reaches everybody.
//!
//! A node that starts anew has forgotten its total. It is another *owner* then, its name with a
//! fresh boot number, and begins at nothing: nobody's total ever goes back, and nothing is counted
//! twice. It greets its neighbours until they have answered, and they, seeing a boot number that
//! they did not know, take nothing for confirmed and nothing for told: the first packet to anybody
//! new tells everything. A late packet of its former life may deceive them once more; but then that
//! one is told everything anew, and a packet that is addressed to the dead is answered by the living
//! at once.
//!
//! A partition delays what must cross it and refuses nothing. Let L be the latency of a hop. After
//! the heal each edge speaks within `retry`, which takes news over their first hop; it is answered
//! within 2L and the wait for an answer, whereupon it says what has come up meanwhile; then each
//! further hop takes a window and L. In a star, with 100 ms a hop, all reads are exact 2.55 s after
//! the heal. Meanwhile an edge costs one packet per `retry` and direction, or two where only one
//! direction is cut (the one who is heard is answered, in vain, and has news to repeat); their size
//! depends on the number of nodes alone.
//!
//! ## What it costs
//!
//! In steady use one packet per edge, direction and window, however many operations there are: with
//! three nodes at most eight a second. Reads are as stale as two windows and two hops. A node that
//! is killed takes with it, by default, what it had added in its last window, for nobody was told;
//! acknowledged additions survive only in those who have heard of them. So none is lost as long as
//! nobody is killed. The state grows by a total with every restart of a node.
//!
//! ## Durable mode
//!
//! With `--durable` no addition that was confirmed, or counted by any read, is ever lost or counted
//! twice, whichever nodes are killed, be it all at once; and a node that was ready before and has
//! come back answers nobody before it counts all that had been confirmed anywhere, or read, when it
//! came back. Until then requests wait.
//!
//! What an addition makes of the node's total is written into its [journal](Durable) first; only when the
//! service lin-kv holds it is it taken for true, told to neighbours, and confirmed. So a total that
//! is known anywhere stands in some journal, and one who comes back reads them all. A journal names
//! the life that wrote each total: it is raised for that owner, not for the new one, and to raise
//! it twice does no harm. What has been recovered is told to the neighbours like all news. A life
//! that was never ready may leave no trace, so that the next one takes itself for the first and
//! reads nothing; but it has confirmed nothing to its neighbours either, who tell everything again.
//!
//! What remains is that an addition whose node is down may be counted by nobody else until some
//! node comes back; and that nothing is confirmed, nor anybody ready, while the service cannot be
//! reached.
//!
//! It costs a write and its answer for each addition, or for all that came during the one before
//! (by the challenge's rules 0.75 messages per operation instead of 0.07), and the round trip that
//! a client waits. A start costs four messages; coming back, at most four per batch that was ever
//! written.

mod edge;
mod totals;

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use replication::{Alarm, Durability, Durable, JournalEvent, Step, tree_neighbours};
use serde::{Deserialize, Serialize};
use shared::{Caller, Cluster, Context, ErrorCode, Node, NodeId, RpcError, milliseconds};

use edge::{Edge, Timing};
use totals::{Owner, Totals};

pub use edge::Packet;

/// How the node spreads what was added.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Flags {
    /// How many children a node of the spanning tree has. 24 makes up to 25 nodes a star.
    #[arg(long, value_name = "N", default_value_t = 24,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub fan_out: u16,

    /// How long a node gathers what it has to tell a neighbour before it does.
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = milliseconds(0))]
    pub window: u64,

    /// How long a node waits for an answer before it tries again: more than `--window` and two
    /// round trips, or it repeats itself for nothing.
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = milliseconds(1))]
    pub retry: u64,

    /// Whether what it confirms outlives it.
    #[command(flatten)]
    pub durability: Durability,
}

/// The node: everybody's totals, its own among them, its edges of the tree, and its durable part.
#[derive(Debug)]
pub struct GCounter {
    me: Owner,
    totals: Totals,
    edges: BTreeMap<NodeId, Edge>,
    alarm: Alarm,
    /// An entry is what this node has added so far; it answers the last addition.
    durable: Durable<u64, Request>,
}

/// What it may be asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Count this. What is no whole number, or negative, is refused as malformed.
    Add {
        /// How much.
        delta: u64,
    },
    /// How much is it by now?
    Read,
    /// A neighbour tells what it knows.
    Merge {
        /// What it says.
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
}

/// What it tells itself.
#[derive(Debug)]
pub enum Event {
    /// Some edge may have something to send.
    EdgesDue,
    /// An event of its journal.
    Journal(JournalEvent<u64>),
}

impl Flags {
    /// News set the pace, and carry the answers; an answer that must go alone goes late, but in
    /// time for the retry that it spares.
    fn timing(&self) -> Timing {
        Timing {
            window: Duration::from_millis(self.window),
            answer: Duration::from_millis(self.window.midpoint(self.retry)),
            retry: Duration::from_millis(self.retry),
        }
    }
}

impl GCounter {
    /// A node that has counted nothing yet. It will greet its neighbours.
    pub fn boot(flags: &Flags, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        let (now, boot) = (ctx.now(), ctx.rng().boot_number());
        let timing = flags.timing();
        let neighbours = tree_neighbours(cluster, flags.fan_out.into()).into_iter();
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
        let last_pending = self.durable.last_pending().copied();
        let total = last_pending.unwrap_or_else(|| self.totals.of(&self.me));
        if let Some(total) = total.checked_add(delta) {
            self.durable.persist(total, caller);
        } else {
            // The request is well formed, so it is the state that stands in its way.
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
            // A stranger is not listened to.
            return;
        };
        let received = edge.receive(now, packet, self.totals.version());
        if received.is_newcomer {
            self.totals.disregard(neighbour);
        }
        for (owner, total) in &received.totals {
            self.raise(now, owner, *total, Some(neighbour));
        }
    }

    /// Does all there is to do, sends what is due, and sets a timer for the rest.
    fn proceed(&mut self, ctx: &mut Context<Event>) {
        while let Some(step) = self.durable.next_step() {
            match step {
                Step::Recover { owner, boot, entry } => {
                    self.raise(ctx.now(), &Owner::new(&owner, boot), entry, None);
                }
                // What was recovered is on its way to the neighbours already.
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
                ctx.send(neighbour, Outgoing::Merge { packet });
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
