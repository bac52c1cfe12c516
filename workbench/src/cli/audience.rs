//! Who is told what came of a command: the person who typed it, a machine that reads stdout, a
//! JUnit file, and GitHub where the command runs there.

use std::env;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use super::{code, command_github, is_github, own_command, paint, print, refuse, say, warn};
use crate::report::{self, Account, Tested};

/// How much is said, and to whom besides.
#[derive(Args)]
pub(super) struct Output {
    /// Says the verdict and what failed, and nothing else.
    #[arg(short, long)]
    quiet: bool,

    /// Writes the outcome to a file as JUnit XML, for CI servers.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Those who are told.
pub(super) struct Audience {
    /// The command that they are told of, such as `workbench check`.
    title: String,
    /// The person wants the verdict and what failed, and nothing else.
    pub(super) is_quiet: bool,
    /// Stdout is a machine's, and people read stderr.
    is_json: bool,
    junit: Option<(PathBuf, File)>,
    /// The file that GitHub shows as the summary of a step.
    step_summary: Option<OsString>,
    accounts: Vec<Account>,
    tests: Vec<Value>,
}

impl Audience {
    /// # Errors
    /// When the JUnit file cannot be written: better now than after a long run.
    pub(super) fn begin(command: &str, output: &Output, is_json: bool) -> anyhow::Result<Self> {
        let junit = output.junit.clone().map(|path| {
            let file = File::create(&path);
            let file = file.with_context(|| format!("cannot write {}", path.display()))?;
            anyhow::Ok((path, file))
        });
        Ok(Audience {
            title: format!("workbench {command}"),
            is_quiet: output.quiet,
            is_json,
            junit: junit.transpose()?,
            step_summary: env::var_os("GITHUB_STEP_SUMMARY").filter(|it| !it.is_empty()),
            accounts: Vec::new(),
            tests: Vec::new(),
        })
    }

    /// Tells the person what must be heard: verdicts and failures.
    pub(super) fn say(&self, text: impl Display) {
        if self.is_json {
            warn(text);
        } else {
            say(text);
        }
    }

    /// Tells the person what is good to know, unless quiet is wanted.
    pub(super) fn remark(&self, text: impl Display) {
        if !self.is_quiet {
            self.say(text);
        }
    }

    /// Where a program that is started may talk to the person.
    pub(super) fn ear(&self) -> Stdio {
        match (self.is_quiet, self.is_json) {
            (true, _) => Stdio::null(),
            (false, true) => Stdio::from(std::io::stderr()),
            (false, false) => Stdio::inherit(),
        }
    }

    /// Tells everybody of a test.
    pub(super) fn hear_test(&mut self, tested: &Tested) {
        self.tests.push(tested.to_json());
        self.hear(tested.account());
    }

    /// Tells all who were not there.
    pub(super) fn hear(&mut self, account: Account) {
        if is_github() {
            let lines = report::annotations(&account);
            lines.iter().for_each(|line| command_github(line));
        }
        self.accounts.push(account);
    }

    /// As [`finish`](Self::finish), with one JSON document of all tests if that is wanted.
    pub(super) fn finish_tests(self, done: anyhow::Result<u8>) -> anyhow::Result<u8> {
        if self.is_json {
            let error = done.as_ref().err().map(|error| format!("{error:#}"));
            let document = json!({
                "exit-status": done.as_ref().map_or(code::CRASH, |status| *status),
                "error": error,
                "tests": self.tests,
            });
            print(format_args!("{document:#}\n"));
        }
        self.finish(done)
    }

    /// Writes the files. What was done stays what it was, with its exit status; but a JUnit file
    /// that was asked for and cannot be written is an error.
    pub(super) fn finish(mut self, done: anyhow::Result<u8>) -> anyhow::Result<u8> {
        if let Err(error) = &done {
            let error = format!("{error:#}");
            self.hear(Account::broken(&self.title, own_command(None), &error));
        }
        self.append_step_summary();
        match (self.write_junit(), done) {
            (Err(unwritten), Err(error)) => {
                refuse(format_args!("{unwritten:#}"));
                Err(error)
            }
            (written, done) => written.and(done),
        }
    }

    fn write_junit(&mut self) -> anyhow::Result<()> {
        let Some((path, file)) = &mut self.junit else {
            return Ok(());
        };
        let text = report::junit(&self.title, &self.accounts)?;
        let written = file.write_all(text.as_bytes());
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// A summary that cannot be written changes nothing about what it would have told.
    fn append_step_summary(&self) {
        let Some(path) = self
            .step_summary
            .as_ref()
            .filter(|_| !self.accounts.is_empty())
        else {
            return;
        };
        let text = report::markdown(&self.title, &self.accounts);
        let opened = OpenOptions::new().append(true).create(true).open(path);
        if let Err(error) = opened.and_then(|mut file| file.write_all(text.as_bytes())) {
            let (warning, path) = (paint::warning(), path.to_string_lossy());
            warn(format_args!(
                "{warning} cannot write the step's summary to {path}: {error}"
            ));
        }
    }
}
