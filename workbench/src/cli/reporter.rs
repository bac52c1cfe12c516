//! Reports what became of a command: to the user, to a program that reads stdout, in a JUnit file,
//! and to GitHub where the command runs there.

use std::env;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::Args;
use comfy_table::Table;
use console::Term;
use serde_json::{Value, json};

use super::again::OwnCommand;
#[cfg(feature = "junit")]
use super::junit::junit;
use super::{
    code, columns, failure, is_github, paint, print_error, print_github_command, print_line,
    status_of, stdout_columns, warn, write_stdout,
};
#[cfg(feature = "simulate")]
use super::{print_command, warn_command};
use crate::files::OutputFile;
use pages::outcome::{Outcome, SHOWN};
use pages::report::{self, Report, TestReport};

/// How much is printed, and into which file.
#[derive(Args)]
pub(super) struct Output {
    /// Prints the verdict and what failed, and nothing else.
    #[arg(short, long)]
    quiet: bool,

    /// Shows all findings and other problems of a run, not just the first few of each kind.
    #[arg(long)]
    all: bool,

    /// Writes the outcome to a file as JUnit XML, for CI servers.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Reports the progress and the outcome of a command.
pub(super) struct Reporter {
    /// The command that reports are about, such as `workbench check`.
    title: String,
    /// The command that does the same again.
    pub(super) command: String,
    /// Only the verdict and what failed are printed.
    pub(super) is_quiet: bool,
    /// How many problems of each kind are shown.
    pub(super) max_problems: usize,
    /// Stdout is for a program, and messages to the user go to stderr.
    is_json: bool,
    junit: Option<OutputFile>,
    /// The file that GitHub shows as the summary of a step.
    step_summary: Option<OsString>,
    reports: Vec<Report>,
    /// All tests, for the JSON document; `None` if the command prints a document of its own.
    tests: Option<Vec<Value>>,
}

impl Reporter {
    /// # Errors
    /// When the JUnit file cannot be written: better now than after a long run.
    pub(super) fn new(own: &OwnCommand, output: &Output, is_json: bool) -> anyhow::Result<Self> {
        Self::start(own, output, is_json, None)
    }

    /// As [`new`](Self::new), with all tests in one JSON document at the end.
    ///
    /// # Errors
    /// As there.
    pub(super) fn of_tests(
        own: &OwnCommand,
        output: &Output,
        is_json: bool,
    ) -> anyhow::Result<Self> {
        Self::start(own, output, is_json, Some(Vec::new()))
    }

    fn start(
        own: &OwnCommand,
        output: &Output,
        is_json: bool,
        tests: Option<Vec<Value>>,
    ) -> anyhow::Result<Self> {
        let mut reporter = Reporter {
            title: format!("workbench {}", own.name),
            command: own.repeat(None),
            is_quiet: output.quiet,
            max_problems: if output.all { usize::MAX } else { SHOWN },
            is_json,
            junit: None,
            step_summary: env::var_os("GITHUB_STEP_SUMMARY").filter(|it| !it.is_empty()),
            reports: Vec::new(),
            tests,
        };
        let Some(path) = &output.junit else {
            return Ok(reporter);
        };
        let opened = reporter.open_junit(path);
        if let Err(error) = opened {
            let done = Err(error);
            let _ = reporter.print_document(&done);
            return done.map(|_: u8| reporter);
        }
        Ok(reporter)
    }

    /// Creates the JUnit file. Until the end it says that the command was interrupted, since there
    /// is no time to write anything when that happens.
    fn open_junit(&mut self, path: &Path) -> anyhow::Result<()> {
        let file = OutputFile::open(path.to_owned())?;
        let is_regular = file.is_regular();
        self.junit = Some(file);
        if !is_regular {
            return Ok(());
        }
        let why = "the command was interrupted before its end";
        self.write_junit(&[self.aborted(why)])
    }

    /// The report on a command that was aborted.
    fn aborted(&self, why: &str) -> Report {
        Report::aborted(&self.title, self.command.clone(), why)
    }

    /// Prints a verdict or a failure for the user.
    pub(super) fn print(&self, text: impl Display) {
        if self.is_json {
            warn(text);
        } else {
            print_line(text);
        }
    }

