//! The page of a run: how long it takes to make, how large it is, and how soon a browser shows it.
//!
//! `cargo bench -p workbench --bench pages -- --runs 3`

#[cfg(unix)]
#[expect(dead_code, reason = "nobody points at anything")]
#[path = "../tests/processes/browser/chromium.rs"]
mod chromium;
#[expect(dead_code, reason = "nothing is compared with a smallest program")]
mod common;

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use pages::budget::Bar;
use pages::page::Subject;
use pages::report::{Figures, Score};
use serde_json::json;
use simulator::judge::judge_run;
use simulator::run::Settings;
use simulator::simulation::simulate;
use simulator::workload::workload;
use tempfile::TempDir;
use workbench::challenge::ALL;
use workbench::store::Store;

use common::{Flags, median};

fn main() -> anyhow::Result<()> {
    let Some(flags) = Flags::wanted() else {
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
    let most = ["< 3000", "< 15", "< 2000"];
    measure(&flags, &mut figures, "kafka-5b", 2500.0, most)?;
    figures.print();
    Ok(())
}

/// A challenge at this rate.
fn measure(
    flags: &Flags,
    figures: &mut common::Figures,
    name: &str,
    rate: f64,
    bars: [&str; 3],
) -> anyhow::Result<()> {
    let challenge = ALL
        .iter()
        .find(|it| it.name == name)
        .context("no such challenge")?;
    let trial = &challenge.trials[0];
    let (workload_name, options) = trial.test();
    let subject = workload(workload_name, &options);
    let settings = Settings {
        keeps_trace: true,
        rate,
        ..options.settings(&*subject, 1)?
    };
    let factory = challenge.solution.factory(&[])?;
    let record = simulate(&settings, workload(workload_name, &options), &factory).record;
    let verdict = judge_run(&record, &*subject, None);
    let score = Score::new(verdict.valid, trial.budgets, &verdict.results);
    let budgets = Figures::new(trial.budgets, &[score], Bar::Ours).budgets;
    let facts = json!({ "rate": rate });
    let evidence = subject.evidence();
    let subject = Subject {
        title: name,
        evidence,
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
    let mut took = Vec::new();
    for _ in 0..flags.runs {
        let start = Instant::now();
        folder.write_page(&subject.page()?)?;
        took.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let page = folder.path().join("report.html");
    let size = std::fs::metadata(&page)?.len() as f64 / 1e6;
    let messages = record.statistics.all().sent;
    let what = format!("{name} ({messages} messages): to make and write, ms");
    figures.add(&what, [Some(median(took)), None], 1, bars[0]);
    figures.add(&format!("{name}: size, MB"), [Some(size), None], 2, bars[1]);
    let shown = shown(flags, &page);
    figures.add(
        &format!("{name}: to open in a browser, ms"),
        [shown, None],
        0,
        bars[2],
    );
    Ok(())
}

/// From the address to a page that has drawn its last picture, in milliseconds.
#[cfg(unix)]
fn shown(flags: &Flags, page: &Path) -> Option<f64> {
    let mut browser = chromium::Browser::start()?;
    let url = format!("file://{}", page.display());
    let took = (0..flags.runs).map(|_| {
        browser.open("about:blank", "true");
        let start = Instant::now();
        browser.open(&url, "document.documentElement.dataset.ready");
        start.elapsed().as_secs_f64() * 1e3
    });
    Some(median(took))
}

#[cfg(not(unix))]
fn shown(_: &Flags, _: &Path) -> Option<f64> {
    None
}
