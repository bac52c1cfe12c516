//! The page of a run: one file that explains its verdict to a person, and needs nothing beside it.
//!
//! It is made from what the bench knows when a run is over. Texts of nodes go into it as text, by
//! the template's escaping or by the script's; pictures are SVG that is made here.

mod charts;
mod columns;
mod evidence;
mod faults;
mod table;

use std::collections::HashMap;

use anyhow::Context;
use askama::Template;
use serde_json::Value;

use crate::budget::Bound;
use crate::plot::{self, dark_style};
use crate::report::{BudgetResult, failed_requests};
use checkers::{CheckerResult as _, Validity, Verdict};
use history::text::shortened;
use history::{Kind, Op};
use simulator::run::{Record, Settings};

use charts::Panel;
use columns::Data;
use table::Table;

/// How many findings or incidents a page tells.
const TOLD: usize = 100;

/// How many letters of a finding or an incident a page tells.
const LETTERS: usize = 2_000;

/// The files beside the page that it names, and that every run has.
const FILES: [&str; 4] = ["history.txt", "history.edn", "history.jsonl", "test.json"];

/// … and those of a run that was judged.
const RESULTS: [&str; 2] = ["results.edn", "results.json"];

/// A run that is over, and what is known of it.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The challenge's name, or the workload's.
    pub title: &'a str,
    /// The command that does it again.
    pub command: &'a str,
    /// `live` or `simulated`.
    pub stage: &'a str,
    /// All that it was made of, by name.
    pub facts: &'a Value,
    /// What the run was made of.
    pub settings: &'a Settings,
    /// What is left of it.
    pub record: &'a Record,
    /// The judgement; there is none if the run broke off.
    pub verdict: Option<&'a Verdict>,
    /// What must hold beside the verdict, measured.
    pub budgets: &'a [BudgetResult],
}

/// A page, and its plots as files of their own.
#[derive(Debug)]
pub struct Page {
    /// `report.html`.
    pub html: String,
    /// Each plot's name, and its SVG.
    pub plots: Vec<(&'static str, String)>,
}

impl Subject<'_> {
    /// The stage of a history that was kept: its messages and its seed are unknown.
    pub const KEPT: &'static str = "kept";

    /// How long it took, by the last line of its history.
    fn seconds(&self) -> f64 {
        self.record.history.ops.last().map_or(0.0, Op::seconds)
    }

    /// Makes the page.
    ///
    /// # Errors
    /// When something cannot be drawn or put together.
    pub fn page(&self) -> anyhow::Result<Page> {
        let pairs = self.record.history.pairs();
        let episodes = faults::episodes(&self.record.history);
        let mut panels = Vec::new();
        let mut plots = Vec::new();
        let mut numbers = HashMap::new();
        for panel in charts::panels(self, &pairs, &episodes) {
            let Panel {
                name,
                note,
                chart,
                table,
            } = panel;
            let charts = [chart];
            let picture = plot::stack(&charts)?;
            numbers.extend(picture.numbers(&charts).pop().map(|it| (name, it)));
            plots.push((name, picture.file()));
            panels.push(Shown {
                name,
                svg: picture.element(),
                note,
                table: rendered(&table)?,
            });
        }
        let data = Data::of(self, &pairs, &episodes, numbers).packed()?;
        let template = self.template(panels, data)?;
        let html = template.render().context("cannot put the page together")?;
        Ok(Page { html, plots })
    }

