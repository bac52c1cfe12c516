//! Colours of plots and pages, in a light and a dark scheme.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// A colour by its purpose. `templates/base.css` has the same colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Color {
    /// Background.
    Paper,
    /// Text.
    Ink,
    /// Explanatory text.
    Faint,
    /// Grid and borders.
    Line,
    /// Valid or ok.
    Good,
    /// Unknown or indeterminate.
    Doubt,
    /// Invalid or failed.
    Bad,
    /// Faults.
    Nemesis,
    /// One of several series: eight colours, used cyclically.
    Series(usize),
}

/// Colours with their names in the style sheet, in the light and the dark scheme.
const COLORS: [(&str, u32, u32); 16] = [
    ("paper", 0xff_ffff, 0x14_171b),
    ("ink", 0x1b_1f24, 0xe6_e9ed),
    ("faint", 0x5d_6672, 0x9a_a4b0),
    ("line", 0xd4_d9df, 0x38_3f48),
    ("good", 0x1a_7f4b, 0x4c_c38a),
    ("doubt", 0xa1_5c00, 0xf0_b04c),
    ("bad", 0xc0_2537, 0xff_7b86),
    ("nemesis", 0xc0_2537, 0xff_7b86),
    ("series-1", 0x1f_6fb4, 0x6c_b2f0),
    ("series-2", 0xc4_570c, 0xf5_9a57),
    ("series-3", 0x1a_7f4b, 0x4c_c38a),
    ("series-4", 0x8b_3fb0, 0xc9_8be6),
    ("series-5", 0xa8_7900, 0xe0_b23c),
    ("series-6", 0x00_808a, 0x43_c2cc),
    ("series-7", 0xb8_326f, 0xf0_7fb0),
    ("series-8", 0x59_636e, 0xa3_aeba),
];

/// Dashes and gaps of lines, in pixels.
const DASHES: [&str; 8] = [
    "",
    "9 4",
    "2 3",
    "9 3 2 3",
    "16 4",
    "5 3",
    "12 3 2 3 2 3",
    "1 5",
];

/// Index of the first series in the list.
const FIRST_SERIES: usize = 8;

impl Color {
    fn light(self) -> u32 {
        let index = match self {
            Color::Paper => 0,
            Color::Ink => 1,
            Color::Faint => 2,
            Color::Line => 3,
            Color::Good => 4,
            Color::Doubt => 5,
            Color::Bad => 6,
            Color::Nemesis => 7,
            Color::Series(number) => FIRST_SERIES + number % (COLORS.len() - FIRST_SERIES),
        };
        COLORS[index].1
    }

    /// The light colour in hexadecimal: `#1F6FB4`.
    pub fn hex(self) -> String {
        format!("#{:06X}", self.light())
    }

    /// The dashes of a line in this colour, by which it is distinguished from others without the colour.
    pub(super) fn dashes(self) -> &'static str {
        match self {
            Color::Bad => DASHES[1],
            Color::Doubt => DASHES[2],
            Color::Series(number) => DASHES[number % DASHES.len()],
            _ => DASHES[0],
        }
    }
}

/// The style sheet that replaces the colours of a plot where a dark scheme is preferred.
pub fn dark_style() -> String {
    let mut rules = String::from("@media (prefers-color-scheme: dark) {");
    for (_, light, dark) in COLORS {
        for attribute in ["fill", "stroke"] {
            let _ = write!(
                rules,
                " .plot [{attribute}=\"#{light:06X}\"] {{ {attribute}: #{dark:06x} }}"
            );
        }
    }
    rules + " }"
}

#[cfg(test)]
mod tests {
    use super::COLORS;

    #[test]
    fn plots_and_pages_have_the_same_colours() {
        let css = include_str!("../../templates/base.css");
        let (light, dark) = css.split_once("prefers-color-scheme: dark").unwrap();
        for (name, light_color, dark_color) in COLORS {
            for (part, color) in [(light, light_color), (dark, dark_color)] {
                let rule = format!("--{name}: #{color:06x};");
                assert!(part.contains(&rule), "base.css has no {rule}");
            }
        }
    }
}