    /// Prints a command that the user may copy.
    #[cfg(feature = "simulate")]
    pub(super) fn print_command(&self, command: &str) {
        if self.is_json {
            warn_command(command);
        } else {
            print_command(command);
        }
    }

    /// Prints a table for the user.
    pub(super) fn print_table(&self, table: Table) {
        let columns = match self.is_json {
            true => columns(&Term::stderr()),
            false => stdout_columns(),
        };
        self.print(paint::table(table, columns));
    }

    /// Prints a message for the user, unless `--quiet` was given.
    pub(super) fn print_unless_quiet(&self, text: impl Display) {
        if !self.is_quiet {
            self.print(text);
        }
    }

    /// The stdout of a program that is started on the user's behalf.
    pub(super) fn child_output(&self) -> Stdio {
        match (self.is_quiet, self.is_json) {
            (true, _) => Stdio::null(),
            (false, true) => Stdio::from(std::io::stderr()),
            (false, false) => Stdio::inherit(),
        }
    }

    /// Reports a test, except to the user.
    pub(super) fn report_test(&mut self, test: &TestReport) {
        if let Some(tests) = &mut self.tests {
            tests.push(test.to_json());
        }
        self.report(test.report());
    }

    /// Reports to all except the user.
    pub(super) fn report(&mut self, report: Report) {
        if is_github() {
            let lines = report::annotations(&report);
            lines.iter().for_each(|line| print_github_command(line));
        }
        self.reports.push(report);
    }

    /// Prints the JSON document of all tests, or that of the error that ended the command.
    fn print_document(&self, done: &anyhow::Result<u8>) -> anyhow::Result<()> {
        if !self.is_json {
            return Ok(());
        }
        let document = match (&self.tests, done) {
            (None, Ok(_)) => return Ok(()),
            (None, Err(error)) => failure(error),
            (Some(tests), done) => json!({
                "exit-status": done.as_ref().map_or_else(status_of, |status| *status),
                "error": done.as_ref().err().map(|error| format!("{error:#}")),
                "tests": tests,
            }),
        };
        write_stdout(format_args!("{document:#}\n"))
    }

    /// Writes the files. They do not change the outcome and its exit status, but a JUnit file or a
    /// document that was asked for and cannot be written is an error.
    pub(super) fn finish(mut self, done: anyhow::Result<u8>) -> anyhow::Result<u8> {
        let printed = self.print_document(&done);
        let done = done.and_then(|status| printed.map(|()| status));
        if let Err(error) = &done {
            let error = format!("{error:#}");
            self.report(self.aborted(&error));
        }
        self.append_step_summary();
        let reports = std::mem::take(&mut self.reports);
        match (self.write_junit(&reports), done) {
            (Err(unwritten), Err(error)) => {
                print_error(format_args!("{unwritten:#}"));
                Err(error)
            }
            (written, done) => written.and(done),
        }
    }

    fn write_junit(&mut self, reports: &[Report]) -> anyhow::Result<()> {
        match &mut self.junit {
            Some(file) => file.write(&junit(&self.title, reports)?),
            None => Ok(()),
        }
    }

    /// Appends to GitHub's summary. Failing to do so is a warning only.
    fn append_step_summary(&self) {
        let Some(path) = self
            .step_summary
            .as_ref()
            .filter(|_| !self.reports.is_empty())
        else {
            return;
        };
        let text = report::markdown(&self.title, &self.reports);
        let opened = OpenOptions::new().append(true).create(true).open(path);
        if let Err(error) = opened.and_then(|mut file| file.write_all(text.as_bytes())) {
            let (warning, path) = (paint::warning(), path.to_string_lossy());
            warn(format_args!(
                "{warning} cannot write the step's summary to {path}: {error}"
            ));
        }
    }

    /// Reports whether all runs of a seed had the same history; returns the exit status.
    pub(super) fn report_repeats(&self, runs: u32, outcome: &Outcome) -> u8 {
        if !outcome.caveats.is_empty() {
            return code::UNKNOWN;
        }
        self.print_unless_quiet(format_args!(
            "{runs} runs of this seed have equal histories"
        ));
        code::VALID
    }
}

/// Refuses `--junit` in a build without that feature.
#[cfg(not(feature = "junit"))]
fn junit(_: &str, _: &[Report]) -> anyhow::Result<String> {
    Err(super::misuse(
        "this build writes no JUnit files: use cargo workbench challenge, which does",
    ))
}
