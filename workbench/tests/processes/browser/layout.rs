//! Pages hold together: on a wide screen and on a phone no text covers another or leaves its picture.

use serde_json::json;
use tempfile::TempDir;

use super::chromium::Browser;
use super::report::open_report;

/// Sizes of the windows: a phone and a laptop. The page begins with another size than the first one,
/// so that it draws itself anew.
const SIZES: [(u32, u32); 2] = [(390, 844), (1280, 900)];

/// Whether the page has drawn itself in its present size.
const SETTLED: &str = "document.documentElement.dataset.settled";

/// Pairs of texts that cover each other, and texts that leave their picture.
const COLLISIONS: &str = "(() => {
    const found = [];
    const isSeen = (it) => it.checkVisibility() && it.getClientRects().length > 0
        && it.textContent.trim() !== '';
    const box = (it) => it.getBoundingClientRect();
    const cover = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
    const compare = (items) => items.forEach((one, i) => items.slice(i + 1).forEach((other) => {
        if (one.contains(other) || other.contains(one) || !cover(box(one), box(other))) return;
        found.push(`${one.textContent} covers ${other.textContent}`);
    }));
    for (const svg of document.querySelectorAll('svg')) {
        const texts = [...svg.querySelectorAll('text')].filter(isSeen), all = box(svg);
        compare(texts);
        for (const text of texts) {
            const it = box(text);
            const isInside = it.left > all.left - 1 && it.right < all.right + 1
                && it.top > all.top - 1 && it.bottom < all.bottom + 1;
            if (!isInside) found.push(`${text.textContent} leaves its picture`);
        }
    }
    compare([...document.querySelectorAll(
        'h1, h2, h3, p, label, button, summary, figcaption, output, dt, dd, canvas, .figures li')]
        .filter(isSeen));
    return found;
})()";

/// Asserts that the page of a run holds together at both sizes.
#[track_caller]
fn check(browser: &mut Browser, arguments: &str, exit: i32) {
    let _store: TempDir = open_report(browser, arguments, exit);
    for (width, height) in SIZES {
        browser.wait("the page", SETTLED);
        browser.evaluate(&format!("delete {SETTLED}"));
        browser.resize(width, height);
        browser.wait("the page in its new size", SETTLED);
        let fits = format!("document.documentElement.scrollWidth <= {width}");
        assert_eq!(
            browser.evaluate(&fits),
            true,
            "{arguments} scrolls sideways"
        );
        let collisions = browser.evaluate(COLLISIONS);
        assert_eq!(collisions, json!([]), "{arguments} at {width} pixels");
    }
    browser.assert_no_errors();
}

#[test]
fn pages_hold_together_on_a_laptop_and_on_a_phone() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    for challenge in ["broadcast-3d", "g-counter", "kafka-5b", "txn-6b"] {
        check(
            &mut browser,
            &format!("challenge {challenge} --simulate --seed 1"),
            0,
        );
    }
    // With evidence and faults.
    for storm in [
        "broadcast-3c --seeds 0 --nemesis kill,pause,duplicate",
        "kafka-5b --seeds 0 --nemesis kill",
        "txn-6b --seeds 6 --nemesis kill",
    ] {
        check(&mut browser, &format!("storm {storm}"), 1);
    }
}

#[test]
fn graphics_and_controls_have_labels() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let _store = open_report(&mut browser, "challenge g-counter --simulate --seed 1", 0);
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
