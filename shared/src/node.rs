//! What a node is: a state machine that is told of requests and of its own events, and whose only
//! way to act is its context.

use std::fmt::Debug;

use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::id::NodeId;

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

/// Who asked, and under which number. It can be answered once only, since answering consumes it.
#[derive(Debug)]
pub struct Caller {
    src: NodeId,
    msg_id: Option<u64>,
}

impl Caller {
    /// Whoever sent the message numbered `msg_id`. Without a number no answer is wanted, and an
    /// answer given nevertheless goes nowhere.
    pub fn new(src: NodeId, msg_id: Option<u64>) -> Self {
        Caller { src, msg_id }
    }

    /// The one who asked.
    pub fn node(&self) -> &NodeId {
        &self.src
    }

    /// Where to send the answer and which number it answers.
    pub(crate) fn into_parts(self) -> (NodeId, Option<u64>) {
        (self.src, self.msg_id)
    }
}
