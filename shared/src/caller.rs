//! Callers: where answers go.

use crate::id::NodeId;

/// The sender of a request, and the request's number. It can be answered once only, since answering
/// consumes it.
#[derive(Debug)]
pub struct Caller {
    src: NodeId,
    msg_id: Option<u64>,
}

impl Caller {
    /// The sender of the message numbered `msg_id`. Without a number no answer is wanted, and an
    /// answer given nevertheless is dropped.
    pub fn new(src: NodeId, msg_id: Option<u64>) -> Self {
        Caller { src, msg_id }
    }

    /// The sender.
    pub fn node(&self) -> &NodeId {
        &self.src
    }

    /// Where to send the answer and which number it answers.
    pub(crate) fn into_parts(self) -> (NodeId, Option<u64>) {
        (self.src, self.msg_id)
    }
}
