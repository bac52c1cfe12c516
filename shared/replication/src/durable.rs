//! What makes a node durable: an entry takes effect once the journal holds it, and requests are
//! served once the node has recovered.

use std::collections::VecDeque;

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::{Caller, Cluster, Context, ErrorCode, NodeId, RpcError};

use crate::flags::Durability;
use crate::journal::{Journal, JournalEvent, Progress};

/// The most requests that are held until the node is ready; further ones are rejected.
const MAX_HELD: usize = 10_000;

/// The durable part of a node: its journal, the entries that are not in it yet with the callers
/// that wait for them, and the requests that came before the node was ready. `T` is an entry, `R` a
/// request, and `C` what the node needs in order to answer once an entry is applied.
///
/// The node passes in what happens and asks what to do: [`Durable::on_request`] and
/// [`Durable::on_event`] take in, then [`Durable::next_step`] returns steps until there are none,
/// and [`Durable::flush`] sends. A node that is not durable does the same: it has no journal, so it
/// is ready from the start, and an entry can be applied as soon as it is persisted.
///
/// Requests from other nodes are held, too. Their senders take them for lost and repeat them, so it
/// does no harm that they come late or are rejected; but a node that acknowledged something before
/// it is ready could forget it, see [`Step::Ready`].
///
/// # Example
///
/// A node that remembers words:
///
/// ```
/// use replication::{Durability, Durable, JournalEvent, Step};
/// use serde::{Deserialize, Serialize};
/// use shared::{Caller, Cluster, Context, Engine, Node, Outbox};
/// # use std::time::Duration;
///
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
///     fn boot(flags: &Durability, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
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
///                 Step::Serve(Request::Add { word }, caller) => self.durable.persist(word, caller),
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
    /// How many of them are in the journal, or need not be.
    safe: usize,
    /// Requests that came before the node was ready, in their order.
    held: VecDeque<(R, Caller)>,
    /// What to do before anything pending is applied.
    steps: VecDeque<Step<T, R, C>>,
}

/// What a node has to do next.
#[derive(Debug)]
pub enum Step<T, R, C = Caller> {
    /// Apply an entry that stands in a journal, written by an earlier life of this node or by any
    /// life of another. Each journal's entries come in their order, all of them before
    /// [`Step::Ready`]. Their callers belonged to an earlier incarnation, so there is no answer to
    /// send.
    Recover {
        /// The node whose journal it is.
        owner: NodeId,
        /// The boot number of the life that wrote it.
        boot: u64,
        /// What that life persisted.
        entry: T,
    },
    /// Everything is recovered that had been applied anywhere when this life of the node began,
    /// unless it is the first; send others what earlier lives may not have sent them. It comes
    /// once, before any request is served, and only if the node is durable.
    Ready,
    /// Serve a request.
    Serve(R, Caller),
    /// Apply an entry, which is safe now, and answer.
    Apply(T, C),
}

