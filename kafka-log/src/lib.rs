//! # Challenge 5: a log in the manner of Kafka
//!
//! ## The problem
//!
//! Clients append messages to logs, one log a key, and receive the offset of each; they poll a key
//! from an offset on, commit how far they have read, and ask what was committed. Several nodes
//! serve the same logs. All must show the same messages at the same offsets, a consumer that polls
//! upward must miss none, and what was acknowledged must become visible. Challenge 5c asks for few
//! messages among the nodes; we also want no request to be refused or delayed, even during a
//! partition.
//!
//! ## What was considered
//!
//! *A linearizable store* for each log or for the next offset, as the challenge suggests, costs
//! four messages a send, and a node that cannot reach the store must refuse. *A leader per key*
//! costs two messages for each request that arrives at another node, and a partition makes its keys
//! unavailable on the other side. *Replicas that merge*, each node appending on its own and sending
//! to the others in batches, cost next to nothing, but then two nodes issue the same offset, or a
//! message arrives late, at an offset that a consumer has already passed: it is skipped.
//!
//! ## The solution
//!
//! Merging replicas, made safe by two rules.
//!
//! *Offsets are unique.* Time is divided into rounds, for each key on its own; the offset is `round
//! · nodes + index of the node`. A node appends in the first round that it still has open, and
//! closes it; when it receives a message, it closes that message's round and all before. So rounds
//! are a Lamport clock, and offsets stay below the number of nodes times the number of sends:
//! sparse, but small.
//!
//! *A poll shows only what is final.* A node never again uses a round that it has closed. Below the
//! lowest round that any node has open, no message can be added any more; a poll stops at this
//! frontier. The nodes form a spanning tree, with a [`Link`](replication::Link) along each edge. A
//! node passes on every message that is new to it, and it *promises* a round to a neighbour when it
//! has closed that round itself and all its other neighbours have promised it: so a promise covers
//! all nodes on its side of the edge. The frontier that a node knows is the lowest round that it has
//! open itself or that a neighbour has not promised.
//!
//! ```text
//!   n1 (offsets 1, 4, 7 …)   n0, the root (0, 3, 6 …)     n2 (2, 5, 8 …)
//!     | send a: offset 1        |                            |
//!     |-- a; promises round 0 ->| closes round 0             |
//!     | poll: nothing; the      |-- a; promises round 0 ---->| closes it; poll: a
//!     | others may use round 0  |                            |
//!     |                         |<------- promises round 0 --|
//!     |                         | poll: a                    |
//!     |<---- promises round 0 --| for n2, too                |
//!     | poll: a                 |                            |
//! ```
//!
//! Messages, promises and committed offsets leave in batches: the nodes send in one rhythm
//! ([`TreeFlags::links`]), once per [`Flags::period`] and edge, and the links resend what was lost.
//! Every request is answered at once from the node's own state.
//!
//! ## Why it is correct
//!
//! *One order.* A message's offset is fixed by the node that appended it, and no two nodes share
//! one. That node never uses a round twice, as appending closes it.
//!
//! *No poll skips.* A promise of round r from B to its neighbour A means: of all messages of that key
//! up to round r that nodes on B's side of the edge ever append, A has each before the promise.
//! Suppose that holds of what B has received. B promises r when it has closed it: its own messages
//! up to r are appended by then, and were put on the link to A at that time. B's other neighbours
//! have promised r: so B has all messages from behind them, and each was put on the link to A when it
//! was new to B. Nothing more can come, from B or from behind it. The link keeps its order, so A
//! receives all of them before the promise. By induction over the edges, from the leaves on, it holds
//! of every promise.
//!
//! Now let a poll at A show offset x, and let m be any message of that key with a lower offset. A's
//! frontier is above x, so A has closed m's round, and has a promise of it through whichever edge
//! leads to m's origin; hence A has m. So A has all messages below its frontier, now and later, and
//! each poll shows them from the offset asked for, as many as fit into an answer, none left out in
//! between. Polls never go back: they show nothing below the offset asked for. The argument requires
//! nothing of the network except that links keep their order, which they ensure themselves.
//!
//! *Nothing is lost, and everything becomes visible.* An acknowledged message is on the links to
//! all neighbours and stays there until they have it; each passes it on, closes its round, and
//! promises so when all behind it have. That takes one delivery to all nodes and promises back: in
//! rhythm two periods and a hop for each edge, there and back, 0.2 s on a fast network. After a
//! partition it takes `resend` + 2L + 2 · hops · (period + slack + L) at most, with L for the latency
//! of a hop and `hops` for the longest path: each link resends within `resend`.
//!
//! *Messages end.* A new message goes away from where it came from, and so does a promise: what B
//! promises to A does not depend on A.
//!
//! Committed offsets only grow; taking the larger one of two needs no order. A node passes one on if
//! it is the largest so far.
//!
//! ## What it costs
//!
//! Each edge carries two packets a period, however many sends. With two nodes that makes 20 a second,
//! 0.02 for each operation at a thousand operations a second. With n nodes it is 20 · (n − 1), so
//! 20 per node and second in clusters of any size; if every pair of nodes had a link, it would be 990
//! among 100 nodes. A node has 25 neighbours at most ([`TreeFlags`]), the busiest of 400 nodes sends
//! and receives 430 packets a second, and consumers are 0.17 s behind with two nodes, 0.24 s with 400.
//!
//! A message is final when all nodes have closed its round. So while an edge is cut, no node shows
//! more than what had been promised across it: sends keep working, polls stop short, and consumers
//! catch up after the heal. Fresh polls during a partition would cost either the one order or the
//! sends of some nodes.
//!
//! Nodes trust one another, except for a round so far ahead that no honest node can have reached
//! it: a forged message must not use up all offsets.
//!
//! A message that only its own node knows, for one period at most, is lost if that node dies then;
//! and if the node restarts with an empty memory it may use a round that it had promised not to
//! use, until its neighbours have sent it what they know. So far, the promises of this page hold
//! while no node is killed.
//!
//! ## Durable mode
//!
//! With `--durable` they hold although nodes are killed and restarted, one after the other or all
//! at once. A node writes messages and commits into its [journal](Durable), in the service lin-kv.
//! A send *reserves* its round at once and is *settled* once the journal has confirmed it: only
//! then is it shown, sent to others and acknowledged. While a round is pending it is not closed, nor
//! is a later one. A node that starts reads all journals, closes all rounds that it finds used, and
//! puts all that it found on all its links; until then all requests wait.
//!
//! *No round is used twice.* An incarnation closes a round only because of messages in it or after
//! it, its own settled ones and those that it received, all of which stood in a journal by then. The
//! next incarnation reads the journals later, so it finds these messages and closes what had been
//! closed. What the earlier incarnation was still writing is found, too, or never gets there, as
//! the journal's fence stands at that position; no trace of it has been shown, so its rounds may
//! well be used again.
//!
//! *No poll skips.* The argument above needs this: of what B has closed, or was promised by others, B
//! has put the messages on its link to A before it promises as much to A. Within an incarnation B's
//! messages of a key are settled and put on links in the order of their rounds. A new incarnation of
//! B knows of no promises, and puts everything from the journals on its links first. What C, another
//! neighbour, promises to it covers messages of three kinds. Those that the earlier incarnation of B
//! had acknowledged to C stood in their origins' journals when they were sent, and the new one has
//! read them there. Those that C had not sent, or not with success, are on its link before the
//! promise, since a link starts over with what was not acknowledged; and so are those that come
//! later. If it is A that died, the same holds for what A's earlier incarnation had acknowledged. (A
//! node that is not ready acknowledges nothing: if it dies, the next incarnation may take itself for
//! the first and read no other journals.) An item that arrives twice changes nothing, late packets
//! of an earlier incarnation bring its items in order or none, and commits need no order.
//!
//! *Nothing is lost.* An acknowledged message stands in a journal and, as long as its node lives,
//! on the links; when the node dies, its next incarnation puts it there again. While a node is
//! down, polls stop at what it had promised, as in a partition. Promises are not journaled: a new
//! incarnation may show less at first than the one before, until the others have sent it their
//! promises.
//!
//! It costs a round trip to the service for each send and commit, and two messages for all that
//! wait for it together, or came within the journal's window ([`JOURNAL_WINDOW_MS`]): 5c takes 0.60
//! messages an operation. A restart costs as many requests as the journals have batches, and all
//! messages once more, in both directions, on each of the node's edges.

