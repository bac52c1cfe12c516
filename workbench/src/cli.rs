//! The command line: `workbench test` in place of `maelstrom test`, `workbench challenge` for the
//! fourteen challenges with their budgets, and more.

mod again;
mod challenge;
mod check;
#[cfg(feature = "shell")]
mod completions;
mod dashes;
mod doc;
mod exit_status;
mod former;
mod help;
mod hosts;
#[cfg(feature = "simulate")]
mod jobs;
#[cfg(feature = "junit")]
mod junit;
mod maelstrom;
#[cfg(feature = "shell")]
mod man;
#[cfg(feature = "simulate")]
mod merge;
mod new;
mod nodes;
mod paint;
mod parsed;
mod program;
mod progress;
mod reporter;
mod seeds;
#[cfg(feature = "serve")]
mod serve;
#[cfg(feature = "simulate")]
mod shard;
mod simulation;
#[cfg(feature = "simulate")]
mod storm;
#[cfg(feature = "simulate")]
mod sweep;
mod test;
mod wrap;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::builder::PossibleValuesParser;
use clap::{ColorChoice, Parser, Subcommand};
use console::Term;
use serde_json::{Value, json};

use exit_status::{
    EXIT_STATUS, EXIT_STATUS_OF_CHALLENGE, EXIT_STATUS_OF_CHECK, code, code_after, exit_code,
    outcome_code,
};
#[cfg(feature = "simulate")]
use exit_status::{EXIT_STATUS_OF_MERGE, EXIT_STATUS_OF_STORM, EXIT_STATUS_OF_SWEEP};
use parsed::Parsed;

pub use parsed::parse;

use crate::challenge::{ALL, Challenge};
use crate::interrupt::Interrupt;
use crate::keeper::{self, Keeper};
use crate::solutions::Solution;
#[cfg(feature = "simulate")]
use crate::text::one_line;
use crate::text::{escape_github_commands, shell_word};
use history::text::unknown_name;
use simulator::simulation::Factory;

/// A test bench for distributed nodes that speak the Maelstrom protocol, without a JVM.
#[derive(Parser)]
#[command(
    name = "workbench",
    version,
    args_override_self = true,
    after_help = EXIT_STATUS_OF_CHALLENGE
)]
struct CommandLine {
    /// When to print colours: auto (on terminals; see also NO_COLOR and CLICOLOR_FORCE), always, or
    /// never.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_possible_values = true
    )]
    color: ColorChoice,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes a node that passes echo, in a language of your choice, to start from.
    New(new::Arguments),
    /// Tests a node in any language, with Maelstrom's flags.
    #[command(after_help = EXIT_STATUS)]
    Test(Box<test::Arguments>),
    /// Checks the history of an earlier run, of this bench or of Maelstrom.
    #[command(after_help = EXIT_STATUS_OF_CHECK)]
    Check(check::Arguments),
    /// Runs Gossip Glomers challenges and checks their budgets.
    #[command(after_help = EXIT_STATUS_OF_CHALLENGE)]
    Challenge(Box<challenge::Arguments>),
    /// Simulates a challenge in many storms: each seed draws a cluster, a rate and faults.
    #[cfg(feature = "simulate")]
    #[command(after_help = EXIT_STATUS_OF_STORM)]
    Storm(Box<storm::Arguments>),
    /// Adds up the outputs of `storm --json` for the parts of a campaign.
    #[cfg(feature = "simulate")]
    #[command(after_help = EXIT_STATUS_OF_MERGE)]
    Merge(merge::Arguments),
    /// Simulates a challenge for many values of a flag, and plots costs and latencies.
    #[cfg(feature = "simulate")]
    #[command(after_help = EXIT_STATUS_OF_SWEEP)]
    Sweep(Box<sweep::Arguments>),
    /// Documents what a node must implement: the protocol, services, and workloads.
    Doc(doc::Arguments),
    /// Serves a site about the runs in the store: reports, files, comparisons.
    #[cfg(feature = "serve")]
    Serve(serve::Arguments),
    /// Prints a script with which a shell completes commands, flags and names.
    #[cfg(feature = "shell")]
    Completions(completions::Arguments),
    /// Prints the manual page, or writes one for each command to a folder.
    #[cfg(feature = "shell")]
    Man(man::Arguments),
}

