//! # Challenge 6: totally available transactions
//!
//! ## The problem
//!
//! Clients send transactions: lists of reads and writes of keys, to any node. All must be answered,
//! however the network is partitioned, and no client may see writes that were not committed or were
//! overwritten within their own transaction: first *read uncommitted* is asked for (6b), then *read
//! committed* (6c), with the edges of sessions and of real time.
//!
//! ## What was considered
//!
//! *Locks, or a store that orders all transactions*, give serializability and refuse all clients on
//! the wrong side of a partition. *A store of the bench* for the values alone costs one message or
//! more for each step, and others see a transaction half done while its writes are under way.
//! *Sending each write to the others on its own* is available, and shows half a transaction, too.
//!
//! ## The solution
//!
//! Each node holds a whole replica. A transaction is executed where it arrives, in one step, and
//! answered at once. Its writes, the last value for each key, are stamped with a Lamport clock and
//! become one *unit*. Units travel over [`Link`](replication::Link)s along a spanning tree and are
//! applied in one step on every node; per key the write with the highest stamp wins. A transaction
//! that only reads sends no messages.
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
//! A node forwards a unit to all edges except the one it came from, unless all of it had been
//! overwritten before it came.
//!
//! ## Why it is correct
//!
//! *A transaction is all or nothing.* It is checked before any of it is executed, no other runs in
//! between on its node, and elsewhere its writes become visible in one step. So no transaction
//! reads what was refused (G1a) or overwritten within its own transaction (G1b), and a transaction
//! sees its own writes. A transaction that reads one of its keys finds the others to be of the same
//! unit or of later ones: *read atomic*. Keys that are always written together always agree.
//!
//! *Causes come first.* A tree of links that keep order gives causal order for nothing. If a
//! transaction could see a unit, then its node had put that unit on all other edges, or received it
//! over that edge, before it puts its own there; the link keeps them in this order, so the next
//! node applies and forwards them in this order; and so on, by induction over hops. The clock is
//! raised by every unit received, so what was seen also has the lower stamp. A unit that was not
//! forwarded is no gap: what overwrote it was forwarded before. On one node values never go back.
//!
//! *Read committed, strongly.* Take for the order of a key's versions the order in which the
//! writing transactions were executed, in real time. Then a transaction that reads or follows a
//! version was executed after the one that wrote it; so was, in a session, the next transaction,
//! since clients stay on their node; and so was one that began after another's end. All edges that
//! G0 and G1c are made of point forward in time, and cannot close a cycle. (That replicas keep the
//! write with the highest stamp, perhaps not the last one, concerns reads alone: they may be
//! stale.)
//!
//! *Replicas agree.* Links deliver every unit in the end, and the highest of some stamps does not
//! depend on the order in which they come. Let L be the latency of a hop: after a partition all
//! replicas are equal within `resend` + 2L + hops · (window + L), by default 2.6 s for up to 25
//! nodes and 100 ms a hop.
//!
//! ## What is impossible, and what it costs
//!
//! On both sides of a partition a transaction may read x = nil and write x. If both are answered,
//! an update is lost: one write is, silently, overwritten by the one with the higher stamp. So
//! every model that forbids lost updates (cursor stability, update atomic, and all that imply one
//! of them: consistent view, snapshot isolation, repeatable read) is out of reach of a design that
//! is always available. So are anomalies with two anti-dependencies: write skew, and two readers
//! that see two concurrent writes in different orders. A cycle with only one occurs only as a lost
//! update: it would lead from the overwriter by way of what was seen to the reader, which then had
//! seen it.
//!
//! By default a node that dies loses its own writes of the last window, and more if it was cut off.
//! When it restarts it knows nothing until it or a neighbour has sent a packet; then it is sent
//! everything. The promises above are made by nodes that live: a restarted node begins with low
//! stamps and shows old or no values for a while, and its writes then may lose to those that it has
//! forgotten. It is sent the latest values, those of one transaction together, but in several steps
//! if there are more than 4,096 such units.
//!
//! In steady use a message per edge, direction and window: with two nodes twenty a second. Units
//! for a neighbour that is cut off are kept, transaction by transaction, since it must receive them
//! in order; meanwhile the edge costs one message per `resend` and direction, or two where only one
//! direction is cut.
//!
//! ## Durable mode
//!
//! With `--durable` nothing that was acknowledged is lost though nodes are killed and restarted,
//! one after the other or all at once. A transaction that writes is executed when it arrives, and
//! its unit goes into the node's [journal](Durable) in the service lin-kv. When that is confirmed,
//! the unit is applied and put on the links, and the client is answered. Until then it is *held*:
//! transactions of this node that write see it, as they stand behind it in the journal and take
//! effect only after it; no others do. Transactions that only read are answered at once, from what
//! is applied. A node that starts first reads all journals, while all requests wait, then applies
//! what it has found and puts it on its links.
//!
//! The arguments above about nodes that live remain valid. A store with held units is a store like
//! any other, per key the highest stamp. What a transaction has seen was applied before its own
//! unit is, or held and ahead of it; so the order on links is causal, as before. Versions are
//! ordered by when transactions were executed, which is still between a request and its answer, and
//! before any other node could see them.
//!
//! *Across incarnations.* What an incarnation has shown, acknowledged or forwarded stood in some
//! journal before; the next incarnation reads the journals later. So on one node values never go
//! back, and stamps are later than all that any incarnation of it had seen. It forwards all that it
//! has found, its own units or not, since it may have died between receiving and forwarding.
//!
//! *No effect without its cause.* Journals are read at different moments, and one may hold an
//! effect whose cause another did not hold yet. So each unit in a journal lists what its node had
//! seen since the one before, and units that lack a cause are left out. The earlier incarnation
//! cannot have known of them: their causes would all have been in journals by then. They come over
//! the links, as they would have anyway.
//!
//! Two things are weaker. A client of a node that cannot reach lin-kv waits with its writes, so
//! only reads are totally available. And a restarted node does not send what was overwritten: if it
//! has more than 4,096 units to send, a neighbour may for a moment see an effect before the value
//! that has replaced its cause.
//!
//! It costs a round trip to the service for each transaction that writes, and two messages for all
//! that wait for it together or came within the journal's window ([`JOURNAL_WINDOW_MS`]): 0.83
//! messages an operation in 6c. A restart costs a request for each batch in the journals, and all
//! values once more on each edge.

