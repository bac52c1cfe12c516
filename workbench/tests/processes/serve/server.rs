//! A server with a made-up store, and a minimal HTTP client.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A running server with a temporary store.
pub(crate) struct Server {
    pub(crate) store: TempDir,
    process: Child,
    pub(crate) address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A response of the server.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Server {
    pub(crate) fn start(fill: impl FnOnce(&Path)) -> Self {
        let store = tempfile::tempdir().unwrap();
        fill(store.path());
        let command = serve(store.path(), "0");
        Server::spawn(store, command)
    }

    /// Starts the server of a store with this command.
    pub(crate) fn spawn(store: TempDir, mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap();
        Server {
            address: address.trim_end_matches('/').to_owned(),
            store,
            process,
        }
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.send(&format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"))
    }

    /// Requests a page, which must exist.
    #[track_caller]
    pub(crate) fn page(&self, path: &str) -> String {
        let response = self.get(path);
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        response.text()
    }

    pub(crate) fn send(&self, request: &str) -> Response {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut whole = Vec::new();
        stream.read_to_end(&mut whole).unwrap();
        let end = whole.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(whole[..end].to_vec()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        });
        Response {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            body: whole[end + 4..].to_vec(),
        }
    }
}

impl Response {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

pub(crate) fn serve(store: &Path, port: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workbench"));
    command
        .args(["serve", "--port", port, "--store"])
        .arg(store);
    command
}

pub(crate) fn results(valid: &Value, per_op: f64) -> Value {
    json!({
        "valid?": valid,
        "net": {"servers": {"msgs-per-op": per_op}},
        "stats": {"count": 7, "ok-count": 5, "fail-count": 1, "info-count": 1},
        "workload": {"stable-latencies": {"0": 0, "0.5": 308, "0.95": 450, "0.99": 480, "1": 498}},
        "incidents": [],
        "budgets": [{"label": "median latency, ms", "measured": 308.0, "official": "< 400",
                     "ours": "< 300", "holds": false}],
    })
}

/// Writes a run with a test and results.
pub(crate) fn write_run(store: &Path, workload: &str, start: &str, results: Option<&Value>) {
    let run = store.join(workload).join(start);
    fs::create_dir_all(run.join("node-logs")).unwrap();
    let test = json!({"workload": workload, "seed": 7, "stage": "live", "rate": 10,
                      "challenge": null, "command": "workbench test --some 'thing'"});
    fs::write(run.join("test.json"), test.to_string()).unwrap();
    fs::write(run.join("node-logs/n0.log"), "a <b> line\n").unwrap();
    if let Some(results) = results {
        fs::write(run.join("results.json"), results.to_string()).unwrap();
    }
}

pub(crate) const FIRST: &str = "20260101T100000.000+0000";
pub(crate) const SECOND: &str = "20260101T100500.000+0000";
/// Later than the others in local time, and earlier in UTC.
pub(crate) const EAST: &str = "20260101T110100.000+0200";
