//! A run's report page: the time to make it, its size, and the time until a browser shows it.
//!
//! `cargo bench -p workbench --bench pages -- --runs 3`

#[cfg(unix)]
#[expect(dead_code, reason = "nothing is clicked")]
#[path = "../tests/processes/browser/chromium.rs"]
mod chromium;
#[expect(dead_code, reason = "there is no minimal program to compare with")]
mod common;

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use pages::budget::Bar;
use pages::outcome::Outcome;
use pages::page::Subject;
use pages::report::budget_results;
use serde_json::json;
use simulator::judge::judge;
use simulator::run::Settings;
use simulator::simulation::simulate;
use simulator::workload::workload;
use tempfile::TempDir;
use workbench::challenge::ALL;
use workbench::store::Store;

use common::{Flags, median};

fn main() -> anyhow::Result<()> {
    let Some(flags) = Flags::requested() else {
        return Ok(());
    };
    let mut figures = common::Figures::new(&flags);
    measure(
        &flags,
        &mut figures,
        "broadcast-3d",
        100.0,
        ["< 1000", "< 3", ""],
    )?;
    let targets = ["< 3000", "< 15", "< 2000"];
    measure(&flags, &mut figures, "kafka-5b", 2500.0, targets)?;
    figures.print();
    Ok(())
}

/// Measures a challenge's page at this rate.
fn measure(
    flags: &Flags,
    figures: &mut common::Figures,
    name: &str,
    rate: f64,
    targets: [&str; 3],
) -> anyhow::Result<()> {
    let challenge = ALL
        .iter()
        .find(|it| it.name == name)
        .context("no such challenge")?;
    let trial = &challenge.trials[0];
    let (workload_name, options) = trial.test();
    let make = || workload(workload_name, &options);
    let workload = make();
    let settings = Settings {
        keeps_trace: true,
        rate,
        ..options.settings(&*workload, 1)?
    };
    let factory = challenge.solution.factory(&[])?;
    let record = simulate(&settings, make(), &factory);
    let verdict = judge(&record, &*workload, None);
    let outcome = Outcome::of(&settings, &record, Some(&verdict));
    let budgets = budget_results(trial.budgets, &[outcome], Bar::Ours);
    let facts = json!({ "rate": rate });
    let subject = Subject {
        title: name,
        command: "cargo bench",
        stage: "simulated",
        facts: &facts,
        settings: &settings,
        record: &record,
        verdict: Some(&verdict),
        budgets: &budgets,
    };
    let store = TempDir::new()?;
    let folder = Store::new(store.path()).begin(name, "now")?;
    let mut times = Vec::new();
    for _ in 0..flags.runs {
        let start = Instant::now();
        folder.write_page(&subject.page()?)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let page = folder.path().join("report.html");
    let size = std::fs::metadata(&page)?.len() as f64 / 1e6;
    let messages = record.statistics.all().sent;
    let what = format!("{name} ({messages} messages): to make and write, ms");
    figures.add(&what, [Some(median(times)), None], 1, targets[0]);
    figures.add(
        &format!("{name}: size, MB"),
        [Some(size), None],
        2,
        targets[1],
    );
    let opened = time_to_open(flags, &page);
    figures.add(
        &format!("{name}: to open in a browser, ms"),
        [opened, None],
        0,
        targets[2],
    );
    Ok(())
}

/// Time from navigation until all plots are drawn, in milliseconds.
#[cfg(unix)]
fn time_to_open(flags: &Flags, page: &Path) -> Option<f64> {
    let mut browser = chromium::Browser::start()?;
    let url = format!("file://{}", page.display());
    let times = (0..flags.runs).map(|_| {
        browser.open("about:blank", "true");
        let start = Instant::now();
        browser.open(&url, "document.documentElement.dataset.ready");
        start.elapsed().as_secs_f64() * 1e3
    });
    Some(median(times))
}

#[cfg(not(unix))]
fn time_to_open(_: &Flags, _: &Path) -> Option<f64> {
    None
}
