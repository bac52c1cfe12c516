//! The trait `Node`: a state machine that receives requests and its own events, and acts only
//! through its context.

use std::fmt::Debug;

use serde::de::DeserializeOwned;

use crate::caller::Caller;
use crate::context::Context;

/// A node of the cluster, as pure logic: no clock, no threads, no I/O.
///
/// A boot function makes it when `init` has brought its name and its cluster, so there is no
/// half-initialised node. The crate's front page shows a whole one. `Debug` shows its state where a
/// simulation is stopped.
pub trait Node: Debug + Send + 'static {
    /// The requests that the node serves: an enum with one variant for each message `type` (in
    /// snake case, by `#[serde(rename_all = "snake_case")]`); its fields are those of the body.
    type Request: DeserializeOwned;
    /// The node's own events: its timers, and the results of its calls.
    type Event: Debug + Send + 'static;

    /// Handles a request. The caller can be answered now, later (an event may carry it), or never.
    fn on_request(
        &mut self,
        request: Self::Request,
        caller: Caller,
        ctx: &mut Context<Self::Event>,
    );

    /// Handles an event: a timer expired, or a call was answered, failed or timed out.
    fn on_event(&mut self, event: Self::Event, ctx: &mut Context<Self::Event>);
}
