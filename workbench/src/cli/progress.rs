//! The one line that moves while a test runs; on something that is no terminal there is none.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::warn;
use crate::live::Watcher;
use pages::report;
use simulator::run::{Progress, Run};

/// A spinner with the numbers of the run, and incidents above it as they happen.
pub(super) struct Line {
    bar: ProgressBar,
    told: usize,
}

impl Line {
    /// A line about something of this name; none if quiet is wanted.
    pub(super) fn new(name: &str, is_quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, target(is_quiet));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}  {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Line { bar, told: 0 }
    }

    /// What is being done now.
    pub(super) fn show(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
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
        self.show(format!(
            "{elapsed:.1} s  {invoked} operations ({ok} ok, {failed} failed, {info} unknown)  \
             {messages} messages"
        ));
        // The summary at the end tells them all again; who waits wants to know at once.
        if !self.bar.is_hidden() {
            for incident in &run.incidents()[self.told..] {
                self.bar.println(report::cut(&incident.to_string()));
            }
        }
        self.told = run.incidents().len();
    }

    fn say(&mut self, line: &str) {
        self.bar.suspend(|| warn(format_args!("{line}")));
    }

    fn check(&mut self, operations: usize) {
        self.show(format!("checking {operations} operations"));
    }
}

/// A bar for so many runs, with its time; none if quiet is wanted.
#[cfg(feature = "simulate")]
pub(super) fn bar(name: &str, count: u64, is_quiet: bool) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(count), target(is_quiet));
    let template = "{prefix} {wide_bar} {pos}/{len} runs  {per_sec}  {eta} left  {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_owned());
    bar.set_message("none failed");
    bar
}

fn target(is_quiet: bool) -> ProgressDrawTarget {
    if is_quiet {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr_with_hz(10)
    }
}
