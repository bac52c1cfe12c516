//! # Challenge 5: a log in the manner of Kafka
//!
//! ## The problem
//!
//! Clients append messages to logs, one log a key, and are told the offset of each; they poll a key
//! from an offset on, commit how far they have read, and ask what was committed. Several nodes serve
//! the same logs. All must show the same messages at the same offsets, a consumer that polls its way
//! upward must miss none, and what was acknowledged must turn up. Challenge 5c asks for few
//! messages among the nodes; we ask for more: that nobody is refused or kept waiting, even while the
//! network is cut.
//!
//! ## What was considered
//!
//! *A linearizable store* for each log or for the next offset, the way that the challenge suggests,
//! costs four messages a send, and a node that does not reach the store can only say no. *A leader
//! per key* costs two messages for each request that arrives elsewhere, and a cut makes its keys
//! unavailable on the other side. *Replicas that merge*, each node appending on its own and telling
//! the others in batches, costs next to nothing, but then two nodes give out the same offset, or a
//! message arrives late, at an offset that a consumer has already passed: it is skipped.
//!
//! ## The solution
//!
//! Merging replicas, made safe by two rules.
//!
//! *Offsets never meet.* Time is cut into rounds, for each key on its own; the offset is
//! `round · nodes + place of the node`. A node appends in the first round that it still has open,
//! and closes it; whenever it hears of a message, it closes that message's round and all before. So
//! rounds are a Lamport clock, and offsets stay below the number of nodes times the number of sends:
//! sparse, but small.
//!
//! *A poll shows only what is final.* Whatever round a node has closed it will never use again: that
//! is its promise, and every node tells it to all others. Below the lowest round that anybody may
//! still have open, nothing can come in between any more. A poll stops at this frontier.
//!
//! ```text
//!   n0 (offsets 0, 2, 4 …)                     n1 (offsets 1, 3, 5 …)
//!     | send a: offset 0                          |
//!     | send b: offset 2, round 1                 |
//!     |--- a at 0, b at 2 ------------------------>| closes rounds 0 and 1
//!     |                                           | send c: round 2, offset 5
//!     | poll: nothing, for all that n0 knows      |
//!     | n1 might still use offset 1               |
//!     |<--------- promises round 2; c at 5 -------| poll: a, b; not yet c
//!     | closes round 2; poll: a, b, c             |
//!     |--- promises round 3 --------------------->| poll: a, b, c
//! ```
//!
//! Messages, promises and committed offsets travel as items of one [`Link`](replication::Link) per pair
//! of nodes, in batches: the link gathers for a window ([`Flags::window`]) and repeats what was
//! lost. Every request is answered at once from what the node has.
//!
//! ## Why it holds
//!
//! *One order.* A message's offset is fixed by the node that appended it, and no two nodes share
//! one. That node never uses a round twice, as appending closes it.
//!
//! *No poll skips.* Let a poll at node A show offset x of a key, and let m be any message of that key
//! with a lower offset, appended by B in round r. A's frontier is above x, so A has B's promise not to
//! use any round up to r again. B made it after it had appended m: before that, round r was open.
//! The link from B delivers in order, and m was put on it when it was appended; so A had m when it
//! heard the promise. Hence A has all messages below its frontier, today and for ever, and each poll
//! shows them from the offset asked for, as many as fit into an answer, none left out in between.
//! Polls never go back: they show nothing below what they are asked for. The argument asks nothing
//! of the network but that links keep their order, which they see to themselves.
//!
//! *Nothing is lost, and everything turns up.* An acknowledged message is on the links to all others
//! and stays there until they have it; each closes its round and says so to all. Once the network lets
//! packets through, that takes one delivery and one promise: two windows and two hops, 0.2 s on a
//! quick network; after a cut, up to one `resend` more.
//!
//! *It falls silent.* A promise answers a message and is answered by nothing but an acknowledgement.
//!
//! Committed offsets only grow; taking the larger one of two needs no order.
//!
//! ## What it costs
//!
//! With two nodes, two packets a window, however many sends: 20 a second, 0.02 for each operation at a
//! thousand operations a second. With n nodes it is n · (n − 1) packets, since every pair of nodes
//! talks directly, which keeps the proof short.
//!
//! A message is final when all nodes have promised. So while two nodes do not reach one another,
//! neither shows anything beyond the last promise that it heard of the other, and the rest show what
//! either takes only once the other has promised for another's sake: sends go on, polls stop short,
//! and consumers catch up after the heal. Whoever wants fresh polls during a cut must
//! give up either the one order or somebody's sends.
//!
//! Nodes believe one another, but for a round so far ahead that no honest node can have got there:
//! a forged message must not use up all offsets.
//!
//! A message that only the node knows that took it, for one window at most, is lost if that node dies
//! then; and if it comes back with an empty memory it may use a round that it had promised not to use,
//! until its neighbours have told it what they know. So far, the promises of this page hold while no
//! node is killed.
//!
//! ## Durable mode
//!
//! With `--durable` they hold although nodes are killed and started anew, one after the other or all
//! at once. A node writes messages and commits into its [journal](Durable), in the service
//! lin-kv. A send *reserves* its round at once and is *settled* once the journal has confirmed it:
//! only then is it shown, told to others and acknowledged. While a round is pending the node promises
//! neither it nor a later one. A node that starts reads all journals, closes all rounds that it finds used, and
//! tells others anew what stands in its own and what it promises; until then everybody waits.
//!
//! *No round is used twice.* A life promises a round only for the sake of messages before it, its own
//! settled ones and those that it was told, all of which stood in a journal by then. The next life
//! reads the journals later, so it finds these messages and closes what had been promised. What the
//! earlier life was still writing is found, too, or never gets there, as the journal's fence stands in
//! its place; nobody has seen a trace of that, so its rounds may well be used again.
//!
//! *No poll skips.* The argument above needs this: whoever has B's promise for a round has what B
//! appended up to it. Within a life B's messages of a key are journaled, settled and put on links in
//! the order of their rounds, and promises wait for what is pending. A new life of B puts all of
//! its journal on its links before it promises anything. Hence the link tells the truth across B's
//! lives; and B's journal, which has no holes, tells it as well: a message in it counts for a promise
//! as if it came over the link. If it is A that died, the link starts over with what A's earlier life
//! had not acknowledged; what it had, it had been sent, so it stood in B's journal, and the new life
//! has read it there. (A life that is not ready acknowledges nothing, lest its journal knows nothing
//! of what it heard.) What comes twice changes nothing, late packets of an earlier life bring what it
//! said in its order or nothing, and commits need no order.
//!
//! *Nothing is lost.* What was acknowledged stands in a journal and, as long as its node lives, on
//! the links; when it dies, its next life puts it there again. While a node is down, polls stop at
//! what it had promised, as in a cut. Promises are not journaled: a new life may show less at first
//! than the one before, until the others have told it theirs.
//!
//! It costs a round trip to the service for each send and commit, and two messages for all that wait
//! for it together, or came within `--journal-window`: with four clients and no latency hardly
//! anything waits, and 5c takes 1.03 messages an operation. A restart costs as many questions as the
//! journals have batches, and the node's own messages once more for each of the others.

