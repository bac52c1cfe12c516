//! Formats numbers and names for tables and pages.

use std::time::Duration;

use history::text::is_hidden;

/// `interrupted at 3.4 s`, of a time since time zero.
pub fn interrupted(at: Duration) -> String {
    format!("interrupted at {:.1} s", at.as_secs_f64())
}

/// Formats a number so that it fits a table.
pub fn format_number(number: f64) -> String {
    if number.abs() < MIN_SCIENTIFIC {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

/// Makes a text the beginning of a sentence. The name of a node stays as it is.
pub fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let is_name = text.chars().nth(1).is_some_and(|it| it.is_ascii_digit());
    match chars.next() {
        Some(first) if !is_name => first.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// Numbers from here on are shown with an exponent, as they would have too many digits.
pub const MIN_SCIENTIFIC: f64 = 1e15;

/// Replaces characters that are invisible, end a line or change the direction of writing by
/// `U+FFFD`. This is for names and commands, in which an escape sequence would look like a part of
/// them.
pub fn marked(text: &str) -> String {
    let is_zero_width =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let ends_line = |c: char| matches!(c, '\n' | '\t' | '\u{2028}' | '\u{2029}');
    let mark = |c: char| {
        if is_hidden(c) || is_zero_width(c) || ends_line(c) {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::marked;

    #[test]
    fn invisible_characters_are_marked() {
        let mark = '\u{fffd}';
        let text = "a\n\u{202e}\u{200b}\u{2028}名 \u{1b}b";
        assert_eq!(marked(text), format!("a{mark}{mark}{mark}{mark}名 {mark}b"));
    }
}