mod causes;
mod key;
mod protocol;
mod store;

use std::time::Duration;

use clap::Args;
use replication::{DurabilityFlags, Durable, JournalEvent, LinkFlags, Links, Packet, Step, Tree};
use shared::{Caller, Cluster, Context, Node, NodeId, milliseconds};

use causes::{Recovered, Seen};
use protocol::{Done, Outgoing, Response};
use store::Store;

pub use causes::Entry;
pub use protocol::{MicroOp, Request};
pub use store::Unit;

/// How long transactions are collected for one write, unless a flag says otherwise. In 6c, where
/// each node has two clients that wait for their answers, it saves 46 % of the messages and costs
/// 6 % of the operations. As no more than two can share a write there, a longer one saves little
/// more and costs clients the more.
pub const JOURNAL_WINDOW_MS: u64 = 4;

/// How the node replicates writes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Flags {
    /// How many children a node of the spanning tree has. 24 makes up to 25 nodes a star.
    #[arg(long, value_name = "N", default_value_t = 24,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub fan_out: u16,

    /// How long a node gathers transactions before it forwards them.
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = milliseconds(0))]
    pub window: u64,

    /// When its links acknowledge and resend.
    #[command(flatten)]
    pub patience: LinkFlags,

    /// Whether acknowledged writes survive the node.
    #[command(flatten)]
    pub durability: DurabilityFlags,
}