mod log;
mod protocol;
mod replica;

use std::collections::BTreeMap;

use clap::Args;
use replication::{Durability, Durable, JournalEvent, LinkFlags, Step};
use serde_json::value::RawValue;
use shared::{Caller, Cluster, Context, ErrorCode, Node, RpcError, milliseconds};

use protocol::Response;
use replica::Replica;

pub use protocol::{Item, Request};

/// How the node replicates and answers.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Flags {
    /// How long a node gathers what it has to tell another before it sends it. A message can be
    /// polled everywhere after two windows and two hops.
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = milliseconds(0))]
    pub window: u64,

    /// How patient its links are.
    #[command(flatten)]
    pub patience: LinkFlags,

    /// How many messages of one key a poll shows at most.
    #[arg(long, value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub poll_limit: u32,

    /// What outlives a node that is killed.
    #[command(flatten)]
    pub durability: Durability,
}

/// The node: its replica, how much of it a poll may show, and its durable part.
#[derive(Debug)]
pub struct KafkaLog {
    replica: Replica,
    poll_limit: usize,
    /// Of the commits of one request only the last has a caller.
    durable: Durable<Item, Request, Option<Caller>>,
}

/// What it tells itself.
#[derive(Debug)]
pub enum Event {
    /// Some link may have something to send.
    LinksDue,
    /// An event of its journal.
    Journal(JournalEvent<Item>),
}

impl KafkaLog {
    /// A node with empty logs.
    pub fn boot(flags: &Flags, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
        let boot = ctx.rng().boot_number();
        let timing = flags.patience.timing(flags.window);
        let mut node = KafkaLog {
            replica: Replica::new(cluster, boot, timing),
            poll_limit: flags.poll_limit as usize,
            durable: Durable::open(&flags.durability, "kafka-log", cluster, boot),
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
            Request::Replicate { packet } => self.replica.hear(ctx.now(), caller.node(), packet),
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
        self.durable.persist(message, Some(caller));
    }

    fn commit(&mut self, offsets: BTreeMap<String, u64>, caller: Caller, ctx: &mut Context<Event>) {
        let news = offsets.into_iter();
        let mut news = news
            .filter(|(key, offset)| !self.replica.is_committed(key, *offset))
            .map(|(key, offset)| Item::Commit(key, offset))
            .collect::<Vec<_>>();
        let Some(last) = news.pop() else {
            ctx.reply(caller, Response::CommitOffsetsOk);
            return;
        };
        for item in news {
            self.durable.persist(item, None);
        }
        self.durable.persist(last, Some(caller));
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
            // It follows from messages, and is not kept.
            Item::Promise(..) => return,
        };
        if let Some(caller) = caller {
            ctx.reply(caller, response);
        }
    }

    /// Does all there is to do, and sends what is due.
    fn proceed(&mut self, ctx: &mut Context<Event>) {
        while let Some(step) = self.durable.next_step() {
            match step {
                Step::Recover { owner, entry, .. } => self.replica.recover(&owner, entry),
                Step::Ready => self.replica.tell_own(ctx.now()),
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
