//! Reading a node's flags, and booting nodes with them.

use clap::builder::{RangedU64ValueParser, ValueParser};
use clap::{Arg, Args, Command, Parser};

use crate::context::Context;
use crate::id::Cluster;
use crate::node::Node;

/// The maximum duration of a flag, one hour in milliseconds: a longer one is a typing error.
const MAX_MS: u64 = 3_600_000;

/// A parser for flags in milliseconds, from `min` up to one hour.
pub fn milliseconds(min: u64) -> ValueParser {
    RangedU64ValueParser::<u64>::new()
        .range(min..=MAX_MS)
        .into()
}

/// The width of lines of help, in columns.
const COLUMNS: usize = 80;

/// Parses the command line of a node's program. Lines of its help fit a terminal of 80 columns.
pub fn parse<P: Parser>() -> P {
    let matches = with_short_lines(P::command()).get_matches();
    P::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Breaks the lines of the help between words, which clap only does with more dependencies.
fn with_short_lines(command: Command) -> Command {
    let about = command.get_about().map(ToString::to_string);
    let long_about = command.get_long_about().map(ToString::to_string);
    let command = match (about, long_about) {
        (None, _) => command,
        (Some(short), None) => command.about(lines(&short, COLUMNS)),
        (Some(short), Some(long)) => command
            .about(lines(&short, COLUMNS))
            .long_about(lines(&long, COLUMNS)),
    };
    // The short help has a column of flags, and a default value behind the text.
    let width = |flag: &Arg| {
        let value = flag.get_value_names().map_or(0, |names| names[0].len());
        flag.get_long().map_or(0, str::len) + value
    };
    let flags = command.get_arguments().map(width).max().unwrap_or_default();
    let left = COLUMNS.saturating_sub("      -- <>  ".len() + flags);
    command.mut_args(|flag: Arg| {
        let Some(help) = flag.get_help().map(ToString::to_string) else {
            return flag;
        };
        let default = flag.get_default_values().first();
        let default = default.map_or(0, |it| " [default: ]".len() + it.len());
        let long = lines(&help, COLUMNS - "          ".len());
        let short = lines(&help, left.saturating_sub(default));
        flag.help(short).long_help(long)
    })
}

/// The text in lines of at most so many columns, if its words are short enough.
fn lines(text: &str, columns: usize) -> String {
    let paragraphs = text.split('\n').map(|paragraph| {
        let mut lines = String::new();
        let mut column = 0;
        for word in paragraph.split(' ') {
            let width = word.chars().count();
            let is_full = column + 1 + width > columns;
            let space = match column {
                0 => "",
                _ if is_full => "\n",
                _ => " ",
            };
            lines.push_str(space);
            lines.push_str(word);
            column = if is_full {
                width
            } else {
                column + space.len() + width
            };
        }
        lines
    });
    paragraphs.collect::<Vec<_>>().join("\n")
}

/// Parses the flags of a node from a command line without the program's name.
///
/// # Errors
/// When the program would not accept the arguments, with the same error.
pub fn read_flags<F: Args>(program: &'static str, args: &[&str]) -> Result<F, clap::Error> {
    let command = F::augment_args(Command::new(program).no_binary_name(true));
    let matches = command.try_get_matches_from(args)?;
    F::from_arg_matches(&matches)
}

/// A function that boots nodes with these flags, for [`run`](crate::run) and
/// [`Engine::new`](crate::Engine::new).
pub fn with_flags<F, N>(
    flags: F,
    boot: fn(&F, &Cluster, &mut Context<N::Event>) -> N,
) -> impl Fn(Cluster, &mut Context<N::Event>) -> N + Clone + Send + Sync + 'static
where
    F: Clone + Send + Sync + 'static,
    N: Node,
{
    move |cluster, ctx| boot(&flags, &cluster, ctx)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[derive(Args)]
    struct Wait {
        #[arg(long, default_value_t = 7, value_parser = milliseconds(1))]
        wait: u64,
    }

    #[derive(Debug, Parser)]
    #[command(name = "node")]
    struct Program {
        /// How long a node waits for an acknowledgement before it sends its values once more: longer
        /// than a round trip, or it sends them needlessly.
        #[arg(long, value_name = "MS", default_value_t = 2000, value_parser = milliseconds(1))]
        wait_for_acknowledgements: u64,
    }

    #[test]
    fn lines_of_help_fit_80_columns() {
        for flag in ["-h", "--help"] {
            let command = with_short_lines(Program::command());
            let help = command.try_get_matches_from(["node", flag]).unwrap_err();
            let help = help.to_string();
            assert!(
                help.lines().all(|it| it.chars().count() <= COLUMNS),
                "{help}"
            );
            let words: Vec<&str> = help.split_whitespace().collect();
            assert!(
                words
                    .join(" ")
                    .contains("or it sends them needlessly [default: 2000]"),
                "{help}"
            );
        }
        assert_eq!(lines("one two three", 7), "one two\nthree");
        assert_eq!(lines("a very-long-word\nb", 6), "a\nvery-long-word\nb");
    }

    #[test]
    fn milliseconds_out_of_range_and_unknown_flags_are_rejected() {
        let read = |args: &[&str]| read_flags::<Wait>("node", args);
        assert_eq!(read(&[]).unwrap().wait, 7);
        assert_eq!(read(&["--wait=3600000"]).unwrap().wait, MAX_MS);
        for arg in ["--wait=0", "--wait=3600001", "--wait=-1", "--weight=5"] {
            assert!(read(&[arg]).is_err(), "{arg}");
        }
    }

    #[test]
    fn the_longest_line_of_a_help_reaches_its_80th_column() {
        // Words of one letter: a line breaks where it is full.
        let longest = |words: usize, default: Option<&'static str>, help: &str| {
            let wait = Arg::new("wait").long("wait").value_name("MILLISECONDS");
            let wait = wait.help(vec!["a"; words].join(" "));
            let command = Command::new("node").arg(wait.default_value(default));
            let help = with_short_lines(command).try_get_matches_from(["node", help]);
            let help = help.unwrap_err().to_string();
            help.lines().map(str::len).max()
        };
        for default in [None, Some("2000")] {
            for help in ["-h", "--help"] {
                let longest = (1..100).map(|words| longest(words, default, help)).max();
                let fits = [COLUMNS - 1, COLUMNS].map(|it| Some(Some(it)));
                assert!(fits.contains(&longest), "{help} {default:?}: {longest:?}");
            }
        }
    }
}
