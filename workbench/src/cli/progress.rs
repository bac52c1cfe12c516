//! The progress of a running command on one line, shown on terminals only: of a run its phase, time,
//! operations and messages, of a campaign its seeds. A line that does not fit has fewer words.

use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::warn;
use super::wrap::wrap;
use crate::live::Observer;
use pages::report;
use pages::text::{counted, grouped};
#[cfg(feature = "simulate")]
use pages::text::{duration, rounded};
use simulator::run::{Progress, Run, Stage};

/// Columns of the spinner and of the space behind it, and the last one, which stays empty: some
/// terminals begin a new line there.
const SPINNER: usize = 3;

/// A name, with its places in what is going on in parentheses: `echo (2/14, run 3/5)`.
pub(super) fn title(name: &str, places: &[String]) -> String {
    match places {
        [] => name.to_owned(),
        _ => format!("{name} ({})", places.join(", ")),
    }
}

/// A spinner with the run's counts, and its incidents above it as they happen.
pub(super) struct Line {
    bar: ProgressBar,
    name: String,
    pace: Pace,
    printed_incidents: usize,
}

/// Messages per second of the run, over its last second.
#[derive(Default)]
struct Pace {
    since: Duration,
    messages: u64,
    per_second: Option<u64>,
}

impl Pace {
    fn observe(&mut self, now: Duration, messages: u64) -> Option<u64> {
        let time = now.saturating_sub(self.since);
        if time >= Duration::from_secs(1) {
            let sent = messages.saturating_sub(self.messages);
            self.per_second = Some((sent as f64 / time.as_secs_f64()).round() as u64);
            (self.since, self.messages) = (now, messages);
        }
        self.per_second
    }
}

impl Line {
    /// Starts a line with this name, unless it `is_hidden`.
    pub(super) fn new(name: &str, is_hidden: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, target(is_hidden));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Line {
            bar,
            name: name.to_owned(),
            pace: Pace::default(),
            printed_incidents: 0,
        }
    }

    /// Shows what is being done now.
    pub(super) fn show(&self, what: impl AsRef<str>) {
        self.bar
            .set_message(format!("{}  {}", self.name, what.as_ref()));
    }

    /// Removes the line.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Line {
    fn on_progress(&mut self, run: &Run) {
        let progress = run.progress();
        let pace = self.pace.observe(progress.elapsed, progress.messages);
        if self.bar.is_hidden() {
            return;
        }
        let shown = shown(&progress, pace);
        let width = columns().saturating_sub(SPINNER);
        self.bar.set_message(fitting(
            &shown.map(|it| format!("{}  {it}", self.name)),
            width,
        ));
        // The summary at the end repeats them.
        for incident in &run.incidents()[self.printed_incidents..] {
            let incident = report::cut(&incident.to_string());
            self.bar.println(wrap(&incident, width));
        }
        self.printed_incidents = run.incidents().len();
    }

    fn on_line(&mut self, line: &str) {
        self.bar.suspend(|| warn(format_args!("{line}")));
    }

    fn on_repeat(&mut self, number: u32, of: u32) {
        self.show(format!("repetition {number} of {of}"));
    }

    fn on_check(&mut self, operations: usize) {
        let operations = counted(operations as u64, "operation");
        self.show(format!("checking {operations}"));
    }
}

/// What a run is doing, in fewer and fewer words.
fn shown(progress: &Progress, messages_per_second: Option<u64>) -> [String; 5] {
    let Progress {
        stage,
        elapsed,
        planned,
        invoked,
        failed,
        info,
        ..
    } = *progress;
    let (phase, short) = match stage {
        Stage::Starting => return [const { "starting nodes" }; 5].map(str::to_owned),
        Stage::Load => ("load", "load"),
        Stage::Draining => ("waiting for the last replies", "last replies"),
        Stage::Recovery => ("recovery (nodes converge)", "recovery"),
        Stage::Final => ("final operations", "final"),
        Stage::Over => ("over", "over"),
    };
    let [elapsed, planned] = [elapsed.min(planned), planned].map(|it| it.as_secs());
    let time = format!("{elapsed} of {planned} s");
    let [ops, failed] = [invoked, failed].map(grouped);
    let failed = match info {
        0 => format!("{failed} failed"),
        _ => format!("{failed} failed, {} indeterminate", grouped(info)),
    };
    let operations = counted(invoked, "operation");
    let pace = |unit| {
        let pace = messages_per_second.map(|it| format!("  {} {unit}", grouped(it)));
        pace.unwrap_or_default()
    };
    let (long, brief) = (pace("messages/s"), pace("msg/s"));
    [
        format!("{phase} {time}  {operations}, {failed}{long}"),
        format!("{short} {time}  {operations}, {failed}{long}"),
        format!("{short} {time}  {ops} ops, {failed}{brief}"),
        format!("{short} {time}  {ops} ops, {failed}"),
        format!("{short} {time}  {ops} ops"),
    ]
}

/// The first of these texts that fits into so many columns, or else the beginning of the last.
fn fitting(texts: &[String], width: usize) -> String {
    let fits = |text: &&String| text.chars().count() <= width;
    let text = texts.iter().find(fits).or(texts.last());
    text.map_or_else(String::new, |it| it.chars().take(width).collect())
}

