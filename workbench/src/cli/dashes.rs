//! Long dashes in place of hyphens. Pages and word processors turn `--nemesis` into `–-nemesis` or
//! `—nemesis`, which is no flag: with Maelstrom it becomes an argument of the node, all that
//! follows it too, and the test passes without any partition.

use std::ffi::OsString;

/// What is wrong with the first argument before `--` that begins with a long dash, and how it is
/// spelled right.
pub(super) fn complaint(arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let mut own = arguments.take_while(|argument| argument != "--");
    own.find_map(|argument| complaint_of(&argument.to_string_lossy()))
}

fn complaint_of(argument: &str) -> Option<String> {
    let dash = argument.chars().next().filter(|c| is_long_dash(*c))?;
    let word = argument.trim_start_matches(|c| c == '-' || is_long_dash(c));
    let name = word.split('=').next().unwrap_or_default();
    // Of the flags only those of one letter have one hyphen; numbers have one as well.
    let is_short = name.chars().count() == 1 || name.starts_with(|c: char| c.is_ascii_digit());
    let hyphens = if is_short { "-" } else { "--" };
    let code = u32::from(dash);
    Some(format!(
        "{argument:?} begins with {dash:?} (U+{code:04X}), a long dash: write {hyphens}{word} \
         (an argument of the node stands behind --)"
    ))
}

/// Whether this is a dash, a hyphen or a minus sign, but not the one of ASCII.
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
    fn the_right_spelling_of_a_flag_with_a_long_dash_is_named() {
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
    fn other_arguments_and_those_of_the_node_may_have_any_dash() {
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
