//! Operations without their values.

use std::borrow::Cow;

use history::{Op, Process};

/// Which operation it is, without its value: a read may list a hundred thousand elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpRef {
    /// Its line's number in the history.
    pub index: usize,
    /// Nanoseconds since time zero.
    pub time: u64,
    /// The process that performed it.
    pub process: Process,
    /// Its name.
    pub f: Cow<'static, str>,
}

impl OpRef {
    /// The time in seconds, for a person.
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
