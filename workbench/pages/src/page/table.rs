//! A table of a page.

use askama::Template;

/// Rows that a page shows at most; the run's files have the rest.
const MOST_ROWS: usize = 200;

/// A table: the first column names its rows.
#[derive(Template)]
#[template(path = "table.html")]
pub(super) struct Table {
    caption: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    /// How many rows are not shown.
    left_out: usize,
    /// Whether all columns but the first are numbers.
    is_of_numbers: bool,
}

impl Table {
    pub(super) fn new(caption: &str, head: &[&str], mut rows: Vec<Vec<String>>) -> Self {
        let left_out = rows.len().saturating_sub(MOST_ROWS);
        rows.truncate(MOST_ROWS);
        Table {
            caption: caption.to_owned(),
            head: head.iter().map(ToString::to_string).collect(),
            rows,
            left_out,
            is_of_numbers: true,
        }
    }

    /// The same, if columns hold words.
    pub(super) fn of_words(self) -> Self {
        Table {
            is_of_numbers: false,
            ..self
        }
    }
}