    fn template(&self, panels: Vec<Shown>, data: String) -> anyhow::Result<Report> {
        let findings = self
            .verdict
            .map_or_else(Vec::new, |verdict| verdict.sentences());
        let wrongs = self.wrongs();
        let trace = self.record.trace.as_ref();
        let (class, verdict) = match self.verdict.map(|it| it.validity()) {
            _ if self.is_missed() => ("invalid", "missed"),
            Some(Validity::Valid) => ("valid", "valid"),
            Some(Validity::Unknown) => ("unknown", "unknown"),
            Some(Validity::Invalid) => ("invalid", "invalid"),
            None => ("broken", "broke off"),
        };
        let cases = evidence::evidence(self).into_iter().map(|case| {
            Ok(Case {
                table: case.table.as_ref().map(rendered).transpose()?,
                title: case.title,
                text: case.text,
                picture: case.picture,
                window: case.window,
            })
        });
        Ok(Report {
            title: self.title.to_owned(),
            stage: self.stage.to_owned(),
            seed: (self.stage != Self::KEPT).then_some(self.settings.seed),
            class,
            verdict,
            sentence: self.sentence(),
            budgets: self.budgets.iter().map(Budget::of).collect(),
            figures: self.figures(),
            command: self.command.to_owned(),
            facts: facts(self.facts),
            files: self.files(),
            findings: findings
                .iter()
                .take(TOLD)
                .map(|it| shortened(it, LETTERS))
                .collect(),
            findings_left_out: findings.len().saturating_sub(TOLD),
            evidence: cases.collect::<anyhow::Result<_>>()?,
            panels,
            messages_kept: trace.map_or(0, |it| it.deliveries().len()),
            messages_left_out: trace.map_or(0, simulator::network::Trace::left_out),
            wrongs: wrongs
                .iter()
                .take(TOLD)
                .map(|it| shortened(it, LETTERS))
                .collect(),
            wrongs_left_out: wrongs.len().saturating_sub(TOLD),
            plot_style: dark_style(),
            data,
        })
    }

    /// What nodes did wrong, and in a run that does not hold what they left undone.
    fn wrongs(&self) -> Vec<String> {
        let incidents = self.record.incidents.iter().map(ToString::to_string);
        let mut wrongs: Vec<String> = incidents.collect();
        if self
            .verdict
            .is_none_or(|it| it.validity() != Validity::Valid)
        {
            let node_of = |process| self.settings.node_of(process);
            wrongs.extend(failed_requests(&self.record.history, node_of));
        }
        wrongs
    }

    fn files(&self) -> Vec<&'static str> {
        let results = RESULTS.into_iter().filter(|_| self.verdict.is_some());
        let log = ["jepsen.log"].into_iter().filter(|_| self.stage == "live");
        results.chain(FILES).chain(log).collect()
    }

    /// Whether the history is sound and a budget is missed all the same.
    fn is_missed(&self) -> bool {
        let is_valid = self
            .verdict
            .is_some_and(|it| it.validity() == Validity::Valid);
        is_valid && self.budgets.iter().any(|budget| !budget.is_met)
    }

    /// What came of it, in a sentence.
    fn sentence(&self) -> String {
        let Some(verdict) = self.verdict else {
            let why = self
                .record
                .abort_reason
                .as_deref()
                .unwrap_or("nobody knows why");
            return format!("The run broke off: {}", shortened(why, LETTERS));
        };
        let findings = verdict.findings();
        let finding = findings
            .first()
            .map(|it| shortened(&it.to_string(), LETTERS));
        match verdict.validity() {
            Validity::Valid => {
                let missed = self.budgets.iter().filter(|it| !it.is_met);
                let missed: Vec<String> = missed.map(tell).collect();
                match (self.budgets.len(), missed.len()) {
                    (0, _) => "Everything that was looked for holds.".to_owned(),
                    (1, 0) => "The history holds, and so does the budget.".to_owned(),
                    (count, 0) => format!("The history holds, and all {count} budgets are kept."),
                    _ => format!(
                        "The history holds, but not every budget: {}.",
                        missed.join("; ")
                    ),
                }
            }
            Validity::Unknown => match finding {
                Some(finding) => {
                    format!("Nothing wrong was found, but not all could be judged: {finding}")
                }
                None => "Nothing wrong was found, but not all could be judged.".to_owned(),
            },
            Validity::Invalid => match finding {
                Some(finding) => format!("What must hold does not: {finding}"),
                None => "What must hold does not.".to_owned(),
            },
        }
    }

    fn figures(&self) -> Vec<(String, String)> {
        let record = self.record;
        let count = |kind| record.history.count(kind);
        let (begun, ok) = (count(Kind::Invoke), count(Kind::Ok));
        let servers = record.statistics.servers().sent;
        let per_op = servers as f64 / begun.max(1) as f64;
        let rest = format!(
            "{} failed, {} unknown",
            count(Kind::Fail),
            count(Kind::Info)
        );
        let mut figures = [
            (begun.to_string(), "operations".to_owned()),
            (ok.to_string(), format!("ok, {rest}")),
            (
                format!("{:.1} s", self.seconds()),
                "from first to last".to_owned(),
            ),
            (servers.to_string(), "messages among servers".to_owned()),
            (
                format!("{per_op:.3}"),
                "of them for each operation".to_owned(),
            ),
            (
                record.statistics.clients().sent.to_string(),
                "messages with clients".to_owned(),
            ),
        ]
        .to_vec();
        if self.stage == Self::KEPT {
            figures.truncate(3);
        }
        figures
    }
}

