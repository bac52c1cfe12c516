//! The site of `workbench serve`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use super::chromium::Browser;
use super::workbench;

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(store: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_workbench"))
            .args(["serve", "--port", "0", "--store"])
            .arg(store)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        Server {
            process,
            address: line.trim().to_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn runs_are_listed_filtered_opened_and_compared() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let store = TempDir::new().unwrap();
    for arguments in [
        "challenge echo --simulate --seed 1",
        "challenge broadcast-3d --simulate --seed 1",
        "challenge broadcast-3d --simulate --seed 2",
        "storm broadcast-3c --seeds 0 --nemesis kill",
    ] {
        workbench(arguments, store.path());
    }
    let server = Server::start(store.path());
    browser.open(&server.address, "document.querySelector('tbody')");
    let rows = "document.querySelectorAll('tbody tr:not(.bar)').length";
    assert_eq!(browser.evaluate(rows), 4);
    let submit = "document.querySelector('form[role=search]').submit()";
    let choose = |control: &str, value: &str| {
        format!("document.querySelector('[name={control}]').value = '{value}'; {submit}")
    };
    let arrived = |query: &str| {
        format!("location.search.includes('{query}') && document.querySelector('tbody')")
    };
    browser.go(
        &choose("workload", "broadcast"),
        &arrived("workload=broadcast"),
    );
    assert_eq!(browser.evaluate(rows), 3);
    browser.go(&choose("verdict", "invalid"), &arrived("verdict=invalid"));
    assert_eq!(browser.evaluate(rows), 1);

    // Its report, and from there a file in the same folder.
    let report = "[...document.querySelectorAll('tbody a')].find((it) => it.textContent === 'report').click()";
    browser.go(report, "document.documentElement.dataset.ready");
    assert_eq!(
        browser.evaluate("document.querySelectorAll('#evidence').length"),
        1
    );
    browser.go(
        "document.querySelector('a[href=\"test.json\"]').click()",
        "location.pathname.endsWith('test.json')",
    );
    let text = browser.evaluate("document.body.innerText");
    assert!(text.as_str().unwrap().contains("\"seed\": 0"), "{text}");

    // Compare the two runs of the same challenge: the button appears once two are ticked.
    let both = format!("{}?workload=broadcast&verdict=valid", server.address);
    browser.open(&both, "document.querySelector('tbody')");
    let button = "document.querySelector('.bar button').checkVisibility()";
    for is_shown in [false, true] {
        browser.evaluate("document.querySelector('input[name=run]:not(:checked)').click()");
        assert_eq!(browser.evaluate(button), is_shown);
    }
    for width in [390, 1280] {
        browser.resize(width, 900);
        let fits = format!("document.documentElement.scrollWidth <= {width}");
        assert_eq!(browser.evaluate(&fits), true);
    }
    browser.go(
        "document.querySelector('.bar button').click()",
        "location.pathname === '/compare' && document.querySelector('svg')",
    );
    // Each plot has the same ticks in both.
    let equal = "[...document.querySelectorAll('.pair')].map((pair) => {
        const [one, two] = [...pair.querySelectorAll('svg.wide-only')].map((svg) =>
            [...svg.querySelectorAll('text')].map((it) => it.textContent)
                .filter((it) => /^-?[0-9.,]+$/.test(it)).join(' '));
        return one !== '' && one === two; })";
    assert_eq!(browser.evaluate(equal), json!(vec![true; 5]), "five plots");
    browser.assert_no_errors();
}

/// A report whose script tries to get at what is not its own, and keeps what it got in `found`.
const HOSTILE_REPORT: &str = "<!doctype html><meta charset=utf-8><script>
const load = (name, source) => new Promise((resolve, reject) => {
    const it = document.createElement(name);
    const done = () => { try { resolve(it.contentDocument.URL); } catch (error) { reject(error); } };
    it.onload = name === 'iframe' ? done : () => resolve('loaded');
    it.onerror = reject;
    Object.assign(it, name === 'link' ? { rel: 'stylesheet', href: source } : { src: source });
    document.documentElement.append(it);
});
const attempts = {
    file: () => fetch('test.json').then((it) => it.text()),
    list: () => fetch('/', { mode: 'no-cors' }).then((it) => it.type),
    frame: () => load('iframe', 'test.json'),
    image: () => load('img', 'plots/plot.svg'),
    script: () => load('script', 'script.js'),
    style: () => load('link', 'style.css'),
    worker: () => new Promise((resolve, reject) => {
        const it = new Worker('script.js');
        it.onmessage = resolve;
        it.onerror = reject;
    }),
    storage: () => localStorage.length,
    database: () => indexedDB.open('x'),
    cookie: () => document.cookie,
    origin: () => { if (self.origin === 'null') throw self.origin; return self.origin; },
};
window.found = {};
(async () => {
    for (const [name, attempt] of Object.entries(attempts)) {
        try { found[name] = `${await attempt()}`; } catch { found[name] = 'refused'; }
    }
    document.documentElement.dataset.ready = 'yes';
})();
</script>";

#[test]
fn the_script_of_a_report_gets_at_nothing_else() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let store = TempDir::new().unwrap();
    let run = store.path().join("echo/run");
    std::fs::create_dir_all(run.join("plots")).unwrap();
    for (name, text) in [
        ("report.html", HOSTILE_REPORT),
        ("test.json", "{}"),
        ("script.js", "postMessage('here')"),
        ("style.css", "p {}"),
        (
            "plots/plot.svg",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        ),
    ] {
        std::fs::write(run.join(name), text).unwrap();
    }
    let server = Server::start(store.path());
    let report = format!("{}run/echo/run/report.html", server.address);
    browser.open(&report, "document.documentElement.dataset.ready");
    let found = browser.evaluate("found");
    let found = found.as_object().unwrap();
    assert_eq!(found.len(), 11);
    for (attempt, result) in found {
        assert_eq!(result, "refused", "{attempt}");
    }
}
