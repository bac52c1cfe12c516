//! What came of one run.

use std::path::{Path, PathBuf};

use checkers::Verdict;
use simulator::run::{Record, Settings};

/// What came of a test.
#[derive(Debug)]
pub struct Outcome {
    /// The run's input.
    pub settings: Settings,
    /// What is left of the run.
    pub record: Record,
    /// The judgement; there is none if the run broke off.
    pub verdict: Option<Verdict>,
    /// Where it is kept.
    pub folder: PathBuf,
}

impl Outcome {
    /// Where a run that is kept in this folder has the logs of its nodes.
    pub fn logs(folder: &Path) -> PathBuf {
        folder.join("node-logs")
    }
}