/// `max latency, ms 623, limit < 600`.
fn tell(figure: &BudgetResult) -> String {
    let mut limits: Vec<String> = figure.limits().map(|it| it.to_string()).collect();
    limits.dedup();
    let (label, measured) = (figure.label(), figure.measured());
    format!("{label} {measured}, limit {}", limits.join(" and "))
}

fn rendered(table: &Table) -> anyhow::Result<String> {
    table.render().context("cannot put a table together")
}

/// Names and values as a list.
fn facts(facts: &Value) -> Vec<(String, String)> {
    let Value::Object(facts) = facts else {
        return Vec::new();
    };
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let parts = parts
                .iter()
                .map(|it| it.as_str().map_or(it.to_string(), str::to_owned));
            parts.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    let is_told = |(_, value): &(&String, &Value)| !value.is_null();
    let facts = facts.iter().filter(is_told);
    facts
        .map(|(name, value)| (name.clone(), shown(value)))
        .collect()
}

#[derive(Template)]
#[template(path = "report.html")]
struct Report {
    title: String,
    stage: String,
    /// Unknown of a history that was kept.
    seed: Option<u64>,
    /// Of the style sheet.
    class: &'static str,
    verdict: &'static str,
    sentence: String,
    budgets: Vec<Budget>,
    /// Numbers, each with what it counts.
    figures: Vec<(String, String)>,
    command: String,
    facts: Vec<(String, String)>,
    files: Vec<&'static str>,
    findings: Vec<String>,
    findings_left_out: usize,
    evidence: Vec<Case>,
    panels: Vec<Shown>,
    messages_kept: usize,
    messages_left_out: u64,
    wrongs: Vec<String>,
    wrongs_left_out: usize,
    plot_style: String,
    data: String,
}

/// A piece of evidence whose table is put together.
struct Case {
    title: String,
    text: String,
    picture: String,
    table: Option<String>,
    window: Option<(i64, i64)>,
}

/// A plot that is drawn.
struct Shown {
    name: &'static str,
    svg: String,
    note: String,
    table: String,
}

/// A budget as a bar whose whole length is a little more than the highest of limits and measure.
struct Budget {
    label: &'static str,
    measured: String,
    bounds: String,
    told: String,
    holds: bool,
    /// Thousandths of the length.
    used: f64,
    limits: Vec<f64>,
}

impl Budget {
    fn of(figure: &BudgetResult) -> Self {
        let value = figure.median().unwrap_or(0.0);
        let limits: Vec<f64> = figure.limits().map(Bound::limit).collect();
        let most = limits.iter().copied().fold(value, f64::max) * 1.1;
        let along = |number: f64| {
            if most > 0.0 {
                (number / most * 1000.0).round()
            } else {
                0.0
            }
        };
        Budget {
            label: figure.label(),
            measured: figure.measured(),
            bounds: figure.bounds(),
            told: tell(figure),
            holds: figure.is_met,
            used: along(value),
            limits: limits.into_iter().map(along).collect(),
        }
    }
}
