//! Tables on the report page.

use askama::Template;

/// Maximum number of rows; the files of the run have the rest.
const MAX_ROWS: usize = 200;

/// A table whose first column names the rows.
#[derive(Template)]
#[template(path = "table.html")]
pub(super) struct Table {
    caption: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Number of rows that are not shown.
    left_out: usize,
    /// Whether all columns but the first contain numbers.
    is_numeric: bool,
}

impl Table {
    pub(super) fn new(caption: &str, head: &[&str], mut rows: Vec<Vec<String>>) -> Self {
        let left_out = rows.len().saturating_sub(MAX_ROWS);
        rows.truncate(MAX_ROWS);
        Table {
            caption: caption.to_owned(),
            head: head.iter().map(ToString::to_string).collect(),
            rows,
            left_out,
            is_numeric: true,
        }
    }

    /// Makes the columns text instead of numbers.
    pub(super) fn of_text(self) -> Self {
        Table {
            is_numeric: false,
            ..self
        }
    }
}
