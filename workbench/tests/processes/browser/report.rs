//! The report of a run.

use serde_json::json;
use tempfile::TempDir;

use super::chromium::Browser;
use super::{newest_report, workbench};

/// Runs the bench with these arguments and opens the report.
pub fn open_report(browser: &mut Browser, arguments: &str, exit: i32) -> TempDir {
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

/// The messages of the window, up to 200: when, from, to, how long, and the body.
fn messages(browser: &mut Browser) -> Vec<[String; 5]> {
    browser.evaluate("document.getElementById('as-table').open = true");
    settle(browser);
    let rows = "[...document.querySelectorAll('#rows tr')]
        .map((row) => [...row.children].map((it) => it.textContent))";
    serde_json::from_value(browser.evaluate(rows)).unwrap()
}

/// Waits until texts and tables show the window.
fn settle(browser: &mut Browser) {
    browser.wait("the timeline", "document.documentElement.dataset.settled");
}

/// The number of messages and of operations in the window.
fn counts(browser: &mut Browser) -> [u64; 2] {
    settle(browser);
    let status = "document.getElementById('status').value.replaceAll(',', '').match(/\\d+/g)
        .slice(0, 2).map(Number)";
    serde_json::from_value(browser.evaluate(status)).unwrap()
}

/// The window of the timeline, in seconds.
fn window(browser: &mut Browser) -> [f64; 2] {
    let window = "document.documentElement.dataset.window.split(' ').map((it) => it / 1e6)";
    serde_json::from_value(browser.evaluate(window)).unwrap()
}

/// The middle of an element, which is moved into sight.
fn middle(browser: &mut Browser, selector: &str) -> [f64; 2] {
    let middle = format!(
        "(() => {{ const element = document.querySelector('{selector}');
           element.scrollIntoView({{ block: 'center' }});
           const box = element.getBoundingClientRect();
           return [box.left + box.width / 2, box.top + box.height / 2]; }})()"
    );
    serde_json::from_value(browser.evaluate(&middle)).unwrap()
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
    let [x, y] = middle(&mut browser, "[data-plot=\"stable-latency\"] svg");
    browser.point(x, y);
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
    let all = counts(&mut browser);
    assert!(all[0] > 6000 && all[1] > 2000, "{all:?}");
    choose(&mut browser, "node", "n7");
    let of_node = messages(&mut browser);
    assert!(of_node.len() > 10 && counts(&mut browser)[0] < all[0] / 2);
    for [_, from, to, ..] in &of_node {
        assert!(from == "n7" || to == "n7", "{from} → {to}");
    }
    choose(&mut browser, "node", "all");
    choose(&mut browser, "kind", "gossip");
    for [.., body] in messages(&mut browser) {
        assert!(body.contains("\"type\":\"gossip\""), "{body}");
    }
    choose(&mut browser, "kind", "all");
    let client = browser
        .evaluate("document.getElementById('filters').elements.client.options[3].textContent");
    let client = client.as_str().unwrap();
    choose(&mut browser, "client", client);
    for [_, from, to, ..] in messages(&mut browser) {
        assert!(from == client || to == client, "{from} → {to}");
    }
    choose(&mut browser, "client", "all");
    choose(&mut browser, "operation", "read");
    let reads = counts(&mut browser)[1];
    assert!(reads > 0 && reads < all[1], "{reads}");
    choose(&mut browser, "operation", "all");
    // A time window, and the button that moves it.
    choose(&mut browser, "from", "10");
    choose(&mut browser, "to", "10.2");
    for [sent, ..] in messages(&mut browser) {
        let sent: f64 = sent.parse().unwrap();
        assert!((9.5..=10.2).contains(&sent), "{sent}");
    }
    browser.evaluate("document.getElementById('later').click()");
    assert_eq!(window(&mut browser), [10.1, 10.3]);
    browser.evaluate("document.getElementById('all').click()");
    assert_eq!(counts(&mut browser), all);
    browser.assert_no_errors();
}

