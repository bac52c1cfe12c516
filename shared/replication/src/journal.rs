//! A journal: what a node must not lose when it is killed, written ahead to `lin-kv`.
//!
//! Every node has one. It is a row of immutable batches, batch 7 of node n3 under the key
//! `broadcast/n3/7`, and only ever grows at its end. Nobody but its owner writes to it, and anybody
//! may read it. Like links it is sans-IO, and acts through the context that it is given.
//!
//! # Why nothing is lost or overwritten
//!
//! A batch is put in its place by a compare-and-set that succeeds only if the place is free, so a
//! late or repeated write does nothing. A life has one write under way at a time, and repeats it
//! until it is answered; so a batch exists only if all before it do, and what has been confirmed
//! stays. A write that finds its place taken reads on from there: what stands there is its own
//! earlier try, whose answer was lost, or the late write of an earlier life of the same node.
//!
//! # When a node starts
//!
//! A node cannot know whether it has lived before. It reads its own journal to the end and puts an
//! empty batch of its own there: that is a fence. All that earlier lives have under way aims at the
//! fence's place or below it, since a life goes on to a place only when those below are taken; so
//! once the fence stands, none of it can succeed any more. If the fence is batch 0, no
//! earlier life was ever ready, and nothing was missed: that is a read and a write. Otherwise, as
//! soon as it has found a batch of an earlier life, the node reads all other journals, too, so that
//! it knows whatever had been confirmed anywhere before it came back.
//!
//! ```text
//!   n3, first life           lin-kv                  n3, second life
//!     | 0 := [], then 1 := [a]  |                         |
//!     |------------------------>|  0? 1, 2? [], [a], none |
//!     | 2 := [b]                |<----------------------->|
//!     |------------.            |  2 := []                |
//!    killed         `---------->|<------------------------|
//!                               |  taken; 2? 3, 4? [b]    |
//!                               |<----------------------->|
//!                               |  3 := []                |
//!                               |<------------------------| ready
//! ```
//!
//! Until it is ready a node must answer no client and acknowledge nothing to other nodes, or its
//! next life, should it find no trace of this one, would not miss what it then lacked.

mod scan;

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::{Cluster, Context, Failure, LIN_KV, NodeId};

use crate::alarm::Alarm;

use scan::Scan;

/// What waits for more is written with the next batch.
const MOST_ITEMS: usize = 4096;

/// How long an answer is waited for at first, and at most: one that comes later is lost, so each
/// try is more patient than the one before.
const PATIENCE: Duration = Duration::from_secs(1);
const MOST_PATIENCE: Duration = Duration::from_secs(8);

/// This node's journal, and its reading of all journals when it starts.
///
/// The node calls [`Journal::flush`] when it has booted and after everything that happened to it.
#[derive(Debug)]
pub(crate) struct Journal<T> {
    name: &'static str,
    me: NodeId,
    /// Whose journals have not been looked at.
    others: Vec<NodeId>,
    boot: u64,
    window: Duration,
    stage: Stage,
    /// The journals that are being read: this node's own while it is not known where it ends.
    scans: Vec<(NodeId, Scan<Batch<T>>)>,
    /// Where the batch under way belongs, or the next one.
    place: u64,
    under_way: Option<Batch<T>>,
    /// What the next batch will hold.
    waiting: VecDeque<T>,
    /// When the first of them has waited long enough.
    due: Option<Duration>,
    alarm: Alarm,
    /// To be asked at the next flush.
    questions: Vec<Question>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The fence is not up.
    Opening,
    /// It is, but other journals have not been read to their ends.
    Reading,
    Ready,
}

/// What one life wrote at once.
#[derive(Debug, Serialize, Deserialize)]
struct Batch<T> {
    boot: u64,
    items: Vec<T>,
}

/// A question to the service.
#[derive(Debug)]
struct Question {
    what: What,
    /// How long to wait for the answer.
    patience: Duration,
    /// Why it was answered with something else, if it was: then it is not asked again at once.
    refused: Option<Failure>,
}

#[derive(Debug)]
enum What {
    /// What stands in this place of somebody's journal?
    Read { owner: NodeId, place: u64 },
    /// Put what is under way into its place.
    Write,
}

/// An event of a node's journal: an answer of the service, or a timer. The node hands it to
/// [`Durable::on_event`](crate::Durable::on_event).
#[derive(Debug)]
pub struct JournalEvent<T>(Kind<T>);

