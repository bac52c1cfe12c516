//! What the runs of a test came to, next to what must hold. The table in the terminal, JSON, JUnit
//! and Markdown all show these.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::budget::{Bar, Bound, Budget, Measurements};
use checkers::Validity;

/// What one run of a challenge came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The verdict on its history.
    pub valid: Validity,
    /// A number for each of the test's budgets, where the results have one.
    pub measured: Vec<Option<f64>>,
}

impl Score {
    /// A number for each of the test's budgets.
    pub fn new(valid: Validity, budgets: &[Budget], measured: &Measurements) -> Self {
        let budgets = budgets.iter();
        Score {
            valid,
            measured: budgets.map(|it| measured.get(it.metric)).collect(),
        }
    }
}

/// The runs of a test and its budgets. Of several runs each must be valid, and the medians must
/// keep the budgets.
#[derive(Debug, Clone)]
pub struct Figures {
    /// How many runs there were, and how many of them are valid.
    runs: usize,
    valid: usize,
    /// The worst verdict of all; nobody knows anything without a run.
    pub worst: Validity,
    /// A figure for each budget.
    pub budgets: Vec<Figure>,
}

/// One budget, and what was measured.
#[derive(Debug, Clone)]
pub struct Figure {
    budget: Budget,
    /// Sorted, one a run; none at all if a run has none.
    numbers: Vec<f64>,
    bar: Bar,
    /// Whether the median keeps the bounds that count.
    pub holds: bool,
}

impl Figures {
    /// Holds the scores of all runs to the budgets.
    pub fn new(budgets: &[Budget], scores: &[Score], bar: Bar) -> Self {
        let verdicts = scores.iter().map(|score| score.valid);
        let figure = |(place, budget): (usize, &Budget)| {
            let numbers = scores.iter().map(|score| score.measured[place]);
            let numbers: Option<Vec<f64>> = numbers.collect();
            Figure::new(*budget, numbers.unwrap_or_default(), bar)
        };
        Figures {
            runs: scores.len(),
            valid: verdicts.clone().filter(|it| *it == Validity::Valid).count(),
            worst: verdicts.max().unwrap_or(Validity::Unknown),
            budgets: budgets.iter().enumerate().map(figure).collect(),
        }
    }

    /// Whether all that must hold does.
    pub fn hold(&self) -> bool {
        self.worst == Validity::Valid && self.budgets.iter().all(|figure| figure.holds)
    }

    /// What all histories together are.
    pub fn history(&self) -> String {
        match self.runs {
            1 => self.worst.name().to_owned(),
            several => format!("{} of {several} valid", self.valid),
        }
    }

    /// The table of what must hold and what was measured.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(["what must hold", "measured", "official", "our bar", ""]);
        let all = mark(self.worst == Validity::Valid);
        table.add_row(["history", &self.history(), "valid", "valid", all]);
        for figure in &self.budgets {
            table.add_row(figure.cells());
        }
        for column in [1, 2, 3] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

fn mark(holds: bool) -> &'static str {
    if holds { "✓" } else { "✗ missed" }
}

impl Figure {
    fn new(budget: Budget, mut numbers: Vec<f64>, bar: Bar) -> Self {
        numbers.sort_by(f64::total_cmp);
        let median = median(&numbers);
        let keeps = |bound: Bound| median.is_some_and(|it| bound.holds(it));
        let holds = budget.bounds(bar).all(keeps);
        Figure {
            budget,
            numbers,
            bar,
            holds,
        }
    }

    /// What is measured, with its unit.
    pub fn label(&self) -> &'static str {
        self.budget.metric.label()
    }

    /// The median, and where several runs were, between which numbers.
    pub fn measured(&self) -> String {
        let show = |number: f64| self.budget.metric.show(number);
        match (&self.numbers[..], median(&self.numbers)) {
            ([first, .., last], Some(median)) => {
                format!("{} ({} … {})", show(median), show(*first), show(*last))
            }
            (_, Some(only)) => show(only),
            (_, None) => "nothing to measure".to_owned(),
        }
    }

    /// The bounds in words: `< 30 (official), ≤ 1.25 (our bar)`.
    pub fn bounds(&self) -> String {
        let named = [
            (self.budget.official, "official"),
            (self.budget.ours, "our bar"),
        ];
        let told = named.into_iter().filter_map(|(bound, whose)| {
            let bound = bound?;
            Some(format!("{bound} ({whose})"))
        });
        told.collect::<Vec<_>>().join(", ")
    }

    /// What must hold.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// The bounds that count.
    pub fn limits(&self) -> impl DoubleEndedIterator<Item = Bound> {
        self.budget.bounds(self.bar)
    }

    /// The median, if every run has a number.
    pub fn median(&self) -> Option<f64> {
        median(&self.numbers)
    }

    /// For machines: the median, between which numbers it lies, and what must hold.
    pub fn to_json(&self) -> Value {
        let bound = |bound: Option<Bound>| bound.map(|it| it.to_string());
        json!({
            "label": self.label(),
            "measured": self.median(),
            "least": self.numbers.first(),
            "most": self.numbers.last(),
            "official": bound(self.budget.official),
            "ours": bound(self.budget.ours),
            "holds": self.holds,
        })
    }

    fn cells(&self) -> [String; 5] {
        let bound =
            |bound: Option<Bound>| bound.map_or_else(|| "–".to_owned(), |bound| bound.to_string());
        [
            self.label().to_owned(),
            self.measured(),
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
pub(super) mod tests {
    use super::*;
    use crate::budget::Metric;

    fn score(valid: Validity, numbers: [Option<f64>; 3]) -> Score {
        Score {
            valid,
            measured: numbers.to_vec(),
        }
    }

    /// Those of broadcast-3d.
    const BUDGETS: [Budget; 3] = [
        budget(
            Metric::MessagesPerOp,
            Bound::Below(30.0),
            Bound::AtMost(1.25),
        ),
        budget(
            Metric::MedianLatency,
            Bound::Below(400.0),
            Bound::Below(400.0),
        ),
        budget(Metric::MaxLatency, Bound::Below(600.0), Bound::Below(600.0)),
    ];

    const fn budget(metric: Metric, official: Bound, ours: Bound) -> Budget {
        Budget {
            metric,
            official: Some(official),
            ours: Some(ours),
        }
    }

    /// Those of one valid run of broadcast-3d that is too slow.
    pub(crate) fn slow() -> Figures {
        let scores = [score(
            Validity::Valid,
            [Some(1.2), Some(300.0), Some(900.0)],
        )];
        Figures::new(&BUDGETS, &scores, Bar::Ours)
    }

    fn check(scores: &[Score], bar: Bar, hold: bool) {
        let figures = Figures::new(&BUDGETS, scores, bar);
        assert_eq!(figures.hold(), hold, "{}", figures.table());
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
        check(&[], Bar::Official, false);
    }

    #[test]
    fn a_machine_reads_numbers_and_a_person_words() {
        let figures = slow();
        let last = figures.budgets.last().unwrap();
        assert_eq!(last.bounds(), "< 600 (official), < 600 (our bar)");
        let json = last.to_json();
        assert_eq!(
            (&json["measured"], &json["holds"]),
            (&json!(900.0), &json!(false))
        );
        assert_eq!(
            (&json["official"], &json["label"]),
            (&json!("< 600"), &json!(last.label()))
        );
    }
}
