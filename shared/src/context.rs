//! A node's hands: everything it can do is recorded here, and a runtime carries it out.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Serialize;

use crate::call::{Call, RawAnswer};
use crate::caller::Caller;
use crate::error::{Failure, RpcError};
use crate::id::NodeId;
use crate::message::{ErrorBody, Ids, open_message, write_json, write_message};
use crate::rng::Rng;

/// What a node may see of the world and do to it. `E` is the node's own event type.
pub struct Context<E> {
    pub(crate) now: Duration,
    pub(crate) me: NodeId,
    pub(crate) outbox: Outbox,
    pub(crate) waits: Waits<E>,
    rng: Rng,
    last_msg_id: u64,
}

/// What a node has said since it was last asked.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Messages for the network: JSON, each ended by a newline.
    pub lines: Vec<u8>,
    /// Remarks for a person.
    pub log: Vec<String>,
}

impl Outbox {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.log.is_empty()
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.log.clear();
    }
}

type Answered<E> = Box<dyn FnOnce(RawAnswer<'_>) -> E + Send>;

/// What a node waits for, in the order in which it falls due (and then in that of asking).
///
/// The map in order knows nothing of the node's events, as its code is large: it would be compiled
/// anew for every node.
pub(crate) struct Waits<E> {
    due: BTreeMap<(Duration, u64), Due>,
    /// By the number in `due`.
    timers: HashMap<u64, E>,
    /// By the number of the question.
    calls: HashMap<u64, PendingCall<E>>,
    last: u64,
}

enum Due {
    Timer,
    CallTimeout { msg_id: u64 },
}

struct PendingCall<E> {
    due: (Duration, u64),
    answered: Answered<E>,
}

impl<E> Waits<E> {
    fn new() -> Self {
        Waits {
            due: BTreeMap::new(),
            timers: HashMap::new(),
            calls: HashMap::new(),
            last: 0,
        }
    }

    fn add(&mut self, at: Duration, due: Due) -> (Duration, u64) {
        self.last += 1;
        self.due.insert((at, self.last), due);
        (at, self.last)
    }

    /// How many events are yet to come.
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next event that is due at `now`, if any.
    pub(crate) fn next_due(&mut self, now: Duration) -> Option<E> {
        while self.deadline()? <= now {
            let ((_, number), due) = self.due.pop_first()?;
            match due {
                Due::Timer => return self.timers.remove(&number),
                Due::CallTimeout { msg_id } => {
                    if let Some(call) = self.calls.remove(&msg_id) {
                        return Some((call.answered)(Err(Failure::Timeout)));
                    }
                }
            }
        }
        None
    }

    /// The event that this answer makes; none if nobody waits for it any more.
    pub(crate) fn answer(&mut self, msg_id: u64, answer: RawAnswer<'_>) -> Option<E> {
        let call = self.calls.remove(&msg_id)?;
        self.due.remove(&call.due);
        Some((call.answered)(answer))
    }
}

impl<E> Context<E> {
    pub(crate) fn new(seed: u64) -> Self {
        Context {
            now: Duration::ZERO,
            me: NodeId::from(""),
            outbox: Outbox::default(),
            waits: Waits::new(),
            rng: Rng::new(seed),
            last_msg_id: 0,
        }
    }

    /// The time since some fixed moment; it never goes back.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// The node's rng.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// Answers a caller.
    pub fn reply(&mut self, caller: Caller, response: impl Serialize) {
        if let (dest, Some(msg_id)) = caller.into_parts() {
            let ids = Ids {
                msg_id: None,
                in_reply_to: Some(msg_id),
            };
            write_message(
                &mut self.outbox.lines,
                self.me.as_str(),
                dest.as_str(),
                ids,
                &response,
            );
        }
    }

    /// Answers a caller with a body of one field whose JSON is at hand: nothing is read or
    /// formatted, the text is copied. For answers so large that it matters.
    pub fn reply_text(&mut self, caller: Caller, kind: &str, field: &str, json: &str) {
        if let (dest, Some(msg_id)) = caller.into_parts() {
            let out = &mut self.outbox.lines;
            open_message(out, self.me.as_str(), dest.as_str());
            out.extend_from_slice(b"{\"type\":");
            write_json(out, kind);
            out.extend_from_slice(b",\"in_reply_to\":");
            write_json(out, &msg_id);
            out.push(b',');
            write_json(out, field);
            out.push(b':');
            out.extend_from_slice(json.as_bytes());
            out.extend_from_slice(b"}}\n");
        }
    }

    /// Answers a caller with an error.
    pub fn reject(&mut self, caller: Caller, error: &RpcError) {
        self.reply(caller, ErrorBody::from(error));
    }

    /// Sends a request that wants no answer. It may be lost.
    pub fn send(&mut self, dest: &NodeId, request: impl Serialize) {
        let ids = Ids::default();
        write_message(
            &mut self.outbox.lines,
            self.me.as_str(),
            dest.as_str(),
            ids,
            &request,
        );
    }

    /// Asks a question. The event that `answered` builds comes back once, with the answer or with
    /// the reason why there is none.
    pub fn call<T: 'static>(
        &mut self,
        call: Call<T>,
        answered: impl FnOnce(Result<T, Failure>) -> E + Send + 'static,
    ) {
        self.last_msg_id += 1;
        let msg_id = self.last_msg_id;
        let out = &mut self.outbox.lines;
        open_message(out, self.me.as_str(), call.dest.as_str());
        out.extend_from_slice(b"{\"msg_id\":");
        write_json(out, &msg_id);
        out.push(b',');
        // The body's text is an object with at least a type: the number goes in front of that.
        out.extend_from_slice(&call.body[1..]);
        out.extend_from_slice(b"}\n");
        let due = self.waits.add(
            self.now.saturating_add(call.patience),
            Due::CallTimeout { msg_id },
        );
        let read = call.read;
        let answered = Box::new(move |answer: RawAnswer<'_>| answered(read(answer)));
        self.waits
            .calls
            .insert(msg_id, PendingCall { due, answered });
    }

    /// Gives all further calls numbers above `first`, unless they have those already. Two lives of a
    /// node that begin at their boot numbers ask nothing under the same number.
    pub fn number_calls_from(&mut self, first: u64) {
        self.last_msg_id = self.last_msg_id.max(first);
    }

    /// Sets a timer: `event` comes back after `delay`.
    pub fn after(&mut self, delay: Duration, event: E) {
        let at = self.now.saturating_add(delay);
        let (_, number) = self.waits.add(at, Due::Timer);
        self.waits.timers.insert(number, event);
    }

    /// Tells a person something: a line on stderr, in the node's log.
    pub fn log(&mut self, remark: impl Into<String>) {
        self.outbox.log.push(remark.into());
    }
}
