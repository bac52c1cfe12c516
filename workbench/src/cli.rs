//! The command line: `workbench test` as a stand-in for `maelstrom test`, and `workbench
//! challenge` for the fourteen challenges with their budgets.

mod again;
mod audience;
mod challenge;
mod check;
mod completions;
mod doc;
mod maelstrom;
mod man;
mod merge;
mod paint;
mod progress;
mod seeds;
mod serve;
mod simulate;
mod sweep;
mod test;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};

use again::own_command;

use crate::challenge::{ALL, Challenge};
use crate::checker::Validity;
use crate::names;
use crate::text::defused;

/// Maelstrom's exit codes.
mod code {
    pub(super) const VALID: u8 = 0;
    pub(super) const INVALID: u8 = 1;
    pub(super) const UNKNOWN: u8 = 2;
    pub(super) const USAGE: u8 = 254;
    pub(super) const CRASH: u8 = 255;
}

/// A test bench for distributed nodes that speak the Maelstrom protocol, without a JVM.
#[derive(Parser)]
#[command(
    name = "workbench",
    version,
    args_override_self = true,
    after_help = "Exit status: 0 valid, 1 invalid or a budget missed, 2 unknown, 254 bad usage, \
                  255 the run broke off."
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
    Test(Box<test::Arguments>),
    /// Judges the history of a run that was kept, ours or Maelstrom's.
    Check(check::Arguments),
    /// Runs Gossip Glomers challenges and holds them to their budgets.
    Challenge(challenge::Arguments),
    /// Simulates a challenge in many storms, each drawn from a seed: cluster, pace and faults.
    Simulate(Box<simulate::Arguments>),
    /// Adds up what `simulate --json` printed for parts of a campaign.
    Merge(merge::Arguments),
    /// Simulates a challenge while one of its flags moves, and draws what that costs and buys.
    Sweep(Box<sweep::Arguments>),
    /// Shows what a node has to know: the protocol, services, and what workloads ask.
    Doc(doc::Arguments),
    /// Shows what is kept, as pages on this machine: runs, their files, two side by side.
    Serve(serve::Arguments),
    /// Prints what lets a shell complete commands, flags and names.
    Completions(completions::Arguments),
    /// Prints the manual page, or writes one for each command.
    Man(man::Arguments),
}

/// Does what the command line says; its exit status is Maelstrom's.
pub fn main() -> ExitCode {
    paint::choose();
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return usage(&error),
    };
    let CommandLine { command, color: _ } = match CommandLine::from_arg_matches(&matches) {
        Ok(line) => line,
        Err(error) => return usage(&error),
    };
    let done = match (command, matches.subcommand()) {
        (Command::Test(arguments), _) => test::run(&arguments),
        (Command::Check(arguments), _) => check::run(&arguments),
        (Command::Challenge(arguments), _) => challenge::run(&arguments),
        (Command::Simulate(arguments), Some((_, given))) => simulate::run(&arguments, given),
        (Command::Simulate(_), None) => unreachable!("a command that was given has its words"),
        (Command::Merge(arguments), _) => merge::run(&arguments),
        (Command::Doc(arguments), _) => Ok(doc::run(&arguments)),
        (Command::Sweep(arguments), Some((_, given))) => sweep::run(&arguments, given),
        (Command::Sweep(_), None) => unreachable!("a command that was given has its words"),
        (Command::Serve(arguments), _) => serve::run(&arguments),
        (Command::Completions(arguments), _) => Ok(completions::run(&arguments)),
        (Command::Man(arguments), _) => man::run(&arguments),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            refuse(format_args!("{error:#}"));
            ExitCode::from(code::CRASH)
        }
    }
}

/// All commands and their flags.
fn command() -> clap::Command {
    // A challenge that is simulated brings its own workload.
    let settled = |flag: clap::Arg| flag.default_value("echo").hide(true);
    let settle = |command: clap::Command| {
        let command = command.mut_arg("workload", settled);
        let names = ["node", "nodes", "nodes_file"];
        let hidden = |command: clap::Command, name| command.mut_arg(name, |flag| flag.hide(true));
        names.into_iter().fold(command, hidden)
    };
    let line = CommandLine::command().mut_subcommand("simulate", settle);
    line.mut_subcommand("sweep", settle)
}

fn usage(error: &clap::Error) -> ExitCode {
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

/// Text on stdout for a machine, as it is.
fn print(text: impl Display) {
    let _ = write!(std::io::stdout(), "{text}");
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
            refuse(names::unknown("challenge", name, &known));
            return Ok(Vec::new());
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
    let quoted = words.iter().map(|word| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command().debug_assert();
    }
}
