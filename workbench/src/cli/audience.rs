//! Who is told what came of a command: the person who typed it, a machine that reads stdout, a
//! JUnit file, and GitHub where the command runs there.

use std::env;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

#[cfg(feature = "junit")]
use super::junit::junit;
use super::{
    command_github, failure, is_github, own_command, paint, print, refuse, replace, say, status_of,
    warn,
};
use pages::report::{self, Account, Tested};

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
    /// All tests for the machine's document; nothing if the command prints one of its own.
    tests: Option<Vec<Value>>,
}

impl Audience {
    /// # Errors
    /// When the JUnit file cannot be written: better now than after a long run.
    pub(super) fn begin(command: &str, output: &Output, is_json: bool) -> anyhow::Result<Self> {
        Self::new(command, output, is_json, None)
    }

    /// As [`begin`](Self::begin); machines are told of tests, in one document at the end.
    ///
    /// # Errors
    /// As there.
    pub(super) fn begin_tests(
        command: &str,
        output: &Output,
        is_json: bool,
    ) -> anyhow::Result<Self> {
        Self::new(command, output, is_json, Some(Vec::new()))
    }

    fn new(
        command: &str,
        output: &Output,
        is_json: bool,
        tests: Option<Vec<Value>>,
    ) -> anyhow::Result<Self> {
        let mut audience = Audience {
            title: format!("workbench {command}"),
            is_quiet: output.quiet,
            is_json,
            junit: None,
            step_summary: env::var_os("GITHUB_STEP_SUMMARY").filter(|it| !it.is_empty()),
            accounts: Vec::new(),
            tests,
        };
        let Some(path) = &output.junit else {
            return Ok(audience);
        };
        let opened = audience.open_junit(path);
        if let Err(error) = opened {
            let done = Err(error);
            let _ = audience.tell_machine(&done);
            return done.map(|_: u8| audience);
        }
        Ok(audience)
    }

    /// Until the end the file says that this has not come: whoever interrupts the command leaves
    /// no time to write anything.
    fn open_junit(&mut self, path: &Path) -> anyhow::Result<()> {
        let file = File::create(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        let lasts = file.metadata().is_ok_and(|it| it.is_file());
        self.junit = Some((path.to_owned(), file));
        if !lasts {
            return Ok(());
        }
        let why = "the command was interrupted before its end";
        self.write_junit(&[Account::broken(&self.title, own_command(None), why)])
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
        if let Some(tests) = &mut self.tests {
            tests.push(tested.to_json());
        }
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

    /// Prints the document of all tests, or what came in place of a document.
    fn tell_machine(&self, done: &anyhow::Result<u8>) -> anyhow::Result<()> {
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
        print(format_args!("{document:#}\n"))
    }

    /// Writes the files. What was done stays what it was, with its exit status; but a JUnit file or
    /// a document that was asked for and cannot be written is an error.
    pub(super) fn finish(mut self, done: anyhow::Result<u8>) -> anyhow::Result<u8> {
        let printed = self.tell_machine(&done);
        let done = done.and_then(|status| printed.map(|()| status));
        if let Err(error) = &done {
            let error = format!("{error:#}");
            self.hear(Account::broken(&self.title, own_command(None), &error));
        }
        self.append_step_summary();
        let accounts = std::mem::take(&mut self.accounts);
        match (self.write_junit(&accounts), done) {
            (Err(unwritten), Err(error)) => {
                refuse(format_args!("{unwritten:#}"));
                Err(error)
            }
            (written, done) => written.and(done),
        }
    }

    fn write_junit(&mut self, accounts: &[Account]) -> anyhow::Result<()> {
        let Some((path, file)) = &mut self.junit else {
            return Ok(());
        };
        let text = junit(&self.title, accounts)?;
        let written = replace(file, &text);
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

/// What a build without JUnit says of it.
#[cfg(not(feature = "junit"))]
fn junit(_: &str, _: &[Account]) -> anyhow::Result<String> {
    Err(super::misuse(
        "this build writes no JUnit files: use cargo workbench challenge, which does",
    ))
}
