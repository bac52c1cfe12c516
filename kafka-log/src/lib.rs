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
//! *A poll shows only what is final.* A node never again uses a round that it has closed: that is
//! its promise, and it sends it to all others. Below the lowest round that any node may still have
//! open, no message can be added any more. A poll stops at this frontier.
//!
//! ```text
//!   n0 (offsets 0, 2, 4 …)                     n1 (offsets 1, 3, 5 …)
//!     | send a: offset 0                          |
//!     | send b: offset 2, round 1                 |
//!     |--- a at 0, b at 2 ------------------------>| closes rounds 0 and 1
//!     |                                           | send c: round 2, offset 5
//!     | poll: nothing, as far as n0 knows         |
//!     | n1 might still use offset 1               |
//!     |<--------- promises round 2; c at 5 -------| poll: a, b; not yet c
//!     | closes round 2; poll: a, b, c             |
//!     |--- promises round 3 --------------------->| poll: a, b, c
//! ```
//!
//! Messages, promises and committed offsets travel as items of one [`Link`](replication::Link) per
//! pair of nodes, in batches: the link gathers for a window ([`Flags::window`]) and resends what
//! was lost. Every request is answered at once from the node's own state.
//!
//! ## Why it is correct
//!
//! *One order.* A message's offset is fixed by the node that appended it, and no two nodes share
//! one. That node never uses a round twice, as appending closes it.
//!
//! *No poll skips.* Let a poll at node A show offset x of a key, and let m be any message of that
//! key with a lower offset, appended by B in round r. A's frontier is above x, so A has B's promise
//! not to use any round up to r again. B made it after it had appended m: before that, round r was
//! open. The link from B delivers in order, and m was put on it when it was appended; so A had m
//! when it received the promise. Hence A has all messages below its frontier, now and later, and
//! each poll shows them from the offset asked for, as many as fit into an answer, none left out in
//! between. Polls never go back: they show nothing below the offset asked for. The argument
//! requires nothing of the network except that links keep their order, which they ensure
//! themselves.
//!
//! *Nothing is lost, and everything becomes visible.* An acknowledged message is on the links to
//! all others and stays there until they have it; each closes its round and promises so to all.
//! Once the network lets packets through, that takes one delivery and one promise: two windows and
//! two hops, 0.2 s on a fast network; after a partition, up to one `resend` more.
//!
//! *Messages end.* A promise answers a message and is answered by nothing but an acknowledgement.
//!
//! Committed offsets only grow; taking the larger one of two needs no order.
//!
//! ## What it costs
//!
//! With two nodes, two packets a window, however many sends: 20 a second, 0.02 for each operation
//! at a thousand operations a second. With n nodes it is n · (n − 1) packets, since every pair of
//! nodes communicates directly, which keeps the proof short: a node sends 490 packets a second
//! among 50 nodes, 990 among 100 and 1,990 among 200, and receives as many. That is where it ends.
//!
//! A message is final when all nodes have promised. So while two nodes do not reach each other,
//! neither shows anything beyond the last promise that it received from the other, and the rest
//! show a message of either only after the other has promised because of some other message: sends
//! keep working, polls stop short, and consumers catch up after the heal. Fresh polls during a
//! partition would cost either the one order or the sends of some nodes.
//!
//! Nodes trust one another, except for a round so far ahead that no honest node can have reached
//! it: a forged message must not use up all offsets.
//!
//! A message that only its own node knows, for one window at most, is lost if that node dies then;
//! and if the node restarts with an empty memory it may use a round that it had promised not to
//! use, until its neighbours have sent it what they know. So far, the promises of this page hold
//! while no node is killed.
//!
//! ## Durable mode
//!
//! With `--durable` they hold although nodes are killed and restarted, one after the other or all
//! at once. A node writes messages and commits into its [journal](Durable), in the service lin-kv.
//! A send *reserves* its round at once and is *settled* once the journal has confirmed it: only
//! then is it shown, sent to others and acknowledged. While a round is pending the node promises
//! neither it nor a later one. A node that starts reads all journals, closes all rounds that it
//! finds used, and sends to the others the messages in its own journal, its promises and the
//! committed offsets; until then all requests wait.
//!
//! *No round is used twice.* An incarnation promises a round only because of messages before it,
//! its own settled ones and those that it received, all of which stood in a journal by then. The
//! next incarnation reads the journals later, so it finds these messages and closes what had been
//! promised. What the earlier incarnation was still writing is found, too, or never gets there, as
//! the journal's fence stands at that position; no trace of it has been shown, so its rounds may
//! well be used again.
//!
//! *No poll skips.* The argument above needs this: a node that has B's promise for a round has what
//! B appended up to it. Within an incarnation B's messages of a key are journaled, settled and put
//! on links in the order of their rounds, and promises wait for what is pending. A new incarnation
//! of B puts all of its journal on its links before it promises anything. Hence the link satisfies
//! this across B's incarnations; and so does B's journal, which has no holes: a message in it
//! counts for a promise as if it came over the link. If it is A that died, the link starts over
//! with what A's earlier incarnation had not acknowledged; all that it had acknowledged stood in
//! B's journal when it was sent, and the new incarnation has read it there. (A node that is not
//! ready acknowledges nothing: if it dies, the next incarnation may take itself for the first and
//! read no other journals.) An item that arrives twice changes nothing, late packets of an earlier
//! incarnation bring its items in order or none, and commits need no order.
//!
//! *Nothing is lost.* An acknowledged message stands in a journal and, as long as its node lives,
//! on the links; when the node dies, its next incarnation puts it there again. While a node is
//! down, polls stop at what it had promised, as in a partition. Promises are not journaled: a new
//! incarnation may show less at first than the one before, until the others have sent it their
//! promises.
//!
//! It costs a round trip to the service for each send and commit, and two messages for all that
//! wait for it together, or came within the journal's window ([`JOURNAL_WINDOW_MS`]): 5c takes 0.60
//! messages an operation. A restart costs as many requests as the journals have batches, and the
//! node's own messages once more for each of the others.

mod log;
mod protocol;
mod replica;

use std::collections::BTreeMap;

use clap::Args;
use replication::{DurabilityFlags, Durable, JournalEvent, LinkFlags, Step};
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
    /// How long a node gathers messages for another node before it sends them. A message can be
    /// polled on all nodes after two windows and two hops.
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = milliseconds(0))]
    pub window: u64,

    /// When its links acknowledge and resend.
    #[command(flatten)]
    pub patience: LinkFlags,

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
        let timing = flags.patience.timing(flags.window);
        let durability = flags.durability.or_window(JOURNAL_WINDOW_MS);
        let mut node = KafkaLog {
            replica: Replica::new(cluster, boot, timing),
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
                self.replica.settle(now, key, offset, message);
                Response::SendOk { offset }
            }
            Item::Commit(key, offset) => {
                self.replica.commit(now, key, offset);
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
                Step::Recover { owner, entry, .. } => self.replica.recover(&owner, entry),
                Step::Ready => self.replica.push_own(ctx.now()),
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
