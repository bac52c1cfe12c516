//! Calls: requests to other nodes and to services that expect an answer.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Failure;
use crate::id::NodeId;
use crate::message::{Body, BodyError, Ids, write_body};

/// An answer before it is deserialized, or why there is none.
pub(crate) type RawAnswer<'a> = Result<&'a Body<'a>, Failure>;

/// Turns the raw answer into the call's result.
type Reader<T> = Box<dyn FnOnce(RawAnswer<'_>) -> Result<T, Failure> + Send>;

/// The timeout of a call that sets none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

/// A request that is not sent yet: its destination, its body, its timeout, and how to read the
/// answer. [`Context::call`](crate::Context::call) sends it.
#[must_use = "a call is only sent when it is given to a context"]
pub struct Call<T> {
    pub(crate) dest: NodeId,
    /// The body without `msg_id`, as JSON text: `{"type":"read",…}`.
    pub(crate) body: Vec<u8>,
    pub(crate) timeout: Duration,
    pub(crate) read: Reader<T>,
}

impl<T: 'static> Call<T> {
    /// A call of `dest` with `request`. `read` turns the answer, which is one of the variants of
    /// `A`, or the failure into the call's result.
    pub fn new<A, F>(dest: impl Into<NodeId>, request: impl Serialize, read: F) -> Self
    where
        A: DeserializeOwned,
        F: FnOnce(Result<A, Failure>) -> Result<T, Failure> + Send + 'static,
    {
        let mut body = Vec::new();
        write_body(&mut body, Ids::default(), &request);
        Call {
            dest: dest.into(),
            body,
            timeout: DEFAULT_TIMEOUT,
            read: Box::new(move |answer| {
                read(answer.and_then(|body| {
                    body.read().map_err(|error| match error {
                        BodyError::UnknownType(kind) => {
                            Failure::Malformed(format!("an answer of type {kind:?}"))
                        }
                        BodyError::Malformed(error) => Failure::Malformed(error.to_string()),
                    })
                }))
            }),
        }
    }

    /// Sets how long the call waits for an answer before it fails with [`Failure::Timeout`]. The
    /// default is one second.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}
