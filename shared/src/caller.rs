//! The sender of a request, to which the answer goes.

use crate::id::NodeId;

/// The sender of a request and the request's `msg_id`. Answering consumes it, so a request is
/// answered at most once.
#[derive(Debug)]
pub struct Caller {
    src: NodeId,
    msg_id: Option<u64>,
}

impl Caller {
    /// The sender `src` of the message `msg_id`. A message without a number expects no answer; an
    /// answer to it is dropped.
    pub fn new(src: NodeId, msg_id: Option<u64>) -> Self {
        Caller { src, msg_id }
    }

    /// The sender.
    pub fn node(&self) -> &NodeId {
        &self.src
    }

    /// The answer's destination and its `in_reply_to`.
    pub(crate) fn into_parts(self) -> (NodeId, Option<u64>) {
        (self.src, self.msg_id)
    }
}
