//! `jepsen.log` while a run is in progress.

use anyhow::anyhow;
use shared::NodeId;

use crate::child::LogProblem;
use crate::live::{Observer, log_time};
use crate::log::{Level, Log, LogFormat};
use crate::store::Folder;
use simulator::run::Run;

/// Logs a run's incidents and lines, and passes them on.
pub(super) struct Logger<'a> {
    /// The file.
    pub(super) log: Log,
    /// How many incidents have been logged.
    incidents: usize,
    next: &'a mut dyn Observer,
}

impl<'a> Logger<'a> {
    /// # Errors
    /// When the file cannot be created.
    pub(super) fn create(
        folder: &Folder,
        format: LogFormat,
        next: &'a mut dyn Observer,
    ) -> anyhow::Result<Self> {
        let path = folder.path().join("jepsen.log");
        Ok(Logger {
            log: Log::create(&path, format)?,
            incidents: 0,
            next,
        })
    }

    pub(super) fn write(&mut self, level: Level, message: &str) {
        self.log.write(&log_time(), level, message);
    }
}

impl Observer for Logger<'_> {
    fn on_progress(&mut self, run: &Run) {
        for incident in &run.incidents()[self.incidents..] {
            self.write(Level::Warn, &incident.to_string());
        }
        self.incidents = run.incidents().len();
        self.next.on_progress(run);
    }

    fn on_log(&mut self, node: &NodeId, problem: &LogProblem) {
        match problem {
            LogProblem::Failed(why) => {
                self.log
                    .fail(anyhow!("the log of {node} is incomplete: {why}"));
            }
            LogProblem::Slow(took) => self.log.waited(*took),
            LogProblem::TooLong => {}
        }
    }

    fn on_line(&mut self, line: &str) {
        self.write(Level::Info, line);
        self.next.on_line(line);
    }
}
