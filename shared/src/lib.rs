//! What every solution stands on: the [Maelstrom protocol], nodes as pure state machines, clients of
//! the key-value services, and the runtime that connects a node to stdin and stdout.
//!
//! A [`Node`] receives requests and its own events, timers and answers, and acts through a
//! [`Context`] alone. It knows no clock, no thread and no pipe, so the same code runs as a process of
//! its own, by [`run`], or many at once on a virtual clock, each in an [`Engine`]. This is a whole
//! node, the answer to the first challenge:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use serde_json::value::RawValue;
//! use shared::{Caller, Context, Engine, Node, Outbox};
//! use std::time::Duration;
//!
//! struct Echo;
//!
//! #[derive(Deserialize)]
//! #[serde(rename_all = "snake_case")]
//! enum Request {
//!     Echo { echo: Box<RawValue> },
//! }
//!
//! #[derive(Serialize)]
//! #[serde(rename_all = "snake_case")]
//! enum Response {
//!     EchoOk { echo: Box<RawValue> },
//! }
//!
//! /// It has no timers and calls nobody.
//! #[derive(Debug)]
//! enum Event {}
//!
//! impl Node for Echo {
//!     type Request = Request;
//!     type Event = Event;
//!
//!     fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
//!         match request {
//!             Request::Echo { echo } => ctx.reply(caller, Response::EchoOk { echo }),
//!         }
//!     }
//!
//!     fn on_event(&mut self, event: Event, _: &mut Context<Event>) {
//!         match event {}
//!     }
//! }
//!
//! // `shared::run(|_cluster, _ctx| Echo)` would serve stdin and stdout. By hand it goes like this:
//! let mut engine = Engine::new(1, |_cluster, _ctx| Echo);
//! let now = Duration::ZERO;
//! let init = r#"{"type": "init", "msg_id": 1, "node_id": "n0", "node_ids": ["n0"]}"#;
//! engine.receive(now, &format!(r#"{{"src": "c0", "dest": "n0", "body": {init}}}"#));
//! let hello = r#"{"type": "echo", "msg_id": 2, "echo": "hello"}"#;
//! engine.receive(now, &format!(r#"{{"src": "c1", "dest": "n0", "body": {hello}}}"#));
//!
//! let mut outbox = Outbox::default();
//! engine.drain(&mut outbox);
//! assert_eq!(String::from_utf8(outbox.lines).unwrap(), concat!(
//!     r#"{"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}"#, "\n",
//!     r#"{"src":"n0","dest":"c1","body":{"type":"echo_ok","in_reply_to":2,"echo":"hello"}}"#, "\n",
//! ));
//! ```
//!
//! Nodes that replicate stand on the package `replication`, too.
//!
//! [Maelstrom protocol]: https://github.com/jepsen-io/maelstrom/blob/main/doc/protocol.md

mod call;
mod caller;
mod context;
mod engine;
mod error;
mod flags;
mod id;
mod kv;
pub mod message;
mod node;
mod rng;
mod stdio;

pub use call::Call;
pub use caller::Caller;
pub use context::{Context, Outbox};
pub use engine::Engine;
pub use error::{ErrorCode, Failure, RpcError};
pub use flags::{milliseconds, read_flags, with_flags};
pub use id::{Cluster, NodeId};
pub use kv::{Kv, LIN_KV, LWW_KV, SEQ_KV};
pub use node::Node;
pub use rng::Rng;
pub use stdio::run;
