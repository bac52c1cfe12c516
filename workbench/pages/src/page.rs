//! The report page of a run: one self-contained file that explains the verdict; and that of a campaign.
//!
//! Output of nodes is always inserted as text: the template escapes it, and the script sets it as
//! text content. Pictures are SVG generated here.

pub mod campaign;
mod charts;
mod columns;
mod evidence;
mod rendered;
mod table;

use std::collections::HashMap;

use anyhow::Context;
use askama::Template;
use serde_json::{Value, json};

use crate::hosts::{COLUMNS, Host, Hosts};
use crate::outcome::are_many_lost;
use crate::plot::{self, dark_style};
use crate::report::{BudgetResult, failed_requests};
use crate::story::{Scene, Story};
use crate::text::{capitalized, grouped, interrupted};
use checkers::{CheckerResult, Validity, Verdict};
use history::text::shortened;
use history::{Kind, Op};
use simulator::run::{Record, Settings};

use charts::Panel;
use columns::Data;
use rendered::{BudgetBar, Marks, RenderedKind};
use table::Table;

/// Maximum number of findings or incidents on a page.
const MAX_LISTED: usize = 100;

/// Maximum length of a finding or an incident, in characters.
const MAX_CHARS: usize = 2_000;

/// Files next to the page that every run has.
const FILES: [&str; 4] = ["history.txt", "history.edn", "history.jsonl", "test.json"];

/// Further files of a run with a verdict.
const RESULTS: [&str; 2] = ["results.edn", "results.json"];

/// The run that a page describes.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Name of the challenge or the workload.
    pub title: &'a str,
    /// Command that repeats the run.
    pub command: &'a str,
    /// `live`, `simulated`, or [`Subject::KEPT`].
    pub stage: &'a str,
    /// Parameters of the run, by name.
    pub facts: &'a Value,
    /// Input of the run.
    pub settings: &'a Settings,
    /// Record of the run.
    pub record: &'a Record,
    /// Verdict on the history; `None` if the run aborted.
    pub verdict: Option<&'a Verdict>,
    /// Budgets of the challenge, with what was measured.
    pub budgets: &'a [BudgetResult],
    /// Hosts of the nodes.
    pub hosts: &'a Hosts,
}

/// A page, with its plots as separate files.
#[derive(Debug)]
pub struct Page {
    /// Content of `report.html`.
    pub html: String,
    /// Name and SVG of each plot.
    pub plots: Vec<(&'static str, String)>,
}

impl Subject<'_> {
    /// The stage of a saved history, whose messages and seed are unknown.
    pub const KEPT: &'static str = "kept";

    /// Duration of the run, up to the last entry of its history.
    fn seconds(&self) -> f64 {
        self.record.history.ops.last().map_or(0.0, Op::seconds)
    }

    /// Renders the page.
    ///
    /// # Errors
    /// When a plot or the template cannot be rendered.
    pub fn page(&self) -> anyhow::Result<Page> {
        let scene = Scene::new(self.settings, self.record);
        let story = Story::tell(&scene, self.verdict);
        let (pairs, episodes) = (&scene.pairs, &scene.episodes);
        let mut panels = Vec::new();
        let mut plots = Vec::new();
        let mut numbers = HashMap::new();
        for panel in charts::panels(self, pairs, episodes) {
            let Panel {
                name,
                note,
                chart,
                table,
            } = panel;
            let charts = [chart];
            let pictures = [plot::WIDE, plot::NARROW].map(|width| plot::stack(&charts, width));
            let [wide, narrow] = &pictures;
            let mut values = charts[0].numbers();
            values["areas"] = json!([wide.area(), narrow.area()]);
            numbers.insert(name, values);
            plots.push((name, wide.file(&charts)));
            panels.push(RenderedPanel {
                name,
                pictures: wide.element("wide-only") + &narrow.element("narrow-only"),
                note,
                table: render(&table)?,
            });
        }
        let data = Data::of(self, pairs, episodes, numbers).pack()?;
        let template = self.template(&scene, story, panels, data)?;
        let html = template.render().context("cannot render the page")?;
        Ok(Page { html, plots })
    }

