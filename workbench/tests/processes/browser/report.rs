//! The report of a run.

use serde_json::json;
use tempfile::TempDir;

use super::chromium::Browser;
use super::{newest_report, workbench};

/// Runs the bench with these arguments and opens the report.
fn open_report(browser: &mut Browser, arguments: &str, exit: i32) -> TempDir {
    let store = TempDir::new().unwrap();
    let output = workbench(arguments, store.path());
    assert_eq!(output.status.code(), Some(exit), "{output:?}");
    let url = format!("file://{}", newest_report(store.path()).display());
    browser.open(&url, "document.documentElement.dataset.ready");
    store
}

/// Sets one of the controls above the timeline.
fn choose(browser: &mut Browser, control: &str, value: &str) {
    browser.evaluate(&format!(
        "(() => {{ const control = document.getElementById('filters').elements['{control}'];
           control.value = [...control.options ?? []].find((it) => it.textContent === '{value}')?.value ?? '{value}';
           control.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()"
    ));
}

/// The titles of all messages in the drawing.
fn messages(browser: &mut Browser) -> Vec<String> {
    let titles =
        "[...document.querySelectorAll('#messages .message title')].map((it) => it.textContent)";
    serde_json::from_value(browser.evaluate(titles)).unwrap()
}

fn number(browser: &mut Browser, script: &str) -> f64 {
    browser.evaluate(script).as_f64().unwrap()
}

#[test]
fn the_report_of_a_valid_run_shows_its_verdict_budgets_and_plots() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let _store = open_report(
        &mut browser,
        "challenge broadcast-3d --simulate --seed 1",
        0,
    );
    let verdict = browser.evaluate("document.querySelector('.verdict').textContent");
    assert_eq!(
        verdict,
        "Valid: no anomaly was found, and all 3 budgets are met."
    );
    assert_eq!(
        browser.evaluate("document.querySelectorAll('.budget').length"),
        3
    );
    assert_eq!(
        browser.evaluate("document.querySelectorAll('.budget .missed').length"),
        0
    );
    let plots = "[...document.querySelectorAll('figure')].map((it) => it.dataset.plot)";
    let expected = [
        "latency",
        "quantiles",
        "throughput",
        "messages",
        "stable-latency",
    ];
    assert_eq!(browser.evaluate(plots), json!(expected));
    // A plot shows its numbers under the pointer, and by keyboard.
    let center =
        "(() => { const svg = document.querySelector('[data-plot=\"stable-latency\"] svg');
        svg.scrollIntoView({ block: 'center' }); const box = svg.getBoundingClientRect();
        return [box.left + box.width / 2, box.top + box.height / 2]; })()";
    let center: [f64; 2] = serde_json::from_value(browser.evaluate(center)).unwrap();
    browser.point(center[0], center[1]);
    let shown = "document.querySelector('[data-plot=\"stable-latency\"] output').value";
    let pointed = browser.evaluate(shown);
    let pointed = pointed.as_str().unwrap();
    assert!(
        pointed.contains("share of values") && pointed.contains("latency, ms"),
        "{pointed}"
    );
    browser.evaluate("document.querySelector('[data-plot=\"stable-latency\"] svg').focus()");
    browser.press("ArrowRight");
    assert_ne!(browser.evaluate(shown), pointed);
    browser.assert_no_errors();
}

#[test]
fn filters_select_messages() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let _store = open_report(
        &mut browser,
        "challenge broadcast-3d --simulate --seed 1",
        0,
    );
    let all = messages(&mut browser);
    assert!(all.len() > 100, "{}", all.len());
    choose(&mut browser, "node", "n7");
    let of_node = messages(&mut browser);
    assert!(!of_node.is_empty() && of_node.len() < all.len());
    for message in &of_node {
        assert!(
            message.contains("n7 →") || message.contains("→ n7,"),
            "{message}"
        );
    }
    choose(&mut browser, "node", "all");
    choose(&mut browser, "kind", "gossip");
    for message in messages(&mut browser) {
        assert!(message.contains("\"type\":\"gossip\""), "{message}");
    }
    choose(&mut browser, "kind", "all");
    let client = browser
        .evaluate("document.getElementById('filters').elements.client.options[3].textContent");
    let client = client.as_str().unwrap();
    choose(&mut browser, "client", client);
    for message in messages(&mut browser) {
        assert!(
            message.contains(&format!("{client} →")) || message.contains(&format!("→ {client},"))
        );
    }
    choose(&mut browser, "client", "all");
    // A time window, and the button that moves it.
    choose(&mut browser, "from", "10");
    choose(&mut browser, "to", "10.2");
    for message in messages(&mut browser) {
        let sent: f64 = message.split(' ').next().unwrap().parse().unwrap();
        assert!((9.5..=10.2).contains(&sent), "{message}");
    }
    browser.evaluate("document.getElementById('later').click()");
    let from = number(
        &mut browser,
        "+document.getElementById('filters').elements.from.value",
    );
    assert!((from - 10.1).abs() < 1e-6, "{from}");
    browser.evaluate("document.getElementById('all').click()");
    assert_eq!(
        messages(&mut browser).len(),
        600,
        "the number of drawn messages is limited"
    );
    let status = browser.evaluate("document.getElementById('status').value");
    assert!(
        status.as_str().unwrap().contains("the first 600"),
        "{status}"
    );
    // A selected message is shown in full, by pointer or keyboard.
    browser.evaluate("document.querySelector('#timeline').focus()");
    browser.press("ArrowRight");
    let selected = browser.evaluate("document.getElementById('selected').value");
    assert!(
        selected.as_str().unwrap().contains("process 0 on n0"),
        "{selected}"
    );
    browser.evaluate("document.getElementById('as-table').open = true");
    browser.assert_no_errors();
}

