//! A node that passes echo. `workbench doc` describes all requests, errors and services.

use std::io::{self, BufRead, Write};

use serde_json::{json, Value};

#[derive(Default)]
struct Node {
    /// This node's name and those of all nodes, from init.
    id: String,
    ids: Vec<String>,
}

impl Node {
    fn send(&self, dest: &str, body: Value) -> io::Result<()> {
        let message = json!({"src": self.id, "dest": dest, "body": body});
        // Stdout is flushed at the end of each line.
        writeln!(io::stdout(), "{message}")
    }

    fn reply(&self, request: &Value, mut body: Value) -> io::Result<()> {
        let Some(id) = request["body"].get("msg_id") else {
            return Ok(());
        };
        body["in_reply_to"] = id.clone();
        self.send(request["src"].as_str().unwrap_or_default(), body)
    }

    fn reply_error(&self, request: &Value, code: u32, text: &str) -> io::Result<()> {
        let error = json!({"type": "error", "code": code, "text": text});
        self.reply(request, error)
    }

    fn on_request(&mut self, request: &Value, kind: &str) -> io::Result<()> {
        let body = &request["body"];
        match kind {
            "init" => {
                self.id = body["node_id"].as_str().unwrap_or_default().to_owned();
                self.ids = serde_json::from_value(body["node_ids"].clone()).unwrap_or_default();
                eprintln!("{} of {:?}", self.id, self.ids);
                self.reply(request, json!({"type": "init_ok"}))
            }
            "echo" => match body.get("echo") {
                Some(echo) => self.reply(request, json!({"type": "echo_ok", "echo": echo})),
                None => self.reply_error(request, 12, "malformed request: no echo"),
            },
            // The next requests go here: "generate" for unique-ids, "broadcast", …
            _ => self.reply_error(request, 10, &format!("not supported: {kind}")),
        }
    }
}

fn main() -> io::Result<()> {
    let mut node = Node::default();
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        let message: Value = serde_json::from_slice(&line).unwrap_or_default();
        let Some(kind) = message["body"]["type"].as_str() else {
            eprintln!("not a message: {}", String::from_utf8_lossy(&line));
            continue;
        };
        // A reply is for the request that this node has sent with its number as msg_id.
        if message["body"].get("in_reply_to").is_none() {
            node.on_request(&message, kind)?;
        }
    }
    Ok(())
}