    fn template(
        &self,
        scene: &Scene<'_>,
        story: Story,
        panels: Vec<RenderedPanel>,
        data: String,
    ) -> anyhow::Result<ReportTemplate> {
        let findings = scene.findings(self.verdict);
        let incidents = self.incidents();
        let trace = self.record.trace.as_ref();
        let interrupted = self
            .record
            .interrupted_at
            .map(|at| capitalized(&interrupted(at)));
        let (class, verdict, headline) = match self.verdict.map(CheckerResult::validity) {
            Some(Validity::Valid | Validity::Unknown) if interrupted.is_some() => {
                ("unknown", "interrupted", "")
            }
            _ if self.is_missed() => ("invalid", "budget missed", "Budget missed"),
            Some(Validity::Valid) => ("valid", "valid", "Valid"),
            Some(Validity::Unknown) => ("unknown", "unknown", "Unknown"),
            Some(Validity::Invalid) => ("invalid", "invalid", "Invalid"),
            None => ("broken", "aborted", "The run aborted"),
        };
        let rendered = Marks::new(scene);
        let evidence = evidence::evidence(self, scene, &story).into_iter();
        let evidence = evidence.map(|kind| rendered.kind(kind));
        Ok(ReportTemplate {
            title: self.title.to_owned(),
            stage: self.stage.to_owned(),
            seed: (self.stage != Self::KEPT).then_some(self.settings.seed),
            class,
            verdict,
            headline: interrupted.unwrap_or_else(|| headline.to_owned()),
            summary: self.summary(&story),
            reason: story.reason.map(|it| format!("{}.", capitalized(&it))),
            budgets: self.budgets.iter().map(BudgetBar::of).collect(),
            figures: self.figures(),
            command: self.command.to_owned(),
            hosts: match &self.hosts.list[..] {
                [] => String::new(),
                hosts => render(&hosts_table(hosts))?,
            },
            warning: self.hosts.warning.clone(),
            facts: facts(self.facts),
            files: self.files(),
            logs: match self.stage {
                Self::KEPT => Vec::new(),
                _ => self
                    .settings
                    .nodes
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            },
            findings: findings
                .iter()
                .take(MAX_LISTED)
                .map(|it| shortened(it, MAX_CHARS))
                .collect(),
            findings_left_out: findings.len().saturating_sub(MAX_LISTED),
            evidence: evidence.collect::<anyhow::Result<_>>()?,
            panels,
            messages_kept: trace.map_or(0, |it| it.deliveries().len()),
            messages_left_out: trace.map_or(0, simulator::network::Trace::left_out),
            incidents: incidents
                .iter()
                .take(MAX_LISTED)
                .map(|it| shortened(it, MAX_CHARS))
                .collect(),
            incidents_left_out: incidents.len().saturating_sub(MAX_LISTED),
            plot_style: dark_style(),
            data,
        })
    }

    /// Incidents of nodes and, unless the run is valid, requests that failed.
    fn incidents(&self) -> Vec<String> {
        // The end of a node is evidence.
        let incidents = self.record.incidents.iter().filter(|it| it.exit.is_none());
        let incidents = incidents.map(ToString::to_string);
        let mut incidents: Vec<String> = incidents.chain(self.record.caveats()).collect();
        if self
            .verdict
            .is_none_or(|it| it.validity() != Validity::Valid)
            || are_many_lost(&self.record.history)
        {
            let node_of = |process| self.settings.node_of(process);
            incidents.extend(failed_requests(&self.record.history, node_of));
        }
        incidents
    }