/// Executes the command line; the exit status is Maelstrom's.
pub fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|it| it == keeper::ARGUMENT)
    {
        keeper::keep();
        return ExitCode::SUCCESS;
    }
    // ssh asks for the password that it was started with.
    if let Some(password) = std::env::var_os(crate::hosts::PASSWORD) {
        print_line(password.to_string_lossy());
        return ExitCode::SUCCESS;
    }
    paint::choose();
    let words: Vec<OsString> = std::env::args_os().collect();
    let Parsed {
        command,
        matches,
        own,
    } = match Parsed::of(&words) {
        Ok(parsed) => parsed,
        Err(error) => return error.report(),
    };
    // Only simulations look at it again.
    #[cfg_attr(not(feature = "simulate"), expect(unused_variables))]
    let (_, given) = matches.subcommand().expect("a subcommand is required");
    let done = match command {
        Command::New(arguments) => new::run(&arguments),
        Command::Test(arguments) => test::run(&arguments, &own),
        Command::Check(arguments) => check::run(&arguments, &own),
        Command::Challenge(arguments) => challenge::run(&arguments, &own),
        #[cfg(feature = "simulate")]
        Command::Storm(arguments) => storm::run(&arguments, given, &own),
        #[cfg(feature = "simulate")]
        Command::Merge(arguments) => merge::run(&arguments),
        Command::Doc(arguments) => Ok(doc::run(&arguments)),
        #[cfg(feature = "simulate")]
        Command::Sweep(arguments) => sweep::run(&arguments, given),
        #[cfg(feature = "serve")]
        Command::Serve(arguments) => serve::run(&arguments),
        #[cfg(feature = "shell")]
        Command::Completions(arguments) => completions::run(&arguments),
        #[cfg(feature = "shell")]
        Command::Man(arguments) => man::run(&arguments),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            print_error(format_args!("{error:#}"));
            ExitCode::from(status_of(&error))
        }
    }
}

/// A usage error that clap does not find.
#[derive(Debug)]
struct Misuse(String);

impl Display for Misuse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

fn misuse(what: impl Display) -> anyhow::Error {
    Misuse(what.to_string()).into()
}

/// The exit status of a command that failed with this error.
fn status_of(error: &anyhow::Error) -> u8 {
    if error.is::<Misuse>() {
        code::USAGE
    } else {
        code::CRASH
    }
}

/// The JSON document of a command that failed.
fn failure(error: &anyhow::Error) -> Value {
    json!({ "exit-status": status_of(error), "error": format!("{error:#}") })
}

/// How wide the lines on a stream may be: as wide as the terminal, or else as COLUMNS says.
fn columns(stream: &Term) -> usize {
    const DEFAULT: usize = 80;
    let given = || std::env::var("COLUMNS").ok()?.parse().ok();
    of_terminal(stream).or_else(given).unwrap_or(DEFAULT)
}

fn of_terminal(stream: &Term) -> Option<usize> {
    stream.size_checked().map(|(_, columns)| columns.into())
}

/// How wide lines on stdout may be.
fn stdout_columns() -> usize {
    columns(&Term::stdout())
}

