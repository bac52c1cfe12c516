//! Budgets, with what was measured: the table in the terminal, JSON, JUnit and Markdown show these.

use serde_json::{Value, json};

use crate::budget::{Bar, Bound, Budget};
use crate::outcome::Outcome;

/// A budget, and what was measured.
#[derive(Debug, Clone)]
pub struct BudgetResult {
    budget: Budget,
    /// Sorted, one a run; none at all if a run has none.
    numbers: Vec<f64>,
    bar: Bar,
    /// Whether the median is within the bounds that count.
    pub is_met: bool,
}

/// Holds what was measured in all runs against the budgets.
pub fn budget_results(budgets: &[Budget], outcomes: &[Outcome], bar: Bar) -> Vec<BudgetResult> {
    let result = |budget: &Budget| {
        let numbers = outcomes.iter().map(|it| it.measured.get(budget.metric));
        let numbers: Option<Vec<f64>> = numbers.collect();
        BudgetResult::new(*budget, numbers.unwrap_or_default(), bar)
    };
    budgets.iter().map(result).collect()
}

/// The mark of a requirement in a table.
pub(super) fn mark(is_met: bool) -> &'static str {
    if is_met { "✓" } else { "✗ missed" }
}

impl BudgetResult {
    fn new(budget: Budget, mut numbers: Vec<f64>, bar: Bar) -> Self {
        numbers.sort_by(f64::total_cmp);
        let median = median(&numbers);
        let is_within = |bound: Bound| median.is_some_and(|it| bound.holds(it));
        let is_met = budget.bounds(bar).all(is_within);
        BudgetResult {
            budget,
            numbers,
            bar,
            is_met,
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

    /// The bounds that count, in words: `< 30 (official), ≤ 1.25 (our bar)`.
    pub fn bounds(&self) -> String {
        let named = [(self.budget.official, "official"), (self.ours(), "our bar")];
        let bounds = named.into_iter().filter_map(|(bound, whose)| {
            let bound = bound?.label();
            Some(format!("{bound} ({whose})"))
        });
        bounds.collect::<Vec<_>>().join(", ")
    }

    /// Our own bound, if it counts.
    fn ours(&self) -> Option<Bound> {
        self.budget.ours.filter(|_| self.bar == Bar::Ours)
    }

    /// Whether a bound counts. Otherwise it is only measured.
    pub fn is_required(&self) -> bool {
        self.limits().next().is_some()
    }

    /// The measured figure and its bounds.
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
            "ours": bound(self.ours()),
            "holds": self.is_met,
        })
    }

    /// The cells of a table's row: the last but one is our bar, if that counts.
    pub(super) fn cells(&self) -> Vec<String> {
        let bound = |bound: Option<Bound>| bound.map_or_else(|| "–".to_owned(), Bound::label);
        let ours = (self.bar == Bar::Ours).then(|| bound(self.ours()));
        let mark = if self.is_required() {
            mark(self.is_met)
        } else {
            ""
        };
        let cells = [
            self.label().to_owned(),
            self.measured(),
            bound(self.budget.official),
        ];
        cells
            .into_iter()
            .chain(ours)
            .chain([mark.to_owned()])
            .collect()
    }
}

/// The middle one of sorted numbers, the lower one of two.
fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::budget::{Measurements, Metric};

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

    fn outcome([messages, median, max]: [Option<f64>; 3]) -> Outcome {
        Outcome {
            measured: Measurements {
                messages_per_op: messages,
                median_latency_ms: median,
                max_latency_ms: max,
                ..Measurements::default()
            },
            ..Outcome::default()
        }
    }

    /// Those of a run of broadcast-3d that is too slow.
    pub(crate) fn slow() -> Vec<BudgetResult> {
        let outcome = outcome([Some(1.2), Some(300.0), Some(900.0)]);
        budget_results(&BUDGETS, &[outcome], Bar::Ours)
    }

    /// Those of another program, with one official bound.
    pub(crate) fn of_another_program() -> Vec<BudgetResult> {
        let not_ok = Budget {
            metric: Metric::NotOk,
            official: None,
            ours: Some(Bound::AtMost(0.0)),
        };
        let outcome = Outcome {
            measured: Measurements {
                messages_per_op: Some(7.0),
                not_ok: Some(5.0),
                ..Measurements::default()
            },
            ..Outcome::default()
        };
        budget_results(&[BUDGETS[0], not_ok], &[outcome], Bar::Official)
    }

    fn check(outcomes: &[Outcome], bar: Bar, are_met: bool) {
        let results = budget_results(&BUDGETS, outcomes, bar);
        assert_eq!(results.iter().all(|it| it.is_met), are_met, "{results:?}");
    }

    #[test]
    fn our_bar_is_stricter_than_the_official_one() {
        let outcomes = [outcome([Some(7.0), Some(300.0), Some(599.0)])];
        check(&outcomes, Bar::Official, true);
        check(&outcomes, Bar::Ours, false);
    }

    #[test]
    fn our_bar_is_for_our_own_solutions_alone() {
        let outcomes = [outcome([Some(7.0), Some(300.0), Some(1_599.0)])];
        let [ours, official] = [Bar::Ours, Bar::Official]
            .map(|bar| budget_results(&BUDGETS, &outcomes, bar).pop().unwrap());
        assert_eq!(
            ours.cells(),
            ["max latency, ms", "1,599", "< 600", "< 600", "✗ missed"]
        );
        assert_eq!(
            official.cells(),
            ["max latency, ms", "1,599", "< 600", "✗ missed"]
        );
        assert_eq!(official.bounds(), "< 600 (official)");
        assert_eq!(
            (&official.to_json()["ours"], official.is_required()),
            (&Value::Null, true)
        );
        let measured = of_another_program().pop().unwrap();
        assert_eq!(measured.cells(), ["operations not ok", "5", "–", ""]);
        assert!(!measured.is_required());
    }

    #[test]
    fn the_medians_of_several_runs_must_meet_the_budgets() {
        let good = outcome([Some(1.2), Some(300.0), Some(500.0)]);
        let slow = outcome([Some(1.2), Some(300.0), Some(900.0)]);
        check(&[good.clone(), good.clone(), slow.clone()], Bar::Ours, true);
        check(&[good, slow.clone(), slow], Bar::Ours, false);
    }

    #[test]
    fn a_budget_is_missed_without_a_measurement() {
        check(&[outcome([Some(1.0), None, None])], Bar::Official, false);
        check(&[], Bar::Official, false);
    }

    #[test]
    fn json_has_numbers_and_text_has_bounds() {
        let results = slow();
        let last = results.last().unwrap();
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