/// The node: its replica, its edges of the tree, and its durable part.
#[derive(Debug)]
pub struct Txn {
    me: NodeId,
    store: Store,
    links: Links<Unit>,
    /// Pending units are executed and not visible yet, each with its answer.
    durable: Durable<Entry, Request, (Vec<Done>, Caller)>,
    /// The entries of journals, until all of these have been read.
    recovered: Recovered,
    /// The units that transactions may have seen.
    seen: Seen,
}

/// Timers and journal events.
#[derive(Debug)]
pub enum Event {
    /// A link may have something to send.
    LinksDue,
    /// An event of its journal.
    Journal(JournalEvent<Entry>),
}

impl Txn {
    /// A node whose replica is empty.
    pub fn boot(flags: &Flags, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        let boot = ctx.rng().boot_number();
        let timing = flags.patience.timing(flags.window);
        let durability = flags.durability.or_window(JOURNAL_WINDOW_MS);
        let neighbours = Tree::of(cluster, Some(flags.fan_out.into())).neighbours();
        let mut node = Txn {
            me: cluster.me.clone(),
            store: Store::new(boot),
            links: Links::new(boot, neighbours.map(|node| (node, timing))),
            durable: Durable::open(&durability, "txn", cluster, boot),
            recovered: Recovered::default(),
            seen: Seen::default(),
        };
        node.proceed(ctx);
        node
    }

    fn serve(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Txn { txn } => self.execute(txn, caller, ctx),
            Request::Gossip { packet } => self.on_packet(ctx.now(), caller.node(), packet),
        }
    }

    fn execute(&mut self, ops: Vec<MicroOp>, caller: Caller, ctx: &mut Context<Event>) {
        let accesses = ops.iter().map(|op| (&op.key, &op.access));
        let (values, unit) = self.store.execute(accesses);
        let done = ops.into_iter().zip(values);
        let done = done
            .map(|(op, value)| (op.access.name(), op.key_text, value))
            .collect();
        match unit {
            None => ctx.reply(caller, Response::TxnOk { txn: done }),
            Some(unit) => {
                self.store.hold(&unit);
                let entry = Entry::new(unit, &mut self.seen);
                self.durable.submit(entry, (done, caller));
            }
        }
    }

    fn on_packet(&mut self, now: Duration, neighbour: &NodeId, packet: Packet<Unit>) {
        let received = self.links.receive(now, neighbour, packet);
        if received.restarted {
            for unit in self.store.units() {
                self.links.push(now, None, neighbour, unit);
            }
        }
        for unit in &received.items {
            self.seen.add(unit.stamp());
            if self.store.apply(unit) {
                self.links.push_to_all_but(now, Some(neighbour), unit);
            }
        }
    }

    /// Applies the units of journals whose causes are there; the rest comes over links. Then puts
    /// all units on the links, since an earlier incarnation may not have sent them.
    fn recover(&mut self, now: Duration) {
        let recovered = std::mem::take(&mut self.recovered);
        for unit in recovered.with_causes(&self.me, &mut self.seen) {
            self.store.apply(&unit);
        }
        for unit in self.store.units() {
            self.links.push_to_all_but(now, None, &unit);
        }
    }

    /// Executes pending steps, and sends what is due.
    fn proceed(&mut self, ctx: &mut Context<Event>) {
        while let Some(step) = self.durable.next_step() {
            match step {
                Step::Recover { owner, entry, .. } => self.recovered.add(owner, entry),
                Step::Ready => self.recover(ctx.now()),
                Step::Serve(request, caller) => self.serve(request, caller, ctx),
                Step::Apply(entry, (done, caller)) => {
                    self.store.settle(entry.unit());
                    self.links.push_to_all_but(ctx.now(), None, entry.unit());
                    ctx.reply(caller, Response::TxnOk { txn: done });
                }
            }
        }
        self.links.flush(ctx, Outgoing::from, || Event::LinksDue);
        self.durable.flush(ctx, Event::Journal);
    }
}

impl Node for Txn {
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
