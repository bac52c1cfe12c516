//! References to operations.

use std::borrow::Cow;

use history::{Op, Process};

/// An operation without its value, since a read may list a hundred thousand elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpRef {
    /// Its index in the history.
    pub index: usize,
    /// Nanoseconds since time zero.
    pub time: u64,
    /// The process that invoked it.
    pub process: Process,
    /// Its name.
    pub f: Cow<'static, str>,
}

impl OpRef {
    /// The time in seconds.
    pub fn seconds(&self) -> f64 {
        self.time as f64 / 1e9
    }
}

impl From<&Op> for OpRef {
    fn from(op: &Op) -> Self {
        OpRef {
            index: op.index,
            time: op.time,
            process: op.process,
            f: op.f.clone(),
        }
    }
}
