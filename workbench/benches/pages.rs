//! A run's report page: the time to make it, its size, the time until a browser shows it, and how
//! many frames a second the browser draws while the timeline is dragged.
//!
//! `cargo bench -p workbench --bench pages -- --runs 3`

#[cfg(unix)]
#[expect(dead_code, reason = "not everything is tried")]
#[path = "../tests/processes/browser/chromium.rs"]
mod chromium;
#[expect(dead_code, reason = "there is no minimal program to compare with")]
mod common;

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use pages::budget::Bar;
use pages::hosts::Hosts;
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
        ["< 300", "< 1", "", "> 30"],
    )?;
    let targets = ["< 3000", "< 6", "< 2000", "> 30"];
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
    targets: [&str; 4],
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
        hosts: &Hosts::default(),
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
    let [opened, frames] = in_browser(flags, &page);
    figures.add(
        &format!("{name}: to open in a browser, ms"),
        [opened, None],
        0,
        targets[2],
    );
    let what = format!("{name}: dragging the timeline, frames/s");
    figures.add(&what, [frames, None], 0, targets[3]);
    Ok(())
}

/// Time from navigation until all plots are drawn, in milliseconds, and frames per second while the
/// middle half of the run is dragged.
#[cfg(unix)]
fn in_browser(flags: &Flags, page: &Path) -> [Option<f64>; 2] {
    let Some(mut browser) = chromium::Browser::start() else {
        return [None, None];
    };
    let url = format!("file://{}", page.display());
    let mut opened = Vec::new();
    let mut rates = Vec::new();
    for _ in 0..flags.runs {
        browser.open("about:blank", "true");
        let start = Instant::now();
        browser.open(&url, "document.documentElement.dataset.ready");
        opened.push(start.elapsed().as_secs_f64() * 1e3);
        rates.push(frames_per_second(&mut browser));
    }
    [Some(median(opened)), Some(median(rates))]
}

#[cfg(unix)]
fn frames_per_second(browser: &mut chromium::Browser) -> f64 {
    const SECONDS: f64 = 2.0;
    let middle = "(() => { document.getElementById('closer').click();
        const canvas = document.getElementById('messages');
        canvas.scrollIntoView({ block: 'center' });
        const box = canvas.getBoundingClientRect();
        return [box.left + box.width / 2, box.top + box.height / 2]; })()";
    let [x, y]: [f64; 2] =
        serde_json::from_value(browser.evaluate(middle)).expect("the canvas has a position");
    let count = "window.frames_drawn = 0; window.since = performance.now();
        const count = () => { window.frames_drawn++; requestAnimationFrame(count); };
        requestAnimationFrame(count); 0";
    browser.evaluate(count);
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < SECONDS {
        browser.drag([x, y], [x + 200.0, y]);
        browser.drag([x + 200.0, y], [x, y]);
    }
    let rate = "window.frames_drawn / (performance.now() - window.since) * 1000";
    browser.evaluate(rate).as_f64().unwrap_or(0.0)
}

#[cfg(not(unix))]
fn in_browser(_: &Flags, _: &Path) -> [Option<f64>; 2] {
    [None, None]
}
