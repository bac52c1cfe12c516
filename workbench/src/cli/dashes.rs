//! Long dashes in place of hyphens. Web pages and word processors turn `--nemesis` into `–-nemesis`
//! or `—nemesis`, which is not a flag. Maelstrom passes it and all that follows to the node, and
//! the test passes without any partition; here it is an error.

use std::ffi::OsString;

/// Describes the first argument before `--` that begins with a long dash, with the right spelling.
pub(super) fn complaint(arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let mut own = arguments.take_while(|argument| argument != "--");
    own.find_map(|argument| complaint_of(&argument.to_string_lossy()))
}

fn complaint_of(argument: &str) -> Option<String> {
    let dash = argument.chars().next().filter(|c| is_long_dash(*c))?;
    let word = argument.trim_start_matches(|c| c == '-' || is_long_dash(c));
    let name = word.split('=').next().unwrap_or_default();
    // Flags of one letter and numbers have one hyphen, all others two.
    let is_short = name.chars().count() == 1 || name.starts_with(|c: char| c.is_ascii_digit());
    let hyphens = if is_short { "-" } else { "--" };
    let code = u32::from(dash);
    Some(format!(
        "{argument:?} begins with {dash:?} (U+{code:04X}), a long dash: write {hyphens}{word} \
         (arguments of the node follow --)"
    ))
}

/// Whether this is a dash, a hyphen or a minus sign other than ASCII's.
fn is_long_dash(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}')
}

#[cfg(test)]
mod tests {
    use super::complaint;

    fn complaint_of(words: &str) -> Option<String> {
        complaint(words.split(' ').map(Into::into))
    }

    #[test]
    fn a_flag_with_a_long_dash_is_answered_with_the_right_spelling() {
        for (words, right) in [
            ("test –-nemesis partition", "write --nemesis ("),
            ("test —nemesis=partition", "write --nemesis=partition ("),
            ("test ––rate 5", "write --rate ("),
            ("test −w echo", "write -w ("),
            ("test --rate −5", "write -5 ("),
            ("test ‐-rate 5", "write --rate ("),
            ("‑‑quiet", "write --quiet ("),
            ("test –- x", "write -- ("),
        ] {
            let complaint = complaint_of(words).expect(words);
            assert!(complaint.contains(right), "{words}: {complaint}");
        }
    }

    #[test]
    fn values_and_arguments_of_the_node_may_have_any_dash() {
        for words in [
            "test --nemesis partition",
            "test -w echo",
            "test --bin a–b",
            "test -- –-nemesis",
            "",
        ] {
            assert_eq!(complaint_of(words), None, "{words}");
        }
    }
}
