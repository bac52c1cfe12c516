//! Colours. They are always written, and taken out again where a stream should have none.

use anstyle::{AnsiColor, Style};
use clap::{ColorChoice, ValueEnum};
use comfy_table::Table;

use checkers::Validity;
use pages::report;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default().bold();

/// Heeds `--color`, before any flag is read: help and what is wrong with a command line are to have
/// these colours, too.
pub(super) fn choose() {
    let choice = match asked() {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// What `--color` says.
fn asked() -> ColorChoice {
    let words = std::env::args_os().skip(1);
    let words = words.map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = words.take_while(|word| word != "--").collect();
    let mut values = words.iter().enumerate().filter_map(|(place, word)| {
        let value = match word.strip_prefix("--color")? {
            "" => words.get(place + 1)?,
            rest => rest.strip_prefix('=')?,
        };
        ColorChoice::from_str(value, false).ok()
    });
    values.next_back().unwrap_or_default()
}

/// The word for a verdict.
pub(super) fn verdict(valid: Validity) -> String {
    painted(style(valid), valid.name())
}

/// Maelstrom's last line.
pub(super) fn closing(valid: Validity) -> String {
    painted(style(valid), report::closing(valid))
}

/// A table. It is painted when it is drawn: its columns would be as wide as the colours are long.
pub(super) fn table(table: &Table) -> String {
    let marks = [("✓", GOOD), ("✗ missed", BAD)];
    let drawn = table.to_string();
    marks.iter().fold(drawn, |text, (mark, style)| {
        text.replace(mark, &painted(*style, mark))
    })
}

/// What stands before something that failed.
pub(super) fn error() -> String {
    painted(BAD, "error:")
}

/// What stands before something to beware of.
pub(super) fn warning() -> String {
    painted(DOUBTFUL, "warning:")
}

/// Words about something that holds, or does not.
pub(super) fn outcome(holds: bool, words: &str) -> String {
    painted(if holds { GOOD } else { BAD }, words)
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
