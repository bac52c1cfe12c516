//! A run as text, for a row of the list or a column of the comparison.

use crate::runs::{KeptRun, MEASURED, RunStatus};
use crate::url::href;
use pages::budget::Metric;
use pages::text::marked;

/// A run as text.
pub(super) struct Row {
    /// Encoded as in a URL.
    pub(super) path: String,
    pub(super) title: String,
    pub(super) start: String,
    pub(super) workload: String,
    pub(super) challenge: String,
    pub(super) status: &'static str,
    pub(super) class: &'static str,
    pub(super) stage: String,
    /// The name of the program's file, with its arguments; empty for our own nodes.
    pub(super) program: String,
    /// The flags of the run, without those that are shown otherwise.
    pub(super) flags: Vec<String>,
    pub(super) duration: String,
    pub(super) seed: String,
    pub(super) operations: String,
    pub(super) figures: Vec<String>,
    pub(super) is_budget_missed: bool,
    pub(super) report: Option<String>,
    pub(super) files: String,
    pub(super) zip: String,
}

impl Row {
    pub(super) fn new(run: &KeptRun) -> Self {
        let option = |name| run.option(name).map_or_else(String::new, marked);
        let folder = href("/run/", &run.folder.path);
        let is_budget_missed = run.results.budgets.iter().any(|budget| !budget.holds);
        let show = |metric| Some(format_figure(metric, run.results.measured.get(metric)?));
        Row {
            path: href("", &run.folder.path),
            title: format!("{} {}", marked(&run.workload), marked(&run.folder.start)),
            start: marked(&run.folder.start),
            workload: marked(&run.workload),
            challenge: option("challenge"),
            status: run.status.name(),
            class: match run.status {
                // Amber, as not everything is as it should be.
                RunStatus::Valid if is_budget_missed => "unknown",
                RunStatus::Valid => "valid",
                RunStatus::Unknown => "unknown",
                RunStatus::Invalid => "invalid",
                RunStatus::Unfinished | RunStatus::Unreadable => "broken",
            },
            stage: option("stage"),
            program: run.option("program").map_or_else(String::new, program),
            flags: run.option("command").map_or_else(Vec::new, flags),
            duration: match run.results.seconds {
                Some(seconds) => format!("{seconds:.1} s"),
                None => String::new(),
            },
            seed: option("seed"),
            operations: match run.results.operations {
                Some(operations) => operations.count.to_string(),
                None => String::new(),
            },
            figures: MEASURED.into_iter().filter_map(show).collect(),
            is_budget_missed,
            report: run.has_report.then(|| format!("{folder}/report.html")),
            files: format!("{folder}/"),
            zip: href("/zip/", &run.folder.path),
        }
    }
}

/// The program of a run, from its path or the list of its path and arguments.
fn program(option: &str) -> String {
    let list = serde_json::from_str::<Vec<String>>(option);
    let mut words = list.unwrap_or_else(|_| vec![option.to_owned()]);
    if let Some(path) = words.first_mut() {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        *path = name.to_owned();
    }
    marked(&words.join(" "))
}

/// Flags that the list shows otherwise, and whether a value follows.
const SHOWN_OTHERWISE: [(&str, bool); 7] = [
    ("--bin", true),
    ("--seed", true),
    ("--simulate", false),
    ("--store", true),
    ("--workload", true),
    ("-w", true),
    ("--runs", true),
];

/// The flags in the command of a run, each with its value.
fn flags(command: &str) -> Vec<String> {
    let words = words(command);
    let mut words = words.iter().skip_while(|word| !word.starts_with('-'));
    let mut kept: Vec<String> = Vec::new();
    while let Some(word) = words.next() {
        match SHOWN_OTHERWISE.iter().find(|(flag, _)| flag == word) {
            Some((_, true)) => drop(words.next()),
            Some((_, false)) => {}
            None => match kept.last_mut() {
                Some(flag) if !word.starts_with('-') => *flag += &format!(" {}", marked(word)),
                _ => kept.push(marked(word)),
            },
        }
    }
    kept
}

/// Splits a command at its spaces, except those in quotes.
fn words(command: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let words = command.split(|c: char| {
        is_quoted ^= c == '\'';
        c == ' ' && !is_quoted
    });
    words.collect()
}

/// Formats a figure with its name and unit.
fn format_figure(metric: Metric, number: f64) -> String {
    let (name, unit) = match metric.label().split_once(", ") {
        Some((name, unit)) => (name, format!(" {unit}")),
        None => (metric.label(), String::new()),
    };
    format!("{name} {}{unit}", metric.show(number))
}

#[cfg(test)]
mod tests {
    use super::{flags, program};

    #[test]
    fn flags_are_those_that_no_column_shows() {
        let check = |command: &str, expected: &str| assert_eq!(flags(command).join("; "), expected);
        check("workbench challenge broadcast-3d --simulate --seed 1", "");
        check(
            "./workbench test --workload echo --bin './my node' --rate 5 --nemesis kill --seed 7",
            "--rate 5; --nemesis kill",
        );
        check(
            "workbench test -w echo --topology 'a b'",
            "--topology 'a b'",
        );
        check("", "");
    }

    #[test]
    fn a_program_is_shown_by_the_name_of_its_file() {
        assert_eq!(program("/home/me/node.py"), "node.py");
        assert_eq!(program("[\"/home/me/node\",\"--fast\"]"), "node --fast");
        assert_eq!(program(""), "");
    }
}
