//! Small random histories of transactions on registers.

use std::collections::BTreeMap;
use std::fmt::Write;

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use workbench::history::History;

/// A store that does one transaction at a time and is wrong now and then, and clients who ask it.
struct Store<'a> {
    rng: &'a mut ChaCha8Rng,
    keys: u32,
    /// Of a hundred reads, how many return just any value.
    chaos: u32,
    /// By key: what is stored.
    stored: BTreeMap<u32, String>,
    /// By key: how many values were written.
    written: BTreeMap<u32, u32>,
}

/// Up to twelve transactions of a few clients.
pub fn random_history(rng: &mut ChaCha8Rng) -> History {
    let chaos = [0, 5, 20, 60][rng.random_range(0..4)];
    let keys = rng.random_range(1..=4);
    let transactions = rng.random_range(1..=12);
    let clients = rng.random_range(1..=4);
    let mut store = Store {
        rng,
        keys,
        chaos,
        stored: BTreeMap::new(),
        written: BTreeMap::new(),
    };
    let mut lines = String::new();
    let mut open: BTreeMap<u64, String> = BTreeMap::new();
    let mut processes: Vec<u64> = (0..clients).collect();
    let (mut begun, mut index) = (0, 0);
    let mut line = |kind: &str, process: u64, value: &str| {
        let head = format!(r#""index":{index},"time":{index},"type":"{kind}""#);
        writeln!(
            lines,
            r#"{{{head},"process":{process},"f":"txn","value":{value}}}"#
        )
        .unwrap();
        index += 1;
    };
    while begun < transactions || !open.is_empty() {
        let at = store.rng.random_range(0..processes.len());
        let process = processes[at];
        match open.remove(&process) {
            None if begun == transactions => {}
            None => {
                begun += 1;
                let asked = store.draw();
                line(
                    "invoke",
                    process,
                    &asked.replace("\"r\",0,7", "\"r\",0,null"),
                );
                open.insert(process, asked);
            }
            // Some are never heard of again.
            Some(_) if store.percent(1) => {
                processes[at] += clients;
            }
            Some(asked) => match store.rng.random_range(0..20) {
                0 => line("fail", process, &asked),
                1 => {
                    // It may have been done.
                    let answer = store.perform(&asked);
                    let told = if store.percent(50) { &asked } else { &answer };
                    line("info", process, told);
                    processes[at] += clients;
                }
                2 => line("ok", process, "null"),
                _ => {
                    let answer = store.perform(&asked);
                    line("ok", process, &answer);
                }
            },
        }
    }
    History::read_json_lines(lines.as_bytes()).unwrap()
}

impl Store<'_> {
    fn percent(&mut self, chance: u32) -> bool {
        self.rng.next_u32() % 100 < chance
    }

    /// Reads and writes, as JSON.
    fn draw(&mut self) -> String {
        let mut drawn = Vec::new();
        for _ in 0..self.rng.random_range(0..=4) {
            let key = self.rng.random_range(0..self.keys);
            if self.rng.random() {
                drawn.push(format!(r#"["r",{key},null]"#));
            } else {
                let value = self.value(key);
                drawn.push(format!(r#"["w",{key},{value}]"#));
            }
        }
        format!("[{}]", drawn.join(","))
    }

    /// A new value as a rule, sometimes an old one or a strange one.
    fn value(&mut self, key: u32) -> String {
        let written = self.written.entry(key).or_default();
        *written += 1;
        let value = *written;
        match self.rng.random_range(0..300) {
            0 => value.saturating_sub(1).to_string(),
            1..=4 | 9..=16 => "null".to_owned(),
            5 => format!("\"{value}\""),
            6 => format!("{value}.5"),
            7 => format!("{{\"a\": {value}}}"),
            8 => "99999999999999999999".to_owned(),
            _ => value.to_string(),
        }
    }

    fn perform(&mut self, asked: &str) -> String {
        let asked: Vec<(String, u32, serde_json::Value)> = serde_json::from_str(asked).unwrap();
        let mut done = Vec::new();
        // The writes of some are lost, and some see none of their own.
        let is_lost = self.percent(self.chaos / 2);
        let before = self.stored.clone();
        let is_blind = self.percent(self.chaos / 2);
        for (action, key, value) in asked {
            let value = if action == "w" {
                if !is_lost {
                    self.stored.insert(key, value.to_string());
                }
                value.to_string()
            } else {
                let stored = if is_blind { &before } else { &self.stored };
                let stored = stored.get(&key).cloned().unwrap_or("null".to_owned());
                self.read(key, stored)
            };
            let key = if self.rng.random_ratio(1, 1_000) {
                format!("\"{key}\"")
            } else {
                key.to_string()
            };
            done.push(format!(r#"["{action}",{key},{value}]"#));
        }
        if self.rng.random_ratio(1, 300) {
            done.push(["5", r#"["append",1,2]"#, r#"["r",1]"#][self.rng.random_range(0..3)].into());
        }
        format!("[{}]", done.join(","))
    }

    fn read(&mut self, key: u32, stored: String) -> String {
        if !self.percent(self.chaos) {
            return stored;
        }
        match self
            .rng
            .random_range(0..=self.written.get(&key).copied().unwrap_or(0))
        {
            0 => "null".to_owned(),
            value => value.to_string(),
        }
    }
}
