//! Broadcast, in Rust with tokio: tasks, a timer and channels. It is a node for this package's tests, and
//! uses nothing of this package.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::{Mutex, mpsc};

#[derive(Default)]
struct Node {
    name: String,
    known: Vec<u64>,
    /// What each neighbour has not confirmed.
    owed: BTreeMap<String, Vec<u64>>,
}

impl Node {
    fn learn(&mut self, values: &[u64], source: &str) {
        for value in values {
            if !self.known.contains(value) {
                self.known.push(*value);
                let others = self.owed.iter_mut().filter(|(peer, _)| *peer != source);
                others.for_each(|(_, owed)| owed.push(*value));
            }
        }
    }

    fn handle(&mut self, message: &Value) -> Option<String> {
        let source = message["src"].as_str().unwrap_or_default();
        let body = &message["body"];
        let kind = body["type"].as_str().unwrap_or_default();
        let mut answer = json!({"type": format!("{kind}_ok"), "in_reply_to": body["msg_id"]});
        match kind {
            "init" => self.name = body["node_id"].as_str().unwrap_or_default().to_owned(),
            "topology" => {
                let peers = body["topology"][&self.name]
                    .as_array()
                    .into_iter()
                    .flatten();
                let peers = peers.filter_map(Value::as_str);
                self.owed = peers.map(|peer| (peer.to_owned(), Vec::new())).collect();
            }
            "broadcast" => self.learn(&numbers(&json!([body["message"]])), source),
            "read" => answer["messages"] = json!(self.known),
            "gossip" => {
                self.learn(&numbers(&body["values"]), source);
                answer = json!({"type": "seen", "values": body["values"]});
            }
            _ => {
                let seen = numbers(&body["values"]);
                self.owed
                    .get_mut(source)?
                    .retain(|value| !seen.contains(value));
                return None;
            }
        }
        Some(self.line(source, &answer))
    }

    fn gossip(&self) -> String {
        let owed = self.owed.iter().filter(|(_, owed)| !owed.is_empty());
        owed.map(|(peer, owed)| self.line(peer, &json!({"type": "gossip", "values": owed})))
            .collect()
    }

    fn line(&self, dest: &str, body: &Value) -> String {
        format!(
            "{}\n",
            json!({"src": self.name, "dest": dest, "body": body})
        )
    }
}

fn numbers(list: &Value) -> Vec<u64> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_u64).collect()
}

#[tokio::main(worker_threads = 2)]
async fn main() -> std::io::Result<()> {
    let node = Arc::new(Mutex::new(Node::default()));
    let (sender, mut printed) = mpsc::unbounded_channel();
    let (gossiping, gossip) = (Arc::clone(&node), sender.clone());
    tokio::spawn(async move {
        let mut timer = tokio::time::interval(Duration::from_millis(100));
        loop {
            timer.tick().await;
            let _ = gossip.send(gossiping.lock().await.gossip());
        }
    });
    tokio::spawn(async move {
        let mut out = tokio::io::stdout();
        while let Some(text) = printed.recv().await {
            let _ = out.write_all(String::as_bytes(&text)).await;
            let _ = out.flush().await;
        }
    });
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let message: Value = serde_json::from_str(&line)?;
        let (node, sender) = (Arc::clone(&node), sender.clone());
        tokio::spawn(async move {
            if let Some(answer) = node.lock().await.handle(&message) {
                let _ = sender.send(answer);
            }
        });
    }
    Ok(())
}
