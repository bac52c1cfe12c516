//! Numbers and names as tables and pages show them.

use history::text::is_hidden;

/// A number that a table has room for.
pub fn number(number: f64) -> String {
    if number.abs() < WIDE {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

/// From here on a number has more digits than anybody reads.
pub const WIDE: f64 = 1e15;

/// A text on one line with a mark for each letter that is not seen, or turns others around: for
/// names and commands, in which the spelling of such a letter would be part of them.
pub fn marked(text: &str) -> String {
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
    use super::marked;

    #[test]
    fn what_cannot_be_seen_is_marked() {
        let mark = '\u{fffd}';
        let text = "a\n\u{202e}\u{200b}\u{2028}名 \u{1b}b";
        assert_eq!(marked(text), format!("a{mark}{mark}{mark}{mark}名 {mark}b"));
    }
}
