//! The one line that moves while a test runs; on something that is no terminal there is none.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::warn;
use crate::live::Watcher;
use crate::run::{Progress, Run};

/// A spinner with the numbers of the run, and incidents above it as they happen.
pub(super) struct Line {
    bar: ProgressBar,
    told: usize,
}

impl Line {
    /// A line about the test of this name.
    pub(super) fn new(name: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}  {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Line { bar, told: 0 }
    }

    /// Takes the line away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watcher for Line {
    fn look(&mut self, run: &Run) {
        let Progress {
            elapsed,
            invoked,
            ok,
            failed,
            info,
            messages,
        } = run.progress();
        let elapsed = elapsed.as_secs_f64();
        self.bar.set_message(format!(
            "{elapsed:.1} s  {invoked} operations ({ok} ok, {failed} failed, {info} unknown)  \
             {messages} messages"
        ));
        // The summary at the end tells them all again; who waits wants to know at once.
        if !self.bar.is_hidden() {
            for incident in &run.incidents()[self.told..] {
                self.bar.println(incident.to_string());
            }
        }
        self.told = run.incidents().len();
    }

    fn say(&mut self, line: &str) {
        self.bar.suspend(|| warn(format_args!("{line}")));
    }
}
