//! What many storms came to, for a person.

use std::time::Duration;

use super::account::{Account, Case, Evidence, Fate};
use super::cut;
use simulator::storm::campaign::{Failure, Report, Tally};

/// How many failures are told in full.
const TOLD: usize = 4;

/// How many findings of a failure are told,
const FINDINGS: usize = 8;

/// … and of each if there are several failures: they shall fit a screen.
const FINDINGS_OF_SEVERAL: usize = 1;

/// How many further seeds are named.
const NAMED: usize = 50;

/// A campaign's report, and what failed in it.
pub fn campaign(report: &Report) -> String {
    let Tally {
        runs,
        valid,
        unknown,
        invalid,
        operations,
        ok,
        messages,
        faults,
        virtual_ms,
        failures,
    } = &report.tally;
    let range = |(start, end): &(u64, u64)| format!("{start}..{end}");
    let seeds: Vec<String> = report.seeds.iter().map(range).collect();
    let mut head = format!("{} · seeds {}", report.challenge, seeds.join(", "));
    if !report.pinned.is_empty() {
        head.push_str(&format!(" · {}", report.pinned));
    }
    let wall = report.wall_seconds;
    let pace = *runs as f64 / wall.max(1e-9);
    let hours = *virtual_ms as f64 / 3_600_000.0;
    let mut lines = vec![
        head,
        format!(
            "  {runs} runs in {wall:.1} s ({pace:.0}/s): {valid} valid, {invalid} invalid, \
             {unknown} unknown"
        ),
        format!(
            "  {operations} operations ({ok} ok), {messages} messages among servers, \
             {faults} faults, {hours:.1} h of virtual time"
        ),
    ];
    let most = match failures.len() {
        1 => FINDINGS,
        _ => FINDINGS_OF_SEVERAL,
    };
    let told = failures.iter().take(TOLD);
    lines.extend(told.map(|it| format!("\n{}", tell(it, most))));
    if failures.len() > TOLD {
        let more = failures.iter().skip(TOLD).take(NAMED);
        let more: Vec<String> = more.map(|it| it.seed.to_string()).collect();
        let count = failures.len() - TOLD;
        lines.push(format!("\nand {count} more: seeds {}", more.join(", ")));
    }
    lines.join("\n")
}

/// What those are told of a campaign who were not there: one case, and every seed must be valid.
pub fn account(report: &Report, command: &str) -> Account {
    let Tally {
        runs,
        valid,
        failures,
        ..
    } = &report.tally;
    let range = |(start, end): &(u64, u64)| format!("{start}..{end}");
    let seeds: Vec<String> = report.seeds.iter().map(range).collect();
    let seeds = seeds.join(", ");
    let took = Duration::try_from_secs_f64(report.wall_seconds).unwrap_or_default();
    let told = campaign(report);
    let fate = match failures.first() {
        None => Fate::Held,
        Some(first) => Fate::Failed(Evidence {
            message: format!(
                "{} of {runs} runs are not valid; seed {} is {}{}",
                runs.saturating_sub(*valid),
                first.seed,
                first.verdict,
                first
                    .findings
                    .first()
                    .map_or_else(String::new, |it| format!(": {}", cut(it)))
            ),
            body: failures
                .iter()
                .take(NAMED)
                .map(failure)
                .collect::<Vec<_>>()
                .join("\n\n"),
        }),
    };
    let again = failures.first().map_or(command, |it| &it.command);
    Account {
        name: report.challenge.clone(),
        verdict: format!("{valid} of {runs} valid"),
        figures: Vec::new(),
        seed: seeds,
        command: again.to_owned(),
        took,
        told,
        cases: vec![Case {
            took,
            ..Case::new("storms", fate)
        }],
    }
}

/// A run that was not valid: what was wrong with it, and how to repeat it.
pub fn failure(failure: &Failure) -> String {
    tell(failure, FINDINGS)
}

/// … with so many findings at most.
fn tell(failure: &Failure, most: usize) -> String {
    let Failure {
        seed,
        options,
        verdict,
        findings,
        command,
    } = failure;
    let mut lines = vec![format!("seed {seed} is {verdict}, with {options}")];
    let shown = findings.iter().take(most);
    lines.extend(shown.map(|finding| format!("  {}", cut(finding))));
    if findings.len() > most {
        let rest = findings.len() - most;
        lines.push(format!("  … and {rest} more findings"));
    }
    lines.push(format!("again: {command}"));
    lines.join("\n")
}
