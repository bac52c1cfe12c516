//! The command line: `workbench test` as a stand-in for `maelstrom test`, and `workbench
//! challenge` for the fourteen challenges with their budgets.

mod again;
mod audience;
mod challenge;
mod check;
#[cfg(feature = "shell")]
mod completions;
mod dashes;
mod doc;
mod former;
#[cfg(feature = "simulate")]
mod jobs;
#[cfg(feature = "junit")]
mod junit;
mod maelstrom;
#[cfg(feature = "shell")]
mod man;
#[cfg(feature = "simulate")]
mod merge;
mod nodes;
mod paint;
mod program;
mod progress;
mod seeds;
#[cfg(feature = "serve")]
mod serve;
#[cfg(feature = "simulate")]
mod storm;
#[cfg(feature = "simulate")]
mod sweep;
mod test;

use std::fmt::Display;
use std::fs::File;
use std::io::{Seek, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::PossibleValuesParser;
#[cfg(feature = "shell")]
use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::{Value, json};

use again::own_command;

use crate::challenge::{ALL, Challenge, SETTLED};
use crate::solutions::Solution;
#[cfg(feature = "simulate")]
use crate::text::in_short;
use crate::text::{defused, shell_word};
use checkers::Validity;
use history::text::unknown_name;
use simulator::simulation::Factory;

/// Maelstrom's exit codes.
mod code {
    pub(super) const VALID: u8 = 0;
    pub(super) const INVALID: u8 = 1;
    pub(super) const UNKNOWN: u8 = 2;
    pub(super) const USAGE: u8 = 254;
    pub(super) const CRASH: u8 = 255;
}

/// What the exit status says of runs.
const EXIT_STATUS: &str =
    "Exit status: 0 valid, 1 invalid, 2 unknown, 254 bad usage, 255 a run broke off.";

/// … of a history.
const EXIT_STATUS_OF_CHECK: &str =
    "Exit status: 0 valid, 1 invalid, 2 unknown, 254 bad usage, 255 the history cannot be read.";

/// … of runs that have budgets.
const EXIT_STATUS_OF_CHALLENGE: &str = "Exit status: 0 valid, 1 invalid or a budget missed, \
                                        2 unknown, 254 bad usage, 255 the run broke off.";

/// … of runs that go beyond their budgets on purpose.
#[cfg(feature = "simulate")]
const EXIT_STATUS_OF_SWEEP: &str = "Exit status: 0 valid, within the budgets or not, 1 invalid, \
                                    2 unknown, 254 bad usage, 255 a run broke off.";

/// A test bench for distributed nodes that speak the Maelstrom protocol, without a JVM.
#[derive(Parser)]
#[command(
    name = "workbench",
    version,
    args_override_self = true,
    after_help = EXIT_STATUS_OF_CHALLENGE
)]
struct CommandLine {
    /// Colours: where a terminal wants them (NO_COLOR, CLICOLOR_FORCE and others are heeded),
    /// always, or never.
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
    /// Tests a node in any language, with Maelstrom's flags.
    #[command(after_help = EXIT_STATUS)]
    Test(Box<test::Arguments>),
    /// Judges the history of a run that was kept, ours or Maelstrom's.
    #[command(after_help = EXIT_STATUS_OF_CHECK)]
    Check(check::Arguments),
    /// Runs Gossip Glomers challenges and holds them to their budgets.
    #[command(after_help = EXIT_STATUS_OF_CHALLENGE)]
    Challenge(challenge::Arguments),
    /// Simulates a challenge in many storms: each seed draws a cluster, a rate and faults.
    #[cfg(feature = "simulate")]
    #[command(after_help = EXIT_STATUS)]
    Storm(Box<storm::Arguments>),
    /// Adds up what `storm --json` printed for parts of a campaign.
    #[cfg(feature = "simulate")]
    #[command(after_help = EXIT_STATUS)]
    Merge(merge::Arguments),
    /// Simulates a challenge while one of its flags moves, and draws what that costs and buys.
    #[cfg(feature = "simulate")]
    #[command(after_help = EXIT_STATUS_OF_SWEEP)]
    Sweep(Box<sweep::Arguments>),
    /// Shows what a node has to know: the protocol, services, and what workloads ask.
    Doc(doc::Arguments),
    /// Shows what is kept, as pages on this machine: runs, their files, two side by side.
    #[cfg(feature = "serve")]
    Serve(serve::Arguments),
    /// Prints what lets a shell complete commands, flags and names.
    #[cfg(feature = "shell")]
    Completions(completions::Arguments),
    /// Prints the manual page, or writes one for each command.
    #[cfg(feature = "shell")]
    Man(man::Arguments),
}

