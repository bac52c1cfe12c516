//! What is reported of tests and campaigns: to a person in the terminal, as JSON, as cases for JUnit,
//! and as Markdown for GitHub.

mod budgets;
mod campaign;
mod cases;
mod failed_requests;
mod github;
mod sequence;
mod test_report;

use checkers::Validity;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use history::text::visible;

pub use budgets::{BudgetResult, budget_results};
pub use campaign::{campaign, failure, report_campaign, seed_count, seed_ranges};
pub use cases::{Case, CaseResult, Failure, Report};
pub use failed_requests::failed_requests;
pub use github::{annotations, markdown};
pub use sequence::sequence;
pub use test_report::TestReport;

/// How many columns a table has at most where there is no terminal.
const MAX_TABLE: u16 = 80;

/// How many characters of a line are shown.
const MAX_LINE: usize = 500;

/// Maelstrom's last line, which scripts look for.
pub fn closing(valid: Validity) -> &'static str {
    match valid {
        Validity::Valid => "Everything looks good! ヽ(‘ー`)ノ",
        Validity::Unknown => "Errors occurred during analysis, but no anomalies found. ಠ~ಠ",
        Validity::Invalid => "Analysis invalid! (ﾉಥ益ಥ）ﾉ ┻━┻",
    }
}

/// An empty table, which is narrowed to so many columns as soon as they are set.
pub fn table() -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(MAX_TABLE);
    table
}

/// A text whose lines are cut where they are too long to be read: nodes may print anything.
pub fn cut(text: &str) -> String {
    let lines = text.lines().map(|line| cut_line(line, MAX_LINE));
    lines.collect::<Vec<_>>().join("\n")
}

/// The first `max` characters of a line, and how long it is.
fn cut_line(line: &str, max: usize) -> String {
    match line.char_indices().nth(max) {
        Some((end, _)) => format!("{}… ({} bytes)", visible(&line[..end]), line.len()),
        None => visible(line),
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn control_characters_of_nodes_do_not_reach_the_terminal() {
        assert_eq!(
            cut("a\u{1b}[2Jb\u{9b}c\r\n\td"),
            "a\\u{1b}[2Jb\\u{9b}c\n\td"
        );
    }
}