#[derive(Debug)]
enum Kind<T> {
    Read(NodeId, u64, Option<Batch<T>>),
    Written(bool),
    Failed(Question, Failure),
    /// The pause before a question is over.
    Ask(Question),
    /// The window is over.
    Due,
}

/// What follows from an event: progress of the journal, or of the items pushed.
#[derive(Debug)]
pub(crate) enum Progress<T> {
    /// An item of a journal, written by an earlier life of this node or by any life of another. Each
    /// journal's items come in their order, and all of them before [`Progress::Ready`].
    Recovered {
        /// Whose journal it stands in.
        owner: NodeId,
        /// The boot number of the life that wrote it.
        boot: u64,
        /// What that life pushed.
        item: T,
    },
    /// All that had been confirmed anywhere when this life began has been recovered, unless this is
    /// the node's first: from now on it may answer.
    Ready,
    /// The number of items that are safe now: the oldest of those pushed that were not.
    Confirmed(usize),
}

impl<T: Serialize + DeserializeOwned + Send + 'static> Journal<T> {
    /// The journal of the incarnation `boot` of `cluster.me`, not yet ready. All nodes give it the
    /// same `name`, with which no other keys of the service begin. Items gather for `window` before
    /// they are written together.
    pub(crate) fn open(name: &'static str, cluster: &Cluster, boot: u64, window: Duration) -> Self {
        let mut journal = Journal {
            name,
            me: cluster.me.clone(),
            others: cluster.others().cloned().collect(),
            boot,
            window,
            stage: Stage::Opening,
            scans: Vec::new(),
            place: 0,
            under_way: None,
            waiting: VecDeque::new(),
            due: None,
            alarm: Alarm::default(),
            questions: Vec::new(),
        };
        let items = Vec::new();
        journal.under_way = Some(Batch { boot, items });
        journal.scan(journal.me.clone(), 0);
        journal
    }

    /// Queues an item to be written after all others.
    pub(crate) fn push(&mut self, item: T) {
        self.waiting.push_back(item);
    }

    /// Whether [`Progress::Ready`] has come.
    pub(crate) fn is_ready(&self) -> bool {
        self.stage == Stage::Ready
    }

    /// Takes in an event and returns what follows from it.
    pub(crate) fn on_event(&mut self, event: JournalEvent<T>) -> Vec<Progress<T>> {
        let mut progress = Vec::new();
        match event.0 {
            Kind::Read(owner, place, batch) => self.take(&owner, place, batch, &mut progress),
            Kind::Written(true) => self.confirm(&mut progress),
            Kind::Written(false) => self.scan(self.me.clone(), self.place),
            Kind::Failed(question, failure) => self.ask_again(question, failure),
            Kind::Ask(question) => self.questions.push(question),
            Kind::Due => {}
        }
        if self.stage == Stage::Reading && self.scans.is_empty() {
            self.stage = Stage::Ready;
            progress.push(Progress::Ready);
        }
        progress
    }

    /// Sends what there is to ask the service now; `event` makes the node's own event of what comes
    /// back.
    pub(crate) fn flush<E>(
        &mut self,
        ctx: &mut Context<E>,
        event: impl Fn(JournalEvent<T>) -> E + Clone + Send + 'static,
    ) {
        // An answer to an earlier life must not be taken for one to this.
        ctx.number_calls_after(self.boot);
        self.gather(ctx, &event);
        for question in std::mem::take(&mut self.questions) {
            if let Some(failure) = question.refused {
                ctx.log(format!("the journal asks again: {failure}"));
                let question = Question::new(question.what, question.patience);
                ctx.after(question.patience, event(JournalEvent(Kind::Ask(question))));
            } else {
                self.ask(question, ctx, event.clone());
            }
        }
    }

    /// Makes a batch of what waits, once it is time and the one before is confirmed.
    fn gather<E>(&mut self, ctx: &mut Context<E>, event: impl Fn(JournalEvent<T>) -> E) {
        if self.waiting.is_empty() {
            return;
        }
        let due = *self.due.get_or_insert(ctx.now() + self.window);
        if ctx.now() < due {
            self.alarm
                .set(ctx, Some(due), || event(JournalEvent(Kind::Due)));
        } else if self.under_way.is_none() {
            let count = self.waiting.len().min(MOST_ITEMS);
            self.under_way = Some(Batch {
                boot: self.boot,
                items: self.waiting.drain(..count).collect(),
            });
            self.due = None;
            self.questions.push(Question::new(What::Write, PATIENCE));
        }
    }

    fn ask<E>(
        &self,
        question: Question,
        ctx: &mut Context<E>,
        event: impl Fn(JournalEvent<T>) -> E + Send + 'static,
    ) {
        let patience = question.patience;
        match &question.what {
            What::Read { owner, place } => {
                let read = LIN_KV.read(self.key(owner, *place)).timeout(patience);
                let (owner, place) = (owner.clone(), *place);
                ctx.call(read, move |answer| {
                    event(JournalEvent(match answer {
                        Ok(batch) => Kind::Read(owner, place, batch),
                        Err(failure) => Kind::Failed(question, failure),
                    }))
                });
            }
            What::Write => {
                let key = self.key(&self.me, self.place);
                let put = LIN_KV.cas_or_create(key, None, self.under_way.as_ref());
                ctx.call(put.timeout(patience), move |answer| {
                    event(JournalEvent(match answer {
                        Ok(is_put) => Kind::Written(is_put),
                        Err(failure) => Kind::Failed(question, failure),
                    }))
                });
            }
        }
    }

    fn key(&self, owner: &NodeId, place: u64) -> String {
        format!("{}/{owner}/{place}", self.name)
    }

    fn ask_again(&mut self, question: Question, failure: Failure) {
        self.questions.push(Question {
            what: question.what,
            patience: MOST_PATIENCE.min(2 * question.patience),
            refused: Some(failure).filter(|failure| *failure != Failure::Timeout),
        });
    }

    /// Reads somebody's journal from here to its end.
    fn scan(&mut self, owner: NodeId, first: u64) {
        let scan = Scan::from(first);
        self.read(&owner, scan.places());
        self.scans.retain(|(it, _)| *it != owner);
        self.scans.push((owner, scan));
    }

    fn read(&mut self, owner: &NodeId, places: Range<u64>) {
        let read = |place| {
            let owner = owner.clone();
            Question::new(What::Read { owner, place }, PATIENCE)
        };
        self.questions.extend(places.map(read));
    }

    /// Takes in what stands in some place of somebody's journal, or that nothing does.
    fn take(
        &mut self,
        owner: &NodeId,
        place: u64,
        batch: Option<Batch<T>>,
        progress: &mut Vec<Progress<T>>,
    ) {
        let Some(at) = self.scans.iter().position(|(it, _)| it == owner) else {
            return;
        };
        let scan = &mut self.scans[at].1;
        let Some(chunk) = scan.take(place, batch) else {
            return;
        };
        let further = scan.places();
        let is_own = *owner == self.me;
        for batch in chunk.found {
            if is_own && batch.boot == self.boot {
                // It had arrived, and its answer was lost. Nobody else can have gone on from it.
                self.scans.retain(|(it, _)| it != owner);
                return self.confirm(progress);
            }
            if is_own {
                self.place += 1;
                self.read_others();
            }
            progress.extend(batch.recovered(owner));
        }
        if !chunk.is_last {
            self.read(owner, further);
        } else {
            self.scans.retain(|(it, _)| it != owner);
            if is_own {
                self.questions.push(Question::new(What::Write, PATIENCE));
            }
        }
    }

    /// This is not the node's first life: it has missed something.
    fn read_others(&mut self) {
        for other in std::mem::take(&mut self.others) {
            self.scan(other, 0);
        }
    }

    /// The batch under way stands in its place.
    fn confirm(&mut self, progress: &mut Vec<Progress<T>>) {
        let Some(batch) = self.under_way.take() else {
            return;
        };
        self.place += 1;
        if self.stage == Stage::Opening {
            self.stage = Stage::Reading;
        }
        if !batch.items.is_empty() {
            progress.push(Progress::Confirmed(batch.items.len()));
        }
    }
}

impl<T> Batch<T> {
    fn recovered(self, owner: &NodeId) -> impl Iterator<Item = Progress<T>> {
        let boot = self.boot;
        self.items.into_iter().map(move |item| Progress::Recovered {
            owner: owner.clone(),
            boot,
            item,
        })
    }
}

impl Question {
    fn new(what: What, patience: Duration) -> Self {
        Question {
            what,
            patience,
            refused: None,
        }
    }
}
