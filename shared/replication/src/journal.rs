//! A journal: a write-ahead log in `lin-kv` of the data that a node must not lose when it is
//! killed.
//!
//! Each node has one journal: a sequence of immutable batches, where batch 7 of node n3 is the
//! value of the key `broadcast/n3/7`. Only its owner appends to it; any node may read it. Like
//! links it is sans-IO, and acts through the context that it is given.
//!
//! # Why nothing is lost or overwritten
//!
//! A batch is written by a compare-and-set that succeeds only if its key does not exist, so no
//! write, late or repeated, replaces a batch. A write is retried until it is answered. A batch is
//! written when it is in `lin-kv`, and confirmed when its writer knows that it and all before it
//! are. So reading up to the first gap finds all that are confirmed. An incarnation has up to
//! `depth` batches in flight, by default one: then there is no gap.
//!
//! # When a node starts
//!
//! A node cannot know whether it has run before. It reads its own journal to the end and appends an
//! empty batch of its own, the fence. All writes that earlier incarnations have in flight aim at
//! the fence's index or below, since an incarnation proceeds to an index only when all below are
//! taken; so once the fence is written, none of them can succeed. (With a depth of d they may aim
//! d − 1 indices higher, and the fence is d batches, one after the other.) A fence that finds its
//! index taken reads on from there: that batch is its own earlier attempt, whose answer was lost,
//! or a late write of an earlier incarnation. A batch after the fence can only be there itself.
//!
//! If the fence is batch 0, no earlier incarnation was ever ready, and there is nothing to recover:
//! that costs a read and a write. The other journals need not be read then: this node has
//! acknowledged nothing yet, so the others still send it everything. Otherwise, as soon as it has
//! found a batch of an earlier incarnation, the node also reads all other journals, so that it has
//! all entries that were confirmed in any journal before it started.
//!
//! ```text
//!   n3, incarnation 1        lin-kv               n3, incarnation 2
//!     | 0 := []                |                         |
//!     |----------------------->|                         |
//!     | 1 := [a]               |                         |
//!     |----------------------->|                   0? [] |
//!     | 2 := [b]               |                  1? [a] |
//!     |------------.           |                 2? none |
//!    killed        |           |                n1/0? [] | the other journals, too
//!                  |           |              n1/1? none |
//!                  `---------->|                         |
//!                              | taken           2 := [] |
//!                              |                  2? [b] |
//!                              |                 3? none |
//!                              | written         3 := [] | the fence is written: ready
//!
//!   1 := [a]   writes batch 1 of n3, unless it exists
//!   1? [a]     reads batch 1 of n3, and finds [a]
//!   n1/0? []   reads batch 0 of n1, and finds its fence
//! ```
//!
//! Until it is ready, a node must not answer clients or acknowledge messages of other nodes. If it
//! did, and was then killed, its next incarnation might find an empty journal, take itself for the
//! first one, and not read the other journals. What the node had acknowledged would be missing.
//!
//! # Who may have several batches in flight
//!
//! A node whose entries are a set. When it is killed, batch 8 may be written and batch 7 not. Batch
//! 8 was not confirmed, so it is visible nowhere; once the fence has filled the gap it is read, as any
//! entry may be that was not acknowledged. But an entry that needs those before it (an offset after
//! an offset, an effect after its cause) must not appear without them.

mod in_flight;
mod scan;

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::{Cluster, Context, Failure, LIN_KV, NodeId};

use crate::alarm::Alarm;

use in_flight::InFlight;
use scan::Scan;

/// The maximum number of entries in a batch; the rest goes into the next one.
const MAX_BATCH_ENTRIES: usize = 4096;

/// The timeout of a request's first attempt, and the maximum. An answer after the timeout is
/// ignored, so each attempt waits twice as long as the one before.
const FIRST_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_TIMEOUT: Duration = Duration::from_secs(8);

