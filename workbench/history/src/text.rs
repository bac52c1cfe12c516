//! Texts on their way to a person: what nodes wrote, and names that were misspelled.

/// How much alike two names must be for one to be suggested for the other; as much as for clap, which
/// suggests names of flags and commands.
const ALIKE: f64 = 0.7;

/// Text in which every character is seen: those that control a terminal or turn the direction of
/// writing are spelled, and so are those that no XML document may hold. Lines and tabs stay.
pub fn visible(text: &str) -> String {
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
/// look like ours, or be taken as a command by a CI runner that parses the output.
pub fn quoted(text: &str) -> String {
    visible(text).replace('\n', "\\n")
}

/// The beginning of a text that has more letters than these, with every character seen.
pub fn shortened(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", visible(&text[..end])),
        None => visible(text),
    }
}

/// Whether a character controls a terminal, turns the direction of writing, or is none of XML's.
pub fn is_hidden(c: char) -> bool {
    let is_control = c.is_control() && !matches!(c, '\n' | '\t');
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_control || turns || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// The message for an unknown name: the known one that it resembles, if any, and all known ones.
pub fn unknown_name(kind: &str, name: &str, known: &[&str]) -> String {
    let meant = nearest(name, known).map(|it| format!(": did you mean {it}?"));
    let meant = meant.unwrap_or_else(|| ";".to_owned());
    format!(
        "there is no {kind} {name:?}{meant} there are {}",
        known.join(", ")
    )
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let alike = known.iter().map(|it| (strsim::jaro(name, it), *it));
    let alike = alike.filter(|(alike, _)| *alike > ALIKE);
    let nearest = alike.max_by(|one, other| one.0.total_cmp(&other.0));
    nearest.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelled() {
        assert_eq!(visible("a\u{1b}[31mb\nc\td"), "a\\u{1b}[31mb\nc\td");
        assert_eq!(visible("\u{202e}x\u{ffff}"), "\\u{202e}x\\u{ffff}");
        assert_eq!(shortened("änderung", 3), "änd…");
        assert_eq!(shortened("än", 3), "än");
        assert_eq!(quoted("no\r\n::x\u{7}"), "no\\r\\n::x\\u{7}");
    }

    #[test]
    fn a_name_that_is_almost_right_suggests_the_right_one() {
        let known = ["partition", "loss", "pause", "kill"];
        for (name, meant) in [
            ("partiton", Some("partition")),
            ("los", Some("loss")),
            ("kil", Some("kill")),
            ("tango", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &known), meant, "{name}");
        }
        let said = unknown_name("fault", "partiton", &known);
        assert!(said.contains("did you mean partition? there are partition, loss"));
        assert!(unknown_name("fault", "x", &known).contains("\"x\"; there are partition"));
    }
}