/// The progress of many runs.
#[cfg(feature = "simulate")]
pub(super) struct Campaign {
    bar: ProgressBar,
    name: String,
    /// What is counted.
    unit: &'static str,
}

#[cfg(feature = "simulate")]
impl Campaign {
    /// Starts a line for so many runs, unless it `is_hidden`.
    pub(super) fn new(name: &str, unit: &'static str, count: u64, is_hidden: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(count), target(is_hidden));
        if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
            bar.set_style(style);
        }
        let campaign = Campaign {
            bar,
            name: name.to_owned(),
            unit,
        };
        campaign.show(0);
        campaign.bar.tick();
        campaign
    }

    /// One more run is over; so many have failed, of which this may be one.
    pub(super) fn on_run(&self, failed: u64) {
        self.bar.inc(1);
        self.show(failed);
    }

    /// Prints a line above.
    pub(super) fn print(&self, line: &str) {
        self.bar.println(line);
    }

    /// Removes the line.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn show(&self, failed: u64) {
        let Campaign { bar, name, unit } = self;
        if bar.is_hidden() {
            return;
        }
        let (done, all) = (bar.position(), bar.length().unwrap_or_default());
        let mut fields = vec![
            name.clone(),
            format!("{} of {}", grouped(done), counted(all, unit)),
            format!("{} failed", grouped(failed)),
        ];
        if done > 0 {
            fields.push(format!("{}/s", rounded(bar.per_sec())));
            fields.push(format!("{} left", duration(bar.eta())));
        }
        let width = columns().saturating_sub(1);
        bar.set_message(campaign_line(
            fields,
            done as f64 / all.max(1) as f64,
            width,
        ));
    }
}

/// The fields that fit, and between the first two a bar, if there is room for it.
#[cfg(feature = "simulate")]
fn campaign_line(mut fields: Vec<String>, done: f64, width: usize) -> String {
    const GAP: &str = "  ";
    const SHORTEST: usize = 5;
    while fields.len() > 2 && fields.join(GAP).chars().count() > width {
        fields.pop();
    }
    let used = fields.join(GAP).chars().count() + GAP.len();
    if let Some(cells) = width.checked_sub(used).filter(|it| *it >= SHORTEST) {
        let full = ((done * cells as f64) as usize).min(cells);
        fields.insert(1, ["█".repeat(full), "░".repeat(cells - full)].concat());
    }
    fitting(&[fields.join(GAP)], width)
}

/// The columns of the terminal on which the line is drawn.
fn columns() -> usize {
    usize::from(Term::stderr().size().1)
}

fn target(is_hidden: bool) -> ProgressDrawTarget {
    if is_hidden {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr_with_hz(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A long run with every count, in its recovery.
    fn long() -> Progress {
        Progress {
            stage: Stage::Recovery,
            elapsed: Duration::from_millis(25_900),
            planned: Duration::from_secs(30),
            invoked: 20_012,
            ok: 19_800,
            failed: 112,
            info: 0,
            messages: 543_210,
        }
    }

    fn line(name: &str, width: usize) -> String {
        let texts = shown(&long(), Some(14_321)).map(|it| format!("{name}  {it}"));
        fitting(&texts, width)
    }

    #[test]
    fn a_line_of_80_columns_has_the_phase_the_times_and_all_counts() {
        for name in [
            "echo",
            "broadcast-3d",
            "txn-rw-register",
            "kafka-5c (11/14)",
        ] {
            let line = line(name, 80 - SPINNER);
            for part in [
                "recovery",
                "25 of 30 s",
                "20,012 op",
                "112 failed",
                "14,321 m",
            ] {
                assert!(line.contains(part), "no {part:?} in {line:?}");
            }
        }
    }

    #[test]
    fn a_line_is_never_wider_than_the_terminal_and_loses_its_last_counts_first() {
        for width in 0..150 {
            let line = line("broadcast-3d (12/14, run 10/100)", width);
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        assert_eq!(line("echo", 26), "echo  recovery 25 of 30 s ");
        let wide = "echo  recovery (nodes converge) 25 of 30 s  20,012 operations, 112 failed  \
                    14,321 messages/s";
        assert_eq!(line("echo", 120), wide);
    }

    #[test]
    fn the_pace_is_that_of_the_last_second() {
        let mut pace = Pace::default();
        let at = Duration::from_millis;
        assert_eq!(pace.observe(at(900), 50), None);
        assert_eq!(pace.observe(at(1_000), 100), Some(100));
        assert_eq!(pace.observe(at(1_500), 200), Some(100));
        assert_eq!(pace.observe(at(3_000), 500), Some(200));
    }

    #[cfg(feature = "simulate")]
    #[test]
    fn a_campaign_has_a_bar_where_there_is_room() {
        let fields = || {
            let fields = ["echo", "25 of 100 runs", "3 failed", "4.5/s", "17 s left"];
            fields.map(str::to_owned).to_vec()
        };
        let line = campaign_line(fields(), 0.25, 60);
        assert_eq!(
            line,
            "echo  ██░░░░░░░░  25 of 100 runs  3 failed  4.5/s  17 s left"
        );
        for width in 0..100 {
            let line = campaign_line(fields(), 0.25, width);
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        assert_eq!(
            campaign_line(fields(), 0.25, 33),
            "echo  25 of 100 runs  3 failed"
        );
    }
}