mod log;
mod protocol;
mod replica;

use std::collections::BTreeMap;

use clap::Args;
use replication::{DurabilityFlags, Durable, JournalEvent, Step, TreeFlags};
use serde_json::value::RawValue;
use shared::{Caller, Cluster, Context, ErrorCode, Node, RpcError, milliseconds};

use protocol::Response;
use replica::Replica;

pub use protocol::{Item, Request};

/// How long sends and commits are collected for one write, unless a flag says otherwise. In 5c,
/// where each node has two clients that wait for their answers, it saves 42 % of the messages and
/// costs 5 % of the operations. As no more than two can share a write there, a longer one saves
/// little more and costs clients the more.
pub const JOURNAL_WINDOW_MS: u64 = 5;

/// How the node replicates and answers.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Flags {
    /// How often an edge of the tree carries messages: once in this time, in either direction. All
    /// nodes show a message after two periods, and two hops for each level of the tree.
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = milliseconds(0))]
    pub period: u64,

    /// Its place in the tree, and its links.
    #[command(flatten)]
    pub tree: TreeFlags,

    /// How many messages of one key a poll shows at most.
    #[arg(long, value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub poll_limit: u32,

    /// Whether acknowledged messages and commits survive the node.
    #[command(flatten)]
    pub durability: DurabilityFlags,
}

