//! What a node is: a state machine that is told of requests and of its own events, and whose only
//! way to act is its context.

use std::fmt::Debug;

use serde::de::DeserializeOwned;

use crate::caller::Caller;
use crate::context::Context;

/// A node of the cluster, as pure logic: no clock, no threads, no I/O.
///
/// It is made by a boot function once the node knows its name and its cluster, so there is no
/// half-initialised node. The crate's documentation shows a whole one.
pub trait Node: Send + 'static {
    /// What others may ask of it: an enum, each variant named after a message's `type` (in snake
    /// case, by `#[serde(rename_all = "snake_case")]`), its fields those of the body.
    type Request: DeserializeOwned;
    /// What it tells itself: its timers, and the answers to its own calls.
    type Event: Debug + Send + 'static;

    /// Somebody asks for something. The caller is answered now, later (it may travel inside an
    /// event), or never.
    fn on_request(
        &mut self,
        request: Self::Request,
        caller: Caller,
        ctx: &mut Context<Self::Event>,
    );

    /// A timer ran out, or a call was answered.
    fn on_event(&mut self, event: Self::Event, ctx: &mut Context<Self::Event>);
}
