//! What sets and counters have in common: clients that add something, or read everything.

use super::{Completion, Invocation, Session, Step};
use crate::rpc::{Answer, ClientRequest, Rpc};

/// A client of a node that answers `add` and `read`; it remembers nothing.
pub(super) struct Client {
    /// How something is added.
    pub(super) add: &'static Rpc,
    /// The name of what is added.
    pub(super) argument: &'static str,
    /// The form of what is read, in a field `value`.
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
            _ => Completion::ok(answer.field("value")),
        })
    }
}