#[test]
fn the_report_of_an_invalid_run_shows_what_was_lost_and_when() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let arguments = "storm broadcast-3c --seeds 0 --nemesis kill";
    let _store = open_report(&mut browser, arguments, 1);
    let verdict = browser.evaluate("document.querySelector('.verdict').textContent");
    assert!(
        verdict
            .as_str()
            .unwrap()
            .contains("acknowledged values were lost; the first, "),
        "{verdict}"
    );
    let cases =
        "[...document.querySelectorAll('#evidence ~ article h3')].map((it) => it.textContent)";
    let cases: Vec<String> = serde_json::from_value(browser.evaluate(cases)).unwrap();
    assert!(cases[0].contains(" lost values"), "{cases:?}");
    let lacks = number(
        &mut browser,
        "document.querySelectorAll('article .lacks').length",
    );
    let holds = number(
        &mut browser,
        "document.querySelectorAll('article .holds').length",
    );
    assert!(
        lacks > holds && holds > 0.0,
        "{lacks} lack it, {holds} have it"
    );
    let start = number(
        &mut browser,
        "+document.querySelector('button[data-from]').dataset.from / 1e6",
    );
    browser.evaluate("document.querySelector('button[data-from]').click()");
    let from = number(
        &mut browser,
        "+document.getElementById('filters').elements.from.value",
    );
    assert!((from - start).abs() < 0.001, "{from} is not {start}");
    browser.evaluate("(() => { const lost = document.getElementById('filters').elements.lost; lost.click(); })()");
    for message in messages(&mut browser) {
        assert!(message.contains(", lost:"), "{message}");
    }
    assert!(
        number(
            &mut browser,
            "document.querySelectorAll('#timeline .shade').length"
        ) > 0.0
    );
    browser.assert_no_errors();
}

#[test]
fn a_report_fits_a_phone_and_its_graphics_have_labels() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.resize(390, 800);
    let _store = open_report(&mut browser, "challenge g-counter --simulate --seed 1", 0);
    let wide = number(&mut browser, "document.documentElement.scrollWidth");
    assert!(wide <= 390.0, "the page is {wide} pixels wide");
    let unlabelled =
        "[...document.querySelectorAll('[role=img], [role=group], [role=application]')]
        .filter((it) => !it.getAttribute('aria-label')).length";
    assert_eq!(browser.evaluate(unlabelled), 0);
    let unlabelled = "[...document.querySelectorAll('input, select')].filter((it) => it.labels.length === 0).length";
    assert_eq!(browser.evaluate(unlabelled), 0);
    assert_eq!(
        browser.evaluate("!!document.querySelector('[data-plot=value]')"),
        true
    );
    browser.assert_no_errors();
}

#[test]
fn output_of_a_node_stays_text() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let node = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/processes/browser/hostile.sh"
    );
    let arguments = format!("test -w echo --bin {node} --node-count 1 --time-limit 1 --rate 5");
    let _store = open_report(&mut browser, &arguments, 1);
    let text = browser.evaluate("document.body.innerText");
    assert!(
        text.as_str().unwrap().contains("<img src=x onerror="),
        "{text}"
    );
    assert_eq!(
        browser.evaluate("document.querySelectorAll('img').length"),
        0
    );
    assert_eq!(browser.evaluate("window.pwned === undefined"), true);
    browser.assert_no_errors();
}
