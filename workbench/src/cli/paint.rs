//! Colours. They are always written, and removed where a stream should have none.

use anstyle::{AnsiColor, Style};
use clap::{ColorChoice, ValueEnum};
use clap_lex::RawArgs;
use comfy_table::Table;

use checkers::Validity;
use pages::report;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBTFUL: Style = AnsiColor::Yellow.on_default().bold();

/// Applies `--color` before the command line is parsed: help and usage errors have colours, too.
pub(super) fn choose() {
    let choice = match color_flag() {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// The last value of `--color`.
fn color_flag() -> ColorChoice {
    let words = RawArgs::from_args();
    let mut cursor = words.cursor();
    let mut choice = ColorChoice::default();
    while let Some(word) = words.next(&mut cursor).filter(|word| !word.is_escape()) {
        if let Some((Ok("color"), value)) = word.to_long() {
            let value = value.or_else(|| words.peek_os(&cursor)).unwrap_or_default();
            choice = ColorChoice::from_str(&value.to_string_lossy(), false).unwrap_or(choice);
        }
    }
    choice
}

/// A verdict in one word.
pub(super) fn verdict(valid: Validity) -> String {
    painted(style(valid), valid.name())
}

/// Maelstrom's last line.
pub(super) fn closing(valid: Validity) -> String {
    painted(style(valid), report::closing(valid))
}

/// A table in so many columns. It is painted after it is drawn: colour codes would widen its columns.
pub(super) fn table(mut table: Table, columns: usize) -> String {
    let marks = [("✓", GOOD), ("✗ missed", BAD), ("✗", BAD)];
    table.set_width(u16::try_from(columns).unwrap_or(u16::MAX));
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
        let painted = table(plain.clone(), 80);
        assert!(painted.contains("\u{1b}["), "{painted:?}");
        let stripped = anstream::adapter::strip_str(&painted).to_string();
        assert_eq!(stripped, plain.to_string());
    }
}