/// Text for a stream: on a terminal its lines are broken between words, except drawings and the
/// commands of reports, which are to be copied.
fn fitted(text: impl Display, stream: &Term) -> String {
    let text = escape(text);
    let Some(columns) = of_terminal(stream) else {
        return text;
    };
    let is_whole = |line: &str| line.contains("again: ") || line.contains('│');
    let lines = text.split('\n').map(|line| match is_whole(line) {
        true => line.to_owned(),
        false => wrap::wrap(line, columns),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Prints a line for the user on stdout. A closed stdout is ignored, the exit status still counts.
fn print_line(text: impl Display) {
    let _ = writeln!(anstream::stdout(), "{}", fitted(text, &Term::stdout()));
}

/// Prints a command to be copied: a terminal breaks it, too, but copies it as one line.
fn print_command(command: impl Display) {
    let _ = writeln!(anstream::stdout(), "  {}", escape(command));
}

/// As [`print_command`], on stderr.
#[cfg(feature = "simulate")]
fn warn_command(command: impl Display) {
    let _ = writeln!(anstream::stderr(), "  {}", escape(command));
}

/// Prints a line for the user on stderr.
fn warn(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{}", fitted(text, &Term::stderr()));
}

/// Text that may come from a node: nothing in it is a command to GitHub's runner.
fn escape(text: impl Display) -> String {
    let text = text.to_string();
    if is_github() {
        escape_github_commands(&text)
    } else {
        text
    }
}

/// Whether the command runs on GitHub, whose runner looks for commands in all output.
fn is_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|it| it == "true")
}

/// Prints a command to GitHub's runner. It goes to stderr, as Maelstrom's verdict must be the last
/// line of stdout.
fn print_github_command(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints an error on stderr.
fn print_error(text: impl Display) {
    warn(format_args!("{} {text}", paint::error()));
}

/// Writes text for a program to stdout, unchanged. A closed pipe is not an error: its reader has
/// seen enough.
///
/// # Errors
/// When stdout cannot be written, as on a full disk.
fn write_stdout(text: impl Display) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// Makes nodes of a solution with these flags.
#[cfg(feature = "simulate")]
fn factory(solution: Solution, flags: &[String]) -> anyhow::Result<Factory> {
    let made = solution.factory(flags);
    made.map_err(|error| misuse(one_line(&error)))
}

/// Refuses simulations in a build without the solutions' nodes.
#[cfg(not(feature = "simulate"))]
fn factory(_: Solution, _: &[String]) -> anyhow::Result<Factory> {
    Err(misuse("this build cannot simulate: use cargo workbench"))
}

/// Accepts the challenges' names, and `all`.
fn challenge_names() -> PossibleValuesParser {
    PossibleValuesParser::new(all_names().chain(["all"]))
}

/// Accepts the name of a challenge.
#[cfg(feature = "simulate")]
fn challenge_name() -> PossibleValuesParser {
    PossibleValuesParser::new(all_names())
}

fn all_names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|challenge| challenge.name)
}

/// The challenges of these names.
fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Challenge>> {
    let mut chosen: Vec<&'static Challenge> = Vec::new();
    for name in names {
        if name == "all" {
            chosen.extend(&ALL);
            continue;
        }
        let Some(challenge) = ALL.iter().find(|challenge| challenge.name == name) else {
            let known: Vec<&str> = all_names().collect();
            return Err(misuse(unknown_name("challenge", name, &known)));
        };
        chosen.push(challenge);
    }
    Ok(chosen)
}

/// Handles signals from now on, for commands that run tests.
fn watch_signals() -> anyhow::Result<Interrupt> {
    let what = "stopping the load and judging what was done";
    Interrupt::watch(what).context("cannot handle signals")
}

/// Starts the process that kills nodes if this one is killed.
fn start_keeper() -> anyhow::Result<Option<Arc<Keeper>>> {
    let keeper = Keeper::start();
    Ok(Some(Arc::new(
        keeper.context("cannot start a process of the bench")?,
    )))
}

/// A random seed, short enough to be typed.
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id()) % 1_000_000_000
}

/// Joins words into a command line, quoted so that a shell reads the same words back.
fn command_line(words: &[String]) -> String {
    let quoted = words.iter().map(|word| shell_word(word));
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::help::command().debug_assert();
        super::help::visible_command().debug_assert();
    }
}
