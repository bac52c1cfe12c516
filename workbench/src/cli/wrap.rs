//! Text in lines that fit the terminal: broken between words, and aligned with what they continue.

use console::{measure_text_width, strip_ansi_codes};

/// Breaks lines that are wider than so many columns. Words stay whole, even if they are wider; colours
/// have no width.
pub(super) fn wrap(text: &str, width: usize) -> String {
    let lines = text.split('\n').map(|line| {
        if measure_text_width(line) <= width {
            line.to_owned()
        } else {
            wrap_line(line, width)
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn wrap_line(line: &str, width: usize) -> String {
    let indent = continuation_indent(&strip_ansi_codes(line), width);
    let mut wrapped = String::with_capacity(line.len() + line.len() / 8);
    let mut column = 0;
    let mut words = line.split(' ').enumerate().peekable();
    while let Some((index, word)) = words.next() {
        let word_width = measure_text_width(word);
        // A default value is not torn from what it is.
        let next = words.peek().filter(|_| word == "[default:");
        let kept = next.map_or(0, |(_, next)| measure_text_width(next) + 1);
        let is_full = column + 1 + word_width + kept > width;
        if index > 0 && is_full && word_width > 0 && column > indent {
            wrapped.truncate(wrapped.trim_end_matches(' ').len());
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent));
            column = indent;
        } else if index > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += word_width;
    }
    wrapped
}

/// The column at which the rest of a line continues: that of its text, or of the second column where
/// the line is a row of two, as in a list of flags.
fn continuation_indent(line: &str, width: usize) -> usize {
    let text = line.trim_start_matches(' ');
    let start = line.len() - text.len();
    if start == 0 {
        return 0;
    }
    let gap = text.find("  ").map(|gap| {
        let spaces = text[gap..].len() - text[gap..].trim_start_matches(' ').len();
        start + text[..gap].chars().count() + spaces
    });
    let item = text.starts_with("- ").then_some(start + 2);
    // A narrow second column has no room for words.
    let second = gap.filter(|column| column * 2 <= width);
    second.or(item).unwrap_or(match gap {
        Some(_) => start + 4,
        None => start,
    })
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[track_caller]
    fn check(text: &str, width: usize, wrapped: &str) {
        assert_eq!(wrap(text, width), wrapped);
    }

    #[test]
    fn lines_are_broken_between_words() {
        check("one two three", 13, "one two three");
        check("one two three", 12, "one two\nthree");
        check("one two\nthree four", 8, "one two\nthree\nfour");
        check("an-unbreakable-word two", 5, "an-unbreakable-word\ntwo");
        check("", 5, "");
        check("one [default: 7]", 13, "one\n[default: 7]");
    }

    #[test]
    fn the_rest_is_aligned_with_the_text_or_with_the_second_column() {
        check("    one two three", 12, "    one two\n    three");
        check("  -a  one two three", 14, "  -a  one two\n      three");
        check("  -a, --all  one two", 15, "  -a, --all\n      one two");
        check("  - a: one two three", 14, "  - a: one two\n    three");
    }

    #[test]
    fn colours_have_no_width() {
        let bold = "\u{1b}[1mone\u{1b}[0m two three";
        check(bold, 13, bold);
        check(bold, 12, "\u{1b}[1mone\u{1b}[0m two\nthree");
    }
}