    fn files(&self) -> Vec<&'static str> {
        let results = RESULTS.into_iter().filter(|_| self.verdict.is_some());
        let log = ["jepsen.log"].into_iter().filter(|_| self.stage == "live");
        results.chain(FILES).chain(log).collect()
    }

    /// Whether the history is valid but a budget is missed.
    fn is_missed(&self) -> bool {
        let is_valid = self
            .verdict
            .is_some_and(|it| it.validity() == Validity::Valid);
        is_valid && self.budgets.iter().any(|budget| !budget.is_met)
    }

    /// The reason for the verdict, which continues the headline.
    fn summary(&self, story: &Story) -> String {
        let told = Some(&story.headline).filter(|it| !it.is_empty());
        let told = told.map(|it| shortened(it, MAX_CHARS) + ".");
        let Some(verdict) = self.verdict else {
            return told.unwrap_or_else(|| "the reason is unknown".to_owned());
        };
        match verdict.validity() {
            Validity::Valid if self.record.interrupted_at.is_some() => {
                "no anomaly was found in what was done until then.".to_owned()
            }
            Validity::Valid => {
                let missed = self.budgets.iter().filter(|it| !it.is_met);
                let missed: Vec<String> = missed.map(describe_budget).collect();
                match (self.budgets.len(), missed.len()) {
                    (0, _) => "no anomaly was found.".to_owned(),
                    (1, 0) => "no anomaly was found, and the budget is met.".to_owned(),
                    (count, 0) => {
                        format!("no anomaly was found, and all {count} budgets are met.")
                    }
                    _ => format!("the history is valid, but {}.", missed.join("; ")),
                }
            }
            Validity::Unknown => match told {
                Some(told) => {
                    format!("no anomaly was found, but not everything could be checked: {told}")
                }
                None => "no anomaly was found, but not everything could be checked.".to_owned(),
            },
            Validity::Invalid => told.unwrap_or_else(|| "an anomaly was found.".to_owned()),
        }
    }

    fn figures(&self) -> Vec<(String, String)> {
        let record = self.record;
        let count = |kind| record.history.count(kind);
        let (invoked, ok) = (count(Kind::Invoke), count(Kind::Ok));
        let servers = record.statistics.servers().sent;
        let per_op = servers as f64 / invoked.max(1) as f64;
        let seconds = self.settings.time_limit.as_secs();
        let acknowledging = record.statistics.acknowledging_share(seconds);
        let rest = format!(
            "{} failed, {} indeterminate",
            count(Kind::Fail),
            count(Kind::Info)
        );
        let number = |count: usize| grouped(count as u64);
        let mut figures = [
            (number(invoked), "operations".to_owned()),
            (number(ok), format!("ok, {rest}")),
            (
                format!("{:.1} s", self.seconds()),
                "from start to last event".to_owned(),
            ),
            (grouped(servers), "messages between servers".to_owned()),
            (format!("{per_op:.3}"), "of these per operation".to_owned()),
            (
                acknowledging.map_or("–".to_owned(), |it| format!("{:.1} %", 100.0 * it)),
                "of these only acknowledge, while clients send requests".to_owned(),
            ),
            (
                grouped(record.statistics.clients().sent),
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

/// Describes a budget: `max latency, ms 623, limit < 600`.
fn describe_budget(figure: &BudgetResult) -> String {
    let mut limits: Vec<String> = figure.limits().map(|it| it.to_string()).collect();
    limits.dedup();
    let (label, measured) = (figure.label(), figure.measured());
    format!("{label} {measured}, limit {}", limits.join(" and "))
}

fn hosts_table(hosts: &[Host]) -> Table {
    let rows = hosts.iter().map(|it| it.cells().to_vec()).collect();
    Table::new("Hosts of the nodes", &COLUMNS, rows).of_text()
}

fn render(table: &Table) -> anyhow::Result<String> {
    table.render().context("cannot render a table")
}

/// Lists the parameters of the run, each with its value as text.
fn facts(facts: &Value) -> Vec<(String, String)> {
    let Value::Object(facts) = facts else {
        return Vec::new();
    };
    let text_of = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let parts = parts
                .iter()
                .map(|it| it.as_str().map_or(it.to_string(), str::to_owned));
            parts.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    let facts = facts.iter().filter(|(_, value)| !value.is_null());
    facts
        .map(|(name, value)| (name.clone(), text_of(value)))
        .collect()
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportTemplate {
    title: String,
    stage: String,
    /// Unknown for a saved history.
    seed: Option<u64>,
    /// CSS class of the verdict.
    class: &'static str,
    verdict: &'static str,
    headline: String,
    summary: String,
    /// Why, as far as the record shows it.
    reason: Option<String>,
    budgets: Vec<BudgetBar>,
    /// Numbers, each with its meaning.
    figures: Vec<(String, String)>,
    command: String,
    /// A table of the hosts, if nodes are on others than the bench's.
    hosts: String,
    warning: Option<String>,
    facts: Vec<(String, String)>,
    files: Vec<&'static str>,
    /// Nodes whose logs are stored.
    logs: Vec<String>,
    findings: Vec<String>,
    findings_left_out: usize,
    evidence: Vec<RenderedKind>,
    panels: Vec<RenderedPanel>,
    messages_kept: usize,
    messages_left_out: u64,
    incidents: Vec<String>,
    incidents_left_out: usize,
    plot_style: String,
    data: String,
}

/// A plot with its picture and its table rendered.
struct RenderedPanel {
    name: &'static str,
    /// The plot for wide and for narrow pages.
    pictures: String,
    note: String,
    table: String,
}
