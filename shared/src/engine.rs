//! The engine: connects a node to a runtime, which has the clock and transports the text.
//!
//! It owns the node's pending calls and timers, and answers `init` and invalid messages itself.
//! Every runtime drives it with the same four methods: `receive`, `wake`, `deadline`, `drain`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::context::{Context, Outbox};
use crate::error::{ErrorCode, Failure, RpcError};
use crate::id::{Cluster, NodeId};
use crate::message::{Body, BodyError, Message};
use crate::node::Node;

/// An invalid line that is longer is not searched for a sender to answer.
const MAX_SALVAGED_BYTES: usize = 64 * 1024;

/// Makes a node once its name and its cluster are known.
type Boot<N> = Box<dyn FnOnce(Cluster, &mut Context<<N as Node>::Event>) -> N + Send>;

/// One node with its pending calls, its timers and its outbox, without a clock or I/O.
pub struct Engine<N: Node> {
    state: NodeState<N>,
    ctx: Context<N::Event>,
}

enum NodeState<N: Node> {
    /// Before `init`, which takes the function out.
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
enum InitResponse {
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
    /// An engine whose node `boot` makes when `init` arrives. `seed` is that of the node's rng.
    pub fn new<F>(seed: u64, boot: F) -> Self
    where
        F: FnOnce(Cluster, &mut Context<N::Event>) -> N + Send + 'static,
    {
        Engine {
            state: NodeState::Waiting(Some(Box::new(boot))),
            ctx: Context::new(seed),
        }
    }

    /// Receives one line of input. Timers and timeouts due by `now` go first, so that much input
    /// cannot starve them.
    pub fn receive(&mut self, now: Duration, line: &str) {
        self.wake(now);
        match Message::parse(line) {
            Ok(message) => self.dispatch(&message.src, &message.body),
            Err(error) => self.reject_unreadable(line, &error),
        }
    }

    /// Delivers all timers and timeouts due by `now`. A spurious call is harmless.
    pub fn wake(&mut self, now: Duration) {
        self.ctx.now = self.ctx.now.max(now);
        // No more events than are pending now: a timer without a delay, set meanwhile, waits for
        // the next wake, or a node could keep the runtime here for ever.
        for _ in 0..self.ctx.pending.len() {
            let Some(event) = self.ctx.pending.next_due(now) else {
                break;
            };
            self.deliver_event(event);
        }
    }

    /// When to call [`wake`](Engine::wake) next; none if nothing is pending.
    pub fn deadline(&self) -> Option<Duration> {
        self.ctx.pending.deadline()
    }

    /// Replaces the content of `outbox` with the node's output since the last call.
    pub fn drain(&mut self, outbox: &mut Outbox) {
        outbox.clear();
        std::mem::swap(outbox, &mut self.ctx.outbox);
    }

    /// The size in bytes of the messages that are not drained yet.
    pub fn backlog(&self) -> usize {
        self.ctx.outbox.lines.len()
    }

    /// Logs input that could not be passed to [`receive`](Engine::receive), such as bytes that are
    /// not UTF-8.
    pub fn log_ignored(&mut self, input: impl std::fmt::Display) {
        self.ctx.log(format!("input ignored: {input}"));
    }

    /// The node; none before `init`.
    pub fn node(&self) -> Option<&N> {
        match &self.state {
            NodeState::Waiting(_) => None,
            NodeState::Running(node) => Some(node),
        }
    }

    fn dispatch(&mut self, src: &str, body: &Body<'_>) {
        if let Some(msg_id) = body.in_reply_to {
            return self.on_answer(msg_id, body);
        }
        let caller = Caller::new(NodeId::from(src), body.msg_id);
        if body.kind.is_empty() {
            return self.reject(caller, ErrorCode::MalformedRequest, "the body has no type");
        }
        if body.kind == "init" {
            return self.on_init(body, caller);
        }
        let NodeState::Running(node) = &mut self.state else {
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

    fn on_init(&mut self, body: &Body<'_>, caller: Caller) {
        let (me, nodes) = match body.read() {
            Ok(Init::Init { node_id, node_ids }) => (node_id, node_ids),
            Err(BodyError::Malformed(error)) => {
                let text = format!("bad \"init\" request: {error}");
                return self.reject(caller, ErrorCode::MalformedRequest, text);
            }
            Err(BodyError::UnknownType(_)) => unreachable!("\"init\" is the name of the variant"),
        };
        match &mut self.state {
            NodeState::Waiting(boot) => {
                let boot = boot.take().expect("a node is booted once");
                self.ctx.me = me.clone();
                // The answer goes before the messages that the node sends when it boots.
                self.ctx.reply(caller, InitResponse::InitOk);
                self.state = NodeState::Running(boot(Cluster::new(me, nodes), &mut self.ctx));
            }
            // The same `init` again, perhaps a duplicated message.
            NodeState::Running(_) if self.ctx.me == me => {
                self.ctx.reply(caller, InitResponse::InitOk);
            }
            NodeState::Running(_) => {
                let text = format!("this node is {} already", self.ctx.me);
                self.reject(caller, ErrorCode::PreconditionFailed, text);
            }
        }
    }

    fn on_answer(&mut self, msg_id: u64, body: &Body<'_>) {
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
        // No call is pending if the answer is late or duplicated.
        if let Some(event) = self.ctx.pending.complete_call(msg_id, answer) {
            self.deliver_event(event);
        }
    }

    fn deliver_event(&mut self, event: N::Event) {
        if let NodeState::Running(node) = &mut self.state {
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

    /// Answers a line that is not a message if it has at least a sender and a `msg_id`.
    fn reject_unreadable(&mut self, line: &str, error: &serde_json::Error) {
        // A JSON tree takes many times the memory of its text.
        let short = Some(line).filter(|line| line.len() <= MAX_SALVAGED_BYTES);
        let tree = short.and_then(|line| serde_json::from_str(line).ok());
        let tree: serde_json::Value = tree.unwrap_or_default();
        let msg_id = tree["body"]["msg_id"].as_u64();
        if let (Some(src), Some(_)) = (tree["src"].as_str(), msg_id) {
            let text = format!("not a message of the protocol: {error}");
            self.reject(
                Caller::new(src.into(), msg_id),
                ErrorCode::MalformedRequest,
                text,
            );
        } else {
            self.ctx
                .log(format!("input ignored, {error}: {}", excerpt(line)));
        }
    }
}

/// The first characters of a text that may be very long.
fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 120;
    match text.char_indices().nth(MAX_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}

#[cfg(test)]
mod tests;