/// Does what the command line says; its exit status is Maelstrom's.
pub fn main() -> ExitCode {
    paint::choose();
    if let Some(complaint) = dashes::complaint(std::env::args_os().skip(1)) {
        refuse(complaint);
        return ExitCode::from(code::USAGE);
    }
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return usage(error),
    };
    let CommandLine { command, color: _ } = match CommandLine::from_arg_matches(&matches) {
        Ok(line) => line,
        Err(error) => return usage(error),
    };
    let done = match (command, matches.subcommand()) {
        (Command::Test(arguments), _) => test::run(&arguments),
        (Command::Check(arguments), _) => check::run(&arguments),
        (Command::Challenge(arguments), _) => challenge::run(&arguments),
        #[cfg(feature = "simulate")]
        (Command::Storm(arguments), Some((_, given))) => storm::run(&arguments, given),
        #[cfg(feature = "simulate")]
        (Command::Storm(_), None) => unreachable!("a command that was given has its words"),
        #[cfg(feature = "simulate")]
        (Command::Merge(arguments), _) => merge::run(&arguments),
        (Command::Doc(arguments), _) => Ok(doc::run(&arguments)),
        #[cfg(feature = "simulate")]
        (Command::Sweep(arguments), Some((_, given))) => sweep::run(&arguments, given),
        #[cfg(feature = "simulate")]
        (Command::Sweep(_), None) => unreachable!("a command that was given has its words"),
        #[cfg(feature = "serve")]
        (Command::Serve(arguments), _) => serve::run(&arguments),
        #[cfg(feature = "shell")]
        (Command::Completions(arguments), _) => completions::run(&arguments),
        #[cfg(feature = "shell")]
        (Command::Man(arguments), _) => man::run(&arguments),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            refuse(format_args!("{error:#}"));
            ExitCode::from(status_of(&error))
        }
    }
}

/// All commands and their flags.
fn command() -> clap::Command {
    let is_settled = |flag: &clap::Arg| flag.get_long().is_some_and(|it| SETTLED.contains(&it));
    let settled = |flag: clap::Arg| {
        let is_settled = is_settled(&flag);
        flag.hide(is_settled)
    };
    let settle = |command: clap::Command| {
        // A challenge that is simulated brings its own workload.
        let command = command.mut_arg("workload", |flag| flag.default_value("echo"));
        command.mut_args(settled)
    };
    let line = CommandLine::command();
    SIMULATED
        .into_iter()
        .fold(line, |line, name| line.mut_subcommand(name, settle))
}

/// Commands that take the flags of a test, but for those that a challenge settles.
#[cfg(feature = "simulate")]
const SIMULATED: [&str; 2] = ["storm", "sweep"];
#[cfg(not(feature = "simulate"))]
const SIMULATED: [&str; 0] = [];

/// The same for whoever shows all that there is, without flags that are known to be refused.
#[cfg(feature = "shell")]
fn offered() -> clap::Command {
    let offered = |name: &'static str, command: &clap::Command| {
        let flags = command.get_arguments();
        let flags = flags.filter(|flag| !flag.is_hide_set());
        clap::Command::new(name)
            .about(Resettable::from(command.get_about().cloned()))
            .long_about(Resettable::from(command.get_long_about().cloned()))
            .after_help(Resettable::from(command.get_after_help().cloned()))
            .args(flags.cloned())
    };
    let offer =
        |line: clap::Command, name| line.mut_subcommand(name, |command| offered(name, &command));
    SIMULATED.into_iter().fold(command(), offer)
}