/// This node's journal, and its reads of all journals when it starts.
///
/// The node calls [`Journal::flush`] when it has booted and after every event and request.
#[derive(Debug)]
pub(crate) struct Journal<T> {
    /// What all keys of journals begin with.
    key_prefix: &'static str,
    me: NodeId,
    /// Other nodes, whose journals are not read yet.
    unscanned: Vec<NodeId>,
    boot: u64,
    window: Duration,
    /// The maximum number of batches in flight.
    depth: usize,
    state: JournalState,
    /// The journals that are being read: this node's own while its end is unknown.
    scans: Vec<(NodeId, Scan<Batch<T>>)>,
    in_flight: InFlight<Batch<T>>,
    /// The entries for the next batches.
    queue: VecDeque<T>,
    /// When the window of the first queued entry ends.
    due: Option<Duration>,
    alarm: Alarm,
    /// To be sent at the next flush.
    requests: Vec<KvRequest>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JournalState {
    /// So many batches of the fence are not written yet.
    Fencing(usize),
    /// The fence is written; wait for the reads of other journals, if any.
    Fenced,
    Ready,
}

/// Entries that an incarnation writes together.
#[derive(Debug, Serialize, Deserialize)]
struct Batch<T> {
    boot: u64,
    #[serde(rename = "items")]
    entries: Vec<T>,
}

/// A request to `lin-kv`.
#[derive(Debug)]
struct KvRequest {
    op: KvOp,
    timeout: Duration,
    /// The last attempt's failure unless it was a timeout. If set, the next attempt waits for
    /// `timeout` first; after a timeout it does not.
    error: Option<Failure>,
}

#[derive(Debug)]
enum KvOp {
    /// Reads a batch of a node's journal.
    Read { owner: NodeId, index: u64 },
    /// Writes the batch in flight at this index.
    Write { index: u64 },
}

/// An event of a node's journal: an answer of `lin-kv`, or a timer. The node passes it to
/// [`Durable::on_event`](crate::Durable::on_event).
#[derive(Debug)]
pub struct JournalEvent<T>(Input<T>);

#[derive(Debug)]
enum Input<T> {
    Read(NodeId, u64, Option<Batch<T>>),
    /// The answer to the write at an index: false if that was taken.
    Written(u64, bool),
    Failed(KvRequest, Failure),
    /// The delay before another attempt is over.
    Retry(KvRequest),
    WindowEnded,
}

/// A result of an event.
#[derive(Debug)]
pub(crate) enum JournalOutput<T> {
    /// An entry of a journal, written by an earlier incarnation of this node or by any incarnation
    /// of another. Each journal's entries come in order, and before [`JournalOutput::Ready`].
    Recovered {
        /// The node whose journal it is.
        owner: NodeId,
        /// The boot number of the incarnation that wrote the entry.
        boot: u64,
        /// The entry.
        entry: T,
    },
    /// The node may answer from now on. Unless it found its own journal empty, all entries that
    /// were written to any journal before it started are recovered.
    Ready,
    /// This number of unconfirmed entries, oldest first, are now in the journal.
    Confirmed(usize),
}

impl<T: Serialize + DeserializeOwned + Send + 'static> Journal<T> {
    /// The journal of the incarnation `boot` of `cluster.me`, not ready yet. All nodes use the same
    /// `key_prefix`, and no other keys of `lin-kv` begin with it. Entries are queued for `window`
    /// and then written together.
    pub(crate) fn open(
        key_prefix: &'static str,
        cluster: &Cluster,
        boot: u64,
        window: Duration,
    ) -> Self {
        let mut journal = Journal {
            key_prefix,
            me: cluster.me.clone(),
            unscanned: cluster.others().cloned().collect(),
            boot,
            window,
            depth: 1,
            state: JournalState::Fencing(1),
            scans: Vec::new(),
            in_flight: InFlight::new(),
            queue: VecDeque::new(),
            due: None,
            alarm: Alarm::default(),
            requests: Vec::new(),
        };
        let entries = Vec::new();
        journal.in_flight.push(Batch { boot, entries });
        journal.start_scan(journal.me.clone(), 0);
        journal
    }