/// The node: its replica, the limit of a poll, and its durable part.
#[derive(Debug)]
pub struct KafkaLog {
    replica: Replica,
    poll_limit: usize,
    /// Of the commits of one request only the last has its caller.
    durable: Durable<Item, Request, Option<Caller>>,
}

/// Timers and journal events.
#[derive(Debug)]
pub enum Event {
    /// A link may have something to send.
    LinksDue,
    /// An event of its journal.
    Journal(JournalEvent<Item>),
}

impl KafkaLog {
    /// A node with empty logs.
    pub fn boot(flags: &Flags, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        let boot = ctx.rng().boot_number();
        let tree = flags.tree.tree(cluster);
        // That a parent is cut off shows after `resend`: until then each send would be a packet.
        let links = flags.tree.links(boot, tree, flags.period, flags.period);
        let durability = flags.durability.or_window(JOURNAL_WINDOW_MS);
        let mut node = KafkaLog {
            replica: Replica::new(cluster, links),
            poll_limit: flags.poll_limit as usize,
            durable: Durable::open(&durability, "kafka-log", cluster, boot),
        };
        node.proceed(ctx);
        node
    }

    fn serve(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Send { key, msg } => self.send(key, msg, caller, ctx),
            Request::Poll { offsets } => {
                let msgs = self.replica.poll(&offsets, self.poll_limit);
                ctx.reply(caller, Response::PollOk { msgs });
            }
            Request::CommitOffsets { offsets } => self.commit(offsets, caller, ctx),
            Request::ListCommittedOffsets { keys } => {
                let offsets = self.replica.committed(&keys);
                ctx.reply(caller, Response::ListCommittedOffsetsOk { offsets });
            }
            Request::Replicate { packet } => {
                self.replica.on_packet(ctx.now(), caller.node(), packet);
            }
        }
    }

    fn send(
        &mut self,
        key: String,
        message: Box<RawValue>,
        caller: Caller,
        ctx: &mut Context<Event>,
    ) {
        let Some(offset) = self.replica.reserve(&key) else {
            let full = RpcError::new(ErrorCode::Abort, "this log has no more offsets");
            ctx.reject(caller, &full);
            return;
        };
        let message = Item::Message(key, offset, message);
        self.durable.submit(message, Some(caller));
    }

    fn commit(&mut self, offsets: BTreeMap<String, u64>, caller: Caller, ctx: &mut Context<Event>) {
        let mut commits = offsets
            .into_iter()
            .filter(|(key, offset)| !self.replica.is_committed(key, *offset))
            .map(|(key, offset)| Item::Commit(key, offset))
            .collect::<Vec<_>>();
        let Some(last) = commits.pop() else {
            ctx.reply(caller, Response::CommitOffsetsOk);
            return;
        };
        for item in commits {
            self.durable.submit(item, None);
        }
        self.durable.submit(last, Some(caller));
    }

    fn apply(&mut self, item: Item, caller: Option<Caller>, ctx: &mut Context<Event>) {
        let now = ctx.now();
        let response = match item {
            Item::Message(key, offset, message) => {
                self.replica.settle(now, &key, offset, message);
                Response::SendOk { offset }
            }
            Item::Commit(key, offset) => {
                self.replica.commit(now, None, key, offset);
                Response::CommitOffsetsOk
            }
            // Promises follow from messages, and are not persisted.
            Item::Promise(..) => return,
        };
        if let Some(caller) = caller {
            ctx.reply(caller, response);
        }
    }

    /// Executes pending steps, and sends what is due.
    fn proceed(&mut self, ctx: &mut Context<Event>) {
        while let Some(step) = self.durable.next_step() {
            match step {
                Step::Recover { entry, .. } => self.replica.recover(entry),
                Step::Ready => self.replica.push_everything(ctx.now()),
                Step::Serve(request, caller) => self.serve(request, caller, ctx),
                Step::Apply(item, caller) => self.apply(item, caller, ctx),
            }
        }
        self.replica.flush(ctx, || Event::LinksDue);
        self.durable.flush(ctx, Event::Journal);
    }
}

impl Node for KafkaLog {
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
