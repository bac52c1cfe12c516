//! What a person sees in the terminal.

mod campaign;
mod sequence;
mod vain;

use clojure_reader::edn::Edn;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use crate::challenge::{Bar, Budget, Trial};
use crate::checker::Validity;
use crate::history::{Kind, Op};
use crate::test::Outcome;

pub use campaign::{campaign, failure};
pub use sequence::sequence;

/// How many incidents or findings are told before the rest is only counted.
const TOLD: usize = 12;

/// How much of a line is shown.
const SHOWN: usize = 500;

/// What one run of a challenge came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The verdict on its history.
    pub valid: Validity,
    /// A number for each of the test's budgets, where the results have one.
    pub measured: Vec<Option<f64>>,
}

/// A number for each of the test's budgets, from a result map of ours or of Maelstrom's.
pub fn measure(trial: &Trial, results: &Edn<'_>) -> Vec<Option<f64>> {
    trial
        .budgets
        .iter()
        .map(|budget| budget.metric.measure(results))
        .collect()
}

/// One line about a validity.
pub fn verdict(valid: Validity) -> &'static str {
    match valid {
        Validity::Valid => "valid",
        Validity::Unknown => "unknown",
        Validity::Invalid => "invalid",
    }
}

/// Maelstrom's last line, which scripts look for.
pub fn closing(valid: Validity) -> &'static str {
    match valid {
        Validity::Valid => "Everything looks good! ヽ(‘ー`)ノ",
        Validity::Unknown => "Errors occurred during analysis, but no anomalies found. ಠ~ಠ",
        Validity::Invalid => "Analysis invalid! (ﾉಥ益ಥ）ﾉ ┻━┻",
    }
}

/// Everything about a single test's outcome that a person should read.
pub fn summary(outcome: &Outcome) -> String {
    let mut lines = Vec::new();
    let record = &outcome.record;
    tell(
        &mut lines,
        record.incidents.iter().map(ToString::to_string),
        "more of the kind",
    );
    if let Some(crash) = &record.crash {
        lines.push(format!("the run broke off: {crash}"));
    }
    if let Some(verdict) = &outcome.verdict {
        tell(
            &mut lines,
            verdict.findings.iter().cloned(),
            "more findings",
        );
        if verdict.valid != Validity::Valid {
            let node_of = |process| outcome.settings.node_of(process);
            let remarks = vain::requests_in_vain(&record.history, node_of);
            tell(&mut lines, remarks.into_iter(), "more of the kind");
        }
    }
    if !lines.is_empty() {
        lines.push(format!("nodes' logs: {}", outcome.folder.logs().display()));
    }
    lines.push(counts(outcome));
    lines.push(format!("kept in {}", outcome.folder.path().display()));
    lines.join("\n")
}

fn tell(lines: &mut Vec<String>, remarks: impl ExactSizeIterator<Item = String>, rest: &str) {
    let count = remarks.len();
    lines.extend(remarks.take(TOLD).map(|remark| cut(&remark)));
    if count > TOLD {
        lines.push(format!("… and {} {rest}", count - TOLD));
    }
}

/// A remark without the rest of lines that are too long to be read: nodes may print anything.
pub fn cut(remark: &str) -> String {
    let lines = remark.lines().map(|line| cut_to(line, SHOWN));
    lines.collect::<Vec<String>>().join("\n")
}

/// The beginning of a line.
fn cut_to(line: &str, shown: usize) -> String {
    match line.char_indices().nth(shown) {
        Some((end, _)) => format!("{}… ({} bytes)", &line[..end], line.len()),
        None => line.to_owned(),
    }
}

fn counts(outcome: &Outcome) -> String {
    let record = &outcome.record;
    let of = |kind| {
        let is_client = |op: &&Op| op.process.client().is_some();
        record
            .history
            .ops
            .iter()
            .filter(is_client)
            .filter(move |op| op.kind == kind)
    };
    let last = record.history.ops.last().map_or(0.0, Op::seconds);
    let clients = record.statistics.clients().sent;
    let servers = record.statistics.servers().sent;
    format!(
        "{} operations in {last:.1} s ({} ok, {} failed, {} unknown); \
         messages: {clients} with clients, {servers} among servers",
        of(Kind::Invoke).count(),
        of(Kind::Ok).count(),
        of(Kind::Fail).count(),
        of(Kind::Info).count(),
    )
}

