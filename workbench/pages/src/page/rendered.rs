//! What the page's template shows of budgets and evidence.

use std::collections::{BTreeSet, HashMap};

use super::evidence::{Evidence, EvidenceOfKind};
use super::{describe_budget, render};
use crate::budget::Bound;
use crate::report::BudgetResult;
use crate::story::Scene;

/// The evidence of one kind of anomaly, with its tables rendered.
pub(super) struct RenderedKind {
    pub(super) title: String,
    pub(super) meaning: &'static str,
    /// The first case, which is shown.
    pub(super) first: Vec<RenderedEvidence>,
    /// The others, which are folded.
    pub(super) others: Vec<RenderedEvidence>,
}

/// A piece of evidence with its table rendered.
pub(super) struct RenderedEvidence {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) picture: String,
    pub(super) table: Option<String>,
    pub(super) output: Vec<String>,
    /// The node whose log has more.
    pub(super) log_of: Option<String>,
    pub(super) window: Option<(i64, i64)>,
    pub(super) cause: Option<(i64, i64)>,
    /// Operations to mark in the timeline, by their index there, separated by commas.
    pub(super) ops: String,
    /// Messages to mark there.
    pub(super) messages: String,
}

/// Translates entries of the history into operations of the timeline.
pub(super) struct Marks(HashMap<usize, usize>);

impl Marks {
    pub(super) fn new(scene: &Scene<'_>) -> Self {
        let pairs = scene.pairs.iter().enumerate();
        let entries = pairs.flat_map(|(pair, it)| {
            let ends = [Some(it.invocation), it.completion].into_iter().flatten();
            ends.map(move |op| (op.index, pair))
        });
        Marks(entries.collect())
    }

    pub(super) fn kind(&self, kind: EvidenceOfKind) -> anyhow::Result<RenderedKind> {
        let mut cases = kind.cases.into_iter().map(|it| self.case(it));
        Ok(RenderedKind {
            title: kind.title,
            meaning: kind.meaning,
            first: cases.by_ref().take(1).collect::<anyhow::Result<_>>()?,
            others: cases.collect::<anyhow::Result<_>>()?,
        })
    }

    fn case(&self, case: Evidence) -> anyhow::Result<RenderedEvidence> {
        let ops: BTreeSet<usize> = case
            .ops
            .iter()
            .filter_map(|it| self.0.get(it).copied())
            .collect();
        let list = |numbers: &mut dyn Iterator<Item = usize>| {
            numbers
                .map(|it| it.to_string())
                .collect::<Vec<_>>()
                .join(",")
        };
        Ok(RenderedEvidence {
            table: case.table.as_ref().map(render).transpose()?,
            title: case.title,
            text: case.text,
            picture: case.picture,
            output: case.output,
            log_of: case.log_of,
            window: case.window,
            cause: case.cause,
            ops: list(&mut ops.into_iter()),
            messages: list(&mut case.messages.into_iter()),
        })
    }
}

/// A budget as a bar, which is slightly longer than the maximum of its limits and the measured
/// value.
pub(super) struct BudgetBar {
    pub(super) label: &'static str,
    pub(super) measured: String,
    pub(super) bounds: String,
    pub(super) description: String,
    pub(super) is_met: bool,
    /// The measured value, in thousandths of the bar's length.
    pub(super) used: f64,
    /// The limits, in thousandths of the bar's length.
    pub(super) limits: Vec<f64>,
}

impl BudgetBar {
    pub(super) fn of(figure: &BudgetResult) -> Self {
        let value = figure.median().unwrap_or(0.0);
        let limits: Vec<f64> = figure.limits().map(Bound::limit).collect();
        let max = limits.iter().copied().fold(value, f64::max) * 1.1;
        let thousandths = |number: f64| {
            if max > 0.0 {
                (number / max * 1000.0).round()
            } else {
                0.0
            }
        };
        BudgetBar {
            label: figure.label(),
            measured: figure.measured(),
            bounds: figure.bounds(),
            description: describe_budget(figure),
            is_met: figure.is_met,
            used: thousandths(value),
            limits: limits.into_iter().map(thousandths).collect(),
        }
    }
}
