//! Texts on their way to a terminal or a log.

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

/// What is wrong, in a line. What clap says of flags goes on with how they are used, and its cause
/// says all of it again.
#[cfg(feature = "simulate")]
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

#[cfg(test)]
mod tests {
    use super::defused;

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