/// The table of what must hold and what was measured, and whether all of it holds. Of several runs
/// each must be valid, and the medians must keep the budgets.
pub fn table(trial: &Trial, scores: &[Score], bar: Bar) -> (Table, bool) {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["what must hold", "measured", "official", "our bar", ""]);
    let worst = scores
        .iter()
        .map(|score| score.valid)
        .max()
        .unwrap_or(Validity::Unknown);
    let valid = scores
        .iter()
        .filter(|score| score.valid == Validity::Valid)
        .count();
    let measured = match scores {
        [one] => verdict(one.valid).to_owned(),
        several => format!("{valid} of {} valid", several.len()),
    };
    let mut all = worst == Validity::Valid;
    table.add_row(["history", &measured, "valid", "valid", mark(all)]);
    for (place, budget) in trial.budgets.iter().enumerate() {
        let numbers: Option<Vec<f64>> = scores.iter().map(|score| score.measured[place]).collect();
        let row = Row::new(*budget, numbers.unwrap_or_default(), bar);
        all &= row.holds;
        table.add_row(row.cells());
    }
    for column in [1, 2, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    (table, all)
}

fn mark(holds: bool) -> &'static str {
    if holds { "✓" } else { "✗ missed" }
}

struct Row {
    budget: Budget,
    /// Sorted.
    numbers: Vec<f64>,
    holds: bool,
}

impl Row {
    fn new(budget: Budget, mut numbers: Vec<f64>, bar: Bar) -> Self {
        numbers.sort_by(f64::total_cmp);
        let median = median(&numbers);
        let keeps = |bound: crate::challenge::Bound| median.is_some_and(|it| bound.holds(it));
        let holds = budget.bounds(bar).all(keeps);
        Row {
            budget,
            numbers,
            holds,
        }
    }

    fn cells(&self) -> [String; 5] {
        let show = |number: f64| self.budget.metric.show(number);
        let measured = match (&self.numbers[..], median(&self.numbers)) {
            ([first, .., last], Some(median)) => {
                format!("{} ({} … {})", show(median), show(*first), show(*last))
            }
            (_, Some(only)) => show(only),
            (_, None) => "nothing to measure".to_owned(),
        };
        let bound = |bound: Option<crate::challenge::Bound>| {
            bound.map_or_else(|| "–".to_owned(), |bound| bound.to_string())
        };
        [
            self.budget.metric.label().to_owned(),
            measured,
            bound(self.budget.official),
            bound(self.budget.ours),
            mark(self.holds).to_owned(),
        ]
    }
}

/// The middle one of sorted numbers, the lower one of two.
fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::ALL;

    fn score(valid: Validity, numbers: [Option<f64>; 3]) -> Score {
        Score {
            valid,
            measured: numbers.to_vec(),
        }
    }

    fn broadcast_3d() -> &'static Trial {
        let challenge = ALL.iter().find(|it| it.name == "broadcast-3d");
        &challenge.unwrap().trials[0]
    }

    fn check(scores: &[Score], bar: Bar, holds: bool) {
        let (table, all) = table(broadcast_3d(), scores, bar);
        assert_eq!(all, holds, "{table}");
    }

    #[test]
    fn our_bar_is_stricter_than_the_official_one() {
        let scores = [score(
            Validity::Valid,
            [Some(7.0), Some(300.0), Some(599.0)],
        )];
        check(&scores, Bar::Official, true);
        check(&scores, Bar::Ours, false);
    }

    #[test]
    fn every_run_must_be_valid_and_the_medians_must_keep_the_budgets() {
        let good = score(Validity::Valid, [Some(1.2), Some(300.0), Some(500.0)]);
        let slow = score(Validity::Valid, [Some(1.2), Some(300.0), Some(900.0)]);
        let lost = score(Validity::Invalid, [Some(1.2), Some(300.0), Some(500.0)]);
        check(&[good.clone(), good.clone(), slow.clone()], Bar::Ours, true);
        check(&[good.clone(), slow.clone(), slow], Bar::Ours, false);
        check(&[good.clone(), good, lost], Bar::Ours, false);
    }

    #[test]
    fn what_cannot_be_measured_is_missed() {
        check(
            &[score(Validity::Valid, [Some(1.0), None, None])],
            Bar::Official,
            false,
        );
    }
}
