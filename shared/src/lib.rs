//! Nodes for the [Maelstrom protocol] as pure state machines, clients of its key-value services,
//! and the runtime that connects a node to stdin and stdout.
//!
//! A [`Node`] receives requests, and events of its own type: timers, and the results of its calls.
//! It acts only through a [`Context`]. It has no clock, no threads and no I/O, so the same code
//! runs in a process of its own, by [`run`], or with many other nodes on a virtual clock, each in
//! an [`Engine`], as the package `simulator` does in tests. This is a whole node, the solution of
//! the first challenge of Gossip Glomers:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use serde_json::value::RawValue;
//! use shared::{Caller, Context, Engine, Node, Outbox};
//! use std::time::Duration;
//!
//! #[derive(Debug)]
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
//! /// This node has no timers and no calls.
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
//! // A program's `main` is `shared::run(|_cluster, _ctx| Echo)`. A test can use the engine
//! // instead, which receives messages and returns those that the node sends:
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
//! The package `replication` helps nodes to replicate state: links, a journal, a spanning tree.
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
pub use flags::{milliseconds, parse, read_flags, with_flags};
pub use id::{Cluster, NodeId};
pub use kv::{Kv, LIN_KV, LWW_KV, SEQ_KV};
pub use node::Node;
pub use rng::Rng;
pub use stdio::run;
