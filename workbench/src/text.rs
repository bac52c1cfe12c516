//! Texts that nodes may have written, on their way to a person.

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
    use super::{marked, shortened, visible};

    #[test]
    fn what_cannot_be_seen_is_spelled() {
        assert_eq!(visible("a\u{1b}[31mb\nc\td"), "a\\u{1b}[31mb\nc\td");
        assert_eq!(visible("\u{202e}x\u{ffff}"), "\\u{202e}x\\u{ffff}");
        assert_eq!(shortened("änderung", 3), "änd…");
        assert_eq!(shortened("än", 3), "än");
        let mark = '\u{fffd}';
        let text = "a\n\u{202e}\u{200b}\u{2028}名 \u{1b}b";
        assert_eq!(marked(text), format!("a{mark}{mark}{mark}{mark}名 {mark}b"));
    }
}
