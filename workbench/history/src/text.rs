//! Texts for display: escaping and shortening of nodes' output, suggestions for misspelled names.

/// How similar two names must be for one to be suggested for the other. It is clap's own threshold,
/// so that flags and other names are suggested alike.
const MIN_SIMILARITY: f64 = 0.7;

/// Escapes characters that control a terminal, change the direction of writing, or are not allowed
/// in XML. Line breaks and tabs stay.
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

/// Escapes line breaks, too, for quoting within another text: a further line would look like our
/// own output, or be taken as a command by a CI runner that parses it.
pub fn quoted(text: &str) -> String {
    visible(text).replace('\n', "\\n")
}

/// Cuts a text after `max_chars` characters and escapes it as [`visible`] does.
pub fn shortened(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", visible(&text[..end])),
        None => visible(text),
    }
}

/// Whether a character controls a terminal, changes the direction of writing, or is not allowed in
/// XML.
pub fn is_hidden(c: char) -> bool {
    let is_control = c.is_control() && !matches!(c, '\n' | '\t');
    let is_direction = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_control || is_direction || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// The message for an unknown name: the most similar known name, if any, and all known names.
pub fn unknown_name(kind: &str, name: &str, known: &[&str]) -> String {
    let suggestion = nearest(name, known).map(|it| format!(": did you mean {it}?"));
    let suggestion = suggestion.unwrap_or_else(|| ";".to_owned());
    format!(
        "there is no {kind} {name:?}{suggestion} there are {}",
        known.join(", ")
    )
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let similar = known.iter().map(|it| (strsim::jaro(name, it), *it));
    let similar = similar.filter(|(similarity, _)| *similarity > MIN_SIMILARITY);
    let nearest = similar.max_by(|one, other| one.0.total_cmp(&other.0));
    nearest.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_escaped() {
        assert_eq!(visible("a\u{1b}[31mb\nc\td"), "a\\u{1b}[31mb\nc\td");
        assert_eq!(visible("\u{202e}x\u{ffff}"), "\\u{202e}x\\u{ffff}");
        assert_eq!(shortened("änderung", 3), "änd…");
        assert_eq!(shortened("än", 3), "än");
        assert_eq!(quoted("no\r\n::x\u{7}"), "no\\r\\n::x\\u{7}");
    }

    #[test]
    fn a_misspelled_name_gets_a_suggestion() {
        let known = ["partition", "loss", "pause", "kill"];
        for (name, expected) in [
            ("partiton", Some("partition")),
            ("los", Some("loss")),
            ("kil", Some("kill")),
            ("tango", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &known), expected, "{name}");
        }
        let message = unknown_name("fault", "partiton", &known);
        assert!(message.contains("did you mean partition? there are partition, loss"));
        assert!(unknown_name("fault", "x", &known).contains("\"x\"; there are partition"));
    }
}