    /// Allows so many batches in flight. All incarnations of a node have the same depth.
    pub(crate) fn set_depth(&mut self, depth: usize) {
        self.depth = depth;
        self.state = JournalState::Fencing(depth);
    }

    /// Appends an entry to the queue.
    pub(crate) fn push(&mut self, entry: T) {
        self.queue.push_back(entry);
    }

    /// Whether [`JournalOutput::Ready`] was returned.
    pub(crate) fn is_ready(&self) -> bool {
        self.state == JournalState::Ready
    }

    /// Handles an event.
    pub(crate) fn on_event(&mut self, event: JournalEvent<T>) -> Vec<JournalOutput<T>> {
        let mut outputs = Vec::new();
        match event.0 {
            Input::Read(owner, index, batch) => self.on_read(&owner, index, batch, &mut outputs),
            Input::Written(index, false) if self.is_fencing() => {
                self.start_scan(self.me.clone(), index);
            }
            Input::Written(index, _) => self.on_written(index, &mut outputs),
            Input::Failed(request, failure) => self.retry(request, failure),
            Input::Retry(request) => self.requests.push(request),
            Input::WindowEnded => {}
        }
        if self.state == JournalState::Fenced && self.scans.is_empty() {
            self.state = JournalState::Ready;
            outputs.push(JournalOutput::Ready);
        }
        outputs
    }

    /// Sends the requests that are due now. `event` makes the node's events of the journal's.
    pub(crate) fn flush<E>(
        &mut self,
        ctx: &mut Context<E>,
        event: impl Fn(JournalEvent<T>) -> E + Clone + Send + 'static,
    ) {
        // From then on `msg_id`s are above the boot number, so no answer to a call of an earlier
        // incarnation matches a call of this one. To repeat this has no effect.
        ctx.number_calls_after(self.boot);
        self.start_batch(ctx, &event);
        for request in std::mem::take(&mut self.requests) {
            if let Some(failure) = request.error {
                ctx.log(format!("the journal retries a request: {failure}"));
                let request = KvRequest::new(request.op, request.timeout);
                ctx.after(request.timeout, event(JournalEvent(Input::Retry(request))));
            } else {
                self.send(request, ctx, event.clone());
            }
        }
    }

    fn is_fencing(&self) -> bool {
        matches!(self.state, JournalState::Fencing(_))
    }

    /// Makes a batch of queued entries when their window has ended and not too many are in flight.
    fn start_batch<E>(&mut self, ctx: &mut Context<E>, event: impl Fn(JournalEvent<T>) -> E) {
        if self.queue.is_empty() || self.is_fencing() {
            return;
        }
        let due = *self.due.get_or_insert(ctx.now() + self.window);
        if ctx.now() < due {
            self.alarm
                .set(ctx, Some(due), || event(JournalEvent(Input::WindowEnded)));
        } else if self.in_flight.len() < self.depth {
            let count = self.queue.len().min(MAX_BATCH_ENTRIES);
            let entries = self.queue.drain(..count).collect();
            self.due = None;
            self.write(entries);
        }
    }

    /// Writes a batch after those in flight.
    fn write(&mut self, entries: Vec<T>) {
        let boot = self.boot;
        let index = self.in_flight.push(Batch { boot, entries });
        self.request_write(index);
    }

    fn send<E>(
        &self,
        request: KvRequest,
        ctx: &mut Context<E>,
        event: impl Fn(JournalEvent<T>) -> E + Send + 'static,
    ) {
        let timeout = request.timeout;
        match &request.op {
            KvOp::Read { owner, index } => {
                let read = LIN_KV.read(self.key(owner, *index)).timeout(timeout);
                let (owner, index) = (owner.clone(), *index);
                ctx.call(read, move |answer| {
                    event(JournalEvent(match answer {
                        Ok(batch) => Input::Read(owner, index, batch),
                        Err(failure) => Input::Failed(request, failure),
                    }))
                });
            }
            &KvOp::Write { index } => {
                let key = self.key(&self.me, index);
                let put = LIN_KV.cas_or_create(key, None, self.in_flight.get(index));
                ctx.call(put.timeout(timeout), move |answer| {
                    event(JournalEvent(match answer {
                        Ok(is_put) => Input::Written(index, is_put),
                        Err(failure) => Input::Failed(request, failure),
                    }))
                });
            }
        }
    }

