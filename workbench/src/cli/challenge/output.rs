//! What a challenge prints: its head, the requirements, and the command that repeats it.

use super::Attempt;
use crate::challenge::Trial;
use crate::cli::again::bench_challenge;
use crate::cli::{command_line, hosts, paint};
use checkers::Validity;
use pages::report::TestReport;
use pages::text::grouped;
use simulator::options::Options;

impl Attempt<'_> {
    /// Prints what was required and what was measured.
    pub(super) fn print_requirements(&self, report: &TestReport) {
        if self.reporter.is_quiet && report.has_passed() {
            let passed = paint::outcome(true, "passed");
            let name = report.name();
            self.reporter
                .print(format_args!("{name}: {passed} (seed {})", self.seed));
            return;
        }
        self.reporter.print_table(report.table());
        if self.interrupt.is_set() {
            let (name, run) = (report.name(), report.outcomes.len());
            let when = match report.is_interrupted() {
                true => "in",
                false => "after",
            };
            let of = self.arguments.runs;
            self.reporter.print(format_args!(
                "{name}: interrupted {when} run {run} of {of}; budgets are judged by whole runs only"
            ));
        }
        let is_missed = !report.has_passed() && !report.is_interrupted();
        if is_missed && report.worst() == Some(Validity::Valid) {
            let missed = paint::outcome(false, report.verdict());
            self.reporter
                .print(format_args!("{missed}; again: {}", report.command));
        }
    }

    /// Warns if the machine was too slow for the rate, as that improves all other figures.
    pub(super) fn warn_if_slow(&self, options: &Options, invoked: usize) {
        let expected = (options.rate * options.time_limit.as_secs_f64()).round();
        if (invoked as f64) < 0.9 * expected {
            let warning = paint::warning();
            let [invoked, expected] = [invoked as u64, expected as u64].map(grouped);
            self.reporter.print_unless_quiet(format_args!(
                "{warning} {invoked} of about {expected} operations began: the machine is too slow"
            ));
        }
    }

    /// The lines before a test's results.
    pub(super) fn head(&self, seed: u64, trial: &Trial) -> String {
        let stage = match (&self.arguments.maelstrom, self.arguments.simulate) {
            (Some(_), _) => "official Maelstrom".to_owned(),
            (None, true) => format!("simulated, seed {seed}"),
            (None, false) => format!("live, seed {seed}"),
        };
        let flags = trial.flags.join(" ");
        format!("{} · {stage}\n  {flags}", self.challenge.name)
    }

    /// The command that repeats this, from this seed on.
    pub(super) fn command(&self, seed: u64, runs: u32) -> String {
        let mut words = bench_challenge();
        words.push(self.challenge.name.into());
        let arguments = self.arguments;
        if arguments.simulate {
            words.push("--simulate".into());
        }
        if let Some(launcher) = &arguments.maelstrom {
            words.extend(["--maelstrom".into(), launcher.display().to_string()]);
        } else {
            words.extend(["--seed".into(), seed.to_string()]);
        }
        if runs > 1 {
            words.extend(["--runs".into(), runs.to_string()]);
        }
        if let Some(bin) = &arguments.bin {
            words.extend(["--bin".into(), bin.display().to_string()]);
        }
        words.extend(self.own.flags_of(&hosts::REPEATED));
        words.extend(arguments.simulation.words());
        if let Some(flags) = arguments.node_flags.given() {
            words.push(format!("--node-flags={}", command_line(flags)));
        }
        command_line(&words)
    }
}
