//! The command line, parsed: a command to execute, or an error to report.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgMatches, FromArgMatches};
use console::Term;

use super::again::OwnCommand;
use super::{
    Command, CommandLine, code, dashes, former, help, of_terminal, print_error, stdout_columns,
};

/// A command line that is valid so far.
pub(super) struct Parsed {
    pub(super) command: Command,
    pub(super) matches: ArgMatches,
    pub(super) own: OwnCommand,
}

/// Why a command line is not valid.
pub(super) enum Unparsed {
    Complaint(String),
    Usage(Box<clap::Error>),
}

impl From<clap::Error> for Unparsed {
    fn from(mut error: clap::Error) -> Self {
        former::suggest(&mut error);
        Unparsed::Usage(Box::new(error))
    }
}

impl Unparsed {
    /// Prints the error, or the help that was asked for. Returns the exit status.
    pub(super) fn report(self) -> ExitCode {
        let error = match self {
            Unparsed::Complaint(complaint) => {
                print_error(complaint);
                return ExitCode::from(code::USAGE);
            }
            Unparsed::Usage(error) => *error,
        };
        // A closed stdout or stderr is ignored.
        let _ = if error.use_stderr() {
            let columns = of_terminal(&Term::stderr());
            let text = help::rendered(&error, columns.unwrap_or(usize::MAX));
            write!(anstream::stderr(), "{text}")
        } else {
            let text = help::rendered(&error, stdout_columns().min(help::MAX_WIDTH));
            write!(anstream::stdout(), "{text}")
        };
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
            _ => ExitCode::from(code::USAGE),
        }
    }
}

impl Parsed {
    /// Parses a command line, the program's name included.
    pub(super) fn of(words: &[OsString]) -> Result<Self, Unparsed> {
        if let Some(complaint) = dashes::complaint(words.iter().skip(1).cloned()) {
            return Err(Unparsed::Complaint(complaint));
        }
        let mut line = help::command();
        let matches = line.try_get_matches_from_mut(words)?;
        let CommandLine { command, color: _ } = CommandLine::from_arg_matches(&matches)?;
        let (name, given) = matches.subcommand().expect("a subcommand is required");
        let subcommand = line.find_subcommand(name).expect("it was parsed");
        let own = OwnCommand::new(&words[0], subcommand, given);
        Ok(Parsed {
            command,
            matches,
            own,
        })
    }
}

/// Parses a command line, the program's name included, and executes nothing. Returns the command that
/// does the same again.
///
/// # Errors
/// The text that tells the user what is wrong, or the help that was asked for.
pub fn parse(words: &[OsString]) -> Result<String, String> {
    match Parsed::of(words) {
        Ok(parsed) => Ok(parsed.own.repeat(None)),
        Err(Unparsed::Complaint(complaint)) => Err(complaint),
        Err(Unparsed::Usage(error)) => Err(help::rendered(&error, help::MAX_WIDTH)),
    }
}
