//! Durability for a node: an entry is applied when it is in the journal, and requests are served
//! when the node has recovered.

use std::collections::VecDeque;

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::{Caller, Cluster, Context, ErrorCode, NodeId, RpcError};

use crate::flags::DurabilityFlags;
use crate::journal::{Journal, JournalEvent, JournalOutput};

/// The maximum number of requests in the queue of a node that is not ready; others are rejected.
const MAX_QUEUED: usize = 10_000;

/// The durable part of a node: its journal, the entries that are not applied yet with their
/// callers, and the requests that are queued until the node is ready. `T` is an entry, `R` a
/// request, and `C` what the node needs in order to answer when an entry is applied.
///
/// The node passes requests and events in by [`Durable::on_request`] and [`Durable::on_event`],
/// then executes the steps that [`Durable::next_step`] returns until there are none, then calls
/// [`Durable::flush`]. A node that is not durable does the same: it has no journal, so it is ready
/// from the start, and an entry can be applied as soon as it is submitted.
///
/// Requests from other nodes are queued, too. Their senders resend them, so it is harmless if they
/// are served late or rejected. But nothing may be acknowledged before the node is ready: if it
/// was then killed, its next incarnation might find an empty journal, take itself for the first
/// one, and not read the other journals. What the node had acknowledged would be missing.
///
/// # Example
///
/// A node that stores words:
///
/// ```
/// use replication::{DurabilityFlags, Durable, JournalEvent, Step};
/// use serde::{Deserialize, Serialize};
/// use shared::{Caller, Cluster, Context, Engine, Node, Outbox};
/// # use std::time::Duration;
///
/// #[derive(Debug)]
/// struct Words {
///     known: Vec<String>,
///     durable: Durable<String, Request>,
/// }
///
/// #[derive(Debug, Deserialize)]
/// #[serde(rename_all = "snake_case")]
/// enum Request {
///     Add { word: String },
///     Read,
/// }
///
/// #[derive(Serialize)]
/// #[serde(rename_all = "snake_case")]
/// enum Response<'a> {
///     AddOk,
///     ReadOk { words: &'a [String] },
/// }
///
/// #[derive(Debug)]
/// enum Event {
///     Journal(JournalEvent<String>),
/// }
///
/// impl Words {
///     fn boot(flags: &DurabilityFlags, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
///         let boot = ctx.rng().boot_number();
///         let durable = Durable::open(flags, "words", cluster, boot);
///         let mut words = Words { known: Vec::new(), durable };
///         words.proceed(ctx);
///         words
///     }
///
///     fn proceed(&mut self, ctx: &mut Context<Event>) {
///         while let Some(step) = self.durable.next_step() {
///             match step {
///                 Step::Recover { entry, .. } => self.known.push(entry),
///                 Step::Ready => {}
///                 Step::Serve(Request::Add { word }, caller) => self.durable.submit(word, caller),
///                 Step::Serve(Request::Read, caller) => {
///                     ctx.reply(caller, Response::ReadOk { words: &self.known });
///                 }
///                 Step::Apply(word, caller) => {
///                     self.known.push(word);
///                     ctx.reply(caller, Response::AddOk);
///                 }
///             }
///         }
///         self.durable.flush(ctx, Event::Journal);
///     }
/// }
///
/// impl Node for Words {
///     type Request = Request;
///     type Event = Event;
///
///     fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
///         self.durable.on_request(request, caller, ctx);
///         self.proceed(ctx);
///     }
///
///     fn on_event(&mut self, Event::Journal(event): Event, ctx: &mut Context<Event>) {
///         self.durable.on_event(event);
///         self.proceed(ctx);
///     }
/// }
///
/// // The node, when it is not durable, answers at once.
/// let flags = shared::read_flags("words", &[])?;
/// let mut engine = Engine::new(1, shared::with_flags(flags, Words::boot));
/// # let send = |engine: &mut Engine<Words>, body: &str| {
/// #     let line = format!(r#"{{"src":"c1","dest":"n0","body":{body}}}"#);
/// #     engine.receive(Duration::ZERO, &line);
/// #     let mut outbox = Outbox::default();
/// #     engine.drain(&mut outbox);
/// #     String::from_utf8(outbox.lines).unwrap()
/// # };
/// send(&mut engine, r#"{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0"]}"#);
/// let answer = send(&mut engine, r#"{"type":"add","msg_id":2,"word":"journal"}"#);
/// assert!(answer.contains(r#""type":"add_ok","in_reply_to":2"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Durable<T, R, C = Caller> {
    /// None if the node is not durable.
    journal: Option<Journal<T>>,
    /// Entries that are not applied yet, in the journal's order.
    pending: VecDeque<(T, C)>,
    /// How many of them can be applied, oldest first: they are in the journal, or there is none.
    confirmed: usize,
    /// Requests that came before the node was ready, in order of arrival.
    queued: VecDeque<(R, Caller)>,
    /// The next steps, apart from entries to apply.
    steps: VecDeque<Step<T, R, C>>,
}

