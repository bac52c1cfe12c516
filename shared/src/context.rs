//! A node's context: it records the node's actions, which a runtime then performs.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Serialize;

use crate::call::{Call, RawAnswer};
use crate::caller::Caller;
use crate::error::{Failure, RpcError};
use crate::id::NodeId;
use crate::message::{ErrorBody, Ids, open_message, write_json, write_message};
use crate::rng::Rng;

/// A node's only access to the world: the time, random numbers, messages, timers and the log. `E`
/// is the node's own event type.
pub struct Context<E> {
    pub(crate) now: Duration,
    pub(crate) me: NodeId,
    pub(crate) outbox: Outbox,
    pub(crate) pending: PendingEvents<E>,
    rng: Rng,
    last_msg_id: u64,
}

/// A node's output since the last [`Engine::drain`](crate::Engine::drain).
#[derive(Debug, Default)]
pub struct Outbox {
    /// Messages to send: one line of JSON each, with its newline.
    pub lines: Vec<u8>,
    /// Log lines, for stderr.
    pub log: Vec<String>,
}

impl Outbox {
    /// Whether there are no messages and no log lines.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.log.is_empty()
    }

    /// Removes all content and keeps the allocated memory.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.log.clear();
    }
}

type OnAnswer<E> = Box<dyn FnOnce(RawAnswer<'_>) -> E + Send>;

/// A node's timers and calls, by the time when they expire, then by the order of creation.
///
/// The ordered map does not hold the events themselves: its code is large, and with a type of the
/// node's it would be compiled again for every node.
pub(crate) struct PendingEvents<E> {
    queue: BTreeMap<(Duration, u64), Expiry>,
    /// By the number in `queue`.
    timers: HashMap<u64, E>,
    /// By `msg_id`.
    calls: HashMap<u64, PendingCall<E>>,
    last: u64,
}

enum Expiry {
    Timer,
    CallTimeout { msg_id: u64 },
}

struct PendingCall<E> {
    /// The key of its timeout in the queue.
    timeout: (Duration, u64),
    on_answer: OnAnswer<E>,
}

impl<E> PendingEvents<E> {
    fn new() -> Self {
        PendingEvents {
            queue: BTreeMap::new(),
            timers: HashMap::new(),
            calls: HashMap::new(),
            last: 0,
        }
    }

    fn add(&mut self, at: Duration, expiry: Expiry) -> (Duration, u64) {
        self.last += 1;
        self.queue.insert((at, self.last), expiry);
        (at, self.last)
    }

    /// The number of pending timers and calls.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next event that is due at `now`, if any.
    pub(crate) fn next_due(&mut self, now: Duration) -> Option<E> {
        while self.deadline()? <= now {
            let ((_, number), expiry) = self.queue.pop_first()?;
            match expiry {
                Expiry::Timer => return self.timers.remove(&number),
                Expiry::CallTimeout { msg_id } => {
                    if let Some(call) = self.calls.remove(&msg_id) {
                        return Some((call.on_answer)(Err(Failure::Timeout)));
                    }
                }
            }
        }
        None
    }

    /// Completes the call `msg_id` and returns its event; none if no such call is pending.
    pub(crate) fn complete_call(&mut self, msg_id: u64, answer: RawAnswer<'_>) -> Option<E> {
        let call = self.calls.remove(&msg_id)?;
        self.queue.remove(&call.timeout);
        Some((call.on_answer)(answer))
    }
}

impl<E> Context<E> {
    pub(crate) fn new(seed: u64) -> Self {
        Context {
            now: Duration::ZERO,
            me: NodeId::from(""),
            outbox: Outbox::default(),
            pending: PendingEvents::new(),
            rng: Rng::new(seed),
            last_msg_id: 0,
        }
    }

    /// The time since a fixed moment. It is monotonic.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// The node's random number generator.
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

    /// Answers a caller with a body of one field, whose value is JSON text that is copied as it is.
    /// For large answers, as it saves the time to serialize them.
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

    /// Sends a request that expects no answer. It may be lost.
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

    /// Sends a call. `on_answer` makes an event of its result or failure, which the node receives
    /// exactly once.
    pub fn call<T: 'static>(
        &mut self,
        call: Call<T>,
        on_answer: impl FnOnce(Result<T, Failure>) -> E + Send + 'static,
    ) {
        self.last_msg_id += 1;
        let msg_id = self.last_msg_id;
        let out = &mut self.outbox.lines;
        open_message(out, self.me.as_str(), call.dest.as_str());
        out.extend_from_slice(b"{\"msg_id\":");
        write_json(out, &msg_id);
        out.push(b',');
        // The body is an object with at least a type: `msg_id` goes before it.
        out.extend_from_slice(&call.body[1..]);
        out.extend_from_slice(b"}\n");
        let timeout = self.pending.add(
            self.now.saturating_add(call.timeout),
            Expiry::CallTimeout { msg_id },
        );
        let read = call.read;
        let on_answer = Box::new(move |answer: RawAnswer<'_>| on_answer(read(answer)));
        let call = PendingCall { timeout, on_answer };
        self.pending.calls.insert(msg_id, call);
    }

    /// Makes the `msg_id`s of all further calls greater than `last`. When each incarnation of a
    /// node passes its boot number here, no two of them use the same `msg_id`.
    pub fn number_calls_after(&mut self, last: u64) {
        self.last_msg_id = self.last_msg_id.max(last);
    }

    /// Sets a timer: the node receives `event` after `delay`.
    pub fn after(&mut self, delay: Duration, event: E) {
        let at = self.now.saturating_add(delay);
        let (_, number) = self.pending.add(at, Expiry::Timer);
        self.pending.timers.insert(number, event);
    }

    /// Writes a line to the node's log, which is stderr.
    pub fn log(&mut self, line: impl Into<String>) {
        self.outbox.log.push(line.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn context() -> Context<&'static str> {
        let mut ctx = Context::new(1);
        ctx.me = NodeId::from("n1");
        ctx.now = ms(5);
        ctx
    }

    fn lines<E>(ctx: &Context<E>) -> &str {
        std::str::from_utf8(&ctx.outbox.lines).unwrap()
    }

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Body {
        Ping,
    }

    #[test]
    fn an_outbox_is_empty_without_messages_and_log_lines() {
        let mut ctx = context();
        assert!(ctx.outbox.is_empty());
        ctx.log("hello");
        assert!(!ctx.outbox.is_empty());
        ctx.outbox.clear();
        assert!(ctx.outbox.is_empty());
        ctx.send(&NodeId::from("n2"), Body::Ping);
        assert!(!ctx.outbox.is_empty());
        ctx.outbox.clear();
        assert!(ctx.outbox.is_empty());
    }

    #[test]
    fn timers_of_the_same_time_expire_in_the_order_of_their_creation() {
        let mut ctx = context();
        let later = ctx.now() + ms(10);
        for (delay, event) in [(10, "b"), (10, "c"), (9, "a")] {
            ctx.after(ms(delay), event);
        }
        assert_eq!(ctx.pending.next_due(ms(13)), None);
        let due = std::iter::from_fn(|| ctx.pending.next_due(later));
        assert_eq!(due.collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn a_request_without_an_answer_has_no_number_and_the_answer_to_one_is_dropped() {
        let mut ctx = context();
        ctx.send(&NodeId::from("n2"), Body::Ping);
        let caller = || Caller::new(NodeId::from("c1"), None);
        ctx.reply(caller(), Body::Ping);
        ctx.reply_text(caller(), "read_ok", "value", "[1]");
        let sent = r#"{"src":"n1","dest":"n2","body":{"type":"ping"}}"#;
        assert_eq!(lines(&ctx), format!("{sent}\n"));
    }

    #[test]
    fn an_answer_of_one_field_has_its_text() {
        let mut ctx = context();
        let caller = Caller::new(NodeId::from("c1"), Some(4));
        ctx.reply_text(caller, "read_ok", "value", "[1, 2]");
        let body = r#"{"type":"read_ok","in_reply_to":4,"value":[1, 2]}"#;
        let line = format!("{{\"src\":\"n1\",\"dest\":\"c1\",\"body\":{body}}}\n");
        assert_eq!(lines(&ctx), line);
    }

    #[test]
    fn calls_of_a_later_incarnation_have_numbers_of_their_own() {
        let mut ctx = context();
        for (last, number) in [(0, 1), (7, 8), (3, 9)] {
            ctx.number_calls_after(last);
            ctx.outbox.clear();
            ctx.call(crate::LIN_KV.read::<u64>("k"), |_| "answered");
            assert!(lines(&ctx).contains(&format!("{{\"msg_id\":{number},")));
        }
    }
}
