//! The page of merged campaigns: what was run how fast, which seeds are missing, and failures by kind,
//! each with its command. It has no script.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use askama::Template;

use super::table::Table;
use super::{MAX_CHARS, MAX_LISTED, render};
use crate::report::{seed_count, seed_ranges};
use crate::text::{counted, duration, grouped, rounded};
use checkers::Validity;
use history::text::shortened;
use simulator::storm::campaign::{CampaignReport, FailedRun, Totals};

/// Maximum number of parts in a table. Of more, the slowest are kept.
const MAX_PARTS: usize = 200;

/// The parts that were merged, for each challenge.
#[derive(Debug, Default)]
pub struct Parts(BTreeMap<String, PartsOfOne>);

#[derive(Debug, Default)]
struct PartsOfOne {
    count: u64,
    kept: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    name: String,
    /// For the order of parts.
    first: u64,
    seeds: String,
    runs: u64,
    failed: u64,
    seconds: f64,
}

impl Part {
    fn pace(&self) -> f64 {
        self.runs as f64 / self.seconds.max(1e-9)
    }
}

impl PartsOfOne {
    fn keep_slowest(&mut self) {
        self.kept
            .sort_by(|one, other| one.pace().total_cmp(&other.pace()));
        self.kept.truncate(MAX_PARTS);
    }

    fn table(&mut self) -> Table {
        self.keep_slowest();
        self.kept.sort_by_key(|it| it.first);
        let caption = match self.count {
            count if count > MAX_PARTS as u64 => {
                format!("The {MAX_PARTS} slowest of {}", counted(count, "part"))
            }
            count => counted(count, "part"),
        };
        let rows = self.kept.iter().map(|part| {
            [
                part.name.clone(),
                part.seeds.clone(),
                grouped(part.runs),
                grouped(part.failed),
                format!("{:.1}", part.seconds),
                rounded(part.pace()),
            ]
            .to_vec()
        });
        let head = [
            "part",
            "seeds",
            "runs",
            "not valid",
            "seconds",
            "seeds a second",
        ];
        Table::new(&caption, &head, rows.collect())
    }
}

impl Parts {
    /// Adds a part, by the name of its file.
    pub fn add(&mut self, name: &str, part: &CampaignReport) {
        let parts = self.0.entry(part.challenge.clone()).or_default();
        let Totals { runs, valid, .. } = part.totals;
        parts.count += 1;
        parts.kept.push(Part {
            name: shortened(name, MAX_CHARS),
            first: part.seeds.first().map_or(0, |it| it.0),
            seeds: seed_ranges(&part.seeds),
            runs,
            failed: runs.saturating_sub(valid),
            seconds: part.wall_seconds,
        });
        if parts.kept.len() > 2 * MAX_PARTS {
            parts.keep_slowest();
        }
    }

    /// Renders the page about their sums.
    ///
    /// # Errors
    /// When the template cannot be rendered.
    pub fn page(mut self, sums: &[CampaignReport]) -> anyhow::Result<String> {
        let rendered = |sum: &CampaignReport| {
            let parts = self.0.remove(&sum.challenge).unwrap_or_default();
            RenderedCampaign::new(sum, parts)
        };
        let campaigns: Vec<RenderedCampaign> =
            sums.iter().map(rendered).collect::<anyhow::Result<_>>()?;
        let names: Vec<&str> = sums.iter().map(|it| &*it.challenge).collect();
        let template = CampaignTemplate {
            title: format!("Storms of {}", names.join(", ")),
            campaigns,
        };
        template.render().context("cannot render the page")
    }
}

#[derive(Template)]
#[template(path = "campaign.html")]
struct CampaignTemplate {
    title: String,
    campaigns: Vec<RenderedCampaign>,
}