/// A command that makes no sense, although its flags are flags.
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

/// The exit status for what ended with this error.
fn status_of(error: &anyhow::Error) -> u8 {
    if error.is::<Misuse>() {
        code::USAGE
    } else {
        code::CRASH
    }
}

/// What a machine reads in place of what was not done.
fn failure(error: &anyhow::Error) -> Value {
    json!({ "exit-status": status_of(error), "error": format!("{error:#}") })
}

/// Replaces what is in a file.
fn replace(file: &mut File, text: &str) -> std::io::Result<()> {
    // Pipes and the like have no beginning to go back to.
    if file.metadata()?.is_file() {
        file.set_len(0)?;
        file.rewind()?;
    }
    file.write_all(text.as_bytes())
}

fn usage(mut error: clap::Error) -> ExitCode {
    former::suggest(&mut error);
    // A closed stdout or stderr leaves nobody to tell.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(code::USAGE),
    }
}

/// A line on stdout for a person, with colours if those are wanted. One who no longer listens still
/// gets the exit status.
fn say(text: impl Display) {
    let _ = writeln!(anstream::stdout(), "{}", harmless(text));
}

/// A line on stderr for a person.
fn warn(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{}", harmless(text));
}

/// What a person is told, which may be what a node wrote: where GitHub's runner reads along, nothing
/// of it is a command.
fn harmless(text: impl Display) -> String {
    let text = text.to_string();
    if is_github() { defused(&text) } else { text }
}

/// Whether GitHub's runner reads all that is printed, and does what lines of a certain form say.
fn is_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|it| it == "true")
}

/// A command to GitHub's runner. It reads stderr as well as stdout, whose last line is Maelstrom's.
fn command_github(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What is wrong, on stderr.
fn refuse(text: impl Display) {
    warn(format_args!("{} {text}", paint::error()));
}

/// Text on stdout for a machine, as it is. A reader that has gone is no error: it has seen what it
/// wanted.
///
/// # Errors
/// When stdout cannot be written, as on a full disk.
fn print(text: impl Display) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// What makes nodes with these flags.
#[cfg(feature = "simulate")]
fn factory(solution: Solution, flags: &[String]) -> anyhow::Result<Factory> {
    let made = solution.factory(flags);
    made.map_err(|error| misuse(in_short(&error)))
}

/// A build without our nodes makes none.
#[cfg(not(feature = "simulate"))]
fn factory(_: Solution, _: &[String]) -> anyhow::Result<Factory> {
    Err(misuse("this build simulates nothing: use cargo workbench"))
}

/// Takes the challenges' names, and `all`.
fn challenge_names() -> PossibleValuesParser {
    let names = ALL.iter().map(|challenge| challenge.name);
    PossibleValuesParser::new(names.chain(["all"]))
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
            let known: Vec<&str> = ALL.iter().map(|challenge| challenge.name).collect();
            return Err(misuse(unknown_name("challenge", name, &known)));
        };
        chosen.push(challenge);
    }
    Ok(chosen)
}

fn exit_code(valid: Validity) -> u8 {
    match valid {
        Validity::Valid => code::VALID,
        Validity::Invalid => code::INVALID,
        Validity::Unknown => code::UNKNOWN,
    }
}

/// A seed that nobody chose: short, since a person may have to type it.
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id()) % 1_000_000_000
}

/// Words as one command line, quoted so that a shell reads the same words back.
fn command_line(words: &[String]) -> String {
    let quoted = words.iter().map(|word| shell_word(word));
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command().debug_assert();
        super::offered().debug_assert();
    }
}