impl<T, R, C> Durable<T, R, C>
where
    T: Clone + Serialize + DeserializeOwned + Send + 'static,
{
    /// The durable part of the incarnation `boot` of `cluster.me`. All nodes use the same `name`; no
    /// other keys of the service `lin-kv` begin with it.
    pub fn open(flags: &Durability, name: &'static str, cluster: &Cluster, boot: u64) -> Self {
        Durable {
            journal: flags.journal(name, cluster, boot),
            pending: VecDeque::new(),
            safe: 0,
            held: VecDeque::new(),
            steps: VecDeque::new(),
        }
    }

    /// Takes in a request. It is held until the node is ready, or rejected as temporarily
    /// unavailable if too many are held.
    pub fn on_request<E>(&mut self, request: R, caller: Caller, ctx: &mut Context<E>) {
        let is_ready = self.journal.as_ref().is_none_or(Journal::is_ready);
        if is_ready {
            self.steps.push_back(Step::Serve(request, caller));
        } else if self.held.len() < MAX_HELD {
            self.held.push_back((request, caller));
        } else {
            let text = "this node is not ready, and too many wait for it";
            let error = RpcError::new(ErrorCode::TemporarilyUnavailable, text);
            ctx.reject(caller, &error);
        }
    }

    /// Takes in an event of the journal's.
    pub fn on_event(&mut self, event: JournalEvent<T>) {
        let journal = self.journal.as_mut();
        for progress in journal.map(|it| it.on_event(event)).unwrap_or_default() {
            match progress {
                Progress::Recovered { owner, boot, item } => {
                    let entry = item;
                    self.steps.push_back(Step::Recover { owner, boot, entry });
                }
                Progress::Ready => {
                    self.steps.push_back(Step::Ready);
                    let held = self.held.drain(..);
                    self.steps
                        .extend(held.map(|(request, caller)| Step::Serve(request, caller)));
                }
                Progress::Confirmed(count) => self.safe += count,
            }
        }
    }

    /// Writes an entry into the journal, if there is one. As soon as it is safe, [`Step::Apply`]
    /// returns it with its caller; entries are applied in the order in which they were persisted.
    pub fn persist(&mut self, entry: T, caller: C) {
        match &mut self.journal {
            Some(journal) => journal.push(entry.clone()),
            None => self.safe += 1,
        }
        self.pending.push_back((entry, caller));
    }

    /// The last entry that was persisted, if it is not applied yet.
    pub fn last_pending(&self) -> Option<&T> {
        self.pending.back().map(|(entry, _)| entry)
    }

    /// The next thing to do now; ask until there is none.
    pub fn next_step(&mut self) -> Option<Step<T, R, C>> {
        if self.safe > 0 {
            self.safe -= 1;
            let (entry, caller) = self.pending.pop_front()?;
            return Some(Step::Apply(entry, caller));
        }
        self.steps.pop_front()
    }

    /// Sends what the journal has to ask `lin-kv` now. `event` makes the node's own event of what
    /// comes back; the node hands it to [`Durable::on_event`].
    ///
    /// The node calls this when it has booted and after everything that happened to it.
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
mod tests {
    use std::time::Duration;

    use serde::Deserialize;
    use shared::{Engine, Node, Outbox, read_flags, with_flags};

    use super::*;

    /// A node that collects numbers, and answers each addition with all that it has applied so far.
    struct Adder {
        applied: Vec<u64>,
        durable: Durable<u64, Request>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Request {
        /// Persists these numbers; each is answered as if it were the request's own number.
        Add { numbers: Vec<u64> },
    }

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Response<'a> {
        AddOk { applied: &'a [u64] },
    }

    #[derive(Debug)]
    enum Event {
        Journal(JournalEvent<u64>),
    }

    impl Adder {
        fn boot(flags: &Durability, cluster: &Cluster, ctx: &mut Context<Event>) -> Self {
            let mut adder = Adder {
                applied: Vec::new(),
                durable: Durable::open(flags, "adder", cluster, 7),
            };
            adder.proceed(ctx);
            adder
        }

        fn proceed(&mut self, ctx: &mut Context<Event>) {
            while let Some(step) = self.durable.next_step() {
                match step {
                    Step::Recover { entry, .. } => self.applied.push(entry),
                    Step::Ready => self.applied.push(1000),
                    Step::Serve(Request::Add { numbers }, caller) => {
                        for number in numbers {
                            let caller = Caller::new(caller.node().clone(), Some(number));
                            self.durable.persist(number, caller);
                            assert_eq!(self.durable.last_pending(), Some(&number));
                        }
                    }
                    Step::Apply(number, caller) => {
                        self.applied.push(number);
                        let applied = &self.applied;
                        ctx.reply(caller, Response::AddOk { applied });
                    }
                }
            }
            self.durable.flush(ctx, Event::Journal);
        }
    }

    impl Node for Adder {
        type Request = Request;
        type Event = Event;

        fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
            self.durable.on_request(request, caller, ctx);
            self.proceed(ctx);
        }

        fn on_event(&mut self, Event::Journal(event): Event, ctx: &mut Context<Event>) {
            self.durable.on_event(event);
            self.proceed(ctx);
        }
    }

    fn adder(words: &[&str]) -> Engine<Adder> {
        let flags = read_flags("adder", words).unwrap();
        let mut engine = Engine::new(1, with_flags(flags, Adder::boot));
        let init = r#"{"type":"init","node_id":"n0","node_ids":["n0"]}"#;
        engine.receive(
            Duration::ZERO,
            &format!(r#"{{"src":"c0","dest":"n0","body":{init}}}"#),
        );
        engine
    }

    /// What the node sends when it receives this, each message's body in a line.
    fn send(engine: &mut Engine<Adder>, body: &str) -> Vec<String> {
        let line = format!(r#"{{"src":"c1","dest":"n0","body":{body}}}"#);
        engine.receive(Duration::ZERO, &line);
        let mut outbox = Outbox::default();
        engine.drain(&mut outbox);
        let lines = String::from_utf8(outbox.lines).unwrap();
        let bodies = lines
            .lines()
            .map(|line| line.split_once(r#""body":"#).unwrap().1);
        bodies
            .map(|body| body[..body.len() - 1].to_owned())
            .collect()
    }

    fn answer(in_reply_to: u64, applied: &str) -> String {
        format!(r#"{{"type":"add_ok","in_reply_to":{in_reply_to},"applied":{applied}}}"#)
    }

    /// The number of the only question that is asked.
    fn question(sent: &[String]) -> u64 {
        let [question] = sent else {
            panic!("one question expected: {sent:?}");
        };
        let question: serde_json::Value = serde_json::from_str(question).unwrap();
        question["msg_id"].as_u64().unwrap()
    }

    /// What the service lin-kv answers to the question with that number.
    fn reply(engine: &mut Engine<Adder>, msg_id: u64, answer: &str) -> Vec<String> {
        send(engine, &format!(r#"{{{answer},"in_reply_to":{msg_id}}}"#))
    }

    const NO_SUCH_KEY: &str = r#""type":"error","code":20"#;
    const CAS_OK: &str = r#""type":"cas_ok""#;

    #[test]
    fn without_a_journal_entries_are_applied_at_once_and_in_order() {
        let mut engine = adder(&[]);
        let sent = send(&mut engine, r#"{"type":"add","numbers":[4,2]}"#);
        assert_eq!(sent, [answer(4, "[4]"), answer(2, "[4,2]")]);
        assert!(engine.node().unwrap().durable.last_pending().is_none());
        assert_eq!(engine.deadline(), None);
    }

    #[test]
    fn with_a_journal_requests_wait_until_it_is_ready_and_entries_until_it_holds_them() {
        let mut engine = adder(&["--durable"]);
        let asked = send(&mut engine, r#"{"type":"add","numbers":[4,2]}"#);
        let read = question(&asked[asked.len() - 1..]);
        let fence = question(&reply(&mut engine, read, NO_SUCH_KEY));
        let written = reply(&mut engine, fence, CAS_OK);
        assert!(written[0].contains(r#""items":[4,2]"#), "{written:?}");
        let write = question(&written);
        let sent = send(&mut engine, r#"{"type":"add","numbers":[3]}"#);
        assert_eq!(sent, [""; 0], "one write is under way");
        let sent = reply(&mut engine, write, CAS_OK);
        // 1000 stands for the moment at which the node became ready.
        assert_eq!(sent[..2], [answer(4, "[1000,4]"), answer(2, "[1000,4,2]")]);
        let write = question(&sent[2..]);
        let sent = reply(&mut engine, write, CAS_OK);
        assert_eq!(sent, [answer(3, "[1000,4,2,3]")]);
    }

    #[test]
    fn entries_of_an_earlier_life_are_recovered_before_anything_is_served() {
        let mut engine = adder(&["--durable"]);
        let asked = send(&mut engine, r#"{"type":"add","numbers":[3]}"#);
        let read = question(&asked[asked.len() - 1..]);
        let found = r#""type":"read_ok","value":{"boot":6,"items":[8,9]}"#;
        let reads = reply(&mut engine, read, found);
        let second = question(&reads[..1]);
        let third = question(&reads[1..]);
        assert_eq!(reply(&mut engine, second, NO_SUCH_KEY), [""; 0]);
        let fence = question(&reply(&mut engine, third, NO_SUCH_KEY));
        let write = question(&reply(&mut engine, fence, CAS_OK));
        let sent = reply(&mut engine, write, CAS_OK);
        assert_eq!(sent, [answer(3, "[8,9,1000,3]")]);
    }

    #[test]
    fn too_many_requests_before_the_node_is_ready_are_rejected() {
        let mut engine = adder(&["--durable"]);
        let add = r#"{"type":"add","msg_id":7,"numbers":[3]}"#;
        let asked = send(&mut engine, add);
        let read = question(&asked[asked.len() - 1..]);
        for _ in 1..MAX_HELD {
            assert_eq!(send(&mut engine, add), [""; 0]);
        }
        let rejected = send(&mut engine, add);
        assert!(
            rejected[0].contains(r#""in_reply_to":7,"code":11"#),
            "{rejected:?}"
        );
        let fence = question(&reply(&mut engine, read, NO_SUCH_KEY));
        reply(&mut engine, fence, CAS_OK);
        let pending = &engine.node().unwrap().durable.pending;
        assert_eq!(pending.len(), MAX_HELD);
    }
}