    fn key(&self, owner: &NodeId, index: u64) -> String {
        format!("{}/{owner}/{index}", self.key_prefix)
    }

    fn retry(&mut self, request: KvRequest, failure: Failure) {
        self.requests.push(KvRequest {
            op: request.op,
            timeout: MAX_TIMEOUT.min(2 * request.timeout),
            error: Some(failure).filter(|failure| *failure != Failure::Timeout),
        });
    }

    /// Starts to read a node's journal from `first` to its end.
    fn start_scan(&mut self, owner: NodeId, first: u64) {
        let scan = Scan::starting_at(first);
        self.request_reads(&owner, scan.indices());
        self.scans.retain(|(it, _)| *it != owner);
        self.scans.push((owner, scan));
    }

    fn request_write(&mut self, index: u64) {
        let op = KvOp::Write { index };
        self.requests.push(KvRequest::new(op, FIRST_TIMEOUT));
    }

    fn request_reads(&mut self, owner: &NodeId, indices: Range<u64>) {
        let read = |index| {
            let owner = owner.clone();
            KvRequest::new(KvOp::Read { owner, index }, FIRST_TIMEOUT)
        };
        self.requests.extend(indices.map(read));
    }

    /// Handles the answer to a read: the batch, or none if the journal ends before `index`.
    fn on_read(
        &mut self,
        owner: &NodeId,
        index: u64,
        batch: Option<Batch<T>>,
        outputs: &mut Vec<JournalOutput<T>>,
    ) {
        let Some(position) = self.scans.iter().position(|(it, _)| it == owner) else {
            return;
        };
        let scan = &mut self.scans[position].1;
        let Some(chunk) = scan.on_read(index, batch) else {
            return;
        };
        let next = scan.indices();
        let is_own = *owner == self.me;
        for batch in chunk.found {
            if is_own && batch.boot == self.boot {
                // The write had succeeded and its answer was lost.
                self.scans.retain(|(it, _)| it != owner);
                return self.on_written(self.in_flight.first(), outputs);
            }
            if is_own {
                self.in_flight.move_up();
                self.scan_others();
            }
            outputs.extend(batch.recovered(owner));
        }
        if !chunk.is_last {
            self.request_reads(owner, next);
        } else {
            self.scans.retain(|(it, _)| it != owner);
            if is_own {
                self.request_write(self.in_flight.first());
            }
        }
    }

    /// Reads the other journals, as an earlier incarnation has run: it may have acknowledged entries
    /// of other nodes.
    fn scan_others(&mut self) {
        for other in std::mem::take(&mut self.unscanned) {
            self.start_scan(other, 0);
        }
    }

    /// Handles the success of the write at an index.
    fn on_written(&mut self, index: u64, outputs: &mut Vec<JournalOutput<T>>) {
        for batch in self.in_flight.on_written(index) {
            match self.state {
                JournalState::Fencing(1) => self.state = JournalState::Fenced,
                JournalState::Fencing(left) => {
                    self.state = JournalState::Fencing(left - 1);
                    self.write(Vec::new());
                }
                JournalState::Fenced | JournalState::Ready => {
                    outputs.push(JournalOutput::Confirmed(batch.entries.len()));
                }
            }
        }
    }
}

impl<T> Batch<T> {
    fn recovered(self, owner: &NodeId) -> impl Iterator<Item = JournalOutput<T>> {
        let boot = self.boot;
        let entries = self.entries.into_iter();
        entries.map(move |entry| JournalOutput::Recovered {
            owner: owner.clone(),
            boot,
            entry,
        })
    }
}

impl KvRequest {
    fn new(op: KvOp, timeout: Duration) -> Self {
        KvRequest {
            op,
            timeout,
            error: None,
        }
    }
}
