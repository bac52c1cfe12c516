//! The engine: between a runtime, which has a clock and carries text, and a node, which has
//! neither. It owns the calls and timers that are pending and answers whatever is not fit for a
//! node. Every runtime drives it with the same four calls: `receive`, `wake`, `deadline`, `drain`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::context::{Context, Outbox};
use crate::error::{ErrorCode, Failure, RpcError};
use crate::id::{Cluster, NodeId};
use crate::message::{Body, BodyError, Message};
use crate::node::Node;

/// Longer lines that are no messages are not searched for somebody to answer.
const LONGEST_SLIP: usize = 64 * 1024;

/// Makes a node once its name and its cluster are known.
type Boot<N> = Box<dyn FnOnce(Cluster, &mut Context<<N as Node>::Event>) -> N + Send>;

/// One node with everything around it but the world.
pub struct Engine<N: Node> {
    stage: Stage<N>,
    ctx: Context<N::Event>,
}

enum Stage<N: Node> {
    /// Before `init`. The function is taken out at that moment only.
    Waiting(Option<Boot<N>>),
    Running(N),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Init {
    Init {
        node_id: NodeId,
        node_ids: Vec<NodeId>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Initialised {
    InitOk,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ErrorAnswer {
    Error {
        code: u64,
        #[serde(default)]
        text: String,
    },
}

impl<N: Node> Engine<N> {
    /// An engine whose node is made by `boot` when `init` comes. The node's rng start at `seed`.
    pub fn new<F>(seed: u64, boot: F) -> Self
    where
        F: FnOnce(Cluster, &mut Context<N::Event>) -> N + Send + 'static,
    {
        Engine {
            stage: Stage::Waiting(Some(Box::new(boot))),
            ctx: Context::new(seed),
        }
    }

    /// Takes in one line of input. What is due by `now` happens first, so that a busy inbox cannot
    /// starve the timers.
    pub fn receive(&mut self, now: Duration, line: &str) {
        self.wake(now);
        match Message::parse(line) {
            Ok(message) => self.dispatch(&message.src, &message.body),
            Err(error) => self.refuse_unreadable(line, &error),
        }
    }

    /// Lets everything happen that is due by `now`. More often than needed does no harm.
    pub fn wake(&mut self, now: Duration) {
        self.ctx.now = self.ctx.now.max(now);
        // Only what is due already: a node that sets a timer of no delay is asked again at the
        // next wake, and cannot keep the runtime here for ever.
        let mut patience = self.ctx.waits.len();
        while patience > 0 {
            let Some(event) = self.ctx.waits.next_due(now) else {
                break;
            };
            self.happen(event);
            patience -= 1;
        }
    }

    /// When it wants to be woken next, if at all.
    pub fn deadline(&self) -> Option<Duration> {
        self.ctx.waits.deadline()
    }

    /// Hands over what was said since the last time; what `outbox` held is thrown away.
    pub fn drain(&mut self, outbox: &mut Outbox) {
        outbox.clear();
        std::mem::swap(outbox, &mut self.ctx.outbox);
    }

    /// How many bytes wait to be drained.
    pub fn backlog(&self) -> usize {
        self.ctx.outbox.lines.len()
    }

    /// Notes that a piece of input was not fit to be received at all.
    pub fn log_ignored(&mut self, input: impl std::fmt::Display) {
        self.ctx.log(format!("input ignored: {input}"));
    }

    /// The node, once there is one.
    pub fn node(&self) -> Option<&N> {
        match &self.stage {
            Stage::Waiting(_) => None,
            Stage::Running(node) => Some(node),
        }
    }

    fn dispatch(&mut self, src: &str, body: &Body<'_>) {
        if let Some(msg_id) = body.in_reply_to {
            return self.take_answer(msg_id, body);
        }
        let caller = Caller::new(NodeId::from(src), body.msg_id);
        if body.kind.is_empty() {
            return self.reject(caller, ErrorCode::MalformedRequest, "the body has no type");
        }
        if body.kind == "init" {
            return self.init(body, caller);
        }
        let Stage::Running(node) = &mut self.stage else {
            let text = "this node has not been initialised yet";
            return self.reject(caller, ErrorCode::TemporarilyUnavailable, text);
        };
        match body.read() {
            Ok(request) => node.on_request(request, caller, &mut self.ctx),
            Err(BodyError::UnknownType(kind)) => {
                let text = format!("this node knows no request of type {kind:?}");
                self.reject(caller, ErrorCode::NotSupported, text);
            }
            Err(BodyError::Malformed(error)) => {
                let text = format!("bad {:?} request: {error}", body.kind);
                self.reject(caller, ErrorCode::MalformedRequest, text);
            }
        }
    }

    fn init(&mut self, body: &Body<'_>, caller: Caller) {
        let (me, nodes) = match body.read() {
            Ok(Init::Init { node_id, node_ids }) => (node_id, node_ids),
            Err(BodyError::Malformed(error)) => {
                let text = format!("bad \"init\" request: {error}");
                return self.reject(caller, ErrorCode::MalformedRequest, text);
            }
            Err(BodyError::UnknownType(_)) => unreachable!("\"init\" is the name of the variant"),
        };
        match &mut self.stage {
            Stage::Waiting(boot) => {
                let boot = boot.take().expect("a node is booted once");
                self.ctx.me = me.clone();
                // The answer goes first, ahead of whatever the node has to say at once.
                self.ctx.reply(caller, Initialised::InitOk);
                self.stage = Stage::Running(boot(Cluster::new(me, nodes), &mut self.ctx));
            }
            // The same again, perhaps a repeated message: it is so already.
            Stage::Running(_) if self.ctx.me == me => {
                self.ctx.reply(caller, Initialised::InitOk);
            }
            Stage::Running(_) => {
                let text = format!("this node is {} already", self.ctx.me);
                self.reject(caller, ErrorCode::PreconditionFailed, text);
            }
        }
    }

    fn take_answer(&mut self, msg_id: u64, body: &Body<'_>) {
        let answer = if body.kind == "error" {
            Err(match body.read() {
                Ok(ErrorAnswer::Error { code, text }) => {
                    Failure::Error(RpcError::new(ErrorCode::from(code), text))
                }
                Err(error) => Failure::Malformed(format!("{error:?}")),
            })
        } else {
            Ok(body)
        };
        // An answer that nobody waits for any more came too late, or twice.
        if let Some(event) = self.ctx.waits.answer(msg_id, answer) {
            self.happen(event);
        }
    }

    fn happen(&mut self, event: N::Event) {
        if let Stage::Running(node) = &mut self.stage {
            node.on_event(event, &mut self.ctx);
        }
    }

    fn reject(&mut self, caller: Caller, code: ErrorCode, text: impl Into<String>) {
        let error = RpcError::new(code, text.into());
        self.ctx.log(format!(
            "request from {} refused: {}",
            caller.node(),
            error.text
        ));
        self.ctx.reject(caller, &error);
    }

    /// A line that is no message: if it holds at least a sender and a number, they get an answer.
    fn refuse_unreadable(&mut self, line: &str, error: &serde_json::Error) {
        // A tree of a line takes many times its length, and what is that long was no slip.
        let short = Some(line).filter(|line| line.len() <= LONGEST_SLIP);
        let loose = short.and_then(|line| serde_json::from_str(line).ok());
        let loose: serde_json::Value = loose.unwrap_or_default();
        let msg_id = loose["body"]["msg_id"].as_u64();
        if let (Some(src), Some(_)) = (loose["src"].as_str(), msg_id) {
            let text = format!("not a message of the protocol: {error}");
            self.reject(
                Caller::new(src.into(), msg_id),
                ErrorCode::MalformedRequest,
                text,
            );
        } else {
            self.ctx
                .log(format!("input ignored, {error}: {}", abridged(line)));
        }
    }
}

/// The beginning of a text that may be very long.
fn abridged(text: &str) -> String {
    const SHOWN: usize = 120;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::kv::SEQ_KV;

    /// Reads a key of the sequential store for whoever asks, and counts its timers.
    struct Relay {
        ticks: u64,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Request {
        Fetch { key: String },
        Ticks,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Response {
        FetchOk { value: Option<u64> },
        TicksOk { ticks: u64 },
    }

    #[derive(Debug)]
    enum Event {
        Tick,
        Fetched(Caller, Result<Option<u64>, Failure>),
    }

    impl Node for Relay {
        type Request = Request;
        type Event = Event;

        fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
            match request {
                Request::Fetch { key } => {
                    ctx.call(SEQ_KV.read(key), |answer| Event::Fetched(caller, answer));
                }
                Request::Ticks => ctx.reply(caller, Response::TicksOk { ticks: self.ticks }),
            }
        }

        fn on_event(&mut self, event: Event, ctx: &mut Context<Event>) {
            match event {
                Event::Tick => {
                    self.ticks += 1;
                    ctx.after(Duration::from_millis(10), Event::Tick);
                }
                Event::Fetched(caller, Ok(value)) => {
                    ctx.reply(caller, Response::FetchOk { value });
                }
                Event::Fetched(caller, Err(failure)) => {
                    ctx.reject(
                        caller,
                        &RpcError::new(ErrorCode::Abort, failure.to_string()),
                    );
                }
            }
        }
    }

    const INIT: &str = r#"{"src":"c0","dest":"n0","body":{"type":"init","msg_id":1,
        "node_id":"n0","node_ids":["n0"]}}"#;

    fn relay() -> Engine<Relay> {
        Engine::new(1, |_, ctx| {
            ctx.after(Duration::from_millis(10), Event::Tick);
            Relay { ticks: 0 }
        })
    }

    fn running() -> Engine<Relay> {
        let mut engine = relay();
        engine.receive(Duration::ZERO, INIT);
        said(&mut engine);
        engine
    }

    fn said(engine: &mut Engine<Relay>) -> String {
        let mut outbox = Outbox::default();
        engine.drain(&mut outbox);
        String::from_utf8(outbox.lines).unwrap()
    }

    fn ask(engine: &mut Engine<Relay>, at_ms: u64, body: &str) -> String {
        let line = format!("{{\"src\":\"c1\",\"dest\":\"n0\",\"body\":{body}}}");
        engine.receive(Duration::from_millis(at_ms), &line);
        said(engine)
    }

    #[test]
    fn bad_requests_are_answered_with_the_codes_of_the_protocol() {
        let mut engine = relay();
        let early = ask(&mut engine, 0, r#"{"type":"ticks","msg_id":3}"#);
        assert!(early.contains(r#""in_reply_to":3,"code":11"#), "{early}");
        engine.receive(Duration::ZERO, INIT);
        assert!(said(&mut engine).contains(r#""type":"init_ok","in_reply_to":1"#));
        for (body, code) in [
            (r#"{"type":"dance","msg_id":4}"#, "\"code\":10"),
            (r#"{"type":"fetch","msg_id":4}"#, "\"code\":12"),
            (r#"{"type":"fetch","key":7,"msg_id":4}"#, "\"code\":12"),
            (r#"{"key":7,"msg_id":4}"#, "\"code\":12"),
            (r#"{"type":7,"msg_id":4}"#, "\"code\":12"),
            (r#"{"type":"init","msg_id":4}"#, "\"code\":12"),
            (
                r#"{"type":"init","msg_id":4,"node_id":"n9","node_ids":[]}"#,
                "\"code\":22",
            ),
        ] {
            let answer = ask(&mut engine, 0, body);
            assert!(
                answer.contains(code) && answer.contains("\"in_reply_to\":4"),
                "{answer}"
            );
        }
    }

    #[test]
    fn input_that_cannot_be_answered_is_logged_and_forgotten() {
        let mut engine = running();
        for line in [
            "",
            "{",
            "[]",
            "null",
            "{\"src\":1}",
            "\u{0}",
            r#"{"src":"a","dest":"b"}"#,
        ] {
            engine.receive(Duration::ZERO, line);
            let mut outbox = Outbox::default();
            engine.drain(&mut outbox);
            assert!(
                outbox.lines.is_empty() && outbox.log.len() == 1,
                "{line} {outbox:?}"
            );
        }
        assert!(ask(&mut engine, 0, r#"{"type":"ticks","msg_id":9}"#).contains("ticks_ok"));
    }

    #[test]
    fn a_message_without_a_number_gets_no_answer() {
        let mut engine = running();
        assert_eq!(ask(&mut engine, 0, r#"{"type":"ticks"}"#), "");
        assert_eq!(ask(&mut engine, 0, r#"{"type":"dance"}"#), "");
    }

    #[test]
    fn an_answer_finds_the_caller_that_waits_for_it_and_only_once() {
        let mut engine = running();
        let asked = ask(&mut engine, 1, r#"{"type":"fetch","key":"k","msg_id":5}"#);
        assert!(asked.contains(r#""dest":"seq-kv","body":{"msg_id":1,"type":"read","key":"k"}"#));
        let answer = r#"{"type":"read_ok","in_reply_to":1,"value":8}"#;
        let reply = ask(&mut engine, 2, answer);
        assert!(
            reply.contains(r#""type":"fetch_ok","in_reply_to":5,"value":8"#),
            "{reply}"
        );
        assert_eq!(ask(&mut engine, 2, answer), "");
    }

    #[test]
    fn a_missing_key_is_none_and_silence_a_timeout() {
        let mut engine = running();
        ask(&mut engine, 1, r#"{"type":"fetch","key":"k","msg_id":5}"#);
        let reply = ask(
            &mut engine,
            2,
            r#"{"type":"error","in_reply_to":1,"code":20}"#,
        );
        assert!(reply.contains(r#""value":null"#), "{reply}");
        ask(&mut engine, 3, r#"{"type":"fetch","key":"k","msg_id":6}"#);
        engine.wake(Duration::from_millis(1002));
        assert_eq!(said(&mut engine), "");
        engine.wake(Duration::from_millis(1003));
        let reply = said(&mut engine);
        assert!(reply.contains(r#""in_reply_to":6,"code":14,"text":"no answer in time""#));
    }

    #[test]
    fn timers_run_before_the_message_that_arrives_after_them() {
        let mut engine = running();
        assert_eq!(engine.deadline(), Some(Duration::from_millis(10)));
        let reply = ask(&mut engine, 11, r#"{"type":"ticks","msg_id":9}"#);
        assert!(reply.contains("\"ticks\":1"), "{reply}");
    }

    #[test]
    fn the_same_init_twice_is_confirmed_twice() {
        let mut engine = running();
        engine.receive(Duration::ZERO, INIT);
        assert!(said(&mut engine).contains("init_ok"));
    }
}
