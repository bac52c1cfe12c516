//! Questions to other nodes and to services.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Failure;
use crate::id::NodeId;
use crate::message::{Body, BodyError, Ids, write_body};

/// What came back, before it is read, or why there is none.
pub(crate) type RawAnswer<'a> = Result<&'a Body<'a>, Failure>;

/// Reads what came back as what the asker wants to know.
type Reader<T> = Box<dyn FnOnce(RawAnswer<'_>) -> Result<T, Failure> + Send>;

/// How long a call waits unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(1);

/// A question not yet asked: whom, what, how long to wait, and how to read the answer. A context's
/// [`call`](crate::Context::call) asks it.
#[must_use = "a call is only asked when it is given to a context"]
pub struct Call<T> {
    pub(crate) dest: NodeId,
    /// The body without numbers, as JSON text: `{"type":"read",…}`.
    pub(crate) body: Vec<u8>,
    pub(crate) patience: Duration,
    pub(crate) read: Reader<T>,
}

impl<T: 'static> Call<T> {
    /// Asks `dest` for `request`. `read` turns the answer, one of the variants of `A`, or its
    /// absence into what the asker wants to know.
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
            patience: PATIENCE,
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

    /// Waits this long for an answer before it fails with [`Failure::Timeout`]; one second
    /// otherwise.
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}
