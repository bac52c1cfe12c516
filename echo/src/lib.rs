//! # Challenge 1: echo
//!
//! ## The problem
//!
//! A client sends `{"type": "echo", "msg_id": 1, "echo": "Please echo 35"}` and wants to hear
//! `{"type": "echo_ok", "in_reply_to": 1, "echo": "Please echo 35"}`. Nothing can go wrong here, so
//! it is the place to see what a node looks like.
//!
//! ## The solution
//!
//! A node is a type that implements [`Node`]: an enum of what it may be asked, an enum of what it
//! tells itself, and two functions that are called when either happens. [`Echo`] has no state, so
//! it is an empty struct; it sets no timers, so its events are an enum without a single variant,
//! and the match on it has no arms: the compiler knows that it can never be called.
//!
//! The names of the variants are the `type`s of the messages. What is echoed is any JSON value. The
//! node has no use for its content, so it is not read at all: a [`RawValue`] is the text as it
//! came, checked to be JSON, and it leaves as it came, a number of forty digits included.
//!
//! ## Why it holds, and what it costs
//!
//! The [`Caller`] that comes with a request carries the number that the answer must name, and
//! answering uses it up: answering twice does not compile. Every request is answered by exactly one
//! message, and the node says nothing of its own accord.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::{Caller, Context, Node};

/// The node: it has nothing to remember.
#[derive(Debug)]
pub struct Echo;

/// What it may be asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Say this.
    Echo {
        /// Any JSON.
        echo: Box<RawValue>,
    },
}

/// What it answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    EchoOk { echo: Box<RawValue> },
}

/// What it tells itself: nothing.
#[derive(Debug)]
pub enum Event {}

impl Node for Echo {
    type Request = Request;
    type Event = Event;

    fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<Event>) {
        match request {
            Request::Echo { echo } => ctx.reply(caller, Response::EchoOk { echo }),
        }
    }

    fn on_event(&mut self, event: Event, _: &mut Context<Event>) {
        match event {}
    }
}
