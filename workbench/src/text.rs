//! Texts on their way to a person: what nodes wrote, numbers, errors.

/// Text in which every character is seen: those that control a terminal or turn the direction of
/// writing are spelled, and so are those that no XML document may hold. Lines and tabs stay.
pub(crate) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            visible.extend(c.escape_default());
        } else {
            visible.push(c);
        }
    }
    visible
}

/// The same in a single line, for a text that is quoted within another one: a line of its own would
/// look like ours, or be a command to whoever reads along.
pub(crate) fn quoted(text: &str) -> String {
    visible(text).replace('\n', "\\n")
}

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

fn is_hidden(c: char) -> bool {
    let is_control = c.is_control() && !matches!(c, '\n' | '\t');
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_control || turns || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// The beginning of a text that has more letters than these, with every character seen.
pub(crate) fn shortened(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", visible(&text[..end])),
        None => visible(text),
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
    use super::{defused, marked, quoted, shortened, visible};

    #[test]
    fn what_cannot_be_seen_is_spelled() {
        assert_eq!(visible("a\u{1b}[31mb\nc\td"), "a\\u{1b}[31mb\nc\td");
        assert_eq!(visible("\u{202e}x\u{ffff}"), "\\u{202e}x\\u{ffff}");
        assert_eq!(shortened("änderung", 3), "änd…");
        assert_eq!(shortened("än", 3), "än");
        let mark = '\u{fffd}';
        let text = "a\n\u{202e}\u{200b}\u{2028}名 \u{1b}b";
        assert_eq!(marked(text), format!("a{mark}{mark}{mark}{mark}名 {mark}b"));
        assert_eq!(quoted("no\r\n::x\u{7}"), "no\\r\\n::x\\u{7}");
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
