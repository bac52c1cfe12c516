//! # Challenge 1: echo
//!
//! ## The problem
//!
//! A client sends `{"type": "echo", "msg_id": 1, "echo": "Please echo 35"}` and expects
//! `{"type": "echo_ok", "in_reply_to": 1, "echo": "Please echo 35"}`. Nothing can go wrong here, so
//! this is the place to see what a node looks like.
//!
//! ## The solution
//!
//! A node is a type that implements [`Node`]: an enum of requests, an enum of its own events
//! (timers and answers), and one function for each of the two. [`Echo`] has no state, so it is an
//! empty struct; it sets no timers, so its events are an enum without variants, and the match on it
//! has no arms: the compiler knows that the function is never called.
//!
//! The names of the variants are the `type`s of the messages. Any JSON value can be echoed. The
//! node does not need its content, so it does not parse it: a [`RawValue`] is the text as it came,
//! checked to be JSON, and it leaves unchanged, even if it is a number of forty digits.
//!
//! ## Why it is correct, and what it costs
//!
//! The [`Caller`] that comes with a request carries the number that the answer must name, and
//! answering consumes it: answering twice does not compile. Every request is answered by exactly
//! one message, and the node sends no others.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::{Caller, Context, Node};

/// The node, which has no state.
#[derive(Debug)]
pub struct Echo;

/// Requests of clients.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Return this value.
    Echo {
        /// Any JSON value.
        echo: Box<RawValue>,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    EchoOk { echo: Box<RawValue> },
}

/// Timers and answers: there are none.
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