struct RenderedCampaign {
    challenge: String,
    /// CSS class of the verdict.
    class: &'static str,
    headline: &'static str,
    summary: String,
    /// Numbers, each with its meaning.
    figures: Vec<(String, String)>,
    facts: Vec<(&'static str, String)>,
    kinds: Vec<RenderedKind>,
    parts: String,
}

struct RenderedKind {
    name: String,
    runs: String,
    failures: Vec<RenderedFailure>,
    left_out: String,
}

struct RenderedFailure {
    seed: u64,
    verdict: String,
    /// The first finding.
    headline: String,
    findings: Vec<String>,
    options: String,
    command: String,
}

impl RenderedCampaign {
    fn new(sum: &CampaignReport, mut parts: PartsOfOne) -> anyhow::Result<Self> {
        let totals = &sum.totals;
        let missing = sum.missing();
        let (class, headline) = match totals.worst() {
            Validity::Invalid => ("invalid", "Invalid"),
            Validity::Unknown => ("unknown", "Unknown"),
            Validity::Valid if !missing.is_empty() => ("unknown", "Incomplete"),
            Validity::Valid => ("valid", "Valid"),
        };
        let runs = counted(totals.runs, "run");
        let mut summary = format!("{} of {runs} valid", grouped(totals.valid));
        if !missing.is_empty() {
            let missing = counted(seed_count(&missing), "seed");
            summary += &format!("; {missing} of the campaign not run");
        }
        let mut facts = vec![("seeds", seed_ranges(&sum.seeds))];
        if !missing.is_empty() {
            facts.push(("not run", seed_ranges(&missing)));
        }
        if !sum.pinned.is_empty() {
            facts.push(("options", sum.pinned.clone()));
        }
        facts.extend(
            totals
                .unrepeatable
                .iter()
                .take(MAX_LISTED)
                .map(|(why, runs)| {
                    let runs = counted(*runs, "run");
                    (
                        "may not repeat",
                        format!("{runs}: {}", shortened(why, MAX_CHARS)),
                    )
                }),
        );
        let mut kinds: Vec<(&String, &u64)> = totals.kinds.iter().collect();
        kinds.sort_by_key(|(_, runs)| std::cmp::Reverse(**runs));
        let kinds = kinds.into_iter().take(MAX_LISTED);
        Ok(RenderedCampaign {
            challenge: sum.challenge.clone(),
            class,
            headline,
            summary,
            figures: figures(sum, &parts),
            facts,
            kinds: kinds
                .map(|(name, runs)| kind(name, *runs, &totals.failures))
                .collect(),
            parts: render(&parts.table())?,
        })
    }
}

fn figures(sum: &CampaignReport, parts: &PartsOfOne) -> Vec<(String, String)> {
    let totals = &sum.totals;
    let pace = totals.runs as f64 / sum.wall_seconds.max(1e-9);
    let time = |seconds| duration(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    let figure = |number: String, meaning: &str| (number, meaning.to_owned());
    [
        figure(grouped(totals.runs), "runs, each of one seed"),
        figure(grouped(totals.invalid), "invalid"),
        figure(grouped(totals.unknown), "unknown"),
        figure(rounded(pace), "seeds a second, mean of a part"),
        (
            time(sum.wall_seconds),
            format!("all {} together", counted(parts.count, "part")),
        ),
        (
            grouped(totals.operations),
            format!("operations, {} ok", grouped(totals.ok)),
        ),
        figure(grouped(totals.messages), "messages between servers"),
        figure(grouped(totals.faults), "faults"),
        figure(time(totals.virtual_ms as f64 / 1e3), "of virtual time"),
    ]
    .to_vec()
}

fn kind(name: &str, runs: u64, failures: &[FailedRun]) -> RenderedKind {
    let of_kind = failures.iter().filter(|it| it.kind == name);
    let failures: Vec<RenderedFailure> = of_kind.map(failure).collect();
    let left_out = runs.saturating_sub(failures.len() as u64);
    RenderedKind {
        name: match name {
            "" => "of no kind".to_owned(),
            name => shortened(name, MAX_CHARS),
        },
        runs: counted(runs, "run"),
        left_out: match left_out {
            0 => String::new(),
            count => counted(count, "more run"),
        },
        failures,
    }
}

fn failure(failure: &FailedRun) -> RenderedFailure {
    let findings = failure.findings.iter().take(MAX_LISTED);
    let mut findings = findings.map(|it| shortened(it.trim(), MAX_CHARS));
    RenderedFailure {
        seed: failure.seed,
        verdict: failure.verdict.clone(),
        headline: findings.next().unwrap_or_default(),
        findings: findings.collect(),
        options: failure.options.clone(),
        command: failure.command.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(seed: u64, wall_seconds: f64, failure: Option<&str>) -> CampaignReport {
        let failures = failure.map(|text| FailedRun {
            seed,
            options: text.to_owned(),
            verdict: "invalid".to_owned(),
            kind: text.to_owned(),
            findings: vec![text.to_owned(), text.to_owned()],
            command: text.to_owned(),
        });
        CampaignReport {
            challenge: "echo".to_owned(),
            pinned: String::new(),
            planned: vec![(0, 1_000)],
            seeds: vec![(seed, seed + 1)],
            totals: Totals {
                runs: 1,
                valid: u64::from(failure.is_none()),
                invalid: u64::from(failure.is_some()),
                kinds: failure.map(|it| (it.to_owned(), 1)).into_iter().collect(),
                failures: failures.into_iter().collect(),
                ..Totals::default()
            },
            wall_seconds,
        }
    }

    /// The page of these parts.
    fn page(parts: impl Iterator<Item = CampaignReport>) -> String {
        let (mut all, mut sums) = (Parts::default(), Vec::new());
        for part in parts {
            all.add(&format!("part {}", part.seeds[0].0), &part);
            simulator::storm::campaign::merge(&mut sums, part).unwrap();
        }
        all.page(&sums).unwrap()
    }

    #[test]
    fn of_many_parts_the_slowest_are_listed_in_the_order_of_their_seeds() {
        let slow = |seed: u64| seed % 7 == 3;
        let parts = (0..1_000).map(|seed| part(seed, 1.0 + f64::from(slow(seed)), None));
        let page = page(parts);
        assert!(page.contains("The 200 slowest of 1,000 parts"), "{page}");
        assert!(page.contains("<strong>Valid:</strong> 1,000 of 1,000 runs valid."));
        let listed = page.split("<th scope=\"row\">part ").skip(1);
        let listed = listed.map(|it| it.split('<').next().unwrap().parse().unwrap());
        let listed: Vec<u64> = listed.collect();
        assert!(listed.is_sorted() && listed.len() == 200, "{listed:?}");
        assert!(
            (0..1_000)
                .filter(|it| slow(*it))
                .all(|it| listed.contains(&it))
        );
    }

    #[test]
    fn texts_of_failures_are_escaped() {
        let page = page([part(7, 1.0, Some("<b>&</b>"))].into_iter());
        assert!(!page.contains("<b>&"), "{page}");
        assert_eq!(
            page.matches("&#60;b&#62;&#38;&#60;/b&#62;").count(),
            5,
            "{page}"
        );
        assert!(page.contains("0 of 1 run valid; 999 seeds of the campaign not run"));
    }
}
