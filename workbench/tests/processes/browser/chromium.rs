//! A headless browser, driven by the DevTools protocol: JSON messages over two pipes, each
//! terminated by a zero byte.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The usual names of the executable.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Longest wait for anything: on a busy machine a browser starts slowly.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A browser with one page.
pub struct Browser {
    process: Child,
    input: ChildStdin,
    output: Receiver<Value>,
    last_id: u64,
    session: Option<String>,
    /// Errors and warnings of the page, and requests to other hosts.
    pub errors: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser; prints a note and returns none if there is none.
    pub fn start() -> Option<Self> {
        let given = env::var("CHROMIUM").ok();
        let names = given.iter().map(String::as_str).chain(NAMES);
        let is_installed = |name: &&str| {
            let version = Command::new(name).arg("--version").output();
            version.is_ok_and(|it| it.status.success())
        };
        let Some(program) = names.into_iter().find(is_installed) else {
            // Not by `eprintln`, whose output is shown only if a test fails.
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
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while output
                .read_until(0, &mut message)
                .is_ok_and(|count| count > 0)
            {
                let text = message.strip_suffix(&[0]).unwrap_or(&message);
                if sender.send(serde_json::from_slice(text).unwrap()).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let mut browser = Browser {
            input: process.stdin.take().unwrap(),
            process,
            output: receiver,
            last_id: 0,
            session: None,
            errors: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attached);
        browser.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Sends a command and returns its result.
    fn call(&mut self, method: &str, params: impl Into<Value>) -> Value {
        match self.try_call(method, params) {
            Ok(result) => result,
            Err(error) => panic!("{method}: {error}"),
        }
    }

    /// Sends a command and returns its result or error.
    fn try_call(&mut self, method: &str, params: impl Into<Value>) -> Result<Value, Value> {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": params.into() });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let mut line = command.to_string().into_bytes();
        line.push(0);
        self.input.write_all(&line).unwrap();
        loop {
            let message = self.output.recv_timeout(TIMEOUT).expect(method);
            if message["id"] == self.last_id {
                return match message.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(message["result"].clone()),
                };
            }
            self.on_event(&message);
        }
    }

    /// Records an event that is an error of the page.
    fn on_event(&mut self, event: &Value) {
        let params = &event["params"];
        let error = match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => params["exceptionDetails"].to_string(),
            Some("Runtime.consoleAPICalled") if params["type"] != "log" => params.to_string(),
            Some("Log.entryAdded") => params["entry"].to_string(),
            // A self-contained page requests nothing but itself and `data:` URLs.
            Some("Network.requestWillBeSent") => {
                let url = params["request"]["url"].as_str().unwrap_or_default();
                let is_own = params["type"] == "Document" || url.starts_with("data:");
                if is_own || url.starts_with("http://127.0.0.1") {
                    return;
                }
                format!("requests {url}")
            }
            _ => return,
        };
        self.errors.push(error);
    }

    /// Opens a URL and waits until this JavaScript is true.
    pub fn open(&mut self, url: &str, until: &str) {
        self.call("Page.navigate", json!({ "url": url }));
        self.wait(url, until);
    }

    /// Runs a script that leads to another page, and waits until this JavaScript is true there.
    pub fn go(&mut self, script: &str, until: &str) {
        self.is_true(script);
        self.wait(script, until);
    }

    /// Waits until this JavaScript is true.
    pub fn wait(&mut self, what: &str, until: &str) {
        let start = Instant::now();
        let script = format!("document.readyState === 'complete' && !!({until})");
        while !self.is_true(&script) {
            let is_late = start.elapsed() >= TIMEOUT;
            assert!(!is_late, "{what} is not ready: {:?}", self.errors);
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether some JavaScript is true; false while a page is being replaced.
    fn is_true(&mut self, script: &str) -> bool {
        let params = json!({ "expression": script, "returnByValue": true });
        let answer = self.try_call("Runtime.evaluate", params);
        answer.is_ok_and(|answer| answer["result"]["value"] == true)
    }

    /// The value of some JavaScript.
    pub fn evaluate(&mut self, script: &str) -> Value {
        let params = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", params);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{script}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Sets the size of the window, in pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Moves the pointer to a position, in pixels.
    pub fn point(&mut self, x: f64, y: f64) {
        self.call(
            "Input.dispatchMouseEvent",
            json!({ "type": "mouseMoved", "x": x, "y": y }),
        );
    }

    /// Drags with the left button, in several steps.
    pub fn drag(&mut self, from: [f64; 2], to: [f64; 2]) {
        const STEPS: u32 = 5;
        self.mouse(
            "mousePressed",
            from,
            json!({ "button": "left", "clickCount": 1 }),
        );
        for step in 1..=STEPS {
            let part = f64::from(step) / f64::from(STEPS);
            let at = [0, 1].map(|axis| from[axis] + part * (to[axis] - from[axis]));
            self.mouse("mouseMoved", at, json!({ "button": "left", "buttons": 1 }));
        }
        self.mouse(
            "mouseReleased",
            to,
            json!({ "button": "left", "clickCount": 1 }),
        );
    }

    /// Turns the wheel at a position; a negative number is away from the user.
    pub fn wheel(&mut self, at: [f64; 2], delta: f64, has_control: bool) {
        let wheel = json!({
            "deltaX": 0, "deltaY": delta, "modifiers": if has_control { 2 } else { 0 },
        });
        self.mouse("mouseWheel", at, wheel);
    }

    fn mouse(&mut self, kind: &str, [x, y]: [f64; 2], mut event: Value) {
        (event["type"], event["x"], event["y"]) = (json!(kind), json!(x), json!(y));
        self.call("Input.dispatchMouseEvent", event);
    }

    /// Presses a key, such as an arrow.
    pub fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": key });
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Asserts that the page had no errors.
    pub fn assert_no_errors(&self) {
        assert!(self.errors.is_empty(), "{:#?}", self.errors);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
