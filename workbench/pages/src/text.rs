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

/// A whole number with commas between its thousands: `1,234`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of things: `1 run`, `1,234 runs`.
pub fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(number))
}

/// A measured number that is not negative, in about three digits: `0.25`, `3.5`, `1,234`.
pub fn rounded(number: f64) -> String {
    match number {
        _ if number >= MIN_SCIENTIFIC => format!("{number:.3e}"),
        ..1.0 => format!("{number:.2}"),
        1.0..10.0 => format!("{number:.1}"),
        _ => grouped(number.round() as u64),
    }
}

/// A time with one unit: `20 s`, `3 min`, `1.5 h`.
pub fn duration(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds @ ..90.0 => format!("{seconds:.0} s"),
        seconds @ ..5400.0 => format!("{:.0} min", seconds / 60.0),
        seconds @ ..360_000.0 => format!("{:.1} h", seconds / 3600.0),
        seconds => format!("{} h", rounded(seconds / 3600.0)),
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
    use std::time::Duration;

    use super::{counted, duration, grouped, marked, rounded};

    #[test]
    fn numbers_are_grouped_and_rounded_and_nouns_agree_with_them() {
        let grouped = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(grouped, ["0", "999", "1,000", "12,345", "1,234,567"]);
        let counted = [0, 1, 2, 1_000].map(|it| counted(it, "run"));
        assert_eq!(counted, ["0 runs", "1 run", "2 runs", "1,000 runs"]);
        let rounded = [0.254, 3.52, 34.56, 1_234.5, 1e300].map(rounded);
        assert_eq!(rounded, ["0.25", "3.5", "35", "1,235", "1.000e300"]);
        let times = [0, 89, 119, 7_300, 4_000_000].map(Duration::from_secs);
        assert_eq!(
            times.map(duration),
            ["0 s", "89 s", "2 min", "2.0 h", "1,111 h"]
        );
    }

    #[test]
    fn invisible_characters_are_marked() {
        let mark = '\u{fffd}';
        let text = "a\n\u{202e}\u{200b}\u{2028}名 \u{1b}b";
        assert_eq!(marked(text), format!("a{mark}{mark}{mark}{mark}名 {mark}b"));
    }
}
