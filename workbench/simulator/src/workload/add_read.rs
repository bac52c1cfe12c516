//! The client of sets and counters: it adds something or reads everything.

use super::{Completion, Invocation, Session, Step};
use crate::rpc::{Answer, ClientRequest, Rpc};

/// A client with the requests `add` and `read`, and without state.
pub(super) struct Client {
    /// The request that adds something.
    pub(super) add: &'static Rpc,
    /// The name of its argument.
    pub(super) argument: &'static str,
    /// The request that reads everything; its answer has a field `value`.
    pub(super) read: &'static Rpc,
}

impl Session for Client {
    fn begin(&mut self, invocation: &Invocation) -> Step {
        Step::Send(match invocation.f {
            "add" => ClientRequest::new(self.add, vec![(self.argument, invocation.value.clone())]),
            _ => ClientRequest::new(self.read, Vec::new()),
        })
    }

    fn on_reply(&mut self, invocation: &Invocation, answer: &Answer<'_>) -> Step {
        Step::Done(match invocation.f {
            "add" => Completion::done(),
            _ => Completion::ok(answer.value("value")),
        })
    }
}
