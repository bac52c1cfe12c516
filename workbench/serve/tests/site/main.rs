//! Tests of the site without a socket.

mod folders;
mod links;
mod requests;

use std::fs;
use std::path::Path;

use serve::testing::Offline;
use serve::{Limits, Options};
use tempfile::TempDir;

/// The folder of the run in each store, relative to it.
const RUN: &str = "echo/20260101T100000.000+0000";

/// A server whose store has one run.
struct Server {
    /// The parent folder of the store.
    around: TempDir,
    offline: Offline,
}

struct Response {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Server {
    fn start(fill: impl FnOnce(&Path)) -> Self {
        let around = tempfile::tempdir().unwrap();
        let store = around.path().join("store");
        let run = store.join(RUN);
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join("test.json"), "{\"workload\": \"echo\"}").unwrap();
        fill(&run);
        let options = Options {
            store,
            host: "127.0.0.1".to_owned(),
            port: 0,
            limits: Limits::default(),
        };
        Server {
            around,
            offline: Offline::new(&options).unwrap(),
        }
    }

    /// Requests one path.
    fn get(&self, path: &str) -> Response {
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        let mut answer = self.offline.answer(request.as_bytes());
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let body = answer.split_off(end + 4);
        let head = String::from_utf8(answer).unwrap();
        Response {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body,
        }
    }
}

impl Response {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
