//! Campaigns of storms, for the terminal and as a report.

use std::time::Duration;

use super::cut;
use super::{Case, CaseResult, Failure, Report};
use crate::outcome::SHOWN;
use crate::text::{counted, duration, grouped, rounded};
use simulator::storm::campaign::{CampaignReport, FailedRun, Totals};

/// How many failures are described.
const DESCRIBED: usize = 4;

/// How many findings of each of several failures are shown.
const FINDINGS_OF_SEVERAL: usize = 1;

/// How many further seeds are named.
const NAMED: usize = 50;

/// A campaign's totals, and its failures with at most `max` findings each.
pub fn campaign(report: &CampaignReport, max: usize) -> String {
    let Totals {
        runs,
        valid,
        unknown,
        invalid,
        operations,
        ok,
        messages,
        faults,
        virtual_ms,
        unrepeatable,
        kinds,
        failures,
    } = &report.totals;
    let failed = invalid.saturating_add(*unknown);
    let wall = report.wall_seconds;
    let pace = rounded(*runs as f64 / wall.max(1e-9));
    let virtual_time = duration(Duration::from_millis(*virtual_ms));
    let [all, faults] = [(*runs, "run"), (*faults, "fault")].map(|(count, it)| counted(count, it));
    let operations = counted(*operations, "operation");
    let messages = counted(*messages, "message");
    let [valid, invalid, unknown, ok] = [*valid, *invalid, *unknown, *ok].map(grouped);
    let mut lines = vec![format!(
        "{} · seeds {}",
        report.challenge,
        seed_ranges(&report.seeds)
    )];
    if !report.pinned.is_empty() {
        lines.push(format!("  {}", report.pinned));
    }
    lines.extend([
        format!(
            "  {all} in {wall:.1} s ({pace}/s): {valid} valid, {invalid} invalid, {unknown} unknown"
        ),
        format!("  {operations} ({ok} ok), {messages} between servers"),
        format!("  {faults}, {virtual_time} of virtual time"),
    ]);
    let reasons = unrepeatable.iter().take(SHOWN);
    lines.extend(reasons.map(|(why, count)| {
        let count = grouped(*count);
        format!("  {count} of the runs may not repeat: {why}")
    }));
    if failed > 1 {
        let kinds = kinds.iter();
        let kinds = kinds.map(|(kind, runs)| format!("{kind}: {}", counted(*runs, "run")));
        lines.push(format!("  {}", kinds.collect::<Vec<_>>().join("; ")));
    }
    // A single failure has more room than each of several.
    let max = match failed {
        0 | 1 => max,
        _ if max == SHOWN => FINDINGS_OF_SEVERAL,
        _ => max,
    };
    let described = failures.iter().take(DESCRIBED);
    lines.extend(described.map(|it| format!("\n{}", failure(it, max))));
    if failures.len() > DESCRIBED {
        let more = failures.iter().skip(DESCRIBED).take(NAMED);
        let more: Vec<String> = more.map(|it| it.seed.to_string()).collect();
        let count = grouped(failed.saturating_sub(DESCRIBED as u64));
        lines.push(format!("\nand {count} more: seeds {}", more.join(", ")));
    }
    lines.join("\n")
}

/// The report on a campaign for JUnit and GitHub: one case, for which every seed must be valid.
pub fn report_campaign(report: &CampaignReport, command: &str) -> Report {
    let Totals {
        runs,
        valid,
        failures,
        ..
    } = &report.totals;
    let took = Duration::try_from_secs_f64(report.wall_seconds).unwrap_or_default();
    let result = match failures.first() {
        None => CaseResult::Passed,
        Some(first) => CaseResult::Failed(Failure {
            message: format!(
                "not valid: {} of {}; seed {} is {}{}",
                grouped(runs.saturating_sub(*valid)),
                counted(*runs, "run"),
                first.seed,
                first.verdict,
                first
                    .findings
                    .first()
                    .map_or_else(String::new, |it| format!(": {}", cut(it)))
            ),
            details: failures
                .iter()
                .take(NAMED)
                .map(|it| failure(it, SHOWN))
                .collect::<Vec<_>>()
                .join("\n\n"),
        }),
    };
    let again = failures.first().map_or(command, |it| &it.command);
    Report {
        name: report.challenge.clone(),
        verdict: format!("{} of {} valid", grouped(*valid), grouped(*runs)),
        budgets: Vec::new(),
        seed: seed_ranges(&report.seeds),
        command: again.to_owned(),
        took,
        text: campaign(report, SHOWN),
        cases: vec![Case {
            took,
            ..Case::new("storms", result)
        }],
    }
}

/// `0..100, 200..300`; of many ranges the first ones.
pub fn seed_ranges(ranges: &[(u64, u64)]) -> String {
    let shown = ranges.iter().take(NAMED);
    let mut shown: Vec<String> = shown
        .map(|(start, end)| format!("{start}..{end}"))
        .collect();
    if ranges.len() > NAMED {
        let more = (ranges.len() - NAMED) as u64;
        shown.push(format!("and {}", counted(more, "more range")));
    }
    shown.join(", ")
}

/// How many seeds these ranges have.
pub fn seed_count(ranges: &[(u64, u64)]) -> u64 {
    let counts = ranges.iter().map(|(start, end)| end.saturating_sub(*start));
    counts.fold(0, u64::saturating_add)
}

/// A run that is not valid: at most `max` findings, and the command that repeats it.
pub fn failure(failure: &FailedRun, max: usize) -> String {
    let FailedRun {
        seed,
        options,
        verdict,
        findings,
        command,
        kind: _,
    } = failure;
    let mut lines = vec![format!("seed {seed} is {verdict}, with {options}")];
    let shown = findings.iter().take(max);
    lines.extend(shown.map(|finding| format!("  {}", cut(finding))));
    if findings.len() > max {
        let rest = counted((findings.len() - max) as u64, "more finding");
        lines.push(format!("  … and {rest}: --all shows them"));
    }
    lines.push(format!("again: {command}"));
    lines.join("\n")
}
