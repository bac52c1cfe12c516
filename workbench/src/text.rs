//! Text for terminals, logs and shells.

/// Changes text so that GitHub's runner sees no command in it. A command is `::` at the start of a
/// line, or `##[` anywhere.
pub(crate) fn escape_github_commands(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for line in text.split_inclusive(['\n', '\r']) {
        let mut rest = line.trim_start();
        escaped.push_str(&line[..line.len() - rest.len()]);
        if let Some(command) = rest.strip_prefix("::") {
            escaped.push_str(": :");
            rest = command;
        }
        escaped.push_str(&rest.replace("##[", "# #["));
    }
    escaped
}

/// An error and its causes in one line, without the usage that clap adds to its own.
#[cfg(feature = "simulate")]
pub(crate) fn one_line(error: &anyhow::Error) -> String {
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

/// A word as a shell reads it back: quoted if it needs to be.
pub(crate) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::escape_github_commands;

    #[test]
    fn no_line_is_a_command_to_githubs_runner() {
        for (text, escaped) in [
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
            assert_eq!(escape_github_commands(text), escaped);
        }
    }
}
