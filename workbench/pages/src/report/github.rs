//! Reports for GitHub's runners: a table in Markdown for the summary of a step, and a line that
//! makes an annotation of a failure.

use std::fmt::Write;

use super::{Case, Failure, Report};
use history::text::shortened;

/// How much of an annotation is shown: GitHub cuts what is longer than 64 KB, and people sooner.
const SHOWN: usize = 4_000;

/// A table of all reports, and below it what failed.
pub fn markdown(title: &str, reports: &[Report]) -> String {
    let mut text = format!("\n### {}\n\n", cell(title));
    text.push_str("| | verdict | measured | seed | again |\n| --- | --- | --- | --- | --- |\n");
    for report in reports {
        let mark = if report.has_passed() { "✓" } else { "✗" };
        let required = report.budgets.iter().filter(|it| it.is_required());
        let budgets = required.map(|budget| {
            let mark = if budget.is_met { "" } else { " ✗" };
            let (label, measured) = (budget.label(), budget.measured());
            cell(&format!("{label}: {measured}, {}{mark}", budget.bounds()))
        });
        let _ = writeln!(
            text,
            "| {} | {mark} {} | {} | {} | <code>{}</code> |",
            cell(&report.name),
            cell(&report.verdict),
            budgets.collect::<Vec<_>>().join("<br>"),
            cell(&report.seed),
            cell(&report.command),
        );
    }
    text.push('\n');
    for report in reports {
        for (case, failure) in report.failures() {
            let message = cell(&shortened(&failure.message, SHOWN));
            let name = cell(&format!("{}, {}", report.name, case.name));
            let _ = writeln!(text, "- **{name}**: {message}");
        }
    }
    text
}

/// The lines that make annotations of everything that failed.
pub fn annotations(report: &Report) -> Vec<String> {
    let line = |(case, failure): (&Case, &Failure)| {
        let title = format!("{}: {}", report.name, case.name);
        let text = format!(
            "{}\nagain: {}",
            shortened(&failure.message, SHOWN),
            report.command
        );
        format!("::error title={}::{}", property(&title), message(&text))
    };
    report.failures().map(line).collect()
}

/// Text in a table's cell, where no character of it means anything.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for char in text.trim().chars() {
        match char {
            '\n' => cell.push_str("<br>"),
            '<' => cell.push_str("&lt;"),
            '>' => cell.push_str("&gt;"),
            '&' => cell.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '$' => cell.extend(['\\', char]),
            char if char.is_control() => cell.push(' '),
            char => cell.push(char),
        }
    }
    cell
}

/// The text of a command to the runner.
fn message(text: &str) -> String {
    let escaped = text.replace('%', "%25");
    escaped.replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command to the runner.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::cases::tests::failed;
    use super::*;

    const HOSTILE: &str = "a|b\r\n::error::x <img src=1> `c` 100%, | --- |\u{1b}[0m\n- d";

    #[test]
    fn no_text_breaks_out_of_its_cell() {
        let text = markdown("workbench test", &[failed(HOSTILE), failed("plain")]);
        let rows: Vec<&str> = text.lines().filter(|it| it.starts_with('|')).collect();
        assert_eq!(rows.len(), 4, "{text}");
        for row in rows {
            let bars = row.replace("\\|", "").matches('|').count();
            assert_eq!(bars, 6, "{row}");
        }
        assert!(!text.contains("<img") && !text.contains('\u{1b}'), "{text}");
        assert_eq!(text.lines().filter(|it| it.starts_with("- ")).count(), 4);
        assert!(text.contains("max latency, ms: 900, &lt; 600 (official)"));
    }

    #[test]
    fn an_annotation_is_one_line_whatever_it_says() {
        let lines = annotations(&failed(HOSTILE));
        assert_eq!(lines.len(), 2);
        for line in lines {
            assert!(!line.contains(['\r', '\n']), "{line}");
            let (title, text) = line["::error title=".len()..].split_once("::").unwrap();
            assert!(!title.contains([':', ',']), "{title}");
            assert!(
                title.contains("100%25%2C") && text.contains("100%25,"),
                "{line}"
            );
            assert!(text.contains("%0Aagain: a|b%0D%0A"), "{line}");
        }
    }
}
