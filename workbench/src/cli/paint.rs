//! Colours. They are always written, and removed where a stream should have none.

use std::ffi::OsString;

use anstyle::{AnsiColor, Style};
use clap::{ColorChoice, Parser};
use comfy_table::Table;

use checkers::Validity;
use pages::report;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default().bold();

/// The one flag that is read before all others.
#[derive(Parser)]
#[command(disable_help_flag = true, args_override_self = true)]
struct Early {
    #[arg(long, value_enum, default_value = "auto")]
    color: ColorChoice,
    #[arg(allow_hyphen_values = true)]
    _others: Vec<OsString>,
}

/// Applies `--color` before the command line is parsed: help and usage errors have colours, too.
pub(super) fn choose() {
    let asked = Early::try_parse().map_or(ColorChoice::Auto, |early| early.color);
    let choice = match asked {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// A verdict in one word.
pub(super) fn verdict(valid: Validity) -> String {
    painted(style(valid), valid.name())
}

/// Maelstrom's last line.
pub(super) fn closing(valid: Validity) -> String {
    painted(style(valid), report::closing(valid))
}

/// A table. It is painted after it is drawn: colour codes would widen its columns.
pub(super) fn table(table: &Table) -> String {
    let marks = [("✓", GOOD), ("✗ missed", BAD)];
    let drawn = table.to_string();
    marks.iter().fold(drawn, |text, (mark, style)| {
        text.replace(mark, &painted(*style, mark))
    })
}

/// The prefix of an error.
pub(super) fn error() -> String {
    painted(BAD, "error:")
}

/// The prefix of a warning.
pub(super) fn warning() -> String {
    painted(DOUBTFUL, "warning:")
}

/// Words about a success or a failure.
pub(super) fn outcome(is_good: bool, words: &str) -> String {
    painted(if is_good { GOOD } else { BAD }, words)
}

fn style(valid: Validity) -> Style {
    match valid {
        Validity::Valid => GOOD,
        Validity::Unknown => DOUBTFUL,
        Validity::Invalid => BAD,
    }
}

fn painted(style: Style, words: &str) -> String {
    format!("{style}{words}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_painted_table_has_the_columns_of_a_plain_one() {
        let mut plain = Table::new();
        plain
            .add_row(["history", "✓"])
            .add_row(["latency", "✗ missed"]);
        let painted = table(&plain);
        assert!(painted.contains("\u{1b}["), "{painted:?}");
        let stripped = anstream::adapter::strip_str(&painted).to_string();
        assert_eq!(stripped, plain.to_string());
    }
}
