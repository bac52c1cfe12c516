//! Texts on their way to a person: what nodes wrote, numbers, errors.

use history::text::is_hidden;

/// Text in which GitHub's runner finds no command of its own: those begin a line with `::`, or
/// stand anywhere after `##[`.
pub(crate) fn defused(text: &str) -> String {
    let mut defused = String::with_capacity(text.len());
    for line in text.split_inclusive(['\n', '\r']) {
        let mut rest = line.trim_start();
        defused.push_str(&line[..line.len() - rest.len()]);
        if let Some(command) = rest.strip_prefix("::") {
            defused.push_str(": :");
            rest = command;
        }
        defused.push_str(&rest.replace("##[", "# #["));
    }
    defused
}

/// A number that a table has room for.
pub(crate) fn number(number: f64) -> String {
    if number.abs() < WIDE {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

/// From here on a number has more digits than anybody reads.
pub(crate) const WIDE: f64 = 1e15;

/// What is wrong, in a line. What clap says of flags goes on with how they are used, and its cause
/// says all of it again.
pub(crate) fn in_short(error: &anyhow::Error) -> String {
    let mut causes = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if cause.is::<clap::Error>() {
            let line = text.lines().next().unwrap_or_default();
            causes.push(line.trim_start_matches("error: ").to_owned());
            break;
        }
        causes.push(text);
    }
    causes.join(": ")
}

/// A word as a shell reads it back: in quotes if it needs them.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A text on one line with a mark for each letter that is not seen, or turns others around: for
/// names and commands, in which the spelling of such a letter would be part of them.
pub(crate) fn marked(text: &str) -> String {
    let has_no_width =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let ends_line = |c: char| matches!(c, '\n' | '\t' | '\u{2028}' | '\u{2029}');
    let marked = |c: char| {
        if is_hidden(c) || has_no_width(c) || ends_line(c) {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(marked).collect()
}

#[cfg(test)]
mod tests {
    use super::{defused, marked};

    #[test]
    fn what_cannot_be_seen_is_marked() {
        let mark = '\u{fffd}';
        let text = "a\n\u{202e}\u{200b}\u{2028}名 \u{1b}b";
        assert_eq!(marked(text), format!("a{mark}{mark}{mark}{mark}名 {mark}b"));
    }

    #[test]
    fn no_line_is_a_command_to_githubs_runner() {
        for (text, harmless) in [
            (
                "::error::x\n  ::stop-commands::y\n",
                ": :error::x\n  : :stop-commands::y\n",
            ),
            ("a\r::x", "a\r: :x"),
            ("\u{2003}::x", "\u{2003}: :x"),
            ("a ##[error]b, ###[c", "a # #[error]b, ## #[c"),
            ("std::fmt, a: ::b, #[c]\n", "std::fmt, a: ::b, #[c]\n"),
            ("", ""),
        ] {
            assert_eq!(defused(text), harmless);
        }
    }
}