#[test]
fn the_timeline_is_moved_and_zoomed_by_pointer_wheel_and_keys() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.resize(1280, 900);
    let _store = open_report(
        &mut browser,
        "challenge broadcast-3d --simulate --seed 1",
        0,
    );
    let drawn = "document.documentElement.dataset.drawn";
    assert_eq!(browser.evaluate(drawn), "counts");
    let whole = window(&mut browser);
    assert!(whole[0] <= 0.0 && whole[1] > 29.0, "{whole:?}");
    let [x, y] = middle(&mut browser, "#messages");
    // The wheel zooms with Ctrl only, until the drawing has the focus.
    browser.wheel([x, y], -400.0, true);
    let span = |[from, to]: [f64; 2]| to - from;
    let zoomed = window(&mut browser);
    assert!(span(zoomed) < span(whole) * 0.6, "{zoomed:?}");
    assert!(zoomed[0] > whole[0] && zoomed[1] < whole[1], "{zoomed:?}");
    browser.drag([x, y], [x + 200.0, y]);
    let dragged = window(&mut browser);
    assert!(dragged[0] < zoomed[0] - 1.0, "{dragged:?}");
    assert!((span(dragged) - span(zoomed)).abs() < 1e-3, "{dragged:?}");
    browser.wheel([x, y], -400.0, false);
    assert!(span(window(&mut browser)) < span(dragged) * 0.6);
    // The keys of both drawings.
    for canvas in ["timeline", "messages"] {
        browser.evaluate("document.getElementById('all').click()");
        browser.evaluate(&format!("document.getElementById('{canvas}').focus()"));
        for _ in 0..8 {
            browser.press("+");
        }
        let near = window(&mut browser);
        assert!((span(near) - span(whole) / 256.0).abs() < 1e-3, "{near:?}");
        settle(&mut browser);
        assert_eq!(browser.evaluate(drawn), "arrows");
        browser.press("ArrowRight");
        let moved = window(&mut browser);
        assert!((moved[0] - near[0] - span(near) / 5.0).abs() < 1e-3);
        browser.press("Home");
        assert_eq!(window(&mut browser)[0], whole[0]);
        browser.press("End");
        assert_eq!(window(&mut browser)[1], whole[1]);
        browser.press("-");
        assert!(span(window(&mut browser)) > span(near) * 1.9);
    }
    // The overview: a click centers the window, which is then dragged.
    let [x, y] = middle(&mut browser, "#overview");
    browser.drag([x - 100.0, y], [x, y]);
    let [from, to] = window(&mut browser);
    let center = (whole[0] + whole[1]) / 2.0;
    assert!(((from + to) / 2.0 - center).abs() < 0.1, "{from} to {to}");
    browser.assert_no_errors();
}

#[test]
fn an_operation_or_a_message_is_selected_by_keys_or_a_click() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.resize(1280, 900);
    let _store = open_report(
        &mut browser,
        "challenge broadcast-3d --simulate --seed 1",
        0,
    );
    let selected = "document.getElementById('selected').value";
    browser.evaluate("document.getElementById('timeline').focus()");
    browser.press("ArrowDown");
    let first = browser.evaluate(selected);
    assert!(
        first.as_str().unwrap().contains("process 0 on n0"),
        "{first}"
    );
    browser.press("ArrowDown");
    assert_ne!(browser.evaluate(selected), first);
    browser.press("ArrowUp");
    assert_eq!(browser.evaluate(selected), first);
    // Once it is large, a click selects it again.
    browser.press("Enter");
    browser.press("Escape");
    let none = browser.evaluate(selected);
    assert!(none.as_str().unwrap().starts_with("Select "), "{none}");
    settle(&mut browser);
    let at = "(() => { const box = document.getElementById('timeline').getBoundingClientRect();
        const [from, to] = document.documentElement.dataset.window.split(' ').map(Number);
        return [box.left + 96 - from / (to - from) * (box.width - 106), box.top + 32]; })()";
    middle(&mut browser, "#timeline");
    let at: [f64; 2] = serde_json::from_value(browser.evaluate(at)).unwrap();
    browser.drag(at, at);
    assert_eq!(browser.evaluate(selected), first);
    browser.evaluate("document.getElementById('messages').focus()");
    browser.press("n");
    let message = browser.evaluate(selected);
    assert!(message.as_str().unwrap().contains(" → "), "{message}");
    browser.assert_no_errors();
}

#[test]
fn a_button_marks_operations_and_messages_in_its_seconds() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let _store = open_report(
        &mut browser,
        "challenge broadcast-3d --simulate --seed 1",
        0,
    );
    choose(&mut browser, "node", "n7");
    let click = |ops: &str, messages: &str| {
        format!(
            "(() => {{ const button = document.createElement('button');
               Object.assign(button.dataset, {{ from: 2e6, to: 3.5e6, {ops} {messages} }});
               document.body.append(button); button.click(); button.remove(); }})()"
        )
    };
    let marked = "document.documentElement.dataset.marked ?? ''";
    for (ops, messages, expected) in [
        (
            "ops: '200,201',",
            "messages: '700,701,99999999'",
            "2 operations, 2 messages",
        ),
        ("ops: '7'", "", "1 operation"),
        ("", "messages: '42'", "1 message"),
        ("", "", ""),
    ] {
        browser.evaluate(&click(ops, messages));
        assert_eq!(browser.evaluate(marked), expected);
        assert_eq!(window(&mut browser), [2.0, 3.5]);
        let is_hidden = browser.evaluate("document.getElementById('marks').hidden");
        assert_eq!(is_hidden, expected.is_empty());
    }
    let node = browser.evaluate("document.getElementById('filters').elements.node.value");
    assert_eq!(node, "", "filters would hide what is marked");
    browser.evaluate(&click("ops: '200'", ""));
    browser.evaluate("document.getElementById('clear-marks').click()");
    assert_eq!(browser.evaluate(marked), "");
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
    let why = verdict.as_str().unwrap();
    assert!(why.contains(" was killed at "), "{why}");
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
    let marked = browser.evaluate("document.documentElement.dataset.marked ?? ''");
    assert!(
        marked.as_str().unwrap().starts_with("1 operation"),
        "{marked}"
    );
    let [from, _] = window(&mut browser);
    assert!((from - start).abs() < 0.001, "{from} is not {start}");
    browser.evaluate("document.getElementById('filters').elements.lost.click()");
    for [.., took, _] in messages(&mut browser) {
        assert_eq!(took, "lost");
    }
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
