//! A real browser without a window, led by its own protocol: JSON messages over two pipes, each
//! ended by a zero byte.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The names under which browsers of the family are installed.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// How long anything may take: a browser that starts on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page.
pub struct Browser {
    process: Child,
    input: ChildStdin,
    output: Receiver<Value>,
    last_id: u64,
    session: Option<String>,
    /// What the page complained about, in its own words.
    pub complaints: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// A browser, or nothing where there is none, which is said.
    pub fn start() -> Option<Self> {
        let given = env::var("CHROMIUM").ok();
        let names = given.iter().map(String::as_str).chain(NAMES);
        let answers = |name: &&str| {
            let asked = Command::new(name).arg("--version").output();
            asked.is_ok_and(|it| it.status.success())
        };
        let Some(program) = names.into_iter().find(answers) else {
            // Not by `eprintln`, which is heard only when a test fails.
            let _ = writeln!(
                io::stderr(),
                "skipped: there is no chromium (set CHROMIUM to one)"
            );
            return None;
        };
        let profile = TempDir::new().unwrap();
        // The browser reads from descriptor 3 and writes to 4.
        let mut process = Command::new("sh")
            .args([
                "-c",
                "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1",
                "sh",
                program,
            ])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
            ])
            .args([
                "--no-first-run",
                "--remote-debugging-pipe",
                "--window-size=1200,900",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let (told, heard) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while output
                .read_until(0, &mut message)
                .is_ok_and(|count| count > 0)
            {
                let text = message.strip_suffix(&[0]).unwrap_or(&message);
                if told.send(serde_json::from_slice(text).unwrap()).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let mut browser = Browser {
            input: process.stdin.take().unwrap(),
            process,
            output: heard,
            last_id: 0,
            session: None,
            complaints: Vec::new(),
            _profile: profile,
        };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.ask("Target.attachToTarget", attached);
        browser.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Sends a command; its result.
    fn ask(&mut self, method: &str, params: impl Into<Value>) -> Value {
        match self.attempt(method, params) {
            Ok(result) => result,
            Err(error) => panic!("{method}: {error}"),
        }
    }

    /// Sends a command; its result, or why there is none.
    fn attempt(&mut self, method: &str, params: impl Into<Value>) -> Result<Value, Value> {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": params.into() });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let mut line = command.to_string().into_bytes();
        line.push(0);
        self.input.write_all(&line).unwrap();
        loop {
            let message = self.output.recv_timeout(PATIENCE).expect(method);
            if message["id"] == self.last_id {
                return match message.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(message["result"].clone()),
                };
            }
            self.note(&message);
        }
    }

    /// Remembers what is wrong with the page.
    fn note(&mut self, event: &Value) {
        let params = &event["params"];
        let complaint = match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => params["exceptionDetails"].to_string(),
            Some("Runtime.consoleAPICalled") if params["type"] != "log" => params.to_string(),
            Some("Log.entryAdded") => params["entry"].to_string(),
            // One file that needs nothing beside it asks for nothing; its own data may be inside.
            Some("Network.requestWillBeSent") => {
                let url = params["request"]["url"].as_str().unwrap_or_default();
                let is_own = params["type"] == "Document" || url.starts_with("data:");
                if is_own || url.starts_with("http://127.0.0.1") {
                    return;
                }
                format!("asks for {url}")
            }
            _ => return,
        };
        self.complaints.push(complaint);
    }

    /// Opens an address, and waits until this JavaScript is true of it.
    pub fn open(&mut self, url: &str, until: &str) {
        self.ask("Page.navigate", json!({ "url": url }));
        self.wait(url, until);
    }

    /// Does something that leads to another page, and waits until this JavaScript is true of it.
    pub fn go(&mut self, script: &str, until: &str) {
        self.holds(script);
        self.wait(script, until);
    }

    fn wait(&mut self, what: &str, until: &str) {
        let start = Instant::now();
        let script = format!("document.readyState === 'complete' && !!({until})");
        while !self.holds(&script) {
            let is_late = start.elapsed() >= PATIENCE;
            assert!(!is_late, "{what} is not ready: {:?}", self.complaints);
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether some JavaScript is true; not while one page goes and another comes.
    fn holds(&mut self, script: &str) -> bool {
        let params = json!({ "expression": script, "returnByValue": true });
        let answer = self.attempt("Runtime.evaluate", params);
        answer.is_ok_and(|answer| answer["result"]["value"] == true)
    }

    /// The value of some JavaScript.
    pub fn evaluate(&mut self, script: &str) -> Value {
        let params = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let answer = self.ask("Runtime.evaluate", params);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{script}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// How wide and high the window is, in pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.ask("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Moves the pointer there.
    pub fn point(&mut self, x: f64, y: f64) {
        self.ask(
            "Input.dispatchMouseEvent",
            json!({ "type": "mouseMoved", "x": x, "y": y }),
        );
    }

    /// Presses a key that is not a letter.
    pub fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.ask(
                "Input.dispatchKeyEvent",
                json!({ "type": kind, "key": key, "code": key }),
            );
        }
    }

    /// Fails if the page complained about anything.
    pub fn assert_calm(&self) {
        assert!(self.complaints.is_empty(), "{:#?}", self.complaints);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
