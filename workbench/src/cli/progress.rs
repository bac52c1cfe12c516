//! The progress line of a running test, shown on terminals only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::warn;
use crate::live::Observer;
use pages::report;
use simulator::run::{Progress, Run};

/// A spinner with the run's counts, and its incidents above it as they happen.
pub(super) struct Line {
    bar: ProgressBar,
    printed_incidents: usize,
}

impl Line {
    /// Starts a line with this prefix, unless it `is_hidden`.
    pub(super) fn new(name: &str, is_hidden: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, target(is_hidden));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}  {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Line {
            bar,
            printed_incidents: 0,
        }
    }

    /// Shows what is being done now.
    pub(super) fn show(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
    }

    /// Removes the line.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Line {
    fn on_progress(&mut self, run: &Run) {
        let Progress {
            elapsed,
            invoked,
            ok,
            failed,
            info,
            messages,
        } = run.progress();
        let elapsed = elapsed.as_secs_f64();
        self.show(format!(
            "{elapsed:.1} s  {invoked} operations ({ok} ok, {failed} failed, {info} indeterminate)  \
             {messages} messages"
        ));
        // The summary at the end repeats them.
        if !self.bar.is_hidden() {
            for incident in &run.incidents()[self.printed_incidents..] {
                self.bar.println(report::cut(&incident.to_string()));
            }
        }
        self.printed_incidents = run.incidents().len();
    }

    fn on_line(&mut self, line: &str) {
        self.bar.suspend(|| warn(format_args!("{line}")));
    }

    fn on_repeat(&mut self, number: u32, of: u32) {
        self.show(format!("run {number} of {of}"));
    }

    fn on_check(&mut self, operations: usize) {
        self.show(format!("checking {operations} operations"));
    }
}

/// A progress bar for this many runs, unless it `is_hidden`.
#[cfg(feature = "simulate")]
pub(super) fn bar(name: &str, count: u64, is_hidden: bool) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(count), target(is_hidden));
    let template = "{prefix} {wide_bar} {pos}/{len} runs  {per_sec}  {eta} left  {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_owned());
    bar.set_message("none failed");
    bar
}

fn target(is_hidden: bool) -> ProgressDrawTarget {
    if is_hidden {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr_with_hz(10)
    }
}