/// An action for the node to execute.
#[derive(Debug)]
pub enum Step<T, R, C = Caller> {
    /// Apply an entry of a journal, written by an earlier incarnation of this node or by any
    /// incarnation of another. Each journal's entries come in order, and before [`Step::Ready`].
    /// There is no answer to send, as the caller belonged to that incarnation.
    Recover {
        /// The node whose journal it is.
        owner: NodeId,
        /// The boot number of the incarnation that wrote the entry.
        boot: u64,
        /// The entry.
        entry: T,
    },
    /// The node is ready. Unless it found its own journal empty, all entries that were written to
    /// any journal before it started are recovered; send other nodes what earlier incarnations may
    /// not have sent. This step comes once, before any request is served, and only if the node is
    /// durable.
    Ready,
    /// Serve a request.
    Serve(R, Caller),
    /// Apply an entry, which is in the journal now, and answer.
    Apply(T, C),
}

impl<T, R, C> Durable<T, R, C>
where
    T: Clone + Serialize + DeserializeOwned + Send + 'static,
{
    /// The durable part of the incarnation `boot` of `cluster.me`. All nodes use the same
    /// `key_prefix`, and no other keys of the service `lin-kv` begin with it.
    pub fn open(
        flags: &DurabilityFlags,
        key_prefix: &'static str,
        cluster: &Cluster,
        boot: u64,
    ) -> Self {
        Durable {
            journal: flags.open_journal(key_prefix, cluster, boot),
            pending: VecDeque::new(),
            confirmed: 0,
            queued: VecDeque::new(),
            steps: VecDeque::new(),
        }
    }

    /// Allows up to `depth` writes to the journal at a time, for a node whose entries need no order:
    /// when it is killed, a later one may survive and an earlier one not. All incarnations of the
    /// node have the same depth.
    #[must_use]
    pub fn with_depth(mut self, depth: usize) -> Self {
        if let Some(journal) = &mut self.journal {
            journal.set_depth(depth);
        }
        self
    }

    /// Handles a request. It is queued until the node is ready, or rejected as temporarily
    /// unavailable if the queue is full.
    pub fn on_request<E>(&mut self, request: R, caller: Caller, ctx: &mut Context<E>) {
        let is_ready = self.journal.as_ref().is_none_or(Journal::is_ready);
        if is_ready {
            self.steps.push_back(Step::Serve(request, caller));
        } else if self.queued.len() < MAX_QUEUED {
            self.queued.push_back((request, caller));
        } else {
            let text = "this node is not ready, and too many wait for it";
            let error = RpcError::new(ErrorCode::TemporarilyUnavailable, text);
            ctx.reject(caller, &error);
        }
    }

    /// Handles an event of the journal.
    pub fn on_event(&mut self, event: JournalEvent<T>) {
        let journal = self.journal.as_mut();
        for output in journal.map(|it| it.on_event(event)).unwrap_or_default() {
            match output {
                JournalOutput::Recovered { owner, boot, entry } => {
                    self.steps.push_back(Step::Recover { owner, boot, entry });
                }
                JournalOutput::Ready => {
                    self.steps.push_back(Step::Ready);
                    let queued = self.queued.drain(..);
                    self.steps
                        .extend(queued.map(|(request, caller)| Step::Serve(request, caller)));
                }
                JournalOutput::Confirmed(count) => self.confirmed += count,
            }
        }
    }

    /// Queues an entry for the journal, if there is one. When it is written, [`Step::Apply`]
    /// returns it with its caller. Entries are applied in the order in which they were submitted.
    pub fn submit(&mut self, entry: T, caller: C) {
        match &mut self.journal {
            Some(journal) => journal.push(entry.clone()),
            None => self.confirmed += 1,
        }
        self.pending.push_back((entry, caller));
    }

    /// The last entry that was submitted, if it is not applied yet.
    pub fn last_pending(&self) -> Option<&T> {
        self.pending.back().map(|(entry, _)| entry)
    }

    /// The next step to execute; call this until there is none.
    pub fn next_step(&mut self) -> Option<Step<T, R, C>> {
        if self.confirmed > 0 {
            self.confirmed -= 1;
            let (entry, caller) = self.pending.pop_front()?;
            return Some(Step::Apply(entry, caller));
        }
        self.steps.pop_front()
    }

    /// Sends the journal's requests to `lin-kv`. `event` makes the node's events of the journal's,
    /// which the node passes to [`Durable::on_event`].
    ///
    /// The node calls this when it has booted and after every request and event.
    pub fn flush<E>(
        &mut self,
        ctx: &mut Context<E>,
        event: impl Fn(JournalEvent<T>) -> E + Clone + Send + 'static,
    ) {
        if let Some(journal) = &mut self.journal {
            journal.flush(ctx, event);
        }
    }
}

#[cfg(test)]
mod tests;
